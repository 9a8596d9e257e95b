"""Retrievers as policies: scores of every film for a batch of turns, with gradients. No sampling, no loss, no files.

All share one call, `scores(turns) -> [turns, films]`, films that may not be offered at minus infinity. Dropout only where a generator
is given: a ratio of two policies must not depend on masks.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from modeling.lrurec.data import encode_histories, pack_histories
from modeling.lrurec.network import Dropout, LRURecNetwork
from modeling.places import Places
from modeling.preference_retriever.data import Turns


class Policy(Protocol):
    """What the loop needs of a retriever."""

    def scores(self, turns: Turns, *, generator: np.random.Generator | None = None) -> Tensor:
        """Float32 [turns, films] in the order of `turns.films`; minus infinity for films that may not be offered."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """What is learned."""


class SequencePolicy(nn.Module):
    """LRURec over the films named before; with `feature_size` the dialogue's vector, projected, is read as a last pseudo-item.

    With it an empty history is no problem any more: the dialogue is what is read. Without it the learned padding position answers.
    """

    def __init__(self, base: LRURecNetwork, vocabulary: Sequence[str], *, features: Tensor | None = None, feature_size: int = 0) -> None:
        """`features` [vocabulary, d]: frozen text vectors, in text mode only. The projection starts at zero: it says nothing yet."""
        super().__init__()
        self.base = base
        self.vocabulary = list(vocabulary)
        self.dialogue = nn.Linear(feature_size, base.config.embedding_size) if feature_size else None
        if self.dialogue is not None:
            nn.init.zeros_(self.dialogue.weight)
            with torch.no_grad():  # what the input normalisation makes of it is what it makes of the padding position
                self.dialogue.bias.copy_(base.items.padding[0])
        self.register_buffer("features", features, persistent=False)
        self._places = Places({film: place for place, film in enumerate(self.vocabulary)})

    def scores(self, turns: Turns, *, generator: np.random.Generator | None = None) -> Tensor:
        vectors = self.base.item_vectors(cast(Tensor | None, self.features))
        hidden = self._hidden(turns, vectors, generator)
        rows, left_out = _rows(self._places, turns)
        scores = hidden @ vectors[rows].t()
        bias = self.base.items.bias
        scores = scores if bias is None else scores + bias[rows]
        return scores.masked_fill(left_out, -torch.inf)

    def _hidden(self, turns: Turns, vectors: Tensor, generator: np.random.Generator | None) -> Tensor:
        known = [[self._places[film] + 1 for film in history if film in self._places] for history in turns.histories]
        if self.dialogue is not None:
            said = self.dialogue(torch.from_numpy(turns.features))
            vectors = torch.cat([vectors, said])
            known = [[*history, len(self.vocabulary) + row + 1] for row, history in enumerate(known)]
        batch = pack_histories(encode_histories(known), max_length=self.base.config.max_length)
        return self.base.hidden(batch, vectors, generator=generator)[torch.from_numpy(batch.last_rows)]


class DensePolicy(nn.Module):
    """The query towers of the dense retriever over film vectors that stay as they are: only what reads the dialogue is updated."""

    def __init__(self, towers: Sequence[nn.Sequential], films: Sequence[str], vectors: Tensor, *, dropout: float) -> None:
        """`towers`: each member's `query`; `vectors` [films, members * (o + 1)] as `DenseRetriever.films`."""
        super().__init__()
        self.queries = nn.ModuleList(nn.ModuleList(layer for layer in tower if isinstance(layer, nn.Linear)) for tower in towers)
        self.dropout = dropout
        self.register_buffer("vectors", vectors, persistent=False)
        self._places = Places({film: place for place, film in enumerate(films)})

    def scores(self, turns: Turns, *, generator: np.random.Generator | None = None) -> Tensor:
        drop, features = Dropout(self.dropout, generator), torch.from_numpy(turns.features)
        ones = features.new_ones(len(features), 1)
        parts = [part for tower in self.queries for part in (_query(cast(nn.ModuleList, tower), features, drop), ones)]
        rows, left_out = _rows(self._places, turns)
        scores = torch.cat(parts, dim=1) @ cast(Tensor, self.vectors)[rows].t() / len(self.queries)
        return scores.masked_fill(left_out, -torch.inf)


def _rows(places: Places, turns: Turns) -> tuple[Tensor, Tensor]:
    """The row of each film [films] (0 for one that is not known), and bool [turns, films] of those that may not be offered."""
    found = places.of(turns.films)
    return torch.from_numpy(np.maximum(found, 0)), torch.from_numpy(turns.excluded() | (found < 0))


def _query(layers: nn.ModuleList, features: Tensor, drop: Dropout) -> Tensor:
    hidden = drop(nn.functional.gelu(layers[0](drop(features))))
    found: Tensor = layers[1](hidden)
    return found
