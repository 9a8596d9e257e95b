"""What a file is by its first bytes, against what its name says. Nothing is opened, decompressed or fetched here."""

HEAD_BYTES = 512  # enough for every mark below; a tar's lies at 257

_MARKS = (
    (b"PK\x03\x04", "zip archive"),
    (b"PK\x05\x06", "zip archive"),  # an empty one
    (b"\x1f\x8b", "gzip file"),
    (b"BZh", "bzip2 file"),
    (b"\x28\xb5\x2f\xfd", "zstd file"),
    (b"\xfd7zXZ\x00", "xz file"),
    (b"Rar!", "rar archive"),
    (b"7z\xbc\xaf\x27\x1c", "7z archive"),
    (b"%PDF-", "PDF"),
)
_NAMED = {
    ".zip": "zip archive", ".gz": "gzip file", ".tgz": "gzip file", ".bz2": "bzip2 file", ".zst": "zstd file", ".tar": "tar archive",
}  # fmt: skip
_PAGE_STARTS = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<title")
_PAGES = (".html", ".htm", ".xhtml", ".xml")
_XML_STARTS = (b"<?xml", b"<error")


def kind(head: bytes) -> str:
    """One of: empty file, zip archive, gzip file, bzip2 file, zstd file, tar archive, ..., HTML, XML, Git LFS pointer, or unknown."""
    if not head:
        return "empty file"
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if head[257:262] == b"ustar":
        return "tar archive"
    if head.startswith(b"version https://git-lfs"):
        return "Git LFS pointer"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:40].lower()
    if start.startswith(_PAGE_STARTS):
        return "HTML"
    return "XML" if start.startswith(_XML_STARTS) else "unknown"


def mismatch(name: str, head: bytes) -> str | None:
    """What is wrong with a file called `name` that begins with `head` (512 bytes or all of it); None when nothing is.

    A name that promises an archive needs that archive's mark. Any other file may be anything except the pages and pointers
    that hosts send in place of data.
    """
    seen, lowered = kind(head), name.lower()
    expected = next((what for suffix, what in _NAMED.items() if lowered.endswith(suffix)), None)
    if seen == expected or (expected is None and (lowered.endswith(_PAGES) or seen not in ("HTML", "XML", "Git LFS pointer"))):
        return None
    wanted = f"a {expected}" if expected else "data"
    if seen in ("HTML", "XML"):
        return f"the host sent {seen} (an error, consent or login page), expected {wanted}"
    if seen == "Git LFS pointer":
        return f"a Git LFS pointer came instead of the file it points to, expected {wanted}"
    return f"it is {_article(seen)}{seen} by its first bytes {head[:8]!r}, expected {wanted}"


def _article(seen: str) -> str:
    return "" if seen == "unknown" else "an " if seen[0] in "aeiou" else "a "
