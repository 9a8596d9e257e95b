"""Reads any declared tabular dump (`dump.TabularDump`) into movie records, in SQL over columns of strings.

Belongs here: the one path from declaration to `Read`. What differs between sources is in their declarations.

Rules, the same for every source:
- A row is quarantined when its identity is unusable: missing_id, bad_id, missing_title, control_characters (in the title),
  duplicate_id (a later row with an id already read), or a reason the declaration gives (out_of_scope, not_a_record).
- A filled optional cell that cannot be read, or lies outside the bounds the schema declares, becomes null, and the count
  per column is logged. An impossible year quarantines the row (bad_year) only when no authority's id identifies the film.
- A row of a companion file is quarantined when its film is not among the accepted (orphan; out_of_scope when the film was
  that), when its key is missing (missing_id) or repeated (duplicate_id), or a number in it is none (bad_number).
- A rating without votes is no rating: it is null when the vote count is 0.
- Where the source does not say what kind of film it is, a known running time decides: a short is under 40 minutes.
- Malformed records never reach these rules: `delimited` quarantines them.
"""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from corpus_pipeline.errors import SourceError
from corpus_pipeline.schema.render import literal, quoted
from corpus_pipeline.schema.tables import MOVIE_RECORDS, REJECTS
from corpus_pipeline.sources import tabular_sql as sql
from corpus_pipeline.sources.cells import MACROS
from corpus_pipeline.sources.delimited import ArchiveFile, Layout, load, matching, source_files
from corpus_pipeline.sources.dump import Cell, Companion, Credit, TabularDump, Text, load_dump
from corpus_pipeline.sources.reading import FileCount, Quarantine, Read, concat_rejects
from corpus_pipeline.store import conform, connect

if TYPE_CHECKING:
    import duckdb

__all__ = ["Cell", "Companion", "Credit", "Layout", "TabularDump", "Text", "load_dump", "read_dump"]

log = logging.getLogger(__name__)


def read_dump(dump: TabularDump, archive: Path, scratch: Path) -> Read:
    """The films of `archive` (archive, folder or loose file) as `core_movie_records`; `scratch` is an empty directory.

    Raises SourceError when a declared file or column is not there.
    """
    files = source_files(archive, scratch)
    quarantine = Quarantine(dump.source)
    with connect(threads=1) as con:  # sources are read side by side, a process each
        con.execute(MACROS)
        con.execute(sql.EMPTY_REFUSED)
        named = _load(con, dump, files, scratch=scratch, quarantine=quarantine)
        _type(con, dump)
        _judge(con, dump)
        return _collect(con, dump, named=named, quarantine=quarantine)


def _load(
    con: "duckdb.DuckDBPyConnection", dump: TabularDump, files: Sequence[ArchiveFile], *, scratch: Path, quarantine: Quarantine
) -> list[ArchiveFile]:
    """Load the films and every companion; returns the files that were read."""
    used = _found(dump.source, files, dump.files)
    columns = load(con, "film", used, layout=dump.layout, scratch=scratch, quarantine=quarantine)
    _require(dump.source, used, columns=columns, needed=_film_columns(dump))
    for name, companion in dump.companions.items():
        found = _found(dump.source, files, companion.files, is_optional=companion.is_optional)
        needed = (companion.key, *companion.numbers, *companion.columns)
        layout = companion.layout or dump.layout
        if found:
            columns = load(con, f"raw {name}", found, layout=layout, scratch=scratch, quarantine=quarantine)
            _require(dump.source, found, columns=columns, needed=needed)
        else:
            cells = ", ".join(f"{quoted(column)} VARCHAR" for column in dict.fromkeys(needed))
            con.execute(f"CREATE TABLE {quoted('raw ' + name)} (file VARCHAR, line BIGINT, {cells})")
        used = (*used, *found)
    return list(used)


def _found(source: str, files: Sequence[ArchiveFile], patterns: Sequence[str], *, is_optional: bool = False) -> tuple[ArchiveFile, ...]:
    found = matching(files, patterns)
    if not found and not is_optional:
        raise SourceError(
            f"reading {source}: no file matches {list(patterns)}; found {[f.name for f in files][:12]}; "
            "check that the archive is this source's and complete"
        )
    return found


