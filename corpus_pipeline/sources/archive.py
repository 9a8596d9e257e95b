"""Opening archives safely: `.tar.zst`, `.tar.gz`, `.tar.bz2`, `.tar`, `.zip`, `.gz`, `.bz2`, plain files and folders.

No network here (see fetch). Nothing an archive says is trusted: unsafe names, links, devices, duplicate names, encryption,
expansion beyond the limits and missing ends are refused with an ArchiveError that says what was seen and what to do.
"""

import bz2
import gzip
import io
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Protocol

from corpus_pipeline.errors import ArchiveError
from corpus_pipeline.sources.archive_names import Names
from corpus_pipeline.sources.sniff import HEAD_BYTES, mismatch

CHUNK = 1 << 20  # bytes
TARS = (".tar.zst", ".tar.gz", ".tgz", ".tar.bz2", ".tar")
SINGLES = (".gz", ".bz2")


@dataclass(frozen=True, slots=True)
class Limits:
    """How far an archive may expand. The archives known here expand 3- to 7-fold, the largest to 95 MB.

    `ratio` is expanded to packed size and counts from `ratio_from` expanded bytes on: small archives of zeros are harmless.
    """

    members: int = 500_000
    size: int = 16 * 2**30
    ratio: float = 200.0
    ratio_from: int = 64 * 2**20


LIMITS = Limits()


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


def members(path: Path, *, limits: Limits = LIMITS) -> Iterator[tuple[str, bytes]]:
    """(name, content) of every regular file of the archive, in archive order, held in memory one at a time.

    A folder's files come by name, a plain or single compressed file under its own name. ArchiveError may come after
    some members: take nothing as read until the iteration has ended.
    """
    for name, handle in _entries(path, limits):
        yield name, _reading(path, handle, -1)


def unpack(path: Path, into: Path, *, limits: Limits = LIMITS) -> list[Path]:
    """Write every regular file of the archive below `into`, all or nothing; returns the files, in archive order.

    `into` is created, or must be an empty folder. The files are written beside it and it is renamed into place last.
    """
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise ArchiveError(f"unpacking {path.name}: {into} is not an empty folder; name a new one, nothing is overwritten")
    into.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=into.parent, prefix=f".{into.name[:40]}.unpacking-"))
    try:
        names = [_write(path, handle, partial / name) for name, handle in _entries(path, limits)]
        partial.chmod(0o755)  # mkdtemp makes it private
        partial.replace(into)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return [into / target.relative_to(partial) for target in names]


def _write(path: Path, handle: _Readable, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as out:
        while chunk := _reading(path, handle, CHUNK):
            out.write(chunk)
    return target


def _entries(path: Path, limits: Limits) -> Iterator[tuple[str, _Readable]]:
    """(safe name, content to be read before the next one is asked for) of every regular file."""
    if path.is_dir():
        yield from _folder(path)
        return
    _check_kind(path)
    if path.name.lower().endswith(TARS):
        yield from _tar(path, limits)
    elif path.suffix.lower() == ".zip":
        yield from _zip(path, limits)
    elif path.suffix.lower() in SINGLES:
        with _expanded(path, limits) as handle:
            yield path.stem, handle
    else:
        with path.open("rb") as plain:
            yield path.name, plain


def _check_kind(path: Path) -> None:
    try:
        with path.open("rb") as handle:
            wrong = mismatch(path.name, handle.read(HEAD_BYTES))
    except FileNotFoundError as error:
        raise ArchiveError(f"opening {path}: there is no such file or folder; fetch the source first") from error
    if wrong:
        raise ArchiveError(f"opening {path.name}: {wrong}; delete the file and fetch it again")


def _folder(path: Path) -> Iterator[tuple[str, _Readable]]:
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        with file.open("rb") as handle:
            yield file.relative_to(path).as_posix(), handle


class _Expanded:
    """Expanded bytes of one compressed stream, counted; ArchiveError as soon as they are too many for `limits`."""

    def __init__(self, path: Path, stream: IO[bytes], limits: Limits) -> None:
        self._path, self._stream, self._limits, self._count = path, stream, limits, 0
        self._packed = max(1, path.stat().st_size)

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(CHUNK), b""))
        chunk = self._stream.read(size)
        self._count += len(chunk)
        _check_expansion(self._path, self._count, self._packed, self._limits)
        return chunk


def _check_expansion(path: Path, expanded: int, packed: int, limits: Limits) -> None:
    if expanded > limits.size:
        raise _refused(path, f"it expands beyond {limits.size:,} bytes", "an archive below that limit")
    if expanded > limits.ratio_from and expanded > limits.ratio * packed:
        raise _refused(path, f"{packed:,} bytes expand to {expanded:,} and more", f"at most {limits.ratio:g} times, as data does")


