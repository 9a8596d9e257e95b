"""Documents of films: the sentence form, its caps, what unknown parts do, and what never gets in."""

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.documents import PLOT_CHARACTERS, cut_at_word, document, documents_of
from modeling.errors import DataError


def test_a_full_row() -> None:
    text = document(
        "Harbour Light", 1994, genres=["Drama", "Mystery"], directors=["Ada Brook"], cast=["Jun Park", "Mina Vell"], plot="A town."
    )
    assert text == "Harbour Light (1994). Drama, Mystery. Directed by Ada Brook. With Jun Park, Mina Vell. A town."


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("Harbour Light", None), "Harbour Light."),
        (("Who Goes?", None), "Who Goes?"),
        (("Harbour Light", 1994), "Harbour Light (1994)."),
        ((None, 1994), "(1994)."),
        ((None, None), ""),
    ],
)
def test_unknown_parts_leave_no_trace(row: tuple[str | None, int | None], expected: str) -> None:
    assert document(*row) == expected
    assert document(*row, genres=[], directors=[None, " "], cast=None, plot="  ") == expected


def test_caps() -> None:
    text = document("T", 2000, genres=list("abcdefg"), directors=list("hijkl"), cast=list("mnopqrs"))
    assert text == "T (2000). a, b, c, d, e. Directed by h, i, j. With m, n, o, p, q."


def test_a_name_that_ends_with_a_full_stop_ends_the_sentence() -> None:
    assert document("T", None, cast=["Paul Grieg Jr."], plot="P.") == "T. With Paul Grieg Jr. P."


def test_control_and_invisible_characters_go() -> None:
    assert (
        document("Har\u00adbour\x00\nLight\u200b", 1994, plot="\ufeffOne\ttwo\u2028three\x85\u202efour")
        == "Harbour Light (1994). One two three four"
    )


def test_equal_looks_give_equal_texts() -> None:
    assert document("Cafe\u0301") == document("Café")


@pytest.mark.parametrize(
    ("text", "characters", "expected"),
    [
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two"),
        ("one two three", 7, "one two"),
        ("onetwothree", 5, "onetw"),
    ],
)
def test_cut_at_word(text: str, characters: int, expected: str) -> None:
    assert cut_at_word(text, characters) == expected


@given(st.text(max_size=900))
def test_plot_is_one_clean_line_of_whole_words(plot: str) -> None:
    text = document("T", None, plot=plot).removeprefix("T.").strip()
    assert len(text) <= PLOT_CHARACTERS
    assert not any(unicodedata.category(letter) == "Cc" for letter in text)
    assert "  " not in text
    words = document("T", None, plot=plot[:350]).split()
    assert " ".join(words) == document("T", None, plot=plot[:350])


def _table(**columns: pa.Array) -> pa.Table:
    names = pa.list_(pa.string())
    row = {
        "movie_id": pa.array(["m1", "m2"]),
        "title": pa.array(["Harbour Light", "Salt"]),
        "year": pa.array([1994, None], pa.int16()),
        "genres": pa.array([["Drama"], []], names),
        "directors": pa.array([["Ada Brook"], None], names),
        "cast": pa.array([[], ["Jun Park", None]], names),
        "plot": pa.array([None, "A sea."], pa.string()),
    }
    return pa.table({**row, **columns})


def test_documents_of_keeps_the_order_of_rows() -> None:
    assert documents_of(_table()) == ["Harbour Light (1994). Drama. Directed by Ada Brook.", "Salt. With Jun Park. A sea."]


def test_documents_of_names_missing_columns() -> None:
    with pytest.raises(DataError, match="columns year, plot are missing"):
        documents_of(_table().drop_columns(["year", "plot"]))


def test_documents_of_no_rows() -> None:
    assert documents_of(_table().slice(0, 0)) == []
