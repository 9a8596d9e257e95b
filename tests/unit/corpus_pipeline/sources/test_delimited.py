"""Delimited files: dialects, line ends, encodings, and one quarantined row per broken record."""

import bz2
import gzip
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from corpus_pipeline.errors import SourceError
from corpus_pipeline.sources import delimited
from corpus_pipeline.sources.delimited import ArchiveFile, Layout, load, matching, records, source_files
from corpus_pipeline.sources.reading import Quarantine
from corpus_pipeline.store import connect

OMDB = Layout(escape="\\", nulls=("", r"\N"))
UNQUOTED = Layout(quote="", nulls=("", r"\N"))


def loaded(path: Path, content: bytes, layout: Layout = Layout()) -> tuple[list[tuple[Any, ...]], list[tuple[int, str]]]:  # noqa: B008
    """(rows without the file name, (line, reason) of each reject)."""
    file = path / "rows.csv"
    file.write_bytes(content)
    quarantine = Quarantine("made_up")
    with connect() as con:
        load(con, "rows", [ArchiveFile("rows.csv", file)], layout=layout, scratch=path, quarantine=quarantine)
        rows = con.execute("SELECT * EXCLUDE (file) FROM rows ORDER BY line").fetchall()
    return rows, [(row["line"], row["reason"]) for row in quarantine.rows]


@pytest.mark.parametrize(
    ("content", "layout", "rows"),
    [
        pytest.param(b'id,t\n1,"a, ""b"""\n2,c\n', Layout(), [(1, "1", 'a, "b"'), (2, "2", "c")], id="doubled quotes"),
        pytest.param(b'id,t\n1,"a\nb"\n', Layout(), [(1, "1", "a\nb")], id="newline in quotes"),
        pytest.param(b"id,t\n1,a\rb\n2,c\n", Layout(), [(1, "1", "a b"), (2, "2", "c")], id="bare CR unquoted is a space"),
        pytest.param(b"id,t\r\n1,a\r\n", Layout(), [(1, "1", "a")], id="CR LF"),
        pytest.param(b'"id","t"\n"1","say \\"a\\", b"\n"2",\\N\n', OMDB, [(1, "1", 'say "a", b'), (2, "2", None)], id="backslash escape"),
        pytest.param(b'id,t\n1,a "b c\n2,\\N\n', UNQUOTED, [(1, "1", 'a "b c'), (2, "2", None)], id="unquoted with bare quotes"),
        pytest.param("id,t\n1,Ren\u00e9\n".encode("cp1252"), Layout(encoding="cp1252"), [(1, "1", "René")], id="cp1252"),
        pytest.param(b"\xef\xbb\xbfid,t\n1,a\n", Layout(), [(1, "1", "a")], id="byte order mark"),
        pytest.param(b"1;a\n", Layout(delimiter=";", header=("id", "t")), [(1, "1", "a")], id="no header line"),
        pytest.param(b"id,t\n\n1,a\n\n", Layout(), [(1, "1", "a")], id="blank lines are not records"),
        pytest.param(b"id,t\n1,a", Layout(), [(1, "1", "a")], id="no newline at the end"),
    ],
)
def test_every_dialect_gives_its_records(tmp_path: Path, content: bytes, layout: Layout, rows: list[tuple[Any, ...]]) -> None:
    assert loaded(tmp_path, content, layout) == (rows, [])


@pytest.mark.parametrize(
    ("content", "rows", "rejects"),
    [
        pytest.param(b"id,t\n1,a\n2,b,c\n3,d\n", [(1, "1", "a"), (3, "3", "d")], [(2, "wrong_field_count")], id="one field too many"),
        pytest.param(b"id,t\n1\n2,b\n", [(2, "2", "b")], [(1, "wrong_field_count")], id="one field too few"),
        pytest.param(b"id,t\n1,a,\n2,b\n", [(2, "2", "b")], [(1, "wrong_field_count")], id="an empty field too many"),
        pytest.param(b'id,t\n1,a,""\n2,b\n', [(2, "2", "b")], [(1, "wrong_field_count")], id="a quoted empty field too many"),
        pytest.param(b'id,t\n1,"a\n2,b\n3,c\n', [(2, "2", "b"), (3, "3", "c")], [(1, "unbalanced_quote")], id="quote never closed"),
        pytest.param(b'id,t\n1,"a"b\n2,c\n', [(2, "2", "c")], [(1, "unbalanced_quote")], id="text after the closing quote"),
        pytest.param(b"id,t\n1,a\xff\n2,b\n", [(2, "2", "b")], [(1, "bad_encoding")], id="not UTF-8"),
        pytest.param(b"id,t\n1,a\0b\n2,b\n", [(2, "2", "b")], [(1, "control_characters")], id="NUL"),
    ],
)
def test_a_broken_record_costs_one_row(tmp_path: Path, content: bytes, rows: list[tuple[Any, ...]], rejects: list[tuple[int, str]]) -> None:
    assert loaded(tmp_path, content) == (rows, rejects)


def test_a_file_cut_short_after_an_escape_character_loses_only_its_last_record(tmp_path: Path) -> None:
    assert loaded(tmp_path, b'id,t\n1,a\n2,"b\\', OMDB) == ([(1, "1", "a")], [(2, "unbalanced_quote")])


