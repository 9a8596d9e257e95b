"""Train the reranker: lists in, weights and manifest out. How lists are made is in `data`.

The loss of a list is the cross entropy of the true film under a softmax over the list's scores. One pass over the lists.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from modeling.artifacts import Manifest, write_bytes, write_json, write_manifest
from modeling.errors import DataError
from modeling.reranker.config import RerankerConfig
from modeling.reranker.data import RankedList, pair_texts
from modeling.reranker.infer import LOG_NAME, MODEL_NAME, WEIGHTS_NAME, Reranker, log_softmax, tokenise
from modeling.seeding import derived_seed, numpy_generator

if TYPE_CHECKING:
    from modeling.reranker.network import CrossEncoder

Progress = Callable[[int, int, float], None]


def train(
    lists: Sequence[RankedList],
    validation: Sequence[RankedList],
    documents: Mapping[str, str],
    config: RerankerConfig,
    out_dir: Path,
    *,
    progress: Progress = lambda done, total, loss: None,
    parents: Mapping[str, str] | None = None,
) -> Manifest:
    """Fit on `lists`; choose the retriever's weight on `validation`, lists as retrieval gives them, with its scores and the truth.

    `progress` is told lists done, all lists and the loss in nats. DataError without a list of either kind.
    """
    if not lists or not any(listed.true >= 0 for listed in validation):
        raise DataError("training the reranker: expected training lists, and a validation list that holds its true film")
    from modeling.reranker.network import cross_encoder

    out_dir.mkdir(parents=True, exist_ok=True)
    network, tokenizer = cross_encoder(config)
    log = _descend(network, tokenizer, lists, documents, config, progress)
    model = Reranker(network.eval(), tokenizer, config, retrieval_weight=0.0)
    weight, metrics = chosen_weight(model.score_texts(validation, documents), validation, config.retrieval_weights)
    import safetensors.torch

    write_bytes(out_dir / WEIGHTS_NAME, safetensors.torch.save({k: v.contiguous() for k, v in network.state_dict().items()}))
    write_json(out_dir / LOG_NAME, log)
    metrics |= {"retrieval_weight": weight, "lists": float(len(lists))}
    return write_manifest(
        out_dir,
        model=MODEL_NAME,
        config=config.to_mapping(),
        seed=config.seed,
        parents=parents or {},
        metrics=metrics,
        files=(WEIGHTS_NAME, LOG_NAME),
    )


def chosen_weight(own: Sequence[Any], lists: Sequence[RankedList], weights: Sequence[float]) -> tuple[float, dict[str, float]]:
    """(the weight of the best mean reciprocal rank of the true film, the smallest of equals; that value and the retriever's alone)."""
    held = [(log_softmax(mine), log_softmax(one.retrieval), one.true) for mine, one in zip(own, lists, strict=True) if one.true >= 0]
    values = {weight: _mean_reciprocal_rank([(mine + weight * theirs, true) for mine, theirs, true in held]) for weight in weights}
    best = max(sorted(values), key=lambda weight: values[weight])
    alone = _mean_reciprocal_rank([(theirs, true) for _, theirs, true in held])
    return best, {"valid_mrr": values[best], "valid_mrr_retrieval_alone": alone, "valid_mrr_reranker_alone": values.get(0.0, float("nan"))}


def _mean_reciprocal_rank(scored: Sequence[tuple[Any, int]]) -> float:
    """Equal scores keep the order of the list."""
    ranks = [1 + int((scores > scores[true]).sum() + (scores[:true] == scores[true]).sum()) for scores, true in scored]
    return float(np.mean([1.0 / rank for rank in ranks]))


def _descend(
    network: "CrossEncoder",
    tokenizer: Any,
    lists: Sequence[RankedList],
    documents: Mapping[str, str],
    config: RerankerConfig,
    told: Progress,
) -> list[dict[str, float]]:
    import torch

    body = [parameter for parameter in network.body.parameters() if parameter.requires_grad]
    head = [*network.hidden.parameters(), *network.score.parameters()]
    groups = [{"params": body, "lr": config.learning_rate}, {"params": head, "lr": config.head_learning_rate}]
    optimiser = torch.optim.AdamW(groups, weight_decay=config.weight_decay)
    steps = -(-len(lists) // config.batch_lists)
    warmup = max(1, int(config.warmup_share * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min((step + 1) / warmup, (steps - step) / max(1, steps - warmup)))
    order = numpy_generator(config.seed, "order of the lists").permutation(len(lists))
    log, network = [], network.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(config.seed, "dropout of the reranker"))
        for step in range(steps):
            chosen = [lists[place] for place in order[step * config.batch_lists : (step + 1) * config.batch_lists]]
            loss = _loss(network, tokenizer, chosen, documents, config)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            log.append({"step": step + 1, "loss": loss.item()})
            told(min((step + 1) * config.batch_lists, len(lists)), len(lists), loss.item())
    return log


def _loss(
    network: "CrossEncoder", tokenizer: Any, lists: Sequence[RankedList], documents: Mapping[str, str], config: RerankerConfig
) -> Any:
    import torch

    pairs = [pair for listed in lists for pair in pair_texts(listed, documents, config)]
    scores = network(**tokenise(tokenizer, pairs, config))
    parts = torch.split(scores, [len(listed.movies) for listed in lists])
    losses = [-torch.log_softmax(part, 0)[listed.true] for part, listed in zip(parts, lists, strict=True)]
    return torch.stack(losses).mean()
