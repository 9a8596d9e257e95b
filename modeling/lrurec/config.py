"""The settings of an LRURec run. The defaults are the published recipe; every problem is reported at once. Stdlib only."""

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modeling.errors import ConfigError

MODES = ("id", "text")
SELECTION_METRICS = ("recall@10", "ndcg@10")
SCANS = ("sequential", "halving")


@dataclass(frozen=True, slots=True)
class LRURecConfig:
    """LRURec (Yue et al., WSDM 2024, section 5 and the authors' code), with our additions marked.

    `mode` 'id' learns a table tied with the scores and a bias per item; 'text' (ours, pattern of fMRLRec) projects
    frozen text embeddings and has no bias per item, so that a movie never seen in training can be scored.
    `state_size` counts complex states; `dropout` is 0.2 for dense and 0.6 for sparse data in the paper's grid.
    `decay_recurrence`: weight decay also pulls at the lambda parameters. The
    authors' code decays lambda (towards |lambda| = 0.37); we exempt it unless told otherwise.
    `targets_only_recommender` (ours) counts only movies first named by the recommender in the loss.
    `patience_epochs` 0 turns early stopping off. `scan` picks the algorithm; both give the same numbers.
    """

    mode: str = "id"
    embedding_size: int = 64
    state_size: int = 128
    block_count: int = 2
    feed_forward_factor: int = 4
    dropout: float = 0.2
    ring_minimum: float = 0.8
    ring_maximum: float = 0.99
    max_length: int = 50
    learning_rate: float = 1e-3
    adam_epsilon: float = 1e-9
    weight_decay: float = 0.01
    decay_recurrence: bool = False
    batch_size: int = 128
    gradient_clip: float = 5.0
    max_epochs: int = 500
    patience_epochs: int = 10
    selection_metric: str = "recall@10"
    targets_only_recommender: bool = False
    scan: str = "sequential"
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise ConfigError naming every field out of range."""
        problems = list(_problems(self))
        if problems:
            raise ConfigError("LRURec config: " + "; ".join(problems))

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> "LRURecConfig":
        """A config from parsed YAML or JSON; ConfigError names every unknown key with the nearest valid one."""
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = [_unknown_key(key, known) for key in settings if key not in known]
        valid = {key: value for key, value in settings.items() if key in known}
        try:
            config = cls(**valid)
        except ConfigError as error:
            raise ConfigError("; ".join([str(error), *unknown])) from None
        if unknown:
            raise ConfigError("LRURec config: " + "; ".join(unknown))
        return config

    def to_mapping(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return dataclasses.asdict(self)


def _unknown_key(key: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1)
    return f"unknown key {key!r}" + (f", did you mean {nearest[0]!r}?" if nearest else f"; known: {', '.join(known)}")


def _problems(config: LRURecConfig) -> Iterator[str]:
    yield from _type_problems(config)
    choices = (("mode", MODES), ("selection_metric", SELECTION_METRICS), ("scan", SCANS))
    for name, allowed in choices:
        value = {"mode": config.mode, "selection_metric": config.selection_metric, "scan": config.scan}[name]
        if value not in allowed:
            yield f"{name} is {value!r}, expected one of {', '.join(allowed)}"


_AT_LEAST_ONE = ("embedding_size", "state_size", "block_count", "feed_forward_factor", "max_length", "batch_size", "max_epochs")
_AT_LEAST_ZERO = ("weight_decay", "patience_epochs", "seed")
_ABOVE_ZERO = ("learning_rate", "adam_epsilon", "gradient_clip")


def _type_problems(config: LRURecConfig) -> Iterator[str]:
    values = dataclasses.asdict(config)
    mistyped = set()
    for field in dataclasses.fields(config):
        value, expected = values[field.name], _TYPES[field.type if isinstance(field.type, str) else field.type.__name__]
        if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
            mistyped.add(field.name)
            yield f"{field.name} is {value!r}, expected {' or '.join(kind.__name__ for kind in expected)}"
    yield from _range_problems({name: value for name, value in values.items() if name not in mistyped})


def _range_problems(values: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{name} is {values[name]}, expected at least 1" for name in _AT_LEAST_ONE if values.get(name, 1) < 1)
    yield from (f"{name} is {values[name]}, expected at least 0" for name in _AT_LEAST_ZERO if values.get(name, 0) < 0)
    yield from (f"{name} is {values[name]}, expected above 0" for name in _ABOVE_ZERO if not values.get(name, 1) > 0)
    if not 0 <= values.get("dropout", 0) < 1:
        yield f"dropout is {values['dropout']}, expected at least 0 and below 1"
    if not 0 <= values.get("ring_minimum", 0) < values.get("ring_maximum", 1) <= 1:
        yield "ring_minimum and ring_maximum: expected 0 <= ring_minimum < ring_maximum <= 1"


_TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (float, int), "bool": (bool,)}
