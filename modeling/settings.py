"""What every config of a model is: checked when made, every problem told at once, read from and written to plain mappings. Stdlib only.

Here belong the checks that several configs share, and their wording; what one config alone demands stays in its module.
"""

import dataclasses
import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Self

from modeling.errors import ConfigError

_NO_TABLE: Mapping[str, Any] = {}
_TYPE_NAMES = {float: "a number", tuple: "a list of names"}


class Settings:
    """Base of a config's dataclass, which says in `_problems` what is wrong with values of its fields."""

    __slots__ = ()
    _title: ClassVar[str] = ""  # opens the message of its errors; "" is the name of the class

    def __post_init__(self) -> None:
        """Raise ConfigError naming every field out of range."""
        raise_if_any(self._title or type(self).__name__, self._problems(self._values()))

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> Self:
        """Settings from parsed YAML or JSON; ConfigError names every bad value and unknown key, with the nearest valid one."""
        types = field_types(cls)
        spelled = {key: value for key, value in settings.items() if key in types}
        valid = {key: tuple(value) if types[key] is tuple and isinstance(value, list) else value for key, value in spelled.items()}
        unknown = [unknown_key(str(key), list(types)) for key in settings if key not in types]
        raise_if_any(cls._title or cls.__name__, [*cls._problems(valid), *unknown])
        return cls(**valid)

    def to_mapping(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in self._values().items()}

    def _values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in field_types(type(self))}

    @classmethod
    def _problems(cls, values: Mapping[str, Any]) -> Iterator[str]:
        """What is wrong with the values of some or all fields."""
        yield from ()


class TypedSettings(Settings):
    """Settings held to the types of their fields first; `_sound_problems` then sees only values of the right type."""

    __slots__ = ()

    @classmethod
    def _problems(cls, values: Mapping[str, Any]) -> Iterator[str]:
        types = field_types(cls)
        sound = {name: value for name, value in values.items() if has_type(value, types[name])}
        for name in (name for name in values if name not in sound):
            yield f"{name} is {values[name]!r}, expected {_TYPE_NAMES.get(types[name], types[name].__name__)}"
        yield from cls._sound_problems(sound)

    @classmethod
    def _sound_problems(cls, values: Mapping[str, Any]) -> Iterator[str]:
        """What is wrong with values that have the types of their fields."""
        yield from ()


def table_problems(
    values: Mapping[str, Any], *, whole: Mapping[str, int] = _NO_TABLE, ranges: Mapping[str, tuple[float, float]] = _NO_TABLE,
    choices: Mapping[str, Collection[str]] = _NO_TABLE, flags: Collection[str] = (),
) -> Iterator[str]:  # fmt: skip
    """Values that are not what a table says: whole numbers from a least one, numbers in a range, one of some words, true or false."""
    for name, value in values.items():
        if name in whole and not is_whole(value, whole[name]):
            yield f"{name} is {value!r}, expected a whole number of at least {whole[name]}"
        if name in ranges and not is_within(value, *ranges[name]):
            yield f"{name} is {value!r}, expected a number from {ranges[name][0]:g} to {ranges[name][1]:g}"
        if name in choices and value not in choices[name]:
            yield f"{name} is {value!r}, expected one of {', '.join(choices[name])}"
        if name in flags and not isinstance(value, bool):
            yield f"{name} is {value!r}, expected true or false"


def number_problems(
    values: Mapping[str, Any], *, least: Mapping[str, int], above_zero: Iterable[str] = (), shares: Iterable[str] = ()
) -> Iterator[str]:
    """Numbers below their least one, not above zero, or outside [0, 1). Not a number is none of these."""
    yield from (f"{name} is {values[name]}, expected at least {low}" for name, low in least.items() if not values.get(name, low) >= low)
    yield from (f"{name} is {values[name]}, expected above 0" for name in above_zero if not values.get(name, 1) > 0)
    yield from (f"{name} is {values[name]}, expected at least 0 and below 1" for name in shares if not 0 <= values.get(name, 0) < 1)


def has_type(value: Any, expected: type) -> bool:
    """Whether a value is of a field's type: true is no number, a whole number is a number, a tuple holds names."""
    if isinstance(value, bool) or expected is bool:
        return isinstance(value, bool) and expected is bool
    if expected is tuple:
        return isinstance(value, tuple) and all(isinstance(name, str) and name for name in value)
    return isinstance(value, (int, float) if expected is float else expected)


def is_whole(value: Any, low: int) -> bool:
    """Whether a value is a whole number of at least `low`; true is none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= low


def is_within(value: Any, low: float, high: float) -> bool:
    """Whether a value is a number from `low` to `high`; true is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def field_types(cls: Any) -> dict[str, Any]:
    """The plain type of each of a dataclass's fields, in order: tuple for tuple[str, ...]."""
    return {field.name: getattr(field.type, "__origin__", field.type) for field in dataclasses.fields(cls)}


def unknown_key(key: str, known: list[str]) -> str:
    """That a key is unknown, with the nearest known one, or all of them where none is near."""
    nearest = difflib.get_close_matches(key, known, n=1)
    return f"unknown key {key!r}" + (f", did you mean {nearest[0]!r}?" if nearest else f"; known: {', '.join(known)}")


def raise_if_any(title: str, problems: Iterable[str]) -> None:
    """Raise a ConfigError of all problems, unless there is none."""
    if told := "; ".join(problems):
        raise ConfigError(f"{title}: {told}")
