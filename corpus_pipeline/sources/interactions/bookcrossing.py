"""Book-Crossing: the official dump, or two subsets of it that were filtered by others and are read as their union.

A book is liked with 5 or more of 10. The dump has no times at all, so the order of a user's books is arbitrary: that of
`MD5('<user>:<isbn>')`, a shuffle with nothing but the data as its seed. No effect of recency can be measured on it.

A rating of 0 in the dump means that a book was registered, not that it was judged; it is quarantined (implicit_rating) and
told by number. The subsets hold explicit ratings only; where both tell the same, the second is told by number as well
(repeated_pair, repeated_item). A rating whose book has no record is quarantined (unknown_item): nothing could be said of it.

`bookcrossing_implicit` is the code-compatible form: RALLRec's released code reads a 0 as a rating like any other. There it
stays, with rating 0 and not liked, and training edges take it for behaviour all the same (`training_edges` in
`assets_defs`). It is a data set of its own, so that what this changes is seen by naming both. Only the dump has zeros.

Texts of the dump passed through several wrong encodings: `repaired` undoes what can be undone. Titles of one subset keep
the backslashes of the dump's escapes.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from corpus_pipeline.errors import SourceError
from corpus_pipeline.schema.fields import BOOKS, BOOKS_WITH_ZEROS, FIRST_YEAR, LAST_YEAR
from corpus_pipeline.schema.render import quoted
from corpus_pipeline.sources.delimited import ArchiveFile, Layout, load
from corpus_pipeline.sources.interactions.histories import Intake, Rules, collect, intake, judge
from corpus_pipeline.sources.reading import Read
from corpus_pipeline.transform.text import clean_text

if TYPE_CHECKING:
    import duckdb

AGES = (5, 110)  # of readers, both inclusive: what lies outside was never an age
_DUMP_LAYOUT = Layout(delimiter=";", escape="\\", encoding="latin-1", nulls=("", "NULL"))
_PLACES = ("User-City", "User-State", "User-Country")
_DOUBLY_READ = re.compile("[ÂÃ]")
_LOST = re.compile("\u00c3\\?(?=[\u00c2\u00c3])")  # byte 83 has no character in Latin-1 as Windows writes it: it became '?'


def read_bookcrossing(files: Mapping[str, Path]) -> Read:
    """Book-Crossing from `BX-CSV-Dump.zip` or its loose files, or from the subsets' `BX-Ratings.csv` and `BX_Book_Ratings.csv`.

    A user without a row of their own is kept, with nothing known.
    """
    with intake(BOOKS, files) as found:
        _register(found.con)
        if not _dump(found):
            _subsets(found)
        return _judged(found)


def read_bookcrossing_implicit(files: Mapping[str, Path]) -> Read:
    """As `read_bookcrossing`, from the dump alone, with its zeros as ratings that are not liked."""
    with intake(BOOKS_WITH_ZEROS, files) as found:
        _register(found.con)
        if not _dump(found):
            raise SourceError(
                f"reading {found.dataset}: saw the files {[file.name for file in found.files][:12]}; expected BX-CSV-Dump.zip or its "
                "BX-Book-Ratings.csv, for only the official dump holds ratings of 0: lay it into the mirror, or take "
                f"{found.dataset} out of the profile"
            )
        found.con.execute("UPDATE ratings_read SET reason = NULL WHERE reason = 'implicit_rating'")
        return _judged(found)


def _judged(found: Intake) -> Read:
    rules = Rules(adds_users=True, counted=("implicit_rating", "repeated_pair", "repeated_item"))
    judge(found, rules)
    return collect(found, rules)


def _dump(found: Intake) -> bool:
    """Read the dump; False where it is not there."""
    ratings = found.find("BX-Book-Ratings.csv")
    if ratings is None:
        return False
    _insert(found, ratings, "ratings", _DUMP_LAYOUT)
    _insert(found, found.take("BX-Books.csv"), "books", _DUMP_LAYOUT)
    _insert(found, found.take("BX-Users.csv"), "users", _DUMP_LAYOUT)
    return True


def _subsets(found: Intake) -> None:
    ratings = found.take("BX-Ratings.csv", "BX_Book_Ratings.csv")
    if ratings.name.endswith("BX-Ratings.csv"):
        _insert(found, ratings, "ratings", Layout())
        _insert(found, found.take("BX-Books.csv"), "books", Layout())
        _insert(found, found.take("BX-Users.csv"), "users", Layout())
    other = found.find("BX_Book_Ratings.csv")
    if other:
        _insert(found, other, "ratings", Layout())
        _insert(found, found.take("BX_Books.csv"), "books", Layout())


_COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    "ratings": {"user": ("User-ID",), "isbn": ("ISBN",), "rating": ("Book-Rating",)},
    "books": {
        "isbn": ("ISBN",), "title": ("Book-Title",), "author": ("Book-Author",), "year": ("Year-Of-Publication",),
        "publisher": ("Publisher", "Book-Publisher"),
    },
    "users": {"user": ("User-ID",), "age": ("Age", "User-Age")},
}  # fmt: skip


def _insert(found: Intake, file: ArchiveFile, kind: str, layout: Layout) -> None:
    seen = load(found.con, kind, [file], layout=layout, scratch=found.scratch, quarantine=found.quarantine)
    by_name = {name.replace("_", "-"): quoted(name) for name in seen}
    cells = {part: next((by_name[name] for name in names if name in by_name), "") for part, names in _COLUMNS[kind].items()}
    if missing := [_COLUMNS[kind][part] for part, cell in cells.items() if not cell]:
        raise SourceError(f"reading {file.name}: columns {missing} are missing, saw {list(seen)[:20]}; fetch the file again")
    raw = f"concat_ws('{layout.delimiter}', {', '.join(map(quoted, seen))}) AS raw"
    given = f"SELECT file, {found.number(file)} AS file_number, line, {raw}, "
    query = {"ratings": _ratings, "books": _books, "users": _users}[kind](cells, by_name)
    into = {"ratings": "ratings_read", "books": "items_read", "users": "users_read"}[kind]
    found.con.execute(f"INSERT INTO {into} BY NAME {given} {query} FROM {kind}")


def _ratings(cells: Mapping[str, str], _: Mapping[str, str]) -> str:
    user, isbn, rating = f"clean({cells['user']})", f"clean({cells['isbn']})", f"clean({cells['rating']})"
    return f"""CASE WHEN {user} IS NULL OR {isbn} IS NULL THEN 'missing_id' WHEN {rating} = '0' THEN 'implicit_rating'
        WHEN NOT coalesce(regexp_full_match({rating}, '[1-9]|10'), false) THEN 'bad_rating' END AS reason,
    {user} AS user_id, {isbn} AS item_id, try_cast({rating} AS DOUBLE) AS rating, try_cast({rating} AS DOUBLE) >= 5 AS is_liked,
    ('0x' || left(md5({user} || ':' || {isbn}), 15))::BIGINT AS place"""


def _books(cells: Mapping[str, str], _: Mapping[str, str]) -> str:
    year = f"try_cast(regexp_extract(clean({cells['year']}), '^[0-9]{{4}}$') AS INTEGER)"
    author = f"nullif(repaired({cells['author']}), '')"
    return f"""clean({cells["isbn"]}) AS item_id, nullif(repaired({cells["title"]}), '') AS title,
    CASE WHEN {year} BETWEEN {FIRST_YEAR} AND {LAST_YEAR} THEN {year} END AS year,
    CASE WHEN {author} IS NOT NULL THEN [{author}] END AS creators, nullif(repaired({cells["publisher"]}), '') AS publisher,
    CASE WHEN clean({cells["isbn"]}) IS NULL THEN 'missing_id' WHEN nullif(repaired({cells["title"]}), '') IS NULL THEN 'missing_title' END
        AS reason"""


def _users(cells: Mapping[str, str], by_name: Mapping[str, str]) -> str:
    age = f"try_cast(regexp_extract(replace({cells['age']}, '\"', ''), '^\\s*([0-9]{{1,3}})(?:\\.0)?\\s*$', 1) AS INTEGER)"
    parts = [by_name[name] for name in _PLACES if name in by_name]
    place = f"string_split({by_name['Location']}, ',')" if "Location" in by_name else f"[{', '.join(parts) or 'NULL'}]"
    named = f"list_filter(list_transform({place}, lambda p: trim(replace(p, '\"', ''))), lambda p: p NOT IN ('', 'n/a'))"
    location = f"nullif(repaired(array_to_string({named}, ', ')), '')"
    return f"""clean({cells["user"]}) AS user_id, CASE WHEN {age} BETWEEN {AGES[0]} AND {AGES[1]} THEN {age}::VARCHAR END AS age,
    {location} AS location, CASE WHEN clean({cells["user"]}) IS NULL THEN 'missing_id' END AS reason"""


def repaired(text: str) -> str:
    """`text` cleaned, with UTF-8 that was read as Latin-1 (once or several times) read as what it is, and stray escapes undone.

    'Saint-ExupÃ©ry' is 'Saint-Exupéry'; '\\O\\" Is for Outlaw"' is '"O" Is for Outlaw'. What cannot be read stays.
    """
    if "\\" in text:
        text = text.removesuffix('"').replace('\\"', '"').replace("\\", '"')
    while _DOUBLY_READ.search(text):
        try:
            text = _LOST.sub("\u00c3\u0083", text).encode("latin-1").decode("utf-8")
        except UnicodeError:
            break
    return clean_text(text)


def _register(con: "duckdb.DuckDBPyConnection") -> None:
    """SQL `repaired`: of a thousand texts, the ten that need it go through Python."""
    from duckdb.func import ARROW

    con.create_function("repaired_python", _repaired, ["VARCHAR"], "VARCHAR", type=ARROW)
    odd = "contains(t, 'Ã') OR contains(t, 'Â') OR contains(t, '\\')"
    con.execute(f"CREATE MACRO repaired(t) AS CASE WHEN {odd} THEN repaired_python(t) ELSE clean_text(t) END")


def _repaired(texts: pa.Array) -> pa.Array:
    return pa.array([None if text is None else repaired(text) for text in texts.to_pylist()], pa.string())
