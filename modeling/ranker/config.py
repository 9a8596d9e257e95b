"""The settings of a ranker: how it answers, what its prompt shows, how an answer is read. Stdlib only, and what a detail is called."""

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modeling.errors import ConfigError
from modeling.generator.config import DETAILS

MODES = ("likelihood", "list")
CANDIDATE_ORDERS = ("score", "shuffled")


@dataclass(frozen=True, slots=True)
class RankerConfig:
    """A language model that orders the candidates of a turn.

    `mode` 'likelihood': by the log-likelihood of each candidate's name after the generator's prompt, less `prior_weight` times that
    under an empty dialogue; no film outside the candidates can be ranked. 'list': the model writes a numbered list of at most
    `answer_tokens` tokens at `temperature`, of which at most `answer_titles` titles are read; a title is a candidate's from a similarity
    of `fuzzy_ratio`. `candidate_order` 'score' shows candidates as given, best of the retriever first; 'shuffled' in an order of `seed`
    and example alone. `details` follow each name as far as `line_characters` go, and less where the list would pass `list_characters`;
    none are shown for (). The latest `dialogue_characters` of the dialogue and `history_films` of the films named there are shown.
    """

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

    def __post_init__(self) -> None:
        """Raise ConfigError naming every field out of range."""
        _raise_if_any(list(_problems({field.name: getattr(self, field.name) for field in dataclasses.fields(self)})))

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> "RankerConfig":
        """A config from parsed YAML or JSON; ConfigError names every bad value and unknown key, with the nearest valid one."""
        known = [field.name for field in dataclasses.fields(cls)]
        valid: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items() if key in known}
        _raise_if_any([*_problems(valid), *(_unknown_key(str(key), known) for key in settings if key not in known)])
        return cls(**valid)

    def to_mapping(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**dataclasses.asdict(self), "details": list(self.details)}


_AT_LEAST_ONE = ("line_characters", "list_characters", "answer_tokens", "answer_titles")
_AT_LEAST_ZERO = ("dialogue_characters", "history_films", "prior_weight", "temperature", "seed")
_NUMBERS = ("prior_weight", "temperature", "fuzzy_ratio")
_ONE_OF = {"mode": MODES, "candidate_order": CANDIDATE_ORDERS}
_TYPES: dict[str, type] = {
    **dict.fromkeys((*_AT_LEAST_ONE, *_AT_LEAST_ZERO), int),
    **dict.fromkeys(_NUMBERS, float),
    **dict.fromkeys(_ONE_OF, str),
    "details": tuple,
}
_TYPE_NAMES = {int: "int", float: "a number", str: "str", tuple: "a list of names"}


def _problems(values: Mapping[str, Any]) -> Iterator[str]:
    mistyped = {name for name, value in values.items() if not _has_type(value, _TYPES[name])}
    yield from (f"{name} is {values[name]!r}, expected {_TYPE_NAMES[_TYPES[name]]}" for name in values if name in mistyped)
    sound = {name: value for name, value in values.items() if name not in mistyped}
    yield from _unknown_values(sound)
    yield from (f"{name} is {sound[name]}, expected at least 1" for name in _AT_LEAST_ONE if sound.get(name, 1) < 1)
    yield from (f"{name} is {sound[name]}, expected at least 0" for name in _AT_LEAST_ZERO if not sound.get(name, 0) >= 0)
    if not 0 <= sound.get("fuzzy_ratio", 0) <= 1:
        yield f"fuzzy_ratio is {sound['fuzzy_ratio']}, expected from 0 to 1"


def _unknown_values(sound: Mapping[str, Any]) -> Iterator[str]:
    for name, valid in _ONE_OF.items():
        if name in sound and sound[name] not in valid:
            yield f"{name} is {sound[name]!r}, expected one of {', '.join(valid)}"
    unknown = [detail for detail in sound.get("details", ()) if detail not in DETAILS]
    yield from (f"details has {detail!r}, expected some of {', '.join(DETAILS)}" for detail in unknown)


def _has_type(value: Any, expected: type) -> bool:
    return not isinstance(value, bool) and isinstance(value, (int, float) if expected is float else expected)


def _unknown_key(key: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1)
    return f"unknown key {key!r}" + (f", did you mean {nearest[0]!r}?" if nearest else f"; known: {', '.join(known)}")


def _raise_if_any(problems: list[str]) -> None:
    if problems:
        raise ConfigError("ranker config: " + "; ".join(problems))
