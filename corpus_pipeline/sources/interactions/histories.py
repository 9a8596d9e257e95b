"""From records as they were read to the three tables of a data set, its quarantine and its counts. No upstream format is known here.

A reader fills three tables of the intake, one row per record: `items_read`, `users_read` and `ratings_read`. A record that
cannot be used has a `reason` and its `raw` text. Then, the same for every data set:
- A later item or user under an id already read is quarantined: duplicate_id, or repeated_item where it is of another file.
- A rating of an item or by a user that no record describes is quarantined (unknown_item, unknown_user), unless the rules
  add a bare row instead: an item under its id, a user without anything known.
- Of several ratings of one item by one user the last in time is kept, and where there is no time the last of the first
  file. The others are duplicate_pair, or repeated_pair where another file says the same again.
- A user's history is in the order of (time, `place`, line), from position 0 without gaps.
Reasons named in `Rules.counted` are told once per file, with the number of records: a closed rule refused them, and the
file itself lists them.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from corpus_pipeline.errors import SourceError
from corpus_pipeline.schema.render import literal
from corpus_pipeline.schema.tables import INTERACTION_ITEMS, INTERACTION_USERS, INTERACTIONS, REJECTS
from corpus_pipeline.sources.cells import MACROS
from corpus_pipeline.sources.delimited import ArchiveFile, source_files
from corpus_pipeline.sources.reading import RAW_TEXT_LIMIT, FileCount, Quarantine, Read, concat_rejects
from corpus_pipeline.store import conform, connect
from corpus_pipeline.transform.text import register_text_functions

if TYPE_CHECKING:
    import duckdb

RECORDS = ("items_read", "users_read", "ratings_read")
MALFORMED = ("wrong_field_count", "bad_json", "bad_utf8")  # the reasons of a line that is no record of this kind at all
_STAGED = """
CREATE TABLE items_read (file VARCHAR, file_number INTEGER, line BIGINT, raw VARCHAR, reason VARCHAR,
    item_id VARCHAR, title VARCHAR, year INTEGER, creators VARCHAR[], item_genres VARCHAR[], publisher VARCHAR);
CREATE TABLE users_read (file VARCHAR, file_number INTEGER, line BIGINT, raw VARCHAR, reason VARCHAR,
    user_id VARCHAR, gender VARCHAR, age VARCHAR, occupation VARCHAR, location VARCHAR);
CREATE TABLE ratings_read (file VARCHAR, file_number INTEGER, line BIGINT, raw VARCHAR, reason VARCHAR,
    user_id VARCHAR, item_id VARCHAR, rating DOUBLE, is_liked BOOLEAN, interacted_at BIGINT, place BIGINT);
"""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a data set allows: users and items that only ratings name, and reasons that are told once per file."""

    adds_items: bool = False
    adds_users: bool = False
    counted: tuple[str, ...] = ()


@dataclass(slots=True)
class Intake:
    """One data set while it is read: its database, its files, a scratch folder, and what was no record at all."""

    dataset: str
    con: "duckdb.DuckDBPyConnection"
    files: tuple[ArchiveFile, ...]
    scratch: Path
    quarantine: Quarantine
    used: list[str] = field(default_factory=list)

    def find(self, *names: str) -> ArchiveFile | None:
        """The file under one of `names` (whatever its folder), the first that is there, noted as used."""
        for name in names:
            for file in self.files:
                if file.name.rsplit("/", 1)[-1] == name:
                    self.used += [] if file.name in self.used else [file.name]
                    return file
        return None

    def take(self, *names: str) -> ArchiveFile:
        """As `find`; SourceError when none is there."""
        file = self.find(*names)
        if file is None:
            seen = [file.name for file in self.files][:12]
            raise SourceError(f"reading {self.dataset}: saw the files {seen}; expected {' or '.join(names)}; fetch the data set again")
        return file

    def number(self, file: ArchiveFile) -> int:
        """Place of the file among those used: where files repeat each other, the first one wins."""
        return self.used.index(file.name)


