"""The settings of the reranker; every problem is reported at once. Stdlib only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modeling.settings import Settings, is_within, table_problems


@dataclass(frozen=True, slots=True)
class RerankerConfig(Settings):
    """A cross-encoder over (dialogue, film document) with a listwise softmax loss (Cao et al., ICML 2007; Nogueira & Cho 2019).

    Ours, as a peer of ReGeS' generator on a CPU: it learns from the same mined hard negatives. `frozen_layers` lower layers and
    the word vectors stay as they are, which halves the cost of a step; the head, which starts at zero, has a learning rate of
    its own. A list is the true film and `negatives` films, of which the first mined ones are the hardest. `lists` of training are
    drawn once, by seed. `retrieval_weights` are what validation chooses from: how much the retriever's own score (a
    log-probability over the candidates) counts beside the reranker's.
    """

    _title = "reranker config"

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

    @classmethod
    def _problems(cls, values: Mapping[str, Any]) -> Iterator[str]:
        yield from table_problems(values, whole=_WHOLE, ranges=_RANGES)
        if not _are_weights(values.get("retrieval_weights", (0.0,))):
            yield f"retrieval_weights is {values['retrieval_weights']!r}, expected at least one number from 0 to 1000"


_WHOLE = {"max_tokens": 8, "dialogue_characters": 1, "document_characters": 1, "negatives": 1, "lists": 1, "validation_lists": 1}
_WHOLE |= {"validation_candidates": 2, "frozen_layers": 0, "batch_lists": 1, "seed": 0}
_RANGES = {"learning_rate": (1e-9, 1.0), "head_learning_rate": (1e-9, 1.0), "warmup_share": (0.0, 1.0), "weight_decay": (0.0, 100.0)}


def _are_weights(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and all(is_within(weight, 0.0, 1000.0) for weight in value)
