"""Click metrics against sklearn, weighted samples against rows written out as often as they were drawn, and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

from modeling.errors import EvaluationError
from modeling.evaluation.click import (
    METRICS,
    Resampler,
    calibration_bins,
    click_metrics,
    expected_calibration_error,
    intervals,
    paired,
)

ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 8), st.integers(0, 3)), min_size=2, max_size=40)


def arrays(rows: list[tuple[bool, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, probabilities in eighths (so many ties, and 0 and 1), users; both answers are made to occur."""
    liked, eighths, users = (np.array(column) for column in zip(*rows, strict=True))
    liked[:2] = [True, False]
    return liked, eighths / 8, users


def noisy(count: int, *, users: int, strength: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, calibrated probabilities and users."""
    generator = np.random.default_rng(seed)
    probability = 1 / (1 + np.exp(-strength * generator.normal(size=count)))
    return generator.random(count) < probability, probability, generator.integers(0, users, count)


@settings(max_examples=25, deadline=None)
@given(ROWS)
def test_metrics_equal_sklearn(rows: list[tuple[bool, int, int]]) -> None:
    liked, probability, _ = arrays(rows)
    found = click_metrics(liked, probability)
    assert found["auc"] == pytest.approx(roc_auc_score(liked, probability))
    assert found["log_loss"] == pytest.approx(log_loss(liked, probability, labels=[False, True]))
    assert found["accuracy"] == pytest.approx(accuracy_score(liked, probability > 0.5))


def test_metrics_by_hand() -> None:
    """Pairs: 0.9 beats both, 0.5 ties with one and beats the other: 3.5 of 4. Exactly 0.5 answers no."""
    found = click_metrics(np.array([True, True, False, False]), np.array([0.9, 0.5, 0.5, 0.1]))
    assert found["auc"] == 3.5 / 4
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.5, 0.5, 0.9]).mean())
    assert found["accuracy"] == 0.75


@settings(max_examples=25, deadline=None)
@given(ROWS)
def test_samples_equal_sklearn_with_weights(rows: list[tuple[bool, int, int]]) -> None:
    liked, probability, users = arrays(rows)
    resampler = Resampler(users, samples=8, seed=3)
    found = resampler.resample(liked, probability)
    distinct = np.unique(users)
    for sample, drawn in enumerate(resampler._weights):
        assert drawn.sum() == len(distinct)
        weights = drawn[np.searchsorted(distinct, users)]
        if weights[liked].sum() and weights[~liked].sum():
            assert found.samples["auc"][sample] == pytest.approx(roc_auc_score(liked, probability, sample_weight=weights))
        else:
            assert np.isnan(found.samples["auc"][sample])
        expected = log_loss(liked, probability, sample_weight=weights, labels=[False, True])
        assert found.samples["log_loss"][sample] == pytest.approx(expected)
        assert found.samples["accuracy"][sample] == pytest.approx(accuracy_score(liked, probability > 0.5, sample_weight=weights))


def test_a_sample_repeats_the_rows_of_its_users() -> None:
    """A drawn user's rows, written out as often as drawn, give the sample's AUC: users are drawn, not rows."""
    liked, probability, users = noisy(60, users=5, strength=1.0)
    resampler = Resampler(users, samples=4, seed=1)
    found = resampler.resample(liked, probability)
    for sample, drawn in enumerate(resampler._weights):
        rows = np.repeat(np.arange(60), drawn[users].astype(int))
        assert found.samples["auc"][sample] == pytest.approx(roc_auc_score(liked[rows], probability[rows]))


def test_intervals_narrow_with_independent_users_and_not_with_copies() -> None:
    """200 rows of 200 users against the same rows ten times under the same users: clustering must not believe the copies."""
    liked, probability, _ = noisy(200, users=200, strength=1.0)
    users = np.arange(200)
    once = intervals(Resampler(users, samples=400).resample(liked, probability))
    copies = intervals(Resampler(np.tile(users, 10), samples=400).resample(np.tile(liked, 10), np.tile(probability, 10)))
    for name in METRICS:
        assert copies[name].low == pytest.approx(once[name].low)
        assert copies[name].high == pytest.approx(once[name].high)
        assert once[name].low < once[name].value < once[name].high


def test_the_interval_is_as_wide_as_the_normal_approximation() -> None:
    """Accuracy of 400 independent rows: half width near 1.96 standard errors."""
    liked, probability, _ = noisy(400, users=1, strength=1.0)
    found = intervals(Resampler(np.arange(400), samples=1_000).resample(liked, probability))["accuracy"]
    expected = 1.96 * np.sqrt(found.value * (1 - found.value) / 400)
    assert (found.high - found.low) / 2 == pytest.approx(expected, rel=0.1)


def test_a_better_model_is_told_from_a_worse_one() -> None:
    liked, probability, users = noisy(3_000, users=60, strength=1.5)
    blurred = np.clip(probability + np.random.default_rng(5).normal(scale=0.3, size=3_000), 0.01, 0.99)
    resampler = Resampler(users, samples=300)
    good, bad = resampler.resample(liked, probability), resampler.resample(liked, blurred)
    found, back = paired(good, bad), paired(bad, good)
    assert found["auc"].low > 0 > found["log_loss"].high
    assert found["auc"].p_value == 2 / 301  # no sample disagrees
    assert back["auc"].p_value == found["auc"].p_value
    assert (back["auc"].difference, back["auc"].low) == pytest.approx((-found["auc"].difference, -found["auc"].high))


def test_equal_models_do_not_differ() -> None:
    liked, probability, users = noisy(300, users=20, strength=1.0)
    resampler = Resampler(users, samples=50)
    found = paired(resampler.resample(liked, probability), resampler.resample(liked, probability))["auc"]
    assert (found.difference, found.low, found.high, found.p_value) == (0, 0, 0, 1)


def test_p_values_keep_their_level() -> None:
    """Two models of equal noise on 40 data sets: at most a few are called different at 5 %."""
    found = []
    for seed in range(40):
        liked, probability, users = noisy(300, users=40, strength=1.0, seed=seed)
        noise = np.random.default_rng(1_000 + seed).normal(scale=0.1, size=(2, 300))
        first, second = np.clip(probability + noise, 0.01, 0.99)
        resampler = Resampler(users, samples=200, seed=seed)
        found.append(paired(resampler.resample(liked, first), resampler.resample(liked, second))["auc"].p_value)
    assert sum(p < 0.05 for p in found) <= 7  # binomial(40, 0.05) exceeds 7 once in 700


def test_seeds_decide_the_samples() -> None:
    liked, probability, users = noisy(100, users=10, strength=1.0)
    first, again, other = (Resampler(users, samples=20, seed=seed).resample(liked, probability).samples["auc"] for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_samples_without_both_answers_are_left_out() -> None:
    """Two users, one with each answer: half of the samples hold one of them alone."""
    found = Resampler(np.array(["a", "b"]), samples=200).resample(np.array([True, False]), np.array([0.7, 0.2]))
    assert 60 < np.isnan(found.samples["auc"]).sum() < 140
    assert intervals(found)["auc"].low == intervals(found)["auc"].high == 1.0


def test_calibration_by_hand() -> None:
    bins = calibration_bins(np.array([True, False, True, True]), np.array([0.8, 0.1, 0.3, 0.6]), bins=2)
    assert [(part.mean_predicted, part.observed, part.count) for part in bins] == [
        (pytest.approx(0.2), 0.5, 2),
        (pytest.approx(0.7), 1.0, 2),
    ]
    assert expected_calibration_error(bins) == pytest.approx((2 * 0.3 + 2 * 0.3) / 4)


@settings(max_examples=25, deadline=None)
@given(ROWS, st.randoms())
def test_calibration_does_not_depend_on_the_order_of_rows(rows: list[tuple[bool, int, int]], random: object) -> None:
    liked, probability, _ = arrays(rows)
    order = np.argsort([random.random() for _ in liked])  # type: ignore[attr-defined]
    bins = calibration_bins(liked, probability, bins=5)
    again = calibration_bins(liked[order], probability[order], bins=5)
    assert [part.count for part in bins] == [part.count for part in again]
    assert max(part.count for part in bins) - min(part.count for part in bins) <= 1
    assert sum(part.count * part.observed for part in bins) == pytest.approx(liked.sum())
    assert [part.observed for part in bins] == pytest.approx([part.observed for part in again])


def test_calibrated_predictions_have_little_error() -> None:
    liked, probability, _ = noisy(20_000, users=1, strength=1.0)
    assert expected_calibration_error(calibration_bins(liked, probability)) < 0.02
    assert expected_calibration_error(calibration_bins(liked, np.sqrt(probability))) > 0.1


@pytest.mark.parametrize(
    ("liked", "probability", "message"),
    [
        ([True, True], [0.1, 0.2], "2 of 2 rows are liked; expected both answers"),
        ([True, False], [0.1, 1.2], "1 of 2 are no number from 0 to 1"),
        ([True, False], [0.1, np.nan], "1 of 2 are no number from 0 to 1"),
        ([True, False], [0.1], "expected one boolean label and one probability"),
        ([1, 0], [0.1, 0.3], "expected one boolean label"),
    ],
)
def test_what_cannot_be_judged(liked: list[bool], probability: list[float], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        click_metrics(np.array(liked), np.array(probability))


def test_other_rows_cannot_be_resampled() -> None:
    with pytest.raises(EvaluationError, match="3 rows, expected the 2"):
        Resampler(np.array([1, 2])).resample(np.array([True, False, True]), np.array([0.1, 0.2, 0.3]))
