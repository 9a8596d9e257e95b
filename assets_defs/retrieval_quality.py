"""Retrieval by kind of query and the queries themselves, judged on validation and test dialogues. No model is trained here."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assets_defs.core import write
from assets_defs.film_facts import dataset_films
from assets_defs.links import markdown
from assets_defs.models import load_embeddings, release_of_parents
from assets_defs.step import Built, Job
from assets_defs.turns import index_encoder, query_vectors, targets_of
from corpus_pipeline.schema import tables as t

STARTER = "starter"


def eval_retrieval_ranks(job: Job) -> Iterator[Built]:
    """Where MiniLM and BM25 rank each target when asked with the dialogue, the untuned model's query and the expert's."""
    from modeling.evaluation.protocols import rank_turns

    release = release_of_parents(job)
    examples, queries = _compared(job)
    retrievers = _retrievers(job, release.release_id)
    parts: list[pa.Table] = []
    for (dataset, split), rows in _groups(examples):
        films = dataset_films(release, dataset)
        wanted = targets_of(job.parent_table(t.SET_RECOMMENDATION_TARGETS), rows)
        for name, score in retrievers.items():
            for mode, texts in queries.items():
                job.progress(f"searching {dataset}, {split}, {name}, {mode}", len(parts), 24)
                told = [texts[example] for example in rows["example_id"].to_pylist()]
                table = rank_turns(_turn_scorer(score, rows, told), rows, wanted, candidates=films, model_name=mode, candidate_set=name)
                parts.append(_as_retrieval(table, split))
    yield write(job, [(t.EVAL_RETRIEVAL_RANKS.name, pa.concat_tables(parts))])


def _compared(job: Job) -> tuple[pa.Table, dict[str, dict[str, str]]]:
    """Turns of validation and test for which there is a query of every kind, and those queries by kind and example."""
    written = [job.parent_table(t.SET_QUERIES), job.parent_table(t.EVAL_QUERIES)]
    queries: dict[str, dict[str, str]] = {}
    for table in written:
        for row in table.filter(pc.not_equal(table["split"], "train")).select(["example_id", "query_mode", "query"]).to_pylist():
            queries.setdefault(row["query_mode"], {})[row["example_id"]] = row["query"]
    common = sorted(set.intersection(*(set(texts) for texts in queries.values())))
    examples = job.parent_table(t.SET_RECOMMENDATION)
    return examples.filter(pc.is_in(examples["example_id"], pa.array(common, pa.string()))), queries


def _groups(examples: pa.Table) -> Iterator[tuple[tuple[str, str], pa.Table]]:
    for dataset in sorted(set(examples["dataset"].to_pylist())):
        for split in ("valid", "test"):
            rows = examples.filter(pc.and_(pc.equal(examples["dataset"], dataset), pc.equal(examples["split"], split)))
            if rows.num_rows:
                yield (dataset, split), rows


def _retrievers(job: Job, release_id: str) -> Mapping[str, Any]:
    from modeling.dense_retriever.index import FilmIndex
    from modeling.lexical_retriever import LexicalRetriever

    space = job.workspace
    index = FilmIndex.load(space.artifact_of("model_film_index"), encoder=index_encoder(space), release_id=release_id)
    lexical = LexicalRetriever.load(space.artifact_of("model_lexical_index"), release_id=release_id)
    return {"minilm": lambda texts, films: index.score(query_vectors(space, texts), films), "bm25": lexical.score}


def _turn_scorer(score: Any, rows: pa.Table, texts: list[str]) -> Any:
    query = dict(zip(rows["example_id"].to_pylist(), texts, strict=True))
    return lambda part, films: score([query[example] for example in part["example_id"].to_pylist()], films)


def _as_retrieval(ranks: pa.Table, split: str) -> pa.Table:
    """Rows of eval_recommendation_ranks as rows of eval_retrieval_ranks."""
    columns = {"retriever": ranks["candidate_set"], "query_mode": ranks["model"], "split": pa.repeat(split, ranks.num_rows)}
    names = t.EVAL_RETRIEVAL_RANKS.column_names
    return pa.table([columns.get(name, ranks[name] if name in ranks.column_names else None) for name in names], names=names)


def eval_retrieval(job: Job) -> Iterator[Built]:
    """Recall per retriever and kind of query, with the gain over the raw dialogue."""
    from modeling.evaluation.retrieval import retrieval_table

    config = job.workspace.profile.evaluation
    job.progress("resampling dialogues", 0, 1)
    table = retrieval_table(job.parent_table(t.EVAL_RETRIEVAL_RANKS), bootstrap_samples=config.bootstrap_samples, seed=config.seed)
    built = write(job, [(t.EVAL_RETRIEVAL.name, table)])
    yield Built(built.files, {**built.metadata, "recall of new films": _shown(table), "recall@20": _plot(table)})


def _shown(table: pa.Table) -> str:
    cells: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in table.to_pylist():
        where = {name: row[name] for name in ("dataset", "split", "retriever", "query_mode")}
        cells.setdefault(tuple(where.values()), where)[f"{row['metric']}@{row['k']}"] = round(row["value"], 3)
    names = sorted(
        {name for row in cells.values() for name in row if "@" in name}, key=lambda name: (name[0] == "g", int(name.split("@")[1]))
    )
    return markdown(
        pa.Table.from_pylist(
            [{**{k: v for k, v in row.items() if "@" not in k}, **{n: row.get(n) for n in names}} for row in cells.values()]
        )
    )


def _plot(table: pa.Table) -> str:
    from assets_defs.plots import bars

    groups: dict[str, dict[str, tuple[float, float, float]]] = {}
    for row in table.to_pylist():
        if (row["metric"], row["k"]) == ("recall", 20):
            name = f"{row['dataset']}, {row['split']}, {row['retriever']}"
            groups.setdefault(name, {})[row["query_mode"]] = (row["value"], row["ci_low"], row["ci_high"])
    return bars(groups, ylabel="recall@20")


def eval_query_quality(job: Job) -> Iterator[Built]:
    """Cosine of each kind of query to the true film and, on starter dialogues, overlap with queries written by hand."""
    from modeling.evaluation.query_quality import cosine_measures, histogram

    examples, queries = _compared(job)
    targets = job.parent_table(t.SET_RECOMMENDATION_TARGETS).filter(pc.field("is_new"))
    rows: list[dict[str, Any]] = []
    curves: dict[str, Any] = {}
    for (dataset, split), part in _groups(examples):
        job.progress(f"comparing queries of {dataset}, {split}", len(rows), 0)
        values = _cosines(job, targets_of(targets, part), queries)
        measured = [*cosine_measures(values), *(_overlap(part, queries) if dataset == STARTER else [])]
        rows += [
            {"dataset": dataset, "split": split, "query_mode": m.query_mode, "metric": m.metric, "value": m.value, "count": m.count}
            for m in measured
        ]
        if split == "test":
            curves |= {f"{dataset}, {mode}": _curve([bin for bin in histogram(values) if bin.query_mode == mode]) for mode in values}
    built = write(job, [(t.EVAL_QUERY_QUALITY.name, pa.Table.from_pylist(rows))])
    yield Built(built.files, {**built.metadata, "cosine of query and true film": _curves(curves), "published": _anchors()})


def _cosines(job: Job, targets: pa.Table, queries: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    from modeling.evaluation.query_quality import cosines

    embeddings = load_embeddings(job.workspace)
    pairs = [(e, m) for e, m in zip(targets["example_id"].to_pylist(), targets["movie_id"].to_pylist(), strict=True) if m]
    films, known = embeddings.rows_of([movie for _, movie in pairs])
    asked = [example for (example, _), is_there in zip(pairs, known, strict=True) if is_there]
    return {
        mode: cosines(query_vectors(job.workspace, [texts[example] for example in asked]), films[known]) for mode, texts in queries.items()
    }


def _overlap(examples: pa.Table, queries: Mapping[str, Mapping[str, str]]) -> list[Any]:
    from corpus_pipeline.sources.starter.queries import read_queries
    from modeling.evaluation.query_quality import overlap_measures

    written = {f"{row['dialogue_id']}#{row['turn_index']}": row["query"] for row in read_queries().to_pylist()}
    asked = [example for example in examples["example_id"].to_pylist() if example in written]
    if not asked:
        return []
    return overlap_measures({mode: [texts[e] for e in asked] for mode, texts in queries.items()}, [written[e] for e in asked])


def _curve(bins: list[Any]) -> tuple[list[float], list[float]]:
    return [(one.low + one.high) / 2 for one in bins], [one.share for one in bins]


def _curves(curves: Mapping[str, tuple[list[float], list[float]]]) -> str:
    from assets_defs.plots import xy

    return xy(curves, xlabel="cosine", ylabel="share of pairs")


def _anchors() -> str:
    from modeling.evaluation.query_anchors import load_query_anchors

    return markdown(
        pa.Table.from_pylist([{"query": a.query_mode, "references": a.reference_count, **a.values} for a in load_query_anchors()])
    )
