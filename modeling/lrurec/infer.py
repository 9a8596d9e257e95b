"""Use a trained LRURec: score movies given histories, recommend, read one more movie at a time. Nothing is trained here."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from modeling.artifacts import load_manifest
from modeling.errors import ArtifactError, DataError
from modeling.lrurec import checkpoint
from modeling.lrurec.config import LRURecConfig
from modeling.lrurec.data import PADDING, encode_histories, pack_histories
from modeling.places import Places
from modeling.text_encoder.embeddings import ItemEmbeddings

if TYPE_CHECKING:
    import torch

    from modeling.lrurec.network import LRURecNetwork

MODEL_NAME = "lrurec"
WEIGHTS_NAME, VOCABULARY_NAME = "weights.safetensors", "vocabulary.json"

Scores = npt.NDArray[np.float32]


class LRURecModel:
    """A network and the movies it can read and score: its vocabulary in id mode, every embedded movie in text mode."""

    def __init__(self, network: "LRURecNetwork", movie_ids: Sequence[str], *, features: "torch.Tensor | None" = None) -> None:
        """`features` (movies, d): text embeddings of `movie_ids`, text mode only. Item vectors are computed once, here."""
        import torch

        with torch.inference_mode():
            vectors, bias = network.item_vectors(features), network.items.bias
            order = sorted(range(len(movie_ids)), key=movie_ids.__getitem__)  # columns in id order: ties fall to the smaller id
            rows = torch.tensor(order)
            self._vectors = vectors[rows]
            self._bias = None if bias is None else bias[rows]
        self.network = network
        self.movie_ids = tuple(movie_ids[row] for row in order)
        self._columns = Places({movie: column for column, movie in enumerate(self.movie_ids)})

    def score(self, histories: Sequence[Sequence[str]], candidates: Sequence[str] | None = None) -> Scores:
        """Scores float32 (histories, candidates), higher is better; all of `movie_ids` when no candidates are named.

        Movies of a history that the model does not know are dropped; an empty history is answered by the learned prior.
        A candidate that the model does not know scores -inf.
        """
        import torch

        with torch.inference_mode():
            hidden = self._last_hidden(histories)
            if candidates is None:
                return self._scores(hidden, self._vectors, self._bias)
            columns = self._columns.of(candidates)
            rows = torch.from_numpy(np.maximum(columns, 0))
            scores = self._scores(hidden, self._vectors[rows], None if self._bias is None else self._bias[rows])
        scores[:, columns < 0] = -np.inf
        return scores

    def recommend(self, history: Sequence[str], k: int, *, exclude_history: bool = True) -> list[tuple[str, float]]:
        """The k best (movie_id, score), best first, ties by movie id; movies of the history left out unless told otherwise."""
        scores = self.score([history])[0]
        if exclude_history:
            scores[[column for movie in history if (column := self._columns.get(movie)) is not None]] = -np.inf
        best = np.argsort(-scores, kind="stable")[:k]
        return [(self.movie_ids[column], float(scores[column])) for column in best if scores[column] > -np.inf]

    def read(self, movie_id: str | None, state: "torch.Tensor | None" = None) -> "tuple[Scores, torch.Tensor]":
        """Scores of all movies (movies,) after one more movie, and the state to pass next time; O(D^2), no history needed.

        The state of no movie is None; `movie_id` None reads the empty history. DataError for a movie the model does not know.
        """
        import torch

        if movie_id is not None and movie_id not in self._columns:
            raise DataError(f"reading movie {movie_id!r}: the model knows {len(self.movie_ids)} movies and not this one; skip it")
        item = PADDING if movie_id is None else self._columns[movie_id] + 1
        with torch.inference_mode():
            before = self.network.initial_state(1) if state is None else state
            hidden, after = self.network.step(before, torch.tensor([item]), self._vectors)
            return self._scores(hidden, self._vectors, self._bias)[0], after

    def _last_hidden(self, histories: Sequence[Sequence[str]]) -> "torch.Tensor":
        import torch

        known = [[self._columns[movie] + 1 for movie in history if movie in self._columns] for history in histories]
        batch = pack_histories(encode_histories(known), max_length=self.network.config.max_length)
        return self.network.hidden(batch, self._vectors)[torch.from_numpy(batch.last_rows)]

    @staticmethod
    def _scores(hidden: "torch.Tensor", vectors: "torch.Tensor", bias: "torch.Tensor | None") -> Scores:
        scores = hidden @ vectors.t()
        result: Scores = (scores if bias is None else scores.add_(bias)).numpy()
        return result


def load(directory: Path, *, item_embeddings: ItemEmbeddings | None = None) -> LRURecModel:
    """The model that `train` left in `directory`; every file's hash is checked.

    Text mode needs `item_embeddings` of the encoder it was trained with, of any movies: those are the movies it can
    read and score. ArtifactError for a changed file, another model or another encoder.
    """
    from modeling.lrurec.network import LRURecNetwork
    from modeling.seeding import torch_generator

    manifest = load_manifest(directory, model=MODEL_NAME)
    config = LRURecConfig.from_mapping(manifest.config)
    saved = json.loads((directory / VOCABULARY_NAME).read_text(encoding="utf-8"))
    movie_ids, features = _movies(directory, config, saved, item_embeddings)
    size = 0 if features is None else features.shape[1]
    network = LRURecNetwork(config, item_count=len(saved["movie_ids"]), feature_size=size, generator=torch_generator(0, "overwritten"))
    checkpoint.read_weights(directory / WEIGHTS_NAME, network)
    return LRURecModel(network, movie_ids, features=features)


def _movies(
    directory: Path, config: LRURecConfig, saved: dict[str, object], embeddings: ItemEmbeddings | None
) -> "tuple[Sequence[str], torch.Tensor | None]":
    import torch

    if config.mode == "id":
        ids = saved["movie_ids"]
        return (list(map(str, ids)) if isinstance(ids, list) else []), None
    if embeddings is None or embeddings.encoder != saved["encoder"]:
        seen = "none" if embeddings is None else f"embeddings by {embeddings.encoder!r}"
        raise ArtifactError(f"loading {directory}: a text model trained on embeddings by {saved['encoder']!r}, given {seen}; pass those")
    return embeddings.ids, torch.from_numpy(embeddings.matrix)
