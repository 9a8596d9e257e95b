"""Films that training dialogues name together: counted here, shown to the expert, and said by its teacher. No text is in here.

A dialogue says nothing about itself: for a turn of a training dialogue it is left out of the counts, or a film that only this
dialogue names beside those of its history would give the answer away in training and be missing in use.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from modeling.query_expert.data import Turn

PRIOR_DIALOGUES = 10  # a film named in few dialogues counts as if it had been in so many more


@dataclass(frozen=True, slots=True)
class Companions:
    """The films of each training dialogue, and in how many of them two films are named together."""

    films_of: Mapping[str, frozenset[str]]
    together: Mapping[str, Mapping[str, int]]
    named: Mapping[str, int]

    @classmethod
    def of(cls, turns: Sequence[Turn]) -> "Companions":
        """Count in the turns of the split train; others say nothing."""
        films: dict[str, set[str]] = defaultdict(set)
        for turn in turns:
            if turn.split == "train":
                films[turn.dialogue_id] |= {*turn.before, *turn.truths}
        together: dict[str, Counter[str]] = defaultdict(Counter)
        for own in films.values():
            for film in own:
                together[film].update(own - {film})
        named = Counter(film for own in films.values() for film in own)
        return cls({dialogue: frozenset(own) for dialogue, own in films.items()}, together, named)

    def are_together(self, film: str, other: str, *, but: str) -> bool:
        """Whether a training dialogue other than `but` names both."""
        return self.together.get(film, {}).get(other, 0) > ({film, other} <= self.films_of.get(but, frozenset()))

    def beside(self, before: Sequence[str], *, but: str, at_most: int) -> tuple[str, ...]:
        """Films named most often beside those of `before`, best first, ties by id; the dialogue `but` is not counted.

        Score: sum of common dialogues over sqrt(dialogues of the film + a prior), between a count, which lists what everybody
        names, and a share, which lists what hardly anybody does.
        """
        own, found = self.films_of.get(but, frozenset()), Counter[str]()
        for film in dict.fromkeys(before):
            found.update(self.together.get(film, {}))
            found.subtract(other for other in own if film in own and other != film)
        for film in before:
            found.pop(film, None)
        score = {film: count / (self.named[film] - (film in own) + PRIOR_DIALOGUES) ** 0.5 for film, count in found.items() if count > 0}
        return tuple(sorted(score, key=lambda film: (-score[film], film))[:at_most])

    def shown(self, turns: Sequence[Turn], at_most: int) -> list[Turn]:
        """The turns with what stands beside their films."""
        return [replace(turn, companions=self.beside(turn.before, but=turn.dialogue_id, at_most=at_most)) for turn in turns]
