"""Reviewed numbers: what the last person to look found right, with a tolerance and a reason. The numbers live in JSON.

`baselines/<profile>.json` holds {"movie_sources": [...], "dialogue_datasets": [...], "interaction_datasets": [...],
"numbers": {name: entry}}: the partitions that were reviewed, and what was found right about them. An entry has a `reason` and
either `value` with `tolerance` (a share of the value, 0 for exactly) or `minimum` and/or `maximum`. The names are those of the
quantities.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quality.errors import BaselineError
from quality.expectations import Expectation, Quantity

SHIPPED = Path(__file__).parent / "baselines"
_PARTITIONS = ("movie_sources", "dialogue_datasets", "interaction_datasets")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Reviewed bounds of one number, both inclusive, and why they are right."""

    minimum: float | None
    maximum: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """The reviewed numbers of one profile; `file` is where a person adds one."""

    file: str
    movie_sources: tuple[str, ...]
    dialogue_datasets: tuple[str, ...]
    interaction_datasets: tuple[str, ...]
    numbers: Mapping[str, Bounds]

    def bound(self, quantities: Iterable[Quantity]) -> tuple[Expectation, ...]:
        """Each quantity with its reviewed bounds.

        BaselineError names every number that the file misses and every one that nothing measures any more.
        """
        wanted = tuple(quantities)
        names = {quantity.name for quantity in wanted}
        problems = [f'add "{name}" under "numbers"' for name in sorted(names - set(self.numbers))]
        problems += [f'remove "{name}": nothing measures it' for name in sorted(set(self.numbers) - names)]
        if problems:
            raise BaselineError(
                f"{self.file} does not fit what is measured (`quality.corpus.measure_baseline` gives the numbers):\n  "
                + "\n  ".join(problems)
            )
        return tuple(q.bounded(self.numbers[q.name].minimum, self.numbers[q.name].maximum) for q in wanted)


def shipped_baseline(profile: str) -> Path:
    """The file of reviewed numbers that comes with the project for a profile; BaselineError lists those there are."""
    path = SHIPPED / f"{profile}.json"
    if not path.exists():
        there = sorted(file.stem for file in SHIPPED.glob("*.json"))
        raise BaselineError(f"no reviewed numbers for profile {profile!r}; there are {there}. Add {path.name} beside them")
    return path


def load_baseline(path: Path) -> Baseline:
    """The baseline in a JSON file; BaselineError lists every malformed entry at once."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        items = sorted(content["numbers"].items())
        partitions = {key: tuple(map(str, content[key])) for key in _PARTITIONS}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BaselineError(
            f"baseline {path.name}: expected JSON with {', '.join(_PARTITIONS)} and numbers, saw {type(error).__name__}: {error}"
        ) from error
    problems = [f"{name}: {problem}" for name, entry in items for problem in _problems(entry)]
    if problems:
        raise BaselineError(f"baseline {path.name}:\n  " + "\n  ".join(problems))
    return Baseline(file=path.name, **partitions, numbers={name: _bounds(entry) for name, entry in items})


def _problems(entry: Any) -> list[str]:
    if not isinstance(entry, dict):
        return [f"expected an object, saw {entry!r}"]
    extra = sorted(set(entry) - {"value", "tolerance", "minimum", "maximum", "reason"})
    problems = [f"unknown keys {extra}"] if extra else []
    if not (isinstance(entry.get("reason"), str) and entry["reason"].strip()):
        problems.append('"reason" is missing')
    numbers = {key: entry[key] for key in ("value", "tolerance", "minimum", "maximum") if key in entry}
    problems += [f"{key} {value!r} is not a number" for key, value in numbers.items() if not _is_number(value)]
    if set(numbers) not in ({"value", "tolerance"}, {"minimum"}, {"maximum"}, {"minimum", "maximum"}):
        problems.append(f'expected "value" with "tolerance", or "minimum" and/or "maximum", saw {sorted(numbers)}')
    elif not problems:
        problems += _impossible(entry)
    return problems


def _impossible(entry: Mapping[str, Any]) -> list[str]:
    bounds = _bounds(entry)
    problems = ["tolerance is negative"] if entry.get("tolerance", 0) < 0 else []
    if bounds.minimum is not None and bounds.maximum is not None and bounds.minimum > bounds.maximum:
        problems.append(f"minimum {bounds.minimum} is above maximum {bounds.maximum}")
    return problems


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


def _bounds(entry: Mapping[str, Any]) -> Bounds:
    if "value" in entry:
        value, slack = entry["value"], abs(entry["value"]) * entry["tolerance"]
        return Bounds(value - slack, value + slack, entry["reason"])
    return Bounds(entry.get("minimum"), entry.get("maximum"), entry["reason"])
