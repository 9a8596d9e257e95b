"""How much a ranker's order is the order in which it was shown the films. Nothing is asked here: lists and answers are given."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modeling.errors import DataError
from modeling.ranker.protocol import RankedSet

Ranks = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PositionBias:
    """Over `list_count` lists, by position shown, the first one first.

    `mean_rank` [K]: the mean rank (1 is best) given to what stood there, NaN where that was never ranked. `first_share` [K]: the
    share of lists whose best film stood there. `correlation`: Spearman's between position and rank, the mean over lists, from -1 to
    1: 1 keeps the order shown, 0 is what a reader of the films alone has on lists in an order by chance; NaN without a list.
    """

    mean_rank: tuple[float, ...]
    first_share: tuple[float, ...]
    correlation: float
    list_count: int


def position_bias(shown: Sequence[Sequence[str]], ordered: Sequence[RankedSet]) -> PositionBias:
    """What the position in `shown` (movie ids as the prompt listed them) did to the rank in `ordered`, aligned with it.

    A rank is among the shown films of the answer: others are passed over, and a film left out has none. Lists of which fewer than two
    films were ranked are skipped, so all failures are. K is the length of the longest list left. DataError when lists and answers
    differ in number.
    """
    if len(shown) != len(ordered):
        raise DataError(f"measuring position bias: {len(shown)} lists and {len(ordered)} answers; expected one answer per list")
    rows = [row for movies, answer in zip(shown, ordered, strict=True) if np.isfinite(row := _ranks(movies, answer)).sum() > 1]
    if not rows:
        return PositionBias((), (), float("nan"), 0)
    ranks = np.full((len(rows), max(map(len, rows))), np.nan)
    for place, row in enumerate(rows):
        ranks[place, : len(row)] = row
    first = (ranks == 1).mean(axis=0)
    return PositionBias(_column_means(ranks), tuple(first.tolist()), float(np.mean([_correlation(row) for row in rows])), len(rows))


def _ranks(movies: Sequence[str], answer: RankedSet) -> Ranks:
    """Float64 [films shown]: the rank of each among the shown ones, NaN where the answer leaves it out."""
    distinct = list(dict.fromkeys(movies))
    among = [movie for movie in answer.order if movie in distinct]
    rank = {movie: place for place, movie in enumerate(among, start=1)}
    return np.array([rank.get(movie, np.nan) for movie in distinct], np.float64)


def _column_means(ranks: Ranks) -> tuple[float, ...]:
    """The mean of the finite values of each column, NaN of none."""
    counts = np.isfinite(ranks).sum(axis=0)
    return tuple(np.where(counts > 0, np.nansum(ranks, axis=0) / np.maximum(counts, 1), np.nan).tolist())


def _correlation(row: Ranks) -> float:
    from scipy.stats import spearmanr

    places = np.flatnonzero(np.isfinite(row))
    return float(spearmanr(places, row[places]).statistic)
