"""Book-Crossing: the dump and the subsets agree, zeros are told by number, odd texts are read, the order is a fixed shuffle."""

import hashlib
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus_pipeline.errors import SourceError
from corpus_pipeline.sources.interactions.bookcrossing import read_bookcrossing, read_bookcrossing_implicit, repaired
from corpus_pipeline.sources.reading import Read
from tests.unit.corpus_pipeline.sources.interactions.accounting import accepted, check, histories, items, refused, rows, users

DUMP = {
    "BX-Book-Ratings.csv": '"User-ID";"ISBN";"Book-Rating"\n"7";"0002005018";"5"\n"7";"038550120X";"4"\n'
    '"8";"038550120X";"10"\n"8";"0002005018";"0"\n',
    "BX-Books.csv": '"ISBN";"Book-Title";"Book-Author";"Year-Of-Publication";"Publisher";"Image-URL-S"\n'
    '"0002005018";"Clara \\"C\\" Callan";"Richard Bruce Wright";"2001";"Harper &amp; Row";"http://a"\n'
    '"038550120X";"A Painted House";"JOHN; GRISHAM";"0";"Doubleday";"http://b"\n',
    "BX-Users.csv": '"User-ID";"Location";"Age"\n"7";"timmins, ontario, canada";NULL\n'
    '"8";"n/a, köln, ";"34"\n"9";"nyc, new york, usa";"239"\n',
}
SUBSET = {
    "BX-Ratings.csv": "User-ID,ISBN,Book-Rating\n7,0002005018,5\n8,038550120X,10\n",
    "BX-Books.csv": "ISBN,Book-Title,Book-Author,Year-Of-Publication,Book-Publisher\n"
    '0002005018,"Clara \\C\\"" Callan""",Richard Bruce Wright,2001,Harper & Row\n038550120X,A Painted House,JOHN; GRISHAM,0,Doubleday\n',
    "BX-Users.csv": 'User-ID,User-City,User-State,User-Country,User-Age\n7,timmins, ontario," canada""",\n8,n/a, köln,,"34"""\n',
}
OTHER = {
    "BX_Book_Ratings.csv": "User_ID,ISBN,Book_Rating\n7,0002005018,5\n7,038550120X,4\n7,0440234743,9\n",
    "BX_Books.csv": "ISBN,Book_Title,Book_Author,Year_Of_Publication,Publisher\n"
    "0002005018,Again,A,2001,P\n0440234743,The Testament,John Grisham,1999,Dell\n",
}
QUICK = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])


Reader = Callable[[Mapping[str, Path]], Read]


def read_loose(folder: Path, files: Mapping[str, str | bytes], encoding: str = "utf-8", reader: Reader = read_bookcrossing) -> Read:
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return reader({f"interactions/bookcrossing/{name}": folder / name for name in files})


def in_shuffled_order(user: str, *isbns: str) -> list[str]:
    return sorted(isbns, key=lambda isbn: hashlib.md5(f"{user}:{isbn}".encode(), usedforsecurity=False).hexdigest())


def test_dump(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "BX-CSV-Dump.zip", "w") as packed:
        for name, content in DUMP.items():
            packed.writestr(name, content.encode("latin-1"))
    read = read_bookcrossing({"bookcrossing/BX-CSV-Dump.zip": tmp_path / "BX-CSV-Dump.zip"})
    check(read, "bookcrossing")
    assert histories(read) == {"7": in_shuffled_order("7", "0002005018", "038550120X"), "8": ["038550120X"]}
    assert {(row["user_id"], row["item_id"]): (row["rating"], row["is_liked"]) for row in rows(read)} == {
        ("7", "0002005018"): (5, True),
        ("7", "038550120X"): (4, False),
        ("8", "038550120X"): (10, True),
    }
    clara, house = (items(read)[isbn] for isbn in ("0002005018", "038550120X"))
    assert (clara["title"], clara["year"], clara["creators"], clara["publisher"]) == (
        'Clara "C" Callan',
        2001,
        ["Richard Bruce Wright"],
        "Harper & Row",
    )
    assert (house["title"], house["year"], house["creators"], house["item_genres"]) == ("A Painted House", None, ["JOHN; GRISHAM"], [])
    people = {user: (row["location"], row["age"]) for user, row in users(read).items()}
    assert people == {"7": ("timmins, ontario, canada", None), "8": ("köln", "34"), "9": ("nyc, new york, usa", None)}
    assert refused(read) == {"implicit_rating": 1}


def test_zeros_are_told_by_number_in_one_row(tmp_path: Path) -> None:
    zeros = "".join(f'"{user}";"{isbn}";"0"\n' for user in (7, 8, 9) for isbn in ("0002005018", "038550120X", "not known"))
    read = read_loose(tmp_path, DUMP | {"BX-Book-Ratings.csv": DUMP["BX-Book-Ratings.csv"] + zeros}, "latin-1")
    check(read, "bookcrossing")
    (told,) = read.rejects.to_pylist()
    assert (told["line"], told["reason"], told["raw_text"], told["record_count"]) == (4, "implicit_rating", "8;0002005018;0", 10)
    assert accepted(read, "BX-Book-Ratings.csv") == len(rows(read)) == 3


