"""Cross entropy of a causal model at the positions whose label counts, and at no other. No trainer is in here."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modeling.language_model.data import MASKED, Row

if TYPE_CHECKING:
    import torch


def summed_loss(model: Any, inputs: "dict[str, torch.Tensor]") -> "tuple[torch.Tensor, torch.Tensor]":
    """Sum of the cross entropy in nats over the labels that count, and how many these are.

    `inputs`: input_ids, attention_mask and labels (rows, tokens), padded on the right. The head is the dearest layer of a
    small model and most positions of a prompt have no label: it runs only where some row of the batch has one.
    """
    import torch

    labels = inputs["labels"][:, 1:]
    kept = (labels != MASKED).any(0).nonzero().flatten()
    given = {"input_ids": inputs["input_ids"], "attention_mask": inputs["attention_mask"]}
    logits = model(**given, logits_to_keep=kept, use_cache=False).logits
    if logits.shape[1] != len(kept):  # a model of the hub that does not know the argument answers everywhere
        logits = logits[:, kept]
    wanted = labels[:, kept]
    total = torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), wanted.flatten(), ignore_index=MASKED, reduction="sum")
    return total, (wanted != MASKED).sum()


def nats_and_tokens(model: Any, rows: Sequence[Row], *, batch_size: int, padding: int) -> tuple[float, int]:
    """Summed loss in nats over the labels of rows that are not trained on, and how many labels; the model's mode is left as it was."""
    import torch

    was_training, total, count = model.training, 0.0, 0
    model.eval()
    order = sorted(rows, key=lambda row: -len(row.input_ids))
    with torch.no_grad():
        for start in range(0, len(order), batch_size):
            nats, tokens = summed_loss(model, padded(order[start : start + batch_size], padding, model.device))
            total, count = total + float(nats), count + int(tokens)
    model.train(was_training)
    return total, count


def padded(rows: Sequence[Row], padding: int, device: Any = None) -> "dict[str, torch.Tensor]":
    """Rows of one batch as tensors (rows, tokens), padded on the right; padding has no label."""
    import torch

    longest = max(len(row.input_ids) for row in rows)
    gaps = [longest - len(row.input_ids) for row in rows]
    columns = {
        "input_ids": [row.input_ids + [padding] * gap for row, gap in zip(rows, gaps, strict=True)],
        "labels": [row.labels + [MASKED] * gap for row, gap in zip(rows, gaps, strict=True)],
        "attention_mask": [[1] * (longest - gap) + [0] * gap for gap in gaps],
    }
    return {name: torch.tensor(values, device=device) for name, values in columns.items()}
