"""Train the linker's scorers: rows in, weights.json and manifest.json out. How rows are made is no business of this module.

The loss is the negative log-likelihood of the right film of each stretch, or of 'none', under a softmax over the stretch's
films and a null of score 0 (a conditional logit with an outside option: McFadden 1974). Films in train, tune and test do not
meet: weights are fitted on train, early stopping, calibration (Platt 1999) and thresholds on tune.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from modeling.artifacts import Manifest, write_json, write_manifest
from modeling.errors import DataError
from modeling.link_scorer.config import LinkScorerConfig
from modeling.seeding import numpy_generator, torch_generator

if TYPE_CHECKING:
    import torch

WEIGHTS = "weights.json"
RIGHT, OPEN = 1, -1
_FAR = -30.0  # score of a pair that does not count
DIGITS = 6  # of a weight, in the file
Array = np.ndarray[Any, Any]
Progress = Callable[[str, int, float], None]


@dataclass(frozen=True, slots=True)
class ScorerRows:
    """m pairs of one kind of query. `stretch` int64, `label` int8 (1 right, 0 wrong, -1 open), `features` float32 (m, names)."""

    names: Sequence[str]
    stretch: Array
    label: Array
    features: Array


@dataclass(frozen=True, slots=True)
class _Batches:
    """Rows sorted by stretch: stretch s has rows starts[s] to starts[s + 1]."""

    features: "torch.Tensor"
    label: "torch.Tensor"
    starts: Array


def train(
    rows: Mapping[str, tuple[ScorerRows, ScorerRows]],
    cues: Mapping[str, Mapping[str, float]],
    config: LinkScorerConfig,
    directory: Path,
    *,
    run: Mapping[str, Any],
    parents: Mapping[str, str],
    progress: Progress = lambda kind, epoch, loss: None,
) -> Manifest:
    """Fit one scorer per kind in `rows` ('text', 'title': (train, tune)); `cues` and `run` (who made it) go into the file as they are."""
    directory.mkdir(parents=True, exist_ok=True)
    scorers: dict[str, dict[str, Any]] = {}
    metrics: dict[str, float] = {}
    for kind, (fitted, tuned) in rows.items():
        scorers[kind], measured = _fit(fitted, tuned, config, partial(progress, kind))
        metrics |= {f"{kind}/{name}": value for name, value in measured.items()}
    trained = {**run, "config": asdict(config), "metrics": metrics}
    write_json(directory / WEIGHTS, {"cues": {place: dict(values) for place, values in cues.items()}, **scorers, "trained": trained})
    return write_manifest(
        directory, model="link_scorer", config=asdict(config), seed=config.seed, parents=parents, metrics=metrics, files=[WEIGHTS]
    )


def _fit(
    fitted: ScorerRows, tuned: ScorerRows, config: LinkScorerConfig, told: Callable[[int, float], None]
) -> tuple[dict[str, Any], dict[str, float]]:
    import torch

    _insist_on(fitted, tuned)
    mean, deviation = fitted.features.mean(axis=0), fitted.features.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1).astype(np.float32)
    train_rows, tune_rows = (_batches(rows, mean, deviation) for rows in (fitted, tuned))
    network = _network(fitted.features.shape[1], config)
    losses = _descend(network, train_rows, tune_rows, config, told)
    with torch.no_grad():
        scores = network(tune_rows.features)[:, 0].numpy().astype(np.float64)
    scale, shift = _calibrate(scores, tune_rows)
    links = _links(scale * scores + shift, tune_rows, config)
    layers = [layer for layer in network if isinstance(layer, torch.nn.Linear)]
    scorer = {
        "names": list(fitted.names), "mean": _plain(mean), "deviation": _plain(deviation),
        "layers": [{"matrix": _plain(layer.weight.detach().numpy().T), "bias": _plain(layer.bias.detach().numpy())} for layer in layers],
        "scale": scale, "shift": shift, "threshold": links.pop("threshold"), "margin": config.margin, "report": config.report,
    }  # fmt: skip
    return scorer, {"tune loss": losses, **links}


def _insist_on(fitted: ScorerRows, tuned: ScorerRows) -> None:
    for name, rows in (("train", fitted), ("tune", tuned)):
        if not (rows.label == RIGHT).any():
            raise DataError(
                f"training the link scorer: the {name} films have no right pair among {len(rows.label)}; expected dialogues whose "
                "mentions are linked: check `link_mentions` with `marquee sql`"
            )


def _batches(rows: ScorerRows, mean: Array, deviation: Array) -> _Batches:
    import torch

    order = np.argsort(rows.stretch, kind="stable")
    stretch = rows.stretch[order]
    starts = np.flatnonzero(np.concatenate([[True], stretch[1:] != stretch[:-1], [True]]))
    features = torch.from_numpy(((rows.features[order] - mean) / deviation).astype(np.float32))
    return _Batches(features, torch.from_numpy(rows.label[order].astype(np.int64)), starts)


def _network(inputs: int, config: LinkScorerConfig) -> "torch.nn.Sequential":
    import torch

    size = config.hidden_size
    layers = [torch.nn.Linear(inputs, size), torch.nn.Linear(size, size), torch.nn.Linear(size, 1)]
    drawn = torch_generator(config.seed, "initial weights")
    for layer in layers:
        torch.nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=drawn)
        torch.nn.init.zeros_(layer.bias)
    return torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])


def _descend(
    network: "torch.nn.Sequential", fitted: _Batches, tuned: _Batches, config: LinkScorerConfig, told: Callable[[int, float], None]
) -> float:
    """AdamW with a one-cycle rate; leaves the weights of the epoch with the lowest loss on the tune films, and returns that loss."""
    import torch

    count = len(fitted.starts) - 1
    steps = config.epochs * -(-count // config.stretches_per_batch)
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.learning_rate, total_steps=steps)
    order = numpy_generator(config.seed, "order of stretches")
    best: tuple[float, dict[str, torch.Tensor]] = (float("inf"), {})
    for epoch in range(config.epochs):
        shuffled = order.permutation(count)
        for start in range(0, count, config.stretches_per_batch):
            optimiser.zero_grad()
            _loss(network, fitted, np.sort(shuffled[start : start + config.stretches_per_batch])).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        with torch.no_grad():
            loss = float(_loss(network, tuned, np.arange(len(tuned.starts) - 1)))
        told(epoch, loss)
        if loss < best[0]:
            best = (loss, {name: value.clone() for name, value in network.state_dict().items()})
    network.load_state_dict(best[1])
    return best[0]


def _loss(network: "torch.nn.Sequential", rows: _Batches, stretches: Array) -> "torch.Tensor":
    """Mean negative log-likelihood of `stretches`; a stretch whose pairs are all open costs nothing."""
    import torch

    counts = rows.starts[stretches + 1] - rows.starts[stretches]
    places = torch.from_numpy(np.repeat(rows.starts[stretches] - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum()))
    owner = torch.from_numpy(np.repeat(np.arange(len(stretches)), counts))
    label = rows.label[places]
    scores = network(rows.features[places])[:, 0].masked_fill(label == OPEN, _FAR)
    highest = torch.zeros(len(stretches)).scatter_reduce(0, owner, scores.detach(), "amax", include_self=True)
    total = torch.exp(-highest).index_add(0, owner, torch.exp(scores - highest[owner]))
    right = torch.zeros(len(stretches)).index_add(0, owner, torch.where(label == RIGHT, scores, torch.zeros_like(scores)))
    return (highest + torch.log(total) - right).mean()


def _calibrate(scores: Array, rows: _Batches) -> tuple[float, float]:
    """Scale and shift of the scores that minimise the loss on the tune films."""
    from scipy.optimize import minimize

    label = rows.label.numpy()
    counted = np.where(label == OPEN, _FAR, 0.0)

    def loss(pair: Array) -> float:
        shares, null = _shares(pair[0] * scores + pair[1] + counted, rows.starts)
        right = np.bincount(_owners(rows.starts), np.where(label == RIGHT, shares, 0.0), len(rows.starts) - 1)
        is_right = np.bincount(_owners(rows.starts), label == RIGHT, len(rows.starts) - 1) > 0
        return float(-np.log(np.maximum(np.where(is_right, right, null), 1e-12)).mean())

    found = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x
    return round(float(found[0]), DIGITS), round(float(found[1]), DIGITS)


def _owners(starts: Array) -> Array:
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def _shares(scores: Array, starts: Array) -> tuple[Array, Array]:
    """(share of each pair, share of the null of each stretch)."""
    owner = _owners(starts)
    highest = np.maximum(np.maximum.reduceat(scores, starts[:-1]), 0)
    weights = np.exp(scores - highest[owner])
    total = np.exp(-highest) + np.add.reduceat(weights, starts[:-1])
    return weights / total[owner], np.exp(-highest) / total


def _links(scores: Array, rows: _Batches, config: LinkScorerConfig) -> dict[str, float]:
    """The threshold that gives the wanted precision on the tune films, and what is linked with it."""
    label, owner = rows.label.numpy(), _owners(rows.starts)
    shares, _ = _shares(scores, rows.starts)
    order = np.lexsort((-shares, owner))
    best = order[rows.starts[:-1]]
    second = np.where(np.diff(rows.starts) > 1, shares[order[np.minimum(rows.starts[:-1] + 1, len(order) - 1)]], 0.0)
    kept = best[(shares[best] - second >= config.margin) & (label[best] != OPEN)]
    kept = kept[np.argsort(-shares[kept], kind="stable")]
    precision = np.cumsum(label[kept] == RIGHT) / np.arange(1, len(kept) + 1)
    enough = np.flatnonzero(precision >= config.precision)
    last = int(enough[-1]) if len(enough) else 0
    wanted = int((label == RIGHT).sum())
    return {
        "threshold": round(float(shares[kept[last]]), DIGITS) if len(kept) else 1.0,
        "tune precision": float(precision[last]) if len(kept) else 0.0,
        "tune recall among candidates": float(precision[last] * (last + 1) / wanted) if len(kept) else 0.0,
        "tune stretches": float(len(best)),
        "tune right pairs": float(wanted),
    }


def _plain(values: Array) -> Any:
    """Numbers as JSON has them, short."""
    return json.loads(json.dumps(np.round(np.asarray(values, np.float64), DIGITS).tolist()))
