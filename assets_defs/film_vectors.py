"""RALLRec in the main line: film vectors that join text with the behaviour of MovieLens users, and what they bring to the retrievers."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assets_defs.core import write
from assets_defs.film_facts import dataset_films
from assets_defs.links import markdown
from assets_defs.models import (
    artifact_folder,
    files_of,
    film_vectors_of,
    load_embeddings,
    markdown_of,
    plot_of,
    release_of_parents,
    train_sequences,
    training_curve,
)
from assets_defs.representations import behaviour_of, join, train_graph
from assets_defs.retrieval import pooled_value, scored_group, train_dense
from assets_defs.step import Built, Job
from assets_defs.turns import asked_of, load_dense_retriever, load_retriever, of_split, targets_of
from corpus_pipeline import store
from corpus_pipeline.release import Release
from corpus_pipeline.schema import tables as t
from corpus_pipeline.schema.fields import BOOK_DATASETS
from corpus_pipeline.schema.render import arrow_schema, literals

if TYPE_CHECKING:
    from modeling.turn_retrieval import Asked, TurnRetriever

KINDS = ("text", "joint")
RETRIEVERS = ("dense", "lrurec_text", "hybrid")
METRICS, CUTOFFS = ("recall", "ndcg"), (10, 50)
# What was liked in training rows of every data set of films, by film of the corpus. Users of different data sets are different users.
_LIKES = f"""
    SELECT DISTINCT dataset || ':' || c.user_id AS user_id, i.movie_id
    FROM set_click AS c JOIN core_interaction_items AS i USING (dataset, item_id)
    WHERE c.split = 'train' AND c.is_liked AND i.movie_id IS NOT NULL AND dataset NOT IN {literals(BOOK_DATASETS)}
    ORDER BY ALL
"""


def model_film_vectors(job: Job) -> Iterator[Built]:
    """LightGCN over films of the corpus, text aligned with it, and for every film with a text vector both joined."""
    release, folder = release_of_parents(job), artifact_folder(job)
    texts = load_embeddings(job.workspace)
    users, films = _likes(release, job.parent_table(t.SET_CLICK))
    places = {movie: place for place, movie in enumerate(texts.ids)}
    kept = np.array([movie in places for movie in films], bool)
    rows = np.array([places[movie] for movie, keep in zip(films, kept, strict=True) if keep], np.int64)
    codes = np.unique(np.array(users)[kept], return_inverse=True)[1].astype(np.int64)
    _graph(job, codes, rows, len(texts.ids), folder)
    behaviour, has = behaviour_of(folder / "lightgcn", rows)
    # The document holds title and description in one: it stands for both.
    empty = np.zeros((len(texts.ids), 1), np.float32)
    manifest = join(job, (texts.ids, texts.matrix, empty, behaviour, has), folder)
    curve = training_curve(folder / "alignment")
    shown = {**manifest.metrics, "likes": len(rows), "alignment": plot_of(curve), "epochs": markdown_of(curve)}
    yield Built(files_of(folder), shown)


def _likes(release: Release, set_click: pa.Table) -> tuple[list[str], list[str]]:
    with store.connect({t.SET_CLICK.name: set_click, t.INTERACTION_ITEMS.name: release.table(t.INTERACTION_ITEMS)}) as con:
        found = con.execute(_LIKES).to_arrow_table()
    return found["user_id"].to_pylist(), found["movie_id"].to_pylist()


def _graph(job: Job, users: npt.NDArray[np.int64], films: npt.NDArray[np.int64], film_count: int, folder: Any) -> None:
    """LightGCN in its own folder, unless a killed run has finished it."""
    from modeling.artifacts import MANIFEST_NAME

    if not (folder / "lightgcn" / MANIFEST_NAME).exists():
        train_graph(job, users, films, counts=(int(users.max()) + 1, film_count), folder=folder / "lightgcn")


def eval_joint_retrieval(job: Job) -> Iterator[Built]:
    """The dense retriever, LRURec over vectors and the hybrid with both, trained alike on either kind of vector.

    The dialogue itself is the query of the parts that are asked one: what is compared does not hang on a language model.
    """
    from modeling.evaluation.protocols import rank_turns

    release, space = release_of_parents(job), job.workspace
    examples, targets = of_split(job.parent_table(t.SET_RECOMMENDATION), "valid"), job.parent_table(t.SET_RECOMMENDATION_TARGETS)
    asked = asked_of(space, examples, {})
    ranks: list[pa.Table] = []
    for kind in KINDS:
        retriever = _retriever(job, release, kind)
        weights = _weights(job, release, retriever)
        for dataset in space.profile.dialogue_datasets:
            rows, films = examples.filter(pc.equal(examples["dataset"], dataset)), dataset_films(release, dataset)
            for name in RETRIEVERS:
                job.progress(f"ranking {dataset} by {name}, {kind}", len(ranks), 0)
                score = _scorer(retriever, asked, weights if name == "hybrid" else {name: 1.0})
                wanted = targets_of(targets, rows)
                ranks.append(rank_turns(score, rows, wanted, candidates=films, model_name=kind, candidate_set=name))
    table = _measured(job, pa.concat_tables(ranks))
    yield Built(*_told(write(job, [(t.EVAL_JOINT_RETRIEVAL.name, table)]), table))


def _told(built: Built, table: pa.Table) -> tuple[Sequence[Any], dict[str, Any]]:
    shown = table.select(["dataset", "retriever", "setting", "metric", "value", "ci_low", "ci_high"])
    return built.files, {**built.metadata, "recall of new films, validation": markdown(shown)}


def _retriever(job: Job, release: Release, kind: str) -> "TurnRetriever":
    """A first stage whose parts over film vectors are trained on vectors of `kind`."""
    from modeling.dense_retriever.config import DenseRetrieverConfig
    from modeling.lrurec import infer

    films, profile = film_vectors_of(job.workspace, kind), job.workspace.profile
    folder = artifact_folder(job) / kind
    shutil.rmtree(folder, ignore_errors=True)
    examples = of_split(job.parent_table(t.SET_RECOMMENDATION), "train", "valid")
    config = DenseRetrieverConfig.from_mapping({**profile.dense_retriever, "negatives": "catalogue"})  # mined ones need the query expert
    train_dense(job, examples, config, folder / "dense", films)
    train_sequences(job, {"mode": "text", **profile.lrurec_text}, folder / "lrurec_text", films)
    dense = load_dense_retriever(job.workspace, folder / "dense", films)
    sequences = infer.load(folder / "lrurec_text", item_embeddings=films)
    return load_retriever(job.workspace, release, job.parent_table(t.SET_SEQUENCES), dense=dense, lrurec_text=sequences)


def _weights(job: Job, release: Release, retriever: "TurnRetriever") -> Mapping[str, float]:
    """Weights of the hybrid's parts, chosen as those of model_hybrid are: each kind of vector gets its own best."""
    from modeling.hybrid import choose_weights
    from modeling.turn_retrieval import PARTS

    examples, targets = of_split(job.parent_table(t.SET_RECOMMENDATION), "valid"), job.parent_table(t.SET_RECOMMENDATION_TARGETS)
    names = job.workspace.profile.dialogue_datasets
    groups = [scored_group(job.workspace, examples, targets, {}, (retriever, name, dataset_films(release, name))) for name in names]
    job.progress("choosing weights", 0, 1)
    return choose_weights(PARTS, lambda weights: pooled_value(groups, weights)).weights


