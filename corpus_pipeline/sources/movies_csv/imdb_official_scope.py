"""IMDb's official files cut down to what films need, line by line, before anything is loaded. What a film is, is `imdb_official`'s.

Most rows of these files are about episodes. As rows of the quarantine they would cost more than the corpus (docs/decisions/0005).
So each file is read as a stream:

- rows that may be about a film pass, and the common reader judges them;
- rows about titles out of scope go, one by one, into a zstd-packed Parquet file, and the quarantine tells those of a file by
  number, with the line and the text of the first;
- people whom no film names are counted as accepted and go no further.

What is remembered is a byte per IMDb number. Whatever is odd about a line (its fields, id or encoding) lets it pass, to be judged.
"""

import shutil
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from mmap import mmap
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import MOVIE_RECORDS, REJECTS
from corpus_pipeline.sources.archive import unpack
from corpus_pipeline.sources.delimited import COMPRESSED, ArchiveFile, matching
from corpus_pipeline.sources.reading import RAW_TEXT_LIMIT, FileCount, Quarantine, Read, concat_rejects

Judge = Callable[[bytes], str | None]
"""From a line to the reason code it is refused with; UNNEEDED to count it as accepted; None to let it pass."""

UNNEEDED = ""
OUT_OF_SCOPE = "out_of_scope"
ROW_GROUP = 122_880  # rows written at once, as everywhere
_IDS = 10**8  # ids of at most eight digits are remembered; pages of a map that are never touched take no memory, a bytearray's do
_IN, _OUT, _RATED = 1, 2, 4  # what is known of a title
_NAMED, _SEEN = 1, 2  # and of a person
_UNLESS_RATED = (b"short", b"video")
_UNKNOWN = (b"", rb"\N")
_BOM, _BLANK = b"\xef\xbb\xbf", (b"\n", b"\r\n")


def number_of(key: bytes, prefix: bytes) -> int:
    """The number of an id as IMDb spells it ('tt0000012', 'tt12345678'); -1 for any other spelling."""
    digits = key[2:]
    is_usual = len(digits) == 7 or (len(digits) == 8 and digits[:1] != b"0")
    return int(digits) if is_usual and key[:2] == prefix and digits.isdigit() else -1


@dataclass(slots=True)
class _Refused:
    """The lines of one file that are refused for one reason: how many, the first, and those that are not yet written."""

    first: tuple[int, str] = (0, "")
    count: int = 0
    lines: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def add(self, line: int, raw: bytes) -> None:
        text = raw.rstrip(b"\r\n").decode()[:RAW_TEXT_LIMIT]
        self.first = self.first if self.count else (line, text)
        self.count += 1
        self.lines.append(line)
        self.texts.append(text)

    def write(self, told: pq.ParquetWriter, source: str, file: str, reason: str) -> None:
        """Write what is not yet written, a row each, and forget it."""
        size = len(self.lines)
        columns = [pa.repeat(source, size), pa.repeat(file, size), pa.array(self.lines, pa.int64())]
        columns += [pa.repeat(reason, size), pa.array(self.texts, pa.string()), pa.repeat(pa.scalar(1, pa.int64()), size)]
        told.write_table(pa.Table.from_arrays(columns, schema=arrow_schema(REJECTS)))
        self.lines, self.texts = [], []


@dataclass(slots=True)
class _Cut:
    """What became of one file: where the lines lie that passed, which of its records they are, and what did not pass."""

    file: ArchiveFile
    passed: Path
    numbers: "array[int]" = field(default_factory=lambda: array("q"))
    unneeded: int = 0
    refused: dict[str, _Refused] = field(default_factory=dict)

    def counted(self, passed: FileCount) -> FileCount:
        """The count of the whole file, given that of the lines that passed."""
        refused = sum(refused.count for refused in self.refused.values())
        read = passed.read + self.unneeded + refused
        return FileCount(self.file.name, read, passed.accepted + self.unneeded, passed.quarantined + refused)


