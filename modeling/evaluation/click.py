"""Metrics of click prediction: AUC, LogLoss, accuracy and calibration, with intervals and paired tests clustered by user.

The unit that is drawn again is the user: a user's rows share a taste and a scale, so drawing rows would count the same evidence
several times. Holm's correction over several comparisons lives in `significance`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modeling.errors import EvaluationError
from modeling.seeding import numpy_generator

METRICS = ("auc", "log_loss", "accuracy")
THRESHOLD = 0.5
SMALLEST = float(np.finfo(np.float64).eps)  # probabilities are kept this far from 0 and 1 in LogLoss, as sklearn does

Values = npt.NDArray[np.float64]
Liked = npt.NDArray[np.bool_]


def click_metrics(liked: Liked, probability: Values) -> dict[str, float]:
    """AUC, LogLoss in nats and accuracy at 0.5 (METHODS 1.3) of P(liked) [n]; exactly 0.5 answers no.

    EvaluationError when both answers do not occur, a probability is no number from 0 to 1, or the shapes differ.
    """
    from sklearn.metrics import roc_auc_score

    _check(liked, probability)
    auc = float(roc_auc_score(liked, probability))
    return {"auc": auc, "log_loss": float(_losses(liked, probability).mean()), "accuracy": float(_correct(liked, probability).mean())}


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Rows of neighbouring predictions: their mean P(liked), the share that was liked, and how many they are."""

    mean_predicted: float
    observed: float
    count: int


def calibration_bins(liked: Liked, probability: Values, *, bins: int = 10) -> list[CalibrationBin]:
    """Bins of equal count by increasing prediction, at most one row apart; fewer where there are fewer rows.

    Rows of equal prediction count with the mean of what they observed, so that no bin depends on the order of the rows.
    """
    _check(liked, probability)
    values, group, size = np.unique(probability, return_inverse=True, return_counts=True)
    observed = np.bincount(group, liked, len(values)) / size
    parts = np.array_split(np.repeat(np.arange(len(values)), size), min(bins, len(liked)))
    return [CalibrationBin(float(values[part].mean()), float(observed[part].mean()), len(part)) for part in parts]


def expected_calibration_error(bins: list[CalibrationBin]) -> float:
    """Mean over rows of |observed - mean predicted| of their bin (Naeini et al., AAAI 2015, with bins of equal count)."""
    total = sum(part.count for part in bins)
    return sum(part.count * abs(part.observed - part.mean_predicted) for part in bins) / total


@dataclass(frozen=True, slots=True)
class Resampled:
    """A model's metrics on all rows, and on each sample of users [samples]; AUC is NaN in a sample that lacks an answer."""

    values: Mapping[str, float]
    samples: Mapping[str, Values]


class Resampler:
    """Samples of users with replacement, the same for every model, so that differences are paired."""

    def __init__(self, users: npt.NDArray[Any], *, samples: int = 1_000, seed: int = 13) -> None:
        """`users` [n]: whose row it is, any values. 1,000 samples of 6,000 users take 48 MB."""
        distinct, self._user = np.unique(users, return_inverse=True)
        generator = numpy_generator(seed, "users of the bootstrap")
        count = len(distinct)
        draws = (generator.integers(0, count, size=count) for _ in range(samples))
        self._weights = np.stack([np.bincount(draw, minlength=count) for draw in draws]).astype(np.float64)

    def resample(self, liked: Liked, probability: Values) -> Resampled:
        """Metrics of P(liked) [n] in every sample; the order of rows is that of `users`. 97,000 rows and 1,000 samples: about a second."""
        if len(liked) != len(self._user):
            raise EvaluationError(f"resampling click predictions: {len(liked)} rows, expected the {len(self._user)} that `users` names")
        values = click_metrics(liked, probability)
        samples = {
            "auc": self._auc(liked, probability),
            "log_loss": self._mean(_losses(liked, probability)),
            "accuracy": self._mean(_correct(liked, probability)),
        }
        return Resampled(values, samples)

    def _mean(self, per_row: Values) -> Values:
        """Weighted means of a value per row, from sums per user."""
        users = self._weights.shape[1]
        found: Values = self._weights @ np.bincount(self._user, per_row, users) / (self._weights @ np.bincount(self._user, minlength=users))
        return found

    def _auc(self, liked: Liked, probability: Values) -> Values:
        """Weighted share of (liked, not liked) pairs in the right order, a tie as half (Mann and Whitney 1947); one sort in all."""
        order = np.argsort(probability, kind="stable")  # both sides sorted: neighbours in memory are read one after the other
        scores, users, answers = probability[order], self._user[order], liked[order]
        positives, negatives = users[answers], users[~answers]
        below, up_to = (np.searchsorted(scores[~answers], scores[answers], side=side) for side in ("left", "right"))
        cumulated = np.zeros(len(negatives) + 1)
        found = np.full(len(self._weights), np.nan)
        for sample, weights in enumerate(self._weights):
            np.cumsum(weights.take(negatives), out=cumulated[1:])
            own = weights.take(positives)
            pairs = own.sum() * cumulated[-1]
            if pairs:
                found[sample] = (own @ cumulated.take(below) + own @ cumulated.take(up_to)) / (2 * pairs)
        return found


