"""Declaring a dump: every problem reported at once, with the nearest valid key; the example reads a small CSV."""

from pathlib import Path

import pytest

from corpus_pipeline.errors import ConfigError
from corpus_pipeline.schema.tables import MOVIE_RECORDS
from corpus_pipeline.sources.dump import Cell, Credit, TabularDump
from corpus_pipeline.sources.tabular import load_dump, read_dump

EXAMPLE = Path(__file__).parents[4] / "docs" / "examples" / "my_dump.yaml"

CATALOGUE = """film_no;Name;Original;Released;Length;imdb;Genres;Director;Cast;Synopsis;Also known as
1;Café of Fog;Brume;03.04.1999;1h 30m;12345;Drama, War;Ann Oak, Bo Elm;Cy Ash|Di Yew;"Fog ""everywhere"".";Mist|Haze
2;Fog (series);;2001;;;;;;;
3;Short Fog;n/a;n/a;12;n/a;;;;;
"""


def written(folder: Path) -> Path:
    (folder / "catalogue_1.csv").write_bytes(CATALOGUE.encode("cp1252"))
    (folder / "scores.csv").write_text("film_no;mean;votes\n1;7.5;1,200\n9;5.0;3\n3;bad;4\n")
    return folder


def test_the_example_reads_a_small_csv(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    read = read_dump(load_dump(EXAMPLE), written(tmp_path / "in"), tmp_path / "scratch")
    first, short = read.tables[MOVIE_RECORDS.name].to_pylist()
    filled = {name: cell for name, cell in first.items() if cell is not None}
    assert [(p["name"], p["role"], p["position"]) for p in filled.pop("people")] == [
        ("Ann Oak", "director", 1), ("Bo Elm", "director", 2), ("Cy Ash", "actor", 1), ("Di Yew", "actor", 2),
    ]  # fmt: skip
    assert filled == {
        "source": "my_cinema", "record_id": "1", "file": "catalogue_1.csv", "line": 1, "title": "Café of Fog",
        "original_title": "Brume", "year": 1999, "runtime_minutes": 90, "kind": "movie", "imdb_id": "tt0012345", "genres": ["Drama", "War"],
        "plots": [{"text": 'Fog "everywhere".', "language": "en"}],
        "alternative_titles": [{"title": t, "language": None, "region": None} for t in ("Mist", "Haze")],
    }  # fmt: skip
    assert (short["record_id"], short["kind"], short["year"], short["original_title"]) == ("3", "short", None, None)
    rejects = {(row["file"], row["line"]): row["reason"] for row in read.rejects.to_pylist()}
    assert rejects == {
        ("catalogue_1.csv", 2): "out_of_scope", ("scores.csv", 1): "bad_number",
        ("scores.csv", 2): "orphan", ("scores.csv", 3): "bad_number",
    }  # fmt: skip


def test_every_problem_of_a_yaml_is_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "dump.yaml"
    path.write_text(
        "sourc: x\nfiles: a.csv\nlayout: {delimeter: ';'}\ncolumns: {title: {upstream: T, parsr: text}}\ncredits: [{role: director}]\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_dump(path)
    message = str(caught.value)
    assert "unknown key 'sourc'; nearest: source" in message
    assert "unknown key 'delimeter'; nearest: delimiter" in message
    assert "columns.title: unknown key 'parsr'; nearest: parser" in message
    assert "credits[0]" in message
    assert "'source' is missing" in message


def test_every_problem_of_a_declaration_is_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        TabularDump(
            "x",
            ("a.csv",),
            {"titel": Cell("T"), "year": Cell("Y", "yaer")},
            credits=(Credit("directer", "D"), Credit("actor", "A", "integer")),
            derived={"d": "SELECT 1"},
        )
    message = str(caught.value)
    assert "columns.titel: no such column in core_movie_records; nearest: title" in message
    assert "unknown parser 'yaer'; nearest: year" in message
    assert "unknown role 'directer'; nearest: director" in message
    assert "parser 'integer' gives no list" in message
    assert "'title' is missing" in message
    assert "'key' is missing" in message


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[1, 2]", "expected a mapping"),
        ("a: [", "reading the dump"),
        ("source: x\nfiles: f\ncolumns: {title: 3}\n", "columns.title: expected a mapping"),
        ("source: x\nfiles: f\ncolumns: {title: T}\nlayout: {encoding: utf-9}\n", "unknown encoding 'utf-9'"),
        ("source: x\nfiles: f\ncolumns: {title: T}\nlayout: {quote: '##'}\n", "one character each"),
        ("source: x\nfiles: f\ncolumns: [title]\n", "columns: expected a mapping"),
        ("source: x\nfiles: f\ncolumns: {title: T}\ncompanions: {s: {files: s.csv, key: k, layout: {quot: x}}}\n", "unknown key 'quot'"),
    ],
)
def test_unusable_yaml(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "dump.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=problem.replace("(", r"\(")):
        load_dump(path)


def test_a_missing_yaml_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        load_dump(tmp_path / "nowhere.yaml")
