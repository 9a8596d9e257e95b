"""Several rankings of films made into one: by rank, or by standardised scores. Who made the rankings, and of what, is not known here.

A film that one ranking lacks gets nothing from it. Weights are data: a mapping from a ranking's name to its weight.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from modeling.errors import DataError

Scores = npt.NDArray[np.float64]
RRF_K = 60.0  # Cormack, Clarke and Buettcher, SIGIR 2009, found it near the best and its value uncritical


class Retriever(Protocol):
    """What finds films by text: `dense_retriever.text_search` and `lexical_retriever` both do."""

    def search(
        self, queries: Sequence[str], k: int, *, exclude: Sequence[Sequence[str]] | None = None
    ) -> tuple[list[list[str]], list[Scores]]:
        """Per query at most `k` films, best first, ties by the smaller id, and their scores."""
        ...

    def score(self, queries: Sequence[str], candidates: Sequence[str]) -> Scores:
        """Float64 [queries, candidates], higher is better; minus infinity for a film that is not known."""
        ...


@dataclass(frozen=True, slots=True)
class Chosen:
    """Weights found on validation, what they are worth there, and how many were tried."""

    weights: Mapping[str, float]
    value: float
    tried: int


def fuse_ranks(rankings: Mapping[str, Sequence[str]], weights: Mapping[str, float], *, k: float = RRF_K) -> tuple[list[str], Scores]:
    """Weighted reciprocal rank fusion of one query: score(film) = sum of weight / (k + rank), ranks from 1; best first, ties by id.

    With all weights 1 this is the equation of Cormack et al. (2009). A weight of 0 takes its ranking out. DataError when a
    ranking has no weight, one names a film twice, or a weight or `k` is negative.
    """
    _check_weights(rankings, weights)
    if k < 0:
        raise DataError(f"fusing rankings: k is {k}, expected at least 0")
    scores: dict[str, float] = {}
    for name in sorted(rankings):  # a fixed order of summation, so that equal sums are equal
        films = rankings[name]
        if len(set(films)) != len(films):
            raise DataError(f"fusing rankings: {name!r} names {len(films)} films, {len(set(films))} distinct; expected each once")
        if weights[name] > 0:
            for rank, film in enumerate(films, start=1):
                scores[film] = scores.get(film, 0.0) + weights[name] / (k + rank)
    order = sorted(scores, key=lambda film: (-scores[film], film))
    return order, np.array([scores[film] for film in order], dtype=np.float64)


def fuse_scores(scores: Mapping[str, Scores], weights: Mapping[str, float]) -> Scores:
    """Weighted sum of standardised scores, [queries, candidates]: per query and ranking, mean 0 and deviation 1 over its known films.

    A film that a ranking does not know (not finite) gets that ranking's lowest standardised score of the query; a ranking
    that knows none, or finds all alike, adds nothing. DataError when a ranking has no weight or shapes differ.
    """
    _check_weights(scores, weights)
    if len({matrix.shape for matrix in scores.values()}) != 1:
        raise DataError(
            f"fusing scores: shapes { ({name: m.shape for name, m in scores.items()}) }; expected one shape, of at least one ranking"
        )
    fused: Scores = np.sum([weights[name] * standardised(scores[name]) for name in sorted(scores)], axis=0)
    return fused


def standardised(scores: Scores) -> Scores:
    """Each row with mean 0 and deviation 1 over its finite numbers, others at the row's minimum; rows without spread are 0."""
    known = np.isfinite(scores)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    filled = np.where(known, scores, 0.0)
    centred = np.where(known, filled - filled.sum(axis=1, keepdims=True) / count, 0.0)
    deviation = np.sqrt((centred**2).sum(axis=1, keepdims=True) / count)
    # Equal numbers leave a rest of rounding after their mean is taken away; it is no spread.
    spread = deviation > 1e-9 * np.abs(filled).max(axis=1, keepdims=True, initial=0.0)
    z = np.where(spread, centred / np.where(spread, deviation, 1.0), 0.0)
    lowest = np.where(known, z, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    return np.where(known, z, np.where(np.isfinite(lowest), lowest, 0.0))


def choose_weights(
    names: Sequence[str], value: Callable[[Mapping[str, float]], float], *, step: float = 0.25, refinements: int = 2
) -> Chosen:
    """The weights, not negative and summing to 1, for which `value` (higher is better, measured on validation) is highest.

    First every point of a grid of `step`, then `refinements` times the neighbours of the best at half the step, until none is
    better. Deterministic: of equal values the first in lexicographic order of the weights stays. With 4 rankings and the
    defaults some 35 + 60 calls. DataError without a name, or when `step` does not divide 1.
    """
    parts = round(1 / step) if step > 0 else 0
    if not names or len(set(names)) != len(names) or parts < 1 or abs(parts * step - 1) > 1e-9:
        raise DataError(f"choosing weights: rankings {list(names)}, step {step}; expected distinct names and a step of 1 / whole number")
    tried: dict[tuple[int, ...], float] = {}
    units = parts * 2**refinements  # weights are whole numbers of 1 / units: no rounding makes two points of one

    def worth(point: tuple[int, ...]) -> float:
        if point not in tried:
            tried[point] = float(value({name: share / units for name, share in zip(names, point, strict=True)}))
        return tried[point]

    best = _best(_grid(len(names), parts, 2**refinements), worth)
    for size in (2**power for power in range(refinements - 1, -1, -1)):
        while (better := _best([best, *_neighbours(best, size)], worth)) != best:
            best = better
    return Chosen({name: share / units for name, share in zip(names, best, strict=True)}, worth(best), len(tried))


def _best(points: Sequence[tuple[int, ...]], worth: Callable[[tuple[int, ...]], float]) -> tuple[int, ...]:
    """The first of highest worth."""
    return max(points, key=worth)


def _grid(dimensions: int, parts: int, unit: int) -> list[tuple[int, ...]]:
    """All points of whole multiples of `unit` that sum to parts * unit, in lexicographic order."""
    points = (point for point in itertools.product(range(parts + 1), repeat=dimensions) if sum(point) == parts)
    return [tuple(share * unit for share in point) for point in points]


def _neighbours(point: tuple[int, ...], size: int) -> Iterator[tuple[int, ...]]:
    """Every point to which `size` of one share goes to another."""
    for giver, taker in itertools.permutations(range(len(point)), 2):
        if point[giver] >= size:
            moved = list(point)
            moved[giver] -= size
            moved[taker] += size
            yield tuple(moved)


def _check_weights(rankings: Mapping[str, object], weights: Mapping[str, float]) -> None:
    missing = sorted(set(rankings) - set(weights))
    bad = sorted(name for name in set(rankings) - set(missing) if not 0 <= weights[name] < float("inf"))
    if missing or bad:
        raise DataError(
            f"fusing rankings: no weight for {missing}, weights not finite or below 0 for {bad}; expected one of at least 0 each"
        )
