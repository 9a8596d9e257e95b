"""The projector from text to behaviour and its symmetric contrastive loss (RALLRec, L_ssl). Torch only, no training loop."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Projector(nn.Module):
    """Two layers: text [n, t] -> `hidden_size` -> ReLU -> behaviour space [n, d]."""

    def __init__(self, text_size: int, hidden_size: int, behaviour_size: int, *, generator: torch.Generator) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(text_size, hidden_size), nn.Linear(hidden_size, behaviour_size)
        with torch.no_grad():
            for layer in (self.inner, self.outer):
                layer.weight.normal_(0, layer.in_features**-0.5, generator=generator)
                layer.bias.zero_()

    def forward(self, text: Tensor) -> Tensor:
        projected: Tensor = self.outer(F.relu(self.inner(text)))
        return projected


def contrastive_loss(projected: Tensor, behaviour: Tensor, temperature: float) -> Tensor:
    """Mean over items of both directions' cross entropies, summed, in nats; [n, d] twice, row i of one belongs to row i of the other.

    Cosines over temperature; the printed equation is temperature 1. Print: f(a, b) = exp cos(MLP(a), b) also with a behaviour vector
    as a, which the projector cannot read; our reading is that the second sum runs down the columns of the same cosines. The
    sums over all items v are sums over the batch.
    """
    logits = F.normalize(projected, dim=1) @ F.normalize(behaviour, dim=1).T / temperature
    labels = torch.arange(len(logits))
    return F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)
