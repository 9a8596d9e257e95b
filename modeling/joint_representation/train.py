"""Train LightGCN: triples, optimiser, epochs, selection on validation, checkpoints from which a resumed run is bit-identical.

The graph is what the caller gives: rows of the training period only. Random streams are functions of (seed, epoch).
"""

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from modeling.artifacts import MANIFEST_NAME, Manifest, fingerprint_of, write_bytes, write_json, write_manifest
from modeling.errors import ArtifactError, DataError
from modeling.joint_representation.config import LightGCNConfig
from modeling.joint_representation.graph import Edges, Indices, draw_negatives
from modeling.joint_representation.infer import LIGHTGCN_NAME, LOG_NAME, VECTORS_NAME, WEIGHTS_NAME
from modeling.lrurec import checkpoint
from modeling.seeding import numpy_generator, torch_generator

if TYPE_CHECKING:
    import torch

    from modeling.joint_representation.network import LightGCN

CUTOFF = 20
RANKED_USERS = 1024  # users scored at once: 16 MB of scores for 4,000 items

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """What the callback hears after each epoch: mean loss with penalty (nats), recall@20 or None, best epoch so far."""

    epoch: int
    loss: float
    recall: float | None
    best_epoch: int


@dataclass(slots=True)
class RunState:
    """How far a run has come; everything besides weights and optimiser that a resumed run needs."""

    run: str
    epoch: int = 0
    best_value: float = -1.0
    best_epoch: int = 0
    log: list[dict[str, float]] = field(default_factory=list)

    def is_stale(self, patience: int) -> bool:
        return patience > 0 and self.epoch - self.best_epoch >= patience


def train_lightgcn(
    edges: Edges,
    config: LightGCNConfig,
    folder: Path,
    *,
    validation: Edges | None = None,
    progress: Callable[[Progress], None] | None = None,
    parents: Mapping[str, str] | None = None,
) -> Manifest:
    """Train on `edges` and leave the best epoch's embeddings, layer 0 and propagated, in `folder`.

    `validation`: edges over the same users and items; its users without training edge are not ranked. Without it the last epoch is
    kept. A run that was stopped continues from its last finished epoch when called again with the same arguments. DataError for edges
    that cannot be trained or ranked, ArtifactError when `folder` holds something else.
    """
    session = _Session(config, edges, validation)
    state = _start(session, folder, fingerprint_of([config.to_mapping(), _content(edges, validation), dict(parents or {})]))
    while state.epoch < config.max_epochs and not state.is_stale(config.patience_epochs):
        _epoch(session, state, folder, progress)
    return _finish(session, state, folder, dict(parents or {}))


class _Session:
    """The live objects of one run: network, optimiser, positives that can have a negative, validation."""

    def __init__(self, config: LightGCNConfig, edges: Edges, validation: Edges | None) -> None:
        import torch

        from modeling.joint_representation.network import LightGCN

        self.config, self.edges = config, edges
        self.validation = None if validation is None else _rankable(edges, validation)
        self.positives = np.flatnonzero(np.bincount(edges.users)[edges.users] < edges.item_count)
        if not len(self.positives):
            raise DataError("training LightGCN: every user has an edge to every item, so there are no negatives; check the edges")
        self.network = LightGCN(config, edges, generator=torch_generator(config.seed, "weights"))
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=config.learning_rate, fused=True)


def epoch_triples(edges: Edges, positives: Indices, config: LightGCNConfig, epoch: int) -> Iterator[tuple[Indices, Indices, Indices]]:
    """Batches of (users, positives, negatives): every edge of `positives` once per negative, in an order drawn for the epoch."""
    order = numpy_generator(config.seed, f"order of epoch {epoch}").permutation(np.repeat(positives, config.negatives_per_positive))
    users, items = edges.users[order], edges.items[order]
    negatives = draw_negatives(edges, users, numpy_generator(config.seed, f"negatives of epoch {epoch}"))
    for start in range(0, len(order), config.batch_size):
        rows = slice(start, start + config.batch_size)
        yield users[rows], items[rows], negatives[rows]


def training_step(network: "LightGCN", optimizer: "torch.optim.Optimizer", triples: tuple[Indices, Indices, Indices]) -> float:
    """One optimiser step; returns the batch's loss with its penalty, in nats."""
    import torch

    optimizer.zero_grad(set_to_none=True)
    users, positives, negatives = (torch.from_numpy(part) for part in triples)
    bpr, penalty = network.loss(users, positives, negatives)
    loss = bpr + penalty
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return float(loss.detach())


