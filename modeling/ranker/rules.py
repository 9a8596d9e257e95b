"""Rankers that follow a rule and hear no dialogue: what a language model has to beat, and a ranker whose bias is known."""

from collections.abc import Mapping, Sequence

from modeling.artifacts import fingerprint_of
from modeling.generator.prompts import Turn
from modeling.ranker.protocol import RankedSet, insist_on_a_list_per_turn


class NamedMostRanker:
    """Orders candidates by how many training dialogues name them, most first, ties by movie id. See `Ranker`."""

    is_constrained = True

    def __init__(self, named: Mapping[str, int]) -> None:
        """`named`: film -> training dialogues that name it; a film that is not there counts as never named."""
        self.named = dict(named)
        self.identity = f"named_most {fingerprint_of(sorted(self.named.items()))}"

    def rank(self, turns: Sequence[Turn], candidates: Sequence[Sequence[str]]) -> list[RankedSet]:
        """See `Ranker.rank`."""
        insist_on_a_list_per_turn(turns, candidates)
        return [RankedSet.of_candidates(sorted(set(films), key=lambda film: (-self.named.get(film, 0), film))) for films in candidates]
