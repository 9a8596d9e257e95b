"""A frozen language model as ranker: by the likelihoods of names, or by the list that it writes. Nothing is trained here."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from modeling.artifacts import fingerprint_of
from modeling.errors import EndpointError
from modeling.generator.catalogue import Catalogue
from modeling.generator.prompts import PROMPT_VERSION, Turn, completion
from modeling.language_model.protocol import LanguageModel, Scores
from modeling.ranker.answers import read_list, resolve
from modeling.ranker.config import RankerConfig
from modeling.ranker.prompts import LIST_PROMPT_VERSION, likelihood_prompt, list_prompt, shown
from modeling.ranker.protocol import RankedSet, insist_on_a_list_per_turn

logger = logging.getLogger(__name__)

_UNAVAILABLE = RankedSet((), failure="unavailable")


@dataclass(frozen=True, slots=True)
class _Question:
    """A turn, and its candidates in the order in which they are shown; at least one."""

    turn: Turn
    movies: list[str]

    def without_dialogue(self) -> "_Question":
        return _Question(self.turn.without_dialogue(), self.movies)


def _links_nothing(title: str) -> None:
    return None


class LanguageModelRanker:
    """See `Ranker` for what it answers.

    In mode 'likelihood' candidates are ordered by score, ties by movie id; behind an endpoint, which has no likelihoods, only the
    first place is the model's. In mode 'list' a title that is no candidate's is a film of the corpus where `link` gives its id.
    Questions are asked in one batch. After an EndpointError they are asked one at a time, and one that fails again is answered
    'unavailable'; a BudgetError ends the call.
    """

    def __init__(
        self,
        model: LanguageModel,
        catalogue: Catalogue,
        config: RankerConfig,
        *,
        link: Callable[[str], str | None] = _links_nothing,
    ) -> None:
        self.model, self.catalogue, self.config, self.link = model, catalogue, config, link

    @property
    def identity(self) -> str:
        """The model's identity, the settings and the wording; catalogue and `link` are the corpus's, and whoever keeps answers names it."""
        wording = [PROMPT_VERSION, LIST_PROMPT_VERSION]
        return f"{self.model.identity} ranker={fingerprint_of([self.config.to_mapping(), wording])}"

    @property
    def is_constrained(self) -> bool:
        """True of likelihoods; a written list can leave candidates out and name other films."""
        return self.config.mode == "likelihood"

    def rank(self, turns: Sequence[Turn], candidates: Sequence[Sequence[str]]) -> list[RankedSet]:
        """See `Ranker.rank`; DataError also for a candidate that is not in the catalogue."""
        insist_on_a_list_per_turn(turns, candidates)
        questions = [_Question(turn, shown(turn, movies, self.config)) for turn, movies in zip(turns, candidates, strict=True)]
        ask = self._by_likelihood if self.is_constrained else self._by_list
        found = iter(_answered(ask, [question for question in questions if question.movies]))
        return [next(found) if question.movies else RankedSet(()) for question in questions]

    def _by_likelihood(self, questions: Sequence[_Question]) -> list[RankedSet]:
        scores = self._likelihoods(questions)
        if self.config.prior_weight:
            priors = self._likelihoods([question.without_dialogue() for question in questions])
            scores = [own - self.config.prior_weight * prior for own, prior in zip(scores, priors, strict=True)]
        return [_ordered(question.movies, values) for question, values in zip(questions, scores, strict=True)]

    def _likelihoods(self, questions: Sequence[_Question]) -> list[Scores]:
        """Per question float64 (films,), in nats, aligned with its films."""
        prompts = [likelihood_prompt(each.turn, each.movies, self.catalogue, self.config) for each in questions]
        return self.model.score(prompts, [[completion(name) for name in self._names(each)] for each in questions])

    def _by_list(self, questions: Sequence[_Question]) -> list[RankedSet]:
        prompts = [list_prompt(each.turn, each.movies, self.catalogue, self.config) for each in questions]
        texts = self.model.generate(prompts, max_new_tokens=self.config.answer_tokens, temperature=self.config.temperature, stop="")
        return [self._read(text, question) for text, question in zip(texts, questions, strict=True)]

    def _read(self, text: str, question: _Question) -> RankedSet:
        parsed = read_list(text, titles_at_most=self.config.answer_titles)
        return resolve(parsed, self._names(question), question.movies, self.link, self.config.fuzzy_ratio)

    def _names(self, question: _Question) -> list[str]:
        return [self.catalogue.name(movie) for movie in question.movies]


def _answered(ask: Callable[[Sequence[_Question]], list[RankedSet]], questions: Sequence[_Question]) -> list[RankedSet]:
    """The answers of one call for all, or where the endpoint fails, of one call for each."""
    if not questions:
        return []
    try:
        return ask(questions)
    except EndpointError as error:
        if len(questions) > 1:
            return [answer for question in questions for answer in _answered(ask, [question])]
        logger.warning("ranking the candidates of %r: %s", questions[0].turn.example_id, error)
        return [_UNAVAILABLE]


def _ordered(movies: Sequence[str], scores: Scores) -> RankedSet:
    best = sorted(zip(movies, scores.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
    return RankedSet.of_candidates([movie for movie, _ in best])
