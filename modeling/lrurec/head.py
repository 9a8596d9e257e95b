"""Full-softmax cross entropy over all items without ever holding all logits. No weights live here."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

CHUNK_ROWS = 256  # 256 rows x 3,416 items are 3.5 MB and stay in cache; 2,048 rows cost 12 % more time
SMALLEST_PROBABILITY = 1e-30  # below this log(p) of a float32 softmax is inexact, and the row is done again


class SoftmaxLoss(torch.autograd.Function):
    """Mean cross entropy of rows `hidden` (n, D) against items (V, D) with bias (V,) and labels (n,).

    The logits of ML-1M at batch 128, length 200 are 350 MB, and a plain cross entropy walks over them about eight
    times. Here each chunk of rows is multiplied, normalised and turned into its gradient while it is in cache, in the
    forward pass; backward only scales.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, items: Tensor, bias: Tensor | None, labels: Tensor) -> Tensor:
        wants_gradient = any(ctx.needs_input_grad)
        grads = (torch.empty_like(hidden), torch.zeros_like(items), None if bias is None else torch.zeros_like(bias))
        total = hidden.new_zeros(())
        for start in range(0, len(hidden), CHUNK_ROWS):
            rows = slice(start, start + CHUNK_ROWS)
            probabilities = torch.softmax(_logits(hidden[rows], items, bias), dim=-1)
            total += _negative_log(probabilities, hidden[rows], items, bias, labels[rows]).sum()
            if wants_gradient:
                _accumulate(probabilities, hidden[rows], items, labels[rows], (grads[0][rows], grads[1], grads[2]))
        if wants_gradient:
            ctx.save_for_backward(*(None if grad is None else grad.div_(len(hidden)) for grad in grads))
        return total / len(hidden)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return (*(None if saved is None else saved * grad for saved in ctx.saved_tensors), None)


def _logits(hidden: Tensor, items: Tensor, bias: Tensor | None) -> Tensor:
    return hidden @ items.t() if bias is None else torch.addmm(bias, hidden, items.t())


def _negative_log(probabilities: Tensor, hidden: Tensor, items: Tensor, bias: Tensor | None, labels: Tensor) -> Tensor:
    picked = probabilities.gather(1, labels[:, None])[:, 0]
    losses = -picked.log()
    rare = picked < SMALLEST_PROBABILITY
    if bool(rare.any()):
        losses[rare] = F.cross_entropy(_logits(hidden[rare], items, bias), labels[rare], reduction="none")
    return losses


def _accumulate(probabilities: Tensor, hidden: Tensor, items: Tensor, labels: Tensor, grads: tuple[Tensor, Tensor, Tensor | None]) -> None:
    """Turn the chunk's probabilities into logit gradients (p - onehot) and add them up."""
    probabilities[torch.arange(len(labels), device=labels.device), labels] -= 1.0
    torch.mm(probabilities, items, out=grads[0])
    grads[1].addmm_(probabilities.t(), hidden)
    if grads[2] is not None:
        grads[2].add_(probabilities.sum(0))


def softmax_loss(hidden: Tensor, items: Tensor, bias: Tensor | None, labels: Tensor) -> Tensor:
    """Mean over rows of -log softmax(hidden . items + bias)[label]; a scalar with gradients for the first three."""
    return SoftmaxLoss.apply(hidden, items, bias, labels)  # type: ignore[no-untyped-call,no-any-return]
