"""Position bias of made-up answers whose bias is known."""

import math

import numpy as np
import pytest

from modeling.errors import DataError
from modeling.ranker.position_bias import PositionBias, position_bias
from modeling.ranker.protocol import RankedSet
from modeling.seeding import numpy_generator

SHOWN = [list("abcd"), list("dcba")]


def answers(*orders: str) -> list[RankedSet]:
    return [RankedSet.of_candidates(order) for order in orders]


def test_an_order_kept_and_an_order_turned() -> None:
    kept, turned = position_bias(SHOWN, answers("abcd", "dcba")), position_bias(SHOWN, answers("dcba", "abcd"))
    assert (kept.mean_rank, kept.first_share, kept.list_count) == ((1, 2, 3, 4), (1, 0, 0, 0), 2)
    assert (turned.mean_rank, turned.first_share, turned.list_count) == ((4, 3, 2, 1), (0, 0, 0, 1), 2)
    assert (kept.correlation, turned.correlation) == (pytest.approx(1), pytest.approx(-1))


def test_the_same_order_of_films_has_no_bias_over_a_list_and_its_reverse() -> None:
    found = position_bias(SHOWN, answers("bacd", "bacd"))
    assert found.mean_rank == (3, 2, 2, 3) and found.first_share == (0, 0.5, 0.5, 0)
    assert found.correlation == pytest.approx(0, abs=1e-12)


def test_one_list_by_hand() -> None:
    """Ranks 2, 1, 4, 3 at positions 1 to 4: 1 - 6 * 4 / (4 * 15)."""
    found = position_bias([list("abcd")], answers("badc"))
    assert found.mean_rank == (2, 1, 4, 3) and found.correlation == pytest.approx(0.6)


def test_failures_and_short_lists_are_skipped() -> None:
    shown = [list("ab"), list("ab"), ["a"], [], list("abc"), list("ab")]
    given = [RankedSet((), failure="nonsense"), *answers("ab", "a", "", "b"), RankedSet((), failure="unavailable")]
    assert position_bias(shown, given) == PositionBias((1, 2), (1, 0), pytest.approx(1), 1)  # type: ignore[arg-type]


def test_left_out_films_and_films_from_outside() -> None:
    """Of a, b, c, d the answer ranks c, a after a film of its own: c is first of those shown."""
    found = position_bias([list("abcd"), list("abc")], [RankedSet(("z", "c", "a"), outside_count=1), *answers("bac")])
    assert found.mean_rank[:3] == (2, 1, 2) and math.isnan(found.mean_rank[3])
    assert found.first_share == (0, 0.5, 0.5, 0)
    assert found.correlation == pytest.approx((-1 + 0.5) / 2)


def test_lists_of_unequal_length_bring_no_bias_of_their_own() -> None:
    drawn = numpy_generator(0, "orders by chance")
    shown = [[f"m{place}" for place in range(length)] for length in (3, 30) * 500]
    given = [RankedSet.of_candidates([movies[place] for place in drawn.permutation(len(movies))]) for movies in shown]
    assert abs(position_bias(shown, given).correlation) < 0.08  # three standard errors


def test_nothing_to_measure() -> None:
    found = position_bias([["a"]], answers("a"))
    assert (found.mean_rank, found.first_share, found.list_count) == ((), (), 0) and np.isnan(found.correlation)
    with pytest.raises(DataError, match="1 lists and 2 answers"):
        position_bias([["a"]], answers("a", "b"))
