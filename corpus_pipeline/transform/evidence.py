"""From source records to narrow evidence: cleaned facts, title keys, ids, people, running times, and groups inside a source.

Strings become numbers here, each distinct one once: joining and grouping integers costs a fraction of joining text.
Tables made (`rid` is the place of a usable record in the input, which is sorted by source and record_id):
`records` (the input with its numbers), `facts` (numbers of a record that is compared), `titles` (every cleaned spelling with
its key), `spellings` (every title of a record), `names` (every person name with its key), `person_ids`, `credits_read`,
`grouped` (rid -> gid, the first record of its group) and the `group_*` tables, the evidence that `identity` compares.
An id_number is 4 * the id + its authority. Nothing is decided between sources here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from corpus_pipeline.schema.fields import FIRST_YEAR, LAST_YEAR, RUNTIME_MINUTES
from corpus_pipeline.schema.render import literal
from corpus_pipeline.transform.text import clean_texts, name_keys, title_keys
from corpus_pipeline.transform.vocabulary import NOT_A_PERSON

if TYPE_CHECKING:
    import duckdb

BILLED_ACTORS = 10  # actors beyond the tenth are seldom listed by two sources and cost join time
IMDB, TMDB, WIKIDATA = range(3)  # id_number % 4

_FACTS = f"""
CREATE TEMP TABLE facts AS
SELECT
  rid,
  source_number,
  title_number,
  original_number,
  CASE WHEN year BETWEEN {FIRST_YEAR} AND {LAST_YEAR} THEN year END AS year,
  CASE WHEN runtime_minutes BETWEEN {RUNTIME_MINUTES.minimum:.0f} AND {RUNTIME_MINUTES.maximum:.0f} THEN runtime_minutes END
    AS runtime_minutes,
  imdb_number * 4::BIGINT + {IMDB} AS imdb,
  tmdb_id * 4::BIGINT + {TMDB} AS tmdb,
  wikidata_number * 4::BIGINT + {WIKIDATA} AS wikidata
FROM records
"""
_SPELLINGS = """
CREATE TEMP TABLE spellings AS
SELECT rid, source_number, title_number, 1 AS kind_rank, NULL::VARCHAR AS language, NULL::VARCHAR AS region, 0 AS position FROM facts
UNION ALL
SELECT rid, source_number, original_number, 2, NULL, NULL, 0 FROM facts WHERE original_number IS NOT NULL
UNION ALL
SELECT rid, source_number, a.title_number, 3, language, region, listed
FROM alternatives a
JOIN facts USING (rid)
WHERE a.title_number IS NOT NULL
"""
_CREDITS_READ = """
CREATE TEMP TABLE credits_read AS
SELECT rid, source_number, role, coalesce(position, listed) AS position, credit_number, id_number, person_number,
  CASE WHEN person_number IS NOT NULL THEN spelling_number END AS spelling_number
FROM credits_given
WHERE person_number IS NOT NULL OR id_number IS NOT NULL
"""
_NAMES = f"""
CREATE TEMP TABLE names AS
SELECT spelling_number, name, name_key, dense_rank() OVER (ORDER BY name_key)::INTEGER AS person_number
FROM names_given
WHERE regexp_matches(name_key, '\\pL') AND lower(name) NOT IN ({", ".join(map(literal, NOT_A_PERSON))})
"""
# A record without imdb_id joins the film that its tmdb_id or wikidata_id names in the same source, when that is one film.
# Records without any id are twins when title, year, running time and directors are all equal and one of the last two is known.
_GROUPED = """
CREATE TEMP TABLE grouped AS
WITH tmdb_film AS (
  SELECT source_number, tmdb, min(imdb) AS imdb FROM facts
  WHERE tmdb IS NOT NULL AND imdb IS NOT NULL GROUP BY ALL HAVING min(imdb) = max(imdb)
), wikidata_film AS (
  SELECT source_number, wikidata, min(imdb) AS imdb FROM facts
  WHERE wikidata IS NOT NULL AND imdb IS NOT NULL GROUP BY ALL HAVING min(imdb) = max(imdb)
), keyed AS (
  SELECT rid, f.source_number, coalesce(f.imdb, t.imdb, CASE WHEN f.tmdb IS NULL THEN w.imdb END, f.tmdb, f.wikidata) AS film
  FROM facts f
  LEFT JOIN tmdb_film t ON t.source_number = f.source_number AND t.tmdb = f.tmdb
  LEFT JOIN wikidata_film w ON w.source_number = f.source_number AND w.wikidata = f.wikidata
), founders AS (
  SELECT source_number, film, min(rid) AS gid FROM keyed WHERE film IS NOT NULL GROUP BY ALL
), nameless AS (
  SELECT rid, source_number, year, runtime_minutes, key_number
  FROM facts
  JOIN titles USING (title_number)
  WHERE imdb IS NULL AND tmdb IS NULL AND wikidata IS NULL
), directors AS (
  SELECT rid, list_sort(list(DISTINCT person_number)) AS directors
  FROM credits_read SEMI JOIN nameless USING (rid)
  WHERE role = 'director' AND person_number IS NOT NULL GROUP BY rid
)
SELECT rid, gid, source_number FROM keyed JOIN founders USING (source_number, film)
UNION ALL
SELECT n.rid, CASE WHEN n.year IS NOT NULL AND (n.runtime_minutes IS NOT NULL OR directors IS NOT NULL)
  THEN min(n.rid) OVER (PARTITION BY n.source_number, key_number, n.year, n.runtime_minutes, directors) ELSE n.rid END, n.source_number
