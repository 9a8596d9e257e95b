"""The settings of the dense retriever's query tower; every problem is reported at once. Stdlib only."""

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modeling.errors import ConfigError

NEGATIVES = ("catalogue", "mined")


@dataclass(frozen=True, slots=True)
class DenseRetrieverConfig:
    """A query tower over frozen sentence vectors of the dialogue. Ours: ReGeS (section 3.1) leaves its retriever untrained.

    Dialogue -> two frozen vectors -> dropout -> `hidden_size` -> GELU -> dropout -> `output_size`. A film is the projection of its
    frozen document vector plus, with `film_residual`, a vector and a bias of its own where training names it; a film that no
    training has seen is its projection alone, so adding one means embedding it. The loss is contrastive (InfoNCE: van den Oord et
    al. 2018): `negatives` 'catalogue' takes every film that training names, 'mined' the other positives of the batch and
    `hard_negatives` films that retrieval with the query expert's queries offered. `members` towers, differing in their seed
    alone, are averaged. `patience_epochs` 0 turns early stopping off.
    """

    hidden_size: int = 256
    output_size: int = 128
    dropout: float = 0.4
    film_residual: bool = True
    negatives: str = "catalogue"
    hard_negatives: int = 20
    members: int = 1
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    batch_size: int = 256
    max_epochs: int = 16
    patience_epochs: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise ConfigError naming every field out of range."""
        _raise_if_any(list(_problems(dataclasses.asdict(self))))

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> "DenseRetrieverConfig":
        """A config from parsed YAML or JSON; ConfigError names every bad value and unknown key, with the nearest valid one."""
        known = [field.name for field in dataclasses.fields(cls)]
        valid = {key: value for key, value in settings.items() if key in known}
        _raise_if_any([*_problems(valid), *(_unknown_key(str(key), known) for key in settings if key not in known)])
        return cls(**valid)

    def to_mapping(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return dataclasses.asdict(self)


_WHOLE = {"hidden_size": 1, "output_size": 1, "hard_negatives": 1, "members": 1, "batch_size": 2, "max_epochs": 1}
_WHOLE |= {"patience_epochs": 0, "seed": 0}
_RANGES = {"dropout": (0.0, 0.95), "learning_rate": (1e-9, 10.0), "weight_decay": (0.0, 100.0)}


def _problems(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if name in _WHOLE and (not isinstance(value, int) or isinstance(value, bool) or value < _WHOLE[name]):
            yield f"{name} is {value!r}, expected a whole number of at least {_WHOLE[name]}"
        if name in _RANGES and not _is_within(value, *_RANGES[name]):
            yield f"{name} is {value!r}, expected a number from {_RANGES[name][0]:g} to {_RANGES[name][1]:g}"
        if name == "negatives" and value not in NEGATIVES:
            yield f"negatives is {value!r}, expected one of {', '.join(NEGATIVES)}"
        if name == "film_residual" and not isinstance(value, bool):
            yield f"film_residual is {value!r}, expected true or false"


def _is_within(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _unknown_key(key: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1)
    return f"unknown key {key!r}" + (f", did you mean {nearest[0]!r}?" if nearest else f"; known: {', '.join(known)}")


def _raise_if_any(problems: list[str]) -> None:
    if problems:
        raise ConfigError("dense retriever config: " + "; ".join(problems))
