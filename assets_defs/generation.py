"""The second stage: models that choose among retrieved films, trained on what the first stage offers for training dialogues."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets_defs.film_facts import dataset_films, film_facts
from assets_defs.language import base_of, language_model
from assets_defs.models import artifact_folder, emptied_folder, load_embeddings, release_of_parents
from assets_defs.retrieval import candidate_lists, negatives_of, target_movies, title_years
from assets_defs.step import Built, Job
from assets_defs.turns import of_split, sampled, targets_of
from assets_defs.workspace import Workspace
from corpus_pipeline.release import Release
from corpus_pipeline.schema import tables as t
from modeling.seeding import numpy_generator

if TYPE_CHECKING:
    from modeling.generator.catalogue import Catalogue
    from modeling.generator.infer import ItemGenerator
    from modeling.reranker.config import RerankerConfig
    from modeling.reranker.data import RankedList
    from modeling.reranker.infer import Reranker

# step -> what is different from the profile's generator: negatives of training, and whether it thinks first
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "model_generator": {"negatives": "hard"},
    "model_generator_random": {"negatives": "random"},
    "model_generator_none": {"negatives": "none"},
    "model_generator_thinking": {"negatives": "hard", "think": True},
}


def model_generator(job: Job) -> Iterator[Built]:
    """A generator tuned with LoRA on the titles of true films; which negatives stand in its prompt, the step's name says."""
    from modeling.generator.config import GeneratorConfig
    from modeling.generator.data import training_examples
    from modeling.generator.train import train
    from modeling.language_model.config import FineTuneConfig

    release, profile = release_of_parents(job), job.workspace.profile
    config = GeneratorConfig.from_mapping({**profile.generator, **VARIANTS[job.step.name]})
    mined = candidate_lists(job.parent_table(t.SET_SHORTLISTS))
    turns = _mined(of_split(job.parent_table(t.SET_RECOMMENDATION), "train"), mined)
    turns = sampled(turns, profile.sizes.generated_pairs, purpose="generated pairs")
    catalogue = catalogue_of(job.workspace, release)
    pool = sorted({movie for dataset in profile.dialogue_datasets for movie in dataset_films(release, dataset)})
    examples = training_examples(turns, _told(job, turns), mined, catalogue, config, pool=pool)
    folder = emptied_folder(job)
    manifest = train(
        base_of(job.workspace),
        examples[: profile.sizes.generated_pairs or None],
        config,
        FineTuneConfig.from_mapping(profile.generator_tuning),
        folder,
        progress=lambda told: job.progress(f"tuning {job.step.name}, loss {told.loss:.3f}", told.step, told.steps),
        parents={name: record.fingerprint for name, record in job.parents.items()},
    )
    yield Built(sorted(file for file in folder.rglob("*") if file.is_file()), dict(manifest.metrics))


def _mined(turns: pa.Table, mined: Mapping[str, Sequence[str]]) -> pa.Table:
    return turns.filter(pc.is_in(turns["example_id"], pa.array(sorted(mined), pa.string())))


def _told(job: Job, turns: pa.Table) -> pa.Table:
    """The targets of the turns, each with its pseudo-query as a summary of what the seeker likes."""
    targets = targets_of(job.parent_table(t.SET_RECOMMENDATION_TARGETS), turns)
    queries = job.parent_table(t.SET_PSEUDO_QUERIES)
    keys = zip(queries["example_id"].to_pylist(), queries["target_index"].to_pylist(), strict=True)
    query = dict(zip(keys, queries["pseudo_query"].to_pylist(), strict=True))
    pairs = zip(targets["example_id"].to_pylist(), targets["target_index"].to_pylist(), strict=True)
    return targets.append_column("summary", pa.array([query.get(pair, "") for pair in pairs], pa.string()))


def catalogue_of(workspace: Workspace, release: Release) -> "Catalogue":
    """Names and facts of every film that has a vector."""
    from modeling.generator.catalogue import Catalogue

    return Catalogue.from_table(film_facts(release, load_embeddings(workspace).ids))


