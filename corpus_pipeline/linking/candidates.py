"""Which films could be meant: the names of the catalogue, exact look-up, and blocked fuzzy look-up.

What belongs here: finding (query, film) pairs and how alike their titles are. Weighing and deciding happen in `scoring`
and `decide`. Everything is set-based: all queries at once, in SQL or in one rapidfuzz call.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from corpus_pipeline.errors import LinkError
from corpus_pipeline.linking.settings import LinkSettings
from corpus_pipeline.store import connect
from corpus_pipeline.transform.text import register_text_functions

if TYPE_CHECKING:
    import duckdb

CANDIDATES = pa.schema(
    [
        ("query_id", pa.int64()),
        ("movie_id", pa.string()),
        ("form", pa.string()),  # authority_id, exact, subtitle, extra_subtitle, fuzzy
        ("similarity", pa.float64()),
        ("is_alternative", pa.bool_()),
        ("query_year", pa.int32()),
        ("year", pa.int32()),
        ("popularity_score", pa.float64()),
    ]
)

# What sets a subtitle off: a colon, a long dash, a dash between spaces, a bracket.
_MARK = r"\s*(?::|–|—|\s-\s|\s\()\s*"
_HEAD, _TAIL = f"^(.+?){_MARK}", f".*{_MARK}(.+?)\\)?$"

# Words that people and catalogues write either way; 'i' and 'x' are left alone, they are words of their own too often.
_RESPELLED = {
    "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8", "ix": "9",
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10",
    "eleven": "11", "twelve": "12", "thirteen": "13", "volume": "vol", "doctor": "dr", "mister": "mr", "versus": "vs", "part": "",
}  # fmt: skip
_WORDS = rf"\b(?:{'|'.join(_RESPELLED)})\b"
_WORD = re.compile(_WORDS)

# Titles of other languages and markets give no parts: many call a film 'James Bond: ...' that is not about its namesake.
_NAMES = f"""
    SELECT link_key(title_key) AS key, title AS spelling, movie_id, false AS is_part, title_kind = 'alternative' AS is_alternative
    FROM core_titles
    WHERE title_key <> ''
    UNION ALL
    SELECT link_key(title_key(part)), part, movie_id, true, false
    FROM (
        SELECT movie_id, regexp_extract(title, '{_HEAD}', 1) AS head, regexp_extract(title, '{_TAIL}', 1) AS tail,
            unnest([head, tail, head || ' ' || tail]) AS part
        FROM core_titles
        WHERE title_kind <> 'alternative' AND regexp_matches(title, '\\S{_MARK}')
    )
    WHERE part <> ''
"""

_QUERIES = f"""
    SELECT
        query_id, imdb_id, year, latest_year, link_key(title_key(surface)) AS key, name_key(surface) AS spelling,
        list_filter(
            [link_key(title_key(regexp_extract(surface, '{_HEAD}', 1))), link_key(title_key(regexp_extract(surface, '{_TAIL}', 1)))],
            lambda part: part <> ''
        ) AS parts
    FROM asked
"""

# A film issued under another IMDb id than the one the data set gives is another film, whatever its title; and nobody names
# a film that was not yet announced when the dialogues were collected.
_COLUMNS = """
    SELECT query_id, movie_id, form, similarity, is_alternative, queries.year AS query_year, movies.year AS year, popularity_score
    FROM found
    JOIN queries USING (query_id)
    JOIN movies USING (movie_id)
    WHERE coalesce(movies.year <= latest_year, true)
        AND (imdb_id IS NULL OR movie_id NOT IN (SELECT movie_id FROM ids WHERE authority = 'imdb'))
"""

_EXACT = f"""
    WITH found AS (
        SELECT query_id, movie_id, CASE WHEN is_part THEN 'subtitle' ELSE 'exact' END AS form, is_alternative,
            CASE WHEN queries.spelling = name_key(names.spelling) THEN 1.0 ELSE $respelled END::DOUBLE AS similarity
        FROM queries JOIN names USING (key)
        UNION ALL
        SELECT query_id, movie_id, 'extra_subtitle', is_alternative, 1.0::DOUBLE
        FROM (SELECT query_id, key AS full_key, unnest(parts) AS key FROM queries) JOIN names USING (key)
        WHERE NOT is_part AND key <> full_key
    )
    {_COLUMNS}
"""

_AUTHORITY = """
    SELECT query_id, movie_id, 'authority_id' AS form, 1.0::DOUBLE AS similarity, false AS is_alternative,
        queries.year AS query_year, movies.year AS year, popularity_score
    FROM queries
    JOIN ids ON authority = 'imdb' AND authority_id = imdb_id
    JOIN movies USING (movie_id)