def read_implicit(folder: Path, files: Mapping[str, str | bytes]) -> Read:
    return read_loose(folder, files, "latin-1", read_bookcrossing_implicit)


def test_zeros_stay_as_dislikes_in_the_code_compatible_form(tmp_path: Path) -> None:
    read = read_implicit(tmp_path, DUMP)
    check(read, "bookcrossing_implicit")
    assert {(row["user_id"], row["item_id"]): (row["rating"], row["is_liked"]) for row in rows(read)} == {
        ("7", "0002005018"): (5, True),
        ("7", "038550120X"): (4, False),
        ("8", "038550120X"): (10, True),
        ("8", "0002005018"): (0, False),
    }
    assert histories(read)["8"] == in_shuffled_order("8", "0002005018", "038550120X")
    assert refused(read) == {} and accepted(read, "BX-Book-Ratings.csv") == 4
    with zipfile.ZipFile(tmp_path / "BX-CSV-Dump.zip", "w") as packed:
        for name in DUMP:
            packed.write(tmp_path / name, name)
    assert read_bookcrossing_implicit({"bookcrossing/BX-CSV-Dump.zip": tmp_path / "BX-CSV-Dump.zip"}).tables == read.tables


def test_zeros_are_judged_like_any_rating(tmp_path: Path) -> None:
    spoilt = '"8";"not known";"0"\n"";"0002005018";"0"\n"8";"0002005018";"0"\n"9";"0002005018";"11"\n"7";"0002005018";"0"\n'
    read = read_implicit(tmp_path, DUMP | {"BX-Book-Ratings.csv": DUMP["BX-Book-Ratings.csv"] + spoilt})
    check(read, "bookcrossing_implicit")
    assert refused(read) == {"unknown_item": 1, "missing_id": 1, "duplicate_pair": 2, "bad_rating": 1}
    assert {row["item_id"]: row["rating"] for row in rows(read) if row["user_id"] == "7"} == {"0002005018": 0, "038550120X": 4}


def test_without_zeros_both_forms_tell_the_same(tmp_path: Path) -> None:
    files = DUMP | {"BX-Book-Ratings.csv": DUMP["BX-Book-Ratings.csv"].replace('"8";"0002005018";"0"\n', "")}
    theirs, ours = read_implicit(tmp_path, files), read_loose(tmp_path, files, "latin-1")
    for name, table in theirs.tables.items():
        assert table.drop_columns(["dataset"]) == ours.tables[name].drop_columns(["dataset"])


@pytest.mark.parametrize("files", [SUBSET, OTHER, SUBSET | OTHER])
def test_subsets_do_for_no_code_compatible_form(files: dict[str, str], tmp_path: Path) -> None:
    told = (
        rf"reading bookcrossing_implicit: saw the files \['interactions/bookcrossing/{next(iter(files))}'.*expected BX-CSV-Dump.zip or its "
        "BX-Book-Ratings.csv.*lay it into the mirror, or take bookcrossing_implicit out of the profile"
    )
    with pytest.raises(SourceError, match=told):
        read_implicit(tmp_path, files)


def test_union_of_the_subsets(tmp_path: Path) -> None:
    read = read_loose(tmp_path, SUBSET | OTHER)
    check(read, "bookcrossing")
    assert {(row["user_id"], row["item_id"], row["rating"]) for row in rows(read)} == {
        ("7", "0002005018", 5),
        ("7", "038550120X", 4),
        ("7", "0440234743", 9),
        ("8", "038550120X", 10),
    }
    assert items(read)["0002005018"]["title"] == 'Clara "C" Callan'
    assert refused(read) == {"repeated_pair": 1, "repeated_item": 1}


def test_where_the_subsets_do_not_agree_the_first_holds(tmp_path: Path) -> None:
    read = read_loose(tmp_path, SUBSET | OTHER | {"BX_Book_Ratings.csv": "User_ID,ISBN,Book_Rating\n7,0002005018,9\n"})
    assert {row["rating"] for row in rows(read) if row["user_id"] == "7"} == {5}
    assert refused(read) == {"duplicate_pair": 1, "repeated_item": 1}


def test_dump_and_subset_tell_the_same(tmp_path: Path) -> None:
    explicit = DUMP["BX-Book-Ratings.csv"].replace('"8";"0002005018";"0"\n', "").replace('"7";"038550120X";"4"\n', "")
    people = DUMP["BX-Users.csv"].replace('"9";"nyc, new york, usa";"239"\n', "")
    dump = read_loose(tmp_path, DUMP | {"BX-Book-Ratings.csv": explicit, "BX-Users.csv": people}, "latin-1")
    assert read_loose(tmp_path, SUBSET).tables == dump.tables


