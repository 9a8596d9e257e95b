"""The settings of a click network; every problem is reported at once. Stdlib only."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modeling.settings import Settings, is_whole, table_problems

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
class ClickNetworkConfig(Settings):
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

    _title = "click network config"

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

    @classmethod
    def _problems(cls, values: Mapping[str, Any]) -> Iterator[str]:
        yield from table_problems(values, whole=_WHOLE, ranges=_RANGES, flags=("user_id", "like_rate"))
        yield from _other_problems(values)


_WHOLE = {"embedding_size": 1, "batch_size": 2, "max_epochs": 1, "evaluations_per_epoch": 1, "history_length": 1}
_WHOLE |= {"retrieved_count": 1, "reading_size": 1, "kernel_count": 1, "patience": 0, "seed": 0}
_RANGES = {"dropout": (0.0, 0.95), "item_dropout": (0.0, 0.95), "learning_rate": (1e-9, 10.0)}
_RANGES |= {"weight_decay": (0.0, 100.0), "table_decay": (0.0, 100.0)}


def _other_problems(values: Mapping[str, Any]) -> Iterator[str]:
    sizes, model = values.get("hidden_sizes", (1,)), values.get("model", OURS)
    if model not in MODELS:
        nearest = difflib.get_close_matches(str(model), MODELS, n=1)
        yield f"model is {model!r}, expected one of {', '.join(MODELS)}" + (f"; did you mean {nearest[0]!r}?" if nearest else "")
    if not isinstance(sizes, tuple) or not sizes or not all(is_whole(size, 1) for size in sizes):
        yield f"hidden_sizes is {sizes!r}, expected a list of whole numbers of at least 1"
