"""Recall, nDCG and MRR from ranks, in the two conventions of the field. No table is read here, nothing is averaged over runs.

A rank is the 1-based position of a target in a model's list, NaN when the target was not ranked: a miss at every cut-off.

* per pair (micro): each (turn, target) pair is one sample. He et al. 2023 (arXiv 2308.10053), UniCRS, CRSLab, iEvaLM. Two
  targets of one turn cannot both be first, so the best possible mean is below 1 where turns have several targets.
* per turn (macro): each turn is one sample with its set of targets Y. CRAG (Zhu et al. 2025).

The conventions give different numbers; name the one in use with every number. Marquee's tables are per pair.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modeling.errors import EvaluationError

Ranks = npt.NDArray[np.float64]

CUTOFFS = (1, 5, 10, 20, 50)


def recall(ranks: Ranks, k: int) -> Ranks:
    """[rank <= k] per pair, float64 [n]. With one target this is Hit@k; at k = 1 it is ReGeS's success rate.

    Source: He et al. 2023, released evaluation code; METHODS section 1.2.
    """
    return _within(ranks, k).astype(np.float64)


def ndcg(ranks: Ranks, k: int) -> Ranks:
    """1 / log2(rank + 1) if rank <= k else 0 per pair, float64 [n]; the ideal DCG of one target is 1 (Järvelin & Kekäläinen 2002)."""
    hit = _within(ranks, k)
    return np.where(hit, 1.0 / np.log2(np.where(hit, ranks, 1.0) + 1.0), 0.0)


def mrr(ranks: Ranks, k: int) -> Ranks:
    """1 / rank if rank <= k else 0 per pair, float64 [n]."""
    hit = _within(ranks, k)
    return np.where(hit, 1.0 / np.where(hit, ranks, 1.0), 0.0)


METRICS: dict[str, Callable[[Ranks, int], Ranks]] = {"recall": recall, "ndcg": ndcg, "mrr": mrr}


@dataclass(frozen=True, slots=True)
class TurnScores:
    """Per-turn values, aligned with `turns` (ascending): recall, nDCG, and the size of each turn's target set."""

    turns: npt.NDArray[np.int64]
    recall: Ranks
    ndcg: Ranks
    target_count: npt.NDArray[np.int64]


def per_turn(ranks: Ranks, turns: npt.NDArray[np.int64], k: int) -> TurnScores:
    """Macro convention: recall = hits at k / |Y|, nDCG = DCG at k / DCG of min(|Y|, k) ideal hits. `turns` [n]: turn of each pair.

    Y is a set: two targets of a turn at the same rank are the same movie and count once (ties are broken before ranking,
    so different movies never share a rank). Unranked targets cannot be told apart and each count. Source: CRAG, libs/metrics.py;
    there a list of one title scores its hit undiscounted, which is the same number.
    """
    hit = _within(ranks, k)  # checks the ranks before they are used as keys
    first = _first_of_each(ranks, turns)
    which, code = np.unique(turns[first], return_inverse=True)
    size = np.bincount(code, minlength=len(which))
    hits = np.bincount(code, weights=hit[first].astype(np.float64), minlength=len(which))
    gain = np.bincount(code, weights=ndcg(ranks[first], k), minlength=len(which))
    ideal = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(1, k + 1) + 1.0))])
    return TurnScores(which, hits / size, gain / ideal[np.minimum(size, k)], size)


def _first_of_each(ranks: Ranks, turns: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    order = np.lexsort((ranks, turns))
    same = (np.diff(turns[order]) == 0) & (np.diff(ranks[order]) == 0)  # NaN - NaN is NaN: unranked targets never merge
    kept = np.ones(len(ranks), dtype=np.bool_)
    kept[order[1:][same]] = False
    return kept


def _within(ranks: Ranks, k: int) -> npt.NDArray[np.bool_]:
    if k < 1:
        raise EvaluationError(f"computing a metric: the cut-off is {k}; expected a whole number of at least 1")
    if np.any(ranks < 1):
        raise EvaluationError(f"computing a metric: a rank is {np.nanmin(ranks)}; ranks count from 1, and NaN means not ranked")
    hit: npt.NDArray[np.bool_] = ranks <= k
    return hit
