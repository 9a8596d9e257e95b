"""The model layer: a trainer gets tables of a gated release, a config and a directory; what it leaves is recorded here."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from assets_defs.errors import LineageError
from assets_defs.film_facts import chosen_films, film_facts
from assets_defs.gate import trainable_release
from assets_defs.lineage import is_current
from assets_defs.step import Built, Job, expected_key
from assets_defs.workspace import Workspace
from corpus_pipeline.release import Release
from corpus_pipeline.schema import tables as t

if TYPE_CHECKING:
    from modeling.artifacts import Manifest

EMBEDDINGS, FILM_VECTORS = "embeddings.safetensors", "model_film_vectors"


def model_text_embeddings(job: Job) -> Iterator[Built]:
    """One vector per chosen film; texts encoded before come from the cache."""
    from modeling.documents import documents_of
    from modeling.text_encoder.config import TextEncoderConfig
    from modeling.text_encoder.infer import embed_items

    release = trainable_release(job.workspace)
    rows = film_facts(release, chosen_films(release, most_popular=job.workspace.profile.embedded_movies))
    config = TextEncoderConfig.from_mapping(job.workspace.profile.text_encoder)
    embeddings = embed_items(
        rows["movie_id"].to_pylist(),
        documents_of(rows),
        config,
        cache_dir=job.workspace.embedding_cache,
        progress=lambda done, total: job.progress("encoding films", done, total),
    )
    path = job.workspace.artifact(job.step.name) / EMBEDDINGS
    embeddings.save(path)
    yield Built([path], {"films": len(embeddings.ids), "dimensions": embeddings.matrix.shape[1], "encoder": embeddings.encoder})


def model_lrurec(job: Job) -> Iterator[Built]:
    """LRURec over ids."""
    yield _train(job, {"mode": "id", **job.workspace.profile.lrurec_id})


def model_lrurec_text(job: Job) -> Iterator[Built]:
    """LRURec over frozen text vectors."""
    yield _train(job, {"mode": "text", **job.workspace.profile.lrurec_text})


def _train(job: Job, settings: Mapping[str, Any]) -> Built:
    release_of_parents(job)
    folder = artifact_folder(job)
    manifest = train_sequences(job, settings, folder)
    curve = training_curve(folder)
    return Built(files_of(folder), {**manifest.metrics, "training curve": plot_of(curve), "epochs": markdown_of(curve)})


def train_sequences(job: Job, settings: Mapping[str, Any], folder: Path, films: Any = None) -> "Manifest":
    """LRURec on the item sequences; `films`: vectors other than the profile's, for text mode."""
    from modeling.lrurec.config import LRURecConfig
    from modeling.lrurec.train import train

    config = LRURecConfig.from_mapping(settings)
    return train(
        job.parent_table(t.SET_SEQUENCES),
        config,
        folder,
        item_embeddings=(films or film_vectors_of(job.workspace)) if config.mode == "text" else None,
        validation_histories=job.parent_table(t.SET_RECOMMENDATION),
        validation_targets=job.parent_table(t.SET_RECOMMENDATION_TARGETS),
        progress=lambda told: job.progress(f"training LRURec ({config.mode}), loss {told.loss:.3f}", told.epoch, config.max_epochs),
        parents={name: record.fingerprint for name, record in job.parents.items()},
    )


def release_of_parents(job: Job) -> Release:
    """The release that may be trained on, if every parent was made from it; LineageError names those that were not."""
    found = trainable_release(job.workspace)
    others = [name for name in job.parents if not is_current(job.workspace.ledger, name, back_to="release_corpus")]
    if others:
        raise LineageError(
            f"{job.step.name}: {others} were not made from the current release {found.release_id}: "
            "materialise them first, or run `marquee build`"
        )
    return found


def artifact_folder(job: Job, partition: str | None = None) -> Path:
    """A folder for exactly these inputs (of a partition): a killed run continues in it, a finished one is made again from nothing."""
    key = expected_key(job.step, partition, job.parents, job.workspace)
    folder = job.workspace.artifact(job.step.name) / (partition or "") / key[:12]
    if (folder / "manifest.json").exists():
        shutil.rmtree(folder)
    return folder


def emptied_folder(job: Job) -> Path:
    """The same with nothing in it: what a killed run left there is gone, for trainers that do not resume."""
    folder = artifact_folder(job)
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def files_of(folder: Path) -> list[Path]:
    """Every file below a folder, in order."""
    return sorted(file for file in folder.rglob("*") if file.is_file())


def load_embeddings(workspace: Workspace) -> Any:
    """The film vectors as `ItemEmbeddings`."""
    from modeling.text_encoder.embeddings import ItemEmbeddings

    return ItemEmbeddings.load(workspace.artifact_of("model_text_embeddings") / EMBEDDINGS)


def film_vectors_of(workspace: Workspace, kind: str | None = None) -> Any:
    """What retrievers over vectors read of films, as `ItemEmbeddings`: of the given kind or the profile's, 'text' or 'joint'."""
    if (kind or workspace.profile.film_vectors) == "text":
        return load_embeddings(workspace)
    from modeling.joint_representation.infer import load_parts
    from modeling.joint_representation.mixture import side_by_side
    from modeling.text_encoder.embeddings import ItemEmbeddings

    record = workspace.ledger.need(FILM_VECTORS)
    parts = load_parts(workspace.artifact_of(FILM_VECTORS))
    return ItemEmbeddings(parts.ids, side_by_side(parts), f"joint:{record.fingerprint[:16]}")


def load_lrurec(workspace: Workspace, step: str) -> Any:
    """The trained model of `step`; in text mode over every film that has a vector."""
    from modeling.lrurec import infer

    embeddings = film_vectors_of(workspace) if step.endswith("_text") else None
    return infer.load(workspace.artifact_of(step), item_embeddings=embeddings)


def training_curve(folder: Path) -> pa.Table:
    """One row per epoch, as the trainer logged it."""
    import json

    return pa.Table.from_pylist(json.loads((folder / "epochs.json").read_text()))


def markdown_of(curve: pa.Table) -> str:
    """A table of numbers as Markdown."""
    lines = ["| " + " | ".join(curve.column_names) + " |", "|" + " --- |" * curve.num_columns]
    lines += ["| " + " | ".join(f"{value:.4g}" for value in row.values()) + " |" for row in curve.to_pylist()]
    return "\n".join(lines) + "\n"


def plot_of(curve: pa.Table) -> str:
    """Training loss and validation metrics over epochs as an inline PNG."""
    from assets_defs.plots import lines

    series = {name: curve[name].to_pylist() for name in curve.column_names if name != "epoch"}
    return lines(curve["epoch"].to_pylist(), series, xlabel="epoch")
