"""The rules every tabular source is held to: what is quarantined, what is nulled, and that the counts add up."""

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus_pipeline.errors import SourceError
from corpus_pipeline.schema.tables import MOVIE_RECORDS
from corpus_pipeline.sources.reading import Read
from corpus_pipeline.sources.tabular import Cell, Companion, Credit, TabularDump, read_dump

DUMP = TabularDump(
    source="made_up",
    files=("films.csv",),
    key="id",
    columns={
        "record_id": Cell("id", "integer"),
        "tmdb_id": Cell("tmdb", "integer"),
        "title": Cell("title"),
        "year": Cell("year", "year"),
        "runtime_minutes": Cell("runtime", "minutes"),
        "imdb_rating": Cell("ratings.mean", "real"),
        "imdb_vote_count": Cell("ratings.votes", "count"),
    },
    companions={
        "ratings": Companion(("ratings.csv",), "id", numbers=("mean", "votes")),
        "aliases": Companion(("aliases.csv",), "id", is_unique=False, is_optional=True, columns=("name",)),
    },
    refuse={"out_of_scope": "film.title LIKE '%(series)'"},
)
ANONYMOUS = TabularDump(
    source="anonymous",
    files=("films.csv",),
    columns={"title": Cell("title"), "year": Cell("year", "year"), "runtime_minutes": Cell("runtime", "minutes")},
    credits=(Credit("director", "director"),),
)


def read(folder: Path, dump: TabularDump = DUMP, **files: str) -> Read:
    source = folder / "in"
    source.mkdir(exist_ok=True)
    for name, text in ({"ratings": "id,mean,votes\n"} | files).items():
        (source / f"{name}.csv").write_text(text)
    return read_dump(dump, source, folder / "scratch")


def records(found: Read) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if v is not None} for row in found.tables[MOVIE_RECORDS.name].to_pylist()]


def reasons(found: Read) -> Mapping[tuple[str, int], str]:
    return {(row["file"], row["line"]): row["reason"] for row in found.rejects.to_pylist()}


HEAD = "id,tmdb,title,year,runtime\n"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",5,Fog,1999,90", "missing_id"),
        ("x1,5,Fog,1999,90", "bad_id"),
        ("1,5, ,1999,90", "missing_title"),
        ("1,5,Fo\x07g,1999,90", "control_characters"),
        ("1,,Fog,2115,90", "bad_year"),
        ("1,,Fog,someday,90", "bad_year"),
        ("1,5,Fog (series),1999,90", "out_of_scope"),
        ("1,5,Fog,1999", "wrong_field_count"),
        ('1,5,"Fog,1999,90', "unbalanced_quote"),
    ],
)
def test_a_row_without_a_usable_identity_is_quarantined(tmp_path: Path, row: str, reason: str) -> None:
    found = read(tmp_path, films=f"{HEAD}{row}\n2,6,Mist,2001,80\n")
    assert reasons(found) == {("films.csv", 1): reason}
    assert [record["title"] for record in records(found)] == ["Mist"]


@pytest.mark.parametrize(
    ("year", "runtime", "want"),
    [
        ("2115", "90", (None, 90)),
        ("1869", "90", (None, 90)),
        ("1999", "51420", (1999, None)),
        ("", "0", (None, None)),
        ("1999", "x", (1999, None)),
    ],
)
def test_an_unusable_optional_cell_is_null_when_an_authority_identifies_the_film(
    tmp_path: Path, year: str, runtime: str, want: tuple[int | None, int | None]
) -> None:
    (record,) = records(read(tmp_path, films=f"{HEAD}1,5,Fog,{year},{runtime}\n"))
    assert (record.get("year"), record.get("runtime_minutes")) == want


def test_nulled_cells_are_counted_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="corpus_pipeline.sources.tabular"):
        read(tmp_path, films=f"{HEAD}1,5,Fog,2115,51420\n2,6,Mist,2115,0\n")
    assert caplog.messages == [
        "made_up: 1 cells of runtime_minutes are unusable and were read as unknown",
        "made_up: 2 cells of year are unusable and were read as unknown",
    ]


def test_the_first_of_two_rows_with_one_id_is_kept(tmp_path: Path) -> None:
    found = read(tmp_path, films=f"{HEAD}1,5,Fog,1999,90\n1.0,5,Fog again,1999,90\n")
    assert reasons(found) == {("films.csv", 2): "duplicate_id"}
    assert [record["title"] for record in records(found)] == ["Fog"]


