"""Records of dialogue files: where a file's bytes are found, how its records are counted, why one is rejected.

Shared by the readers beside it. A record is a non-empty line (or a CSV record); what a record means is the reader's business.
"""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from corpus_pipeline.errors import SourceError
from corpus_pipeline.sources.reading import FileCount, Quarantine

T = TypeVar("T")
V = TypeVar("V")
FIELD_LIMIT = 10_000_000  # characters of one CSV field; Reddit-Movie's context columns hold whole threads
EXPANDED_LIMIT = 4 * 2**30  # bytes; the largest dialogue archive expands to 0.04 of it


class RecordError(ValueError):
    """A record that cannot be accepted. Internal: readers turn it into a quarantined row with `reason`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def content(folder: Path, name: str, *, archive: str = "") -> bytes | None:
    """Bytes of the file `name` in `folder`, or of that member of the zip `archive` in it; None when there is neither.

    Only the named member is read and nothing is written, so a hostile path in the archive has no effect. SourceError
    for a damaged zip or one that expands beyond EXPANDED_LIMIT.
    """
    path = folder / name
    if path.is_file():
        return path.read_bytes()
    packed = folder / archive
    return _member(packed, name) if archive and packed.is_file() else None


def _member(packed: Path, name: str) -> bytes | None:
    try:
        with zipfile.ZipFile(packed) as archive:
            found = [info for info in archive.infolist() if info.filename.rsplit("/", 1)[-1] == name and not info.is_dir()]
            if sum(info.file_size for info in found) > EXPANDED_LIMIT:
                raise SourceError(f"reading {packed.name}: {name} expands beyond {EXPANDED_LIMIT} bytes; fetch the archive again")
            return archive.read(found[0]) if found else None
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError) as error:
        raise SourceError(f"reading {packed.name}: not a usable zip ({error}); expected the data set's archive; fetch it again") from error


def read_json_lines(data: bytes, file: str, quarantine: Quarantine, parse: Callable[[int, Any], T]) -> tuple[list[T], FileCount]:
    """`parse(line number, value)` of every non-empty line; a line that is rejected goes to `quarantine` with its reason.

    SourceError when no line of the file is JSON: the file is something else, an error page for instance.
    """
    lines = [(number, line) for number, line in enumerate(data.split(b"\n"), 1) if line.strip()]
    accepted, count = read_records(lines, file, quarantine, lambda number, line: parse(number, _json(line)))
    reasons = [row["reason"] for row in quarantine.rows if row["file"] == file]
    if lines and not accepted and all(reason in ("bad_json", "bad_utf8") for reason in reasons):
        raise SourceError(f"reading {file}: none of its {len(lines)} lines is JSON; expected one JSON value per line; fetch the file again")
    return accepted, count


def read_records(
    records: Iterable[tuple[int, V]], file: str, quarantine: Quarantine, parse: Callable[[int, V], T]
) -> tuple[list[T], FileCount]:
    """`parse(number, record)` of every record, and how the file fared: accepted + quarantined = read."""
    accepted: list[T] = []
    read = 0
    for number, record in records:
        read += 1
        try:
            accepted.append(parse(number, record))
        except RecordError as rejected:
            raw = record.decode("utf-8", "replace") if isinstance(record, bytes) else record
            quarantine.add(file, number, rejected.reason, raw)
    return accepted, FileCount(file, read, len(accepted), read - len(accepted))


def csv_rows(data: bytes, file: str, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """(record number, the header being 1; row by column) of a CSV whose texts may run over several lines.

    Bytes that are no UTF-8 survive as lone surrogates, for `take_utf8` to reject. SourceError when a column is missing.
    """
    csv.field_size_limit(max(csv.field_size_limit(), FIELD_LIMIT))
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", errors="surrogateescape", newline="")
    reader = csv.DictReader(text)
    if missing := [name for name in columns if name not in (reader.fieldnames or ())]:
        raise SourceError(f"reading {file}: columns {missing} are missing; expected a CSV with {list(columns)}; fetch it again")
    try:
        yield from enumerate(reader, 2)
    except csv.Error as error:
        raise SourceError(f"reading {file}: {error} at line {reader.line_num}; expected a CSV; fetch it again") from error


def _json(line: bytes) -> Any:
    try:
        value = json.loads(line.decode("utf-8-sig"))
        if b"\\ud" in line.lower():  # only an escape can smuggle in half a surrogate pair, which neither Arrow nor UTF-8 can hold
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordError("bad_utf8") from error
    except UnicodeEncodeError as error:
        raise RecordError("bad_text") from error
    except (ValueError, RecursionError) as error:
        raise RecordError("bad_json") from error
    return value


def take(record: Any, name: str, kind: type[T]) -> T:
    """`record[name]`, which must be there and of type `kind` (True is no int); RecordError otherwise."""
    if not isinstance(record, Mapping):
        raise RecordError("not_an_object")
    if name not in record:
        raise RecordError("missing_field")
    value = record[name]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        raise RecordError("bad_type")
    return value


def take_utf8(row: Any, name: str) -> str:
    """`take` of a string out of a CSV row of the right width; RecordError when its bytes were no UTF-8."""
    text = take(row, name, str)
    if None in row:
        raise RecordError("wrong_column_count")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RecordError("bad_utf8") from error
    return text


def no_file(folder: Path, expected: Iterable[str], dataset: str) -> SourceError:
    """The error for a folder that holds none of a data set's files."""
    seen = sorted(path.name for path in folder.iterdir())[:10] if folder.is_dir() else "no such folder"
    return SourceError(
        f"reading {dataset} from {folder}: saw {seen}; expected one of {sorted(expected)}; fetch the data set or correct the folder"
    )


def id_table(rows: Iterable[tuple[str, str]]) -> pa.Table:
    """(source_movie_id, imdb_id) pairs, for evaluation only, sorted by the data set's own id."""
    pairs = sorted(rows)
    return pa.table(
        {"source_movie_id": pa.array([a for a, _ in pairs], pa.string()), "imdb_id": pa.array([b for _, b in pairs], pa.string())}
    )
