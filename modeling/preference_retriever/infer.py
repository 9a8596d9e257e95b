"""Retrievers of the loop as files: what a round leaves, and a policy made from it or from the retriever it starts from.

A folder holds weights, a log and a manifest; films and vectors stay with the retriever it started from. Nothing is trained here.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from modeling.artifacts import Manifest, load_manifest, write_json, write_manifest
from modeling.errors import ArtifactError
from modeling.lrurec import checkpoint
from modeling.lrurec import infer as lrurec
from modeling.preference_retriever.config import PreferenceConfig
from modeling.text_encoder.embeddings import ItemEmbeddings

if TYPE_CHECKING:
    import torch

    from modeling.dense_retriever.infer import DenseRetriever
    from modeling.preference_retriever.network import DensePolicy, Policy, SequencePolicy

MODEL_NAME = "preference_retriever"
WEIGHTS_NAME, LOG_NAME = "weights.safetensors", "log.json"


def sequence_policy(
    directory: Path, config: PreferenceConfig, *, feature_size: int, item_embeddings: ItemEmbeddings | None
) -> "SequencePolicy":
    """A policy that starts as the LRURec in `directory`; text mode needs the `item_embeddings` it was trained with.

    `feature_size`: numbers of a dialogue's vector; 'rar' does not read them.
    """
    import torch

    from modeling.preference_retriever.network import SequencePolicy

    model = lrurec.load(directory, item_embeddings=item_embeddings)
    text = model.network.config.mode == "text"
    if text and item_embeddings is not None:
        vocabulary, features = list(item_embeddings.ids), torch.from_numpy(item_embeddings.matrix)
    else:
        vocabulary, features = json.loads((directory / lrurec.VOCABULARY_NAME).read_text(encoding="utf-8"))["movie_ids"], None
    size = feature_size if config.retriever == "rar+dialogue" else 0
    return SequencePolicy(model.network, vocabulary, features=features, feature_size=size)


def dense_policy(retriever: "DenseRetriever", *, dropout: float) -> "DensePolicy":
    """A policy that starts as the dense retriever's query towers."""
    import torch

    from modeling.preference_retriever.network import DensePolicy

    return DensePolicy([tower.query for tower in retriever.towers], retriever.movie_ids, torch.from_numpy(retriever.films), dropout=dropout)


def save(
    directory: Path, policy: "Policy", config: PreferenceConfig, *, parents: Mapping[str, str], metrics: Mapping[str, float], log: Any
) -> Manifest:
    """Weights, log and manifest of a round's retriever; what it starts from (films, vectors) stays with its parents."""
    directory.mkdir(parents=True, exist_ok=True)
    checkpoint.write_weights(directory / WEIGHTS_NAME, cast("torch.nn.Module", policy))
    write_json(directory / LOG_NAME, log)
    return write_manifest(
        directory,
        model=MODEL_NAME,
        config=config.to_mapping(),
        seed=config.seed,
        parents=parents,
        metrics=metrics,
        files=(WEIGHTS_NAME, LOG_NAME),
    )


def restore(directory: Path, policy: "Policy") -> PreferenceConfig:
    """Load the weights of `directory` into a policy of the same kind; ArtifactError when they are of another."""
    manifest = load_manifest(directory, model=MODEL_NAME)
    try:
        checkpoint.read_weights(directory / WEIGHTS_NAME, cast("torch.nn.Module", policy))
    except RuntimeError as error:
        raise ArtifactError(
            f"loading {directory}: its weights are of another kind of retriever ({str(error).splitlines()[0]}); train it again"
        ) from error
    return PreferenceConfig.from_mapping(manifest.config)