def test_undefined_bytes_of_a_foreign_encoding_are_found(tmp_path: Path) -> None:
    content = b"id,t\n1,a\x81b\n2,Ren\xe9\n"
    assert loaded(tmp_path, content, Layout(encoding="cp1252")) == ([(2, "2", "René")], [(1, "bad_encoding")])


def test_the_absorbing_column_takes_surplus_commas(tmp_path: Path) -> None:
    layout = Layout(quote="", absorbing="t")
    assert loaded(tmp_path, b"id,t,g\n1,a, b, c,Drama\n2,d,War\n", layout) == ([(1, "1", "a, b, c", "Drama"), (2, "2", "d", "War")], [])


def test_header_names_are_trimmed_filled_and_made_unique(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(b", country,country,file\n0,a,b,c\n")
    with connect() as con:
        columns = load(con, "rows", [ArchiveFile("rows.csv", file)], layout=Layout(), scratch=tmp_path, quarantine=Quarantine("s"))
    assert columns == ("column0", "country", "country_2", "file_3")


@pytest.mark.parametrize("content", [b"", b"\n\n", b'"id,t\n1,2\n'])
def test_a_file_without_a_header_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SourceError, match="expected a header line"):
        loaded(tmp_path, content)


def test_compressed_files_are_seen_through(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"id,t\n1,a\n"))
    (tmp_path / "b.csv.bz2").write_bytes(bz2.compress(b"id,t\n2,b\n"))
    files = matching(source_files(tmp_path, tmp_path / "scratch"), ["*.csv"])
    with connect() as con:
        load(con, "rows", files, layout=Layout(), scratch=tmp_path / "scratch", quarantine=Quarantine("s"))
        assert con.execute("SELECT * FROM rows ORDER BY file").fetchall() == [("a.csv.gz", 1, "1", "a"), ("b.csv.bz2", 1, "2", "b")]


def test_a_truncated_file_is_a_source_error(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"id,t\n1,a\n" * 100)[:-12])
    with pytest.raises(SourceError, match="truncated"), connect() as con:
        load(con, "rows", source_files(tmp_path, tmp_path), layout=Layout(), scratch=tmp_path / "s", quarantine=Quarantine("s"))


def test_a_missing_archive_is_a_source_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="fetch the source first"):
        source_files(tmp_path / "nowhere.zip", tmp_path)


def encoded(rows: list[list[str]], layout: Layout) -> bytes:
    def cell(text: str) -> str:
        inner = text.replace("\\", "\\\\").replace('"', '\\"') if layout.escape == "\\" else text.replace('"', '""')
        return f'"{inner}"'

    return "".join(",".join(cell(text) for text in row) + "\n" for row in [["id", "t"], *rows]).encode()


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=8).filter(lambda text: text != r"\N")


@pytest.mark.parametrize("layout", [Layout(), OMDB], ids=["doubled", "backslash"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=5))
def test_the_splitter_and_duckdb_agree(tmp_path: Path, layout: Layout, rows: list[list[str]]) -> None:
    content = encoded(rows, layout)
    want = [(i, *(text or None for text in row)) for i, row in enumerate(rows, 1)]
    assert loaded(tmp_path, content, layout) == (want, [])
    split = [(n, *(text or None for text in fields)) for n, _, fields in records(content.decode(), layout, ["id", "t"])]
    assert split == want


@pytest.mark.parametrize("layout", [Layout(), OMDB, UNQUOTED], ids=["doubled", "backslash", "unquoted"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(text=',\\",')  # surplus fields that DuckDB's strict reader drops
@example(text=",,\\\n")
@given(text=st.text(st.sampled_from('ab",,\\\n'), max_size=25))
def test_what_duckdb_takes_is_what_the_splitter_takes(tmp_path: Path, layout: Layout, text: str) -> None:
    content = "id,t\n" + text
    split = [(n, f) for n, _, f in records(content, layout, ["id", "t"])]
    rows, rejects = loaded(tmp_path, content.encode(), layout)
    assert rows == [(n, *(cell if cell not in layout.nulls else None for cell in f)) for n, f in split if not isinstance(f, str)]
    assert rejects == [(n, f) for n, f in split if isinstance(f, str)]


@settings(max_examples=100, deadline=None)
@given(text=st.text(st.sampled_from('ab",\\\n'), max_size=40))
def test_the_splitter_never_loses_a_line(text: str) -> None:
    found = list(records("h,t\n" + text, Layout(), ["h", "t"]))
    assert [number for number, _, _ in found] == list(range(1, len(found) + 1))
    assert "".join(raw for _, raw, _ in found).replace("\n", "") == text.replace("\n", "")
    assert all(isinstance(fields, str) or len(fields) == 2 for _, _, fields in found)


def test_a_refused_file_leaves_no_rows_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[bool] = []
    strictly = delimited._load_strictly
    monkeypatch.setattr(delimited, "_load_strictly", lambda *a, **k: tried.append(strictly(*a, **k)) or tried[-1])
    rows, _ = loaded(tmp_path, b"id,t\n" + b"1,a\n" * 5000 + b"2\n")
    assert tried == [False]
    assert len(rows) == 5000
