"""Use a trained query tower: vectors of turns and films, and scores of films for turns. Nothing is trained here."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from modeling.artifacts import load_manifest
from modeling.dense_retriever.config import DenseRetrieverConfig
from modeling.dense_retriever.data import Turns
from modeling.dense_retriever.train import MODEL_NAME, VOCABULARY_NAME, WEIGHTS_NAME
from modeling.errors import ArtifactError
from modeling.places import Places
from modeling.text_encoder.embeddings import ItemEmbeddings, Matrix

if TYPE_CHECKING:
    from modeling.dense_retriever.network import Towers

Scores = npt.NDArray[np.float32]


class DenseRetriever:
    """Towers and the films they score: all that have a document vector. `films` float32 [m, members * (o + 1)], in order of id."""

    def __init__(self, towers: Sequence["Towers"], vocabulary: Sequence[str], documents: ItemEmbeddings) -> None:
        self.towers = towers
        order = sorted(range(len(documents.ids)), key=documents.ids.__getitem__)
        self.movie_ids = tuple(documents.ids[row] for row in order)
        self.films = _films(towers, vocabulary, ItemEmbeddings(self.movie_ids, documents.matrix[order], documents.encoder))
        self._rows = Places({movie: row for row, movie in enumerate(self.movie_ids)})

    def queries(self, turns: Turns) -> Matrix:
        """Vectors [n, members * (o + 1)]: their inner product with `films` is the mean score over members."""
        import torch

        with torch.inference_mode():
            parts = [towers.queries(torch.from_numpy(turns.features)).numpy() for towers in self.towers]
        return (np.concatenate(parts, axis=1) / len(parts)).astype(np.float32)

    def score(self, turns: Turns, candidates: Sequence[str]) -> Scores:
        """Float32 [turns, candidates], higher is better; a film without a vector scores -inf."""
        rows = self._rows.of(candidates)
        scores: Scores = self.queries(turns) @ self.films[np.maximum(rows, 0)].T
        scores[:, rows < 0] = -np.inf
        return scores


def _films(towers: Sequence["Towers"], vocabulary: Sequence[str], documents: ItemEmbeddings) -> Matrix:
    """A film of the vocabulary has its residual and bias; any other its projection, and the median bias of the vocabulary."""
    import torch

    known, is_there = documents.rows_of(vocabulary)
    if not is_there.all():
        raise ArtifactError(
            f"loading the dense retriever: {int((~is_there).sum())} films that it was trained on have no vector; embed the same films again"
        )
    rows = {movie: row for row, movie in enumerate(documents.ids)}
    places = np.array([rows[movie] for movie in vocabulary], np.int64)
    parts = []
    with torch.inference_mode():
        for member in towers:
            projected = member.film(torch.from_numpy(documents.matrix)).numpy()
            trained = member.films(torch.from_numpy(known)).numpy()
            films = np.concatenate([projected, np.full((len(projected), 1), np.median(trained[:, -1]), np.float32)], axis=1)
            films[places] = trained
            parts.append(films.astype(np.float32))
    return np.concatenate(parts, axis=1)


def load(directory: Path, documents: ItemEmbeddings) -> DenseRetriever:
    """The retriever in `directory` over every film of `documents`; ArtifactError when it was trained on another encoder's vectors."""
    import safetensors.torch

    from modeling.dense_retriever.network import Towers
    from modeling.seeding import torch_generator

    manifest = load_manifest(directory, model=MODEL_NAME)
    config = DenseRetrieverConfig.from_mapping(manifest.config)
    told = json.loads((directory / VOCABULARY_NAME).read_text(encoding="utf-8"))
    if told["encoder"] != documents.encoder:
        raise ArtifactError(
            f"loading {directory}: trained on vectors of {told['encoder']!r}, given {documents.encoder!r}; give those or train again"
        )
    state = safetensors.torch.load_file(directory / WEIGHTS_NAME)
    turn_size = state["0.query.1.weight"].shape[1]
    sizes = {"film_count": len(told["movie_ids"]), "turn_size": turn_size, "film_size": documents.matrix.shape[1]}
    towers = []
    for member in range(config.members):
        network = Towers(config, **sizes, generator=torch_generator(config.seed, "replaced by what was trained"))
        network.load_state_dict({name.partition(".")[2]: value for name, value in state.items() if name.startswith(f"{member}.")})
        towers.append(network.eval())
    return DenseRetriever(towers, told["movie_ids"], documents)
