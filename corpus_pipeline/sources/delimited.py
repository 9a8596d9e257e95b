"""Delimited text files into DuckDB tables of strings, every record numbered, every malformed record quarantined.

Belongs here: bytes to records. What a cell means is `cells`; which columns make a film is `dump` and `tabular`.

DuckDB's strict reader does the work (hundreds of MB/s). A file it refuses is split again here, record by record, with
the same dialect, so that one broken record costs one quarantined row and not the file. The splitter resumes at the
next physical line after a record that cannot be split, so an unclosed quote never swallows its neighbours.

Line ends are made uniform first: CR LF becomes LF, and a bare CR, which some dumps keep inside unquoted fields, becomes
a space. A record's number counts data records from 1; header and blank lines are not records.
"""

import bz2
import gzip
import mmap
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pyarrow as pa

from corpus_pipeline.errors import SourceError
from corpus_pipeline.schema.render import literal, quoted
from corpus_pipeline.sources.archive import unpack
from corpus_pipeline.sources.reading import Quarantine

if TYPE_CHECKING:
    import duckdb

COMPRESSED = (".gz", ".bz2")
LOOSE = (".csv", ".tsv", ".txt")
PLACE = ("file", "line")  # the two columns every loaded table starts with
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Layout:
    """How bytes are records: one frozen dialect, never detected.

    `quote` may be empty (unquoted files); `escape` equal to `quote` means doubling. A cell equal to one of `nulls` is
    null. `header` names the columns of files that have no header line. In an unquoted file the column `absorbing`
    takes surplus delimiters, where an upstream forgot to quote one free-text column.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = '"'
    encoding: str = "utf-8"
    nulls: tuple[str, ...] = ("",)
    header: tuple[str, ...] = ()
    absorbing: str = ""


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """A file of an archive: its name inside the archive and where its bytes lie now."""

    name: str
    path: Path

    def matches(self, pattern: str) -> bool:
        """Whether the name, without .gz or .bz2, ends in the glob `pattern`."""
        name = PurePosixPath(self.name)
        return (name.with_suffix("") if name.suffix in COMPRESSED else name).match(pattern)


def source_files(archive: Path, scratch: Path) -> tuple[ArchiveFile, ...]:
    """Every file of an archive, a folder, or a single loose file, by name; an archive is unpacked into `scratch`."""
    if not archive.exists():
        raise SourceError(f"opening {archive}: there is no such file or folder; fetch the source first")
    if archive.is_dir():
        return tuple(ArchiveFile(p.relative_to(archive).as_posix(), p) for p in sorted(archive.rglob("*")) if p.is_file())
    inner = Path(archive.stem) if archive.suffix in COMPRESSED else archive
    if inner.suffix in LOOSE:
        return (ArchiveFile(archive.name, archive),)
    into = scratch / "unpacked"
    return tuple(sorted((ArchiveFile(p.relative_to(into).as_posix(), p) for p in unpack(archive, into)), key=lambda f: f.name))


def matching(files: Sequence[ArchiveFile], patterns: Sequence[str]) -> tuple[ArchiveFile, ...]:
    """The files that match any of `patterns`, in order of name."""
    return tuple(file for file in files if any(file.matches(pattern) for pattern in patterns))


def load(
    con: "duckdb.DuckDBPyConnection", table: str, files: Sequence[ArchiveFile], *, layout: Layout, scratch: Path, quarantine: Quarantine
) -> tuple[str, ...]:
    """Create `table` (file, line, then every upstream column as VARCHAR) from `files`; returns the upstream columns.

    Malformed records go to `quarantine` with wrong_field_count, unbalanced_quote, bad_encoding or control_characters.
    Raises SourceError for a file without a header line.
    """
    known: dict[str, None] = {}
    parts = [table] if len(files) == 1 else [f"{table} {i}" for i, _ in enumerate(files)]
    for file, part in zip(files, parts, strict=True):
        path = _uniform(file, layout, scratch)
        columns = layout.header or _header(file, path, layout)
        if not _load_strictly(con, part, file, path=path, columns=columns, layout=layout):
            _load_record_by_record(con, part, file, path=path, columns=columns, layout=layout, quarantine=quarantine)
        known |= dict.fromkeys(columns)
    if parts != [table]:
        _join(con, table, parts, columns=tuple(known))
    return tuple(known)


def _join(con: "duckdb.DuckDBPyConnection", table: str, parts: Sequence[str], *, columns: Sequence[str]) -> None:
    """Move the rows of `parts` into a new `table`, in one transaction: appending file by file to one table costs four times as much."""
    cells = ", ".join(f"{quoted(column)} VARCHAR" for column in columns)
    con.begin()
    con.execute(f"CREATE OR REPLACE TABLE {quoted(table)} (file VARCHAR, line BIGINT, {cells})")
    for part in parts:
        con.execute(f"INSERT INTO {quoted(table)} BY NAME FROM {quoted(part)}")
        con.execute(f"DROP TABLE {quoted(part)}")
    con.commit()


def _load_strictly(
    con: "duckdb.DuckDBPyConnection", table: str, file: ArchiveFile, *, path: Path, columns: Sequence[str], layout: Layout
) -> bool:
    """Whether DuckDB's strict reader took the whole file, which is then `table`."""
    import duckdb

    if _holds(path, b"\0") or (layout.escape != layout.quote and _ends_with(path, layout.escape.encode())):
        return False  # DuckDB takes both: a NUL, and a file cut short inside a quoted cell after its escape character
    inside = [null for null in layout.nulls if layout.escape and layout.escape in null]  # DuckDB refuses these as nullstr
    cells = ", ".join(f"{_without(quoted(column), inside)} AS {quoted(column)}" for column in columns)
    nulls = [null for null in layout.nulls if null not in inside]
    query = (
        f"CREATE OR REPLACE TABLE {quoted(table)} AS SELECT ? AS file, row_number() OVER () AS line, {cells} FROM read_csv(?, "
        "auto_detect = false, header = false, strict_mode = true, new_line = '\\n', "
        "skip = ?, delim = ?, quote = ?, escape = ?, nullstr = ?, columns = ?)"
    )
    dialect = [int(not layout.header), layout.delimiter, layout.quote, layout.escape if layout.quote else "", nulls]
    try:
        con.execute(query, [file.name, str(path), *dialect, dict.fromkeys(columns, "VARCHAR")])
    except duckdb.Error:
        return False
    return not _has_surplus(con, table, path=path, columns=columns, layout=layout)


