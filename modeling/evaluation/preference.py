"""How a retriever after the feedback loop compares with the one before: means, gains with their test, popularity, exposure.

Ranks in, rows of eval_preference_retriever out. Pairs (turn, new target) of several seeds are pooled and resampled by dialogue: the
seeds of one dialogue are one cluster, so more seeds make a mean steadier and no interval narrower than its dialogues allow.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from modeling.errors import EvaluationError
from modeling.evaluation.metrics import METRICS
from modeling.evaluation.protocols import INTERVAL, resamples
from modeling.evaluation.significance import holm, paired_randomisation
from modeling.seeding import numpy_generator

OWN_ORDER = "retriever alone"  # the 'ranker' of a list that nobody ranked again
CELLS = (("ndcg", 5), ("ndcg", 10), ("recall", 1), ("recall", 5), ("recall", 10), ("recall", 20))
GAINS = (("ndcg", 5), ("ndcg", 10), ("recall", 10))
TESTED = ("ndcg", 10)
BUCKETS = ((0, 0), (1, 2), (3, 9), (10, 49), (50, None))  # training dialogues that name the film
ALL, POOLED = "all", "valid+test"

Values = npt.NDArray[np.float64]
Rows = list[dict[str, Any]]


def loop_rows(ranks: pa.Table, named: Mapping[str, int], truths: Mapping[tuple[str, int], str | None], *, samples: int, seed: int) -> Rows:
    """Every mean, gain and test. `ranks`: eval_preference_ranks; `named`: film -> training dialogues that name it; `truths`: the film
    of each (example, target). EvaluationError when two stages were not measured on the same pairs."""
    buckets = [bucket_of(named.get(truths[key] or "", 0)) for key in _keys(ranks)]
    table = ranks.append_column("bucket", pa.array(buckets, pa.string()))
    rows: Rows = []
    for split, dataset in product(("valid", "test", POOLED), (*sorted(set(table["dataset"].to_pylist())), ALL)):
        part = _of(table, split=None if split == POOLED else split, dataset=None if dataset == ALL else dataset)
        rows += [{**row, "dataset": dataset} for row in _measured(part, split, samples, seed)]
    return _corrected(rows)


def bucket_of(count: int) -> str:
    """'0', '1-2', '3-9', '10-49' or '50+' (METHODS section 2.6)."""
    low, high = next((low, high) for low, high in BUCKETS if high is None or count <= high)
    return str(low) if low == high else f"{low}+" if high is None else f"{low}-{high}"


def _keys(ranks: pa.Table) -> Iterator[tuple[str, int]]:
    return zip(ranks["example_id"].to_pylist(), ranks["target_index"].to_pylist(), strict=True)


def _of(table: pa.Table, **wanted: str | None) -> pa.Table:
    for name, value in wanted.items():
        table = table if value is None else table.filter(pc.equal(table[name], value))
    return table


def _measured(part: pa.Table, split: str, samples: int, seed: int) -> Iterator[dict[str, Any]]:
    """Rows of one split and data set: each retriever alone, and each ranker behind it."""
    for retriever in sorted(set(part["retriever"].to_pylist())):
        own = _of(part, retriever=retriever)
        rankers = sorted(set(own["ranker"].to_pylist()))
        most = max(rankers, key=lambda ranker: _of(own, ranker=ranker).num_rows)
        ways = [(OWN_ORDER, most, "retrieval_rank"), *((ranker, ranker, "rank") for ranker in rankers)]
        for (
            told,
            ranker,
            column,
        ) in ways:  # a retriever's own order is the same beside every ranker, on the turns that this one was asked about
            for row in _compared(_of(own, ranker=ranker), column, split, samples, seed):
                yield {"retriever": retriever, "ranker": told, **row}


def _compared(own: pa.Table, column: str, split: str, samples: int, seed: int) -> Iterator[dict[str, Any]]:
    stages = {stage: _of(own, stage=stage) for stage in sorted(set(own["stage"].to_pylist()))}
    for stage, pairs in stages.items():
        yield from _means(pairs, column, f"{stage}, {split}", samples, seed)
    if {"sft", "rl"} <= set(stages):
        before, after = _same_pairs(stages["sft"], stages["rl"])
        yield from _gains(before, after, column, f"rl over sft, {split}", samples, seed)
        for bucket in sorted(set(before["bucket"].to_pylist())):
            chosen = (_of(before, bucket=bucket), _of(after, bucket=bucket))
            yield from _gains(*chosen, column, f"rl over sft, {split}, named {bucket} times", samples, seed)


def _same_pairs(before: pa.Table, after: pa.Table) -> tuple[pa.Table, pa.Table]:
    order = [("seed", "ascending"), ("example_id", "ascending"), ("target_index", "ascending")]
    before, after = before.sort_by(order), after.sort_by(order)
    names = [name for name, _ in order]
    if not before.select(names).equals(after.select(names)):
        raise EvaluationError(
            f"comparing the loop with its start: {before.num_rows} and {after.num_rows} pairs that are not the same; rank both again"
        )
    return before, after


def _values(pairs: pa.Table, column: str, cells: Sequence[tuple[str, int]]) -> Values:
    ranks = pairs[column].to_numpy(zero_copy_only=False).astype(np.float64)
    return np.stack([METRICS[metric](ranks, k) for metric, k in cells], axis=1)


def _per_dialogue(pairs: pa.Table, values: Values) -> Values:
    """Sums [dialogues, m] over all pairs and seeds of each dialogue, dialogues by id."""
    _, codes = np.unique(np.array(pairs["dialogue_id"].to_pylist()), return_inverse=True)
    sums = np.zeros((int(codes.max()) + 1, values.shape[1]))
    np.add.at(sums, codes, values)
    return sums


def _resampled(pairs: pa.Table, values: Values, samples: int, seed: int) -> Values:
    """Sums [samples, m] of dialogues drawn with replacement; the same draws for the same number of dialogues."""
    sums = _per_dialogue(pairs, values)
    drawn = resamples(numpy_generator(seed, f"bootstrap of {len(sums)} dialogues of the loop"), len(sums), samples=samples)
    found: Values = drawn.astype(np.float64) @ sums
    return found


def _means(pairs: pa.Table, column: str, setting: str, samples: int, seed: int) -> Iterator[dict[str, Any]]:
    values = np.column_stack([_values(pairs, column, CELLS), np.ones(pairs.num_rows)])
    drawn = _resampled(pairs, values, samples, seed)
    low, high = np.percentile(drawn[:, :-1] / drawn[:, -1:], INTERVAL, axis=0)
    for place, (metric, k) in enumerate(CELLS):
        told = {"value": float(values[:, place].mean()), "ci_low": float(low[place]), "ci_high": float(high[place])}
        yield {"setting": setting, "metric": f"{metric}@{k}", **told, "count": pairs.num_rows}


def _gains(before: pa.Table, after: pa.Table, column: str, setting: str, samples: int, seed: int) -> Iterator[dict[str, Any]]:
    """Relative gains of means (0.1: ten per cent) with intervals, and the paired test of the primary metric."""
    old, new = _values(before, column, GAINS), _values(after, column, GAINS)
    drawn = _resampled(before, np.column_stack([old, new]), samples, seed)
    count = len(GAINS)
    for place, (metric, k) in enumerate(GAINS):
        base = old[:, place].sum()
        told = {"setting": setting, "metric": f"{metric}@{k} gain", "count": before.num_rows}
        if base > 0:
            ratios = drawn[:, count + place] / np.where(drawn[:, place] > 0, drawn[:, place], np.nan) - 1.0
            low, high = np.nanpercentile(ratios, INTERVAL)
            yield {**told, "value": float(new[:, place].sum() / base - 1.0), "ci_low": float(low), "ci_high": float(high)}
    differences = _per_dialogue(before, (new - old)[:, [GAINS.index(TESTED)]])[:, 0]
    p_value = paired_randomisation(differences, seed=seed).p_value
    yield {"setting": setting, "metric": "p", "value": p_value, "ci_low": None, "ci_high": None, "count": before.num_rows}


def _corrected(rows: Rows) -> Rows:
    """Beside every p the one after Holm: a family is one split and data set, without the buckets, which explain and do not claim."""
    claims: dict[tuple[str, str], Rows] = {}
    for row in rows:
        if row["metric"] == "p" and row["setting"].count(",") == 1 and row["ranker"] != OWN_ORDER:
            claims.setdefault((row["setting"], row["dataset"]), []).append(row)
    found = list(rows)
    for family in claims.values():
        adjusted = holm([row["value"] for row in family])
        found += [{**row, "metric": "p (Holm)", "value": value} for row, value in zip(family, adjusted, strict=True)]
    return found


def exposure(lists: Sequence[Sequence[str]], named: Mapping[str, int], catalogue_size: int) -> dict[str, float]:
    """What lists show at all: share of the catalogue, Gini of how often films are shown (0: all alike), mean log(1 + namings)."""
    shown: dict[str, int] = {}
    for films in lists:
        for film in films:
            shown[film] = shown.get(film, 0) + 1
    counts = np.sort(np.concatenate([np.zeros(max(0, catalogue_size - len(shown))), np.array(list(shown.values()), float)]))
    total, size = counts.sum(), max(1, len(counts))
    gini = float(2 * (np.arange(1, size + 1) @ counts) / (size * total) - (size + 1) / size) if total else 0.0
    frequency = sum(times * np.log1p(named.get(film, 0)) for film, times in shown.items()) / total if total else 0.0
    return {"coverage": len(shown) / max(1, catalogue_size), "gini": gini, "mean log frequency": float(frequency)}
