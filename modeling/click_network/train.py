"""Train a click network: batches over all rows, several evaluations an epoch, the weights of the lowest validation LogLoss kept.

Random streams are functions of the seed and a purpose, so the same rows and config leave the same bytes on one machine.
"""

import copy
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from modeling.artifacts import Manifest, write_json, write_manifest
from modeling.click_network.config import ClickNetworkConfig
from modeling.click_network.data import ClickRows, Sizes, batch_of, check_fit, sizes_of
from modeling.click_network.infer import LOG_NAME, MODEL_NAME, SIZES_NAME, WEIGHTS_NAME, build, predict
from modeling.errors import DataError
from modeling.lrurec import checkpoint
from modeling.seeding import derived_seed, numpy_generator

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One look at the validation rows: steps so far, mean training loss since the last look, LogLoss (nats) and AUC."""

    epoch: float
    step: int
    train_loss: float
    log_loss: float
    auc: float


@dataclass(slots=True)
class _Run:
    network: "torch.nn.Module"
    optimizer: "torch.optim.Optimizer"
    schedule: "torch.optim.lr_scheduler.LRScheduler"
    config: ClickNetworkConfig
    sizes: Sizes
    log: list[Evaluation] = field(default_factory=list)
    best: int = -1
    weights: "Mapping[str, torch.Tensor]" = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether `patience` evaluations have passed since the best."""
        return 0 < self.config.patience <= len(self.log) - 1 - self.best


def train(
    rows: ClickRows,
    validation: ClickRows,
    config: ClickNetworkConfig,
    folder: Path,
    *,
    progress: Callable[[Evaluation], None] | None = None,
    parents: Mapping[str, str] | None = None,
) -> Manifest:
    """Learn P(liked) from `rows`; weights, sizes, log and manifest are left in `folder`, an empty directory.

    DataError without rows, or when the validation rows are of another shape or of one class only.
    """
    import torch

    sizes = sizes_of(rows)
    _check(rows, validation, sizes)
    with torch.random.fork_rng(devices=[]):  # the library initialises and drops out by torch's own generator
        torch.manual_seed(derived_seed(config.seed, "weights of the click network"))
        network = build(config, sizes, rows)
        optimizer = _optimizer(network, config)
        run = _Run(network, optimizer, _schedule(optimizer, config, len(rows)), config, sizes)
        for epoch in range(config.max_epochs):
            torch.manual_seed(derived_seed(config.seed, f"dropout of epoch {epoch}"))
            _epoch(run, rows, validation, epoch, progress)
            if run.is_over:
                break
    network.load_state_dict(run.weights)
    return _finish(run, folder, parents or {})


def _check(rows: ClickRows, validation: ClickRows, sizes: Sizes) -> None:
    if len(rows) < 2 or validation.liked.all() or not validation.liked.any():
        raise DataError(
            f"training a click network: {len(rows)} training rows, {len(validation)} for validation of which "
            f"{int(validation.liked.sum())} liked; expected at least 2, and both answers among those for validation"
        )
    check_fit(validation, sizes)


def _optimizer(network: "torch.nn.Module", config: ClickNetworkConfig) -> "torch.optim.Optimizer":
    """Adam with the decay in the gradient; the id tables of ours are decayed by `table_decay`."""
    import torch

    from modeling.click_network.network import RetrievalNetwork

    if not isinstance(network, RetrievalNetwork):
        return torch.optim.Adam(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    tables = network.tables()
    held = {id(table) for table in tables}
    others = [parameter for parameter in network.parameters() if id(parameter) not in held]
    groups = [{"params": tables, "weight_decay": config.table_decay}, {"params": others, "weight_decay": config.weight_decay}]
    return torch.optim.Adam(groups, lr=config.learning_rate)


def _schedule(optimizer: "torch.optim.Optimizer", config: ClickNetworkConfig, count: int) -> "torch.optim.lr_scheduler.LRScheduler":
    """The learning rate falls linearly to zero over `max_epochs`, whenever patience ends the run."""
    import torch

    steps = config.max_epochs * -(-count // config.batch_size)
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)


def _epoch(run: _Run, rows: ClickRows, validation: ClickRows, epoch: int, progress: Callable[[Evaluation], None] | None) -> None:
    batches = list(_batches(len(rows), run.config, epoch))
    looks = min(run.config.evaluations_per_epoch, len(batches))
    done = 0
    for part in range(1, looks + 1):
        until = len(batches) * part // looks
        losses = [_step(run, rows, chosen) for chosen in batches[done:until]]
        done = until
        found = _evaluate(run, validation, epoch * len(batches) + done, len(batches), float(np.mean(losses)))
        logger.info("click network %s: %s", run.config.model, found)
        if progress is not None:
            progress(found)
        if run.is_over:
            return


def _batches(count: int, config: ClickNetworkConfig, epoch: int) -> Iterator[npt.NDArray[np.int64]]:
    """Every row once in a random order; a last batch of one row is left out, since batch normalisation needs two."""
    order = numpy_generator(config.seed, f"order of epoch {epoch}").permutation(count)
    for start in range(0, count, config.batch_size):
        chosen = order[start : start + config.batch_size]
        if len(chosen) > 1:
            yield chosen


def _step(run: _Run, rows: ClickRows, chosen: npt.NDArray[np.int64]) -> float:
    """One optimiser step; the batch's mean loss in nats."""
    import torch

    run.optimizer.zero_grad(set_to_none=True)
    probability = run.network(batch_of(rows, chosen, run.config, run.sizes))
    loss = torch.nn.functional.binary_cross_entropy(probability, torch.from_numpy(rows.liked[chosen]).to(probability.dtype))
    loss.backward()  # type: ignore[no-untyped-call]
    run.optimizer.step()
    run.schedule.step()
    return float(loss.detach())


def _evaluate(run: _Run, validation: ClickRows, step: int, per_epoch: int, train_loss: float) -> Evaluation:
    """Look at the validation rows; the weights are copied where their LogLoss is the lowest so far."""
    from modeling.evaluation.click import click_metrics

    metrics = click_metrics(validation.liked, predict(run.network, validation, run.config, run.sizes))
    found = Evaluation(step / per_epoch, step, train_loss, metrics["log_loss"], metrics["auc"])
    run.log.append(found)
    if run.best < 0 or found.log_loss < run.log[run.best].log_loss:
        run.best, run.weights = len(run.log) - 1, copy.deepcopy(run.network.state_dict())
    return found


def _finish(run: _Run, folder: Path, parents: Mapping[str, str]) -> Manifest:
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint.write_weights(folder / WEIGHTS_NAME, run.network)
    write_json(folder / SIZES_NAME, asdict(run.sizes))
    write_json(folder / LOG_NAME, [asdict(found) for found in run.log])
    best = run.log[run.best]
    return write_manifest(
        folder,
        model=MODEL_NAME,
        config=run.config.to_mapping(),
        seed=run.config.seed,
        parents=parents,
        metrics={"valid_log_loss": best.log_loss, "valid_auc": best.auc, "best_epoch": best.epoch, "epochs": run.log[-1].epoch},
        files=(WEIGHTS_NAME, SIZES_NAME, LOG_NAME),
    )
