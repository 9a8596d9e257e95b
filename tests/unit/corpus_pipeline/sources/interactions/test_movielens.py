"""MovieLens: both forms of ML-1M, ml-latest-small, and each against a plain Python reading of the same lines."""

import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus_pipeline.errors import SourceError
from corpus_pipeline.sources.interactions.movielens import read_movielens_1m, read_movielens_small
from corpus_pipeline.sources.reading import Read
from tests.unit.corpus_pipeline.sources.interactions.accounting import accepted, check, histories, items, refused, rows, users

MOVIES = """1::Toy Story (1995)::Animation|Children's|Comedy
58::Postino, Il (The Postman) (1994)::Drama
73::Misérables, Les (1995)::Drama|Musical
260::Star Wars: Episode IV - A New Hope (1977)::Action
"""
USERS = "1::F::1::10::48067\n2::M::56::16::70072\n3::M::25::0::55117\n"
RATINGS = "1::260::5::100\n1::1::3::50\n2::58::4::7\n1::73::4::100\n2::1::1::7\n"
SEQUENCES = "user_id\tposition\tmovie_id\tliked\n1\t0\t1\t0\n1\t1\t260\t1\n1\t2\t73\t1\n2\t0\t58\t1\n2\t1\t1\t0\n"
SMALL = {
    "movies.csv": 'movieId,title,genres\n1,Toy Story (1995),Comedy|Fantasy\n11,"American President, The (1995)",Comedy\n'
    "7,Cosmos,(no genres listed)\n",
    "ratings.csv": "userId,movieId,rating,timestamp\n1,1,3.5,30\n1,11,3.0,10\n2,1,0.5,5\n",
}
QUICK = settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])


def laid(folder: Path, files: Mapping[str, str], encoding: str = "utf-8") -> dict[str, Path]:
    for name, content in files.items():
        (folder / name).write_bytes(content.encode(encoding))
    return {f"interactions/some/{name}": folder / name for name in files}


def read_loose(folder: Path, ratings: str = RATINGS, movies: str = MOVIES, users: str = USERS) -> Read:
    return read_movielens_1m(laid(folder, {"ratings.dat": ratings, "movies.dat": movies, "users.dat": users}, "latin-1"))


def test_official_zip(tmp_path: Path) -> None:
    archive = tmp_path / "ml-1m.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for name, content in {"README": "about", "ratings.dat": RATINGS, "movies.dat": MOVIES, "users.dat": USERS}.items():
            packed.writestr(f"ml-1m/{name}", content.encode("latin-1"))
    read = read_movielens_1m({"movielens/ml-1m.zip": archive})
    check(read, "movielens_1m")
    assert histories(read) == {"1": ["1", "260", "73"], "2": ["58", "1"]}  # at the same second: the order of the lines
    told = [(row["item_id"], row["is_liked"], row["rating"], row["interacted_at"]) for row in rows(read)]
    assert told == [("1", False, 3, 50), ("260", True, 5, 100), ("73", True, 4, 100), ("58", True, 4, 7), ("1", False, 1, 7)]
    named = {number: (item["title"], item["year"], item["item_genres"]) for number, item in items(read).items()}
    assert named == {
        "1": ("Toy Story", 1995, ["Animation", "Children's", "Comedy"]),
        "58": ("Il Postino", 1994, ["Drama"]),
        "73": ("Les Misérables", 1995, ["Drama", "Musical"]),
        "260": ("Star Wars: Episode IV - A New Hope", 1977, ["Action"]),
    }
    people = [(row["gender"], row["age"], row["occupation"], row["location"]) for row in users(read).values()]
    assert people == [
        ("F", "under 18", "K-12 student", "48067"),
        ("M", "56+", "self-employed", "70072"),
        ("M", "25-34", "other or not specified", "55117"),
    ]


def test_sequences_tell_the_same_without_stars_and_times(tmp_path: Path) -> None:
    files = laid(tmp_path, {"ml1m_sequences_liked.tsv": SEQUENCES, "movies.dat": MOVIES, "users.dat": USERS}, "latin-1")
    mirror, official = read_movielens_1m(files), read_loose(tmp_path)
    check(mirror, "movielens_1m")
    lost = {"rating": None, "interacted_at": None}
    assert rows(mirror) == [row | lost for row in rows(official)]
    assert (items(mirror), users(mirror)) == (items(official), users(official))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1::1::5", "wrong_field_count"),
        ("1::1::5::3::9", "wrong_field_count"),
        ("x::1::5::3", "bad_id"),
        ("1::::5::3", "bad_id"),
        ("1::1::6::3", "bad_rating"),
        ("1::1::0::3", "bad_rating"),
        ("1::1::4.5::3", "bad_rating"),
        ("1::1:: 4::3", "bad_rating"),
        ("1::1::4::-3", "bad_time"),
        ("1::1::4::12345678901", "bad_time"),
        ("1::99::4::3", "unknown_item"),
        ("99::1::4::3", "unknown_user"),
        ("1::1::5::49", "duplicate_pair"),
    ],
)
def test_defects_of_ratings(tmp_path: Path, line: str, reason: str) -> None:
    read = read_loose(tmp_path, RATINGS + line + "\n")
    check(read, "movielens_1m")
    assert [(row["line"], row["reason"], row["raw_text"]) for row in read.rejects.to_pylist()] == [(6, reason, line)]
    assert histories(read) == {"1": ["1", "260", "73"], "2": ["58", "1"]}


