"""Baselines without a gradient: popularity, what is named together with the movies of the history, and a linear model in closed form.

All are deterministic, need no seed, and score every movie: one without a training mention gets the lowest score.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from modeling.errors import DataError
from modeling.places import Places

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Scores = npt.NDArray[np.float64]
NAMES = ("popularity", "last_item_neighbours", "item_neighbours", "ease")
UNSEEN_COUNT = 0.05  # what a movie that no training dialogue names counts as; it keeps logarithms finite
PRIOR_WEIGHT = 5.0  # the data set's popularity counts like so many dialogues beside those shared with the history


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


@dataclass(frozen=True, slots=True)
class ItemNeighbours:
    """Log-probability of a movie: how often training dialogues name it together with the movies of the history.

    log((sum over h of together[h, i] + w p_d(i)) / (sum over h, j of together[h, j] + w)), with p_d the share of movie i among
    what recommenders named in the data set's training dialogues. An empty history leaves p_d, the data set's own popularity.
    Ours: `LastItemNeighbours` over the whole history, smoothed as a unigram model is (Dirichlet prior; Zhai & Lafferty 2004).
    """

    named: Mapping[str, Mapping[str, int]]
    columns: Places
    together: "csr_array" = field(repr=False)

    @classmethod
    def fit(cls, train_sequences: pa.Table) -> "ItemNeighbours":
        """Count the train rows of set_sequences; DataError when they hold a test row or there are none."""
        rows = train_sequences.filter(pc.equal(train_sequences["split"], "train"))
        neighbours = LastItemNeighbours.fit(train_sequences)
        flat = {"movie": pc.list_flatten(rows["sequence_movie_ids"]), "target": pc.list_flatten(rows["is_target"])}
        dataset = rows["dataset"].take(pc.list_parent_indices(rows["sequence_movie_ids"].combine_chunks()))
        counts = (
            pa.table({**flat, "dataset": dataset}).filter(pc.field("target")).group_by(["dataset", "movie"]).aggregate([([], "count_all")])
        )
        named: dict[str, dict[str, int]] = {}
        for row in counts.to_pylist():
            named.setdefault(row["dataset"], {})[row["movie"]] = row["count_all"]
        return cls(named, Places(neighbours.columns), neighbours.together)

    def prior(self, datasets: Sequence[str], candidates: Sequence[str]) -> Scores:
        """log p_d among the candidates, [turns, candidates]; a name that is no data set of training gets the shares over all of them."""
        rows = {name: self._shares(self.named.get(name, self._everywhere()), candidates) for name in set(datasets)}
        return np.log(np.stack([rows[name] for name in datasets]))

    def score(self, histories: Sequence[Sequence[str]], datasets: Sequence[str], candidates: Sequence[str]) -> Scores:
        """Log-probabilities [turns, candidates]; movies of a history that training never names are passed over."""
        counts = self._together(histories, candidates)
        mixed = counts + PRIOR_WEIGHT * np.exp(self.prior(datasets, candidates))
        scores: Scores = np.log(mixed / (counts.sum(axis=1, keepdims=True) + PRIOR_WEIGHT))
        return scores

    def _together(self, histories: Sequence[Sequence[str]], candidates: Sequence[str]) -> Scores:
        from scipy.sparse import csr_array

        known = [[self.columns[movie] for movie in history if movie in self.columns] for history in histories]
        ends = np.cumsum([0, *map(len, known)])
        chosen = np.array([column for history in known for column in history], dtype=np.int64)
        picks = csr_array((np.ones(len(chosen)), chosen, ends), shape=(len(histories), len(self.columns)))
        columns = self.columns.of(candidates)
        counts = np.zeros((len(histories), len(candidates)))
        counts[:, columns >= 0] = (picks @ self.together)[:, columns[columns >= 0]].toarray()
        return counts

    def _everywhere(self) -> Mapping[str, int]:
        total: Counter[str] = Counter()
        for counts in self.named.values():
            total.update(counts)
        return total

    @staticmethod
    def _shares(counts: Mapping[str, int], candidates: Sequence[str]) -> Scores:
        raw = np.array([counts.get(movie, 0) + UNSEEN_COUNT for movie in candidates])
        shares: Scores = raw / raw.sum()
        return shares


@dataclass(frozen=True, slots=True)
class Ease:
    """Score of a movie: a weighted sum over the movies of the history, the weights a linear autoencoder without its diagonal.

    B = I - P diag(1 / diag(P)) with P = (X'X + lambda I)^-1, X the dialogues' movies (Steck, WWW 2019, equation 8): the weights
    that predict each movie of a dialogue best, in least squares, from the others. Unlike common dialogues, they do not count
    twice what two movies of the history have in common.
    """

    columns: Places
    weights: npt.NDArray[np.float32] = field(repr=False)

    @classmethod
    def fit(cls, train_sequences: pa.Table, *, regularisation: float = 30.0, at_least: int = 2) -> "Ease":
        """Solve for the movies that `at_least` so many training dialogues name; DataError when there is a test row or no train row.

        Time grows with the cube of their number: 0.1 s for 2,200. Both numbers were chosen on validation.
        """
        movies = _train_sequences(train_sequences).to_pylist()
        counts = Counter(movie for own in movies for movie in set(own))
        often = sorted(movie for movie, count in counts.items() if count >= at_least)
        columns = Places({movie: place for place, movie in enumerate(often)})
        named = np.zeros((len(movies), len(columns)), dtype=np.float64)
        for row, own in enumerate(movies):
            named[row, [columns[movie] for movie in set(own) if movie in columns]] = 1.0
        inverse = np.linalg.inv(named.T @ named + regularisation * np.eye(len(columns)))
        weights = -inverse / np.diag(inverse)
        np.fill_diagonal(weights, 0.0)
        return cls(columns, weights.astype(np.float32))

    def score(self, histories: Sequence[Sequence[str]], candidates: Sequence[str]) -> Scores:
        """[histories, candidates]; minus infinity for a movie that was not solved for."""
        scores = np.full((len(histories), len(candidates)), -np.inf)
        column = self.columns.of(candidates)
        for row, history in enumerate(histories):
            known = [self.columns[movie] for movie in dict.fromkeys(history) if movie in self.columns]
            scores[row, column >= 0] = self.weights[known].sum(axis=0)[column[column >= 0]]
        return scores


def _train_sequences(sequences: pa.Table) -> pa.ChunkedArray:
    if pc.any(pc.equal(sequences["split"], "test")).as_py():
        raise DataError("fitting a baseline: set_sequences holds rows of split 'test'; expected train and valid only: rebuild the set")
    movies = sequences.filter(pc.equal(sequences["split"], "train"))["sequence_movie_ids"]
    if not pc.sum(pc.list_value_length(movies)).as_py():
        raise DataError("fitting a baseline: set_sequences holds no movie in split 'train'; check the linker's coverage")
    return movies
