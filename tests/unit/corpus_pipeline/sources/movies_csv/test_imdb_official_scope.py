"""Cutting IMDb's files down: what is read stays as it was, line for line, and what is cut off is counted and kept one by one."""

import gzip
import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from corpus_pipeline.errors import ArchiveError, SourceError
from corpus_pipeline.schema.tables import MOVIE_RECORDS
from corpus_pipeline.sources.movies_csv import imdb_official_scope
from corpus_pipeline.sources.movies_csv.imdb_official import DUMP, read_imdb_official
from corpus_pipeline.sources.movies_csv.imdb_official_scope import number_of
from corpus_pipeline.sources.reading import Read, reasons
from corpus_pipeline.sources.tabular import read_dump

HEADERS = {
    "title.basics.tsv": "tconst titleType primaryTitle originalTitle isAdult startYear endYear runtimeMinutes genres",
    "title.ratings.tsv": "tconst averageRating numVotes",
    "title.crew.tsv": "tconst directors writers",
    "title.principals.tsv": "tconst ordering nconst category job characters",
    "title.akas.tsv": "titleId ordering title region language types attributes isOriginalTitle",
    "name.basics.tsv": "nconst primaryName birthYear",
}
FILM, EPISODE = "tt0000001 movie Fog Fog 0 1999 \\N 90 Drama", "tt0000002 tvEpisode E E 0 1999 \\N \\N \\N"


def line(text: str) -> bytes:
    return text.replace(" ", "\t").encode() + b"\n"


def written(folder: Path, **files: list[str]) -> Path:
    """A folder of IMDb's files ('basics' stands for title.basics.tsv), their cells between blanks."""
    folder.mkdir(parents=True)
    for name, rows in files.items():
        full = next(file for file in HEADERS if name in file)
        (folder / full).write_bytes(b"".join(map(line, [HEADERS[full], *rows])))
    return folder


def rejected(read: Read) -> list[tuple[str, int, str, int]]:
    return [(row["file"], row["line"], row["reason"], row["record_count"]) for row in read.rejects.to_pylist()]


@pytest.mark.parametrize(
    ("spelled", "number"),
    [
        (b"tt0000012", 12), (b"tt1234567", 1234567), (b"tt12345678", 12345678), (b"tt01234567", -1), (b"tt123456789", -1), (b"tt12", -1),
        (b"nm0000012", -1), (b"tt00000x2", -1), (b"0000012", -1), (b"", -1), (rb"\N", -1), ("tt000001²".encode(), -1), (b" tt0000012", -1),
    ],
)  # fmt: skip
def test_only_ids_as_imdb_spells_them_have_a_number(spelled: bytes, number: int) -> None:
    assert number_of(spelled, b"tt") == number


def odd(rows: list[str], chance: random.Random) -> bytes:
    """The rows, some of them spoilt in the ways that files are."""
    spoilt = []
    for row in rows:
        way = chance.randrange(20)
        raw = line(row)
        spoilt += [
            raw[: raw.rfind(b"\t")] + b"\n" if way == 0 else raw[:-1] + b"\tmore\n" if way == 1 else raw[:-1] + b"\xff\n" if way == 2
            else raw[2:] if way == 3 else b"\t" + raw.split(b"\t", 1)[1] if way == 4 else b"\n" + raw if way == 5 else raw
        ]  # fmt: skip
    return b"".join(spoilt)


def made_up(folder: Path, seed: int, *, end: bytes = b"\n") -> Path:
    chance = random.Random(seed)
    kinds = ("movie", "tvMovie", "tvEpisode", "tvSeries", "videoGame")
    titles = [f"tt{i:07d}" for i in chance.sample(range(1, 60), 40)]
    kind = {title: chance.choice(kinds) for title in titles}
    people = [f"nm{i:07d}" for i in range(1, 30)]
    any_of, some = chance.choice, [*titles, "tt9999999"]
    rows = {
        "title.basics.tsv": [f"{t} {kind[t]} T{t} O{t} 0 {any_of(('1999', 'x', '3000'))} \\N 90 Drama" for t in [*titles, *titles[:4]]],
        "title.ratings.tsv": [f"{t} 7.{i % 10} {i}" for i, t in enumerate(chance.sample(some, 25))],
        "title.crew.tsv": [f"{t} {any_of(people)},{any_of(people)} {any_of((*people, chr(92) + 'N'))}" for t in some],
        "title.principals.tsv": [f"{any_of(some)} {i} {any_of(people)} {any_of(('actor', 'producer'))} \\N \\N" for i in range(60)],
        "title.akas.tsv": [f"{any_of(some)} {i} A{i % 7} DE \\N \\N \\N {i % 2}" for i in range(80)],
        "name.basics.tsv": [f"{p} N{p} \\N" for p in [*people, *people[:5], "nm0000099", "nm0000099"]],
    }
    folder.mkdir()
    for name, listed in rows.items():
        (folder / name).write_bytes((line(HEADERS[name]) + odd(listed, chance)).replace(b"\n", end))
    return folder


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("seed", range(4))
def test_the_cut_files_read_as_the_whole_ones_do(tmp_path: Path, seed: int, end: bytes) -> None:
    folder = made_up(tmp_path / "imdb", seed, end=end)
    whole, cut = read_dump(DUMP, folder, tmp_path / "whole"), read_imdb_official(folder, tmp_path / "cut")
    assert cut.tables[MOVIE_RECORDS.name].equals(whole.tables[MOVIE_RECORDS.name])
    assert cut.counts == whole.counts
    assert {row[:3] for row in rejected(cut)} | told_rows(cut) == {row[:3] for row in rejected(whole)}
    assert reasons(cut.rejects) == reasons(whole.rejects)