FROM nameless n
LEFT JOIN directors USING (rid)
"""
_GROUP_TABLES = (
    """
CREATE TEMP TABLE group_ids AS
SELECT DISTINCT gid, source_number, (id_number % 4)::TINYINT AS authority, id_number FROM (
  SELECT rid, imdb AS id_number FROM facts WHERE imdb IS NOT NULL
  UNION ALL SELECT rid, tmdb FROM facts WHERE tmdb IS NOT NULL
  UNION ALL SELECT rid, wikidata FROM facts WHERE wikidata IS NOT NULL
) JOIN grouped USING (rid)
""",
    """
CREATE TEMP TABLE group_years AS
SELECT DISTINCT gid, f.source_number, year FROM facts f JOIN grouped USING (rid) WHERE year IS NOT NULL
""",
    """
CREATE TEMP TABLE group_keys AS
SELECT gid, s.source_number, key_number, bool_or(kind_rank = 1) AS is_primary
FROM spellings s JOIN titles USING (title_number) JOIN grouped USING (rid) GROUP BY ALL
""",
    """
CREATE TEMP TABLE group_runtimes AS
SELECT DISTINCT gid, f.source_number, runtime_minutes FROM facts f JOIN grouped USING (rid) WHERE runtime_minutes IS NOT NULL
""",
    f"""
