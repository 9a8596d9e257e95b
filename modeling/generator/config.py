"""The settings of the item generation expert: what the prompt shows, what is trained on, how an answer is read. Stdlib only."""

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modeling.errors import ConfigError

NEGATIVES = ("hard", "random", "none")
DETAILS = ("genres", "lead", "director", "plot")
ANSWERS = ("score", "decode")


@dataclass(frozen=True, slots=True)
class GeneratorConfig:
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

    def __post_init__(self) -> None:
        """Raise ConfigError naming every field out of range."""
        _raise_if_any(list(_problems({field.name: getattr(self, field.name) for field in dataclasses.fields(self)})))

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> "GeneratorConfig":
        """A config from parsed YAML or JSON; ConfigError names every bad value and unknown key, with the nearest valid one."""
        known = [field.name for field in dataclasses.fields(cls)]
        valid: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items() if key in known}
        _raise_if_any([*_problems(valid), *(_unknown_key(str(key), known) for key in settings if key not in known)])
        return cls(**valid)

    def to_mapping(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**dataclasses.asdict(self), "details": list(self.details)}


_AT_LEAST_ONE = ("candidates", "line_characters", "list_characters", "shuffles", "answer_tokens", "thought_tokens")
_AT_LEAST_ZERO = ("dialogue_characters", "history_films", "prior_weight", "length_power", "temperature", "seed")
_NUMBERS = ("prior_weight", "length_power", "temperature", "fuzzy_ratio")
_ONE_OF = {"negatives": NEGATIVES, "answer": ANSWERS}
_TYPES: dict[str, type] = {
    **dict.fromkeys((*_AT_LEAST_ONE, *_AT_LEAST_ZERO), int),
    **dict.fromkeys(_NUMBERS, float),
    **dict.fromkeys(_ONE_OF, str),
    **dict.fromkeys(("think", "only_new"), bool),
    "details": tuple,
}
_TYPE_NAMES = {int: "int", float: "a number", str: "str", bool: "bool", tuple: "a list of names"}


def _problems(values: Mapping[str, Any]) -> Iterator[str]:
    mistyped = {name for name, value in values.items() if not _has_type(value, _TYPES[name])}
    yield from (f"{name} is {values[name]!r}, expected {_TYPE_NAMES[_TYPES[name]]}" for name in values if name in mistyped)
    sound = {name: value for name, value in values.items() if name not in mistyped}
    yield from (
        f"{name} is {value!r}, expected one of {', '.join(_ONE_OF[name])}" for name, value in sound.items() if _is_other(name, value)
    )
    unknown = [detail for detail in sound.get("details", ()) if detail not in DETAILS]
    yield from (f"details has {detail!r}, expected some of {', '.join(DETAILS)}" for detail in unknown)
    yield from (f"{name} is {sound[name]}, expected at least 1" for name in _AT_LEAST_ONE if sound.get(name, 1) < 1)
    yield from (f"{name} is {sound[name]}, expected at least 0" for name in _AT_LEAST_ZERO if sound.get(name, 0) < 0)
    if not 0 <= sound.get("fuzzy_ratio", 0) <= 1:
        yield f"fuzzy_ratio is {sound['fuzzy_ratio']}, expected from 0 to 1"


def _has_type(value: Any, expected: type) -> bool:
    if isinstance(value, bool) or expected is bool:
        return isinstance(value, bool) and expected is bool
    return isinstance(value, (int, float) if expected is float else expected)


def _is_other(name: str, value: Any) -> bool:
    return name in _ONE_OF and value not in _ONE_OF[name]


def _unknown_key(key: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1)
    return f"unknown key {key!r}" + (f", did you mean {nearest[0]!r}?" if nearest else f"; known: {', '.join(known)}")


def _raise_if_any(problems: list[str]) -> None:
    if problems:
        raise ConfigError("generator config: " + "; ".join(problems))
