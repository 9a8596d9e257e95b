"""Views about films, people and sources.

Lists are gathered in correlated subqueries: DuckDB then visits only the films that the outer query keeps, where a join
with an aggregate would gather all of them first.
"""

from corpus_pipeline.views.view import View

CAST_SIZE = 5  # names in a card; the whole cast is in `filmographies`

_ID = "Marquee's stable movie id."


def _names(role: str, limit: str = "") -> str:
    return f"""(
        SELECT list(name ORDER BY position, credits.person_id){limit}
        FROM core_credits AS credits JOIN core_people USING (person_id)
        WHERE credits.movie_id = movies.movie_id AND role = '{role}'
    )"""


def _authority(authority: str) -> str:
    return f"(SELECT min(authority_id) FROM core_movie_ids AS ids WHERE ids.movie_id = movies.movie_id AND authority = '{authority}')"


MOVIE_CARDS = View(
    "movie_cards",
    "One row per film with all that a reader wants on one card.",
    {
        "movie_id": _ID,
        "title": "Title as displayed.",
        "original_title": "Title in the original language.",
        "year": "Year of first release.",
        "runtime_minutes": "Running time in minutes.",
        "kind": "Form of the film.",
        "language": "Original language.",
        "countries": "Production countries.",
        "genres": "Genres, sorted.",
        "directors": "Directors in billing order.",
        "writers": "Writers in billing order.",
        "top_cast": f"First {CAST_SIZE} actors in billing order.",
        "plot": "The surviving plot text.",
        "plot_source": "Source of the plot; its licence hangs on it.",
        "imdb_rating": "Mean IMDb rating.",
        "imdb_vote_count": "Number of IMDb votes.",
        "tmdb_rating": "Mean TMDB rating.",
        "tmdb_vote_count": "Number of TMDB votes.",
        "popularity_score": "log10 of the votes.",
        "imdb_id": "IMDb title id.",
        "tmdb_id": "TMDB movie id.",
        "wikidata_id": "Wikidata item id.",
        "movielens_id": "MovieLens movie id.",
        "sources": "Sources with a record of the film.",
    },
    f"""
    SELECT
        movie_id, title, original_title, year, runtime_minutes, kind, language, countries,
        (SELECT list(genre ORDER BY genre) FROM core_genres AS genres WHERE genres.movie_id = movies.movie_id) AS genres,
        {_names("director")} AS directors,
        {_names("writer")} AS writers,
        {_names("actor", f"[1:{CAST_SIZE}]")} AS top_cast,
        plot, plot_source, imdb_rating, imdb_vote_count, tmdb_rating, tmdb_vote_count, popularity_score,
        {_authority("imdb")} AS imdb_id,
        {_authority("tmdb")} AS tmdb_id,
        {_authority("wikidata")} AS wikidata_id,
        {_authority("movielens")} AS movielens_id,
        sources
    FROM core_movies AS movies
    """,
)

FILMOGRAPHIES = View(
    "filmographies",
    "Every credit with the person's name and the film's title.",
    {
        "person_id": "Marquee's person id.",
        "name": "Name as displayed.",
        "name_key": "Normalised name, for look-up.",
        "imdb_person_id": "IMDb name id.",
        "role": "director, writer or actor.",
        "position": "Billing order inside the role.",
        "character": "Character played.",
        "movie_id": _ID,
        "title": "Title of the film.",
        "year": "Year of first release.",
        "imdb_rating": "Mean IMDb rating of the film.",
        "popularity_score": "log10 of the film's votes.",
    },
    """
    SELECT person_id, name, name_key, imdb_person_id, role, position, character, movie_id, title, year, imdb_rating, popularity_score
    FROM core_credits
    JOIN core_people USING (person_id)
    JOIN core_movies USING (movie_id)
    """,
)

ALL_TITLES = View(
    "all_titles",
    "Every spelling of every title beside the film it belongs to; look up by title_key.",
    {
        "title_key": "Normalised title.",
        "spelled": "The spelling.",
        "title_kind": "primary, original or alternative.",
        "language": "Language of the spelling.",
        "region": "Region of the spelling.",
        "movie_id": _ID,
        "title": "Title as displayed.",
        "year": "Year of first release.",
        "popularity_score": "log10 of the votes.",
    },
    """
    SELECT title_key, titles.title AS spelled, title_kind, titles.language, region, movie_id, movies.title, year, popularity_score
    FROM core_titles AS titles
    JOIN core_movies AS movies USING (movie_id)
    """,
)

