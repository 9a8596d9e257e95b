"""The eval layer: the only assets that look at test dialogues. Every model and baseline is ranked on the same candidates."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assets_defs.core import write
from assets_defs.models import load_embeddings, load_lrurec, release_of_parents
from assets_defs.step import Built, Job
from corpus_pipeline.schema import tables as t

REPORT = "report.md"


def eval_recommendation_ranks(job: Job) -> Iterator[Built]:
    """Where each model ranks each test target, among the data set's own films and among every film with a vector."""
    from modeling.evaluation.protocols import rank_targets

    examples = _test_rows(job.parent_table(t.SET_RECOMMENDATION))
    targets = job.parent_table(t.SET_RECOMMENDATION_TARGETS)
    models = _models(job)
    ranks = []
    for position, (dataset, candidate_set, candidates) in enumerate(_candidate_sets(job)):
        rows = examples.filter(pc.equal(examples["dataset"], dataset))
        wanted = targets.filter(pc.is_in(targets["example_id"], value_set=rows["example_id"].combine_chunks()))
        for name, model in models.items():
            job.progress(f"ranking {dataset}, {candidate_set}, {name}", position, 2 * len(job.workspace.profile.dialogue_datasets))
            ranks.append(rank_targets(model, rows, wanted, candidates=candidates, model_name=name, candidate_set=candidate_set))
    yield write(job, [(t.EVAL_RANKS.name, pa.concat_tables(ranks))])


def _test_rows(examples: pa.Table) -> pa.Table:
    return examples.filter(pc.equal(examples["split"], "test"))


def _models(job: Job) -> Mapping[str, Any]:
    from modeling.baselines import LastItemNeighbours, Popularity

    sequences = job.parent_table(t.SET_SEQUENCES)
    train = sequences.filter(pc.equal(sequences["split"], "train"))
    return {
        "popularity": Popularity.fit(train),
        "last_item_neighbours": LastItemNeighbours.fit(train),
        "lrurec": load_lrurec(job.workspace, "model_lrurec"),
        "lrurec_text": load_lrurec(job.workspace, "model_lrurec_text"),
    }


def _candidate_sets(job: Job) -> Iterator[tuple[str, str, Sequence[str]]]:
    links = release_of_parents(job).table(t.LINK_DIALOGUE_MOVIES)
    everything = sorted(load_embeddings(job.workspace).ids)
    for dataset in job.workspace.profile.dialogue_datasets:
        own = links.filter(pc.equal(links["dataset"], dataset))["movie_id"].drop_null()
        yield dataset, "dataset_items", sorted(set(own.to_pylist()))
        yield dataset, "corpus", everything


def eval_recommendation(job: Job) -> Iterator[Built]:
    """Metrics with intervals, and the report beside published anchors."""
    from modeling.evaluation.protocols import metrics_table
    from modeling.evaluation.report import markdown

    config = job.workspace.profile.evaluation
    job.progress("resampling dialogues", 0, 1)
    ranks = job.parent_table(t.EVAL_RANKS)
    metrics = metrics_table(ranks, bootstrap_samples=config.bootstrap_samples, seed=config.seed)
    report = job.workspace.artifact(job.step.name) / REPORT
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(markdown(metrics, ranks=ranks))
    built = write(job, [(t.EVAL_METRICS.name, metrics)])
    shown = {**built.metadata, "report": report.read_text(), "recall@10, new films": _plot(metrics)}
    yield Built([*built.files, report], shown)


def _plot(metrics: pa.Table) -> str:
    from assets_defs.plots import bars

    chosen = [
        row
        for row in metrics.to_pylist()
        if (row["metric"], row["k"], row["condition"], row["candidate_set"]) == ("recall", 10, "new", "dataset_items")
    ]
    groups: dict[str, dict[str, tuple[float, float, float]]] = {}
    for row in chosen:
        groups.setdefault(row["dataset"], {})[row["model"]] = (row["value"], row["ci_low"], row["ci_high"])
    return bars(groups, ylabel="recall@10")
