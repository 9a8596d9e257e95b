"""The whole way for one conversation: query expert, first stage, a model that chooses. Trained parts are handed in; nothing is read here.

A part that fails takes only itself away: without a language model the dialogue is the query and retrieval's order the answer,
and a notice says so.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from modeling.errors import ModelingError
from modeling.turn_retrieval import Asked, shortlist
from modeling.turn_scorers import Scores

logger = logging.getLogger(__name__)
Scored = list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said ('seeker: ...' or 'recommender: ...', one turn a line), and films named in it, earliest first."""

    context_text: str
    named: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recommendation:
    """`ranked` films with the chooser's scores, best first; `offered` what the first stage gave it; `notices` what did not work."""

    query: str
    ranked: Scored
    offered: Scored
    notices: tuple[str, ...] = ()


class FirstStage(Protocol):
    """What finds candidates: `TurnRetriever`, or one retriever alone."""

    def score(self, asked: Asked, candidates: Sequence[str], weights: Mapping[str, float]) -> Scores:
        """Float64 [turns, candidates], higher is better; minus infinity for a film without a score."""


# What writes a query and what orders candidates; either may raise ModelingError.
Writer = Callable[[Conversation], str]
Reader = Callable[[Conversation, str], Asked]
Chooser = Callable[[Conversation, Scored], Scored]


@dataclass(frozen=True, slots=True, eq=False)
class Recommender:
    """`films` are all that can be recommended; `weights` those of the first stage; the chooser sees its best `offered`."""

    write: Writer
    read: Reader
    retriever: FirstStage
    weights: Mapping[str, float]
    films: Sequence[str]
    choose: Chooser | None = None
    offered: int = 20
    fallback: Callable[[Conversation], str] = field(default=lambda said: said.context_text)

    def recommend(self, said: Conversation, *, k: int, include_named: bool = False) -> Recommendation:
        """The `k` best films, films named before left out unless asked for; films beyond those offered keep retrieval's order."""
        notices: list[str] = []
        query = self._query(said, notices)
        scores = self.retriever.score(self.read(said, query), self.films, self.weights)
        exclude = [() if include_named else said.named]
        (found,) = shortlist(scores, self.films, count=max(k, self.offered), exclude=exclude)
        offered, rest = found[: self.offered], found[self.offered :]
        return Recommendation(query, [*self._chosen(said, offered, notices), *rest][:k], offered, tuple(notices))

    def _query(self, said: Conversation, notices: list[str]) -> str:
        try:
            return self.write(said)
        except ModelingError as error:
            logger.warning("no query was written: %s", error)
            notices.append(f"no query was written ({error}): the dialogue itself was searched with")
            return self.fallback(said)

    def _chosen(self, said: Conversation, offered: Scored, notices: list[str]) -> Scored:
        if self.choose is None or not offered:
            return offered
        try:
            return self.choose(said, offered)
        except ModelingError as error:
            logger.warning("nothing was chosen: %s", error)
            notices.append(f"no model chose among the candidates ({error}): this is retrieval's order")
            return offered