def told_rows(read: Read) -> set[tuple[str, int, str]]:
    assert read.told is not None
    return {(row["file"], row["line"], row["reason"]) for row in pq.read_table(read.told).to_pylist()}


def test_what_is_told_by_number_lies_one_by_one_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imdb_official_scope, "ROW_GROUP", 2)
    episodes = [f"tt000010{i} tvEpisode E{i} E{i} 0 1999 \\N \\N \\N" for i in range(5)]
    folder = written(tmp_path / "imdb", basics=[episodes[0], FILM, *episodes[1:]], ratings=["tt0000103 7.0 9", "tt0000001 7.0 9"])
    read = read_imdb_official(folder, tmp_path / "scratch")
    assert rejected(read) == [("title.basics.tsv", 1, "out_of_scope", 5), ("title.ratings.tsv", 1, "out_of_scope", 1)]
    assert read.rejects["raw_text"].to_pylist()[0] == episodes[0].replace(" ", "\t")
    assert read.told is not None
    told = pq.read_table(read.told)
    assert told.schema.equals(read.rejects.schema)
    assert [(row["line"], row["raw_text"].split("\t")[2]) for row in told.to_pylist()[:5]] == [
        (1, "E0"), (3, "E1"), (4, "E2"), (5, "E3"), (6, "E4"),
    ]  # fmt: skip
    (film,) = read.tables[MOVIE_RECORDS.name].to_pylist()
    assert (film["file"], film["line"], film["imdb_vote_count"]) == ("title.basics.tsv", 2, 9)


@pytest.mark.parametrize(("ratings", "kept"), [(["tt0000001 7.0 9"], ["tt0000001"]), (None, ["tt0000001", "tt0000003", "tt0000004"])])
def test_shorts_and_videos_need_a_rating_where_there_are_ratings(tmp_path: Path, ratings: list[str] | None, kept: list[str]) -> None:
    shorts = ["tt0000003 short S S 0 1999 \\N 9 Short", "tt0000004 video V V 0 1999 \\N 70 Drama"]
    files = {"basics": [FILM.replace("movie", "short"), *shorts]} | ({"ratings": ratings} if ratings else {})
    read = read_imdb_official(written(tmp_path / "imdb", **files), tmp_path / "scratch")
    assert read.tables[MOVIE_RECORDS.name]["record_id"].to_pylist() == kept


def test_people_whom_no_film_names_are_counted_and_twins_among_them_refused(tmp_path: Path) -> None:
    names = ["nm0000001 Ann \\N", "nm0000002 Bo \\N", "nm0000002 Bo \\N", "nm0000003 Cy \\N"]
    folder = written(tmp_path / "imdb", basics=[FILM, EPISODE], crew=["tt0000001 nm0000001 \\N", "tt0000002 nm0000003 \\N"], name=names)
    read = read_imdb_official(folder, tmp_path / "scratch")
    counts = {count.file: (count.read, count.accepted, count.quarantined) for count in read.counts}
    assert counts["name.basics.tsv"] == (4, 3, 1)
    assert ("name.basics.tsv", 3, "duplicate_id", 1) in rejected(read)


def test_a_title_that_is_a_film_once_is_in_scope(tmp_path: Path) -> None:
    basics = [EPISODE, EPISODE.replace("tvEpisode", "movie"), EPISODE]
    read = read_imdb_official(written(tmp_path / "imdb", basics=basics, ratings=["tt0000002 7.0 9"]), tmp_path / "scratch")
    (film,) = read.tables[MOVIE_RECORDS.name].to_pylist()
    assert (film["line"], film["imdb_vote_count"]) == (2, 9)
    assert rejected(read) == [("title.basics.tsv", 1, "out_of_scope", 2)]


def test_columns_in_another_order_are_read_whole(tmp_path: Path) -> None:
    folder = written(tmp_path / "imdb", basics=[FILM, EPISODE])
    (folder / "title.ratings.tsv").write_bytes(line("numVotes tconst averageRating") + line("9 tt0000001 7.0") + line("9 tt0000002 7.0"))
    read = read_imdb_official(folder, tmp_path / "scratch")
    assert read.tables[MOVIE_RECORDS.name]["imdb_vote_count"].to_pylist() == [9]
    assert ("title.ratings.tsv", 2, "orphan", 1) in rejected(read)


def test_missing_columns_are_told(tmp_path: Path) -> None:
    (tmp_path / "imdb").mkdir()
    (tmp_path / "imdb" / "title.basics.tsv").write_bytes(line("tconst title"))
    with pytest.raises(SourceError, match="has no columns"):
        read_imdb_official(tmp_path / "imdb", tmp_path / "scratch")


def test_a_cut_off_download_is_told(tmp_path: Path) -> None:
    (tmp_path / "imdb").mkdir()
    packed = gzip.compress(line(HEADERS["title.basics.tsv"]) + line(FILM) * 500)
    (tmp_path / "imdb" / "title.basics.tsv.gz").write_bytes(packed[:-9])
    with pytest.raises(ArchiveError, match=r"title\.basics\.tsv\.gz: it is damaged or cut short"):
        read_imdb_official(tmp_path / "imdb", tmp_path / "scratch")
