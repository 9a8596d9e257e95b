"""The settings of the query expert: what the teacher says, what the student is shown. Stdlib only; every problem is reported at once."""

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from modeling.errors import ConfigError

QUERY_MODES = ("raw", "direct", "expert")


class _Settings:
    """What the dataclasses below share: checked when made, read from and written to plain mappings."""

    __slots__ = ()

    def __post_init__(self) -> None:
        """Raise ConfigError naming every field out of range."""
        _raise_if_any(type(self), list(_problems(dataclasses.asdict(self))))  # type: ignore[call-overload]

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> Self:
        """Settings from parsed YAML or JSON; ConfigError names every bad value and unknown key, with the nearest valid one."""
        known = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
        valid = {key: value for key, value in settings.items() if key in known}
        _raise_if_any(cls, [*_problems(valid), *(_unknown_key(str(key), known) for key in settings if key not in known)])
        return cls(**valid)

    def to_mapping(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return dataclasses.asdict(self)  # type: ignore[call-overload,no-any-return]


@dataclass(frozen=True, slots=True)
class TeacherConfig(_Settings):
    """How many concepts of each kind a pseudo-query says at most; ours, chosen on the valid splits (the paper gives a prompt only).

    `genres` of the true film, those the seeker said or that films named before share first. `likes`: films named before that are
    nearest to the true one; `companions`: of the films shown as often named with those, ones that other training dialogues name
    together with the true one. `people` shared with
    films named before or said, else of the nearest such film. `said_words` of the last `said_turns` turns. `decade`: say it.
    """

    genres: int = 2
    likes: int = 1
    companions: int = 1
    people: int = 3
    said_words: int = 5
    said_turns: int = 2
    decade: bool = True
    words: int = 34


@dataclass(frozen=True, slots=True)
class QueryExpertConfig(_Settings):
    """What the student reads and writes: the last `dialogue_characters` of the dialogue, `films` films named before, and
    `companions` films (ours) that training dialogues often name with those.

    `max_new_tokens` bounds a query; a query of fewer than `query_words` words is useless, and the raw dialogue stands in.
    """

    dialogue_characters: int = 500
    films: int = 3
    companions: int = 3
    max_new_tokens: int = 64
    query_words: int = 2


_AT_LEAST_ONE = ("words", "dialogue_characters", "max_new_tokens", "query_words", "said_turns")


def _problems(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        least = 1 if name in _AT_LEAST_ONE else 0
        if name == "decade":
            if not isinstance(value, bool):
                yield f"{name} is {value!r}, expected bool"
        elif isinstance(value, bool) or not isinstance(value, int):
            yield f"{name} is {value!r}, expected int"
        elif value < least:
            yield f"{name} is {value}, expected at least {least}"


def _unknown_key(key: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1)
    return f"unknown key {key!r}" + (f", did you mean {nearest[0]!r}?" if nearest else f"; known: {', '.join(known)}")


def _raise_if_any(cls: type, problems: list[str]) -> None:
    if problems:
        raise ConfigError(f"{cls.__name__}: " + "; ".join(problems))
