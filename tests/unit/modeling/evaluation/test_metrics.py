"""Metrics against answers worked out by hand, a brute-force reading of the formulas, and scikit-learn."""

from math import log2, nan

import numpy as np
import pytest

from modeling.errors import EvaluationError
from modeling.evaluation.metrics import CUTOFFS, METRICS, mrr, ndcg, per_turn, recall

RANKS = np.array([1.0, 3.0, 10.0, 11.0, nan])


def test_recall_by_hand() -> None:
    assert recall(RANKS, 1).tolist() == [1, 0, 0, 0, 0]
    assert recall(RANKS, 10).tolist() == [1, 1, 1, 0, 0]
    assert recall(RANKS, 50).tolist() == [1, 1, 1, 1, 0]


def test_ndcg_by_hand() -> None:
    """log2(1 + 1) = 1, log2(3 + 1) = 2: gains 1 and 1/2."""
    assert ndcg(RANKS, 5).tolist() == [1, 0.5, 0, 0, 0]
    assert ndcg(RANKS, 10).tolist() == pytest.approx([1, 0.5, 1 / log2(11), 0, 0], abs=1e-12)


def test_mrr_by_hand() -> None:
    assert mrr(RANKS, 10).tolist() == pytest.approx([1, 1 / 3, 1 / 10, 0, 0], abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_at_one_all_metrics_are_hits(metric: str) -> None:
    assert METRICS[metric](RANKS, 1).tolist() == recall(RANKS, 1).tolist()


@pytest.mark.parametrize("metric", METRICS)
def test_no_pairs_give_no_values(metric: str) -> None:
    assert METRICS[metric](np.array([]), 10).shape == (0,)


def test_a_rank_below_one_is_refused() -> None:
    with pytest.raises(EvaluationError, match="ranks count from 1"):
        recall(np.array([2.0, 0.0]), 10)


def test_a_cutoff_below_one_is_refused() -> None:
    with pytest.raises(EvaluationError, match="cut-off is 0"):
        ndcg(RANKS, 0)


def test_per_turn_by_hand() -> None:
    """Turn 7 has two targets at 1 and 3, turn 8 one unranked, turn 9 the same movie twice at 2."""
    scores = per_turn(np.array([3.0, nan, 2.0, 1.0, 2.0]), np.array([7, 8, 9, 7, 9]), 5)
    assert scores.turns.tolist() == [7, 8, 9]
    assert scores.target_count.tolist() == [2, 1, 1]
    assert scores.recall.tolist() == [1, 0, 1]
    assert scores.ndcg.tolist() == pytest.approx([1.5 / (1 + 1 / log2(3)), 0, 1 / log2(3)], abs=1e-12)


def test_per_turn_ideal_stops_at_the_cutoff() -> None:
    scores = per_turn(np.array([1.0, 2.0, 3.0]), np.array([0, 0, 0]), 2)
    assert (scores.recall[0], scores.ndcg[0]) == (pytest.approx(2 / 3), pytest.approx(1.0))


def _brute(metric: str, rank: float, k: int) -> float:
    if not rank <= k:
        return 0.0
    return {"recall": 1.0, "ndcg": 1 / log2(rank + 1), "mrr": 1 / rank}[metric]


def test_per_pair_equals_brute_force_on_random_ranks() -> None:
    ranks = np.random.default_rng(1).integers(1, 70, 1000).astype(float)
    ranks[::9] = nan
    for metric, function in METRICS.items():
        for k in CUTOFFS:
            assert function(ranks, k) == pytest.approx([_brute(metric, rank, k) for rank in ranks], abs=1e-9)


def test_ndcg_equals_scikit_learn_on_random_runs() -> None:
    """One target per list for the per-pair convention, several for the per-turn one; missing targets score below the list."""
    sklearn_metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(2)
    for run in range(1000):
        size, targets = 30, 1 + run % 5
        chosen = generator.choice(size, targets, replace=False)
        truth = np.isin(np.arange(size), chosen).astype(float)
        order = generator.permutation(size)
        ranks = np.empty(size)
        ranks[order] = np.arange(1, size + 1)
        k = CUTOFFS[run % 4]
        expected = sklearn_metrics.ndcg_score([truth], [-ranks], k=k)
        hidden = np.where(ranks[chosen] > 25, nan, ranks[chosen]) if k < 25 else ranks[chosen]
        assert per_turn(hidden, np.zeros(targets, dtype=int), k).ndcg[0] == pytest.approx(expected, abs=1e-9)
        if targets == 1:
            assert ndcg(hidden, k)[0] == pytest.approx(expected, abs=1e-9)
