"""Scores of several models on one scale: distributions, ties, what cannot be ranked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.errors import DataError
from modeling.hybrid import fuse_ranks
from modeling.turn_scorers import LOWEST, log_probabilities, mean_ndcg, reciprocal_ranks, weighted_sum

NUMBERS = st.lists(st.one_of(st.floats(-50, 50), st.just(float("-inf")), st.just(float("nan"))), min_size=1, max_size=8)


@given(NUMBERS)
def test_every_turn_is_a_distribution_over_what_can_be_scored(row: list[float]) -> None:
    told = log_probabilities(np.array([row]))[0]
    assert np.isfinite(told).all() and (told >= LOWEST).all()
    known = np.isfinite(row)
    assert np.exp(told[known] if known.any() else told).sum() == pytest.approx(1.0, abs=1e-6)


def test_a_turn_without_any_score_finds_all_films_alike() -> None:
    np.testing.assert_allclose(log_probabilities(np.full((1, 4), -np.inf)), np.log(0.25))


def test_temperature_sharpens() -> None:
    scores = np.array([[0.0, 0.1]])
    sharp, plain = (np.exp(log_probabilities(scores, temperature=t))[0, 1] for t in (0.05, 1.0))
    assert sharp == pytest.approx(1 / (1 + np.exp(-2.0))) and plain == pytest.approx(1 / (1 + np.exp(-0.1)))


def test_weights_are_applied_and_must_be_there() -> None:
    parts = {"a": np.array([[0.0, -1.0]]), "b": np.array([[-2.0, 0.0]])}
    np.testing.assert_array_equal(weighted_sum(parts, {"a": 2.0, "b": 0.5, "c": 9.0}), [[-1.0, -2.0]])
    for wrong in ({"a": 1.0}, {}):
        with pytest.raises(DataError, match="no weight"):
            weighted_sum(parts, wrong)
    with pytest.raises(DataError, match="0 parts"):
        weighted_sum({}, {"a": 1.0})


@given(st.lists(st.integers(0, 5), min_size=1, max_size=9))
def test_reciprocal_ranks_are_what_rank_fusion_adds(row: list[int]) -> None:
    names = [f"m{place:02d}" for place in range(len(row))]
    order = [names[place] for place in sorted(range(len(row)), key=lambda place: (-row[place], place))]
    films, scores = fuse_ranks({"only": order}, {"only": 1.0})
    found = reciprocal_ranks(np.array([row], float))[0]
    np.testing.assert_allclose(found, [dict(zip(films, scores, strict=True))[name] for name in names])


def test_films_without_a_score_have_no_rank() -> None:
    np.testing.assert_allclose(reciprocal_ranks(np.array([[3.0, -np.inf, 5.0]]), k=1.0), [[1 / 3, 0.0, 1 / 2]])


def test_mean_ndcg_by_hand() -> None:
    scores = np.array([[3.0, 2.0, 2.0, np.nan], [1.0, 1.0, 1.0, 1.0]])
    found = mean_ndcg(scores, [0, 0, 0, 1, 0], [0, 2, 3, 1, -1], k=3)
    assert found == pytest.approx((1.0 + 1 / np.log2(4) + 0.0 + 1 / np.log2(3) + 0.0) / 5)
    assert mean_ndcg(scores, [0], [2], k=2) == 0.0 and mean_ndcg(scores, [], []) == 0.0
