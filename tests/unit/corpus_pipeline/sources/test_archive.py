"""Every hostile archive is refused with a named error and leaves nothing behind; every honest one comes out byte for byte."""

import bz2
import gzip
import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from corpus_pipeline.errors import ArchiveError
from corpus_pipeline.sources.archive import Limits, members, unpack
from corpus_pipeline.sources.archive_names import Names, unsafe

FILES = {"films/a.json": b'{"id": 1}', "films/b.json": b"", "README": b"x" * 3000}
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".tar": lambda data: data,
    ".tar.gz": gzip.compress,
    ".tgz": gzip.compress,
    ".tar.bz2": bz2.compress,
    ".tar.zst": zstandard.ZstdCompressor().compress,
}


def member(name: str, content: bytes = b"hello", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def tar_of(*found: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for info, content in found:
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def zip_of(*found: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in found:
            packed.writestr(name, content)
    return out.getvalue()


def honest(suffix: str) -> bytes:
    if suffix == ".zip":
        return zip_of(("films/", b""), *FILES.items())
    folder = member("films", b"", type=tarfile.DIRTYPE)
    return PACKERS[suffix](tar_of(folder, *(member(name, content) for name, content in FILES.items())))


def refused(path: Path, saying: str, *, limits: Limits | None = None) -> None:
    """`path` is refused by both functions, the message says so, and nothing is left beside or below it."""
    limits = limits or Limits()
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(ArchiveError, match=saying) as caught:
        unpack(path, path.parent / "into", limits=limits)
    assert path.name in str(caught.value)
    assert "expected" in str(caught.value)
    assert sorted(path.parent.rglob("*")) == before
    with pytest.raises(ArchiveError, match=saying):
        list(members(path, limits=limits))


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def _write(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return _write


Write = Callable[[str, bytes], Path]


@pytest.mark.parametrize("suffix", [*PACKERS, ".zip"])
def test_an_honest_archive(write: Write, tmp_path: Path, suffix: str) -> None:
    path = write("data" + suffix, honest(suffix))
    assert dict(members(path)) == FILES
    written = unpack(path, tmp_path / "new" / "into")
    assert {p.relative_to(tmp_path / "new" / "into").as_posix(): p.read_bytes() for p in written} == FILES
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["into"]


def test_current_folder_prefix_is_dropped(write: Write) -> None:
    assert list(members(write("a.tar", tar_of(member("./x/./y.csv"))))) == [("x/y.csv", b"hello")]


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv.gz", gzip.compress(b"1,2\n", mtime=0)), ("a.csv.bz2", bz2.compress(b"1,2\n")), ("a.csv", b"1,2\n")],
    ids=[".gz", ".bz2", "plain"],  # not the bytes: each worker must collect the same names
)
def test_a_single_file(write: Write, tmp_path: Path, name: str, content: bytes) -> None:
    path = write(name, content)
    assert list(members(path)) == [("a.csv", b"1,2\n")]
    assert [p.read_bytes() for p in unpack(path, tmp_path / "into")] == [b"1,2\n"]


def test_a_folder_by_name(tmp_path: Path) -> None:
    for name in ("b.csv", "a/c.csv"):
        (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / name).write_text(name)
    assert list(members(tmp_path / "folder")) == [("a/c.csv", b"a/c.csv"), ("b.csv", b"b.csv")]


def test_an_empty_folder_may_be_filled_and_a_full_one_not(write: Write, tmp_path: Path) -> None:
    path = write("a.tar", honest(".tar"))
    (tmp_path / "into").mkdir()
    unpack(path, tmp_path / "into")
    with pytest.raises(ArchiveError, match="not an empty folder"):
        unpack(path, tmp_path / "into")
    assert (tmp_path / "into" / "README").read_bytes() == FILES["README"]


BAD_NAMES = {
    "absolute": "/etc/x",
    "parent": "../x",
    "parent inside": "a/../../x",
    "parent at the end": "a/..",
    "backslash": "a\\..\\x",
    "drive": "C:/x",
    "drive without a slash": "c:x",
    "control character": "a\x1fb",
    "too long a part": "x" * 256,
    "too long": "/".join(["abcdefgh"] * 200)[:1030],
}


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES)
def test_bad_names_in_a_tar(write: Write, name: str) -> None:
    refused(write("bad.tar", tar_of(member("good"), member(name))), "the member name")


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES)
def test_bad_names_in_a_zip(write: Write, name: str) -> None:
    refused(write("bad.zip", zip_of(("good", b""), (name, b""))), "the member name")


def test_a_bad_name_of_a_folder(write: Write) -> None:
    refused(write("bad.tar", tar_of(member("../x", b"", type=tarfile.DIRTYPE))), "leaves its folder")


def test_a_name_that_is_not_utf8(write: Write) -> None:
    refused(write("bad.tar", tar_of(member("caf\udce9"))), "not UTF-8")


def test_a_zip_name_cut_at_a_nul(write: Write) -> None:
    refused(write("bad.zip", zip_of(("goodX../x", b"")).replace(b"goodX", b"good\0")), "leaves its folder|control characters")


@pytest.mark.parametrize(
    ("kind", "saying"),
    [
        (tarfile.SYMTYPE, "symbolic link"),
        (tarfile.LNKTYPE, "hard link"),
        (tarfile.CHRTYPE, "device"),
        (tarfile.BLKTYPE, "device"),
        (tarfile.FIFOTYPE, "named pipe"),
        (tarfile.GNUTYPE_SPARSE, "sparse"),
        (b"Z", "unknown kind"),
    ],
)
def test_what_is_no_file(write: Write, kind: bytes, saying: str) -> None:
    refused(write("bad.tar", tar_of(member("good"), member("x", b"", type=kind, linkname="good"))), saying)


@pytest.mark.parametrize(("mode", "saying"), [(stat.S_IFLNK, "symbolic link"), (stat.S_IFCHR, "device"), (stat.S_IFIFO, "pipe")])
def test_what_is_no_file_in_a_zip(write: Write, mode: int, saying: str) -> None:
    info = zipfile.ZipInfo("x")
    info.external_attr = (mode | 0o644) << 16
    refused(write("bad.zip", zip_of(("good", b""), (info, b"/etc/passwd"))), saying)


@pytest.mark.parametrize(
    "names", [("a", "a"), ("a", "./a"), ("a/b", "a//b"), ("a", "A"), ("a", "a/b"), ("a/b", "a"), ("\u00e9", "e\u0301"), ("a/b/c", "A/B")]
)
def test_duplicate_names(write: Write, names: tuple[str, str]) -> None:
    refused(write("bad.tar", tar_of(*map(member, names))), "comes twice or through a file")


def test_duplicate_names_in_a_zip(write: Write) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = zip_of(("a", b"1"), ("a", b"2"))
    refused(write("bad.zip", content), "comes twice")


def test_a_folder_may_come_twice_and_after_its_files(write: Write) -> None:
    folder = member("a", b"", type=tarfile.DIRTYPE)
    assert list(members(write("a.tar", tar_of(folder, member("a/b"), folder)))) == [("a/b", b"hello")]


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.bz2", ".tar.zst"])
def test_a_bomb_by_ratio(write: Write, suffix: str) -> None:
    bomb = PACKERS[suffix](tar_of(member("zeros", bytes(3_000_000))))
    assert len(bomb) * 200 < 3_000_000
    refused(write("bomb" + suffix, bomb), "expand to", limits=Limits(ratio_from=1_000_000))


def test_a_bomb_in_one_compressed_file_and_in_a_zip(write: Write) -> None:
    limits = Limits(ratio_from=1_000_000)
    refused(write("bomb.gz", gzip.compress(bytes(3_000_000))), "expand to", limits=limits)
    refused(write("bomb.zip", zip_of(("zeros", bytes(3_000_000)))), "expand to", limits=limits)


@pytest.mark.parametrize("suffix", [".tar", ".tar.zst", ".zip"])
def test_caps_on_size_and_members(write: Write, suffix: str) -> None:
    path = write("big" + suffix, honest(suffix))
    refused(path, "expands beyond 2,999 bytes", limits=Limits(size=2_999))
    refused(path, "more than 3 members", limits=Limits(members=3))


@pytest.mark.parametrize("suffix", [*PACKERS, ".zip"])
def test_every_truncation(write: Write, suffix: str) -> None:
    whole = honest(suffix)
    end = whole.rstrip(b"\0") if suffix == ".tar" else whole
    for cut in {len(end) * part // 12 for part in range(1, 12)} | {len(end) - 1}:
        refused(write("cut" + suffix, whole[: max(cut, 8)]), "cut short|first bytes")


def test_a_tar_without_its_end_marker(write: Write) -> None:
    whole = tar_of(member("a"), member("b"))
    refused(write("cut.tar", whole[:2048]), "no valid header at byte 2048")


def test_a_damaged_header_is_not_the_end(write: Write) -> None:
    whole = bytearray(tar_of(member("a"), member("b")))
    whole[1024 + 5] ^= 1
    refused(write("bad.tar", bytes(whole)), "no valid header at byte 1024")


def test_bytes_after_the_end(write: Write) -> None:
    refused(write("bad.tar", tar_of(member("a")) + tar_of(member("b"))), "after the end of the archive")


def test_a_negative_size(write: Write) -> None:
    header = bytearray(member("a")[0].tobuf())
    header[124:136] = (2**96 - 512).to_bytes(12, "big")
    header[148:156] = b"%06o\0 " % (256 + sum(header[:148]) + sum(header[156:512]))
    refused(write("bad.tar", bytes(header) + bytes(10240)), "negative size")


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.zst", ".zip", ".tar.bz2"])
def test_a_flipped_bit_never_gives_other_bytes(write: Write, suffix: str) -> None:
    whole = honest(suffix) if suffix != ".tar.zst" else zstandard.ZstdCompressor(write_checksum=True).compress(honest(".tar"))
    for place in range(0, len(whole), max(1, len(whole) // 60)):
        flipped = bytearray(whole)
        flipped[place] ^= 0x10
        try:
            found = dict(members(write("bad" + suffix, bytes(flipped))))
        except ArchiveError:
            continue
        assert sorted(found.values()) == sorted(FILES.values())  # the bit was in a date, a mode or a zip name


PAGE = b"\xef\xbb\xbf \n<!DOCTYPE html><html><body>Sign in</body></html>"


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.tar.zst", "a.tar", "a.csv.gz", "a.csv", "a.json", "a.bz2"])
def test_a_page_instead_of_data(write: Write, name: str) -> None:
    refused(write(name, PAGE), "the host sent HTML")


@pytest.mark.parametrize(
    ("name", "content", "saying"),
    [
        ("a.zip", b'<?xml version="1.0"?><Error/>', "the host sent XML"),
        ("a.tar.gz", zip_of(("a", b"")), "is a zip archive by its first bytes"),
        ("a.zip", b"", "is an empty file"),
        ("a.tar.zst", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS pointer"),
        ("a.tar", b"id,title\n" * 100, "is unknown by its first bytes"),
        ("a.zip", b"PK\x03\x04" + bytes(60), "damaged or cut short"),
    ],
)
def test_what_is_something_else(write: Write, name: str, content: bytes, saying: str) -> None:
    refused(write(name, content), saying)


def test_an_encrypted_zip(write: Write) -> None:
    content = bytearray(zip_of(("a", b"secret")))
    content[6] |= 1  # flag bits of the local header
    content[content.index(b"PK\x01\x02") + 8] |= 1  # and of the central directory
    refused(write("bad.zip", bytes(content)), "expected an archive without a password")


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="fetch the source first"):
        list(members(tmp_path / "missing.zip"))


@given(st.text(st.characters(exclude_characters="\0"), max_size=30))
def test_a_safe_name_stays_below_its_folder(name: str) -> None:
    if unsafe(name) is None and name.strip("./"):
        path = Path("/base") / Names("x", 10).add(name)
        assert path.resolve().is_relative_to("/base")
        assert path != Path("/base")


@given(st.lists(st.sampled_from(["a", "b", "..", ".", "", "C:", "\\"]), min_size=1, max_size=6).map("/".join))
def test_names_are_refused_exactly_when_they_could_escape(name: str) -> None:
    could_escape = name.startswith("/") or ".." in name.split("/") or "\\" in name or name.startswith("C:")
    assert (unsafe(name) is not None) == could_escape


@pytest.mark.real
def test_real_archives_open(mirror: Path) -> None:
    for path in sorted((mirror / "movies").glob("*.tar.zst")):
        assert sum(1 for _ in members(path)) > 0