@contextmanager
def intake(dataset: str, files: Mapping[str, Path]) -> Iterator[Intake]:
    """An empty intake of the registered `files` (mirror name to place); zips are unpacked into a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="marquee-interactions-") as folder, connect() as con:
        con.execute(MACROS)
        con.execute(_STAGED)
        register_text_functions(con)
        yield Intake(dataset, con, tuple(_opened(files, Path(folder))), Path(folder), Quarantine(dataset))


def _opened(files: Mapping[str, Path], scratch: Path) -> Iterator[ArchiveFile]:
    for number, (name, path) in enumerate(files.items()):
        if path.suffix.lower() == ".zip":
            yield from source_files(path, scratch / str(number))
        else:
            yield ArchiveFile(name, path)


def judge(found: Intake, rules: Rules) -> None:
    """Give every record that cannot stand its reason. SourceError when a file holds no record of its kind at all."""
    _refuse_foreign_files(found)
    for table, key in (("items_read", "item_id"), ("users_read", "user_id")):
        found.con.execute(_duplicates(table, key))
    if not rules.adds_items:
        found.con.execute(_unknown("item"))
    if not rules.adds_users:
        found.con.execute(_unknown("user"))
    found.con.execute(_REPEATED)


def _refuse_foreign_files(found: Intake) -> None:
    malformed = ", ".join(map(literal, MALFORMED))
    for table in RECORDS:
        query = f"SELECT file, count(*) FROM {table} GROUP BY file HAVING bool_and(coalesce(reason IN ({malformed}), false)) ORDER BY file"
        for file, count in found.con.execute(query).fetchall():
            raise SourceError(f"reading {file}: none of its {count:,} lines is a record of {found.dataset}; fetch the file again")


def _duplicates(table: str, key: str) -> str:
    return (
        f"UPDATE {table} AS t SET reason = CASE WHEN t.file_number = d.kept THEN 'duplicate_id' ELSE 'repeated_item' END "
        f"FROM (SELECT rowid AS row, row_number() OVER w AS nth, first_value(file_number) OVER w AS kept FROM {table} "
        f"WHERE reason IS NULL WINDOW w AS (PARTITION BY {key} ORDER BY file_number, line)) AS d WHERE t.rowid = d.row AND d.nth > 1"
    )


def _unknown(kind: str) -> str:
    return (
        f"UPDATE ratings_read AS t SET reason = 'unknown_{kind}' WHERE reason IS NULL "
        f"AND NOT EXISTS (FROM {kind}s_read AS s WHERE s.reason IS NULL AND s.{kind}_id = t.{kind}_id)"
    )


_ORDER = "interacted_at {0} NULLS {1}, place {0}, file_number {2}, line {0}"
_FIRST_FIRST = _ORDER.format("ASC", "FIRST", "DESC")
_LAST_FIRST = _ORDER.format("DESC", "LAST", "ASC")
_REPEATED = f"""
WITH twice AS (SELECT user_id, item_id FROM ratings_read WHERE reason IS NULL GROUP BY ALL HAVING count(*) > 1),
later AS (SELECT r.rowid AS row, row_number() OVER w AS nth, first_value(file_number) OVER w AS kept, first_value(rating) OVER w AS said
    FROM ratings_read AS r SEMI JOIN twice USING (user_id, item_id) WHERE reason IS NULL
    WINDOW w AS (PARTITION BY user_id, item_id ORDER BY {_LAST_FIRST}))
UPDATE ratings_read AS t SET reason =
    CASE WHEN t.file_number <> later.kept AND t.rating IS NOT DISTINCT FROM later.said THEN 'repeated_pair' ELSE 'duplicate_pair' END
