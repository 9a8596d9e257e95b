"""The settings of the item generation expert: what the prompt shows, what is trained on, how an answer is read. Stdlib only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modeling.settings import TypedSettings, number_problems, table_problems

NEGATIVES = ("hard", "random", "none")
DETAILS = ("genres", "lead", "director", "plot")
ANSWERS = ("score", "decode")


@dataclass(frozen=True, slots=True)
class GeneratorConfig(TypedSettings):
    """The generator of ReGeS (arXiv 2509.21371, sections 3.3 and 4.1), with our additions marked.

    `candidates` is k: negatives beside the truth in training, retrieved films in use. `negatives`: 'hard' are mined, 'random'
    and 'none' (no list in the prompt) are the controls. `think` asks for a line on what the seeker likes before the title.
    `details` follow each name as far as `line_characters` go, and less where the list would pass `list_characters`: 20 films
    take about 300 tokens, 50 about 600. `dialogue_characters` of the latest turns are shown. `history_films` (ours): that many of the
    films named before are shown with their details. `only_new` leaves out targets named before: no mined negative was
    named before, so a list would give such a target away. `shuffles` (ours): each pair in so many orders.
    Ours, for use: a candidate's log-likelihood minus `prior_weight` times that under an empty dialogue (pointwise mutual
    information at 1) is divided by its length in characters to the power of `length_power`; choose both on validation.
    `answer` 'score' takes the best of these, 'decode' the model's own constrained decoding.
    `temperature` is of unconstrained answers; their names count as a candidate's from a similarity of `fuzzy_ratio`.
    """

    _title = "generator config"

    candidates: int = 50
    negatives: str = "hard"
    think: bool = False
    details: tuple[str, ...] = ("genres", "lead", "director")
    line_characters: int = 60
    list_characters: int = 2_400
    dialogue_characters: int = 600
    history_films: int = 0
    only_new: bool = True
    shuffles: int = 1
    prior_weight: float = 0.0
    length_power: float = 0.0
    answer: str = "score"
    temperature: float = 0.1
    answer_tokens: int = 32
    thought_tokens: int = 32
    fuzzy_ratio: float = 0.9
    seed: int = 0

    @classmethod
    def _sound_problems(cls, values: Mapping[str, Any]) -> Iterator[str]:
        yield from table_problems(values, choices=_ONE_OF)
        yield from number_problems(values, least=_LEAST)
        yield from name_problems(values)


_LEAST = dict.fromkeys(("candidates", "line_characters", "list_characters", "shuffles", "answer_tokens", "thought_tokens"), 1)
_LEAST |= dict.fromkeys(("dialogue_characters", "history_films", "prior_weight", "length_power", "temperature", "seed"), 0)
_ONE_OF = {"negatives": NEGATIVES, "answer": ANSWERS}


def name_problems(values: Mapping[str, Any]) -> Iterator[str]:
    """Problems of the details beside a name, and of how alike an answer must be to count as one."""
    unknown = [detail for detail in values.get("details", ()) if detail not in DETAILS]
    yield from (f"details has {detail!r}, expected some of {', '.join(DETAILS)}" for detail in unknown)
    if not 0 <= values.get("fuzzy_ratio", 0) <= 1:
        yield f"fuzzy_ratio is {values['fuzzy_ratio']}, expected from 0 to 1"
