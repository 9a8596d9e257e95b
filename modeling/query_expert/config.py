"""The settings of the query expert: what the teacher says, what the student is shown. Stdlib only; every problem is reported at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modeling.settings import TypedSettings, number_problems

QUERY_MODES = ("raw", "direct", "expert")
_AT_LEAST_ONE = ("words", "dialogue_characters", "max_new_tokens", "query_words", "said_turns")


class _Settings(TypedSettings):
    """What the dataclasses below share: every number has a least one."""

    __slots__ = ()

    @classmethod
    def _sound_problems(cls, values: Mapping[str, Any]) -> Iterator[str]:
        yield from number_problems(values, least={name: int(name in _AT_LEAST_ONE) for name in values})


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
