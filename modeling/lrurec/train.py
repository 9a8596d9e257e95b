"""Train LRURec: optimiser, epochs, selection on validation, checkpoints from which a resumed run is bit-identical.

No path is chosen and no test row is read here. A checkpoint is two safetensors files and, written last, a JSON state
that names their hashes; random streams are functions of (seed, step), so no generator state has to be kept.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from modeling.artifacts import MANIFEST_NAME, Manifest, fingerprint_of, write_json, write_manifest
from modeling.errors import ArtifactError, DataError
from modeling.lrurec import checkpoint
from modeling.lrurec.config import LRURecConfig
from modeling.lrurec.data import PackedBatch, batches, encode_sequences, training_sequences, vocabulary_of
from modeling.lrurec.infer import MODEL_NAME, VOCABULARY_NAME, WEIGHTS_NAME, LRURecModel
from modeling.seeding import numpy_generator, torch_generator
from modeling.text_encoder.embeddings import ItemEmbeddings

if TYPE_CHECKING:
    import torch

    from modeling.lrurec.network import LRURecNetwork

LOG_NAME = "epochs.json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """What the callback hears after each epoch: mean training loss (nats), validation metrics, best epoch so far."""

    epoch: int
    step: int
    loss: float
    metrics: Mapping[str, float]
    best_epoch: int


@dataclass(slots=True)
class RunState:
    """How far a run has come; everything besides weights and optimiser that a resumed run needs."""

    run: str
    epoch: int = 0
    step: int = 0
    best_value: float = -1.0
    best_epoch: int = 0
    log: list[dict[str, float]] = field(default_factory=list)

    def is_stale(self, patience: int) -> bool:
        return patience > 0 and self.epoch - self.best_epoch >= patience


def train(
    sequences: pa.Table,
    config: LRURecConfig,
    out_dir: Path,
    *,
    item_embeddings: ItemEmbeddings | None = None,
    validation_histories: pa.Table | None = None,
    validation_targets: pa.Table | None = None,
    progress: Callable[[Progress], None] | None = None,
    parents: Mapping[str, str] | None = None,
) -> Manifest:
    """Train on the train rows of set_sequences and leave the best epoch of the validation in `out_dir`.

    Validation: the rows of split 'valid' of set_recommendation and their targets; the last epoch is kept when there are
    none. A run that was stopped continues from its last finished epoch when called again with the same arguments.
    DataError for unusable rows, ArtifactError when `out_dir` holds something else.
    """
    validation = _validation(validation_histories, validation_targets)
    session = _Session(config, training_sequences(sequences), embeddings=item_embeddings, validation=validation)
    if not session.epoch_batches(0):
        raise DataError(
            f"training LRURec: none of the latest {config.max_length} positions of any sequence is a recommender's mention; "
            "check set_sequences.is_target, raise max_length or drop targets_only_recommender"
        )
    state = _start(session, out_dir, fingerprint_of([config.to_mapping(), _content(session), dict(parents or {})]))
    while state.epoch < config.max_epochs and not state.is_stale(config.patience_epochs):
        _epoch(session, state, out_dir, progress)
    return _finish(session, state, out_dir, dict(parents or {}))


class _Session:
    """The live objects of one run: network, optimiser, rows, validation."""

    def __init__(
        self, config: LRURecConfig, rows: pa.Table, *, embeddings: ItemEmbeddings | None, validation: "_Validation | None"
    ) -> None:
        from modeling.lrurec.network import LRURecNetwork

        self.config, self.validation = config, validation
        self.vocabulary = vocabulary_of(rows)
        self.features = _features(config, embeddings, self.vocabulary)
        self.encoder = embeddings.encoder if embeddings is not None and config.mode == "text" else None
        self.data = encode_sequences(rows, self.vocabulary, only_recommender=config.targets_only_recommender)
        size = 0 if self.features is None else self.features.shape[1]
        generator = torch_generator(config.seed, "weights")
        self.network = LRURecNetwork(config, item_count=len(self.vocabulary), feature_size=size, generator=generator)
        self.optimizer = optimizer_for(self.network)

    def epoch_batches(self, epoch: int) -> "list[PackedBatch]":
        generator = numpy_generator(self.config.seed, f"order of epoch {epoch}")
        return list(batches(self.data, generator, batch_size=self.config.batch_size, max_length=self.config.max_length))


def optimizer_for(network: "LRURecNetwork") -> "torch.optim.AdamW":
    """AdamW as published; biases and LayerNorms are exempt from weight decay, lambda parameters unless `decay_recurrence`."""
    import torch

    config = network.config
    marks = ("bias", "layer_norm") if config.decay_recurrence else ("bias", "layer_norm", "_log")
    named = list(network.named_parameters())
    groups = [
        {"params": [p for name, p in named if not any(m in name for m in marks)], "weight_decay": config.weight_decay},
        {"params": [p for name, p in named if any(m in name for m in marks)], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, eps=config.adam_epsilon, fused=True)


def training_step(
    network: "LRURecNetwork",
    optimizer: "torch.optim.Optimizer",
    batch: PackedBatch,
    features: "torch.Tensor | None",
    *,
    generator: np.random.Generator,
) -> float:
    """One optimiser step; returns the batch's mean loss in nats."""
    import torch

    optimizer.zero_grad(set_to_none=True)
    loss = network.loss(batch, features, generator=generator)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), network.config.gradient_clip)
    optimizer.step()
    return float(loss.detach())


