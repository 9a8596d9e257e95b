"""From JSON documents to movie records: the one path the readers of this package share.

Belongs here: finding the documents of an archive, the rules by which one is accepted, and the accounting. What a value
means is `values`; which fields make a film is each reader's business.

Rules, the same as for tabular sources:
- A document is quarantined when it cannot be read (not_a_data_file, bad_encoding, not_json, not_a_literal, not_a_record) or
  its identity is unusable: missing_id, bad_id, missing_title, control_characters (in the title), duplicate_id (a later
  document with an id already read).
- A filled optional field that cannot be read, or lies outside the bounds the schema declares, becomes null, and the count
  per field is logged. An impossible year quarantines the film (bad_year) only when no authority's id identifies it.
- A rating without votes is no rating: it is null when the vote count is 0.
"""

import gc
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpus_pipeline.errors import SourceError
from corpus_pipeline.schema.fields import AUTHORITIES
from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import MOVIE_RECORDS
from corpus_pipeline.schema.types import Field
from corpus_pipeline.sources.archive import members
from corpus_pipeline.sources.movies_json.values import CONTROL, UNUSABLE, DocumentError
from corpus_pipeline.sources.reading import FileCount, Quarantine, Read

log = logging.getLogger(__name__)

Cells = dict[str, Any]
_BOM = "\ufeff"
_BOUNDED = [(c.name, c.field) for c in MOVIE_RECORDS.columns if c.field.minimum is not None and c.name != "line"]
_IDS = [c.name for c in MOVIE_RECORDS.columns if c.name in {*(f"{authority}_id" for authority in AUTHORITIES), "wikipedia_page"}]


@dataclass(frozen=True, slots=True)
class Document:
    """One record as it lies in an archive.

    `counted_as` is the file (or, where every film is a file, the folder) that accounts for it; `load` gives its value or
    raises DocumentError; `raw` is shown when it is quarantined.
    """

    counted_as: str
    file: str
    line: int
    raw: object
    load: Callable[[], Any]


def file_per_film(source: str, archive: Path, parse: Callable[[str], Any], *, failure: str) -> Iterator[Document]:
    """Every file below `archive` (archive or folder) as one document; only `*.json` are data.

    `parse` raises ValueError for a text that it cannot read, which is quarantined as `failure`. SourceError when no file
    is data.
    """
    found = sorted(members(archive))
    if not any(name.endswith(".json") for name, _ in found):
        raise _no_data(source, [name for name, _ in found], "*.json")
    for name, content in found:
        folder = name.rpartition("/")[0]
        yield Document(f"{folder}/*" if folder else "*", name, 0, content, partial(_parsed, name, content, parse, failure))


def files_of_films(source: str, archive: Path, pattern: str) -> Iterator[Document]:
    """Every element of the JSON lists in the files of `archive` whose name matches `pattern`; `line` counts elements from 1.

    SourceError when no file matches, or one that does is not a list in JSON: a bad file is not a bad record.
    """
    found = sorted(members(archive))
    matching = [(name, content) for name, content in found if fnmatchcase(name.rpartition("/")[2], pattern)]
    if not matching:
        raise _no_data(source, [name for name, _ in found], pattern)
    for name, content in matching:
        for line, value in enumerate(_list(source, name, content), 1):
            yield Document(name, name, line, value, partial(_itself, value))