FROM later WHERE t.rowid = later.row AND later.nth > 1
"""


def collect(found: Intake, rules: Rules) -> Read:
    """The three tables, sorted by their keys, from the records that have no reason."""
    of = f"SELECT {literal(found.dataset)} AS dataset, * FROM"
    queries = {
        INTERACTION_ITEMS: f"{of} ({_ITEMS}{_ADDED_ITEMS if rules.adds_items else ''}) ORDER BY item_id",
        INTERACTION_USERS: f"{of} ({_USERS}{_ADDED_USERS if rules.adds_users else ''}) ORDER BY user_id",
        INTERACTIONS: f"{of} ({_HISTORIES}) ORDER BY user_id, history_position",
    }
    tables = {table.name: conform(found.con.execute(query).to_arrow_table(), table) for table, query in queries.items()}
    return Read(tables, concat_rejects([_rejects(found, rules.counted), found.quarantine.table()]), tuple(_counts(found)))


_ITEMS = """
SELECT item_id, title, year, coalesce(creators, []) AS creators, coalesce(item_genres, []) AS item_genres, publisher,
    NULL::VARCHAR AS movie_id
FROM items_read WHERE reason IS NULL"""
_ADDED_ITEMS = """ UNION ALL
SELECT DISTINCT item_id, item_id, NULL, [], [], NULL, NULL FROM ratings_read AS t WHERE reason IS NULL
AND NOT EXISTS (FROM items_read AS s WHERE s.reason IS NULL AND s.item_id = t.item_id)"""
_USERS = "SELECT user_id, gender, age, occupation, location FROM users_read WHERE reason IS NULL"
_ADDED_USERS = """ UNION ALL SELECT DISTINCT user_id, NULL, NULL, NULL, NULL FROM ratings_read AS t WHERE reason IS NULL
AND NOT EXISTS (FROM users_read AS s WHERE s.reason IS NULL AND s.user_id = t.user_id)"""
_HISTORIES = f"""
SELECT user_id, item_id, (row_number() OVER (PARTITION BY user_id ORDER BY {_FIRST_FIRST}) - 1)::INTEGER AS history_position,
    is_liked, rating, interacted_at
FROM ratings_read WHERE reason IS NULL"""


def _rejects(found: Intake, counted: Sequence[str]) -> pa.Table:
    """One row per refused record, or per file and reason for the `counted` reasons: the first of them with the number of all."""
    cells = {
        "items_read": "item_id, title, year, publisher",
        "users_read": "user_id, gender, age, occupation, location",
        "ratings_read": "user_id, item_id, rating, interacted_at",
    }
    refused = " UNION ALL ".join(
        f"SELECT file, line, reason, left(coalesce(raw, concat_ws(', ', {cells[table]})), {RAW_TEXT_LIMIT}) AS raw_text "
        f"FROM {table} WHERE reason IS NOT NULL"
        for table in RECORDS
    )
    once = f"reason IN ({', '.join(map(literal, counted)) or 'NULL'})"
    query = (
        f"WITH refused AS ({refused}) SELECT {literal(found.dataset)} AS source, * FROM ("
        f"SELECT *, 1 AS record_count FROM refused WHERE NOT coalesce({once}, false) UNION ALL "
        f"SELECT file, min(line), reason, arg_min(raw_text, line), count(*) FROM refused WHERE {once} GROUP BY file, reason"
        ") ORDER BY file, line, reason"
    )
    return conform(found.con.execute(query).to_arrow_table(), REJECTS)


def _counts(found: Intake) -> Iterable[FileCount]:
    each = " UNION ALL ".join(f"SELECT file, reason FROM {table}" for table in RECORDS)
    rows = found.con.execute(f"SELECT file, count(*), count(reason) FROM ({each}) GROUP BY file").fetchall()
    loaded = {file: (read, refused) for file, read, refused in rows}
    malformed = [row["file"] for row in found.quarantine.rows]
    for name in found.used:
        read, refused = loaded.get(name, (0, 0))
        broken = malformed.count(name)
        yield FileCount(name, read + broken, read - refused, refused + broken)