def _epoch(session: _Session, state: RunState, out_dir: Path, progress: Callable[[Progress], None] | None) -> None:
    total = 0.0
    planned = session.epoch_batches(state.epoch)
    for batch in planned:
        generator = numpy_generator(session.config.seed, f"dropout of step {state.step}")
        total += training_step(session.network, session.optimizer, batch, session.features, generator=generator)
        state.step += 1
    state.epoch += 1
    loss = total / len(planned)
    metrics = session.validation.metrics(session) if session.validation else {}
    value = metrics.get(session.config.selection_metric, float(state.epoch))  # no validation: the latest epoch is the best
    if value > state.best_value:
        state.best_value, state.best_epoch = value, state.epoch
        checkpoint.write_weights(out_dir / WEIGHTS_NAME, session.network)
    state.log.append({"epoch": state.epoch, "loss": loss, **metrics})
    checkpoint.save(out_dir, session.network, session.optimizer, asdict(state))
    logger.info("lrurec epoch %d: loss %.4f %s", state.epoch, loss, metrics)
    if progress is not None:
        progress(Progress(state.epoch, state.step, loss, metrics, state.best_epoch))


@dataclass(frozen=True, slots=True)
class _Validation:
    """Examples of split 'valid' and their new targets, at least one."""

    histories: pa.Table
    targets: pa.Table

    def content(self) -> list[object]:
        """All that decides the metrics, for the fingerprint of the run."""
        return [self.histories.select(["example_id", "history_movie_ids"]).to_pylist(), self.targets.to_pylist()]

    def metrics(self, session: _Session) -> dict[str, float]:
        """Recall and nDCG at 10 over new targets, mentioned movies excluded, among the training vocabulary."""
        from modeling.evaluation.metrics import ndcg, recall
        from modeling.evaluation.protocols import rank_targets

        model = LRURecModel(session.network, session.vocabulary, features=session.features)
        found = rank_targets(
            model, self.histories, self.targets, candidates=session.vocabulary, model_name=MODEL_NAME, candidate_set="dataset_items"
        )
        ranks = found["rank"].to_numpy(zero_copy_only=False).astype(float)
        return {"recall@10": float(recall(ranks, 10).mean()), "ndcg@10": float(ndcg(ranks, 10).mean())}


def _validation(histories: pa.Table | None, targets: pa.Table | None) -> _Validation | None:
    import pyarrow.compute as pc

    if histories is None or targets is None:
        return None
    chosen = histories.filter(pc.equal(histories["split"], "valid"))
    wanted = targets.filter(pc.and_(pc.is_in(targets["example_id"], value_set=chosen["example_id"].combine_chunks()), targets["is_new"]))
    return _Validation(chosen, wanted) if wanted.num_rows else None


def _features(config: LRURecConfig, embeddings: ItemEmbeddings | None, vocabulary: list[str]) -> "torch.Tensor | None":
    import torch

    if config.mode == "id":
        return None
    if embeddings is None:
        raise DataError("training LRURec in text mode: no item embeddings were given; pass item_embeddings or set mode to 'id'")
    rows, known = embeddings.rows_of(vocabulary)
    if not known.all():
        missing = [movie for movie, present in zip(vocabulary, known, strict=True) if not present]
        raise DataError(
            f"training LRURec in text mode: {len(missing)} of {len(vocabulary)} movies have no embedding (first: {missing[:3]}); "
            "embed every movie of the training sequences"
        )
    return torch.from_numpy(rows)


def _content(session: _Session) -> list[str]:
    """Hashes of everything a run reads: what it learns from, and what chooses its best epoch and its end."""
    data, features = session.data, session.features
    parts = [data.values.tobytes(), data.offsets.tobytes(), data.counted.tobytes(), "\n".join(session.vocabulary).encode()]
    parts += [] if features is None else [features.numpy().tobytes()]
    chosen_by = [] if session.validation is None else [fingerprint_of(session.validation.content())]
    return [hashlib.sha256(part).hexdigest() for part in parts] + chosen_by


def _start(session: _Session, out_dir: Path, run: str) -> RunState:
    out_dir.mkdir(parents=True, exist_ok=True)
    if (out_dir / MANIFEST_NAME).exists():
        raise ArtifactError(f"training LRURec: {out_dir} already holds a finished model; give an empty directory")
    saved = checkpoint.load(out_dir, session.network, session.optimizer, run=run)
    return RunState(run) if saved is None else RunState(**saved)


def _finish(session: _Session, state: RunState, out_dir: Path, parents: dict[str, str]) -> Manifest:
    write_json(out_dir / VOCABULARY_NAME, {"movie_ids": session.vocabulary, "encoder": session.encoder})
    write_json(out_dir / LOG_NAME, state.log)
    best = state.log[state.best_epoch - 1]
    metrics = {"epochs": float(state.epoch), "steps": float(state.step), "best_epoch": float(state.best_epoch)}
    metrics |= {f"valid_{name}" if "@" in name else f"train_{name}": value for name, value in best.items() if name != "epoch"}
    manifest = write_manifest(
        out_dir,
        model=MODEL_NAME,
        config=session.config.to_mapping(),
        seed=session.config.seed,
        parents=parents,
        metrics=metrics,
        files=(WEIGHTS_NAME, VOCABULARY_NAME, LOG_NAME),
    )
    checkpoint.remove(out_dir)
    return manifest
