"""The three JSON readers on made-up archives: one row per film, one reason per refused record, and counts that add up."""

import io
import json
import logging
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import zstandard

from corpus_pipeline.errors import SourceError
from corpus_pipeline.schema.tables import MOVIE_RECORDS
from corpus_pipeline.sources.movies_json import tmdb_jedi, tmdb_jphmf_2015, wikipedia_prust
from corpus_pipeline.sources.reading import Read
from corpus_pipeline.store import conform

JEDI: dict[str, Any] = {
    "tmdb_id": 7, "title": " The Glass Harbour ", "tagline": "", "overview": "A diver finds a city.", "release_date": "2014-11-03",
    "runtime": 94, "genres": ["Drama", "Music"], "director": "Ana Ruiz", "imdb_id": "tt0099999", "vote_average": 5.9, "vote_count": 3,
    "cast": [
        {"name": "Bo Lind", "character": "Diver", "profile": ""},
        {"name": "Cy Day", "character": "", "profile": ""},
        {"name": "Bo Lind", "character": "Ghost", "profile": ""},
    ],
}  # fmt: skip
JPHMF: dict[str, Any] = {
    "id": 8, "title": "L'été d'\"Or\"", "original_title": "L'été", "overview": None, "release_date": "1999-01-01", "vote_count": 0,
    "vote_average": 0.0, "video": False, "adult": False, "genre_ids": [18, 10769, 4242], "original_language": "fr", "casting": [1, 2],
}  # fmt: skip
PRUST: dict[str, Any] = {
    "title": "Dust Road", "year": 1923, "cast": ["Ida May", "Al Poe"], "genres": ["Western", "Silent"], "href": "Dust_Road_(1923%27s)",
    "extract": "Dust Road is a film.", "thumbnail": "x",
}  # fmt: skip


def archive_of(path: Path, files: dict[str, bytes]) -> Path:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    path.write_bytes(zstandard.ZstdCompressor().compress(out.getvalue()))
    return path


def read(reader: ModuleType, folder: Path, files: dict[str, bytes]) -> Read:
    found: Read = reader.read(archive_of(folder / "films.tar.zst", files), folder)
    table = found.tables[MOVIE_RECORDS.name]
    assert conform(table, MOVIE_RECORDS).num_rows == sum(count.accepted for count in found.counts)
    return found


def rows(found: Read) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = found.tables[MOVIE_RECORDS.name].to_pylist()
    return listed


def reasons(found: Read) -> list[tuple[str, int, str]]:
    return [(row["file"], row["line"], row["reason"]) for row in found.rejects.to_pylist()]


def jedi(folder: Path, *changes: dict[str, Any]) -> Read:
    return read(
        tmdb_jedi, folder, {f"d/{i}.json": json.dumps(JEDI | {"tmdb_id": i} | change).encode() for i, change in enumerate(changes, 1)}
    )


def test_jedi_film(tmp_path: Path) -> None:
    (film,) = rows(read(tmdb_jedi, tmp_path, {"d/7.json": json.dumps(JEDI).encode()}))
    assert {name: value for name, value in film.items() if value is not None and name != "people"} == {
        "source": "tmdb_jedi", "record_id": "7", "file": "d/7.json", "line": 0, "title": "The Glass Harbour", "year": 2014,
        "runtime_minutes": 94, "kind": "movie", "imdb_id": "tt0099999", "tmdb_id": 7, "tmdb_rating": 5.9, "tmdb_vote_count": 3,
        "genres": ["Drama", "Music"], "plots": [{"text": "A diver finds a city.", "language": "en"}],
    }  # fmt: skip
    assert [(p["role"], p["position"], p["name"], p["character"]) for p in film["people"]] == [
        ("director", 1, "Ana Ruiz", None), ("actor", 1, "Bo Lind", "Diver"), ("actor", 2, "Cy Day", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "column", "expected"),
    [
        ({"vote_count": 0}, "tmdb_rating", None),
        ({"runtime": 0}, "runtime_minutes", None),
        ({"runtime": 39}, "kind", "short"),
        ({"runtime": 0}, "kind", None),
        ({"runtime": 901}, "runtime_minutes", None),
        ({"genres": ["TV Movie"]}, "kind", "tv_movie"),
        ({"genres": "Drama"}, "genres", None),
        ({"imdb_id": ""}, "imdb_id", None),
        ({"release_date": ""}, "year", None),
        ({"release_date": "1024-01-01"}, "year", None),
        ({"vote_average": 11}, "tmdb_rating", None),
        ({"director": "", "cast": []}, "people", None),
        ({"cast": ["Bo Lind"]}, "people", None),
        ({"overview": " "}, "plots", None),
    ],
)
def test_jedi_cells(tmp_path: Path, change: dict[str, Any], column: str, expected: object) -> None:
    assert [row[column] for row in rows(jedi(tmp_path, change))] == [expected]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "not_json"),
        (b"", "not_json"),
        (b"<html>", "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"[1]", "not_a_record"),
        (b"null", "not_a_record"),
        (b'{"title": "Caf\xe9"}', "bad_encoding"),
        (json.dumps(JEDI | {"title": "a\ud83d"}).encode(), "bad_encoding"),
        (json.dumps(JEDI | {"tmdb_id": None}).encode(), "missing_id"),
        (b"{}", "missing_id"),
        (json.dumps(JEDI | {"tmdb_id": "x"}).encode(), "bad_id"),
        (json.dumps(JEDI | {"tmdb_id": -7}).encode(), "bad_id"),
        (json.dumps(JEDI | {"title": " "}).encode(), "missing_title"),
        (json.dumps(JEDI | {"title": 7}).encode(), "missing_title"),
        (json.dumps(JEDI | {"title": "a\x07b"}).encode(), "control_characters"),
        (b'{"tmdb_id": 7, "name": "Series", "first_air_date": "1999-01-01"}', "tv_not_movie"),
    ],
)
def test_jedi_refuses(tmp_path: Path, content: bytes, reason: str) -> None:
    found = read(tmdb_jedi, tmp_path, {"d/1.json": content, "d/8.json": json.dumps(JEDI | {"tmdb_id": 8}).encode()})
    assert reasons(found) == [("d/1.json", 0, reason)]
    assert [row["tmdb_id"] for row in rows(found)] == [8]
    (count,) = found.counts
    assert (count.file, count.read, count.accepted, count.quarantined) == ("d/*", 2, 1, 1)


