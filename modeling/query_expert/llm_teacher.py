"""The teacher that is a language model (ReGeS): asked by prompt with the true film in sight, held to the same leak guard.

Answers are training targets and nothing else; rows of the test split are refused before the model sees one.
"""

import logging
from collections.abc import Mapping, Sequence

from modeling.language_model.protocol import LanguageModel
from modeling.prompt_text import plain
from modeling.query_expert.config import QueryExpertConfig
from modeling.query_expert.data import Turn, seen
from modeling.query_expert.facts import FilmFacts, words_key
from modeling.query_expert.leak import Taboo, insist_on_training, leaks
from modeling.query_expert.prompts import teacher_prompt

_QUERY_CHARACTERS = 400
_log = logging.getLogger(__name__)


def model_queries(
    model: LanguageModel, pairs: Sequence[tuple[Turn, str]], facts: Mapping[str, FilmFacts], config: QueryExpertConfig
) -> list[str]:
    """One pseudo-query per (turn, true film), greedy; empty where the answer says a title of the film or has too few different words.

    Every true film needs facts. DataError when a turn is of a split that may have no pseudo-query, such as test.
    """
    insist_on_training((turn.split for turn, _ in pairs), doing="asking a model for pseudo-queries")
    prompts = [teacher_prompt(seen(turn, facts), facts[truth], config) for turn, truth in pairs]
    answers = [plain(answer, _QUERY_CHARACTERS) for answer in model.generate(prompts, max_new_tokens=config.max_new_tokens)]
    free = [
        "" if leaks(answer, Taboo.of(facts[truth])) or len(set(words_key(answer).split())) < config.query_words else answer
        for answer, (_, truth) in zip(answers, pairs, strict=True)
    ]
    refused = sum(not answer for answer in free)
    if refused:
        _log.info("query expert's teacher: %d of %d answers said the title or nothing; left out", refused, len(free))
    return free
