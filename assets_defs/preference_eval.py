"""What the feedback loop is worth: final lists of validation and test turns, gains with their tests, popularity, exposure.

Of the loop's steps these alone read test turns. Ceilings, ablations and rankers alone, on validation turns, are in `preference_studies`.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assets_defs.core import write
from assets_defs.links import markdown
from assets_defs.models import release_of_parents
from assets_defs.preference_parts import Judge, best_round, config_of, judged_turns, load_policy
from assets_defs.step import Built, Job
from assets_defs.turns import of_split, targets_of
from corpus_pipeline.schema import tables as t
from corpus_pipeline.schema.render import arrow_schema

if TYPE_CHECKING:
    from modeling.preference_retriever.data import Turns
    from modeling.ranker.protocol import RankedSet

Columns = npt.NDArray[np.int64]
DEPTH = 50  # how deep the retriever's own order is kept
SHOWN_DEEP = 10  # films of a list that count as shown


def eval_preference_ranks(job: Job) -> Iterator[Built]:
    """Where each stage's retriever, and each ranker behind it, puts each new target of validation and test turns."""
    release, profile = release_of_parents(job), job.workspace.profile
    parts: list[pa.Table] = []
    for split in ("valid", "test"):
        for retriever in profile.loop_retrievers:
            for ranker in profile.rankers:
                examples = judged_turns(job, split, ranker)
                judge = Judge(job, release, examples, retriever, ranker)
                parts += [
                    _rows(job, judge, examples, split, (retriever, ranker), one)
                    for one in _stages(job, judge, retriever, profile.sizes.loop_seeds)
                ]
    yield write(job, [(t.EVAL_PREFERENCE_RANKS.name, pa.concat_tables(parts))])


def _stages(job: Job, judge: Judge, retriever: str, seeds: Sequence[int]) -> Iterator[tuple[str, int, Columns]]:
    """(stage, seed, columns of the retriever's order) of one retriever; the films named most stand beside the first alone."""
    from modeling.preference_retriever.rounds import offer

    profile, size = job.workspace.profile, judge.turns.features.shape[1]
    numbers = {"sft": 0, "rl": best_round(job.workspace, retriever)}
    for seed in seeds:
        for stage, number in numbers.items():
            job.progress(f"{stage} of {retriever}, seed {seed}", 0, 0)
            yield stage, seed, offer(load_policy(job.workspace, retriever, seed, number, size), judge.turns, DEPTH)
    if retriever == profile.loop_retrievers[0]:
        yield "most_named", seeds[0], _most_named(job, judge.turns)


def _most_named(job: Job, turns: "Turns") -> Columns:
    """The films that training dialogues name most, those of the turn's own data set, those named before left out."""
    from modeling.baselines import Popularity

    counts = Popularity.fit(job.parent_table(t.SET_SEQUENCES)).counts
    named = np.array([counts.get(film, 0) for film in turns.films], np.float64)
    scores = np.where(turns.excluded(), -np.inf, named[None, :])
    best = np.argsort(-scores, axis=1, kind="stable")[:, :DEPTH]
    return np.where(np.isfinite(np.take_along_axis(scores, best, axis=1)), best, -1)


def _rows(job: Job, judge: Judge, examples: pa.Table, split: str, who: tuple[str, str], one: tuple[str, int, Columns]) -> pa.Table:
    """Rows of eval_preference_ranks of one retriever, ranker, stage and seed."""
    stage, seed, columns = one
    config = config_of(job.workspace, who[0], seed)
    answers = judge.answers(columns[:, : config.candidates], config)
    shared = {"split": split, "retriever": who[0], "ranker": who[1], "stage": stage, "seed": seed}
    rows = [{**row, **shared} for row in _placed(job, judge.turns, examples, columns, answers)]
    return pa.Table.from_pylist(rows, schema=arrow_schema(t.EVAL_PREFERENCE_RANKS))


def _placed(
    job: Job, turns: "Turns", examples: pa.Table, columns: Columns, answers: "Sequence[RankedSet | None]"
) -> Iterator[dict[str, Any]]:
    """Each new target with its place in the retriever's order and in the ranker's list."""
    row_of = {example: row for row, example in enumerate(turns.example_ids)}
    where = {row["example_id"]: row for row in examples.select(["example_id", "dataset", "dialogue_id"]).to_pylist()}
    targets = targets_of(job.parent_table(t.SET_RECOMMENDATION_TARGETS), examples).filter(pc.field("is_new"))
    for target in targets.to_pylist():
        row = row_of[target["example_id"]]
        own = [turns.films[column] for column in columns[row].tolist() if column >= 0]
        answer = answers[row]
        yield {
            **where[target["example_id"]], "target_index": target["target_index"],
            "retrieval_rank": _place(target["movie_id"], own), "rank": _place(target["movie_id"], answer.order if answer else ()),
        }  # fmt: skip