@dataclass(frozen=True, slots=True)
class Interval:
    """A metric on all rows, and the percentile interval of its samples."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Paired:
    """Model minus reference on all rows, the percentile interval of the difference, and its two-sided p-value before correction."""

    difference: float
    low: float
    high: float
    p_value: float


def intervals(model: Resampled, *, level: float = 0.95) -> dict[str, Interval]:
    """Percentile intervals of each metric (Efron 1979); samples without a value are left out."""
    return {name: Interval(model.values[name], *_percentiles(model.samples[name], level)) for name in METRICS}


def paired(model: Resampled, reference: Resampled, *, level: float = 0.95) -> dict[str, Paired]:
    """Differences of two models that one `Resampler` has seen.

    p = twice the smaller share of samples on either side of no difference, (1 + hits) / (1 + samples) each, so it is never 0; at
    most 1. A difference of 0 is on both sides.
    """
    return {name: _paired(model, reference, name, level) for name in METRICS}


def _paired(model: Resampled, reference: Resampled, name: str, level: float) -> Paired:
    differences = model.samples[name] - reference.samples[name]
    differences = differences[~np.isnan(differences)]
    tail = min(np.count_nonzero(differences <= 0), np.count_nonzero(differences >= 0))
    p_value = min(1.0, 2 * (1 + int(tail)) / (1 + len(differences)))
    return Paired(model.values[name] - reference.values[name], *_percentiles(differences, level), p_value)


def _percentiles(samples: Values, level: float) -> tuple[float, float]:
    if np.isnan(samples).all():
        return float("nan"), float("nan")
    low, high = np.nanquantile(samples, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _losses(liked: Liked, probability: Values) -> Values:
    chosen = np.where(liked, probability, 1 - probability)
    found: Values = -np.log(np.clip(chosen, SMALLEST, 1 - SMALLEST))
    return found


def _correct(liked: Liked, probability: Values) -> Values:
    found: Values = ((probability > THRESHOLD) == liked).astype(np.float64)
    return found


def _check(liked: Liked, probability: Values) -> None:
    if liked.shape != probability.shape or liked.ndim != 1 or liked.dtype != np.bool_:
        raise EvaluationError(
            f"judging click predictions: labels {liked.dtype} {liked.shape} and probabilities {probability.shape}; "
            "expected one boolean label and one probability a row"
        )
    if not (liked.any() and not liked.all()):
        raise EvaluationError(f"judging click predictions: {int(liked.sum())} of {len(liked)} rows are liked; expected both answers")
    outside = int(np.count_nonzero(~((probability >= 0) & (probability <= 1))))
    if outside:
        raise EvaluationError(f"judging click predictions: {outside} of {len(liked)} are no number from 0 to 1; give P(liked), not logits")
