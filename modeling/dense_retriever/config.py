"""The settings of the dense retriever's query tower; every problem is reported at once. Stdlib only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modeling.settings import Settings, table_problems

NEGATIVES = ("catalogue", "mined")


@dataclass(frozen=True, slots=True)
class DenseRetrieverConfig(Settings):
    """A query tower over frozen sentence vectors of the dialogue. Ours: ReGeS (section 3.1) leaves its retriever untrained.

    Dialogue -> two frozen vectors -> dropout -> `hidden_size` -> GELU -> dropout -> `output_size`. A film is the projection of its
    frozen document vector plus, with `film_residual`, a vector and a bias of its own where training names it; a film that no
    training has seen is its projection alone, so adding one means embedding it. The loss is contrastive (InfoNCE: van den Oord et
    al. 2018): `negatives` 'catalogue' takes every film that training names, 'mined' the other positives of the batch and
    `hard_negatives` films that retrieval with the query expert's queries offered. `members` towers, differing in their seed
    alone, are averaged. `patience_epochs` 0 turns early stopping off.
    """

    _title = "dense retriever config"

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

    @classmethod
    def _problems(cls, values: Mapping[str, Any]) -> Iterator[str]:
        yield from table_problems(values, whole=_WHOLE, ranges=_RANGES, choices=_CHOICES, flags=("film_residual",))


_WHOLE = {"hidden_size": 1, "output_size": 1, "hard_negatives": 1, "members": 1, "batch_size": 2, "max_epochs": 1}
_WHOLE |= {"patience_epochs": 0, "seed": 0}
_RANGES = {"dropout": (0.0, 0.95), "learning_rate": (1e-9, 10.0), "weight_decay": (0.0, 100.0)}
_CHOICES = {"negatives": NEGATIVES}
