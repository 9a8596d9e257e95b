"""A ranker that follows a rule: its order, its ties, and when it is another ranker."""

import pytest

from modeling.errors import DataError
from modeling.generator.prompts import Turn
from modeling.ranker.protocol import RankedSet, Ranker
from modeling.ranker.rules import NamedMostRanker

NAMED = {"m1": 2, "m2": 9, "m3": 2, "m4": 0}
TURNS = [Turn("x:1", "seeker: something rare, please"), Turn("x:2", ""), Turn("x:3", "")]


def test_films_named_most_come_first_and_ties_go_to_the_smaller_id() -> None:
    """A film that was never named is one named 0 times."""
    ranker: Ranker = NamedMostRanker(NAMED)
    found = ranker.rank(TURNS, [["m3", "m4", "m2", "m1", "m0"], ["m1", "m3"], ["m9"]])
    assert found == [RankedSet.of_candidates(order) for order in (["m2", "m1", "m3", "m0", "m4"], ["m1", "m3"], ["m9"])]
    assert ranker.is_constrained


def test_a_film_given_twice_counts_once_and_no_film_is_no_failure() -> None:
    found = NamedMostRanker(NAMED).rank(TURNS[:2], [["m1", "m2", "m1"], []])
    assert found == [RankedSet.of_candidates(["m2", "m1"]), RankedSet(())]


def test_neither_the_order_given_nor_the_dialogue_changes_an_answer() -> None:
    ranker = NamedMostRanker(NAMED)
    first, second, third = ranker.rank(TURNS, [["m4", "m3", "m2"], ["m2", "m4", "m3"], ["m3", "m2", "m4"]])
    assert first == second == third == RankedSet.of_candidates(["m2", "m3", "m4"])


def test_its_identity_follows_from_the_counts() -> None:
    again = NamedMostRanker(dict(reversed(NAMED.items())))
    assert again.identity == NamedMostRanker(NAMED).identity
    assert len({NamedMostRanker(named).identity for named in (NAMED, {**NAMED, "m1": 3}, {"m1": 2}, {})}) == 4


def test_counts_that_change_later_change_nothing() -> None:
    counts = dict(NAMED)
    ranker = NamedMostRanker(counts)
    counts["m3"] = 99
    assert ranker.rank(TURNS[:1], [["m2", "m3"]])[0].order == ("m2", "m3")


def test_one_list_per_turn() -> None:
    with pytest.raises(DataError, match="2 turns and 1 lists"):
        NamedMostRanker(NAMED).rank(TURNS[:2], [["m1"]])
