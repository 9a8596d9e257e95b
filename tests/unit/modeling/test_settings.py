"""What every config shares: checks made once, all problems in one message, plain mappings there and back."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from modeling.errors import ConfigError
from modeling.settings import (
    Settings,
    TypedSettings,
    has_type,
    is_whole,
    is_within,
    number_problems,
    raise_if_any,
    table_problems,
    unknown_key,
)


@dataclass(frozen=True, slots=True)
class Tabled(Settings):
    _title = "tabled config"

    count: int = 2
    sizes: tuple[int, ...] = (1, 2)

    @classmethod
    def _problems(cls, values: Mapping[str, Any]) -> Iterator[str]:
        yield from table_problems(values, whole={"count": 1})


@dataclass(frozen=True, slots=True)
class Typed(TypedSettings):
    word: str
    share: float = 0.5
    on: bool = True
    names: tuple[str, ...] = ()

    @classmethod
    def _sound_problems(cls, values: Mapping[str, Any]) -> Iterator[str]:
        yield from number_problems(values, least={}, shares=("share",))


def test_a_mapping_and_back() -> None:
    assert Tabled(sizes=(3,)).to_mapping() == {"count": 2, "sizes": [3]}
    assert Tabled.from_mapping({"count": 2, "sizes": [3]}) == Tabled(sizes=(3,))
    assert Typed.from_mapping({"word": "x", "share": 0}) == Typed("x", share=0)


def test_all_problems_open_with_the_title_or_the_class() -> None:
    with pytest.raises(ConfigError) as told:
        Tabled.from_mapping({"count": 0, "cuont": 1, "zzz": 1})
    assert str(told.value) == (
        "tabled config: count is 0, expected a whole number of at least 1; unknown key 'cuont', did you mean 'count'?; "
        "unknown key 'zzz'; known: count, sizes"
    )
    with pytest.raises(ConfigError, match=r"^Typed: word is 3, expected str; on is 1, expected bool; share is 1, expected at least 0 and"):
        Typed(word=3, on=1, share=1)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"share is '1', expected a number; names is \(1,\), expected a list of names$"):
        Typed.from_mapping({"word": "x", "share": "1", "names": [1]})


def test_tables_name_what_they_expect() -> None:
    values = {"whole": 1.0, "range": 3, "choice": "c", "flag": 1, "free": object()}
    found = table_problems(values, whole={"whole": 0}, ranges={"range": (0, 2.5)}, choices={"choice": ("a", "b")}, flags=("flag",))
    assert list(found) == [
        "whole is 1.0, expected a whole number of at least 0", "range is 3, expected a number from 0 to 2.5",
        "choice is 'c', expected one of a, b", "flag is 1, expected true or false",
    ]  # fmt: skip


def test_numbers_have_bounds_and_nan_has_none() -> None:
    found = number_problems(
        {"low": 1, "zero": 0, "share": 1, "nan": math.nan}, least={"low": 2, "nan": 0, "absent": 9}, above_zero=["zero"]
    )
    assert list(found) == ["low is 1, expected at least 2", "nan is nan, expected at least 0", "zero is 0, expected above 0"]


@pytest.mark.parametrize(
    ("value", "kind", "right"),
    [
        (True, int, False),
        (True, bool, True),
        (1, bool, False),
        (1, float, True),
        (1.0, int, False),
        ("", tuple, False),
        (("",), tuple, False),
    ],
)
def test_types(value: object, kind: type, right: bool) -> None:
    assert has_type(value, kind) is right


def test_true_is_no_number() -> None:
    assert is_whole(0, 0) and not is_whole(True, 0) and not is_whole(-1, 0)
    assert is_within(1, 0, 1) and not is_within(True, 0, 1) and not is_within(math.nan, 0, 1)


def test_no_problem_is_no_error() -> None:
    raise_if_any("config", iter(()))
    assert unknown_key("x", ["y"]) == "unknown key 'x'; known: y"
