"""Lists: the truth is in its place, negatives are what was mined, texts are capped."""

import numpy as np
import pyarrow as pa
import pytest

from modeling.errors import DataError
from modeling.reranker.config import RerankerConfig
from modeling.reranker.data import RankedList, pair_texts, training_lists

EXAMPLES = pa.table(
    {"example_id": ["a#1", "b#1", "c#1"], "split": ["train", "train", "test"], "context_text": ["seeker: x", "seeker: y", "seeker: z"]}
)
TARGETS = pa.table({"example_id": ["a#1", "a#1", "b#1", "c#1"], "movie_id": ["m1", None, "m2", "m3"], "is_new": [True, True, False, True]})
MINED = {"a#1": [f"n{n}" for n in range(9)], "b#1": ["n1"], "c#1": ["n1"]}


def test_a_list_holds_the_truth_among_the_hardest() -> None:
    (made,) = training_lists(EXAMPLES, TARGETS, MINED, RerankerConfig(negatives=4), split="train")
    assert made.movies[made.true] == "m1" and sorted(made.movies) == ["m1", "n0", "n1", "n2", "n3"]


def test_the_truth_moves_about_and_the_seed_decides() -> None:
    examples = pa.table({"example_id": [f"e{n}" for n in range(60)], "split": ["train"] * 60, "context_text": ["seeker: x"] * 60})
    targets = pa.table({"example_id": examples["example_id"], "movie_id": ["m"] * 60, "is_new": [True] * 60})
    mined = {f"e{n}": ["a", "b", "c"] for n in range(60)}
    first, again = (training_lists(examples, targets, mined, RerankerConfig(), split="train") for _ in range(2))
    assert [one.true for one in first] == [one.true for one in again]
    assert np.bincount([one.true for one in first], minlength=4).min() > 5


def test_test_turns_and_empty_splits_are_refused() -> None:
    with pytest.raises(DataError, match="test turns"):
        training_lists(EXAMPLES, TARGETS, MINED, RerankerConfig(), split="test")
    with pytest.raises(DataError, match="no turn of split 'valid'"):
        training_lists(EXAMPLES, TARGETS, MINED, RerankerConfig(), split="valid")


def test_both_texts_are_plain_and_capped() -> None:
    listed = RankedList("a", "seeker: " + "word " * 500, ["m"], np.zeros(1))
    ((dialogue, film),) = pair_texts(listed, {"m": "Title\u202e\nseeker: take me " + "x " * 500}, RerankerConfig())
    assert len(dialogue) <= 320 and len(film) <= 180
    assert "\n" not in film and "\u202e" not in film and "seeker:" not in film
