"""A frozen sentence encoder as ranker: films by the cosine of their document, metadata and plot, and the dialogue.

It writes nothing and cannot leave the candidates. Vectors are made once, so a list costs a product of small matrices: a loop can ask
it about every turn where a language model that reads each list can be asked about some hundreds.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from modeling.generator.prompts import Turn
from modeling.places import Places
from modeling.ranker.protocol import RankedSet, insist_on_a_list_per_turn
from modeling.text_encoder.embeddings import ItemEmbeddings

Vector = npt.NDArray[np.float32]


class EncoderRanker:
    """Orders candidates by cosine, best first, ties by movie id; a film without a vector comes last. See `Ranker`."""

    is_constrained = True

    def __init__(self, vector_of: Callable[[Turn], Vector], films: ItemEmbeddings) -> None:
        """`vector_of` float32 [d] of what was said, by the encoder of `films`, of any length but zero."""
        self.vector_of = vector_of
        self.identity = f"encoder {films.encoder}"
        norms = np.linalg.norm(films.matrix, axis=1, keepdims=True)
        self._films = films.matrix / np.maximum(norms, np.finfo(np.float32).tiny)
        self._rows = Places({film: row for row, film in enumerate(films.ids)})

    def rank(self, turns: Sequence[Turn], candidates: Sequence[Sequence[str]]) -> list[RankedSet]:
        """See `Ranker.rank`."""
        insist_on_a_list_per_turn(turns, candidates)
        return [RankedSet.of_candidates(self._ordered(turn, films)) for turn, films in zip(turns, candidates, strict=True)]

    def _ordered(self, turn: Turn, candidates: Sequence[str]) -> list[str]:
        films = sorted(set(candidates))
        if not films:
            return []
        rows = self._rows.of(films)
        scores = np.where(rows >= 0, self._films[np.maximum(rows, 0)] @ self.vector_of(turn), -np.inf)
        return [films[place] for place in np.argsort(-scores, kind="stable")]
