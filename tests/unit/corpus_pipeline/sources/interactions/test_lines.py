"""Numbered lines: nothing lost at the edges of pieces, bad bytes marked, bad files named."""

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus_pipeline.errors import SourceError
from corpus_pipeline.sources.interactions import lines
from corpus_pipeline.sources.interactions.lines import numbered_lines

LINE = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=12).map(str.encode), st.binary(max_size=6), st.just(b"")
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_lines=st.lists(LINE.map(lambda b: b.replace(b"\n", b"").replace(b"\r", b"")), min_size=1, max_size=12), end=st.booleans())
@pytest.mark.parametrize("packed", [False, True])
def test_every_line_comes_once_under_its_number(packed: bool, given_lines: list[bytes], end: bool, tmp_path: Path) -> None:
    path = tmp_path / ("a.json.gz" if packed else "a.json")
    content = b"\r\n".join(given_lines) + (b"\r\n" if end else b"")
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lines, "CHUNK", 64)  # most files are then read in several pieces
        found = [row for piece in numbered_lines(path) for row in piece.to_pylist()] if content else []
    expected = [
        (number, line) for number, line in enumerate(given_lines, 1) if (text := line.decode("utf-8", "replace")) and not text.isspace()
    ]
    assert [(row["line"], row["text"]) for row in found] == [(number, line.decode("utf-8", "replace")) for number, line in expected]
    for row, (_, line) in zip(found, expected, strict=True):
        try:
            line.decode("utf-8")
            assert row["is_readable"]
        except UnicodeDecodeError:
            assert not row["is_readable"]


def test_latin_1(tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_bytes("Misérables, Les".encode("latin-1"))
    (piece,) = numbered_lines(tmp_path / "a.dat", encoding="latin-1")
    assert piece.to_pylist() == [{"line": 1, "text": "Misérables, Les", "is_readable": True}]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json.gz", b"<html>", "not what its name says"),
        ("a.json.gz", gzip.compress(b"{}\n" * 100)[:-9], "cut short"),
        ("a.json.gz", gzip.compress(b"abc\n" * 100)[:12] + b"\xff" * 20, "not what its name says"),
        ("a.json", b"", "it is empty"),
        ("a.json", b"x" * 40, "a line is longer than"),
        ("a.json", None, "fetch the source first"),
    ],
)
def test_bad_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes | None, message: str) -> None:
    monkeypatch.setattr(lines, "CHUNK", 32)
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message):
        list(numbered_lines(tmp_path / name))
