"""Train the query tower: turns, pairs and film vectors in, weights and manifest out. What a dialogue is made of is in `data`.

One epoch is all pairs once, in an order fixed by seed and epoch. The best epoch on validation is kept.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from modeling.artifacts import Manifest, write_bytes, write_json, write_manifest
from modeling.dense_retriever.config import DenseRetrieverConfig
from modeling.dense_retriever.data import Indices, Pairs, Turns
from modeling.errors import DataError
from modeling.seeding import derived_seed, numpy_generator, torch_generator
from modeling.text_encoder.embeddings import ItemEmbeddings, Matrix

if TYPE_CHECKING:
    import torch

    from modeling.dense_retriever.network import Towers

MODEL_NAME = "dense_retriever"
WEIGHTS_NAME, VOCABULARY_NAME, LOG_NAME = "weights.safetensors", "vocabulary.json", "epochs.json"
Progress = Callable[[int, float], None]


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """What is learned from: turns, their training and validation pairs, and the document vectors of the vocabulary in its order."""

    turns: Turns
    train: Pairs
    valid: Pairs
    films: ItemEmbeddings


def train(
    corpus: Corpus,
    config: DenseRetrieverConfig,
    out_dir: Path,
    *,
    progress: Progress = lambda epoch, loss: None,
    parents: Mapping[str, str] | None = None,
) -> Manifest:
    """Fit `members` towers and write them; `progress` is told epochs done over all members and the loss in nats."""
    out_dir.mkdir(parents=True, exist_ok=True)
    if not len(corpus.valid.turns):
        raise DataError("training the dense retriever: there is no validation pair to choose the epoch by; expected at least one")
    fits = [_fit(corpus, config, member, progress) for member in range(config.members)]
    state = {f"{member}.{name}": tensor for member, fit in enumerate(fits) for name, tensor in fit.state.items()}
    _write(out_dir / WEIGHTS_NAME, state)
    write_json(out_dir / VOCABULARY_NAME, {"movie_ids": list(corpus.films.ids), "encoder": corpus.films.encoder})
    write_json(out_dir / LOG_NAME, fits[0].log)
    metrics = {"epochs": float(len(fits[0].log)), "valid_recall@10": float(np.mean([fit.best for fit in fits]))}
    return write_manifest(
        out_dir,
        model=MODEL_NAME,
        config=config.to_mapping(),
        seed=config.seed,
        parents=parents or {},
        metrics=metrics,
        files=(WEIGHTS_NAME, VOCABULARY_NAME, LOG_NAME),
    )


@dataclass(slots=True)
class _Fit:
    best: float = -1.0
    state: dict[str, Any] = field(default_factory=dict)
    log: list[dict[str, float]] = field(default_factory=list)


def _fit(corpus: Corpus, config: DenseRetrieverConfig, member: int, progress: Progress) -> _Fit:
    import torch

    from modeling.dense_retriever.network import Towers

    generator = torch_generator(config.seed, f"towers of member {member}")
    sizes = {"film_count": len(corpus.films.ids), "turn_size": corpus.turns.features.shape[1], "film_size": corpus.films.matrix.shape[1]}
    towers = Towers(config, **sizes, generator=generator)
    optimiser = torch.optim.AdamW(towers.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    features, documents = torch.from_numpy(corpus.turns.features), torch.from_numpy(corpus.films.matrix)
    fit = _Fit()
    for epoch in range(config.max_epochs):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derived_seed(config.seed, f"dropout of member {member}, epoch {epoch}"))
            batches = _batches(corpus.train, config, epoch, member)
            loss = float(np.mean([_step(towers, optimiser, (features, documents), batch, config) for batch in batches]))
        recall = _recall(towers, features, documents, corpus.valid)
        fit.log.append({"epoch": epoch + 1, "loss": loss, "recall@10": recall})
        if recall > fit.best:
            fit.best, fit.state = recall, {name: value.clone() for name, value in towers.state_dict().items()}
        progress(member * config.max_epochs + epoch + 1, loss)
        if config.patience_epochs and epoch + 1 - _best_epoch(fit) >= config.patience_epochs:
            break
    return fit


def _best_epoch(fit: _Fit) -> int:
    return max(range(len(fit.log)), key=lambda place: fit.log[place]["recall@10"]) + 1


def _batches(pairs: Pairs, config: DenseRetrieverConfig, epoch: int, member: int) -> Iterator[Indices]:
    order = numpy_generator(config.seed, f"order of member {member}, epoch {epoch}").permutation(len(pairs.turns))
    for start in range(0, len(order), config.batch_size):
        chosen = order[start : start + config.batch_size]
        yield np.column_stack([pairs.turns[chosen], pairs.films[chosen], pairs.negatives[chosen]])


def _step(
    towers: "Towers", optimiser: "torch.optim.Optimizer", tensors: "tuple[torch.Tensor, torch.Tensor]", batch: Indices, config: Any
) -> float:
    import torch

    features, documents = tensors
    rows = torch.from_numpy(batch)
    towers.train()
    logits = towers.queries(features[rows[:, 0]]) @ towers.films(documents).t()
    if config.negatives == "mined":
        logits = logits.masked_fill(~_offered(rows, logits.shape[1]), -torch.inf)
    loss = torch.nn.functional.cross_entropy(logits, rows[:, 1])
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return loss.item()


def _offered(rows: "torch.Tensor", film_count: int) -> "torch.Tensor":
    """Which films each pair is told from, [batch, films]: every true film of the batch and the pair's own hard negatives."""
    import torch

    offered = torch.zeros(len(rows), film_count + 1, dtype=torch.bool)
    offered[:, rows[:, 1]] = True
    offered.scatter_(1, torch.where(rows[:, 2:] < 0, film_count, rows[:, 2:]), True)
    return offered[:, :film_count]


def _recall(towers: "Towers", features: "torch.Tensor", documents: "torch.Tensor", pairs: Pairs) -> float:
    """Recall@10 of validation pairs among the vocabulary; films named before stay in, which costs every epoch the same."""
    import torch

    towers.eval()
    with torch.inference_mode():
        scores = towers.queries(features[pairs.turns]) @ towers.films(documents).t()
        own = scores.gather(1, torch.from_numpy(pairs.films)[:, None])
        return float(((scores > own).sum(1) < 10).float().mean())


def film_vectors(towers: "Towers", documents: Matrix) -> Matrix:
    """Vectors [m, o + 1] float32 of the vocabulary's films."""
    import torch

    with torch.inference_mode():
        vectors: Matrix = towers.films(torch.from_numpy(documents)).numpy()
    return vectors


def _write(path: Path, tensors: "Mapping[str, torch.Tensor]") -> None:
    import safetensors.torch

    write_bytes(path, safetensors.torch.save({name: tensor.contiguous() for name, tensor in tensors.items()}))
