"""Facts of films as models read them: one row per film, lists in order of importance. What is made of them is decided elsewhere."""

from collections.abc import Sequence

import pyarrow as pa

from corpus_pipeline import store
from corpus_pipeline.release import Release
from corpus_pipeline.schema import tables as t

# Every film that a data set names, then the most popular others.
_CHOSEN = """
    WITH named AS (SELECT DISTINCT movie_id FROM link_dialogue_movies WHERE movie_id IS NOT NULL),
    marked AS (SELECT movie_id, popularity_score, movie_id IN (SELECT movie_id FROM named) AS is_named FROM core_movies)
    SELECT movie_id FROM marked
    QUALIFY is_named OR row_number() OVER (ORDER BY is_named, popularity_score DESC, movie_id) <= $most_popular
    ORDER BY movie_id
"""
_FACTS = """
    WITH people AS (
        SELECT movie_id,
               list(name ORDER BY position, name) FILTER (role = 'director') AS directors,
               list(name ORDER BY position, name) FILTER (role = 'actor') AS "cast"
        FROM core_credits JOIN core_people USING (person_id) SEMI JOIN chosen USING (movie_id) GROUP BY movie_id
    ),
    kinds AS (SELECT movie_id, list(genre ORDER BY genre) AS genres FROM core_genres SEMI JOIN chosen USING (movie_id) GROUP BY movie_id),
    topics AS (
        SELECT movie_id, list(keyword ORDER BY keyword) AS keywords FROM core_keywords SEMI JOIN chosen USING (movie_id) GROUP BY movie_id
    ),
    names AS (SELECT movie_id, list(title ORDER BY title) AS titles FROM core_titles SEMI JOIN chosen USING (movie_id) GROUP BY movie_id)
    SELECT movie_id, title, year, coalesce(genres, []) AS genres, coalesce(directors, []) AS directors, coalesce("cast", []) AS "cast",
           coalesce(keywords, []) AS keywords, coalesce(titles, []) AS titles, plot, popularity_score
    FROM core_movies SEMI JOIN chosen USING (movie_id)
    LEFT JOIN people USING (movie_id) LEFT JOIN kinds USING (movie_id) LEFT JOIN topics USING (movie_id) LEFT JOIN names USING (movie_id)
    ORDER BY movie_id
"""
_TABLES = (t.MOVIES, t.CREDITS, t.PEOPLE, t.MOVIE_GENRES, t.KEYWORDS, t.TITLES)


def chosen_films(release: Release, *, most_popular: int) -> list[str]:
    """Ids of every film that a data set names and of the `most_popular` others, ascending."""
    tables = {table.name: release.table(table) for table in (t.MOVIES, t.LINK_DIALOGUE_MOVIES)}
    with store.connect(tables) as con:
        return [row[0] for row in con.execute(_CHOSEN, {"most_popular": most_popular}).fetchall()]


def film_facts(release: Release, movie_ids: Sequence[str]) -> pa.Table:
    """A row for each of `movie_ids` that the release has, by id: title, year, genres, people, keywords, titles, plot, popularity."""
    tables = {table.name: release.table(table) for table in _TABLES}
    with store.connect({**tables, "chosen": pa.table({"movie_id": pa.array(sorted(set(movie_ids)), pa.string())})}) as con:
        return con.execute(_FACTS).to_arrow_table()


def dataset_films(release: Release, dataset: str) -> list[str]:
    """Ids of the films that a data set names, ascending."""
    links = release.table(t.LINK_DIALOGUE_MOVIES)
    pairs = zip(links["dataset"].to_pylist(), links["movie_id"].to_pylist(), strict=True)
    return sorted({movie for name, movie in pairs if name == dataset and movie})
