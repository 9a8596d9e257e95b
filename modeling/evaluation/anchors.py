"""Numbers of others to set beside our own: read from `anchors.yaml` and validated. What is true of them is said there, not here."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus_pipeline.schema.fields import DATASETS
from modeling.errors import EvaluationError
from modeling.evaluation.metrics import CUTOFFS, METRICS
from modeling.evaluation.pairs import CONDITIONS

ANCHORS_PATH = Path(__file__).with_name("anchors.yaml")
KINDS = ("stored", "published", "re-measured", "quoted")
UNSTATED = "unstated"
REQUIRED = ("model", "dataset", "protocol", "condition", "kind", "source", "candidates", "values")
OPTIONAL = ("half_widths", "note")
CELLS = frozenset(f"{metric}@{k}" for metric in METRICS for k in CUTOFFS)
_CHOICES = {"dataset": DATASETS, "condition": (*CONDITIONS, UNSTATED), "kind": KINDS}

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Anchor:
    """One model of others on one data set; `values` and `half_widths` by 'metric@k', each value a range whose ends may be equal."""

    model: str
    dataset: str
    protocol: str
    condition: str
    kind: str
    source: str
    candidates: str
    values: Mapping[str, Range]
    half_widths: Mapping[str, float]
    note: str


def load_anchors(path: Path = ANCHORS_PATH) -> tuple[Anchor, ...]:
    """The anchors of a file in its order; EvaluationError lists every problem at once."""
    import yaml

    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    parts = content if isinstance(content, dict) else {}
    entries = [entry if isinstance(entry, dict) else {"model": entry} for entry in parts.get("anchors") or []]
    known = {name: parts.get(section) or {} for name, section in (("source", "sources"), ("candidates", "candidates"))}
    problems = [
        f"anchor {i} ({entry.get('model')}): {problem}" for i, entry in enumerate(entries, 1) for problem in _problems(entry, known)
    ]
    problems += [] if entries else ["there is no anchor; expected a mapping with sources, candidates and anchors"]
    if problems:
        raise EvaluationError(f"reading {path.name}: {len(problems)} problems; correct the file\n" + "\n".join(problems))
    return tuple(_anchor(entry, known) for entry in entries)


def _problems(entry: Mapping[str, Any], known: Mapping[str, Mapping[str, str]]) -> list[str]:
    allowed = (*REQUIRED, *OPTIONAL)
    unknown = [f"unknown key {key!r}; nearest: {difflib.get_close_matches(str(key), allowed)}" for key in entry if key not in allowed]
    missing = [f"{key} is missing" for key in REQUIRED if key not in entry]
    choices = {**_CHOICES, **known}
    wrong = [
        f"{key} is {entry[key]!r}; expected one of {sorted(choices[key])}"
        for key in choices
        if key in entry and entry[key] not in choices[key]
    ]
    return unknown + missing + wrong + _cell_problems(entry)


def _cell_problems(entry: Mapping[str, Any]) -> list[str]:
    values, widths = entry.get("values") or {}, entry.get("half_widths") or {}
    found = [f"{cell!r} is no metric of the table" for cell in (*values, *widths) if cell not in CELLS]
    found += [f"half width of {cell} without its value" for cell in widths if cell not in values]
    found += [f"{cell} is {value!r}; expected 0..1 or [low, high]" for cell, value in values.items() if not _is_range(_range(value))]
    found += [f"half width of {cell} is {width!r}; expected 0..1" for cell, width in widths.items() if not _is_range(_range(width))]
    return found or ([] if values else ["values are empty"])


def _range(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list) else (value, value)


def _is_range(ends: tuple[Any, ...]) -> bool:
    return len(ends) == 2 and all(isinstance(end, float | int) for end in ends) and 0 <= ends[0] <= ends[1] <= 1


def _anchor(entry: Mapping[str, Any], known: Mapping[str, Mapping[str, str]]) -> Anchor:
    ranges = {cell: (float(low), float(high)) for cell, (low, high) in ((cell, _range(value)) for cell, value in entry["values"].items())}
    return Anchor(
        **{key: entry[key] for key in ("model", "dataset", "protocol", "condition", "kind")},
        source=known["source"][entry["source"]],
        candidates=known["candidates"][entry["candidates"]],
        values=ranges,
        half_widths={cell: float(width) for cell, width in (entry.get("half_widths") or {}).items()},
        note=entry.get("note", ""),
    )
