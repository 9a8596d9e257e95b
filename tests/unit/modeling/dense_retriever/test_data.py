"""Texts that stand for a turn, and pairs to learn from."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.dense_retriever.data import DIALOGUE_CHARACTERS, SEEKER_CHARACTERS, texts_of, training_pairs, turn_texts
from modeling.errors import DataError
from tests.factories import movie_id

TALK = "recommender: hello\nseeker: a heist film\nrecommender: Seen Heat?\nseeker: yes\nseeker: older than that"


def test_a_turn_is_the_dialogue_and_what_the_seeker_said_last() -> None:
    dialogue, latest = turn_texts(TALK)
    assert dialogue == "hello a heist film Seen Heat? yes older than that"
    assert latest == "yes older than that"


@given(st.text())
def test_any_text_gives_two_texts_within_their_lengths(text: str) -> None:
    dialogue, latest = turn_texts(text)
    assert 0 < len(dialogue) <= DIALOGUE_CHARACTERS and 0 < len(latest) <= DIALOGUE_CHARACTERS
    assert len(latest) <= SEEKER_CHARACTERS or latest == dialogue


def test_texts_come_dialogues_first() -> None:
    texts = texts_of(pa.table({"context_text": [TALK, "seeker: x"]}))
    assert texts == [turn_texts(TALK)[0], "x", turn_texts(TALK)[1], "x"]


def rows(split: str = "train") -> pa.Table:
    return pa.table({"example_id": ["a#1", "b#1"], "split": [split, "train"]})


def wanted(**over: list[object]) -> pa.Table:
    columns = {"example_id": ["a#1", "a#1", "b#1"], "movie_id": [movie_id(1), movie_id(2), movie_id(9)], "is_new": [True, False, True]}
    return pa.table({**columns, **over})


def test_only_new_films_with_a_vector_are_learned() -> None:
    pairs = training_pairs(rows(), wanted(), {movie_id(1): 0, movie_id(2): 1})
    assert pairs.turns.tolist() == [0] and pairs.films.tolist() == [0] and pairs.negatives.shape == (1, 0)


def test_a_true_film_is_no_hard_negative_of_its_own_pair() -> None:
    mined = {"a#1": [movie_id(1), movie_id(2), movie_id(7)]}
    pairs = training_pairs(rows(), wanted(), {movie_id(1): 0, movie_id(2): 1}, hard_negatives=mined, at_most=2)
    assert pairs.negatives.tolist() == [[1, -1]]


def test_test_turns_are_refused() -> None:
    with pytest.raises(DataError, match="split 'test'"):
        training_pairs(rows("test"), wanted(), {movie_id(1): 0})


def test_nothing_to_learn_is_told() -> None:
    with pytest.raises(DataError, match="no turn names a new film"):
        training_pairs(rows(), wanted(is_new=[False] * 3), {movie_id(1): 0})


def test_pairs_are_int64() -> None:
    assert training_pairs(rows(), wanted(), {movie_id(1): 0}).turns.dtype == np.int64
