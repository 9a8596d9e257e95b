"""An answer that contradicts itself cannot be made."""

import pytest

from modeling.errors import DataError
from modeling.generator.prompts import Turn
from modeling.ranker.protocol import FAILURES, RankedSet, insist_on_a_list_per_turn


def test_a_failure_is_known_and_has_no_order() -> None:
    assert [RankedSet((), failure=failure).failure for failure in FAILURES] == list(FAILURES)
    with pytest.raises(DataError, match="failure is 'late', expected one of '', 'nothing'"):
        RankedSet((), failure="late")
    with pytest.raises(DataError, match="'too_many' with an order of 2 films"):
        RankedSet(("m1", "m2"), failure="too_many")


def test_an_order_of_candidates_counts_its_films() -> None:
    assert RankedSet.of_candidates(["b", "a"]) == RankedSet(("b", "a"), title_count=2)


def test_as_many_lists_as_turns() -> None:
    insist_on_a_list_per_turn([Turn("x", "")], [[]])
    with pytest.raises(DataError, match="1 turns and 0 lists"):
        insist_on_a_list_per_turn([Turn("x", "")], [])
