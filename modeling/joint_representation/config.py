"""The settings of LightGCN, of the alignment and of the mixture; every problem is reported at once. Stdlib only."""

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from modeling.errors import ConfigError

PROPAGATIONS = ("csr", "edge_list")
KINDS = ("title", "description", "text", "behaviour", "average", "concat", "joint")
NORMALISATIONS = ("item", "global")

Config = TypeVar("Config", bound="LightGCNConfig | AlignmentConfig | RepresentationConfig")


@dataclass(frozen=True, slots=True)
class LightGCNConfig:
    """LightGCN (He et al., SIGIR 2020) as RALLRec's fork trains it: 128 numbers, 3 layers, BPR, Adam 1e-3.

    `batch_size` counts BPR triples, `negatives_per_positive` of which share a user and a positive. `regularisation` weighs half the
    squared norms of the layer-0 embeddings of a batch, per triple. The best epoch has the highest recall@20 on validation;
    `patience_epochs` 0 turns early stopping off. `propagation` 'edge_list' is the same product by gather and scatter: equal numbers,
    many times slower.
    """

    dimensions: int = 128
    layers: int = 3
    learning_rate: float = 1e-3
    batch_size: int = 2048
    regularisation: float = 1e-4
    negatives_per_positive: int = 1
    max_epochs: int = 400
    patience_epochs: int = 20
    propagation: str = "csr"
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise ConfigError naming every field out of range."""
        _raise_if_any(type(self), list(_problems(type(self), dataclasses.asdict(self))))

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> "LightGCNConfig":
        """A config from parsed YAML or JSON; ConfigError names every bad value and unknown key, with the nearest valid one."""
        return _parsed(cls, settings)

    def to_mapping(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, slots=True)
class AlignmentConfig:
    """The projector text -> behaviour (RALLRec, equation of L_ssl). Only the equation is published; the rest is ours.

    Two layers with `hidden_size` between them. Cosines are divided by `temperature`; the printed equation has none, which is 1.
    `held_out_share` of the items with behaviour never enter the loss: recall@10 from their text to their behaviour chooses the epoch.
    `patience_epochs` 0 turns early stopping off.
    """

    hidden_size: int = 512
    temperature: float = 1.0
    learning_rate: float = 1e-3
    batch_size: int = 512
    max_epochs: int = 200
    patience_epochs: int = 30
    held_out_share: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise ConfigError naming every field out of range."""
        _raise_if_any(type(self), list(_problems(type(self), dataclasses.asdict(self))))

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> "AlignmentConfig":
        """A config from parsed YAML or JSON; ConfigError names every bad value and unknown key, with the nearest valid one."""
        return _parsed(cls, settings)

    def to_mapping(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, slots=True)
class RepresentationConfig:
    """Which parts an item's vector joins (RALLRec, section of the mixture). The default is the paper's.

    `kind`: 'title', 'description', 'text' (title || description), 'behaviour' (LightGCN), 'average' (see `mixture`), 'concat'
    (text || behaviour, no alignment), 'joint' (text || behaviour || aligned text). `normalisation` 'item' divides each row of a part by
    its own norm (paper), 'global' the whole part by its largest row norm (released code). `pca_dimensions` 0 leaves the text as it is;
    the released code has 128.
    """

    kind: str = "joint"
    normalisation: str = "item"
    pca_dimensions: int = 0

    def __post_init__(self) -> None:
        """Raise ConfigError naming every field out of range."""
        _raise_if_any(type(self), list(_problems(type(self), dataclasses.asdict(self))))

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> "RepresentationConfig":
        """A config from parsed YAML or JSON; ConfigError names every bad value and unknown key, with the nearest valid one."""
        return _parsed(cls, settings)

    def to_mapping(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return dataclasses.asdict(self)


_NAMES: dict[type, str] = {LightGCNConfig: "LightGCN", AlignmentConfig: "alignment", RepresentationConfig: "representation"}
_WHOLE = {"dimensions": 1, "layers": 0, "negatives_per_positive": 1, "max_epochs": 1, "patience_epochs": 0, "hidden_size": 1}
_WHOLE |= {"pca_dimensions": 0, "seed": 0}
_RANGES = {"learning_rate": (1e-9, 10.0), "regularisation": (0.0, 100.0), "temperature": (1e-4, 100.0), "held_out_share": (0.0, 0.9)}
_CHOICES = {"propagation": PROPAGATIONS, "kind": KINDS, "normalisation": NORMALISATIONS}


def _parsed(cls: type[Config], settings: Mapping[str, Any]) -> Config:
    known = [field.name for field in dataclasses.fields(cls)]
    valid = {key: value for key, value in settings.items() if key in known}
    _raise_if_any(cls, [*_problems(cls, valid), *(_unknown_key(str(key), known) for key in settings if key not in known)])
    return cls(**valid)


def _problems(cls: type, values: Mapping[str, Any]) -> Iterator[str]:
    # a softmax over one item teaches nothing, one BPR triple does
    whole = _WHOLE | {"batch_size": 2 if cls is AlignmentConfig else 1}
    for name, value in values.items():
        if name in whole and (not isinstance(value, int) or isinstance(value, bool) or value < whole[name]):
            yield f"{name} is {value!r}, expected a whole number of at least {whole[name]}"
        if name in _RANGES and not _is_within(value, *_RANGES[name]):
            yield f"{name} is {value!r}, expected a number from {_RANGES[name][0]:g} to {_RANGES[name][1]:g}"
        if name in _CHOICES and value not in _CHOICES[name]:
            yield f"{name} is {value!r}, expected one of {', '.join(_CHOICES[name])}"


def _is_within(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _unknown_key(key: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1)
    return f"unknown key {key!r}" + (f", did you mean {nearest[0]!r}?" if nearest else f"; known: {', '.join(known)}")


def _raise_if_any(cls: type, problems: list[str]) -> None:
    if problems:
        raise ConfigError(f"{_NAMES[cls]} config: " + "; ".join(problems))
