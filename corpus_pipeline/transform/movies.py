"""The movie tables: source records in, one consistent set of films out. Orchestrates evidence, identity and survivorship.

What is decided here is which single values survive (titles, years, running times, ratings, flags, languages, countries),
and how ids, genres and keywords are united. Identity lives in `identity`, people in `people`, plots in `plots`, the
preferences themselves in `survivorship`.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from corpus_pipeline.errors import ConfigError, ContractError
from corpus_pipeline.schema import tables as t
from corpus_pipeline.schema.fields import FIRST_YEAR, LAST_YEAR, RUNTIME_MINUTES
from corpus_pipeline.schema.render import literal
from corpus_pipeline.schema.types import Table
from corpus_pipeline.store import ascends, conform, connect
from corpus_pipeline.transform import identity, people, plots
from corpus_pipeline.transform.evidence import Values, create_evidence
from corpus_pipeline.transform.survivorship import SurvivorshipRules, source_table
from corpus_pipeline.transform.text import clean_text, register_text_functions
from corpus_pipeline.transform.vocabulary import NOT_A_GENRE, genre_synonyms, language_codes

if TYPE_CHECKING:
    import duckdb

# Arrow tables have no statistics: DuckDB takes them for one row and builds its hash tables on them. After identity the joins
# are done as written, the large side first. (Filters that a join pushes into a scan fail on Arrow tables, DuckDB 1.5.)
_JOINS_AS_WRITTEN = "SET disabled_optimizers = 'join_order,build_side_probe_side,join_filter_pushdown'"
_Lookup = dict[str, tuple[str, pa.Array | pa.ChunkedArray]]  # column: (column with its numbers, values by number)
_ATTACHED = """
CREATE TEMP TABLE attached AS
SELECT rid, mid, r.source_number, title_rank
FROM records r
JOIN assigned USING (rid)
JOIN sources USING (source_number)
"""
_ENGLISH_ALIASES = """
CREATE TEMP TABLE english_aliases AS
SELECT rid, arg_min(title_number, position) AS alias
FROM spellings
JOIN sources USING (source_number)
JOIN languages l ON l.spelling = lower(trim(language))
WHERE has_english_alias AND kind_rank = 3 AND code = 'en'
GROUP BY rid
"""


def _preference(field: str) -> str:
    """A number that orders the records of a film for `field`: priority of the source, then place in the input."""
    return f"{field}_rank * 100000000::BIGINT + rid"


# Most records name one language that is known; only the others need their list searched.
_LANGUAGES = f"""
CREATE TEMP TABLE film_languages AS
SELECT mid, arg_min(code, {_preference("language")}) AS language, arg_min(source_number, {_preference("language")}) AS source_number
FROM (
  SELECT rid, source_number, coalesce(code, CASE WHEN len(languages) > 1 THEN (
    list_filter(list_transform(languages, x -> language_of[lower(trim(x))]), x -> x IS NOT NULL)
  )[1] END) AS code
  FROM records
  LEFT JOIN languages ON spelling = lower(trim(languages[1])),
    (SELECT map(list(spelling), list(code)) AS language_of FROM languages)
  WHERE len(languages) > 0
)
JOIN assigned USING (rid)
JOIN sources USING (source_number)
WHERE code IS NOT NULL
GROUP BY mid
"""
# Record numbers are chosen first and looked up after: aggregating the values themselves costs twice the time.
# A vote count is packed with the source's place and the record's, so that the earliest of equals wins.
_RUNTIME_IS_USABLE = f"runtime_minutes BETWEEN {RUNTIME_MINUTES.minimum:.0f} AND {RUNTIME_MINUTES.maximum:.0f}"
_VOTES = "(coalesce({0}_vote_count, 0) * 1000::BIGINT - source_number) * 100000000 - rid"
_CHOSEN = f"""
CREATE TEMP TABLE chosen_records AS
SELECT
  mid,
  min({_preference("title")}) % 100000000 AS title_rid,
  min({_preference("original_title")}) FILTER (WHERE original_number IS NOT NULL) % 100000000 AS original_rid,
  min({_preference("runtime_minutes")}) FILTER (WHERE {_RUNTIME_IS_USABLE}) % 100000000 AS runtime_rid,
  min({_preference("countries")}) FILTER (WHERE len(countries) > 0) % 100000000 AS countries_rid,
  min({_preference("title")}) FILTER (WHERE kind IS NOT NULL) % 100000000 AS kind_rid,
  coalesce(bool_or(is_adult), false) AS is_adult,
  arg_max(imdb_rating, {_VOTES.format("imdb")}) FILTER (WHERE imdb_vote_count IS DISTINCT FROM 0) AS imdb_rating,
  max(imdb_vote_count) AS imdb_vote_count,
  arg_max(tmdb_rating, {_VOTES.format("tmdb")}) FILTER (WHERE tmdb_vote_count IS DISTINCT FROM 0) AS tmdb_rating,
  max(tmdb_vote_count) AS tmdb_vote_count,
  bit_or(1::BIGINT << source_number) AS source_set