def _has_surplus(con: "duckdb.DuckDBPyConnection", table: str, *, path: Path, columns: Sequence[str], layout: Layout) -> bool:
    """Whether DuckDB (1.5) dropped surplus fields at the end of a record, which even its strict reader does at times.

    A title with a bare comma in a record whose last cell is empty would be cut that way. Delimiters are a checksum: those of
    the file must be those between the cells read and those inside them.
    """
    mark = layout.delimiter.encode()
    comma = literal(layout.delimiter)
    length = f"CASE WHEN contains({{0}}, {comma}) THEN strlen({{0}}) - strlen(replace({{0}}, {comma}, '')) ELSE 0 END"
    inside = " + ".join(length.format(quoted(column)) for column in columns)
    query = f"SELECT count(*), coalesce(sum({inside}), 0) // {len(mark)} FROM {quoted(table)}"
    rows, within = con.execute(query).fetchall()[0]
    return bool(_count(path, mark) != within + (len(columns) - 1) * rows + (0 if layout.header else _first_line(path).count(mark)))


def _without(cell: str, nulls: Sequence[str]) -> str:
    for null in nulls:
        cell = f"nullif({cell}, {literal(null)})"
    return cell


def _load_record_by_record(
    con: "duckdb.DuckDBPyConnection",
    table: str,
    file: ArchiveFile,
    *,
    path: Path,
    columns: Sequence[str],
    layout: Layout,
    quarantine: Quarantine,
) -> None:
    rows: list[tuple[int, list[str]]] = []
    for number, raw, fields in records(path.read_bytes().decode("utf-8", "surrogateescape"), layout, columns):
        if isinstance(fields, str):
            quarantine.add(file.name, number, fields, raw)
        else:
            rows.append((number, fields))
    arrays = [[None if fields[i] in layout.nulls else fields[i] for _, fields in rows] for i in range(len(columns))]
    loaded = pa.table(
        [pa.array([file.name] * len(rows), pa.string()), pa.array([n for n, _ in rows], pa.int64())]
        + [pa.array(values, pa.string()) for values in arrays],
        names=[*PLACE, *columns],
    )
    con.register("split_records", loaded)
    con.execute(f"CREATE OR REPLACE TABLE {quoted(table)} AS FROM split_records")
    con.unregister("split_records")


def records(text: str, layout: Layout, columns: Sequence[str]) -> Iterator[tuple[int, str, list[str] | str]]:
    """(number, raw text, fields or reason code) of each data record of `text`, whose line ends are LF."""
    field = _field_pattern(layout)
    position, number = (0, 0) if layout.header else (_next_line(text, 0), 0)
    while position < len(text):
        if text[position] == "\n":
            position += 1
            continue
        number += 1
        split = _split(text, position, layout=layout, field=field)
        fields = _absorb(split[0], layout, columns) if split else []
        end = split[1] if split and len(fields) == len(columns) else _next_line(text, position)
        raw = text[position:end].removesuffix("\n")
        reason = _defect(raw, fields if split else None, len(columns))
        yield number, raw, reason or fields
        position = end


def _defect(raw: str, fields: Sequence[str] | None, width: int) -> str | None:
    if not raw.isascii() and re.search("[\udc80-\udcff]", raw):
        return "bad_encoding"
    if "\0" in raw:
        return "control_characters"
    if fields is None:
        return "unbalanced_quote"
    return None if len(fields) == width else "wrong_field_count"


