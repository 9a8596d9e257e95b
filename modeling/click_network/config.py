"""The settings of a click network; every problem is reported at once. Stdlib only."""

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modeling.errors import ConfigError

BASELINES = ("deepfm", "xdeepfm", "dcn", "autoint")
OURS = "retrieval"
MODELS = (*BASELINES, OURS)
# Those trained side by side: what each is, whatever else is set. 'deepfm_ids' has the published features alone: who the user is, and
# not how much of the history is liked.
NETWORKS: Mapping[str, Mapping[str, Any]] = {
    "deepfm_ids": {"model": "deepfm", "like_rate": False, "user_id": True},
    **{name: {"model": name} for name in MODELS},
}


@dataclass(frozen=True, slots=True)
class ClickNetworkConfig:
    """One of the id baselines RALLRec compares with, or ours ('retrieval'); RALLRec prints no settings of its baselines.

    `hidden_sizes` are those of the last MLP, `embedding_size` the width of every embedding, `dropout` that of the MLP. The learning
    rate falls linearly to zero over `max_epochs`. The validation rows are asked `evaluations_per_epoch` times an epoch; training ends
    after `patience` evaluations without a lower LogLoss (0: never). `history_length` and `retrieved_count` say how many columns of
    `recent` and `retrieved` are read. `user_id` false hides who the user is: ordered by time, most users of the test rows are new.
    `like_rate` gives the baselines two more fields, how long the history is and what share of it was liked, in steps: mean pooling
    loses both, and ours reads them always.
    The last four are read by 'retrieval' alone: width of the reading of a history entry, number of learned kernel widths, share of
    entries of the id table hidden in a step (the frozen vectors remain), and weight decay of the id tables.
    """

    model: str = OURS
    embedding_size: int = 16
    hidden_sizes: tuple[int, ...] = (256, 128)
    dropout: float = 0.3
    learning_rate: float = 2e-3
    weight_decay: float = 1e-5
    batch_size: int = 4096
    max_epochs: int = 4
    evaluations_per_epoch: int = 2
    patience: int = 3
    history_length: int = 30
    retrieved_count: int = 30
    user_id: bool = True
    like_rate: bool = False
    seed: int = 0
    reading_size: int = 32
    kernel_count: int = 3
    item_dropout: float = 0.1
    table_decay: float = 1e-4

    def __post_init__(self) -> None:
        """Raise ConfigError naming every field out of range."""
        _raise_if_any(list(_problems(dataclasses.asdict(self))))

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> "ClickNetworkConfig":
        """A config from parsed YAML or JSON; ConfigError names every bad value and unknown key, with the nearest valid one."""
        known = [field.name for field in dataclasses.fields(cls)]
        valid: dict[str, Any] = {key: value for key, value in settings.items() if key in known}
        if isinstance(valid.get("hidden_sizes"), list):
            valid["hidden_sizes"] = tuple(valid["hidden_sizes"])
        _raise_if_any([*_problems(valid), *(_unknown_key(str(key), known) for key in settings if key not in known)])
        return cls(**valid)

    def to_mapping(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return dataclasses.asdict(self) | {"hidden_sizes": list(self.hidden_sizes)}


_WHOLE = {"embedding_size": 1, "batch_size": 2, "max_epochs": 1, "evaluations_per_epoch": 1, "history_length": 1}
_WHOLE |= {"retrieved_count": 1, "reading_size": 1, "kernel_count": 1, "patience": 0, "seed": 0}
_RANGES = {"dropout": (0.0, 0.95), "item_dropout": (0.0, 0.95), "learning_rate": (1e-9, 10.0)}
_RANGES |= {"weight_decay": (0.0, 100.0), "table_decay": (0.0, 100.0)}


def _problems(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if name in _WHOLE and not _is_whole(value, _WHOLE[name]):
            yield f"{name} is {value!r}, expected a whole number of at least {_WHOLE[name]}"
        if name in _RANGES and not _is_within(value, *_RANGES[name]):
            yield f"{name} is {value!r}, expected a number from {_RANGES[name][0]:g} to {_RANGES[name][1]:g}"
    yield from _other_problems(values)


def _other_problems(values: Mapping[str, Any]) -> Iterator[str]:
    sizes, model = values.get("hidden_sizes", (1,)), values.get("model", MODELS[0])
    if model not in MODELS:
        nearest = difflib.get_close_matches(str(model), MODELS, n=1)
        yield f"model is {model!r}, expected one of {', '.join(MODELS)}" + (f"; did you mean {nearest[0]!r}?" if nearest else "")
    for name in ("user_id", "like_rate"):
        if not isinstance(values.get(name, True), bool):
            yield f"{name} is {values[name]!r}, expected true or false"
    if not isinstance(sizes, tuple) or not sizes or not all(_is_whole(size, 1) for size in sizes):
        yield f"hidden_sizes is {sizes!r}, expected a list of whole numbers of at least 1"


def _is_whole(value: Any, low: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= low


def _is_within(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _unknown_key(key: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1)
    return f"unknown key {key!r}" + (f", did you mean {nearest[0]!r}?" if nearest else f"; known: {', '.join(known)}")


def _raise_if_any(problems: list[str]) -> None:
    if problems:
        raise ConfigError("click network config: " + "; ".join(problems))
