"""The settings of a ranker: how it answers, what its prompt shows, how an answer is read. Stdlib only, and what a detail is called."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modeling.generator.config import name_problems
from modeling.settings import TypedSettings, number_problems, table_problems

MODES = ("likelihood", "list")
CANDIDATE_ORDERS = ("score", "shuffled")


@dataclass(frozen=True, slots=True)
class RankerConfig(TypedSettings):
    """A language model that orders the candidates of a turn.

    `mode` 'likelihood': by the log-likelihood of each candidate's name after the generator's prompt, less `prior_weight` times that
    under an empty dialogue; no film outside the candidates can be ranked. 'list': the model writes a numbered list of at most
    `answer_tokens` tokens at `temperature`, of which at most `answer_titles` titles are read; a title is a candidate's from a similarity
    of `fuzzy_ratio`. `candidate_order` 'score' shows candidates as given, best of the retriever first; 'shuffled' in an order of `seed`
    and example alone. `details` follow each name as far as `line_characters` go, and less where the list would pass `list_characters`;
    none are shown for (). The latest `dialogue_characters` of the dialogue and `history_films` of the films named there are shown.
    """

    _title = "ranker config"

    mode: str = "likelihood"
    details: tuple[str, ...] = ("genres", "lead", "director")
    candidate_order: str = "score"
    dialogue_characters: int = 600
    history_films: int = 0
    line_characters: int = 60
    list_characters: int = 2_400
    prior_weight: float = 0.0
    answer_tokens: int = 400
    answer_titles: int = 50
    temperature: float = 0.0
    fuzzy_ratio: float = 0.9
    seed: int = 0

    @classmethod
    def _sound_problems(cls, values: Mapping[str, Any]) -> Iterator[str]:
        yield from table_problems(values, choices=_ONE_OF)
        yield from number_problems(values, least=_LEAST)
        yield from name_problems(values)


_LEAST = dict.fromkeys(("line_characters", "list_characters", "answer_tokens", "answer_titles"), 1)
_LEAST |= dict.fromkeys(("dialogue_characters", "history_films", "prior_weight", "temperature", "seed"), 0)
_ONE_OF = {"mode": MODES, "candidate_order": CANDIDATE_ORDERS}