def read_films(source: str, documents: Iterable[Document], cells: Callable[[Mapping[str, Any]], Cells]) -> Read:
    """The documents as `core_movie_records`. `cells` gives a document's cells by column, among them `record_id` and `title`."""
    with _uncollected():
        return _read(source, documents, cells)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the search for reference cycles: documents have none, and searching their many objects costs a fifth of the reading."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read(source: str, documents: Iterable[Document], cells: Callable[[Mapping[str, Any]], Cells]) -> Read:
    quarantine, unusable, counts = Quarantine(source), Counter[str](), dict[str, list[int]]()
    rows: dict[str, Cells] = {}
    for document in documents:
        count = counts.setdefault(document.counted_as, [0, 0])
        count[0] += 1
        try:
            row = _accepted(cells(_record(document)), rows, unusable)
        except DocumentError as refused:
            quarantine.add(document.file, document.line, refused.reason, _shown(document.raw))
            continue
        count[1] += 1
        rows[row["record_id"]] = row | {"source": source, "file": document.file, "line": document.line}
    for column, number in sorted(unusable.items()):
        log.info("%s: %s cells of %s are unusable and were read as unknown", source, number, column)
    files = tuple(FileCount(file, read, accepted, read - accepted) for file, (read, accepted) in sorted(counts.items()))
    return Read({MOVIE_RECORDS.name: _table(rows)}, quarantine.table(), files)


def _itself(value: Any) -> Any:
    return value


def _no_data(source: str, found: list[str], pattern: str) -> SourceError:
    return SourceError(
        f"reading {source}: no file matches {pattern!r}; found {found[:12]}; check that the archive is this source's and complete"
    )


def _parsed(name: str, content: bytes, parse: Callable[[str], Any], failure: str) -> Any:
    if not name.endswith(".json"):
        raise DocumentError("not_a_data_file")
    try:
        return parse(content.decode().removeprefix(_BOM))
    except UnicodeDecodeError:
        raise DocumentError("bad_encoding") from None
    except (ValueError, RecursionError):
        raise DocumentError(failure) from None


def _list(source: str, name: str, content: bytes) -> list[Any]:
    try:
        value = json.loads(content.decode().removeprefix(_BOM))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"reading {source}: {name} is not JSON ({error}); expected a list of films; fetch the archive again") from error
    if not isinstance(value, list):
        raise SourceError(f"reading {source}: {name} holds a {type(value).__name__}; expected a list of films; fetch the archive again")
    return value


def _record(document: Document) -> Mapping[str, Any]:
    value = document.load()
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise DocumentError("not_a_record")
    return value


def _accepted(row: Cells, earlier: Mapping[str, Cells], unusable: Counter[str]) -> Cells:
    """`row` with unusable cells as null, counted in `unusable`; DocumentError when its identity is not good."""
    _identify(row, earlier)
    spoilt = [name for name, cell in row.items() if cell is UNUSABLE]
    row |= dict.fromkeys(spoilt)
    spoilt += [name for name, field in _BOUNDED if name in row and not _is_within(row[name], field)]
    row |= dict.fromkeys(spoilt)
    if "year" in spoilt and all(row.get(name) is None for name in _IDS):
        raise DocumentError("bad_year")
    for site in ("imdb", "tmdb"):
        if row.get(f"{site}_vote_count") == 0:
            row[f"{site}_rating"] = None
    unusable.update(spoilt)
    return row


def _identify(row: Cells, earlier: Mapping[str, Cells]) -> None:
    record_id, title = row["record_id"], row["title"]
    if record_id is None:
        raise DocumentError("missing_id")
    if record_id is UNUSABLE:
        raise DocumentError("bad_id")
    if title is None or title is UNUSABLE:
        raise DocumentError("missing_title")
    if CONTROL.search(title):
        raise DocumentError("control_characters")
    if record_id in earlier:
        raise DocumentError("duplicate_id")


def _is_within(cell: Any, field: Field) -> bool:
    if cell is None:
        return True
    return (field.minimum is None or cell >= field.minimum) and (field.maximum is None or cell <= field.maximum)


def _shown(raw: object) -> str:
    return raw.decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else json.dumps(raw, ensure_ascii=False)


def _table(rows: Mapping[str, Cells]) -> pa.Table:
    ordered = [rows[record_id] for record_id in sorted(rows)]
    schema = arrow_schema(MOVIE_RECORDS)
    given = set().union(*ordered[:1])  # a reader gives every row the same columns
    columns = [pa.array([row[f.name] for row in ordered], f.type) if f.name in given else pa.nulls(len(ordered), f.type) for f in schema]
    return pa.Table.from_arrays(columns, schema=schema)