def test_either_subset_alone(tmp_path: Path) -> None:
    files = OTHER | {"BX_Books.csv": OTHER["BX_Books.csv"] + "038550120X,A Painted House,G,2001,D\n"}
    read = read_loose(tmp_path, files)
    check(read, "bookcrossing")
    assert histories(read) == {"7": in_shuffled_order("7", "0002005018", "038550120X", "0440234743")}
    assert users(read)["7"]["location"] is None


def test_defects(tmp_path: Path) -> None:
    ratings = SUBSET["BX-Ratings.csv"] + "7,0000000000,5\n7,038550120X,11\n,038550120X,5\n8,038550120X,9\n7,038550120X,\n7;8\n"
    books = SUBSET["BX-Books.csv"] + "1,,A,2001,P\n,T,A,2001,P\n2,T,,2050,\n2,T,,2050,\n"
    read = read_loose(tmp_path, SUBSET | {"BX-Ratings.csv": ratings, "BX-Books.csv": books})
    check(read, "bookcrossing")
    assert refused(read) == {
        "unknown_item": 1, "bad_rating": 2, "missing_id": 2, "duplicate_pair": 1, "wrong_field_count": 1,
        "missing_title": 1, "duplicate_id": 1,
    }  # fmt: skip
    assert {row["rating"] for row in rows(read) if row["user_id"] == "8"} == {9}  # without times the last line holds
    assert (items(read)["2"]["year"], items(read)["2"]["creators"], items(read)["2"]["publisher"]) == (None, [], None)
    with pytest.raises(SourceError, match="are missing, saw"):
        read_loose(tmp_path, SUBSET | {"BX-Ratings.csv": "<html>\n<body>\n"})
    with pytest.raises(SourceError, match=r"expected BX_Books.csv"):
        read_loose(tmp_path, {"BX_Book_Ratings.csv": OTHER["BX_Book_Ratings.csv"]})


@pytest.mark.parametrize(
    ("age", "told"), [("5", "5"), ("4", None), ("110", "110"), ("111", None), ("23.0", "23"), ("x", None), ("-30", None)]
)
def test_ages(tmp_path: Path, age: str, told: str | None) -> None:
    read = read_loose(tmp_path, SUBSET | {"BX-Users.csv": f"User-ID,User-City,User-State,User-Country,User-Age\n7,a,b,c,{age}\n"})
    assert users(read)["7"]["age"] == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Antoine de Saint-ExupÃ©ry", "Antoine de Saint-Exupéry"),
        ("Saint-Exupéry".encode().decode("latin-1").encode().decode("latin-1"), "Saint-Exupéry"),
        ("QuerschÃ?Â¼sse - Downsize This!", "Querschüsse - Downsize This!"),
        ("Saint-Exupéry", "Saint-Exupéry"),
        ("ÂME", "ÂME"),
        ("weiÃ?", "weiÃ?"),
        ('\\O\\" Is for Outlaw"', '"O" Is for Outlaw'),
        ('A Child Called \\It\\": Courage to Survive"', 'A Child Called "It": Courage to Survive'),
        ("Little &amp;amp; Brown ", "Little & Brown"),
    ],
)
def test_repaired(text: str, told: str) -> None:
    assert repaired(text) == told


@given(st.text(st.sampled_from("abc éèüßñçåøîÖ"), max_size=12).map(str.strip), st.integers(0, 3))
def test_a_text_misread_any_number_of_times_is_undone(text: str, times: int) -> None:
    misread = text
    for _ in range(times):
        misread = misread.encode("utf-8").decode("latin-1")
    assert repaired(misread) == text


@given(st.text(max_size=20))
def test_any_text_is_repaired_once_and_for_all(text: str) -> None:
    assert len(repaired(text)) <= len(text)


GARBAGE = st.lists(
    st.one_of(st.binary(max_size=30), st.sampled_from([b'"7', b'"7";"x', b"7,0002005018,0", b'7,"0002005018",5', b"9,038550120X,3"])),
    max_size=20,
)


@QUICK
@given(garbage=GARBAGE)
@pytest.mark.parametrize("form", ["BX-Ratings.csv", "BX-Books.csv", "BX-Users.csv", "BX-Book-Ratings.csv"])
def test_garbage_costs_its_own_records(form: str, garbage: list[bytes], tmp_path: Path) -> None:
    good, encoding = (DUMP, "latin-1") if form in DUMP and form not in SUBSET else (SUBSET, "utf-8")
    spoilt = {name: content.encode(encoding) + (b"\n".join(garbage) if name == form else b"") for name, content in good.items()}
    read = read_loose(tmp_path, spoilt)
    check(read, "bookcrossing")
    assert {("7", "0002005018"), ("8", "038550120X")} <= {(row["user_id"], row["item_id"]) for row in rows(read)}