def _refused(path: Path, seen: str, expected: str) -> ArchiveError:
    return ArchiveError(f"opening {path.name}: {seen}; expected {expected}; nothing was unpacked; fetch it from its official home")


@contextmanager
def _expanded(path: Path, limits: Limits) -> Iterator[_Expanded]:
    with _opened(path) as stream:
        yield _Expanded(path, stream, limits)


def _opened(path: Path) -> Any:
    suffix = path.suffix.lower()
    if suffix == ".zst":
        import zstandard

        return zstandard.ZstdDecompressor().stream_reader(path.open("rb"), read_across_frames=True, closefd=True)
    openers: dict[str, Callable[[Path], Any]] = {".gz": gzip.open, ".tgz": gzip.open, ".bz2": bz2.open}
    return openers[suffix](path) if suffix in openers else path.open("rb")


def _damage() -> tuple[type[Exception], ...]:
    """Everything the standard library and zstandard raise for damaged bytes."""
    import zstandard

    wrong = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)
    return (*wrong, OverflowError, zstandard.ZstdError)


def _guarded(path: Path, step: Callable[[], Any]) -> Any:
    """The result of `step`, with damage reported as ArchiveError."""
    try:
        return step()
    except ArchiveError:
        raise
    except _damage() as error:
        raise ArchiveError(
            f"opening {path.name}: it is damaged or cut short ({type(error).__name__}: {error}); "
            "expected a whole archive; delete the file and fetch it again"
        ) from error


def _reading(path: Path, handle: _Readable, size: int) -> bytes:
    content: bytes = _guarded(path, partial(handle.read, size))
    return content


class _StrictInfo(tarfile.TarInfo):
    """A tar header that must be one: tarfile itself takes a damaged or missing header for the end of the archive."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> "_StrictInfo":
        try:
            info = super().fromtarfile(tar)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError, tarfile.EmptyHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(f"no valid header at byte {tar.offset}: {error}") from error
        if info.size < 0:
            raise tarfile.ReadError(f"a negative size at byte {tar.offset}")
        return info


def _tar(path: Path, limits: Limits) -> Iterator[tuple[str, _Readable]]:
    names = Names(path.name, limits.members)
    opening: dict[str, Any] = {"mode": "r|", "tarinfo": _StrictInfo, "errorlevel": 2}
    with _expanded(path, limits) as stream, _guarded(path, partial(tarfile.open, fileobj=stream, **opening)) as tar:
        while (info := _guarded(path, tar.next)) is not None:
            name = names.add(info.name, is_folder=info.isdir())
            if not info.isdir():
                if not info.isreg() or info.issparse():
                    raise _refused(path, f"{name!r} is a {_form(info)}", "regular files and folders")
                yield name, _guarded(path, partial(tar.extractfile, info))
            tar.members = []  # tarfile keeps them all otherwise
        while rest := _reading(path, tar.fileobj, CHUNK):
            if rest.strip(b"\0"):
                raise _refused(path, "bytes come after the end of the archive", "nothing but padding there")


def _form(info: tarfile.TarInfo) -> str:
    kinds = {tarfile.SYMTYPE: "symbolic link", tarfile.LNKTYPE: "hard link", tarfile.FIFOTYPE: "named pipe"}
    return kinds.get(info.type) or ("device" if info.isdev() else "sparse file or unknown kind of member")


def _zip(path: Path, limits: Limits) -> Iterator[tuple[str, _Readable]]:
    with _guarded(path, partial(zipfile.ZipFile, path)) as opened:
        infos = opened.infolist()
        _check_directory(path, len(infos), len(opened.comment))
        _check_expansion(path, sum(info.file_size for info in infos), max(1, path.stat().st_size), limits)
        names = Names(path.name, limits.members)
        safe = [(names.add(info.orig_filename, is_folder=info.is_dir()), info) for info in infos]
        for name, info in safe:
            _check_zip_member(path, name, info)
        for name, info in safe:
            if not info.is_dir():
                with _guarded(path, partial(opened.open, info)) as handle:
                    yield name, handle


def _check_directory(path: Path, found: int, comment: int) -> None:
    """The end record (22 bytes before the comment) counts the members; zipfile does not compare. 65,535 means look elsewhere."""
    with path.open("rb") as handle:
        handle.seek(-22 - comment, io.SEEK_END)
        promised = int.from_bytes(handle.read(22)[10:12], "little")
    if promised not in (found, 0xFFFF):
        raise _refused(path, f"its directory lists {found} members and its end record {promised}", "equal numbers")


def _check_zip_member(path: Path, name: str, info: zipfile.ZipInfo) -> None:
    if info.flag_bits & 0x1:
        raise _refused(path, f"{name!r} is encrypted", "an archive without a password")
    form = stat.S_IFMT(info.external_attr >> 16)
    if form not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refused(path, f"{name!r} is a {'symbolic link' if form == stat.S_IFLNK else 'device or pipe'}", "regular files and folders")