def _place(movie: str | None, order: Sequence[str]) -> int | None:
    return order.index(movie) + 1 if movie in order else None


def eval_preference_retriever(job: Job) -> Iterator[Built]:
    """Each stage with intervals, the gain of the loop with its test, by popularity, and what lists expose."""
    from modeling.baselines import Popularity
    from modeling.evaluation.preference import loop_rows

    config, ranks = job.workspace.profile.evaluation, job.parent_table(t.EVAL_PREFERENCE_RANKS)
    named = Popularity.fit(job.parent_table(t.SET_SEQUENCES)).counts
    targets = job.parent_table(t.SET_RECOMMENDATION_TARGETS)
    keys = zip(targets["example_id"].to_pylist(), targets["target_index"].to_pylist(), strict=True)
    truths = dict(zip(keys, targets["movie_id"].to_pylist(), strict=True))
    job.progress("resampling dialogues", 0, 1)
    rows = loop_rows(ranks, named, truths, samples=config.bootstrap_samples, seed=config.seed)
    rows += list(_exposed(job, named))
    table = pa.Table.from_pylist(rows, schema=arrow_schema(t.EVAL_PREFERENCE_RETRIEVER))
    built = write(job, [(t.EVAL_PREFERENCE_RETRIEVER.name, table)])
    shown = {"the loop, a reconstruction of RAR": _report(rows), "gain by popularity": _plot(rows, job.workspace.profile.rankers[0])}
    yield Built(built.files, {**built.metadata, **shown})


def _exposed(job: Job, named: Any) -> Iterator[dict[str, Any]]:
    """Exposure of the retriever's first films over test turns, per stage, the first seed."""
    from modeling.evaluation.preference import exposure

    release, seed = release_of_parents(job), job.workspace.profile.sizes.loop_seeds[0]
    examples = of_split(job.parent_table(t.SET_RECOMMENDATION), "test")
    for retriever in job.workspace.profile.loop_retrievers:
        judge = Judge(job, release, examples, retriever, "oracle")  # asked about nothing: the lists are the retriever's own
        for stage, _, columns in _stages(job, judge, retriever, [seed]):
            lists = [[judge.turns.films[c] for c in row if c >= 0] for row in columns[:, :SHOWN_DEEP].tolist()]
            for metric, value in exposure(lists, named, len(judge.turns.films)).items():
                yield {
                    "retriever": retriever, "ranker": "retriever alone", "setting": f"{stage}, test, first {SHOWN_DEEP}", "dataset": "all",
                    "metric": metric, "value": value, "count": len(lists),
                }  # fmt: skip


def _report(rows: Sequence[dict[str, Any]]) -> str:
    """The rows of all data sets together that people look at first."""
    wanted = ("ndcg@5", "ndcg@10", "recall@10", "ndcg@5 gain", "ndcg@10 gain", "p", "p (Holm)", "coverage", "gini")
    chosen = [
        row for row in rows if row["dataset"] == "all" and row["metric"] in wanted and "named" not in row["setting"].partition(",")[2]
    ]
    names = ("retriever", "ranker", "setting", "metric", "value", "ci_low", "ci_high", "count")
    return markdown(pa.Table.from_pylist([{name: _rounded(row.get(name)) for name in names} for row in chosen]))


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


def _plot(rows: Sequence[dict[str, Any]], ranker: str) -> str:
    """Relative gain in nDCG@10 of the list of the ranker that gave feedback, by how often training dialogues name the target."""
    from assets_defs.plots import bars
    from modeling.evaluation.preference import BUCKETS, bucket_of

    groups: dict[str, dict[str, tuple[float, float, float]]] = {}
    for low, _ in BUCKETS:
        setting = f"rl over sft, valid+test, named {bucket_of(low)} times"
        for row in rows:
            if (row["ranker"], row["setting"], row["metric"], row["dataset"]) == (ranker, setting, "ndcg@10 gain", "all"):
                low_end, high_end = (row[end] if row.get(end) is not None else row["value"] for end in ("ci_low", "ci_high"))
                groups.setdefault(row["retriever"], {})[bucket_of(low)] = (row["value"], low_end, high_end)
    return bars(groups, ylabel="gain in nDCG@10") if groups else "no gain can be told\n"
