"""Look-ups of names: unknown ones, and what is remembered of them."""

import numpy as np
import pytest

from modeling.places import Places


def test_names_and_unknown_names() -> None:
    assert Places({"a": 3, "b": 0}).of(["b", "x", "a", "b"]).tolist() == [0, -1, 3, 0]
    assert Places({}).of(()).tolist() == []


def test_a_tuple_is_looked_up_once_and_a_list_every_time() -> None:
    rows = {"a": 1, "b": 2}
    places, films, changing = Places(rows), ("a", "b"), ["a", "b"]
    assert dict(places) == rows
    first = places.of(films)
    assert places.of(films) is first and places.of(("b",)).tolist() == [2]
    assert places.of(films) is not first and places.of(films).tolist() == [1, 2]
    places.of(changing)
    changing[0] = "b"
    assert places.of(changing).tolist() == [2, 2]


def test_what_is_remembered_cannot_be_spoilt() -> None:
    found = Places({"a": 1}).of(("a",))
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 5
    assert isinstance(found, np.ndarray)