def test_a_later_file_with_the_same_id_and_a_file_that_is_no_data(tmp_path: Path) -> None:
    film = json.dumps(JEDI).encode()
    found = read(tmdb_jedi, tmp_path, {"d/b.json": film, "d/a.json": film, "d/.DS_Store": b"\0\0Bud1\xff"})
    assert reasons(found) == [("d/.DS_Store", 0, "not_a_data_file"), ("d/b.json", 0, "duplicate_id")]
    assert [row["file"] for row in rows(found)] == ["d/a.json"]


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    assert len(rows(read(tmdb_jedi, tmp_path, {"d/7.json": b"\xef\xbb\xbf" + json.dumps(JEDI).encode()}))) == 1


def test_unusable_cells_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        jedi(tmp_path, {"runtime": "long"}, {"runtime": 1000}, {"vote_count": -1})
    assert caplog.messages == [
        "tmdb_jedi: 2 cells of runtime_minutes are unusable and were read as unknown",
        "tmdb_jedi: 1 cells of tmdb_vote_count are unusable and were read as unknown",
    ]


def test_rows_come_by_record_id(tmp_path: Path) -> None:
    assert [row["record_id"] for row in rows(jedi(tmp_path, *({} for _ in range(11))))] == sorted(str(i) for i in range(1, 12))


def test_jphmf_film(tmp_path: Path) -> None:
    text = "{" + ", ".join(f"u{key!r}: {'u' if isinstance(value, str) else ''}{value!a}" for key, value in JPHMF.items()) + "}"
    (film,) = rows(read(tmdb_jphmf_2015, tmp_path, {"movies/8.json": text.encode()}))
    assert {name: value for name, value in film.items() if value is not None} == {
        "source": "tmdb_jphmf_2015", "record_id": "8", "file": "movies/8.json", "line": 0, "title": "L'été d'\"Or\"",
        "original_title": "L'été", "year": 1999, "is_adult": False, "tmdb_id": 8, "tmdb_vote_count": 0,
        "genres": ["Drama", "Foreign", "4242"], "languages": ["fr"],
    }  # fmt: skip


def test_jphmf_folders_are_counted_apart_and_the_first_copy_stays(tmp_path: Path) -> None:
    files = {
        "movies/8.json": repr(JPHMF).encode(),
        "movie_list/8.json": repr(JPHMF | {"vote_count": 5}).encode(),
        "movies/9.json": b"{u'id'",
    }
    found = read(tmdb_jphmf_2015, tmp_path, files)
    assert [(c.file, c.read, c.accepted) for c in found.counts] == [("movie_list/*", 1, 1), ("movies/*", 2, 0)]
    assert reasons(found) == [("movies/8.json", 0, "duplicate_id"), ("movies/9.json", 0, "not_a_literal")]
    assert rows(found)[0]["tmdb_vote_count"] == 5


def prust(folder: Path, *films: Any) -> Read:
    return read(wikipedia_prust, folder, {"p/movies-1920s.json": json.dumps(films).encode(), "p/genres.json": b'["Silent"]'})


