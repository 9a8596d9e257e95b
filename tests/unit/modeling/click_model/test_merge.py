"""Merging by consistency, equation 10 of RALLRec+, and the analyses of lengths and variances, in closed form and by properties."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.click_model.config import ReasoningConfig
from modeling.click_model.merge import Bin, Numbers, consistency_merge, merged, response_length_analysis, sweeps, variance_analysis
from modeling.errors import DataError

share, variance = st.floats(0, 1), st.floats(0, 0.25)
alpha, epsilon = st.floats(0.01, 10), st.floats(1e-6, 1)


def one(mean_r: float, var_r: float, mean_g: float, var_g: float) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    return np.array([mean_r]), np.array([var_r]), np.array([mean_g]), np.array([var_g])


@given(share, variance, share, variance, alpha, epsilon)
def test_the_equation_as_printed(mean_r: float, var_r: float, mean_g: float, var_g: float, a: float, e: float) -> None:
    printed = (a * mean_r / (var_r + e) + mean_g / (var_g + e)) / (a / (var_r + e) + 1 / (var_g + e))
    found = consistency_merge(*one(mean_r, var_r, mean_g, var_g), a, e)
    assert found.shape == (1,) and found[0] == pytest.approx(printed, abs=1e-9)
    assert min(mean_r, mean_g) - 1e-12 <= found[0] <= max(mean_r, mean_g) + 1e-12


@given(share, variance, share, alpha, epsilon)
def test_equal_variances_leave_the_weighted_mean(mean_r: float, same: float, mean_g: float, a: float, e: float) -> None:
    found = consistency_merge(*one(mean_r, same, mean_g, same), a, e)[0]
    assert found == pytest.approx((a * mean_r + mean_g) / (a + 1), abs=1e-9)


@given(st.tuples(share, share), variance, share, variance, alpha, epsilon)
def test_more_yes_from_the_reasoning_is_no_less_yes(
    means: tuple[float, float], var_r: float, mean_g: float, var_g: float, a: float, e: float
) -> None:
    low, high = (consistency_merge(*one(mean, var_r, mean_g, var_g), a, e)[0] for mean in sorted(means))
    assert low <= high + 1e-12


def test_the_limits_of_epsilon() -> None:
    runs = one(0.9, 0.04, 0.3, 0.01)
    assert consistency_merge(*runs, 0.5, 1e12)[0] == pytest.approx((0.5 * 0.9 + 0.3) / 1.5)  # variances no longer count
    assert consistency_merge(*runs, 0.5, 1e-12)[0] == pytest.approx((0.5 * 0.9 / 0.04 + 0.3 / 0.01) / (0.5 / 0.04 + 1 / 0.01))
    assert consistency_merge(*one(0.9, 0.0, 0.3, 0.01), 0.5, 1e-9)[0] == pytest.approx(0.9, abs=1e-6)  # the one that never wavers
    assert consistency_merge(*one(0.9, 0.04, 0.3, 0.0), 0.5, 1e-9)[0] == pytest.approx(0.3, abs=1e-6)
    assert consistency_merge(*runs, 0.0, 1e-3)[0] == 0.3


@pytest.mark.parametrize(("var_r", "a", "e"), [(-0.1, 0.1, 1e-3), (0.1, -0.1, 1e-3), (0.1, 0.1, 0.0), (float("nan"), 0.1, 1e-3)])
def test_what_cannot_be_merged(var_r: float, a: float, e: float) -> None:
    with pytest.raises(DataError, match="merging two models"):
        consistency_merge(*one(0.5, var_r, 0.5, 0.1), a, e)


REASONED = np.array([[1.0, 0.0, 1.0, 1.0], [0.2, 0.2, 0.2, 0.2]])
TUNED = np.array([[0.4, 0.6], [0.9, 0.7]])


def test_runs_are_merged_by_mean_and_variance() -> None:
    found = merged(REASONED, TUNED, ReasoningConfig())
    expected = consistency_merge(np.array([0.75, 0.2]), np.array([0.1875, 0.0]), np.array([0.5, 0.8]), np.array([0.01, 0.01]))
    np.testing.assert_allclose(found, expected, atol=1e-12)
    first = merged(REASONED, TUNED, ReasoningConfig(first_run_only=True))
    expected = consistency_merge(np.array([0.75, 0.2]), np.array([0.1875, 0.0]), np.array([0.4, 0.9]), np.array([0.01, 0.01]))
    np.testing.assert_allclose(first, expected, atol=1e-12)


@pytest.mark.parametrize("tuned", [TUNED[0], TUNED[:1], np.empty((2, 0))])
def test_runs_of_a_wrong_shape(tuned: Any) -> None:
    with pytest.raises(DataError, match="the tuned model's runs have shape"):
        merged(REASONED, tuned, ReasoningConfig())


def test_both_studies_vary_one_thing() -> None:
    found = sweeps(REASONED, TUNED, ReasoningConfig())
    assert [(own.alpha, own.epsilon) for own in found] == [(a, 1e-3) for a in (0.1, 0.2, 0.3, 0.4, 0.5)] + [
        (0.1, e) for e in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
    ]
    np.testing.assert_array_equal(found[0].probability, found[6].probability)
    assert np.all(np.diff([own.probability[0] for own in found[:5]]) > 0)  # the reasoning says more yes here, and gains weight


def test_accuracy_by_length_is_within_the_question() -> None:
    lengths = np.array([[10, 20, 30, 40], [400, 300, 200, 100]])  # the second question is longer throughout
    probability = np.array([[1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]])
    found = response_length_analysis(lengths, probability, [True, False], bins=2)
    assert found == [Bin(10, 200, 4, 1.0), Bin(30, 400, 4, 0.0)]
    assert [own.count for own in response_length_analysis(lengths, probability, [True, False], bins=8)] == [2, 2, 2, 2]


def test_accuracy_by_variance() -> None:
    probability = np.array([[1.0, 1.0], [0.0, 0.0], [0.0, 0.8], [0.2, 1.0], [1.0, 0.0], [0.0, 1.0]])
    found = variance_analysis(probability, [True, False, True, True, False, True], bins=3)
    assert [own.count for own in found] == [2, 2, 2] and [own.accuracy for own in found] == [1.0, 0.5, 0.5]
    assert found[0].low == found[0].high == 0.0 and found[2].high == 0.25
    assert len(variance_analysis(np.full((5, 3), 0.9), [True] * 5)) == 1


def test_analyses_need_aligned_runs() -> None:
    with pytest.raises(DataError, match="analysing runs"):
        response_length_analysis(np.ones((2, 3), np.int64), np.ones((2, 2)), [True, False])
    with pytest.raises(DataError, match="analysing runs"):
        variance_analysis(np.ones((2, 3)), [True])
    with pytest.raises(DataError, match="analysing runs"):
        variance_analysis(np.empty((0, 3)), [])
