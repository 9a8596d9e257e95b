"""First-stage retrieval for a recommendation turn: every retriever's log-probabilities, pooled with weights from validation.

Models are handed in trained; nothing is trained, read or written here. What one part is lies in its own module.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from modeling.baselines import Ease, ItemNeighbours
from modeling.dense_retriever.data import Turns
from modeling.dense_retriever.index import FilmIndex
from modeling.dense_retriever.infer import DenseRetriever
from modeling.errors import DataError
from modeling.evaluation.protocols import Model
from modeling.lexical_retriever import LexicalRetriever
from modeling.text_encoder.embeddings import Matrix
from modeling.turn_scorers import Scores, log_probabilities, reciprocal_ranks, weighted_sum

PARTS = ("neighbours", "ease", "lrurec", "lrurec_text", "dense", "query", "lexical")
RRF_PARTS = ("query", "lexical", "lrurec")
# What a score is divided by before the softmax over films. Cosines lie close together, BM25 scores far apart.
COSINE_TEMPERATURE, BM25_TEMPERATURE, EASE_TEMPERATURE = 0.05, 2.0, 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """n turns as the retrievers read them. `queries`: what the query expert wrote; `query_vectors` float32 [n, d]."""

    histories: Sequence[Sequence[str]]
    turns: Turns
    queries: Sequence[str]
    query_vectors: Matrix

    def __post_init__(self) -> None:
        """Raise DataError unless all parts are about the same number of turns."""
        counts = {len(self.histories), len(self.turns.features), len(self.queries), len(self.query_vectors)}
        if len(counts) != 1:
            raise DataError(f"asking retrievers: parts for {sorted(counts)} turns; expected the same turns in each")

    def take(self, rows: Sequence[int]) -> "Asked":
        """The turns of the given rows, in their order."""
        own = self.turns
        ids, datasets = ([column[row] for row in rows] for column in (own.example_ids, own.datasets))
        chosen = np.asarray(rows, np.int64)
        turns = Turns(ids, own.features[chosen], datasets)
        return Asked([self.histories[row] for row in rows], turns, [self.queries[row] for row in rows], self.query_vectors[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class TurnRetriever:
    """The trained parts."""

    neighbours: ItemNeighbours
    ease: Ease
    lrurec: Model
    lrurec_text: Model
    dense: DenseRetriever
    index: FilmIndex
    lexical: LexicalRetriever

    def parts(self, asked: Asked, candidates: Sequence[str], names: Sequence[str] = PARTS) -> dict[str, Scores]:
        """Log-probabilities [turns, candidates] of each of the named parts."""
        histories = [list(history) for history in asked.histories]
        made = {
            "neighbours": lambda: self.neighbours.score(histories, asked.turns.datasets, candidates),
            "ease": lambda: log_probabilities(self.ease.score(histories, candidates), temperature=EASE_TEMPERATURE),
            "lrurec": lambda: log_probabilities(self.lrurec.score(histories, candidates)),
            "lrurec_text": lambda: log_probabilities(self.lrurec_text.score(histories, candidates)),
            "dense": lambda: log_probabilities(self.dense.score(asked.turns, candidates)),
            "query": lambda: log_probabilities(self.index.score(asked.query_vectors, candidates), temperature=COSINE_TEMPERATURE),
            "lexical": lambda: log_probabilities(self.lexical.score(asked.queries, candidates), temperature=BM25_TEMPERATURE),
        }
        return {name: made[name]() for name in names}

    def score(self, asked: Asked, candidates: Sequence[str], weights: Mapping[str, float]) -> Scores:
        """The weighted pool [turns, candidates]; parts of weight 0 are not asked."""
        names = [name for name in PARTS if weights.get(name, 0.0)]
        return weighted_sum(self.parts(asked, candidates, names), weights)

    def fused(self, asked: Asked, candidates: Sequence[str], weights: Mapping[str, float]) -> Scores:
        """Weighted reciprocal ranks [turns, candidates] of the parts that have a weight."""
        parts = self.parts(asked, candidates, [name for name in PARTS if weights.get(name, 0.0)])
        return weighted_sum({name: reciprocal_ranks(scores) for name, scores in parts.items()}, weights)


def shortlist(scores: Scores, candidates: Sequence[str], *, count: int, exclude: Sequence[Sequence[str]]) -> list[list[tuple[str, float]]]:
    """Per turn the `count` best (film, score), best first, ties by id; films of `exclude` and films without a score left out."""
    order = np.argsort(candidates, kind="stable")
    names = [candidates[place] for place in order]
    place_of = {name: place for place, name in enumerate(names)}
    found = []
    for row, left_out in zip(scores[:, order], exclude, strict=True):
        kept = row.copy()
        kept[[place_of[name] for name in left_out if name in place_of]] = -np.inf
        best = np.argsort(-kept, kind="stable")[:count]
        found.append([(names[place], float(kept[place])) for place in best if np.isfinite(kept[place])])
    return found
