"""Rankers that know the truth: always, never, and as often as they say."""

import pytest

from modeling.errors import DataError
from modeling.generator.prompts import Turn
from modeling.ranker.oracle import NoisyOracleRanker, OracleRanker
from modeling.ranker.protocol import RankedSet, Ranker

MOVIES = [f"m{number}" for number in range(8)]
TURNS = [Turn(f"x:{number}", "") for number in range(2_000)]
TRUTHS = {turn.example_id: frozenset({"m7", "elsewhere"}) for turn in TURNS}
LISTS = [MOVIES] * len(TURNS)
BEST = RankedSet.of_candidates(["m7", *MOVIES[:7]])


def test_the_oracle_puts_truths_first_and_keeps_the_rest() -> None:
    turns = [Turn(example, "") for example in ("two", "none", "empty")]
    ranker: Ranker = OracleRanker({"two": frozenset({"c", "a"}), "none": frozenset({"z"}), "empty": frozenset()})
    assert ranker.is_constrained
    found = ranker.rank(turns, [["d", "c", "b", "a", "c"], ["b", "a"], []])
    assert [answer.order for answer in found] == [("c", "a", "d", "b"), ("b", "a"), ()]


@pytest.mark.parametrize("ranker", [OracleRanker(TRUTHS), NoisyOracleRanker(TRUTHS, 0.0, 0)])
def test_an_example_without_truths_is_refused(ranker: Ranker) -> None:
    with pytest.raises(DataError, match="asked for 'y:1': it has truths of 2000 examples"):
        ranker.rank([Turn("y:1", "")], [MOVIES])
    with pytest.raises(DataError, match="1 turns and 0 lists"):
        ranker.rank(TURNS[:1], [])


def test_an_accuracy_of_one_is_the_oracle() -> None:
    assert NoisyOracleRanker(TRUTHS, 1.0, 3).rank(TURNS, LISTS) == OracleRanker(TRUTHS).rank(TURNS, LISTS) == [BEST] * len(TURNS)


@pytest.mark.parametrize("accuracy", [0.0, 0.3, 0.8])
def test_the_truth_is_first_as_often_as_accuracy_and_chance_say(accuracy: float) -> None:
    """An order by chance has the truth first once in eight; four standard errors of 2,000 draws are 0.045 at most."""
    found = NoisyOracleRanker(TRUTHS, accuracy, 0).rank(TURNS, LISTS)
    assert all(sorted(answer.order) == MOVIES for answer in found)
    share = sum(answer.order[0] == "m7" for answer in found) / len(found)
    assert share == pytest.approx(accuracy + (1 - accuracy) / 8, abs=0.045)
    assert abs(sum(answer == BEST for answer in found) / len(found) - accuracy) < 0.045


def test_chance_knows_seed_example_and_set_alone() -> None:
    def orders(seed: int, movies: list[str]) -> list[RankedSet]:
        return NoisyOracleRanker(TRUTHS, 0.0, seed).rank(TURNS[:20], [movies] * 20)

    first = orders(0, MOVIES)
    assert first == orders(0, [*MOVIES[::-1], "m0"]) and first != orders(1, MOVIES)
    assert len({answer.order for answer in first}) > 10
    assert [answer.order for answer in orders(0, [*MOVIES, "m8"])] != [(*answer.order, "m8") for answer in first]
    alone = NoisyOracleRanker(TRUTHS, 0.0, 0).rank(TURNS[19:20], [MOVIES])
    assert alone == first[19:]


@pytest.mark.parametrize("accuracy", [-0.1, 1.1, float("nan")])
def test_an_accuracy_is_a_probability(accuracy: float) -> None:
    with pytest.raises(DataError, match=f"accuracy is {accuracy}, expected a probability"):
        NoisyOracleRanker(TRUTHS, accuracy, 0)


def test_identities_differ_with_all_that_decides() -> None:
    few = {"x:1": frozenset({"m1"})}
    rankers: list[Ranker] = [
        OracleRanker(TRUTHS),
        OracleRanker(few),
        *(NoisyOracleRanker(truths, accuracy, seed) for truths in (TRUTHS, few) for accuracy in (0.5, 0.6) for seed in (0, 1)),
    ]
    assert len({ranker.identity for ranker in rankers}) == len(rankers)
    assert OracleRanker({"x:1": frozenset({"m1"})}).identity == OracleRanker(few).identity