def test_companion_rows_need_a_key_a_film_and_numbers(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        films=f"{HEAD}1,5,Fog,1999,90\n2,6,Mist (series),2001,80\n3,7,Haze,2002,80\n",
        ratings="id,mean,votes\n1,7.5,10\n1,9.9,99\n,5,5\n9,5,5\n2,5,5\n3,high,5\n",
        aliases="id,name\n1,Nebel\n1,Brume\n9,Niebla\n",
    )
    assert reasons(found) == {
        ("films.csv", 2): "out_of_scope", ("ratings.csv", 2): "duplicate_id", ("ratings.csv", 3): "missing_id",
        ("ratings.csv", 4): "orphan", ("ratings.csv", 5): "out_of_scope", ("ratings.csv", 6): "bad_number", ("aliases.csv", 3): "orphan",
    }  # fmt: skip
    assert [(c.file, c.read, c.accepted, c.quarantined) for c in found.counts] == [
        ("aliases.csv", 3, 2, 1), ("films.csv", 3, 2, 1), ("ratings.csv", 6, 1, 5),
    ]  # fmt: skip
    assert [record.get("imdb_rating") for record in records(found)] == [7.5, None]


def test_a_rating_without_votes_is_none(tmp_path: Path) -> None:
    (record,) = records(read(tmp_path, films=f"{HEAD}1,5,Fog,1999,90\n", ratings="id,mean,votes\n1,7.5,0\n"))
    assert "imdb_rating" not in record
    assert record["imdb_vote_count"] == 0


def test_raw_text_is_the_record(tmp_path: Path) -> None:
    found = read(tmp_path, films=f"{HEAD}1,5,,1999,90\n")
    assert found.rejects["raw_text"].to_pylist() == ["1,5,,1999,90"]


@pytest.mark.parametrize(("runtime", "kind"), [("39", "short"), ("40", "movie"), ("", None)])
def test_kind_follows_a_known_running_time(tmp_path: Path, runtime: str, kind: str | None) -> None:
    (record,) = records(read(tmp_path, films=f"{HEAD}1,5,Fog,1999,{runtime}\n"))
    assert record.get("kind") == kind


def test_a_film_without_any_id_gets_a_stable_hash(tmp_path: Path) -> None:
    text = "title,year,runtime,director\nFog,1999,90,Ann\nfog,1999,90,Ann\nFog,1999,90,Bo\nFog,-5,90,Bo\n"
    found = read(tmp_path, ANONYMOUS, films=text)
    assert reasons(found) == {("films.csv", 2): "duplicate_id", ("films.csv", 4): "bad_year"}
    ids = {record["people"][0]["name"]: record["record_id"] for record in records(found)}
    assert ids == {name: hashlib.md5(f"fog|1999|90|{name}".encode()).hexdigest() for name in ("Ann", "Bo")}


def test_a_missing_file_or_column_names_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no file matches \['films.csv'\]; found \['ratings.csv'\]"):
        read(tmp_path)
    with pytest.raises(SourceError, match=r"no columns \['runtime', 'tmdb', 'year'\]"):
        read(tmp_path, films="id,title\n1,Fog\n")
    with pytest.raises(SourceError, match="error page"):
        read(tmp_path, films="<!DOCTYPE html>\n<html></html>\n")


def test_reading_twice_gives_the_same(tmp_path: Path) -> None:
    films = HEAD + "".join(f"{i},{i},Fog {i % 7},{1990 + i % 9},90\n" for i in range(50, 0, -1))
    first, second = (read(tmp_path, films=films) for _ in range(2))
    assert first.tables[MOVIE_RECORDS.name].equals(second.tables[MOVIE_RECORDS.name])
    assert first.rejects.equals(second.rejects)


CELL = st.text(st.sampled_from('ab1",\n 9'), max_size=5)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(CELL, min_size=4, max_size=6), max_size=6))
def test_no_row_disappears(tmp_path: Path, rows: list[list[str]]) -> None:
    found = read(tmp_path, films=HEAD + "".join(",".join(row) + "\n" for row in rows))
    films = next(count for count in found.counts if count.file == "films.csv")
    lines = sorted([record["line"] for record in records(found)] + [line for (file, line) in reasons(found) if file == "films.csv"])
    assert lines == list(range(1, films.read + 1))
