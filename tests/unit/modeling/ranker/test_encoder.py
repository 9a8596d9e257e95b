"""The frozen encoder as ranker: cosine decides, nothing else does, and no film is lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.errors import DataError
from modeling.generator.prompts import Turn
from modeling.ranker.encoder import EncoderRanker
from modeling.text_encoder.embeddings import ItemEmbeddings

FILMS = ItemEmbeddings(("a", "b", "c", "d"), np.array([[9, 0], [0, 1], [1, 1], [0, 5]], np.float32), "made up")
SAID = {"east": np.array([1, 0], np.float32), "north": np.array([0, 2], np.float32)}


def ranker() -> EncoderRanker:
    return EncoderRanker(lambda turn: SAID[turn.example_id], FILMS)


def order(example: str, *films: str) -> tuple[str, ...]:
    return ranker().rank([Turn(example, "seeker: hello", ())], [films])[0].order


def test_the_nearest_document_comes_first_whatever_its_length() -> None:
    assert order("east", "d", "c", "a") == ("a", "c", "d")
    assert order("north", "a", "c", "d", "b") == ("b", "d", "c", "a")


def test_films_of_one_direction_are_ordered_by_id_and_one_without_a_vector_comes_last() -> None:
    assert order("north", "d", "b", "unknown") == ("b", "d", "unknown")


def test_no_candidates_give_no_order() -> None:
    assert order("east") == ()


@given(films=st.lists(st.sampled_from("abcdx"), max_size=12), example=st.sampled_from(sorted(SAID)))
def test_an_answer_is_a_permutation_that_no_order_of_asking_changes(films: list[str], example: str) -> None:
    found = order(example, *films)
    assert sorted(found) == sorted(set(films)) and found == order(example, *reversed(films))
    assert ranker().is_constrained


def test_turns_and_lists_are_as_many() -> None:
    with pytest.raises(DataError, match="expected one list per turn"):
        ranker().rank([Turn("east", "", ())], [])
