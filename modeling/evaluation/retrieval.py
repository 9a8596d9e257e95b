"""Retrieval judged by kind of query: recall of new films, and how much better a query finds than the raw dialogue does.

Ranks in, rows of eval_retrieval out. Means and intervals of recall are those of `protocols`; here is what compares two kinds.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import EVAL_RANKS, EVAL_RETRIEVAL
from modeling.evaluation.metrics import recall
from modeling.evaluation.pairs import Pairs, groups_of
from modeling.evaluation.protocols import INTERVAL, metrics_table, resamples
from modeling.seeding import numpy_generator

CUTOFFS = (5, 20, 50)  # ReGeS, section 4.3, and one for the second stage
BASE_MODE = "raw"


def retrieval_table(ranks: pa.Table, *, bootstrap_samples: int, seed: int) -> pa.Table:
    """Rows of eval_retrieval from rows of eval_retrieval_ranks: 'recall' and, beside the raw dialogue, its 'gain' (0.4: 40 % more).

    Recall is a mean over (turn, target) pairs of new films with a 95 % bootstrap interval over dialogues; a gain is a ratio of
    two such means less one, both from the same resamples; an end of its interval is null where it is without bound.
    """
    rows: list[dict[str, Any]] = []
    for split in sorted(set(ranks["split"].to_pylist())):
        told = _as_models(ranks.filter(pc.equal(ranks["split"], split)))
        rows += [{**row, "split": split} for row in _recalls(told, bootstrap_samples, seed)]
        rows += [{**row, "split": split} for row in _gains(told, bootstrap_samples, seed)]
    return pa.Table.from_pylist(rows, schema=arrow_schema(EVAL_RETRIEVAL)).sort_by([(name, "ascending") for name in EVAL_RETRIEVAL.key])


def _as_models(ranks: pa.Table) -> pa.Table:
    """Rows of eval_recommendation_ranks: the kind of query as model, the retriever as candidate set."""
    columns = {"model": ranks["query_mode"], "candidate_set": ranks["retriever"]}
    schema = arrow_schema(EVAL_RANKS)
    return pa.table([columns.get(name, ranks[name] if name in ranks.column_names else None) for name in schema.names], schema=schema)


def _recalls(ranks: pa.Table, samples: int, seed: int) -> Iterator[dict[str, Any]]:
    for row in metrics_table(ranks, bootstrap_samples=samples, seed=seed).to_pylist():
        if (row["metric"], row["condition"]) == ("recall", "new") and row["k"] in CUTOFFS:
            yield _row(row, row["k"], "recall", (row["value"], row["ci_low"], row["ci_high"]), row["pair_count"])


def _gains(ranks: pa.Table, samples: int, seed: int) -> Iterator[dict[str, Any]]:
    found = {group: pairs.of("new") for group, pairs in groups_of(ranks)}
    for group, pairs in found.items():
        base = found.get(group._replace(model=BASE_MODE))
        if base is None or group.model == BASE_MODE or not len(pairs.ranks) or not pairs.keys.equals(base.keys):
            continue
        for k in CUTOFFS:
            gain = relative_gain(pairs, base, k=k, samples=samples, seed=seed)
            yield _row(group._asdict(), k, "gain", gain, len(pairs.ranks))


def _row(group: Mapping[str, Any], k: int, metric: str, told: tuple[float, float | None, float | None], count: int) -> dict[str, Any]:
    names = {"dataset": group["dataset"], "retriever": group["candidate_set"], "query_mode": group["model"]}
    low, high = told[1:]
    return {**names, "k": k, "metric": metric, "value": told[0], "ci_low": low, "ci_high": high, "count": count}


def relative_gain(pairs: Pairs, base: Pairs, *, k: int, samples: int, seed: int) -> tuple[float, float | None, float | None]:
    """(mean recall@k of `pairs` over that of `base`, less one; 95 % percentile interval, dialogues resampled).

    Both hold the same pairs. Where the base finds nothing the gain is 0 if nothing is found by either, else as if it had found one
    pair; in a resample it is without bound, and so is an end of the interval (None) that falls on such a resample.
    """
    hits = np.column_stack([recall(pairs.ranks, k), recall(base.ranks, k)])
    own, theirs = hits.sum(axis=0)
    drawn = resamples(numpy_generator(seed, f"gain at {k}"), pairs.dialogue_count, samples=samples) @ pairs.per_dialogue(hits)
    unbounded = np.where(drawn[:, 0] > 0, np.inf, 0.0)
    gains = np.where(drawn[:, 1] > 0, drawn[:, 0] / np.maximum(drawn[:, 1], 1.0) - 1.0, unbounded)
    low, high = (float(end) if np.isfinite(end) else None for end in np.percentile(gains, INTERVAL, method="nearest"))
    return (float(own / max(theirs, 1.0) - 1.0) if own or theirs else 0.0), low, high