"""

# Character trigrams of the key with a space at each end, so that word starts and ends are grams of their own. Numbers
# inside, strings only at the ends: the pairs that share a gram run into the millions. One shared gram is no evidence.
# A gram is as rare as it is among keys of the query's own length: `grams` holds those of the longest query too, and what
# is found for a title must not depend on the others asked with it.
# Step by step in tables: the planner then knows their sizes and never pairs all keys with all queries.
_BLOCKS = (
    "CREATE TEMP TABLE places AS SELECT unnest(range(1, 1 + (SELECT max(length(key)) FROM queries))) AS place",
    """
    CREATE TEMP TABLE wanted AS
    SELECT DISTINCT query_id, length(key) AS size, substr(' ' || key || ' ', place, 3) AS gram
    FROM queries JOIN places ON place <= length(key)
    WHERE length(key) >= (SELECT shortest FROM bounds)
    """,
    """
    CREATE TEMP TABLE keys AS
    SELECT key, length(key) AS size, row_number() OVER () AS key_id
    FROM (SELECT DISTINCT key FROM names WHERE NOT is_part), bounds
    WHERE size BETWEEN (SELECT min(size) FROM wanted) * shrink AND (SELECT max(size) FROM wanted) / shrink
    """,
    "INSERT INTO places SELECT unnest(range(1 + (SELECT max(place) FROM places), 1 + (SELECT max(size) FROM keys)))",
    """
    CREATE TEMP TABLE grams AS
    SELECT key_id, size, substr(' ' || key || ' ', place, 3) AS gram FROM keys JOIN places ON place <= size
    """,
    """
    CREATE TEMP TABLE rarest AS
    WITH counted AS (
        SELECT query_id, gram, size, sum(key_count) AS frequency
        FROM wanted JOIN (SELECT gram, size AS key_size, count(*) AS key_count FROM grams GROUP BY ALL) USING (gram), bounds
        WHERE key_size BETWEEN size * shrink AND size / shrink
        GROUP BY ALL
    )
    SELECT query_id, gram, size * shrink AS low, size / shrink AS high
    FROM counted, bounds
    WHERE frequency <= gram_cap
    QUALIFY row_number() OVER (PARTITION BY query_id ORDER BY frequency, gram) <= gram_count
    """,
    """
    CREATE TEMP TABLE shared AS
    SELECT query_id, key_id, count(*) AS shared_count
    FROM rarest JOIN grams ON grams.gram = rarest.gram AND size BETWEEN low AND high
    GROUP BY query_id, key_id
    HAVING shared_count > 1
    """,
    """
    SELECT query_id, queries.key AS query_key, keys.key
    FROM shared JOIN keys USING (key_id) JOIN queries USING (query_id)
    QUALIFY row_number() OVER (PARTITION BY query_id ORDER BY shared_count DESC, abs(size - length(queries.key)), keys.key)
        <= (SELECT key_limit FROM bounds)
    ORDER BY query_id, keys.key
    """,
)

_FUZZY = f"""
    WITH found AS (
        SELECT query_id, movie_id, 'fuzzy' AS form, is_alternative, similarity FROM alike JOIN names USING (key) WHERE NOT is_part
    )
    {_COLUMNS}
"""


@dataclass(frozen=True, slots=True)
class Names:
    """The catalogue as the linker sees it.

    `names`: key, spelling, movie_id, is_part (a piece of the title beside its subtitle mark), is_alternative.
    `movies` and `ids`: the columns of core_movies and core_movie_ids that linking reads.
    """

    names: pa.Table
    movies: pa.Table
    ids: pa.Table


def names_of(core_movies: pa.Table, core_titles: pa.Table, core_movie_ids: pa.Table) -> Names:
    """Index the catalogue; LinkError when no title belongs to a film."""
    with connect({"core_movies": core_movies, "core_titles": core_titles}) as con:
        _register_keys(con)
        names = con.execute(_NAMES).to_arrow_table()
        titled = con.execute("SELECT 1 FROM core_titles SEMI JOIN core_movies USING (movie_id) LIMIT 1").fetchone()
    if titled is None:
        raise LinkError(
            f"indexing the catalogue: no title of core_titles ({core_titles.num_rows} rows) belongs to a film of core_movies "
            f"({core_movies.num_rows} rows); give tables of one and the same build"
        )
    movies = core_movies.select(["movie_id", "year", "popularity_score"])
    return Names(names, movies, core_movie_ids.select(["movie_id", "authority", "authority_id"]))


def queries_of(titles: pa.Table, settings: LinkSettings) -> pa.Table:
    """`titles` (dataset, surface, mention_year, imdb_id) as query_id (the row number), keys, year, and the last year it can mean."""
    latest = dict(settings.latest_years)
    asked = pa.table(
        {
            "query_id": pa.array(range(titles.num_rows), pa.int64()),
            "surface": titles["surface"].cast(pa.string()),
            "year": titles["mention_year"].cast(pa.int32()),
            "imdb_id": titles["imdb_id"].cast(pa.string()),
            "latest_year": pa.array([latest.get(name) for name in titles["dataset"].to_pylist()], pa.int32()),
        }
    )
    with connect({"asked": asked}) as con:
        _register_keys(con)
        return con.execute(_QUERIES).to_arrow_table()


def authority_candidates(queries: pa.Table, names: Names) -> pa.Table:
    """The films whose IMDb id the data set gives (schema CANDIDATES)."""
    return _find(_AUTHORITY, queries, names)


def exact_candidates(queries: pa.Table, names: Names, settings: LinkSettings) -> pa.Table:
    """Films one of whose titles has the query's key, or has it up to a subtitle on either side (schema CANDIDATES)."""
    return _find(_EXACT, queries, names, parameters={"respelled": settings.respelled_similarity})


