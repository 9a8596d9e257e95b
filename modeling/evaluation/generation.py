"""How a model that chooses among retrieved films is judged: what was retrieved, and what it makes of it with and without the truth.

Ranks in, shares with intervals out. Means and intervals over dialogues are those of `protocols`, tests of differences those of
`significance` on the ranks that `stage_ranks` gives. As in ReGeS (arXiv 2509.21371, section 4) a share is hit@1 per (turn, target)
pair of new targets, k candidates each:

* item_success: the truth comes first where it was put among the candidates;
* retrieval_recall: the retriever offers the truth;
* overall_success: the truth comes first among the films retrieved, a miss where it was not retrieved;
* success_given_retrieved: the same, of the pairs whose truth was retrieved.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import EVAL_ANSWERS, EVAL_GENERATION, EVAL_RANKS
from modeling.errors import EvaluationError
from modeling.evaluation.protocols import metrics_table

STAGES = ("item_success", "retrieval_recall", "overall_success", "success_given_retrieved")

Order = Mapping[tuple[str, int], Sequence[str]]  # movie ids, best first, by (example_id, target_index)


def answer_rows(
    examples: pa.Table,
    targets: pa.Table,
    *,
    retrieved: Mapping[str, Sequence[str]],
    ranked: Order,
    model_name: str,
    candidate_count: int,
    is_forced: bool,
) -> pa.Table:
    """Rows of eval_answers, one per target, sorted by key.

    `examples`, `targets`: rows of set_recommendation and set_recommendation_targets; `retrieved`: the retriever's list of each
    example, its first `candidate_count` films are looked at; `ranked`: the model's order of what it was offered. A truth
    that was not offered has no rank. EvaluationError for a target without example, retrieved list or order.
    """
    known = {row["example_id"]: row for row in examples.select(["example_id", "dataset", "split", "dialogue_id"]).to_pylist()}
    rows: list[dict[str, Any]] = []
    for target in targets.to_pylist():
        key = (target["example_id"], target["target_index"])
        if key[0] not in known or key[0] not in retrieved or key not in ranked:
            raise EvaluationError(
                f"judging {model_name!r}: target {key[1]} of {key[0]!r} has no example, retrieved list or order; give one of each"
            )
        offered = retrieved[key[0]][:candidate_count]
        truth = {"is_retrieved": target["movie_id"] in offered, "answer_rank": _rank(target["movie_id"], ranked[key])}
        rows.append({**known[key[0]], "target_index": key[1], "is_new": target["is_new"], **truth})
    shared = {"model": model_name, "candidate_count": candidate_count, "is_forced": is_forced}
    table = pa.Table.from_pylist([{**row, **shared} for row in rows], schema=arrow_schema(EVAL_ANSWERS))
    return table.sort_by([(name, "ascending") for name in EVAL_ANSWERS.key])


def generation_table(answers: pa.Table, *, bootstrap_samples: int, seed: int) -> pa.Table:
    """The rows of eval_generation for rows of eval_answers; a share without a single pair has no row.

    Retrieval counts where the truth was not forced in, so that no pair counts twice.
    """
    new = answers.filter(answers["is_new"])
    rows: list[dict[str, Any]] = []
    for group in _groups(new):
        ranks = stage_ranks(_of(new, group))
        table = metrics_table(ranks, bootstrap_samples=bootstrap_samples, seed=seed)
        chosen = pc.and_(pc.equal(table["metric"], "recall"), pc.and_(pc.equal(table["k"], 1), pc.equal(table["condition"], "new")))
        for row in table.filter(chosen).to_pylist():
            measured = {"metric": row["candidate_set"], "value": row["value"], "count": row["pair_count"]}
            rows.append({**group, **measured, "ci_low": row["ci_low"], "ci_high": row["ci_high"]})
    return pa.Table.from_pylist(rows, schema=arrow_schema(EVAL_GENERATION)).sort_by([(name, "ascending") for name in EVAL_GENERATION.key])


def stage_ranks(answers: pa.Table) -> pa.Table:
    """Rows of eval_recommendation_ranks, the stage as candidate set: what `protocols` and `significance` read.

    A retrieved truth has rank 1 in the stage 'retrieval_recall', so every stage is recall@1. Give the rows of one split and one
    number of candidates; several models may be among them.
    """
    rows = [
        {**{name: row[name] for name in EVAL_RANKS.key if name in row}, **{name: row[name] for name in ("dialogue_id", "is_new")},
         "candidate_set": stage, "rank": rank}
        for row in answers.to_pylist()
        for stage, rank in _stages(row)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=arrow_schema(EVAL_RANKS)).sort_by([(name, "ascending") for name in EVAL_RANKS.key])


def _stages(row: Mapping[str, Any]) -> Iterator[tuple[str, int | None]]:
    if row["is_forced"]:
        yield "item_success", row["answer_rank"]
        return
    yield "retrieval_recall", 1 if row["is_retrieved"] else None
    yield "overall_success", row["answer_rank"]
    if row["is_retrieved"]:
        yield "success_given_retrieved", row["answer_rank"]


def _groups(answers: pa.Table) -> list[dict[str, Any]]:
    names = ["dataset", "split", "model", "candidate_count"]
    groups: list[dict[str, Any]] = answers.group_by(names).aggregate([]).sort_by([(name, "ascending") for name in names]).to_pylist()
    return groups


def _of(answers: pa.Table, group: Mapping[str, Any]) -> pa.Table:
    for name, value in group.items():
        answers = answers.filter(pc.equal(answers[name], value))
    return answers


def _rank(movie: str | None, movies: Sequence[str]) -> int | None:
    return movies.index(movie) + 1 if movie in movies else None