def test_prust_film(tmp_path: Path) -> None:
    (film,) = rows(prust(tmp_path, PRUST))
    assert {name: value for name, value in film.items() if value is not None and name not in ("people", "record_id")} == {
        "source": "wikipedia_prust", "file": "p/movies-1920s.json", "line": 1, "title": "Dust Road", "year": 1923,
        "wikipedia_page": "Dust_Road_(1923's)", "genres": ["Western", "Silent"],
        "plots": [{"text": "Dust Road is a film.", "language": "en"}],
    }  # fmt: skip
    assert [(p["role"], p["position"], p["name"]) for p in film["people"]] == [("actor", 1, "Ida May"), ("actor", 2, "Al Poe")]


@pytest.mark.parametrize(
    ("change", "is_kept"),
    [
        ({}, False),
        ({"extract": "Edited.", "genres": []}, False),
        ({"year": 1925}, True),
        ({"title": "Dust Road II"}, True),
        ({"href": "Another"}, True),
    ],
)
def test_prust_a_page_is_no_identity(tmp_path: Path, change: dict[str, Any], is_kept: bool) -> None:
    found = prust(tmp_path, PRUST, PRUST | change)
    assert reasons(found) == ([] if is_kept else [("p/movies-1920s.json", 2, "duplicate_id")])


def test_prust_without_page_the_cast_tells_apart(tmp_path: Path) -> None:
    bare = {"title": "Dust Road", "year": 1923, "genres": []}
    found = prust(tmp_path, bare | {"cast": ["Ida May"]}, bare | {"cast": ["Al Poe"]}, bare | {"cast": ["Al Poe"]})
    assert reasons(found) == [("p/movies-1920s.json", 3, "duplicate_id")]
    assert {row["wikipedia_page"] for row in rows(found)} == {None}


@pytest.mark.parametrize(("link", "page"), [("List_of_films#1923", None), ("A%FFb", None), ("", None), (7, None), ("A%23b", "A#b")])
def test_prust_links(tmp_path: Path, link: object, page: str | None) -> None:
    assert [row["wikipedia_page"] for row in rows(prust(tmp_path, PRUST | {"href": link}))] == [page]


def test_prust_refuses(tmp_path: Path) -> None:
    found = prust(tmp_path, 7, PRUST | {"title": ""}, {"title": "No year", "year": 19230}, PRUST | {"year": 19230}, PRUST)
    assert reasons(found) == [("p/movies-1920s.json", i, code) for i, code in enumerate(["not_a_record", "missing_title", "bad_year"], 1)]
    assert sorted(row["line"] for row in rows(found)) == [4, 5]  # a page identifies the film whose year is impossible


@pytest.mark.parametrize(("content", "saying"), [(b"<html>", "is not JSON"), (b'{"a": 1}', "holds a dict"), (b"\xff", "is not JSON")])
def test_prust_a_bad_file_is_no_bad_record(tmp_path: Path, content: bytes, saying: str) -> None:
    with pytest.raises(SourceError, match=saying):
        read(wikipedia_prust, tmp_path, {"p/movies-1920s.json": content})


@pytest.mark.parametrize("reader", [tmdb_jedi, tmdb_jphmf_2015, wikipedia_prust])
def test_an_archive_of_something_else(reader: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no file matches"):
        read(reader, tmp_path, {"README.md": b"hello"})


@pytest.mark.parametrize("reader", [tmdb_jedi, tmdb_jphmf_2015, wikipedia_prust])
def test_a_folder_is_read_like_its_archive(reader: ModuleType, tmp_path: Path) -> None:
    content = json.dumps([PRUST]).encode() if reader is wikipedia_prust else repr(JEDI | {"id": 7}).replace("'", '"').encode()
    (tmp_path / "folder" / "d").mkdir(parents=True)
    (tmp_path / "folder" / "d" / "movies-1.json").write_bytes(content)
    from_folder = reader.read(tmp_path / "folder", tmp_path)
    assert from_folder == read(reader, tmp_path, {"d/movies-1.json": content})


EXPECTED = {tmdb_jedi: (14_835, 14_835), tmdb_jphmf_2015: (19_331, 15_987), wikipedia_prust: (36_273, 36_255)}


@pytest.mark.real
@pytest.mark.parametrize("reader", EXPECTED, ids=lambda reader: reader.SOURCE)
def test_real_archives(mirror: Path, tmp_path: Path, reader: ModuleType) -> None:
    found: Read = reader.read(mirror / "movies" / f"{reader.SOURCE}.tar.zst", tmp_path)
    assert (sum(c.read for c in found.counts), sum(c.accepted for c in found.counts)) == EXPECTED[reader]
    assert set(found.rejects["reason"].to_pylist()) <= {"duplicate_id", "not_a_data_file"}
