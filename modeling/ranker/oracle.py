"""Rankers that know the truth, always or at times: what a ranker of a given skill would earn. No language model is in here."""

from collections.abc import Mapping, Sequence

from modeling.artifacts import fingerprint_of
from modeling.errors import DataError
from modeling.generator.prompts import Turn
from modeling.ranker.protocol import RankedSet, insist_on_a_list_per_turn
from modeling.seeding import numpy_generator

Truths = Mapping[str, frozenset[str]]  # example id -> movie ids of its targets


class OracleRanker:
    """The truths among the candidates first, then the others, both in the order given: no ranker of the same candidates does better."""

    is_constrained = True

    def __init__(self, truths: Truths) -> None:
        self.truths = truths

    @property
    def identity(self) -> str:
        """Changes with any truth."""
        return f"oracle truths={_fingerprint(self.truths)}"

    def rank(self, turns: Sequence[Turn], candidates: Sequence[Sequence[str]]) -> list[RankedSet]:
        """See `Ranker.rank`; DataError also for an example without truths."""
        insist_on_a_list_per_turn(turns, candidates)
        return [_truths_first(self.truths, turn, movies) for turn, movies in zip(turns, candidates, strict=True)]


class NoisyOracleRanker:
    """The oracle with probability `accuracy`, else any order of the candidates.

    Which of the two it is, and the order by chance, depend on seed, example and the set of candidates alone.
    """

    is_constrained = True

    def __init__(self, truths: Truths, accuracy: float, seed: int) -> None:
        """DataError for an `accuracy` outside 0 to 1."""
        if not 0 <= accuracy <= 1:
            raise DataError(f"a noisy oracle: accuracy is {accuracy}, expected a probability from 0 to 1")
        self.truths, self.accuracy, self.seed = truths, accuracy, seed

    @property
    def identity(self) -> str:
        """Changes with any truth, the accuracy and the seed."""
        return f"noisy oracle accuracy={float(self.accuracy)} seed={self.seed} truths={_fingerprint(self.truths)}"

    def rank(self, turns: Sequence[Turn], candidates: Sequence[Sequence[str]]) -> list[RankedSet]:
        """See `Ranker.rank`; DataError also for an example without truths."""
        insist_on_a_list_per_turn(turns, candidates)
        return [self._ranked(turn, movies) for turn, movies in zip(turns, candidates, strict=True)]

    def _ranked(self, turn: Turn, movies: Sequence[str]) -> RankedSet:
        right, distinct = _truths_first(self.truths, turn, movies), sorted(set(movies))
        generator = numpy_generator(self.seed, f"noisy oracle on {turn.example_id}: {' '.join(distinct)}")
        if generator.random() < self.accuracy:
            return right
        return RankedSet.of_candidates([distinct[place] for place in generator.permutation(len(distinct))])


def _truths_first(truths: Truths, turn: Turn, movies: Sequence[str]) -> RankedSet:
    if turn.example_id not in truths:
        raise DataError(f"an oracle asked for {turn.example_id!r}: it has truths of {len(truths)} examples and not of this one; add them")
    own = truths[turn.example_id]
    return RankedSet.of_candidates(sorted(dict.fromkeys(movies), key=lambda movie: movie not in own))


def _fingerprint(truths: Truths) -> str:
    return fingerprint_of({example: sorted(movies) for example, movies in truths.items()})
