"""Representations of items: LightGCN over likes, descriptions and their vectors, and both aligned (RALLRec)."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from assets_defs.click_data import click_data, item_facts, title_of, training_edges
from assets_defs.language import QUERY_BASE, language_model
from assets_defs.models import artifact_folder, files_of, markdown_of, plot_of, release_of_parents, training_curve
from assets_defs.step import Built, Job
from assets_defs.workspace import Workspace
from corpus_pipeline.schema import tables as t

if TYPE_CHECKING:
    from modeling.artifacts import Manifest
    from modeling.joint_representation.graph import Edges
    from modeling.joint_representation.infer import Parts

Matrix = npt.NDArray[np.float32]
HELD_OUT = 0.05  # share of the training likes by which LightGCN's epoch is chosen
DESCRIPTION_TOKENS = 160  # 80 words, with room for names


def model_lightgcn(job: Job) -> Iterator[Built]:
    """What behaviour says of items: LightGCN on training rows alone."""
    release = release_of_parents(job)
    for dataset in map(str, job.partitions):
        data = click_data(release, job.parent_table(t.SET_CLICK), dataset)
        users, items = training_edges(data)
        folder = artifact_folder(job, dataset)
        manifest = train_graph(job, users, items, counts=(data.users.num_rows, data.items.num_rows), folder=folder)
        curve = training_curve(folder)
        shown = {**manifest.metrics, "edges": len(users), "training curve": plot_of(curve), "epochs": markdown_of(curve)}
        yield Built(files_of(folder), shown, partition=dataset)


def train_graph(
    job: Job, users: npt.NDArray[np.int64], items: npt.NDArray[np.int64], *, counts: tuple[int, int], folder: Path
) -> "Manifest":
    """LightGCN over liked pairs, a part of them held out to choose the epoch; resumes where a killed run stopped."""
    from modeling.joint_representation.config import LightGCNConfig
    from modeling.joint_representation.train import train_lightgcn

    config = LightGCNConfig.from_mapping(job.workspace.profile.lightgcn)
    train, held_out = _parted(users, items, counts, config.seed)
    return train_lightgcn(
        train,
        config,
        folder,
        validation=held_out,
        progress=lambda told: job.progress(f"training LightGCN, loss {told.loss:.3f}", told.epoch, config.max_epochs),
        parents={name: record.fingerprint for name, record in job.parents.items()},
    )


def _parted(users: npt.NDArray[np.int64], items: npt.NDArray[np.int64], counts: tuple[int, int], seed: int) -> "tuple[Edges, Edges | None]":
    """(learned edges, held-out edges): a random share, for in time-ordered rows most users of later splits are new to the graph."""
    from modeling.joint_representation.graph import edges_of
    from modeling.seeding import numpy_generator

    sizes = {"user_count": counts[0], "item_count": counts[1]}
    held = numpy_generator(seed, "likes held out of the graph").random(len(users)) < HELD_OUT
    held &= np.isin(users, users[~held])
    if not held.any():
        return edges_of(users, items, **sizes), None
    return edges_of(users[~held], items[~held], **sizes), edges_of(users[held], items[held], **sizes)


def model_joint_representation(job: Job) -> Iterator[Built]:
    """Title and description vectors, behaviour, and the text aligned with it."""
    release = release_of_parents(job)
    for dataset in map(str, job.partitions):
        data = click_data(release, job.parent_table(t.SET_CLICK), dataset)
        facts = item_facts(release, data)
        title, description = (encoded(job, texts) for texts in ([title_of(one) for one in facts], described(job, data.kind, facts)))
        behaviour, has = behaviour_of(job.workspace.artifact_of(f"model_lightgcn@{dataset}"), training_edges(data)[1])
        folder = artifact_folder(job, dataset)
        manifest = join(job, (data.item_ids, title, description, behaviour, has), folder)
        curve = training_curve(folder / "alignment")
        shown = {**manifest.metrics, "cold items": int((~has).sum()), "alignment": plot_of(curve), "epochs": markdown_of(curve)}
        yield Built(files_of(folder), shown, partition=dataset)


def described(job: Job, kind: str, facts: Sequence[Mapping[str, Any]]) -> list[str]:
    """A description of each item: by the language model where the profile says so, else its metadata."""
    from modeling.click_model.descriptions import describe, plain_description

    if job.workspace.profile.item_descriptions == "plain":
        return [plain_description(one) for one in facts]
    job.progress(f"describing {len(facts)} items", 0, 1)
    return describe(language_model(job.workspace, base=QUERY_BASE), facts, kind=kind)


def encoded(job: Job, texts: Sequence[str]) -> Matrix:
    """Mean-pooled vectors of texts [n, d], one forward pass each; from the cache where they were encoded before."""
    from modeling.text_encoder.config import TextEncoderConfig
    from modeling.text_encoder.infer import encode_cached

    config = TextEncoderConfig.from_mapping({**job.workspace.profile.text_encoder, "max_tokens": DESCRIPTION_TOKENS})
    return encode_cached(
        texts, config, cache_dir=job.workspace.embedding_cache, progress=lambda done, total: job.progress("encoding items", done, total)
    )


def behaviour_of(folder: Path, known: npt.NDArray[np.int64]) -> tuple[Matrix, npt.NDArray[np.bool_]]:
    """(LightGCN's item vectors, zero where the graph has no edge; which items have one)."""
    from modeling.joint_representation.infer import load_lightgcn

    _, items = load_lightgcn(folder)
    has = np.bincount(known, minlength=len(items)) > 0
    return np.where(has[:, None], items, np.float32(0)), has


def join(job: Job, parts: tuple[Sequence[str], Matrix, Matrix, Matrix, npt.NDArray[np.bool_]], folder: Path) -> "Manifest":
    """Align text with behaviour and leave every part of every item in `folder`; an alignment that a killed run finished is kept."""
    from modeling.artifacts import MANIFEST_NAME
    from modeling.joint_representation.align import align
    from modeling.joint_representation.config import AlignmentConfig
    from modeling.joint_representation.infer import Parts, load_aligned, save_parts

    ids, title, description, behaviour, has = parts
    config = AlignmentConfig.from_mapping(job.workspace.profile.alignment)
    if not (folder / "alignment" / MANIFEST_NAME).exists():
        align(
            np.concatenate([title, description], axis=1),
            behaviour,
            has,
            config,
            folder / "alignment",
            progress=lambda told: job.progress(f"aligning text and behaviour, loss {told.loss:.3f}", told.epoch, config.max_epochs),
        )
    joined = Parts(tuple(ids), title, description, behaviour, load_aligned(folder / "alignment"), has)
    return save_parts(folder, joined, parents={name: record.fingerprint for name, record in job.parents.items()})


def load_joint(workspace: Workspace, dataset: str) -> "Parts":
    """The parts of a data set's items."""
    from modeling.joint_representation.infer import load_parts

    return load_parts(workspace.artifact_of(f"model_joint_representation@{dataset}"))


def vectors_of_items(workspace: Workspace, parts: "Parts", **changed: Any) -> Matrix:
    """Unit vectors [items, d] as the profile joins them, or with some settings `changed`."""
    from modeling.joint_representation.config import RepresentationConfig
    from modeling.joint_representation.mixture import representation

    return representation(parts, RepresentationConfig.from_mapping({**workspace.profile.representation, **changed}))
