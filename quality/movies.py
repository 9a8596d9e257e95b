"""What a schema cannot say about films: coverage, provenance, crosswalk, partitions by source.

`rules` have bounds that follow from what the words mean; `quantities` are bounded by a profile's baseline.
"""

from collections.abc import Iterator, Sequence

from corpus_pipeline.schema.fields import AUTHORITIES
from corpus_pipeline.schema.render import literal
from quality.expectations import Expectation, Quantity, aggregate, counted, empty, no_rows

# popularity_score is log10(1 + votes), so this is one hundred IMDb votes or ten TMDB votes.
POPULAR = "popularity_score >= log10(101)"
_ID_SHAPES = {
    "imdb": "tt[0-9]{7,}",
    "wikidata": "Q[1-9][0-9]*",
    "tmdb": "[1-9][0-9]*",
    "movielens": "[1-9][0-9]*",
    "omdb_org": "[1-9][0-9]*",
}
_SOURCED = (("year", "year_source"), ("runtime_minutes", "runtime_source"), ("language", "language_source"), ("plot", "plot_source"))


def rules(*, minimum_movies: int, sources: Sequence[str]) -> tuple[Expectation, ...]:
    """Expectations on films with bounds of their own. `sources` are the declared movie sources of the profile."""
    return (*_floor(minimum_movies), *_partitions(sources), *_shapes(), *_titles(), *_provenance(), *_derived())


def quantities(*, sources: Sequence[str]) -> tuple[Quantity, ...]:
    """Numbers on films that a baseline must bound."""
    return (*_sizes(sources), *_shares(), *_crosswalk())


def _floor(minimum_movies: int) -> Iterator[Expectation]:
    description = f"At least the {minimum_movies:,} films that the profile promises."
    yield aggregate("core_movies.row_floor", expression="count(*)", description=description).bounded(minimum_movies, None)


def _partitions(sources: Sequence[str]) -> Iterator[Expectation]:
    declared = ", ".join(map(literal, sources))
    yield aggregate(
        "core_movie_merges.declared_sources",
        expression=f"count(DISTINCT source) FILTER (WHERE source IN ({declared}))",
        description="Every declared source has brought records.",
    ).bounded(len(set(sources)), len(set(sources)))
    for table, key in (("core_movie_merges", "record_id"), ("core_movies__rejected", "file")):
        yield no_rows(
            f"{table}.undeclared_source",
            where=f"source NOT IN ({declared})",
            keys=("source", key),
            description="No record comes from a source that the profile does not declare.",
        )


def _shapes() -> Iterator[Expectation]:
    for table, column, shape in (("core_movies", "movie_id", "mq[0-9a-f]{12}"), ("core_people", "person_id", "pp[0-9a-f]{12}")):
        where = f"NOT regexp_full_match({column}, {literal(shape)})"
        yield no_rows(f"{table}.{column}.shape", where=where, keys=(column,), description=f"Every {column} reads {shape}.")
    for authority, shape in _ID_SHAPES.items():
        where = f"authority = {literal(authority)} AND NOT regexp_full_match(authority_id, {literal(shape)})"
        yield no_rows(
            f"core_movie_ids.shape.{authority}",
            where=where,
            keys=("movie_id", "authority", "authority_id"),
            description=f"Every {authority} id reads {shape}.",
        )
    for table in ("core_movies__rejected", "core_dialogues__rejected"):
        yield no_rows(
            f"{table}.reason.shape",
            where="NOT regexp_full_match(reason, '[a-z][a-z0-9]*(_[a-z0-9]+)*')",
            keys=("source", "file", "line", "reason"),
            description="Every reject has a reason code in lower_snake_case.",
        )


def _titles() -> Iterator[Expectation]:
    yield no_rows("core_movies.title.not_blank", where="trim(title) = ''", keys=("movie_id",), description="No film has a blank title.")
    yield no_rows(
        "core_titles.title_key.not_blank",
        where="trim(title_key) = ''",
        keys=("movie_id", "title"),
        description="Every title can be found by its key.",
    )
    yield empty(
        "core_titles.one_primary",
        rows="SELECT movie_id, count(t.title) AS primary_count FROM core_movies LEFT JOIN "
        "(SELECT movie_id, title FROM core_titles WHERE title_kind = 'primary') AS t USING (movie_id) GROUP BY ALL "
        "HAVING count(t.title) <> 1",
        description="Every film has exactly one primary title.",
    )
    yield empty(
        "core_titles.primary_is_displayed",
        rows="SELECT movie_id, t.title AS primary_title, m.title AS displayed FROM core_titles AS t "
        "JOIN core_movies AS m USING (movie_id) "
        "WHERE t.title_kind = 'primary' AND t.title <> m.title",
        description="The primary title is the one displayed.",
    )


def _provenance() -> Iterator[Expectation]:
    yield empty(
        "core_movies.has_merge",
        rows="SELECT movie_id FROM core_movies ANTI JOIN core_movie_merges USING (movie_id)",
        description="Every film comes from at least one source record.",
    )
    yield empty(
        "core_movies.sources.from_merges",
        rows="SELECT movie_id, m.sources, s.sources AS merged FROM core_movies AS m JOIN ("
        "SELECT movie_id, list_sort(list(DISTINCT source)) AS sources "
        "FROM core_movie_merges GROUP BY movie_id) AS s USING (movie_id) WHERE m.sources IS DISTINCT FROM s.sources",
        description="The sources of a film are those of its records, sorted.",
    )
    unnamed = " OR ".join(f"({value} IS NULL) <> ({source} IS NULL)" for value, source in _SOURCED)
    yield no_rows(
        "core_movies.values_name_their_source",
        where=unnamed,
        keys=("movie_id",),
        description="Year, running time, language and plot name their source, and no absent value does.",
    )
    yield empty(
        "core_people.is_credited",
        rows="SELECT person_id, name FROM core_people ANTI JOIN core_credits USING (person_id)",
        description="Every person is credited on a film.",
    )