def load_generator(workspace: Workspace, step: str, catalogue: "Catalogue") -> "ItemGenerator":
    """A tuned generator."""
    from modeling.generator.infer import ADAPTER_NAME, ItemGenerator, settings_of

    folder = workspace.artifact_of(step)
    return ItemGenerator(language_model(workspace, folder / ADAPTER_NAME), catalogue, settings_of(folder))


def model_reranker(job: Job) -> Iterator[Built]:
    """The cross-encoder, on the same mined films."""
    from modeling.reranker.config import RerankerConfig
    from modeling.reranker.data import training_lists
    from modeling.reranker.train import train

    release = release_of_parents(job)
    config = RerankerConfig.from_mapping(job.workspace.profile.reranker)
    examples, targets = job.parent_table(t.SET_RECOMMENDATION), job.parent_table(t.SET_RECOMMENDATION_TARGETS)
    lists = training_lists(examples, targets, _negatives(job, release), config, split="train")
    folder = artifact_folder(job)
    manifest = train(
        lists,
        _validation(job, config),
        documents_of(job.workspace, release),
        config,
        folder,
        progress=lambda done, total, loss: job.progress(f"training the reranker, loss {loss:.3f}", done, total),
        parents={name: record.fingerprint for name, record in job.parents.items()},
    )
    yield Built(sorted(file for file in folder.iterdir() if file.is_file()), dict(manifest.metrics))


def shortlists_of(table: pa.Table) -> dict[str, list[tuple[str, float]]]:
    """Example id -> (film, score) in order of retrieval, from rows sorted by (example, rank)."""
    found: dict[str, list[tuple[str, float]]] = {}
    for example, movie, score in zip(*(table[name].to_pylist() for name in ("example_id", "movie_id", "retrieval_score")), strict=True):
        found.setdefault(example, []).append((movie, score))
    return found


def _negatives(job: Job, release: Release) -> dict[str, list[str]]:
    """Example id -> films of the shortlist that are certainly wrong, hardest first."""
    truths, twins = target_movies(job.parent_table(t.SET_RECOMMENDATION_TARGETS)), title_years(release)
    offered = shortlists_of(of_split(job.parent_table(t.SET_SHORTLISTS), "train"))
    return {example: [m for m, _ in negatives_of(films, truths.get(example, ()), (), twins)] for example, films in offered.items()}


def _validation(job: Job, config: "RerankerConfig") -> "list[RankedList]":
    """Validation pairs as retrieval gives them: what the retriever's weight is chosen by."""
    from modeling.reranker.data import RankedList

    rows = job.parent_table(t.SET_RECOMMENDATION)
    context = dict(zip(rows["example_id"].to_pylist(), rows["context_text"].to_pylist(), strict=True))
    new = job.parent_table(t.SET_RECOMMENDATION_TARGETS).filter(pc.field("is_new"))
    truths, lists = target_movies(new), []
    for example, films in shortlists_of(of_split(job.parent_table(t.SET_SHORTLISTS), "valid")).items():
        names, scores = (list(part) for part in zip(*films[: config.validation_candidates], strict=True))
        for movie in truths.get(example, ()):
            if movie in names:
                lists.append(RankedList(example, context[example], names, np.array(scores), names.index(movie)))
    generator = numpy_generator(config.seed, "validation lists")
    return [lists[place] for place in sorted(generator.permutation(len(lists))[: config.validation_lists].tolist())]


def documents_of(workspace: Workspace, release: Release) -> dict[str, str]:
    """The document of every film that has a vector."""
    from modeling.documents import documents_of

    rows = film_facts(release, load_embeddings(workspace).ids)
    return dict(zip(rows["movie_id"].to_pylist(), documents_of(rows), strict=True))


def load_reranker(workspace: Workspace) -> "Reranker":
    """The trained cross-encoder."""
    from modeling.reranker import infer

    return infer.load(workspace.artifact_of("model_reranker"))
