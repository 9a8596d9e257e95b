"""The evaluation table: where every model and baseline ranks the films of test dialogues, all on the same candidates."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from assets_defs.core import write
from assets_defs.film_facts import dataset_films
from assets_defs.models import load_embeddings, release_of_parents
from assets_defs.retrieval import expert_queries, hybrid_weights
from assets_defs.step import Built, Job
from assets_defs.turns import asked_of, load_retriever, of_split
from corpus_pipeline.schema import tables as t

if TYPE_CHECKING:
    from modeling.evaluation.protocols import TurnScorer

REPORT = "report.md"


def eval_recommendation_ranks(job: Job) -> Iterator[Built]:
    """Where each model ranks each test target, among the data set's own films and among every film with a vector."""
    from modeling.evaluation.protocols import rank_turns

    examples = of_split(job.parent_table(t.SET_RECOMMENDATION), "test")
    targets = job.parent_table(t.SET_RECOMMENDATION_TARGETS)
    models = _models(job, examples)
    ranks = []
    for position, (dataset, candidate_set, candidates) in enumerate(_candidate_sets(job)):
        rows = examples.filter(pc.equal(examples["dataset"], dataset))
        wanted = targets.filter(pc.is_in(targets["example_id"], value_set=rows["example_id"].combine_chunks()))
        for name, score in models.items():
            job.progress(f"ranking {dataset}, {candidate_set}, {name}", position, 2 * len(job.workspace.profile.dialogue_datasets))
            ranks.append(rank_turns(score, rows, wanted, candidates=candidates, model_name=name, candidate_set=candidate_set))
    yield write(job, [(t.EVAL_RANKS.name, pa.concat_tables(ranks))])


def _models(job: Job, examples: pa.Table) -> "Mapping[str, TurnScorer]":
    from modeling.baselines import LastItemNeighbours, Popularity

    sequences = job.parent_table(t.SET_SEQUENCES)
    train = of_split(sequences, "train")
    queries = expert_queries(job.parent_table(t.EVAL_QUERIES))
    asked = asked_of(job.workspace, examples, queries, lambda done, total: job.progress("encoding test dialogues", done, total))
    retriever = load_retriever(job.workspace, release_of_parents(job), sequences)
    place = {example: row for row, example in enumerate(examples["example_id"].to_pylist())}

    def chosen(rows: pa.Table) -> Any:
        return asked.take([place[example] for example in rows["example_id"].to_pylist()])

    weights = hybrid_weights(job.workspace)
    return {
        "popularity": _by_history(Popularity.fit(train)),
        "last_item_neighbours": _by_history(LastItemNeighbours.fit(train)),
        "lrurec": _by_history(retriever.lrurec),
        "lrurec_text": _by_history(retriever.lrurec_text),
        "item_neighbours": lambda rows, films: retriever.score(chosen(rows), films, {"neighbours": 1.0}),
        "ease": lambda rows, films: retriever.score(chosen(rows), films, {"ease": 1.0}),
        "dense_retriever": lambda rows, films: retriever.score(chosen(rows), films, {"dense": 1.0}),
        "hybrid": lambda rows, films: retriever.score(chosen(rows), films, weights["hybrid"]),
        "hybrid_rrf": lambda rows, films: retriever.fused(chosen(rows), films, weights["hybrid_rrf"]),
    }


def _by_history(model: Any) -> "TurnScorer":
    return lambda rows, films: model.score(rows["history_movie_ids"].combine_chunks().to_pylist(), films)


def _candidate_sets(job: Job) -> Iterator[tuple[str, str, Sequence[str]]]:
    release = release_of_parents(job)
    everything = sorted(load_embeddings(job.workspace).ids)
    for dataset in job.workspace.profile.dialogue_datasets:
        yield dataset, "dataset_items", dataset_films(release, dataset)
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
