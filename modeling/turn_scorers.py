"""Scores of several models for the same turns, brought to one scale and added up. Who the models are is known to the caller.

The scale is the log-probability over the candidates: a model that is sure counts more in a turn than one that finds all
alike, which standardised scores (`hybrid.fuse_scores`) would hide. Ranks (`reciprocal_ranks`) need no scale at all.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from modeling.errors import DataError
from modeling.hybrid import RRF_K

Scores = npt.NDArray[np.float64]
LOWEST = -30.0  # log-probability of a film that a model cannot score, about one in 10^13


def log_probabilities(scores: npt.NDArray[np.floating], *, temperature: float = 1.0) -> Scores:
    """Row-wise log softmax of scores / temperature, [turns, candidates]; a film without a finite score gets `LOWEST`.

    A turn in which no film has a score gives every film the same.
    """
    scaled = np.asarray(scores, dtype=np.float64) / temperature
    known = np.isfinite(scaled)
    top = np.where(known, scaled, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    shifted = np.where(known, scaled - np.where(np.isfinite(top), top, 0.0), -np.inf)
    total = np.exp(shifted).sum(axis=1, keepdims=True)
    told = np.where(known, shifted - np.log(np.where(total > 0, total, 1.0)), LOWEST)
    return np.where(total > 0, np.maximum(told, LOWEST), -np.log(max(1, scaled.shape[1])))


def weighted_sum(parts: Mapping[str, Scores], weights: Mapping[str, float]) -> Scores:
    """sum of weight * log-probability, [turns, candidates]: a log-linear pool (Genest & Zidek 1986), not normalised.

    DataError when a part has no weight or there is none.
    """
    missing = sorted(set(parts) - set(weights))
    if missing or not parts:
        raise DataError(f"adding up scores: no weight for {missing}, {len(parts)} parts; expected a weight for each of at least one")
    total = np.zeros_like(next(iter(parts.values())))
    for name in sorted(parts):  # a fixed order of summation: equal sums are equal
        if weights[name]:
            total += weights[name] * parts[name]
    return total


def reciprocal_ranks(scores: npt.NDArray[np.floating], *, k: float = RRF_K) -> Scores:
    """1 / (k + rank), [turns, candidates], ranks from 1, ties by the smaller column; films without a finite score get 0.

    What `hybrid.fuse_ranks` adds up, for whole rankings at once (Cormack, Clarke & Buettcher 2009).
    """
    order = np.argsort(-np.where(np.isfinite(scores), scores, -np.inf), axis=1, kind="stable")
    ranks = np.empty(order.shape, dtype=np.int64)
    np.put_along_axis(ranks, order, np.arange(1, order.shape[1] + 1)[None, :], axis=1)
    found: Scores = np.where(np.isfinite(scores), 1.0 / (k + ranks), 0.0)
    return found


def mean_ndcg(scores: Scores, rows: Sequence[int], columns: Sequence[int], *, k: int = 10) -> float:
    """Mean nDCG@k of pairs (row, column; -1: the film is no candidate, a miss); ties by the smaller column, NaN cannot be ranked."""
    total = 0.0
    for row, column in zip(rows, columns, strict=True):
        if column >= 0 and np.isfinite(own := scores[row, column]):
            rank = 1 + np.count_nonzero(scores[row] > own) + np.count_nonzero(scores[row, :column] == own)
            total += 1.0 / np.log2(rank + 1) if rank <= k else 0.0
    return float(total / max(1, len(rows)))
