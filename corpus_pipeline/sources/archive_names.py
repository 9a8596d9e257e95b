"""Which names inside an archive are safe to write below a folder. Pure text: no file is touched here."""

import re
import unicodedata

from corpus_pipeline.errors import ArchiveError

LONGEST_PART = 255  # bytes; what common file systems hold
LONGEST = 1024  # bytes
_DRIVE = re.compile(r"^[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Names:
    """The names of one archive, collected in order; each must be safe alone and among the earlier ones."""

    def __init__(self, archive: str, limit: int) -> None:
        self._archive, self._limit = archive, limit
        self._count = 0
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def add(self, name: str, *, is_folder: bool = False) -> str:
        """The name as a relative path with '/' between parts; ArchiveError when it is unsafe, a duplicate or one too many.

        Names that differ only in case or Unicode form are duplicates: on some file systems one overwrites the other.
        """
        self._count += 1
        if self._count > self._limit:
            raise self._refused(f"it has more than {self._limit:,} members", "a member count below that limit")
        fault = unsafe(name)
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if fault or not (parts or is_folder):
            raise self._refused(f"the member name {name[:200]!r} {fault or 'is empty'}", "relative names that stay below their folder")
        self._place(parts, is_folder)
        return "/".join(parts)

    def _place(self, parts: list[str], is_folder: bool) -> None:
        keys = [_key("/".join(parts[:depth])) for depth in range(1, len(parts) + 1)]
        folders = keys if is_folder else keys[:-1]
        taken = not is_folder and (keys[-1] in self._files or keys[-1] in self._folders)
        if taken or not self._files.isdisjoint(folders):
            raise self._refused(f"the name {'/'.join(parts)[:200]!r} comes twice or through a file", "every name once")
        self._folders.update(folders)
        self._files.update(keys[len(folders) :])

    def _refused(self, seen: str, expected: str) -> ArchiveError:
        return ArchiveError(f"opening {self._archive}: {seen}; expected {expected}; nothing was unpacked; fetch it from its official home")


def unsafe(name: str) -> str | None:
    """Why a member called `name` must not be written ('leaves its folder'), None when it may."""
    if name.startswith("/"):
        return "is absolute"
    if "\\" in name or _DRIVE.match(name):
        return "has a backslash or a drive letter"
    if ".." in name.split("/"):
        return "leaves its folder"
    if _CONTROL.search(name):
        return "has control characters"
    return _unwritable(name)


def _unwritable(name: str) -> str | None:
    try:
        size, longest = len(name.encode()), max(len(part.encode()) for part in name.split("/"))
    except UnicodeEncodeError:
        return "is not UTF-8"
    return "is too long" if size > LONGEST or longest > LONGEST_PART else None


def _key(name: str) -> str:
    return name.casefold() if name.isascii() else unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
