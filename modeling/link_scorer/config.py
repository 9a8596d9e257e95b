"""The settings of a scorer's training. Stdlib only; every problem is reported at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modeling.settings import TypedSettings


@dataclass(frozen=True, slots=True)
class LinkScorerConfig(TypedSettings):
    """A network of two hidden layers, a softmax over the films of a stretch and 'none', and the precision its links shall have.

    `stretches_per_batch`: a batch is whole stretches, with all their films. `precision`: the threshold is the lowest one
    whose links on the tune films are right so often; `margin`: what the best film must have over the runner-up at least;
    `report`: a stretch whose films have so much in all is told, if only as an abstention.
    """

    _title = "link scorer config"

    hidden_size: int = 48
    epochs: int = 8
    stretches_per_batch: int = 3_000
    learning_rate: float = 8e-3
    weight_decay: float = 0.1
    precision: float = 0.97
    margin: float = 0.1
    report: float = 0.2
    seed: int = 0

    @classmethod
    def _sound_problems(cls, values: Mapping[str, Any]) -> Iterator[str]:
        yield from (f"{name} must be at least 1, is {values[name]}" for name in _COUNTS if values.get(name, 1) < 1)
        yield from (f"{name} must be in [0, 1), is {values[name]}" for name in _SHARES if not 0 <= values.get(name, 0) < 1)
        if values.get("learning_rate", 1) <= 0:
            yield f"learning_rate must be above 0, is {values['learning_rate']}"
        yield from (f"{name} must be at least 0, is {values[name]}" for name in ("weight_decay", "seed") if values.get(name, 0) < 0)


_COUNTS, _SHARES = ("hidden_size", "epochs", "stretches_per_batch"), ("precision", "margin", "report")