FROM records
JOIN assigned USING (rid)
JOIN sources USING (source_number)
GROUP BY mid
"""
_DISPLAYED = """
CREATE TEMP TABLE displayed AS
SELECT mid, coalesce(alias, t.title_number) AS title_number, o.original_number
FROM chosen_records
JOIN facts t ON t.rid = title_rid
LEFT JOIN english_aliases a ON a.rid = title_rid
LEFT JOIN facts o ON o.rid = original_rid
"""
_YEARS = f"""
CREATE TEMP TABLE years AS
WITH stated AS (
  SELECT mid, year, source_number, min({_preference("year")}) AS preference
  FROM facts
  JOIN assigned USING (rid)
  JOIN sources USING (source_number)
  WHERE year IS NOT NULL
  GROUP BY mid, year, source_number
), votes AS (
  SELECT mid, year, arg_min(source_number, preference) AS source_number, (votes_year::BIGINT * 10000 + count(*)) * 10000 - year AS weight
  FROM stated
  JOIN sources USING (source_number)
  GROUP BY mid, year, votes_year
)
SELECT mid, arg_max(year, weight) AS year, arg_max(source_number, weight) AS source_number FROM votes GROUP BY mid
"""
_MOVIES = """
WITH source_lists AS (
  SELECT source_set, list(source ORDER BY source) AS sources
  FROM (SELECT DISTINCT source_set FROM chosen_records)
  JOIN sources ON source_set & (1::BIGINT << source_number) <> 0
  GROUP BY source_set
)
SELECT
  c.mid, d.title_number, d.original_number, y.year, runtime_rid, countries_rid, kind_rid, is_adult, l.language, plot_number,
  imdb_rating, imdb_vote_count, tmdb_rating, tmdb_vote_count,
  log10(1 + coalesce(imdb_vote_count, 0) + 10 * coalesce(tmdb_vote_count, 0)) AS popularity_score,
  sources, title_rid, y.source_number AS year_number, l.source_number AS language_number, p.source_number AS plot_source_number
FROM chosen_records c
JOIN displayed d USING (mid)
JOIN source_lists USING (source_set)
LEFT JOIN years y USING (mid)
LEFT JOIN film_languages l USING (mid)
LEFT JOIN (
  SELECT k.mid, plot_number, source_number FROM plots_ranked k JOIN plots_read USING (plot_number) WHERE k.plot_rank = 1
) p USING (mid)
ORDER BY c.mid
"""
_TITLES = f"""
WITH spelled AS (
  SELECT mid, title_number, arg_min(source_number, {_preference("title")}) AS source_number,
    arg_min(code, ({_preference("title")}) * 10000 + position) AS language,
    arg_min(CASE WHEN regexp_matches(region, '^[A-Za-z]{{2}}$') THEN upper(region) END,
        ({_preference("title")}) * 10000 + position) AS region
  FROM spellings
  JOIN assigned USING (rid)
  JOIN sources USING (source_number)
  LEFT JOIN languages ON spelling = lower(trim(language))
  GROUP BY mid, title_number
)
SELECT mid, s.title_number,
  CASE
    WHEN s.title_number = d.title_number THEN 'primary'
    WHEN s.title_number = d.original_number THEN 'original'
    ELSE 'alternative'
  END AS title_kind,
  language, region, s.source_number