def _derived() -> Iterator[Expectation]:
    yield no_rows(
        "core_movies.popularity_score.from_votes",
        where="abs(popularity_score - log10(1 + coalesce(imdb_vote_count, 0) + 10 * coalesce(tmdb_vote_count, 0))) > 0.001",
        keys=("movie_id", "popularity_score"),
        description="The popularity score is log10(1 + IMDb votes + 10 * TMDB votes).",
    )
    yield no_rows(
        "core_movies.rating_needs_votes",
        where="(imdb_vote_count = 0 AND imdb_rating IS NOT NULL) OR (tmdb_vote_count = 0 AND tmdb_rating IS NOT NULL)",
        keys=("movie_id",),
        description="No votes, no rating.",
    )
    yield empty(
        "core_plots.ranks_count_from_one",
        rows="SELECT movie_id, count(*) AS plot_count, max(plot_rank) AS last_rank FROM core_plots GROUP BY movie_id "
        "HAVING max(plot_rank) <> count(*)",
        description="The plots of a film are ranked 1, 2, 3, ... without a gap.",
    )
    yield empty(
        "core_plots.first_is_displayed",
        rows="SELECT movie_id FROM core_movies AS m FULL JOIN (SELECT movie_id, text FROM core_plots "
        "WHERE plot_rank = 1) AS p USING (movie_id) "
        "WHERE m.plot IS DISTINCT FROM p.text",
        description="The displayed plot is the first of the film's plots.",
    )


def _sizes(sources: Sequence[str]) -> Iterator[Quantity]:
    yield aggregate("core_movies.rows", expression="count(*)", description="Number of films.")
    yield aggregate("core_credits.rows", expression="count(*)", description="Number of credits.")
    for source in sources:
        yield aggregate(
            f"core_movie_merges.records.{source}",
            expression=f"count(*) FILTER (WHERE source = {literal(source)})",
            description=f"Records of {source} that became part of a film.",
        )
    yield Quantity(
        name="core_movies__rejected.share",
        sql="SELECT r.n / (r.n + m.n) FROM (SELECT coalesce(sum(record_count), 0) AS n FROM core_movies__rejected "
        "WHERE reason NOT IN ('orphan', 'out_of_scope')) AS r, (SELECT count(*) AS n FROM core_movie_merges) AS m",
        description="Quarantined movie records among all that were read, not counting rows about series and episodes.",
    )


def _shares() -> Iterator[Quantity]:
    for name, condition, what in (
        ("year_share", "year IS NOT NULL", "a year"),
        ("runtime_share", "runtime_minutes IS NOT NULL", "a running time"),
    ):
        yield aggregate(f"core_movies.{name}", expression=_share(condition), description=f"Films with {what}.")
    yield aggregate(
        "core_movies.popular_plot_share",
        expression=_popular_share("plot IS NOT NULL"),
        description="Films with a plot among those with a hundred votes (among all where none has).",
    )
    yield Quantity(
        name="core_movies.popular_genre_share",
        sql=f"SELECT {_popular_share('g.movie_id IS NOT NULL')} FROM core_movies AS m LEFT JOIN (SELECT DISTINCT movie_id "
        f"FROM core_genres) AS g USING (movie_id)",
        description="Films with a genre among those with a hundred votes (among all where none has).",
    )
    yield Quantity(
        name="core_movies.findable_share",
        sql="SELECT avg(CAST(t.movie_id IS NOT NULL AS INTEGER)) FROM core_movies AS m LEFT JOIN "
        "(SELECT DISTINCT movie_id FROM core_titles WHERE trim(title_key) <> '') AS t USING (movie_id)",
        description="Films with at least one title that can be searched.",
    )


def _share(condition: str) -> str:
    return f"avg(CAST({condition} AS INTEGER))"


def _popular_share(condition: str) -> str:
    # A catalogue without votes has no popular films; a null there would read as a failure of coverage.
    return f"coalesce({_share(condition)} FILTER (WHERE {POPULAR}), {_share(condition)})"


def _crosswalk() -> Iterator[Quantity]:
    for authority in AUTHORITIES:
        of_authority = f"SELECT * FROM core_movie_ids WHERE authority = {literal(authority)}"
        yield counted(
            f"core_movie_ids.shared.{authority}",
            rows=f"SELECT authority_id, list_sort(list(DISTINCT movie_id)) AS movies FROM ({of_authority}) "
            f"GROUP BY authority_id HAVING count(DISTINCT movie_id) > 1",
            description=f"Ids of {authority} that are held by more than one film.",
        )
        yield counted(
            f"core_movie_ids.several.{authority}",
            rows=f"SELECT movie_id, list_sort(list(authority_id)) AS ids FROM ({of_authority}) GROUP BY movie_id HAVING count(*) > 1",
            description=f"Films that hold more than one id of {authority}.",
        )
    yield Quantity(
        name="core_movies.same_title_year_share",
        sql="SELECT coalesce(sum(n) FILTER (WHERE n > 1), 0) / sum(n) FROM (SELECT count(*) AS n FROM core_movies AS m "
        "JOIN core_titles AS t "
        "USING (movie_id) WHERE t.title_kind = 'primary' AND m.year IS NOT NULL GROUP BY t.title_key, m.year)",
        description="Films that share primary title and year with another: rises when merging breaks down.",
    )
