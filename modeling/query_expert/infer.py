"""Write search queries: the dialogue itself, a model asked directly, or the query expert. Nothing is trained or searched here."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modeling.errors import ConfigError
from modeling.language_model.protocol import LanguageModel
from modeling.prompt_text import plain
from modeling.query_expert.config import QUERY_MODES, QueryExpertConfig
from modeling.query_expert.data import Turn, seen
from modeling.query_expert.facts import FilmFacts, words_key
from modeling.query_expert.prompts import direct_prompt, student_prompt

_QUERY_CHARACTERS = 400
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Written:
    """One query per turn, in their order, and for how many the raw dialogue stands in for a useless answer."""

    queries: list[str]
    fallbacks: int


def write_queries(
    model: LanguageModel | None, turns: Sequence[Turn], facts: Mapping[str, FilmFacts], mode: str, config: QueryExpertConfig
) -> Written:
    """A query for each turn: 'raw' needs no model, 'direct' asks a model that was not tuned, 'expert' the tuned one; greedy decoding.

    The truths of a turn are not looked at. A useless answer (too few different words) is replaced by the dialogue and counted.
    ConfigError for an unknown mode, or a mode that needs a model and has none.
    """
    if mode not in QUERY_MODES:
        raise ConfigError(f"writing queries: mode is {mode!r}, expected one of {', '.join(QUERY_MODES)}")
    raw = [turn.context_text for turn in turns]
    if mode == "raw":
        return Written(raw, 0)
    if model is None:
        raise ConfigError(f"writing queries: mode {mode!r} needs a language model and none was given; load one or use mode 'raw'")
    prompt_of = direct_prompt if mode == "direct" else student_prompt
    prompts = [prompt_of(seen(turn, facts), config) for turn in turns]
    answers = [plain(answer, _QUERY_CHARACTERS) for answer in model.generate(prompts, max_new_tokens=config.max_new_tokens)]
    useless = [len(set(words_key(answer).split())) < config.query_words for answer in answers]
    if any(useless):
        _log.info("query expert, mode %s: %d of %d answers were useless; the dialogue stands in", mode, sum(useless), len(turns))
    return Written([dialogue if bad else answer for dialogue, answer, bad in zip(raw, answers, useless, strict=True)], sum(useless))
