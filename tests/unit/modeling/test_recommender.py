"""The whole way with parts that work, and with parts that fail."""

import numpy as np
import pytest

from modeling.errors import DataError
from modeling.recommender import Conversation, Recommender, Scored

FILMS = ["a", "b", "c", "d", "e"]
SAID = Conversation("seeker: something like b", ("b",))


class Retriever:
    """Scores films by their place, later is better."""

    def score(self, asked: object, films: list[str], weights: object) -> np.ndarray:
        return np.arange(len(films), dtype=float)[None, :]


def recommender(**over: object) -> Recommender:
    parts = {
        "write": lambda said: "a fine film",
        "read": lambda said, query: query,
        "retriever": Retriever(),
        "weights": {"dense": 1.0},
        "films": FILMS,
        "offered": 3,
    }
    return Recommender(**{**parts, **over})  # type: ignore[arg-type]


def reverse(said: Conversation, offered: Scored) -> Scored:
    return offered[::-1]


def broken(*given: object) -> str:
    raise DataError("the model is away")


def test_retrieval_alone_leaves_out_what_was_named() -> None:
    found = recommender().recommend(SAID, k=4)
    assert [film for film, _ in found.ranked] == ["e", "d", "c", "a"] and found.query == "a fine film" and not found.notices


def test_named_films_come_when_asked_for() -> None:
    assert [film for film, _ in recommender().recommend(SAID, k=5, include_named=True).ranked] == ["e", "d", "c", "b", "a"]


def test_the_chooser_orders_what_is_offered_and_the_rest_follows() -> None:
    found = recommender(choose=reverse).recommend(SAID, k=4)
    assert [film for film, _ in found.ranked] == ["c", "d", "e", "a"]
    assert [film for film, _ in found.offered] == ["e", "d", "c"]


def test_without_a_language_model_retrieval_answers_and_says_so() -> None:
    found = recommender(write=broken, choose=broken).recommend(SAID, k=2)
    assert [film for film, _ in found.ranked] == ["e", "d"] and found.query == SAID.context_text
    assert len(found.notices) == 2 and all("the model is away" in notice for notice in found.notices)


def test_errors_that_are_bugs_are_not_hidden() -> None:
    def bug(said: Conversation) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        recommender(write=bug).recommend(SAID, k=1)
