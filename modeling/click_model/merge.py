"""Runs of two models merged by their consistency, and what length and variance of the runs say about accuracy. Numbers only.

RALLRec+ (arXiv 2503.20430), equation 10 and section 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from modeling.click_model.config import ReasoningConfig
from modeling.errors import DataError

ALPHAS = (0.1, 0.2, 0.3, 0.4, 0.5)
EPSILONS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)

Numbers = npt.NDArray[np.float64]
Labels = Sequence[bool] | npt.NDArray[np.bool_]


def consistency_merge(
    mean_r: Numbers, var_r: Numbers, mean_g: Numbers, var_g: Numbers, alpha: float = 0.1, epsilon: float = 1e-3
) -> Numbers:
    """[alpha mean_r / (var_r + eps) + mean_g / (var_g + eps)] / [alpha / (var_r + eps) + 1 / (var_g + eps)], float64 (equation 10).

    r: the reasoning model, g: the tuned one. Arrays broadcast. DataError for a negative variance, alpha below 0 or epsilon not above 0.
    """
    if not (alpha >= 0 and epsilon > 0) or not (np.all(var_r >= 0) and np.all(var_g >= 0)):
        raise DataError(
            f"merging two models: alpha {alpha}, epsilon {epsilon} and variances; expected alpha and variances of at least 0, epsilon above"
        )
    # the weight of the reasoning model as a share: no term overflows, and the result lies between the two means
    share = alpha * (var_g + epsilon) / (alpha * (var_g + epsilon) + (var_r + epsilon))
    merged: Numbers = np.asarray(mean_g + share * (np.asarray(mean_r) - mean_g), np.float64)
    return merged


def merged(reasoned: Numbers, tuned: Numbers, config: ReasoningConfig) -> Numbers:
    """P(yes) [rows] from P(yes) of the reasoning model [rows, runs] and of the tuned one [rows, its runs].

    Runs of the tuned model are adapters of other seeds, or prompts of other templates; a single run has variance 0 and so the weight
    1 / epsilon. Variances are of the population, as numpy's are.
    """
    for name, runs in (("reasoning", reasoned), ("tuned", tuned)):
        if runs.ndim != 2 or not runs.shape[1] or len(runs) != len(reasoned):
            raise DataError(f"merging two models: the {name} model's runs have shape {runs.shape}, expected ({len(reasoned)}, at least 1)")
    mean = tuned[:, 0] if config.first_run_only else tuned.mean(axis=1)
    return consistency_merge(reasoned.mean(axis=1), reasoned.var(axis=1), mean, tuned.var(axis=1), config.alpha, config.epsilon)


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """Merged P(yes) [rows] for one alpha and one epsilon."""

    alpha: float
    epsilon: float
    probability: Numbers


def sweeps(
    reasoned: Numbers, tuned: Numbers, config: ReasoningConfig, *, alphas: Sequence[float] = ALPHAS, epsilons: Sequence[float] = EPSILONS
) -> list[Sweep]:
    """The paper's two studies: each alpha at the config's epsilon, then each epsilon at its alpha (section 5.5)."""
    settings = [replace(config, alpha=alpha) for alpha in alphas] + [replace(config, epsilon=epsilon) for epsilon in epsilons]
    return [Sweep(own.alpha, own.epsilon, merged(reasoned, tuned, own)) for own in settings]


@dataclass(frozen=True, slots=True)
class Bin:
    """One quantile bin: bounds of the quantity (both included), samples in it, and the share of them that is right at 0.5."""

    low: float
    high: float
    count: int
    accuracy: float


def response_length_analysis(lengths: npt.NDArray[np.int64], probability: Numbers, liked: Labels, *, bins: int = 4) -> list[Bin]:
    """Accuracy of runs by length *within* their question: the shortest runs of every question in the first bin, the longest in the last.

    Arrays are [rows, runs]. So a hard question, which makes all of its runs long, does not pass for an effect of length. Equally
    long runs stay in the order drawn. Bounds are lengths in words. Empty bins are left out.
    """
    _insist_on_runs(lengths, probability, liked)
    runs = lengths.shape[1]
    ranks = np.argsort(np.argsort(lengths, axis=1, kind="stable"), axis=1, kind="stable")
    return _bins(lengths.ravel().astype(np.float64), (ranks * bins // runs).ravel(), _right(probability, liked).ravel(), bins)


def variance_analysis(probability: Numbers, liked: Labels, *, bins: int = 4) -> list[Bin]:
    """Accuracy of the mean over runs by the variance over runs, rows in bins of like count, the most consistent first.

    `probability` is [rows, runs]. Rows of equal variance share a bin, so there may be fewer bins. Bounds are variances.
    """
    _insist_on_runs(probability, probability, liked)
    variance = probability.var(axis=1).round(12)  # equal runs in another order differ in the last bits
    below = np.searchsorted(np.sort(variance), variance, side="left")
    which = below * bins // max(len(variance), 1)
    return _bins(variance, which, _right(probability.mean(axis=1, keepdims=True), liked).ravel(), bins)


def _bins(values: Numbers, which: npt.NDArray[np.int64], right: npt.NDArray[np.bool_], bins: int) -> list[Bin]:
    members = [np.flatnonzero(which == number) for number in range(bins)]
    return [Bin(float(values[own].min()), float(values[own].max()), len(own), float(right[own].mean())) for own in members if len(own)]


def _right(probability: Numbers, liked: Labels) -> npt.NDArray[np.bool_]:
    """Whether P > 0.5 is the label; exactly 0.5 says nothing and counts as no, as in the released code."""
    right: npt.NDArray[np.bool_] = (probability > 0.5) == np.asarray(liked, np.bool_)[:, None]
    return right


def _insist_on_runs(values: npt.NDArray[np.generic], probability: Numbers, liked: Labels) -> None:
    if values.shape != probability.shape or values.ndim != 2 or len(values) != len(liked) or not values.size:
        raise DataError(
            f"analysing runs: shapes {values.shape} and {probability.shape} with {len(liked)} labels; expected (rows, runs) twice and a "
            "label per row, at least one run"
        )
