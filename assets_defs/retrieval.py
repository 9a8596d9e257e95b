"""First-stage retrieval: indexes over film documents, the trained query tower, candidates, and how the parts are weighed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from assets_defs.film_facts import dataset_films, film_facts
from assets_defs.models import artifact_folder, film_vectors_of, load_embeddings, markdown_of, plot_of, release_of_parents, training_curve
from assets_defs.step import Built, Job
from assets_defs.training_sets import written
from assets_defs.turns import asked_of, index_encoder, load_retriever, of_split, query_vectors, sampled, targets_of, turns_of
from assets_defs.workspace import Workspace
from corpus_pipeline.schema import tables as t
from corpus_pipeline.schema.render import arrow_schema

if TYPE_CHECKING:
    from modeling.artifacts import Manifest
    from modeling.dense_retriever.config import DenseRetrieverConfig
    from modeling.turn_scorers import Scores

WEIGHTS = "weights.json"
EXPERT = "expert"
MARGIN = 60  # films beyond those wanted: some are targets, were named before, or are told twice


def model_film_index(job: Job) -> Iterator[Built]:
    """The exact index over film vectors, tied to encoder and release."""
    from modeling.dense_retriever.index import FilmIndex

    release = release_of_parents(job)
    embeddings = load_embeddings(job.workspace)
    index = FilmIndex.of(embeddings.ids, embeddings.matrix, encoder=index_encoder(job.workspace), release_id=release.release_id)
    yield _saved(job, index.save)


def model_lexical_index(job: Job) -> Iterator[Built]:
    """BM25 over the same documents."""
    from modeling.documents import documents_of
    from modeling.lexical_retriever import LexicalRetriever

    release = release_of_parents(job)
    rows = film_facts(release, load_embeddings(job.workspace).ids)
    job.progress("indexing words", 0, 1)
    index = LexicalRetriever.build(rows["movie_id"].to_pylist(), documents_of(rows), release_id=release.release_id)
    yield _saved(job, index.save)


def _saved(job: Job, save: Any) -> Built:
    folder = artifact_folder(job)
    manifest = save(folder)
    return Built(sorted(file for file in folder.iterdir() if file.is_file()), dict(manifest.metrics))


def set_candidates(job: Job) -> Iterator[Built]:
    """What the query expert's queries find for training and validation turns: the hard negatives of ReGeS."""
    from modeling.dense_retriever.index import FilmIndex
    from modeling.hybrid import fuse_ranks
    from modeling.lexical_retriever import LexicalRetriever

    release, space = release_of_parents(job), job.workspace
    index = FilmIndex.load(space.artifact_of("model_film_index"), encoder=index_encoder(space), release_id=release.release_id)
    lexical = LexicalRetriever.load(space.artifact_of("model_lexical_index"), release_id=release.release_id)
    queries = expert_queries(job.parent_table(t.SET_QUERIES))
    examples = _with_queries(job.parent_table(t.SET_RECOMMENDATION), queries)
    texts = [queries[example] for example in examples["example_id"].to_pylist()]
    wanted = space.profile.sizes.candidates + MARGIN
    job.progress("searching", 0, 2)
    dense, _ = index.search(query_vectors(space, texts), wanted)
    job.progress("searching words", 1, 2)
    words, _ = lexical.search(texts, wanted)
    fused = [fuse_ranks({"query": a, "lexical": b}, {"query": 1.0, "lexical": 1.0}) for a, b in zip(dense, words, strict=True)]
    lists = [list(zip(movies, scores.tolist(), strict=True)) for movies, scores in fused]
    kept = _without_targets(job, release, examples, lists)
    yield written(job, release, {t.SET_CANDIDATES.name: _candidate_rows(examples, kept, count=space.profile.sizes.candidates)})


def expert_queries(queries: pa.Table) -> dict[str, str]:
    """Example id -> the query expert's query."""
    rows = zip(*(queries[name].to_pylist() for name in ("example_id", "query_mode", "query")), strict=True)
    return {example: query for example, mode, query in rows if mode == EXPERT}


def _with_queries(examples: pa.Table, queries: Mapping[str, str]) -> pa.Table:
    return examples.filter(pc.is_in(examples["example_id"], pa.array(sorted(queries), pa.string())))


def _without_targets(job: Job, release: Any, examples: pa.Table, lists: Sequence[Sequence[tuple[str, float]]]) -> list[Any]:
    """The lists without targets, their twins under other ids, and films named before."""
    truths, twins = target_movies(job.parent_table(t.SET_RECOMMENDATION_TARGETS)), title_years(release)
    rows = zip(examples["example_id"].to_pylist(), examples["history_movie_ids"].to_pylist(), lists, strict=True)
    return [negatives_of(found, truths.get(example, ()), named, twins) for example, named, found in rows]


def negatives_of(
    found: Sequence[tuple[str, float]], targets: Sequence[str], named: Sequence[str], twins: Mapping[str, tuple[str, int | None]]
) -> list[tuple[str, float]]:
    """The films of a retrieved list that are certainly wrong for the turn, with their scores."""
    from modeling.dense_retriever.negatives import hard_negatives

    score = dict(found)
    kept = hard_negatives([movie for movie, _ in found], targets=targets, named=named, title_years=twins, count=len(found))
    return [(movie, score[movie]) for movie in kept]


