"""Waivers: who accepts which failed expectation, why, and until when. A waiver is a decision of a person, with a date on it."""

import difflib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from quality.errors import WaiverError

_KEYS = ("expectation", "who", "reason", "expires")


@dataclass(frozen=True, slots=True)
class Waiver:
    """One failed expectation that `who` accepts because of `reason`, up to and including the day `expires`."""

    expectation: str
    who: str
    reason: str
    expires: date

    def expired(self, today: date) -> bool:
        return today > self.expires


def load_waivers(path: Path, *, known: Collection[str] | None = None, today: date | None = None) -> tuple[Waiver, ...]:
    """The waivers in a YAML file: a list of {expectation, who, reason, expires}. No file, no waivers.

    WaiverError lists every problem at once: malformed entries, an expectation waived twice; expired entries where `today`
    is given; and, where `known` is given, names of no expectation, with the nearest one. The gate asks for all of it.
    """
    entries = _entries(path)
    malformed = [_malformed(entry) for entry in entries]
    problems = [f"entry {number}: {problem}" for number, found in enumerate(malformed, 1) for problem in found]
    waivers = tuple(_waiver(entry) for entry, found in zip(entries, malformed, strict=True) if not found)
    problems += waiver_problems(waivers, known=known, today=today)
    if problems:
        raise WaiverError(f"waivers {path.name}:\n  " + "\n  ".join(problems))
    return waivers


def _entries(path: Path) -> Sequence[Any]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WaiverError(f"waivers {path.name}: cannot be read as YAML: {error}") from error
    if content is not None and not isinstance(content, list):
        raise WaiverError(f"waivers {path.name}: expected a list of {{{', '.join(_KEYS)}}}, saw {type(content).__name__}")
    return content or ()


def waiver_problems(waivers: Collection[Waiver], *, known: Collection[str] | None, today: date | None) -> list[str]:
    """Why well-formed waivers may not be used: expired, about nothing, or twice about the same."""
    expired = [w for w in waivers if today is not None and w.expired(today)]
    unknown = [w.expectation for w in waivers if known is not None and w.expectation not in known]
    twice = sorted(name for name, count in Counter(w.expectation for w in waivers).items() if count > 1)
    return [
        *(f"{w.expectation}: the waiver by {w.who} expired on {w.expires}; repair the data, or decide anew" for w in expired),
        *(f"{name}: no such expectation{_nearest(name, known or ())}" for name in unknown),
        *(f"{name}: waived more than once" for name in twice),
    ]


def _nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def _malformed(entry: Any) -> list[str]:
    if not isinstance(entry, dict):
        return [f"expected a mapping with {', '.join(_KEYS)}, saw {entry!r}"]
    problems = [f"{key} is missing" for key in _KEYS if not str(entry.get(key) or "").strip()]
    unknown = sorted(str(key) for key in entry if key not in _KEYS)
    problems += [f"unknown keys {unknown}"] if unknown else []
    if "expires is missing" not in problems and _day(entry["expires"]) is None:
        problems.append(f"expires {entry['expires']!r} is not a date like 2031-12-24")
    return problems


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value))  # YAML reads an unquoted date as one, a quoted date as text
    except ValueError:
        return None


def _waiver(entry: dict[str, Any]) -> Waiver:
    return Waiver(str(entry["expectation"]), str(entry["who"]), str(entry["reason"]), date.fromisoformat(str(entry["expires"])))
