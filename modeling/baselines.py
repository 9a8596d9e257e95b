"""Baselines that count: popularity, and what followers of the last movie have in common. Anything with a gradient lives elsewhere.

Both are deterministic, need no seed, and score every movie: one without a training mention gets 0, the lowest score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from modeling.errors import DataError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Scores = npt.NDArray[np.float64]
NAMES = ("popularity", "last_item_neighbours")


@dataclass(frozen=True, slots=True)
class Popularity:
    """Score of a movie: in how many training dialogues it is named. The history is not looked at."""

    counts: Mapping[str, int]

    @classmethod
    def fit(cls, train_sequences: pa.Table) -> "Popularity":
        """Count the train rows of set_sequences; DataError when they hold a test row or there are none."""
        movies = _train_sequences(train_sequences)
        counted = pc.value_counts(pc.list_flatten(movies).combine_chunks())
        return cls(dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)))

    def score(self, histories: list[list[str]], candidates: Sequence[str]) -> Scores:
        """Counts, [histories, candidates]."""
        row = np.array([self.counts.get(movie, 0) for movie in candidates], dtype=np.float64)
        return np.tile(row, (len(histories), 1))


@dataclass(frozen=True, slots=True)
class LastItemNeighbours:
    """Score of a movie: in how many training dialogues it is named together with the last movie of the history.

    Equal counts are ordered by popularity, which is all that is left for an empty history or an unknown last movie. The
    item-to-item rule of thumb of session recommendation (Ludewig & Jannach 2018), both directions counted: a dialogue is
    too short for its order to matter.
    """

    popularity: Popularity
    columns: Mapping[str, int]
    together: "csr_array" = field(repr=False)

    @classmethod
    def fit(cls, train_sequences: pa.Table) -> "LastItemNeighbours":
        """Count the train rows of set_sequences; DataError when they hold a test row or there are none."""
        from scipy.sparse import csr_array

        movies = _train_sequences(train_sequences).combine_chunks()
        coded = pc.list_flatten(movies).dictionary_encode()
        rows, columns = np.asarray(pc.list_parent_indices(movies)), np.asarray(coded.indices)
        named = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(movies), len(coded.dictionary)))
        together = csr_array(named.T @ named)
        together.setdiag(0)
        return cls(Popularity.fit(train_sequences), {movie: i for i, movie in enumerate(coded.dictionary.to_pylist())}, together)

    def score(self, histories: list[list[str]], candidates: Sequence[str]) -> Scores:
        """Common dialogues plus popularity scaled into [0, 1), [histories, candidates]."""
        popularity = self.popularity.score([[]], candidates)[0]
        scores = np.tile(popularity / (1 + max(self.popularity.counts.values())), (len(histories), 1))
        last = np.array([self.columns.get(history[-1], -1) if history else -1 for history in histories], dtype=np.int64)
        columns = np.array([self.columns.get(movie, -1) for movie in candidates], dtype=np.int64)
        known = np.flatnonzero(columns >= 0)
        rows = np.flatnonzero(last >= 0)
        scores[np.ix_(rows, known)] += self.together[last[rows]][:, columns[known]].toarray()
        return scores


def _train_sequences(sequences: pa.Table) -> pa.ChunkedArray:
    if pc.any(pc.equal(sequences["split"], "test")).as_py():
        raise DataError("fitting a baseline: set_sequences holds rows of split 'test'; expected train and valid only: rebuild the set")
    movies = sequences.filter(pc.equal(sequences["split"], "train"))["sequence_movie_ids"]
    if not pc.sum(pc.list_value_length(movies)).as_py():
        raise DataError("fitting a baseline: set_sequences holds no movie in split 'train'; check the linker's coverage")
    return movies