ID_CROSSWALK = View(
    "id_crosswalk",
    "One row per film with each authority's ids; lists, because an authority may hold a film twice.",
    {
        "movie_id": _ID,
        "title": "Title as displayed.",
        "year": "Year of first release.",
        "imdb_ids": "IMDb title ids.",
        "tmdb_ids": "TMDB movie ids.",
        "wikidata_ids": "Wikidata item ids.",
        "movielens_ids": "MovieLens movie ids.",
        "omdb_org_ids": "omdb.org movie ids.",
        "wikipedia_pages": "English Wikipedia pages.",
    },
    """
    SELECT
        movie_id, title, year,
        list(authority_id ORDER BY authority_id) FILTER (authority = 'imdb') AS imdb_ids,
        list(authority_id ORDER BY authority_id) FILTER (authority = 'tmdb') AS tmdb_ids,
        list(authority_id ORDER BY authority_id) FILTER (authority = 'wikidata') AS wikidata_ids,
        list(authority_id ORDER BY authority_id) FILTER (authority = 'movielens') AS movielens_ids,
        list(authority_id ORDER BY authority_id) FILTER (authority = 'omdb_org') AS omdb_org_ids,
        list(authority_id ORDER BY authority_id) FILTER (authority = 'wikipedia') AS wikipedia_pages
    FROM core_movies
    LEFT JOIN core_movie_ids USING (movie_id)
    GROUP BY movie_id, title, year
    """,
)

SOURCE_COVERAGE = View(
    "source_coverage",
    "What each source brought: records, films, films nobody else has, and how often its facts survived.",
    {
        "source": "Key of the source.",
        "record_count": "Records that became part of a film.",
        "movie_count": "Films with a record of this source.",
        "only_here_count": "Films that no other source has.",
        "title_count": "Films whose displayed title is this source's.",
        "plot_count": "Films whose surviving plot is this source's.",
    },
    """
    WITH records AS (
        SELECT source, count(*) AS record_count FROM core_movie_merges GROUP BY source
    ), films AS (
        SELECT unnest(sources) AS source, len(sources) = 1 AS is_only, title_source, plot_source FROM core_movies
    ), facts AS (
        SELECT source, count(*) AS movie_count, count(*) FILTER (is_only) AS only_here_count,
            count(*) FILTER (title_source = source) AS title_count, count(*) FILTER (plot_source = source) AS plot_count
        FROM films GROUP BY source
    )
    SELECT source, coalesce(record_count, 0) AS record_count, movie_count, only_here_count, title_count, plot_count
    FROM facts LEFT JOIN records USING (source)
    """,
)

GENRE_DECADES = View(
    "genre_decades",
    "Films per genre and decade with their ratings and mentions; a film counts once in each of its genres.",
    {
        "genre": "Genre.",
        "decade_year": "First year of the decade.",
        "movie_count": "Films.",
        "mean_imdb_rating": "Mean IMDb rating of the rated films, each film weighing one.",
        "mention_count": "Gold mentions of these films, all data sets and splits.",
    },
    """
    WITH mentioned AS (
        SELECT movie_id, count(*) AS mentions FROM link_mentions WHERE movie_id IS NOT NULL GROUP BY movie_id
    )
    SELECT genre, year // 10 * 10 AS decade_year, count(*) AS movie_count, avg(imdb_rating) AS mean_imdb_rating,
        coalesce(sum(mentions), 0)::BIGINT AS mention_count
    FROM core_genres
    JOIN core_movies USING (movie_id)
    LEFT JOIN mentioned USING (movie_id)
    WHERE year IS NOT NULL
    GROUP BY genre, decade_year
    """,
)

REJECTED_COUNTS = View(
    "rejected_counts",
    "How many records were read and not accepted, by table, source and reason.",
    {"table_name": "Table the record was read for.", "source": "Source.", "reason": "Reason code.", "record_count": "Records."},
    """
    SELECT 'core_movies' AS table_name, source, reason, sum(record_count)::BIGINT AS record_count
    FROM core_movies__rejected GROUP BY source, reason
    UNION ALL
    SELECT 'core_dialogues', source, reason, sum(record_count)::BIGINT FROM core_dialogues__rejected GROUP BY source, reason
    UNION ALL
    SELECT 'core_interactions', source, reason, sum(record_count)::BIGINT FROM core_interactions__rejected GROUP BY source, reason
    """,
)

MOVIE_VIEWS = (MOVIE_CARDS, FILMOGRAPHIES, ALL_TITLES, ID_CROSSWALK, SOURCE_COVERAGE, GENRE_DECADES, REJECTED_COUNTS)
