"""What a ranker answers, whoever ranks: an order of films, or the reason why there is none. No model and no prompt is in here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from modeling.errors import DataError
from modeling.generator.prompts import Turn

FAILURES = ("", "nothing", "nonsense", "too_many", "unavailable")


@dataclass(frozen=True, slots=True)
class RankedSet:
    """A ranker's answer to one turn and its candidates.

    `order`: distinct movie ids, best first: candidates, and where nothing holds the ranker to them also films of the corpus beside
    them. A candidate that was left out is not there. Of the `title_count` titles that were answered, each is the first of a film in
    `order`, one of the `duplicate_count` that name such a film again, or one of the `unmatched_count` that name no film of the
    corpus; `outside_count` films of the order were no candidates.
    `failure` is one of FAILURES, and the order empty with any but "": 'nothing' for an empty answer, 'nonsense' for a text in which
    no title names a film, 'too_many' for more titles than may be read (they are counted, not matched), 'unavailable' for an
    endpoint that failed or timed out.
    """

    order: tuple[str, ...]
    title_count: int = 0
    outside_count: int = 0
    unmatched_count: int = 0
    duplicate_count: int = 0
    failure: str = ""

    def __post_init__(self) -> None:
        """DataError for an unknown failure, and for a failure with an order."""
        if self.failure not in FAILURES:
            raise DataError(f"a ranked set: failure is {self.failure!r}, expected one of {', '.join(map(repr, FAILURES))}")
        if self.failure and self.order:
            raise DataError(f"a ranked set: {self.failure!r} with an order of {len(self.order)} films; expected none with a failure")

    @classmethod
    def of_candidates(cls, order: Sequence[str]) -> "RankedSet":
        """The answer of a ranker that orders distinct candidates and can name nothing else."""
        return cls(tuple(order), title_count=len(order))


class Ranker(Protocol):
    """Turns and their candidates in, one ordered answer per turn out, in the order of the turns."""

    @property
    def identity(self) -> str:
        """All of the ranker's own that decides an answer: model, wording, settings and seed. Keys what is kept of its answers."""

    @property
    def is_constrained(self) -> bool:
        """Whether an order is always a permutation of the candidates: a set without a target then earns 0, and need not be asked for."""

    def rank(self, turns: Sequence[Turn], candidates: Sequence[Sequence[str]]) -> list[RankedSet]:
        """The answer to each turn with its candidates (movie ids, best of the retriever first); a film given twice counts once.

        No candidates, no order and no failure. DataError unless there is one list per turn.
        """


def insist_on_a_list_per_turn(turns: Sequence[Turn], candidates: Sequence[Sequence[str]]) -> None:
    """DataError unless turns and lists of candidates are equal in number."""
    if len(turns) != len(candidates):
        raise DataError(f"ranking: {len(turns)} turns and {len(candidates)} lists of candidates; expected one list per turn")
