"""The settings of the reranker; every problem is reported at once. Stdlib only."""

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modeling.errors import ConfigError


@dataclass(frozen=True, slots=True)
class RerankerConfig:
    """A cross-encoder over (dialogue, film document) with a listwise softmax loss (Cao et al., ICML 2007; Nogueira & Cho 2019).

    Ours, as a peer of ReGeS' generator on a CPU: it learns from the same mined hard negatives. `frozen_layers` lower layers and
    the word vectors stay as they are, which halves the cost of a step; the head, which starts at zero, has a learning rate of
    its own. A list is the true film and `negatives` films, of which the first mined ones are the hardest. `lists` of training are
    drawn once, by seed. `retrieval_weights` are what validation chooses from: how much the retriever's own score (a
    log-probability over the candidates) counts beside the reranker's.
    """

    max_tokens: int = 128
    dialogue_characters: int = 320
    document_characters: int = 180
    negatives: int = 7
    lists: int = 2000
    validation_lists: int = 200
    validation_candidates: int = 20
    frozen_layers: int = 3
    learning_rate: float = 1e-4
    head_learning_rate: float = 2e-3
    warmup_share: float = 0.1
    weight_decay: float = 0.01
    batch_lists: int = 4
    retrieval_weights: tuple[float, ...] = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise ConfigError naming every field out of range."""
        _raise_if_any(list(_problems(dataclasses.asdict(self))))

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> "RerankerConfig":
        """A config from parsed YAML or JSON; ConfigError names every bad value and unknown key, with the nearest valid one."""
        known = [field.name for field in dataclasses.fields(cls)]
        valid: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items() if key in known}
        _raise_if_any([*_problems(valid), *(_unknown_key(str(key), known) for key in settings if key not in known)])
        return cls(**valid)

    def to_mapping(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**dataclasses.asdict(self), "retrieval_weights": list(self.retrieval_weights)}


_WHOLE = {"max_tokens": 8, "dialogue_characters": 1, "document_characters": 1, "negatives": 1, "lists": 1, "validation_lists": 1}
_WHOLE |= {"validation_candidates": 2, "frozen_layers": 0, "batch_lists": 1, "seed": 0}
_RANGES = {"learning_rate": (1e-9, 1.0), "head_learning_rate": (1e-9, 1.0), "warmup_share": (0.0, 1.0), "weight_decay": (0.0, 100.0)}


def _problems(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if name in _WHOLE and (not isinstance(value, int) or isinstance(value, bool) or value < _WHOLE[name]):
            yield f"{name} is {value!r}, expected a whole number of at least {_WHOLE[name]}"
        if name in _RANGES and not _is_within(value, *_RANGES[name]):
            yield f"{name} is {value!r}, expected a number from {_RANGES[name][0]:g} to {_RANGES[name][1]:g}"
        if name == "retrieval_weights" and not _are_weights(value):
            yield f"{name} is {value!r}, expected at least one number from 0 to 1000"


def _are_weights(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and all(_is_within(weight, 0.0, 1000.0) for weight in value)


def _is_within(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _unknown_key(key: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1)
    return f"unknown key {key!r}" + (f", did you mean {nearest[0]!r}?" if nearest else f"; known: {', '.join(known)}")


def _raise_if_any(problems: list[str]) -> None:
    if problems:
        raise ConfigError("reranker config: " + "; ".join(problems))