class Scope:
    """Cuts the files of one download; remembers which titles are films, and whom these name."""

    def __init__(self, source: str, kinds: Iterable[str], scratch: Path) -> None:
        self.source, self.scratch = source, scratch
        self.folder, self.told = scratch / "passed", scratch / "told.parquet"
        self._kinds = frozenset(kind.encode() for kind in kinds)
        self._titles, self._names = mmap(-1, _IDS), mmap(-1, _IDS)
        self._has_ratings = False
        self._cuts: dict[str, _Cut] = {}

    def cut(self, files: Sequence[ArchiveFile]) -> Path:
        """Lay the lines that pass into the folder that is returned, under the names of their files, and the others into `told`.

        ArchiveError when a file cannot be unpacked.
        """
        self.folder.mkdir(parents=True)
        for file in matching(files, ["title.ratings.tsv"]):
            self._note_ratings(file)
        with pq.ParquetWriter(self.told, arrow_schema(REJECTS), compression="zstd") as told:
            for pattern, (begins, judge) in self._judges().items():
                for file in matching(files, [pattern]):
                    self._cut(file, begins, judge, told)
        return self.folder

    def restored(self, read: Read) -> Read:
        """What was read of the lines that passed, with the file names, record numbers and counts of the download."""
        quarantine = Quarantine(self.source)
        for cut in self._cuts.values():
            for reason, refused in cut.refused.items():
                quarantine.add(cut.file.name, refused.first[0], reason, refused.first[1], refused.count)
        return Read(
            {MOVIE_RECORDS.name: _placed(read.tables[MOVIE_RECORDS.name], self._cuts)},
            concat_rejects([_placed(read.rejects, self._cuts), quarantine.table()]).sort_by([("file", "ascending"), ("line", "ascending")]),
            tuple(sorted((self._cuts[count.file].counted(count) for count in read.counts), key=lambda count: count.file)),
            self.told,
        )

    def _judges(self) -> dict[str, tuple[tuple[bytes, ...], Judge]]:
        """By file: the columns it must begin with, or all lines pass; and the judge. In order: titles, who they name, the names."""
        return {
            "title.basics.tsv": ((b"tconst", b"titleType"), self._title),
            "title.ratings.tsv": ((b"tconst",), self._about_title),
            "title.crew.tsv": ((b"tconst", b"directors", b"writers"), self._crew),
            "title.principals.tsv": ((b"tconst", b"ordering", b"nconst"), self._principal),
            "title.akas.tsv": ((b"titleId",), self._about_title),
            "name.basics.tsv": ((b"nconst",), self._person),
        }

    def _cut(self, file: ArchiveFile, begins: tuple[bytes, ...], judge: Judge, told: pq.ParquetWriter) -> None:
        name = f"{len(self._cuts)}/{_bare(file.name)}"
        cut = self._cuts[name] = _Cut(file, self.folder / name)
        cut.passed.parent.mkdir()
        with _lines(file, self.scratch) as lines, cut.passed.open("wb") as passed:
            header = lines.readline()
            passed.write(header)
            columns = header.removeprefix(_BOM).rstrip(b"\r\n").split(b"\t")
            is_known = tuple(columns[: len(begins)]) == begins
            self._divide(cut, lines, passed, judge if is_known else _pass, told, len(columns) - 1)
        for reason, refused in cut.refused.items():
            refused.write(told, self.source, file.name, reason)

    def _divide(self, cut: _Cut, lines: BinaryIO, passed: BinaryIO, judge: Judge, told: pq.ParquetWriter, tabs: int) -> None:
        number = 0
        for line in lines:
            if line in _BLANK:
                continue
            number += 1
            reason = judge(line) if line.count(b"\t") == tabs else None
            if reason is None:
                passed.write(line)
                cut.numbers.append(number)
            elif reason == UNNEEDED:
                cut.unneeded += 1
            else:
                refused = cut.refused.setdefault(reason, _Refused())
                refused.add(number, line)
                if len(refused.lines) == ROW_GROUP:
                    refused.write(told, self.source, cut.file.name, reason)

    def _note_ratings(self, file: ArchiveFile) -> None:
        self._has_ratings = True
        with _lines(file, self.scratch) as lines:
            for line in lines:
                number = number_of(line.split(b"\t", 1)[0], b"tt")
                if number >= 0:
                    self._titles[number] |= _RATED

    def _title(self, line: bytes) -> str | None:
        """Kinds that are films. A short or a video that nobody has rated is out of scope too: they outnumber the films."""
        key, kind, _ = line.split(b"\t", 2)
        number = number_of(key, b"tt")
        if number < 0 or kind in _UNKNOWN:
            return None
        is_obscure = self._has_ratings and kind in _UNLESS_RATED and not self._titles[number] & _RATED
        is_film = kind in self._kinds and not is_obscure
        if not (is_film or _is_text(line)):
            return None
        self._titles[number] |= _IN if is_film else _OUT
        return None if is_film else OUT_OF_SCOPE

    def _about_title(self, line: bytes) -> str | None:
        number = number_of(line.split(b"\t", 1)[0], b"tt")
        known = self._titles[number] if number >= 0 else 0
        return OUT_OF_SCOPE if known & _OUT and not known & _IN and _is_text(line) else None

    def _crew(self, line: bytes) -> str | None:
        reason = self._about_title(line)
        if reason is None:
            _, directors, writers, *_ = line.rstrip(b"\r\n").split(b"\t")
            self._note_names([*directors.split(b","), *writers.split(b",")])
        return reason

    def _principal(self, line: bytes) -> str | None:
        reason = self._about_title(line)
        if reason is None:
            self._note_names(line.split(b"\t", 3)[2:3])
        return reason

    def _note_names(self, people: Iterable[bytes]) -> None:
        for person in people:
            number = number_of(person, b"nm")
            if number >= 0:
                self._names[number] |= _NAMED

    def _person(self, line: bytes) -> str | None:
        number = number_of(line.split(b"\t", 1)[0], b"nm")
        if number < 0 or self._names[number] & _NAMED or not _is_text(line):
            return None
        is_repeated = self._names[number] & _SEEN
        self._names[number] |= _SEEN
        return "duplicate_id" if is_repeated else UNNEEDED


