"""The settings of an LRURec run. The defaults are the published recipe; every problem is reported at once. Stdlib only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modeling.settings import TypedSettings, number_problems, table_problems

MODES = ("id", "text")
SELECTION_METRICS = ("recall@10", "ndcg@10")
SCANS = ("sequential", "halving")


@dataclass(frozen=True, slots=True)
class LRURecConfig(TypedSettings):
    """LRURec (Yue et al., WSDM 2024, section 5 and the authors' code), with our additions marked.

    `mode` 'id' learns a table tied with the scores and a bias per item; 'text' (ours, pattern of fMRLRec) projects
    frozen text embeddings and has no bias per item, so that a movie never seen in training can be scored.
    `state_size` counts complex states; `dropout` is 0.2 for dense and 0.6 for sparse data in the paper's grid.
    `decay_recurrence`: weight decay also pulls at the lambda parameters. The
    authors' code decays lambda (towards |lambda| = 0.37); we exempt it unless told otherwise.
    `targets_only_recommender` (ours) counts only movies first named by the recommender in the loss.
    `patience_epochs` 0 turns early stopping off. `scan` picks the algorithm; both give the same numbers.
    """

    _title = "LRURec config"

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

    @classmethod
    def _sound_problems(cls, values: Mapping[str, Any]) -> Iterator[str]:
        yield from table_problems(values, choices=_CHOICES)
        yield from number_problems(values, least=_LEAST, above_zero=_ABOVE_ZERO, shares=("dropout",))
        if not 0 <= values.get("ring_minimum", 0) < values.get("ring_maximum", 1) <= 1:
            yield "ring_minimum and ring_maximum: expected 0 <= ring_minimum < ring_maximum <= 1"


_CHOICES = {"mode": MODES, "selection_metric": SELECTION_METRICS, "scan": SCANS}
_AT_LEAST_ONE = ("embedding_size", "state_size", "block_count", "feed_forward_factor", "max_length", "batch_size", "max_epochs")
_LEAST = dict.fromkeys(_AT_LEAST_ONE, 1) | dict.fromkeys(("weight_decay", "patience_epochs", "seed"), 0)
_ABOVE_ZERO = ("learning_rate", "adam_epsilon", "gradient_clip")
