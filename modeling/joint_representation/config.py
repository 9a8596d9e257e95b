"""The settings of LightGCN, of the alignment and of the mixture; every problem is reported at once. Stdlib only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from modeling.settings import Settings, table_problems

PROPAGATIONS = ("csr", "edge_list")
KINDS = ("title", "description", "text", "behaviour", "average", "concat", "joint")
NORMALISATIONS = ("item", "global")


class _Settings(Settings):
    """What the dataclasses below share: the tables at the end of the module."""

    __slots__ = ()
    _least_batch: ClassVar[int] = 1

    @classmethod
    def _problems(cls, values: Mapping[str, Any]) -> Iterator[str]:
        whole = _WHOLE | {"batch_size": cls._least_batch}
        yield from table_problems(values, whole=whole, ranges=_RANGES, choices=_CHOICES)


@dataclass(frozen=True, slots=True)
class LightGCNConfig(_Settings):
    """LightGCN (He et al., SIGIR 2020) as RALLRec's fork trains it: 128 numbers, 3 layers, BPR, Adam 1e-3.

    `batch_size` counts BPR triples, `negatives_per_positive` of which share a user and a positive. `regularisation` weighs half the
    squared norms of the layer-0 embeddings of a batch, per triple. The best epoch has the highest recall@20 on validation;
    `patience_epochs` 0 turns early stopping off. `propagation` 'edge_list' is the same product by gather and scatter: equal numbers,
    many times slower.
    """

    _title = "LightGCN config"

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


@dataclass(frozen=True, slots=True)
class AlignmentConfig(_Settings):
    """The projector text -> behaviour (RALLRec, equation of L_ssl). Only the equation is published; the rest is ours.

    Two layers with `hidden_size` between them. Cosines are divided by `temperature`; the printed equation has none, which is 1.
    `held_out_share` of the items with behaviour never enter the loss: recall@10 from their text to their behaviour chooses the epoch.
    `patience_epochs` 0 turns early stopping off.
    """

    _title = "alignment config"
    _least_batch = 2  # a softmax over one item teaches nothing, one BPR triple does

    hidden_size: int = 512
    temperature: float = 1.0
    learning_rate: float = 1e-3
    batch_size: int = 512
    max_epochs: int = 200
    patience_epochs: int = 30
    held_out_share: float = 0.1
    seed: int = 0


@dataclass(frozen=True, slots=True)
class RepresentationConfig(_Settings):
    """Which parts an item's vector joins (RALLRec, section of the mixture). The default is the paper's.

    `kind`: 'title', 'description', 'text' (title || description), 'behaviour' (LightGCN), 'average' (see `mixture`), 'concat'
    (text || behaviour, no alignment), 'joint' (text || behaviour || aligned text). `normalisation` 'item' divides each row of a part by
    its own norm (paper), 'global' the whole part by its largest row norm (released code). `pca_dimensions` 0 leaves the text as it is;
    the released code has 128.
    """

    _title = "representation config"

    kind: str = "joint"
    normalisation: str = "item"
    pca_dimensions: int = 0


_WHOLE = {"dimensions": 1, "layers": 0, "negatives_per_positive": 1, "max_epochs": 1, "patience_epochs": 0, "hidden_size": 1}
_WHOLE |= {"pca_dimensions": 0, "seed": 0}
_RANGES = {"learning_rate": (1e-9, 10.0), "regularisation": (0.0, 100.0), "temperature": (1e-4, 100.0), "held_out_share": (0.0, 0.9)}
_CHOICES = {"propagation": PROPAGATIONS, "kind": KINDS, "normalisation": NORMALISATIONS}