def recall_at(network: "LightGCN", edges: Edges, wanted: Edges, *, cutoff: int = CUTOFF) -> float:
    """Mean over users of `wanted` of the share of their wanted items among the best `cutoff`, training items left out."""
    import torch

    users = np.unique(wanted.users)
    counts = np.bincount(wanted.users, minlength=wanted.user_count)[users]
    found = np.zeros(len(users))
    with torch.inference_mode():
        user_vectors, item_vectors = network.propagated()
        for start in range(0, len(users), RANKED_USERS):
            chosen = users[start : start + RANKED_USERS]
            scores = user_vectors[torch.from_numpy(chosen)] @ item_vectors.T
            scores[_cells(edges, chosen)] = -torch.inf
            best = scores.topk(min(cutoff, edges.item_count)).indices
            hits = torch.zeros_like(scores, dtype=torch.bool)
            hits[_cells(wanted, chosen)] = True
            found[start : start + RANKED_USERS] = hits.gather(1, best).sum(1).numpy()
    return float((found / counts).mean())


def _cells(edges: Edges, users: Indices) -> "tuple[torch.Tensor, torch.Tensor]":
    """Rows (of `users`, ascending) and columns of their edges."""
    import torch

    rows = np.flatnonzero(np.isin(edges.users, users))
    return torch.from_numpy(np.searchsorted(users, edges.users[rows])), torch.from_numpy(edges.items[rows])


def _rankable(edges: Edges, validation: Edges) -> Edges:
    if (validation.user_count, validation.item_count) != (edges.user_count, edges.item_count):
        raise DataError(
            f"training LightGCN: validation has {validation.user_count} users and {validation.item_count} items, training "
            f"{edges.user_count} and {edges.item_count}; index both alike"
        )
    kept = np.flatnonzero(np.isin(validation.users, edges.users))
    if not len(kept):
        raise DataError("training LightGCN: no user of the validation has a training edge; give validation of training's users, or none")
    return Edges(validation.users[kept], validation.items[kept], edges.user_count, edges.item_count)


def _epoch(session: _Session, state: RunState, folder: Path, progress: Callable[[Progress], None] | None) -> None:
    total, count = 0.0, 0
    for triples in epoch_triples(session.edges, session.positives, session.config, state.epoch):
        total += training_step(session.network, session.optimizer, triples) * len(triples[0])
        count += len(triples[0])
    state.epoch += 1
    loss = total / count
    recall = None if session.validation is None else recall_at(session.network, session.edges, session.validation)
    value = float(state.epoch) if recall is None else recall  # no validation: the latest epoch is the best
    if value > state.best_value:
        state.best_value, state.best_epoch = value, state.epoch
        checkpoint.write_weights(folder / WEIGHTS_NAME, session.network)
    state.log.append({"epoch": state.epoch, "loss": loss} | ({} if recall is None else {f"recall@{CUTOFF}": recall}))
    checkpoint.save(folder, session.network, session.optimizer, asdict(state))
    logger.info("lightgcn epoch %d: loss %.4f recall@%d %s", state.epoch, loss, CUTOFF, recall)
    if progress is not None:
        progress(Progress(state.epoch, loss, recall, state.best_epoch))


def _content(edges: Edges, validation: Edges | None) -> list[object]:
    """Hashes of everything a run reads."""
    parts = [edges] if validation is None else [edges, validation]
    return [[part.user_count, part.item_count, hashlib.sha256(part.keys.tobytes()).hexdigest()] for part in parts]


def _start(session: _Session, folder: Path, run: str) -> RunState:
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / MANIFEST_NAME).exists():
        raise ArtifactError(f"training LightGCN: {folder} already holds a finished model; give an empty directory")
    saved = checkpoint.load(folder, session.network, session.optimizer, run=run)
    return RunState(run) if saved is None else RunState(**saved)


def _finish(session: _Session, state: RunState, folder: Path, parents: dict[str, str]) -> Manifest:
    checkpoint.read_weights(folder / WEIGHTS_NAME, session.network)
    _write_vectors(session.network, folder)
    write_json(folder / LOG_NAME, state.log)
    best = state.log[state.best_epoch - 1]
    metrics = {"epochs": float(state.epoch), "best_epoch": float(state.best_epoch)}
    metrics |= {f"valid_{name}" if "@" in name else f"train_{name}": value for name, value in best.items() if name != "epoch"}
    manifest = write_manifest(
        folder,
        model=LIGHTGCN_NAME,
        config=session.config.to_mapping(),
        seed=session.config.seed,
        parents=parents,
        metrics=metrics,
        files=(WEIGHTS_NAME, VECTORS_NAME, LOG_NAME),
    )
    checkpoint.remove(folder)
    return manifest


def _write_vectors(network: "LightGCN", folder: Path) -> None:
    import safetensors.torch
    import torch

    with torch.inference_mode():
        users, items = network.propagated()
    write_bytes(folder / VECTORS_NAME, safetensors.torch.save({"users": users, "items": items}))