def _field_pattern(layout: Layout) -> re.Pattern[str]:
    delimiter, quote, escape = (re.escape(mark) for mark in (layout.delimiter, layout.quote, layout.escape))
    rest = rf"([^{delimiter}\n]*+)({delimiter}|\n|\Z)"
    if not quote:
        return re.compile(rf"()?+{rest}")
    inside = rf"(?:[^{quote}]++|{quote}{quote})*+" if quote == escape else rf"(?:[^{quote}{escape}]++|{escape}.)*+"
    return re.compile(rf"(?:{quote}({inside}){quote}(?={delimiter}|\n|\Z)|(?!{quote})){rest}", re.DOTALL)


def _split(text: str, position: int, *, layout: Layout, field: re.Pattern[str]) -> tuple[list[str], int] | None:
    """Fields of the record at `position` and where the next one starts; None when a quote is not closed or not alone."""
    fields = []
    while True:
        match = field.match(text, position)
        if match is None:
            return None
        inside = match[1] if layout.quote else None
        fields.append(match[2] if inside is None else _unescaped(inside, layout))
        position = match.end()
        if match[3] != layout.delimiter:
            return fields, position


def _unescaped(inside: str, layout: Layout) -> str:
    if layout.escape == layout.quote:
        return inside.replace(layout.quote * 2, layout.quote)
    return re.sub(re.escape(layout.escape) + "(.)", r"\1", inside, flags=re.DOTALL)


def _absorb(fields: list[str], layout: Layout, columns: Sequence[str]) -> list[str]:
    surplus = len(fields) - len(columns)
    if surplus <= 0 or layout.absorbing not in columns:
        return fields
    at = list(columns).index(layout.absorbing)
    return [*fields[:at], layout.delimiter.join(fields[at : at + surplus + 1]), *fields[at + surplus + 1 :]]


def _next_line(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end + 1


def _header(file: ArchiveFile, path: Path, layout: Layout) -> tuple[str, ...]:
    first = _first_line(path).decode("utf-8", "replace").rstrip("\n")
    split = _split(first, 0, layout=layout, field=_field_pattern(layout))
    if not first.strip() or split is None:
        raise SourceError(f"reading {file.name}: expected a header line, found {first[:80]!r}; the file is empty or not delimited text")
    names = [name.strip() or f"column{i}" for i, name in enumerate(split[0])]
    return tuple(name if name not in (*names[:i], *PLACE) else f"{name}_{i}" for i, name in enumerate(names))


def _uniform(file: ArchiveFile, layout: Layout, scratch: Path) -> Path:
    """The file as plain UTF-8 with LF line ends: its own path where it is that already, else a copy in `scratch`."""
    path = _decompressed(file, scratch)
    foreign = layout.encoding.lower().replace("_", "-") not in ("utf-8", "utf8")
    if not (foreign or _holds(path, b"\r") or _starts_with_mark(path)):
        return path
    content = path.read_bytes()
    if foreign:  # bytes the encoding does not define pass through and are found as bad_encoding by the splitter
        content = content.decode(layout.encoding, "surrogateescape").encode("utf-8", "surrogateescape")
    target = _place(scratch / "uniform", file.name)
    target.write_bytes(content.removeprefix(_BOM).replace(b"\r\n", b"\n").replace(b"\r", b" "))
    return target


def _decompressed(file: ArchiveFile, scratch: Path) -> Path:
    if file.path.suffix not in COMPRESSED:
        return file.path
    opened: gzip.GzipFile | bz2.BZ2File = gzip.GzipFile(file.path) if file.path.suffix == ".gz" else bz2.BZ2File(file.path)
    target = _place(scratch / "decompressed", file.name)
    try:
        with opened as packed, target.open("wb") as plain:
            shutil.copyfileobj(packed, plain, 1 << 22)
    except (OSError, EOFError) as error:
        raise SourceError(f"decompressing {file.name}: {error}; the file is truncated or not what its name says, fetch it again") from error
    return target


def _place(folder: Path, name: str) -> Path:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _first_line(path: Path) -> bytes:
    with path.open("rb") as handle:
        return handle.readline()


def _ends_with(path: Path, mark: bytes) -> bool:
    with path.open("rb") as handle:
        handle.seek(max(0, path.stat().st_size - len(mark)))
        return handle.read() == mark


def _count(path: Path, mark: bytes) -> int:
    with path.open("rb") as handle:
        return sum(chunk.count(mark) for chunk in iter(lambda: handle.read(1 << 22), b""))


def _starts_with_mark(path: Path) -> bool:
    with path.open("rb") as handle:
        return handle.read(len(_BOM)) == _BOM


def _holds(path: Path, text: bytes) -> bool:
    if path.stat().st_size == 0:
        return False
    with path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as view:
        return view.find(text) >= 0