@pytest.mark.parametrize(
    ("line", "reason"),
    [("1\t9", "wrong_field_count"), ("1\t-1\t1\t1", "bad_position"), ("1\t3\t58\t2", "bad_liking"), ("1\t0\ta\t1", "bad_id")],
)
def test_defects_of_sequences(tmp_path: Path, line: str, reason: str) -> None:
    files = {"ml1m_sequences_liked.tsv": SEQUENCES + line + "\n", "movies.dat": MOVIES, "users.dat": USERS}
    read = read_movielens_1m(laid(tmp_path, files, "latin-1"))
    check(read, "movielens_1m")
    assert refused(read) == {reason: 1}


def test_the_last_of_two_ratings_is_kept(tmp_path: Path) -> None:
    read = read_loose(tmp_path, "1::1::5::10\n1::260::4::20\n1::1::2::30\n2::1::1::5\n2::1::2::5\n")
    assert [(row["user_id"], row["item_id"], row["rating"]) for row in rows(read)] == [("1", "260", 4), ("1", "1", 2), ("2", "1", 2)]
    assert [(row["line"], row["reason"]) for row in read.rejects.to_pylist()] == [(1, "duplicate_pair"), (4, "duplicate_pair")]


def test_defects_of_movies_and_users(tmp_path: Path) -> None:
    movies = MOVIES + "1::Again (1990)::Drama\nx::Y (1990)::Drama\n9:: ::Drama\n10::Old (1492)::Drama\n"
    read = read_loose(tmp_path, movies=movies, users=USERS + "1::M::1::1::1\n4::X::2::21::\nfive::M::1::1::1\n")
    check(read, "movielens_1m")
    assert refused(read) == {"duplicate_id": 2, "bad_id": 2, "missing_title": 1}
    assert items(read)["1"]["title"] == "Toy Story"
    assert (items(read)["10"]["title"], items(read)["10"]["year"]) == ("Old", None)
    assert set(users(read)["4"].values()) == {"movielens_1m", "4", None}


