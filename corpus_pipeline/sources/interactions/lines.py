"""Files of one record per line as numbered lines in Arrow, a piece at a time: what the delimited reader has no dialect for.

Belongs here: bytes to lines ('::' between fields, JSON lines, packed or not). What a line means is its reader's business.
"""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from corpus_pipeline.errors import SourceError

CHUNK = 32 << 20  # bytes of text in memory at a time; ten times that as Arrow strings and while they are parsed


def numbered_lines(path: Path, *, encoding: str = "utf-8") -> Iterator[pa.Table]:
    """(line from 1, text, is_readable) of every line that is not blank, in pieces; CR LF is a line end too.

    A line that is not in `encoding` has is_readable false and its bad bytes replaced. SourceError for a file that is not
    there, is no whole gzip although it ends in .gz, has no line at all, or has one longer than CHUNK.
    """
    first = 1
    for piece in _pieces(path):
        lines, readable = _decoded(piece, encoding)
        numbers = pa.array(range(first, first + len(lines)), pa.int64())
        table = pa.table({"line": numbers, "text": pa.array(lines, pa.string()), "is_readable": pa.array(readable, pa.bool_())})
        first += len(lines)
        yield table.filter(pa.array([not (line.isspace() or not line) for line in lines], pa.bool_()))
    if first == 1:
        raise SourceError(f"reading {path.name}: it is empty; expected one record per line; fetch the file again")


def _pieces(path: Path) -> Iterator[bytes]:
    """The bytes of the file, cut behind line ends."""
    rest = b""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as handle:
            while read := handle.read(CHUNK):
                whole, end, rest = (rest + read).rpartition(b"\n")
                if len(rest) > CHUNK:
                    raise SourceError(f"reading {path.name}: a line is longer than {CHUNK:,} bytes; expected one record per line")
                if end:
                    yield whole
    except FileNotFoundError as error:
        raise SourceError(f"opening {path}: there is no such file; fetch the source first") from error
    except SourceError:
        raise
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"reading {path.name}: {error}; the file is cut short or not what its name says, fetch it again") from error
    if rest:
        yield rest


def _decoded(piece: bytes, encoding: str) -> tuple[list[str], list[bool]]:
    packed = piece.replace(b"\r\n", b"\n").removesuffix(b"\r")
    try:
        lines = packed.decode(encoding).split("\n")
    except UnicodeDecodeError:
        return _one_by_one(packed.split(b"\n"), encoding)
    return lines, [True] * len(lines)


def _one_by_one(packed: list[bytes], encoding: str) -> tuple[list[str], list[bool]]:
    lines = [line.decode(encoding, "replace") for line in packed]
    return lines, [text.encode(encoding, "replace") == line for text, line in zip(lines, packed, strict=True)]
