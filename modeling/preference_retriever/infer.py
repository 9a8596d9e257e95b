"""Retrievers of the loop as files: what a round leaves, and a policy made from it or from the retriever it starts from.

A folder holds weights, a log and a manifest; films and vectors stay with the retriever it started from. Nothing is trained here.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from modeling.artifacts import Manifest, load_manifest, write_json, write_manifest
from modeling.errors import ArtifactError
from modeling.lrurec import checkpoint
from modeling.lrurec import infer as lrurec
from modeling.preference_retriever.config import PreferenceConfig
from modeling.preference_retriever.data import Turns
from modeling.text_encoder.embeddings import ItemEmbeddings

if TYPE_CHECKING:
    import torch

    from modeling.dense_retriever.infer import DenseRetriever
    from modeling.preference_retriever.network import DensePolicy, Policy, SequencePolicy
    from modeling.turn_retrieval import Asked
    from modeling.turn_scorers import Scores

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


class TurnPolicy:
    """A retriever of the loop as the first stage of `Recommender`: scores of candidates for turns, of which none is left out."""

    def __init__(self, policy: "Policy") -> None:
        self.policy = policy

    def score(self, asked: "Asked", candidates: Sequence[str], weights: Mapping[str, float]) -> "Scores":
        """Float64 [turns, candidates], minus infinity for a film that it does not know; there is one part, so no weight is read."""
        import torch

        count = len(asked.histories)
        everything = np.ones((1, len(candidates)), bool)
        nothing = np.zeros(count, np.int64)
        turns = Turns(
            list(asked.turns.example_ids), candidates, asked.histories, asked.turns.features, everything, nothing, [()] * count, nothing,
            named_too=True,
        )  # fmt: skip
        with torch.inference_mode():
            found: Scores = self.policy.scores(turns).double().numpy()
        return found
