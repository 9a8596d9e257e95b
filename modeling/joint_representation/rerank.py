"""Similar and recent entries mixed into one list: by RALLRec's formula, and by the rule of its released code."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modeling.errors import ConfigError
from modeling.joint_representation.histories import Histories, Positions
from modeling.joint_representation.retrieval import Retrieved

PRINT_VARIANTS = ("power", "product")
SLICE = 1 << 14  # targets at once: 30 MB at count 30
DECIMALS = 12  # 2/3 * 1/20 and 1/3 * 1/10 are one score, whatever their last bits

Entries = npt.NDArray[np.int32]
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Reranked:
    """`entries` int32 [m, count]: flattened positions in the list's order, -1 at its end where there are fewer."""

    entries: Entries


def rerank_paper(
    retrieved: Retrieved,
    histories: Histories,
    targets: Positions,
    *,
    count: int,
    gamma: float = 2 / 3,
    beta: float = 1.0,
    print_variant: str = "power",
) -> Reranked:
    """The `count` best of two channels, by falling channel weight x position score (RALLRec, the reranker's equations).

    Similarity (weight `gamma`): the first `count` of `retrieved`. Recency (1 - `gamma`): the `count` entries before the target, latest
    first. Position k scores 1 / k^`beta` under 'power' and 1 / (k * beta), the first 1, under 'product'; the print allows both. Our
    readings: an entry of both channels has the sum; ties go to the similarity channel, then to the earlier position in it. With the
    defaults the list holds two similar entries to one recent.
    """
    if print_variant not in PRINT_VARIANTS or not 0 <= gamma <= 1 or not beta > 0:
        raise ConfigError(
            f"reranking: gamma {gamma}, beta {beta}, print_variant {print_variant!r}; expected gamma from 0 to 1, beta above 0 and "
            f"{' or '.join(PRINT_VARIANTS)}"
        )
    position = _position_scores(count, beta, print_variant)
    entries = np.full((len(targets), count), -1, np.int32)
    for rows, similar, recent, depth in _channels(retrieved, histories, targets, count):
        scores = np.where(similar < 0, -np.inf, gamma * position[: similar.shape[1]])
        scores[depth > 0] += (1 - gamma) * position[depth[depth > 0] - 1]
        single = np.where(recent < 0, -np.inf, (1 - gamma) * position)
        both, inside = np.nonzero(depth > 0)
        single[both, depth[both, inside] - 1] = -np.inf
        entries[rows] = _best(np.concatenate([similar, recent], axis=1), np.concatenate([scores, single], axis=1), count)
    return Reranked(entries)


def rerank_code(retrieved: Retrieved, histories: Histories, targets: Positions, *, count: int) -> Reranked:
    """The released code's list: of the `count` most similar entries the 2K/3 latest, latest first, then the rest recent.

    The rest are the latest entries of the history that are not yet in the list, in time order, as many as make `count` of a full first
    part; 2K/3 is rounded down. A short first part is not made up for.
    """
    kept_count = 2 * count // 3
    entries = np.full((len(targets), count), -1, np.int32)
    for rows, similar, recent, _ in _channels(retrieved, histories, targets, count):
        kept = -np.sort(-similar, axis=1)[:, :kept_count]
        depth = _depths(kept, targets[rows], count)
        free = recent >= 0
        both, inside = np.nonzero(depth > 0)
        free[both, depth[both, inside] - 1] = False
        free &= np.cumsum(free, axis=1) <= count - kept_count
        last = np.where(free, recent, -1)[:, ::-1]
        entries[rows] = _first(np.concatenate([kept, last], axis=1), count)
    return Reranked(entries)


def _channels(
    retrieved: Retrieved, histories: Histories, targets: Positions, count: int
) -> Iterator[tuple[slice, Entries, Entries, npt.NDArray[np.int64]]]:
    """Per slice of targets: similar [s, <= count], recent [s, count], and where in `recent` each similar one is (from 1, else 0)."""
    starts = histories.starts(targets)
    for first in range(0, len(targets), SLICE):
        rows = slice(first, first + SLICE)
        similar = retrieved.entries[rows, :count]
        recent = targets[rows, None] - np.arange(1, count + 1)
        recent = np.where(recent >= starts[rows, None], recent, -1).astype(np.int32)
        yield rows, similar, recent, _depths(similar, targets[rows], count)


def _depths(entries: Entries, targets: Positions, count: int) -> npt.NDArray[np.int64]:
    depth = targets[:, None] - entries
    return np.where((entries >= 0) & (depth <= count), depth, 0)


def _position_scores(count: int, beta: float, print_variant: str) -> Scores:
    places = np.arange(1, count + 1, dtype=np.float64)
    scores: Scores = places**-beta if print_variant == "power" else 1 / (places * beta)
    scores[0] = 1.0
    return scores


def _best(entries: Entries, scores: Scores, count: int) -> Entries:
    """The entries of the `count` highest scores, ties by column, -1 for a score of minus infinity."""
    order = np.argsort(-np.round(scores, DECIMALS), axis=1, kind="stable")[:, :count]
    chosen = np.take_along_axis(entries, order, axis=1)
    return np.where(np.take_along_axis(scores, order, axis=1) == -np.inf, np.int32(-1), chosen)


def _first(entries: Entries, count: int) -> Entries:
    """Each row's entries that are not -1 moved to its front, in their order."""
    order = np.argsort(entries < 0, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(entries, order, axis=1)
