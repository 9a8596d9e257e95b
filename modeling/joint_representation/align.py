"""Train the projector from text to behaviour, choose its epoch on held-out items, and project the text of every item."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from modeling.artifacts import MANIFEST_NAME, Manifest, write_bytes, write_json, write_manifest
from modeling.errors import ArtifactError, DataError
from modeling.joint_representation.config import AlignmentConfig
from modeling.joint_representation.graph import Indices
from modeling.joint_representation.infer import ALIGNMENT_NAME, LOG_NAME, VECTORS_NAME, WEIGHTS_NAME, Mask, Matrix
from modeling.lrurec import checkpoint
from modeling.seeding import numpy_generator, torch_generator

if TYPE_CHECKING:
    import torch

    from modeling.joint_representation.projector import Projector

CUTOFF = 10

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AlignmentProgress:
    """What the callback hears after each epoch: mean loss (nats), recall@10 of held-out items or None, best epoch so far."""

    epoch: int
    loss: float
    recall: float | None
    best_epoch: int


def align(
    text: Matrix,
    behaviour: Matrix,
    has_behaviour: Mask,
    config: AlignmentConfig,
    folder: Path,
    *,
    progress: Callable[[AlignmentProgress], None] | None = None,
    parents: Mapping[str, str] | None = None,
) -> Manifest:
    """Learn `text` [items, t] -> `behaviour` [items, d] on items that have behaviour; leave the projected text of all in `folder`.

    Recall@10: the held-out item's own behaviour vector among the ten nearest of all items with behaviour, by cosine. Its best
    epoch is kept, the last where `held_out_share` is 0. DataError for matrices that do not fit or too few items, ArtifactError for a
    folder that is in use.
    """
    session = _Session(text, behaviour, has_behaviour, config)
    if (folder / MANIFEST_NAME).exists():
        raise ArtifactError(f"aligning text and behaviour: {folder} already holds a finished model; give an empty directory")
    folder.mkdir(parents=True, exist_ok=True)
    log, best_epoch = _epochs(session, folder, progress)
    checkpoint.read_weights(folder / WEIGHTS_NAME, session.projector)
    _write_projected(session, folder)
    write_json(folder / LOG_NAME, log)
    best = log[best_epoch - 1]
    metrics = {"epochs": float(len(log)), "best_epoch": float(best_epoch), "held_out": float(len(session.held_out))}
    metrics |= {f"held_out_{name}" if "@" in name else f"train_{name}": value for name, value in best.items() if name != "epoch"}
    return write_manifest(
        folder,
        model=ALIGNMENT_NAME,
        config=config.to_mapping(),
        seed=config.seed,
        parents=dict(parents or {}),
        metrics=metrics,
        files=(WEIGHTS_NAME, VECTORS_NAME, LOG_NAME),
    )


class _Session:
    """The live objects of one run: projector, optimiser, vectors, and which items are learned from or held out."""

    def __init__(self, text: Matrix, behaviour: Matrix, has_behaviour: Mask, config: AlignmentConfig) -> None:
        import torch

        from modeling.joint_representation.projector import Projector

        self.config = config
        self.training, self.held_out = split_items(text, behaviour, has_behaviour, config)
        self.known = np.flatnonzero(has_behaviour)
        self.text, self.behaviour = torch.from_numpy(text), torch.from_numpy(behaviour)
        generator = torch_generator(config.seed, "weights")
        self.projector = Projector(text.shape[1], config.hidden_size, behaviour.shape[1], generator=generator)
        self.optimizer = torch.optim.Adam(self.projector.parameters(), lr=config.learning_rate, fused=True)


def split_items(text: Matrix, behaviour: Matrix, has_behaviour: Mask, config: AlignmentConfig) -> tuple[Indices, Indices]:
    """Rows learned from and rows held out, both ascending, of the items with behaviour; DataError when the matrices do not fit."""
    if not len(text) == len(behaviour) == len(has_behaviour):
        raise DataError(
            f"aligning text and behaviour: {len(text)}, {len(behaviour)} and {len(has_behaviour)} rows; expected one per item in each"
        )
    drawn = numpy_generator(config.seed, "held-out items").permutation(np.flatnonzero(has_behaviour))
    count = round(len(drawn) * config.held_out_share)
    if len(drawn) - count < 2:
        raise DataError(f"aligning text and behaviour: {len(drawn) - count} items to learn from, expected at least 2; check the graph")
    return np.sort(drawn[count:]), np.sort(drawn[:count])


def _epochs(
    session: _Session, folder: Path, progress: Callable[[AlignmentProgress], None] | None
) -> tuple[list[dict[str, float]], int]:  # fmt: skip
    config, log, best_value, best_epoch = session.config, list[dict[str, float]](), -1.0, 0
    for epoch in range(1, config.max_epochs + 1):
        loss = _epoch(session, epoch)
        recall = recall_of_held_out(session.projector, session.text, session.behaviour, session.held_out, session.known)
        value = float(epoch) if recall is None else recall  # nothing held out: the latest epoch is the best
        if value > best_value:
            best_value, best_epoch = value, epoch
            checkpoint.write_weights(folder / WEIGHTS_NAME, session.projector)
        log.append({"epoch": epoch, "loss": loss} | ({} if recall is None else {f"recall@{CUTOFF}": recall}))
        if progress is not None:
            progress(AlignmentProgress(epoch, loss, recall, best_epoch))
        if 0 < config.patience_epochs <= epoch - best_epoch:
            break
    logger.info("alignment: best epoch %d of %d, %s", best_epoch, len(log), log[best_epoch - 1])
    return log, best_epoch


def _epoch(session: _Session, epoch: int) -> float:
    import torch

    from modeling.joint_representation.projector import contrastive_loss

    order = numpy_generator(session.config.seed, f"order of epoch {epoch}").permutation(session.training)
    total, count = 0.0, 0
    for start in range(0, len(order), session.config.batch_size):
        rows = torch.from_numpy(order[start : start + session.config.batch_size])
        if len(rows) < 2:  # a softmax over one item has no gradient
            continue
        session.optimizer.zero_grad(set_to_none=True)
        loss = contrastive_loss(session.projector(session.text[rows]), session.behaviour[rows], session.config.temperature)
        loss.backward()  # type: ignore[no-untyped-call]
        session.optimizer.step()
        total, count = total + float(loss.detach()) * len(rows), count + len(rows)
    return total / count


def recall_of_held_out(
    projector: "Projector", text: "torch.Tensor", behaviour: "torch.Tensor", held_out: Indices, known: Indices
) -> float | None:  # fmt: skip
    """Share of `held_out` rows whose own behaviour vector is among the ten nearest of rows `known`; None where there are none."""
    import torch
    import torch.nn.functional as F

    if not len(held_out):
        return None
    with torch.inference_mode():
        asked = projector(text[torch.from_numpy(held_out)])
        cosines = F.normalize(asked, dim=1) @ F.normalize(behaviour[torch.from_numpy(known)], dim=1).T
        own = torch.from_numpy(np.searchsorted(known, held_out))[:, None]
        better = (cosines > cosines.gather(1, own)).sum(1)
    return float((better < CUTOFF).double().mean())


def _write_projected(session: _Session, folder: Path) -> None:
    import safetensors.torch
    import torch

    with torch.inference_mode():
        projected = session.projector(session.text)
    write_bytes(folder / VECTORS_NAME, safetensors.torch.save({"ssl": projected.contiguous()}))