def fuzzy_candidates(queries: pa.Table, names: Names, settings: LinkSettings) -> pa.Table:
    """Films with a title nearly spelled like the query's, found behind trigram blocks (schema CANDIDATES)."""
    return _find(_FUZZY, queries, names, alike=_alike(blocked_keys(queries, names, settings), settings))


def _find(
    sql: str, queries: pa.Table, names: Names, *, alike: pa.Table | None = None, parameters: dict[str, float] | None = None
) -> pa.Table:
    tables = {"queries": queries, "names": names.names, "movies": names.movies, "ids": names.ids}
    with connect(tables if alike is None else {**tables, "alike": alike}) as con:
        register_text_functions(con)
        return con.execute(sql, parameters or {}).to_arrow_table().cast(CANDIDATES)


def blocked_keys(queries: pa.Table, names: Names, settings: LinkSettings) -> pa.Table:
    """The pairs worth comparing: query_id, query_key, key; at most `block_limit` keys per query."""
    bounds = {
        "shortest": settings.fuzzy_shortest_key,
        "shrink": settings.fuzzy_similarity_floor,
        "gram_cap": settings.block_gram_cap,
        "gram_count": settings.block_gram_count,
        "key_limit": settings.block_limit,
    }
    with connect({"queries": queries, "names": names.names, "bounds": pa.Table.from_pylist([bounds])}) as con:
        for statement in _BLOCKS[:-1]:
            con.execute(statement)
        return con.execute(_BLOCKS[-1]).to_arrow_table()


def link_key(key: str) -> str:
    """A title key with numerals and abbreviations in one spelling: 'rocky ii' as 'rocky 2', 'kill bill volume 1' as 'kill bill vol 1'.

    Both sides are spelled so, hence a wrong guess ('v for vendetta') costs nothing until two films collide in it.
    """
    return " ".join(_WORD.sub(lambda word: _RESPELLED[word[0]], key).split()) or key


def _register_keys(con: "duckdb.DuckDBPyConnection") -> None:
    """Give `con` the SQL functions `title_key` and `link_key`; only keys with a respelled word (one in forty) go through Python."""
    from duckdb.func import ARROW

    register_text_functions(con)
    con.create_function("link_key_python", _link_keys, ["VARCHAR"], "VARCHAR", type=ARROW)
    con.execute(f"CREATE MACRO link_key(k) AS CASE WHEN regexp_matches(k, '{_WORDS}') THEN link_key_python(k) ELSE k END")


def _link_keys(keys: pa.Array) -> pa.Array:
    return pa.array([link_key(key) for key in keys.to_pylist()], pa.string())


def _numbers(key: str) -> list[str]:
    return [word for word in key.split() if word.isdigit()]


def _alike(pairs: pa.Table, settings: LinkSettings) -> pa.Table:
    """query_id, key, similarity of the pairs above the floor whose numbers agree: 'rocky 2' is not 'rocky 3'."""
    from rapidfuzz import fuzz, process

    left, right = pairs["query_key"].to_pylist(), pairs["key"].to_pylist()
    kept = [row for row, (a, b) in enumerate(zip(left, right, strict=True)) if _numbers(a) == _numbers(b)]
    texts = [left[row] for row in kept], [right[row] for row in kept]
    percents = process.cpdist(*texts, scorer=fuzz.ratio, score_cutoff=100 * settings.fuzzy_similarity_floor).tolist() if kept else []
    alike = [(row, percent / 100) for row, percent in zip(kept, percents, strict=True) if percent > 0]
    found = pairs.select(["query_id", "key"]).take(pa.array([row for row, _ in alike], pa.int64()))
    return found.append_column("similarity", pa.array([score for _, score in alike], pa.float64()))