CREATE TEMP TABLE group_people AS
SELECT gid, c.source_number, person_number, bool_or(role = 'director') AS is_director
FROM credits_read c JOIN grouped USING (rid)
WHERE person_number IS NOT NULL AND (role <> 'actor' OR position <= {BILLED_ACTORS}) GROUP BY ALL
""",
)


@dataclass(frozen=True, slots=True)
class Values:
    """Columns that no statement compares: chosen by number in SQL, looked up here when the tables are put together."""

    records: pa.Table  # by rid
    titles: pa.Table  # by title_number
    people: pa.Table  # by credit_number
    plots: pa.Array  # cleaned texts by plot_number


def create_evidence(con: "duckdb.DuckDBPyConnection", records: pa.Table, source_numbers: Mapping[str, int]) -> Values:
    """Make the evidence tables on `con` from usable `records` (schema MOVIE_RECORDS, sorted by source and record_id)."""
    numbered, titles = _register_records(con, records, source_numbers)
    con.execute(_FACTS)
    con.execute(_SPELLINGS)
    people = _register_credits(con, records, numbered["source_number"])
    for statement in (_GROUPED, *_GROUP_TABLES):
        con.execute(statement)
    return Values(numbered, titles, people, _register_plots(con, records))


def _register_records(con: "duckdb.DuckDBPyConnection", records: pa.Table, source_numbers: Mapping[str, int]) -> tuple[pa.Table, pa.Table]:
    alternatives = _listed(records["alternative_titles"])
    (given, originals, others), spelled = numbered(records["title"], records["original_title"], alternatives["title"])
    (cleaned,), distinct = numbered(_present(clean_texts(spelled)))
    titles = _register_titles(con, distinct)
    (sources,), source_names = numbered(records["source"])
    in_order = pa.array([source_numbers[name] for name in source_names.to_pylist()], pa.int32())
    columns = {
        "rid": places(records.num_rows), "source_number": in_order.take(sources),
        "title_number": cleaned.take(given), "original_number": cleaned.take(originals),
        "imdb_number": numbered(_present(records["imdb_id"]))[0][0],
        "wikidata_number": numbered(_present(records["wikidata_id"]))[0][0],
    }  # fmt: skip
    for name, column in columns.items():
        records = records.append_column(name, column)
    con.register("records", records)
    _register_words(con, records)
    con.register("alternatives", alternatives.drop_columns(["title"]).append_column("title_number", cleaned.take(others)))
    return records, titles


def _register_words(con: "duckdb.DuckDBPyConnection", records: pa.Table) -> None:
    genres, keywords = _listed(records["genres"]), _listed(records["keywords"])
    numbers, words = numbered(genres["value"], keywords["value"])
    for name, listed, number in zip(("genres_given", "keywords_given"), (genres, keywords), numbers, strict=True):
        con.register(name, pa.table({"rid": listed["rid"], "word_number": number}))
    con.register("words_given", pa.table({"word_number": places(len(words)), "word": words}))


def _register_titles(con: "duckdb.DuckDBPyConnection", distinct: pa.Array) -> pa.Table:
    keys = title_keys(distinct)
    columns = {"title_number": places(len(distinct)), "title": distinct, "title_key": keys, "key_number": numbered(keys)[0][0]}
    titles = pa.table(columns)
    con.register("titles_read", titles)
    con.execute("CREATE TEMP TABLE titles AS FROM titles_read")
    return titles


def _register_credits(con: "duckdb.DuckDBPyConnection", records: pa.Table, source_numbers: pa.ChunkedArray) -> pa.Table:
    people = _listed(records["people"])
    (given,), names = numbered(people["name"])
    (spelled,), distinct = numbered(_present(clean_texts(names)))
    con.register("names_given", pa.table({"spelling_number": places(len(distinct)), "name": distinct, "name_key": name_keys(distinct)}))
    con.execute(_NAMES)
    persons = con.execute("SELECT person_number FROM names_given LEFT JOIN names USING (spelling_number) ORDER BY spelling_number")
    person_of = persons.to_arrow_table()["person_number"].combine_chunks()
    (ids,), person_ids = numbered(_present(people["imdb_person_id"]))
    ranks = pc.add(pc.inverse_permutation(pc.sort_indices(person_ids).cast(pa.int32())), 1)
    con.register("person_ids", pa.table({"id_number": ranks, "imdb_person_id": person_ids}))
    spelling = spelled.take(given)
    credits_read = people.select(["rid", "role", "position", "listed"])
    columns = {
        "credit_number": places(people.num_rows), "source_number": source_numbers.combine_chunks().take(people["rid"]),
        "spelling_number": spelling, "person_number": person_of.take(spelling), "id_number": ranks.take(ids),
    }  # fmt: skip
    for name, column in columns.items():
        credits_read = credits_read.append_column(name, column)
    con.register("credits_given", credits_read)
    con.execute(_CREDITS_READ)
    return pa.table({"rid": people["rid"], "character": _present(people["character"])})


def _register_plots(con: "duckdb.DuckDBPyConnection", records: pa.Table) -> pa.Array:
    plots = _listed(records["plots"])
    plots = plots.filter(pc.is_valid(plots["text"]))
    texts = clean_texts(plots["text"].combine_chunks())
    columns = {"plot_number": places(len(texts)), "raw_text": plots["text"], "text": texts}
    con.register("plots_given", pa.table({"rid": plots["rid"], "language": plots["language"]} | columns))
    return texts


def _listed(lists: pa.ChunkedArray) -> pa.Table:
    """The values of each record's list, one a row: `rid` (the record's place), `listed` (from 1), and `value` or a struct's fields."""
    whole = lists.combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(whole), 0)
    starts = pc.subtract(pc.cumulative_sum(lengths), lengths)
    found, rids = pc.list_flatten(whole), pc.list_parent_indices(whole).cast(pa.int32())
    listed = pc.subtract(pc.add(places(len(rids)), 1), starts.take(rids))
    fields = (
        {field.name: pc.struct_field(found, field.name) for field in found.type} if pa.types.is_struct(found.type) else {"value": found}
    )
    return pa.table({"rid": rids, "listed": listed} | fields)


def numbered(*columns: pa.ChunkedArray | pa.Array) -> tuple[list[pa.Array], pa.Array]:
    """Each text of `columns` as its number, from 0, in one list of distinct texts; and that list."""
    chunks = [chunk for column in columns for chunk in (column.chunks if isinstance(column, pa.ChunkedArray) else [column])]
    encoded = pa.concat_arrays([pa.array([], pa.string()), *chunks]).dictionary_encode()
    starts = [sum(map(len, columns[:place])) for place in range(len(columns))]
    return [encoded.indices.slice(start, len(column)) for start, column in zip(starts, columns, strict=True)], encoded.dictionary


def _present(texts: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    return pc.if_else(pc.equal(texts, ""), None, texts)


def places(count: int) -> pa.Array:
    return pa.arange(0, count).cast(pa.int32())
