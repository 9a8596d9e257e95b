"""Film facts: reading a table, and the keys by which titles are looked for."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.errors import DataError
from modeling.query_expert.facts import FilmFacts, contains_words, facts_of, title_key, words_key


def test_facts_of_a_table(film_rows: pa.Table) -> None:
    facts = facts_of(film_rows)
    assert facts["m1"] == FilmFacts(
        "m1", "Harbour Light", 1994, ("Drama", "Mystery"), ("Ada Brook",), ("Jun Park", "Mina Vell"), ("lighthouse", "1994"),
        "A keeper finds a letter.", ("Hafenlicht",),
    )  # fmt: skip
    assert facts["m5"].cast == ("Bo Ray",) and facts["m3"].plot == "" and facts["m4"].decade is None and facts["m1"].decade == "1990s"


def test_no_more_people_than_a_document_names(film_rows: pa.Table) -> None:
    row = {**film_rows.to_pylist()[0], "cast": list("abcdefg"), "directors": list("abcde")}
    film = facts_of(pa.Table.from_pylist([row]))["m1"]
    assert film.cast == tuple("abcde") and film.directors == tuple("abc")


def test_other_titles_may_be_missing_and_the_rest_may_not(film_rows: pa.Table) -> None:
    assert facts_of(film_rows.drop_columns(["titles"]))["m1"].titles == ()
    with pytest.raises(DataError, match="keywords, plot"):
        facts_of(film_rows.drop_columns(["plot", "keywords"]))


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("The Heat", "heat"),
        ("A", "a"),
        ("The", "the"),
        ("Amélie!", "amelie"),
        ("Rosemary's Baby", "rosemarys baby"),
        ("...", ""),
        ("A & B", "and b"),
    ],
)
def test_title_keys(title: str, key: str) -> None:
    assert title_key(title) == key


def test_whole_words_only() -> None:
    assert contains_words("the heat is on", "heat") and not contains_words("theatre", "heat") and not contains_words("heat", "")


@given(st.text(max_size=30))
def test_a_key_is_settled(text: str) -> None:
    key = words_key(text)
    assert words_key(key) == key == " ".join(key.split())
