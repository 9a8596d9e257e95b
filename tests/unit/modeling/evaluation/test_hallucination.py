"""Answers outside of what there is, counted."""

import pytest

from modeling.errors import EvaluationError
from modeling.evaluation.hallucination import Outside, hallucinations
from modeling.generator.matching import TitleSet

NAMES = ["It (2017)", "It Follows (2014)", "Harvest Moon (2003)"]
KNOWN = {"data_set": TitleSet([("It", 2017), ("Up", 2009)]), "corpus": TitleSet([("It", 2017), ("Up", 2009), ("Casablanca", 1942)])}


def test_counts() -> None:
    said = ["it (2017)", "It Follows", "Harvst Moon (2003)", "Casablanca", "Up (2009)", "The Film I Made Up", ""]
    found = {each.reference: each for each in hallucinations(said, [NAMES] * 7, answered="unconstrained", known=KNOWN)}
    assert {name: each.outside_count for name, each in found.items()} == {
        "candidates": 5,
        "candidates_fuzzy": 4,
        "data_set": 5,
        "corpus": 4,
    }
    assert all(each.answer_count == 7 and each.answered == "unconstrained" for each in found.values())
    assert found["corpus"].ratio == pytest.approx(4 / 7)


def test_none_of_many_still_has_an_interval() -> None:
    """Wilson's upper end of 0 of n is z^2 / (n + z^2)."""
    (found, *_) = hallucinations(["It (2017)"] * 100, [NAMES] * 100, answered="constrained", known={})
    assert isinstance(found, Outside) and (found.ratio, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(1.959964**2 / (100 + 1.959964**2), rel=1e-5)


@pytest.mark.parametrize(("answers", "lists"), [([], []), (["It"], [])])
def test_nothing_to_count_is_an_error(answers: list[str], lists: list[list[str]]) -> None:
    with pytest.raises(EvaluationError, match="counting hallucinations"):
        hallucinations(answers, lists, answered="x", known={})