def _candidate_rows(examples: pa.Table, lists: Sequence[Sequence[tuple[str, float]]], *, count: int) -> pa.Table:
    """Rows of candidates, the first `count` of each list."""
    shared = examples.select(["example_id", "dataset", "split"]).to_pylist()
    rows = [
        {**example, "candidate_rank": rank, "movie_id": movie, "retrieval_score": score}
        for example, found in zip(shared, lists, strict=True)
        for rank, (movie, score) in enumerate(found[:count], 1)
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(t.SET_CANDIDATES))


def title_years(release: Any) -> dict[str, tuple[str, int | None]]:
    """Title key and year of films, by which two ids are seen to be one film."""
    rows = release.columns(t.TITLES, ("movie_id", "title_key", "title_kind"))
    years = release.columns(t.MOVIES, ("movie_id", "year"))
    year_of = dict(zip(years["movie_id"].to_pylist(), years["year"].to_pylist(), strict=True))
    pairs = zip(rows["movie_id"].to_pylist(), rows["title_key"].to_pylist(), rows["title_kind"].to_pylist(), strict=True)
    return {movie: (key, year_of[movie]) for movie, key, kind in pairs if kind == "primary"}


def target_movies(targets: pa.Table) -> dict[str, list[str]]:
    """Example id -> linked films that are to be predicted."""
    found: dict[str, list[str]] = {}
    for example, movie in zip(targets["example_id"].to_pylist(), targets["movie_id"].to_pylist(), strict=True):
        if movie:
            found.setdefault(example, []).append(movie)
    return found


def candidate_lists(candidates: pa.Table) -> dict[str, list[str]]:
    """Example id -> films in order of retrieval, from rows sorted by (example, rank)."""
    found: dict[str, list[str]] = {}
    for example, movie in zip(candidates["example_id"].to_pylist(), candidates["movie_id"].to_pylist(), strict=True):
        found.setdefault(example, []).append(movie)
    return found


def model_dense_retriever(job: Job) -> Iterator[Built]:
    """The query tower over frozen vectors of dialogues."""
    from modeling.dense_retriever.config import DenseRetrieverConfig

    release_of_parents(job)
    config = DenseRetrieverConfig.from_mapping(job.workspace.profile.dense_retriever)
    folder = artifact_folder(job)
    manifest = train_dense(job, of_split(job.parent_table(t.SET_RECOMMENDATION), "train", "valid"), config, folder)
    curve = training_curve(folder)
    shown = {**manifest.metrics, "training curve": plot_of(curve), "epochs": markdown_of(curve)}
    yield Built(sorted(file for file in folder.iterdir() if file.is_file()), shown)


def train_dense(job: Job, examples: pa.Table, config: "DenseRetrieverConfig", folder: Path, films: Any = None) -> "Manifest":
    """Train on the given turns, of train and of valid; `films`: vectors other than the profile's.

    Only a config with mined negatives reads the candidates.
    """
    from modeling.dense_retriever.data import training_pairs
    from modeling.dense_retriever.train import Corpus, train
    from modeling.text_encoder.embeddings import ItemEmbeddings

    turns = turns_of(job.workspace, examples, lambda done, total: job.progress("encoding dialogues", done, total))
    embeddings = films or film_vectors_of(job.workspace)
    ids = [movie for movie in _training_films(job) if movie in set(embeddings.ids)]
    vocabulary = ItemEmbeddings(tuple(ids), embeddings.rows_of(ids)[0], embeddings.encoder)
    columns = {movie: column for column, movie in enumerate(ids)}
    mined = candidate_lists(job.parent_table(t.SET_CANDIDATES)) if config.negatives == "mined" else None
    at_most = config.hard_negatives if mined else 0
    targets = job.parent_table(t.SET_RECOMMENDATION_TARGETS)
    pairs = [
        training_pairs(examples, targets_of(targets, of_split(examples, split)), columns, hard_negatives=mined, at_most=at_most)
        for split in ("train", "valid")
    ]
    return train(
        Corpus(turns, pairs[0], pairs[1], vocabulary),
        config,
        folder,
        progress=lambda epoch, loss: job.progress(f"training the query tower, loss {loss:.3f}", epoch, config.members * config.max_epochs),
        parents={name: record.fingerprint for name, record in job.parents.items()},
    )


def _training_films(job: Job) -> list[str]:
    """Films that training dialogues name, ascending."""
    sequences = job.parent_table(t.SET_SEQUENCES)
    return sorted(set(pc.list_flatten(of_split(sequences, "train")["sequence_movie_ids"]).to_pylist()))