def _film_columns(dump: TabularDump) -> list[str]:
    parts: tuple[Cell | Credit | Text, ...] = (*dump.columns.values(), *dump.credits, *dump.plots, *dump.alternative_titles)
    plain = [part.upstream for part in parts if part.parser != "sql" and not _is_joined(part.upstream, dump)]
    return [*plain, *([dump.key] if dump.key else [])]


def _is_joined(upstream: str, dump: TabularDump) -> bool:
    return upstream.rpartition(".")[0] in (*dump.companions, *dump.derived)


def _require(source: str, files: Sequence[ArchiveFile], *, columns: Sequence[str], needed: Iterable[str]) -> None:
    missing = sorted(set(needed) - set(columns))
    if missing:
        raise SourceError(
            f"reading {source}: {files[0].name} has no columns {missing}; it has {list(columns)[:30]}; "
            "the upstream changed its format, or this is an error page instead of data"
        )


def _type(con: "duckdb.DuckDBPyConnection", dump: TabularDump) -> None:
    for name, companion in dump.companions.items():
        con.execute(sql.checked_companion(name, companion))
        con.execute(sql.usable_companion(name, companion))
    for name, query in dump.derived.items():
        con.execute(f"CREATE TABLE {quoted(name)} AS {query}")
    con.execute(sql.typed(dump))


def _judge(con: "duckdb.DuckDBPyConnection", dump: TabularDump) -> None:
    con.execute(sql.verdict(dump))
    for column, count in con.execute(sql.UNUSABLE_CELLS).fetchall():
        log.info("%s: %s cells of %s are unusable and were read as unknown", dump.source, count, column)
    con.execute(sql.refuse("film", "verdict", columns=_columns(con, "film"), delimiter=dump.layout.delimiter))
    if dump.key:
        con.execute(sql.film_keys(dump))
    for name, companion in dump.companions.items():
        if not companion.is_lookup:
            con.execute(sql.orphans(name, companion))
        delimiter = (companion.layout or dump.layout).delimiter
        con.execute(sql.refuse(f"raw {name}", f"checked {name}", columns=_columns(con, f"raw {name}"), delimiter=delimiter))


def _columns(con: "duckdb.DuckDBPyConnection", table: str) -> list[str]:
    return [row[0] for row in con.execute(f"DESCRIBE {quoted(table)}").fetchall() if row[0] not in ("file", "line")]


def _collect(con: "duckdb.DuckDBPyConnection", dump: TabularDump, *, named: Sequence[ArchiveFile], quarantine: Quarantine) -> Read:
    records = con.execute(sql.films(dump.source)).to_arrow_table()
    query = f"SELECT {literal(dump.source)} AS source, *, 1 AS record_count FROM refused ORDER BY file, line, reason"
    refused = con.execute(query).to_arrow_table()
    rejects = concat_rejects([conform(refused, REJECTS), quarantine.table()])
    return Read({MOVIE_RECORDS.name: conform(records, MOVIE_RECORDS)}, rejects, _counts(con, dump, named=named, quarantine=quarantine))


def _counts(
    con: "duckdb.DuckDBPyConnection", dump: TabularDump, *, named: Sequence[ArchiveFile], quarantine: Quarantine
) -> tuple[FileCount, ...]:
    tables = ["film", *(f"raw {name}" for name in dump.companions)]
    loaded = " UNION ALL ".join(f"SELECT file FROM {quoted(table)}" for table in tables)
    read = dict(con.execute(f"SELECT file, count(*) FROM ({loaded}) GROUP BY file").fetchall())
    refused = dict(con.execute("SELECT file, count(*) FROM refused GROUP BY file").fetchall())
    malformed = [row["file"] for row in quarantine.rows]
    names = sorted({file.name for file in named})
    return tuple(_count(name, read.get(name, 0), refused=refused.get(name, 0), malformed=malformed.count(name)) for name in names)


def _count(file: str, loaded: int, *, refused: int, malformed: int) -> FileCount:
    return FileCount(file, loaded + malformed, loaded - refused, refused + malformed)