FROM spelled s
JOIN titles USING (title_number)
JOIN displayed d USING (mid)
ORDER BY mid, title
"""
_WORDS = f"""
CREATE TEMP TABLE words AS
SELECT word_number, lower(trim(word)) AS term, genre, term NOT IN ('', {", ".join(map(literal, NOT_A_GENRE))}) AS is_genre_or_keyword,
  lower(trim(clean_text(word))) AS keyword
FROM words_given
LEFT JOIN synonyms ON spelling = lower(trim(word))
"""
_GENRES_READ = """
CREATE TEMP TABLE genres_read AS
SELECT DISTINCT mid, term, genre
FROM (SELECT DISTINCT mid, word_number FROM genres_given JOIN assigned USING (rid))
JOIN words USING (word_number)
WHERE is_genre_or_keyword
"""
_GENRES = "SELECT DISTINCT mid, genre FROM genres_read WHERE genre IS NOT NULL ORDER BY mid, genre"
_KEYWORDS = """
SELECT mid, keyword
FROM (
  SELECT mid, term AS keyword FROM genres_read WHERE genre IS NULL
  UNION
  SELECT mid, keyword FROM keywords_given JOIN assigned USING (rid) JOIN words USING (word_number) WHERE keyword <> ''
)
ORDER BY mid, keyword
"""
_AUTHORITY_IDS = {
    "imdb": "nullif(imdb_id, '')", "tmdb": "tmdb_id", "wikidata": "nullif(wikidata_id, '')", "movielens": "movielens_id",
    "omdb_org": "omdb_org_id", "wikipedia": "nullif(wikipedia_page, '')",
}  # fmt: skip
_IDS = f"""
SELECT mid, authority, authority_id, min({_preference("title")}) % 100000000 AS rid
FROM ({
    " UNION ALL ".join(
        f"SELECT rid, {literal(authority)} AS authority, ({column})::VARCHAR AS authority_id FROM records WHERE {column} IS NOT NULL"
        for authority, column in _AUTHORITY_IDS.items()
    )
})
JOIN attached USING (rid)
GROUP BY mid, authority, authority_id
ORDER BY mid, authority, authority_id
"""
_MERGES = "SELECT rid, mid, merge_reason FROM assigned ORDER BY rid"  # the input is sorted by this table's key
_REJECTED = f"""
SELECT *, 1 AS record_count FROM (
SELECT source, file, line, 'unusable_title' AS reason, title AS raw_text FROM unusable
UNION
SELECT source, file, line, 'dropped_year_out_of_range', year::VARCHAR FROM records
WHERE year NOT BETWEEN {FIRST_YEAR} AND {LAST_YEAR}
UNION
SELECT source, file, line, 'dropped_runtime_out_of_range', runtime_minutes::VARCHAR FROM records
WHERE runtime_minutes NOT BETWEEN {RUNTIME_MINUTES.minimum:.0f} AND {RUNTIME_MINUTES.maximum:.0f}
UNION
SELECT source, file, line, reason, left(raw_text, 2000) FROM records JOIN (FROM plots_read WHERE reason IS NOT NULL) USING (rid)
) ORDER BY ALL
"""


def build_movies(
    records: pa.Table, *, source_ranks: Mapping[str, int], rules: SurvivorshipRules | None = None
) -> Iterator[tuple[str, pa.Table]]:
    """Films from the records of all sources (schema MOVIE_RECORDS): nine core tables and `core_movies__rejected`, sorted by key.

    Each table is handed over with its name as soon as it is there, so that it can be written while the next is made.

    `source_ranks` orders the sources (smaller first, see `identity`) and must name each source of `records`.
    Every record is in `core_movie_merges`, or in the rejects with reason `unusable_title`; reasons that begin with
    `dropped_` report single values of records that did become films.
    Raises ContractError when `records` breaks its schema or key, ConfigError when a source has no rank.
    """
    rules = rules or SurvivorshipRules()
    usable, unusable = _checked(records, source_ranks)
    sources = source_table(source_ranks, rules)
    with connect({"unusable": unusable}) as con:
        _register_vocabulary(con, sources)
        values = create_evidence(con, usable, dict(zip(sources["source"].to_pylist(), sources["source_number"].to_pylist(), strict=True)))
        identity.resolve(con)
        con.execute(_JOINS_AS_WRITTEN)
        plots.create_plots(con, rules)
        people.create_credits(con, rules)
        for statement in (_ATTACHED, _ENGLISH_ALIASES, _LANGUAGES, _CHOSEN, _DISPLAYED, _YEARS, _WORDS, _GENRES_READ):
            con.execute(statement)
        yield from _core_tables(con, values)


def _checked(records: pa.Table, source_ranks: Mapping[str, int]) -> tuple[pa.Table, pa.Table]:
    """Records with a usable title, sorted by key, and those without."""
    conformed = conform(records, t.MOVIE_RECORDS)
    unranked = sorted(set(pc.unique(conformed["source"]).to_pylist()) - set(source_ranks))
    if unranked:
        raise ConfigError(
            f"building movies: sources {unranked} have no rank; known: {sorted(source_ranks)}; add them to the source registry"
        )
    if not ascends(conformed, t.MOVIE_RECORDS.key):  # tables that were written are sorted already: the sort copies every list
        conformed = conformed.sort_by([(name, "ascending") for name in t.MOVIE_RECORDS.key])
        _refuse_twins(conformed)
    unusable = [place for place in _doubtful(conformed["title"]) if not clean_text(conformed["title"][place].as_py())]
    if not unusable:
        return conformed, conformed.slice(0, 0)
    usable = pc.invert(pc.is_in(pa.arange(0, conformed.num_rows), value_set=pa.array(unusable)))
    return conformed.filter(usable), conformed.take(pa.array(unusable))


def _refuse_twins(records: pa.Table) -> None:
    counted = records.group_by(list(t.MOVIE_RECORDS.key)).aggregate([([], "count_all")])
    repeated = counted.filter(pc.greater(counted["count_all"], 1)).slice(0, 5)
    twice = list(zip(*(repeated[name].to_pylist() for name in t.MOVIE_RECORDS.key), strict=True))
    if twice:
        raise ContractError(f"building movies: (source, record_id) occurs twice, first {twice}; expected a key; repair the source's reader")


def _doubtful(titles: pa.ChunkedArray) -> list[int]:
    """Places of the titles that may be empty when cleaned: those without a plain letter or digit, and those with entities."""
    places: list[int] = pc.indices_nonzero(pc.invert(pc.match_substring_regex(titles, "^[^&]*[0-9A-Za-z][^&]*$"))).to_pylist()
    return places


def _register_vocabulary(con: "duckdb.DuckDBPyConnection", sources: pa.Table) -> None:
    register_text_functions(con)
    con.register("sources_given", sources)
    con.execute("CREATE TEMP TABLE sources AS SELECT * REPLACE (source_number::INTEGER AS source_number) FROM sources_given")
    con.register("languages_given", pa.table(dict(zip(("spelling", "code"), zip(*language_codes(), strict=True), strict=True))))
    con.register("synonyms_given", pa.table(dict(zip(("spelling", "genre"), zip(*genre_synonyms(), strict=True), strict=True))))
    for name in ("languages", "synonyms"):  # tables with statistics: an Arrow table of unknown size makes joins build on the wrong side
        con.execute(f"CREATE TEMP TABLE {name} AS FROM {name}_given")


def _core_tables(con: "duckdb.DuckDBPyConnection", values: Values) -> Iterator[tuple[str, pa.Table]]:
    credited = people.people_table(con)
    looked_up = _lookups(con, values, credited["person_id"])

    def completed(table: Table, rows: pa.Table) -> tuple[str, pa.Table]:
        return table.name, _completed(rows, table, looked_up.get(table, {}))

    yield completed(t.MOVIES, con.execute(_MOVIES).to_arrow_table())
    yield completed(t.PLOTS, plots.plots_table(con))
    yield completed(t.CREDITS, people.credits_table(con))
    yield completed(t.PEOPLE, credited)
    statements = {
        t.TITLES: _TITLES, t.MOVIE_GENRES: _GENRES, t.KEYWORDS: _KEYWORDS, t.MOVIE_IDS: _IDS, t.MOVIE_MERGES: _MERGES,
        t.MOVIES_REJECTED: _REJECTED,
    }  # fmt: skip
    for table, statement in statements.items():
        yield completed(table, con.execute(statement).to_arrow_table())


def _lookups(con: "duckdb.DuckDBPyConnection", values: Values, person_ids: pa.ChunkedArray) -> dict[Table, _Lookup]:
    """Per table the columns that its statement names by number: what is sorted and joined there is integers."""
    records, titles, credits = values.records, values.titles, values.people
    names = con.execute("SELECT source FROM sources ORDER BY source_number").to_arrow_table()["source"]
    sources = pa.array([None, *names.to_pylist()], pa.string())  # source numbers start at 1
    film = {"movie_id": ("mid", con.execute("SELECT movie_id FROM movie_names ORDER BY mid").to_arrow_table()["movie_id"])}
    of_record: _Lookup = {"source": ("rid", records["source"])}
    of_number: _Lookup = {"source": ("source_number", sources)}
    return {
        t.MOVIES: film | {
            "title": ("title_number", titles["title"]), "original_title": ("original_number", titles["title"]),
            "runtime_minutes": ("runtime_rid", records["runtime_minutes"]), "kind": ("kind_rid", records["kind"]),
            "countries": ("countries_rid", records["countries"]), "plot": ("plot_number", values.plots),
            "title_source": ("title_rid", records["source"]), "year_source": ("year_number", sources),
            "runtime_source": ("runtime_rid", records["source"]), "language_source": ("language_number", sources),
            "plot_source": ("plot_source_number", sources),
        },
        t.TITLES: film | of_number | {"title": ("title_number", titles["title"]), "title_key": ("title_number", titles["title_key"])},
        t.CREDITS: film | {
            "person_id": ("person_place", person_ids), "character": ("credit_number", credits["character"]),
            "rid": ("credit_number", credits["rid"]), "source": ("rid", records["source"]),
        },
        t.MOVIE_GENRES: film,
        t.KEYWORDS: film,
        t.PLOTS: film | of_number | {"text": ("plot_number", values.plots)},
        t.MOVIE_IDS: film | of_record,
        t.MOVIE_MERGES: film | of_record | {"record_id": ("rid", records["record_id"])},
    }  # fmt: skip


def _completed(rows: pa.Table, table: Table, looked_up: _Lookup) -> pa.Table:
    for name, (number, values) in looked_up.items():
        whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        rows = rows.append_column(name, whole.take(rows[number].combine_chunks()))
    if table is t.MOVIES:
        rows = rows.set_column(rows.column_names.index("kind"), "kind", pc.fill_null(rows["kind"], "movie"))
    return conform(rows.select(table.column_names), table)