def model_hybrid(job: Job) -> Iterator[Built]:
    """Weights of the first stage's parts, and of rank fusion, chosen on validation."""
    from modeling.hybrid import choose_weights
    from modeling.turn_retrieval import PARTS, RRF_PARTS
    from modeling.turn_scorers import reciprocal_ranks

    release = release_of_parents(job)
    queries = expert_queries(job.parent_table(t.SET_QUERIES))
    examples = of_split(job.parent_table(t.SET_RECOMMENDATION), "valid")
    retriever = load_retriever(job.workspace, release, job.parent_table(t.SET_SEQUENCES))
    targets = job.parent_table(t.SET_RECOMMENDATION_TARGETS)
    groups: list[Any] = []
    for dataset in job.workspace.profile.dialogue_datasets:
        job.progress(f"scoring validation turns of {dataset}", len(groups), len(job.workspace.profile.dialogue_datasets))
        groups.append(scored_group(job.workspace, examples, targets, queries, (retriever, dataset, dataset_films(release, dataset))))
    job.progress("choosing weights", 0, 1)
    ranked = [({name: reciprocal_ranks(parts[name]) for name in RRF_PARTS}, *rest) for parts, *rest in groups]
    chosen = {
        "hybrid": choose_weights(PARTS, lambda weights: pooled_value(groups, weights)),
        "hybrid_rrf": choose_weights(RRF_PARTS, lambda weights: pooled_value(ranked, weights)),
    }
    path = artifact_folder(job) / WEIGHTS
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({name: dict(found.weights) for name, found in chosen.items()}, indent=1, sort_keys=True))
    metrics = {f"valid_ndcg@10 of {name}": found.value for name, found in chosen.items()}
    alone = {f"valid_ndcg@10 of {part} alone": pooled_value(groups, {part: 1.0}) for part in PARTS}
    yield Built([path], {**metrics, **alone, "weights": {name: dict(found.weights) for name, found in chosen.items()}})


def scored_group(
    workspace: Workspace, examples: pa.Table, targets: pa.Table, queries: Mapping[str, str], ranked: tuple[Any, str, list[str]]
) -> Any:
    """(parts, films named before, rows, columns) of one data set's validation pairs, films named before at minus infinity."""
    import numpy as np

    retriever, dataset, films = ranked
    own = examples.filter(pc.equal(examples["dataset"], dataset))
    parts = {name: scores.astype(np.float32) for name, scores in retriever.parts(asked_of(workspace, own, queries), films).items()}
    column, row = ({name: place for place, name in enumerate(names)} for names in (films, own["example_id"].to_pylist()))
    named = np.zeros((own.num_rows, len(films)), bool)
    for place, history in enumerate(own["history_movie_ids"].to_pylist()):
        named[place, [column[movie] for movie in history if movie in column]] = True
    new = targets_of(targets, own).filter(pc.field("is_new"))
    pairs = zip(new["example_id"].to_pylist(), new["movie_id"].to_pylist(), strict=True)
    rows, columns = zip(*((row[example], column.get(movie, -1)) for example, movie in pairs), strict=True) if new.num_rows else ((), ())
    return parts, named, rows, columns


def pooled_value(groups: Sequence[Any], weights: Mapping[str, float]) -> float:
    """Mean nDCG@10 over all validation pairs, each data set's films ranked."""
    import numpy as np

    from modeling.turn_scorers import mean_ndcg, weighted_sum

    total, count = 0.0, 0
    for parts, named, rows, columns in groups:
        scores: Scores = np.where(named, -np.inf, weighted_sum({name: parts[name] for name in weights}, weights))
        total, count = total + mean_ndcg(scores, rows, columns) * len(rows), count + len(rows)
    return float(total / max(1, count))


def hybrid_weights(workspace: Workspace) -> dict[str, dict[str, float]]:
    """Weights by the name of the hybrid."""
    found: dict[str, dict[str, float]] = json.loads((workspace.artifact_of("model_hybrid") / WEIGHTS).read_text())
    return found


def set_shortlists(job: Job) -> Iterator[Built]:
    """What the whole first stage offers for training and validation turns, for the models that choose."""
    from modeling.turn_retrieval import shortlist

    release, space = release_of_parents(job), job.workspace
    queries = expert_queries(job.parent_table(t.SET_QUERIES))
    rows = job.parent_table(t.SET_RECOMMENDATION)
    train = sampled(of_split(rows, "train"), space.profile.sizes.mined_turns, purpose="mined turns")
    examples = pa.concat_tables([train, of_split(rows, "valid")])
    retriever = load_retriever(space, release, job.parent_table(t.SET_SEQUENCES))
    weights, count = hybrid_weights(space)["hybrid"], space.profile.sizes.candidates
    parts: list[pa.Table] = []
    for dataset in space.profile.dialogue_datasets:
        own = examples.filter(pc.equal(examples["dataset"], dataset))
        job.progress(f"retrieving for {dataset}", len(parts), len(space.profile.dialogue_datasets))
        asked, films = asked_of(space, own, queries), dataset_films(release, dataset)
        lists = shortlist(retriever.score(asked, films, weights), films, count=count, exclude=asked.histories)
        parts.append(_candidate_rows(own, lists, count=count))
    yield written(job, release, {t.SET_SHORTLISTS.name: pa.concat_tables(parts)})