def _scorer(retriever: "TurnRetriever", asked: "Asked", weights: Mapping[str, float]) -> Any:
    place = {example: row for row, example in enumerate(asked.turns.example_ids)}

    def score(rows: pa.Table, films: Sequence[str]) -> Any:
        return retriever.score(asked.take([place[example] for example in rows["example_id"].to_pylist()]), films, weights)

    return score


def _measured(job: Job, ranks: pa.Table) -> pa.Table:
    """Recall and nDCG of new films with intervals, and the difference that joint vectors make, per data set and over all of them."""
    from modeling.evaluation.protocols import metrics_table

    config = job.workspace.profile.evaluation
    rows: list[dict[str, Any]] = []
    together = ranks.set_column(ranks.schema.get_field_index("dataset"), "dataset", pa.repeat("all", ranks.num_rows))
    for table in (ranks, together):
        measured = metrics_table(table, bootstrap_samples=config.bootstrap_samples, seed=config.seed).to_pylist()
        rows += [_row(row) for row in measured if row["condition"] == "new" and row["k"] in CUTOFFS and row["metric"] in METRICS]
        for metric in METRICS:
            rows += _differences(table, metric, config.seed)
    return pa.Table.from_pylist(rows, schema=arrow_schema(t.EVAL_JOINT_RETRIEVAL))


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: row[name] for name in ("value", "ci_low", "ci_high")}
    where = _where(row["dataset"], row["candidate_set"], row["model"])
    return {**where, **told, "metric": f"{row['metric']}@{row['k']}", "count": row["pair_count"]}


def _differences(ranks: pa.Table, metric: str, seed: int) -> Iterator[dict[str, Any]]:
    from modeling.evaluation.significance import compare

    for found in compare(ranks, metric=metric, k=10, reference="text", seed=seed):
        where = {
            **_where(found.dataset, found.candidate_set, "joint less text"),
            "ci_low": None,
            "ci_high": None,
            "count": found.pair_count,
        }
        yield {**where, "metric": f"{metric}@10", "value": found.difference}
        yield {**where, "metric": f"{metric}@10 p", "value": found.p_value}


def _where(dataset: str, retriever: str, setting: str) -> dict[str, Any]:
    return {"dataset": dataset, "split": "valid", "retriever": retriever, "setting": setting}
