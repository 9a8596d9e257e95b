"""Published figures of query quality: read from `query_anchors.yaml` and validated. What is true of them is said there, not here."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus_pipeline.schema.fields import QUERY_MODES
from modeling.errors import EvaluationError
from modeling.evaluation.query_quality import OVERLAPS

QUERY_ANCHORS_PATH = Path(__file__).with_name("query_anchors.yaml")
KEYS = ("query_mode", "source", "reference_count", "values")


@dataclass(frozen=True, slots=True)
class QueryAnchor:
    """What a source prints for one kind of query; `values` in 0..1 by metric of `query_quality.OVERLAPS`."""

    query_mode: str
    source: str
    reference_count: int
    values: Mapping[str, float]


def load_query_anchors(path: Path = QUERY_ANCHORS_PATH) -> tuple[QueryAnchor, ...]:
    """The anchors of a file in its order; EvaluationError lists every problem at once."""
    import yaml

    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    parts = content if isinstance(content, dict) else {}
    entries = [entry if isinstance(entry, dict) else {"query_mode": entry} for entry in parts.get("anchors") or []]
    sources = parts.get("sources") or {}
    problems = [f"anchor {i} ({entry.get('query_mode')}): {p}" for i, entry in enumerate(entries, 1) for p in _problems(entry, sources)]
    problems += [] if entries else ["there is no anchor; expected a mapping with sources and anchors"]
    if problems:
        raise EvaluationError(f"reading {path.name}: {len(problems)} problems; correct the file\n" + "\n".join(problems))
    return tuple(QueryAnchor(**{**entry, "source": sources[entry["source"]], "values": dict(entry["values"])}) for entry in entries)


def _problems(entry: Mapping[str, Any], sources: Mapping[str, str]) -> list[str]:
    found = [f"unknown key {key!r}; nearest: {difflib.get_close_matches(str(key), KEYS)}" for key in entry if key not in KEYS]
    found += [f"{key} is missing" for key in KEYS if key not in entry]
    choices = {"query_mode": QUERY_MODES, "source": tuple(sources)}
    found += [
        f"{key} is {entry[key]!r}; expected one of {known}" for key, known in choices.items() if key in entry and entry[key] not in known
    ]
    count = entry.get("reference_count", 1)
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        found.append(f"reference_count is {count!r}; expected a whole number of at least 1")
    return found + (_value_problems(entry["values"]) if "values" in entry else [])


def _value_problems(values: Any) -> list[str]:
    if not isinstance(values, dict) or not values:
        return ["values are empty; expected a mapping of metrics"]
    found = [f"{metric!r} is no metric; expected some of {OVERLAPS}" for metric in values if metric not in OVERLAPS]
    return found + [f"{metric} is {value!r}; expected 0..1" for metric, value in values.items() if not _is_share(value)]


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