def test_bad_files(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none of its 1 lines is a record of movielens_1m"):
        read_loose(tmp_path, "<html>no such file</html>\n")
    with pytest.raises(SourceError, match="it is empty"):
        read_loose(tmp_path, "")
    with pytest.raises(SourceError, match="saw the header"):
        read_movielens_1m(laid(tmp_path, {"ml1m_sequences_liked.tsv": "a\n", "movies.dat": MOVIES, "users.dat": USERS}))
    with pytest.raises(SourceError, match=r"expected ml1m_sequences_liked.tsv or ratings.dat"):
        read_movielens_1m(laid(tmp_path, {"movies.dat": MOVIES, "users.dat": USERS}))


def test_small(tmp_path: Path) -> None:
    read = read_movielens_small(laid(tmp_path, SMALL))
    check(read, "movielens_small")
    told = [(row["user_id"], row["item_id"], row["is_liked"], row["rating"], row["interacted_at"]) for row in rows(read)]
    assert told == [("1", "11", False, 3.0, 10), ("1", "1", True, 3.5, 30), ("2", "1", False, 0.5, 5)]
    named = {number: (item["title"], item["year"], item["item_genres"]) for number, item in items(read).items()}
    assert named == {
        "1": ("Toy Story", 1995, ["Comedy", "Fantasy"]),
        "11": ("The American President", 1995, ["Comedy"]),
        "7": ("Cosmos", None, []),
    }
    assert set(users(read)) == {"1", "2"}


def test_small_zip_is_the_same(tmp_path: Path) -> None:
    loose = read_movielens_small(laid(tmp_path, SMALL))
    with zipfile.ZipFile(tmp_path / "ml-latest-small.zip", "w") as packed:
        for name, content in SMALL.items():
            packed.writestr(f"ml-latest-small/{name}", content)
    zipped = read_movielens_small({"movielens/ml-latest-small.zip": tmp_path / "ml-latest-small.zip"})
    assert zipped.tables == loose.tables


def test_small_defects(tmp_path: Path) -> None:
    broken = "1,2,3\n1,,3.0,5\n1,99,3.0,5\n2,11,5.5,5\n2,11,0.0,5\n2,11,3.25,5\n2,11,3,soon\n2,11,,5\n"
    read = read_movielens_small(laid(tmp_path, SMALL | {"ratings.csv": SMALL["ratings.csv"] + broken}))
    check(read, "movielens_small")
    assert refused(read) == {"wrong_field_count": 1, "bad_id": 1, "unknown_item": 1, "bad_rating": 4, "bad_time": 1}
    with pytest.raises(SourceError, match=r"columns \['timestamp'\] are missing"):
        read_movielens_small(laid(tmp_path, SMALL | {"ratings.csv": "userId,movieId,rating\n1,1,3\n"}))


# --- every line against a plain reading

FIELD = st.one_of(
    st.sampled_from(["1", "2", "3", "58", "260", "99", "", "x", "4.5", "0", "5"]),
    st.text(st.characters(exclude_characters="\n\r"), max_size=3),
)
GOOD = st.tuples(*map(st.sampled_from, (("1", "2", "3", "9"), ("1", "58", "73", "260", "8"), "12345", ("1", "2", "30")))).map(list)
RECORDS = st.lists(st.one_of(GOOD, GOOD, st.lists(FIELD, min_size=1, max_size=5)), max_size=25)


def latin(lines: Sequence[Sequence[str]], mark: str) -> list[str]:
    """Lines that Latin-1 can write and that are not blank."""
    return [line for fields in lines if not (line := mark.join(fields).encode("latin-1", "replace").decode("latin-1")).isspace() and line]


def plainly_read(lines: Sequence[str]) -> tuple[dict[str, list[tuple[str, int, int]]], int]:
    """((item, stars, time) of each user in order, how many lines were refused), without any of the reader's tools."""
    known, kept, refusals = {"1", "58", "73", "260"}, dict[tuple[str, str], tuple[int, int, int]](), 0
    for number, line in enumerate(lines):
        cells = line.split("::")
        usable = len(cells) == 4 and cells[0] in {"1", "2", "3"} and cells[1] in known and cells[2] in set("12345")
        if not usable or not re.fullmatch("[0-9]{1,10}", cells[3]):
            refusals += 1
            continue
        pair, told = (cells[0], cells[1]), (int(cells[3]), number, int(cells[2]))
        refusals += pair in kept
        kept[pair] = max(told, kept.get(pair, told))
    found: dict[str, list[tuple[str, int, int]]] = {}
    for (user, item), (time, _, stars) in sorted(kept.items(), key=lambda entry: entry[1][:2]):
        found.setdefault(user, []).append((item, stars, time))
    return found, refusals


@QUICK
@given(records=RECORDS)
def test_ratings_are_read_as_a_plain_reader_reads_them(records: list[list[str]], tmp_path: Path) -> None:
    lines = ["1::260::5::100", *latin(records, "::")]
    read = read_loose(tmp_path, "\n".join(lines))
    check(read, "movielens_1m")
    expected, refusals = plainly_read(lines)
    found: dict[str, list[Any]] = {}
    for row in rows(read):
        found.setdefault(row["user_id"], []).append((row["item_id"], row["rating"], row["interacted_at"]))
        assert row["is_liked"] == (row["rating"] > 3)
    assert found == expected
    assert (accepted(read, "ratings.dat"), sum(refused(read).values())) == (len(rows(read)), refusals)


@settings(QUICK, max_examples=8)
@given(garbage=st.lists(st.binary(max_size=30), max_size=20))
@pytest.mark.parametrize("form", ["ratings.dat", "movies.dat", "users.dat", "ml1m_sequences_liked.tsv"])
def test_garbage_costs_its_own_lines(form: str, garbage: list[bytes], tmp_path: Path) -> None:
    good = {"ratings.dat": RATINGS, "movies.dat": MOVIES, "users.dat": USERS, "ml1m_sequences_liked.tsv": SEQUENCES}
    if form == "ml1m_sequences_liked.tsv":
        del good["ratings.dat"]
    paths = {}
    for name, content in good.items():
        paths[name] = tmp_path / name
        paths[name].write_bytes(content.encode("latin-1") + (b"\n".join(garbage) if name == form else b""))
    read = read_movielens_1m(paths)
    check(read, "movielens_1m")
    assert len(rows(read)) >= 5
    assert {count.file for count in read.counts} == set(paths) - ({"ml1m_sequences_liked.tsv"} if "ratings.dat" in paths else set())


@settings(QUICK, max_examples=8)
@given(garbage=st.lists(st.one_of(st.binary(max_size=30), st.sampled_from([b'1,"', b'"1",1,3.0,4', b"1,1,4.0,99"])), max_size=20))
@pytest.mark.parametrize("form", ["ratings.csv", "movies.csv"])
def test_garbage_in_small_costs_its_own_records(form: str, garbage: list[bytes], tmp_path: Path) -> None:
    paths = {}
    for name, content in SMALL.items():
        paths[name] = tmp_path / name
        paths[name].write_bytes(content.encode() + (b"\n".join(garbage) if name == form else b""))
    read = read_movielens_small(paths)
    check(read, "movielens_small")
    assert {("1", "11"), ("1", "1"), ("2", "1")} <= {(row["user_id"], row["item_id"]) for row in rows(read)}