def _pass(line: bytes) -> str | None:
    return None


def _is_text(line: bytes) -> bool:
    try:
        return "\0" not in line.decode()
    except UnicodeDecodeError:
        return False


def _bare(name: str) -> str:
    path = Path(name)
    return path.stem if path.suffix in COMPRESSED else path.name


@contextmanager
def _lines(file: ArchiveFile, scratch: Path) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked for as long as they are read."""
    unpacked = scratch / "unpacked"
    path = unpack(file.path, unpacked)[0] if file.path.suffix in COMPRESSED else file.path
    try:
        with path.open("rb") as lines:
            yield lines
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def _placed(rows: pa.Table, cuts: Mapping[str, _Cut]) -> pa.Table:
    """`rows` with the names of the original files in `file` and the numbers of the original records in `line`."""
    if not rows.num_rows:
        return rows
    sizes = [len(cut.numbers) for cut in cuts.values()]
    numbers = pa.concat_arrays(
        [pa.Array.from_buffers(pa.int64(), len(cut.numbers), [None, pa.py_buffer(cut.numbers)]) for cut in cuts.values()]
    )
    which = pc.index_in(rows["file"], value_set=pa.array(list(cuts)))
    before = pc.take(pa.array([end - size - 1 for end, size in zip(accumulate(sizes), sizes, strict=True)]), which)
    placed = {
        "file": pc.take(pa.array([cut.file.name for cut in cuts.values()]), which),
        "line": pc.take(numbers, pc.add(before, rows["line"])),
    }
    return pa.Table.from_arrays([placed.get(name, rows[name]) for name in rows.column_names], schema=rows.schema)
