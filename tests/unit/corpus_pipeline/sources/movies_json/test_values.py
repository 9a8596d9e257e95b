"""Each parser: what it reads, what it takes as unknown, and what it calls unusable."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_pipeline.sources.movies_json import values
from corpus_pipeline.sources.movies_json.values import UNUSABLE, DocumentError

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
PARSERS = {
    "text": values.text,
    "integer": values.integer,
    "real": values.real,
    "flag": values.flag,
    "minutes": values.minutes,
    "year": values.year,
    "imdb_id": values.imdb_id,
    "texts": values.texts,
}
CASES = [
    ("text", " a\u00a0", "a"), ("text", " \n", None), ("text", None, None), ("text", 7, UNUSABLE), ("text", ["a"], UNUSABLE),
    ("integer", 7, 7), ("integer", "7", 7), ("integer", 7.0, 7), ("integer", "", None), ("integer", 7.5, UNUSABLE),
    ("integer", True, UNUSABLE), ("integer", "seven", UNUSABLE), ("integer", 2**63, UNUSABLE), ("integer", "9" * 5000, UNUSABLE),
    ("integer", "²", UNUSABLE), ("real", 7, 7.0), ("real", 6.5, 6.5), ("real", None, None), ("real", float("nan"), UNUSABLE),
    ("real", 10**400, UNUSABLE), ("real", "6.5", UNUSABLE), ("real", True, UNUSABLE), ("flag", False, False), ("flag", 0, UNUSABLE),
    ("minutes", 0, None), ("minutes", 95, 95), ("minutes", [], UNUSABLE), ("year", 1999, 1999), ("year", "1999", 1999),
    ("year", "1999-02-28", 1999), ("year", "1999-02-30", UNUSABLE), ("year", "", None), ("year", "soon", UNUSABLE),
    ("year", "0000-01-01", UNUSABLE), ("year", None, None), ("imdb_id", "tt0063540", "tt0063540"), ("imdb_id", "63540", "tt0063540"),
    ("imdb_id", 10872600, "tt10872600"), ("imdb_id", "", None), ("imdb_id", "nm0000001", UNUSABLE), ("imdb_id", "tt0", UNUSABLE),
    ("imdb_id", True, UNUSABLE), ("texts", ["b", " a", "b", ""], ["b", "a"]), ("texts", [], None), ("texts", "a", UNUSABLE),
    ("texts", ["a", 1], UNUSABLE), ("texts", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("parser", "value", "expected"), CASES)
def test_values(parser: str, value: object, expected: object) -> None:
    assert PARSERS[parser](value) == expected


@pytest.mark.parametrize("parser", sorted(PARSERS))
@given(value=ANYTHING)
def test_no_value_is_an_error(parser: str, value: object) -> None:
    PARSERS[parser](value)


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(DocumentError) as caught:
        values.text("a\ud83d")
    assert caught.value.reason == "bad_encoding"


def test_credits_are_numbered_and_told_apart_by_name() -> None:
    found = values.credits(["Ann", "Bo", "Ann", "17", None], "actor", ["x", None, "y", "z", "w"])
    assert [(c["name"], c["position"], c["character"]) for c in found] == [("Ann", 1, "x"), ("Bo", 2, None)]
    assert values.credits(["17"], "actor") is None
    assert values.credits(UNUSABLE, "actor") is UNUSABLE


@pytest.mark.parametrize(("lists", "expected"), [((["a"], None, ["b"]), ["a", "b"]), ((None, None), None), ((["a"], UNUSABLE), UNUSABLE)])
def test_lists_are_joined(lists: tuple[Any, ...], expected: object) -> None:
    assert values.joined(*lists) == expected
