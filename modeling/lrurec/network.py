"""The LRURec network: embedding, linear recurrent blocks, scores. No data, no training loop, no files.

Equations (Yue et al., WSDM 2024; y and z are post-normalised residuals, no positions, no attention):

    h_k = L h_{k-1} + gamma * (B x_k + b_B),  L = diag(exp(-exp(nu) + i exp(theta))),  gamma at the start sqrt(1 - |L|^2)
    y_k = LayerNorm(Dropout(Re(C h_k) + b_C) + x_k)
    z_k = LayerNorm(Dropout(W2 Dropout(GELU(W1 y_k + b1)) + b2) + y_k)
    score_k(i) = E_i . z_k + b_i

Notable here: rows are packed, so no step is spent on padding; gamma is folded into B; dropout masks come from a numpy
generator given per call (none given: no dropout), so there is no train/eval state and no global random state.
"""

import math
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from modeling.lrurec.config import LRURecConfig
from modeling.lrurec.data import NO_LABEL, PADDING, PackedBatch
from modeling.lrurec.head import softmax_loss
from modeling.lrurec.scan import Algorithm, RecurrentMix, Steps

INITIAL_STD, INITIAL_CUT = 0.02, 0.04  # truncated normal of everything but LayerNorms and lambda


@dataclass(frozen=True, slots=True)
class Dropout:
    """Dropout of a fixed rate whose masks are drawn from `generator`; 16 bits a value, so the rate is exact to 1.6e-5."""

    rate: float
    generator: np.random.Generator | None

    def __call__(self, rows: Tensor) -> Tensor:
        if self.generator is None or self.rate == 0:
            return rows
        words = self.generator.integers(0, 1 << 64, (rows.numel() + 3) // 4, dtype=np.uint64)
        threshold = round(self.rate * (1 << 16))
        kept = torch.from_numpy((words.view(np.uint16) >= threshold)[: rows.numel()]).view(rows.shape).to(rows.device)
        return cast(Tensor, MaskedScale.apply(rows, kept, 1 / (1 - threshold / (1 << 16))))  # type: ignore[no-untyped-call]


class MaskedScale(torch.autograd.Function):
    """rows * kept * scale, keeping only the boolean mask (a quarter of the bytes) for the backward pass."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, kept: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(kept)
        ctx.scale = scale
        return kept.to(rows.dtype).mul_(scale).mul_(rows)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return ctx.saved_tensors[0].to(grad.dtype).mul_(ctx.scale).mul_(grad), None, None


class RecurrentBlock(nn.Module):
    """One linear recurrent layer and its position-wise feed-forward layer, each with residual and LayerNorm."""

    def __init__(self, config: LRURecConfig, generator: torch.Generator) -> None:
        super().__init__()
        size, states, hidden = config.embedding_size, config.state_size, config.embedding_size * config.feed_forward_factor
        self.nu_log, self.theta_log, self.gamma_log = _ring(config, generator)
        self.in_weight = _truncated_normal((states, 2, size), generator)  # B: real and imaginary rows per state
        self.in_bias = _truncated_normal((states, 2), generator)
        self.out_weight = _truncated_normal((size, states, 2), generator)  # Re C and -Im C
        self.out_bias = _truncated_normal((size,), generator)
        self.layer_norm = nn.LayerNorm(size)
        self.up_weight, self.up_bias = _truncated_normal((hidden, size), generator), _truncated_normal((hidden,), generator)
        self.down_weight, self.down_bias = _truncated_normal((size, hidden), generator), _truncated_normal((size,), generator)
        self.feed_forward_layer_norm = nn.LayerNorm(size)

    def decay(self) -> Tensor:
        """The diagonal of Lambda, complex (state_size,)."""
        return torch.polar(torch.exp(-torch.exp(self.nu_log)), torch.exp(self.theta_log))

    def _projections(self) -> tuple[Tensor, Tensor, Tensor]:
        gamma = torch.exp(self.gamma_log)
        w_in = (gamma[:, None, None] * self.in_weight).flatten(0, 1)
        return w_in, (gamma[:, None] * self.in_bias).flatten(), self.out_weight.flatten(1)

    def forward(self, x: Tensor, steps: Steps, dropout: Dropout, algorithm: Algorithm) -> Tensor:
        """(rows, D) to (rows, D); rows are packed as `steps` says."""
        w_in, b_in, w_out = self._projections()
        mixed = cast(
            Tensor,
            RecurrentMix.apply(x, w_in, b_in, self.decay(), w_out, self.out_bias, steps, algorithm),  # type: ignore[no-untyped-call]
        )
        return self._feed_forward(self.layer_norm(dropout(mixed) + x), dropout)

    def _feed_forward(self, y: Tensor, dropout: Dropout) -> Tensor:
        hidden = dropout(F.gelu(F.linear(y, self.up_weight, self.up_bias)))
        output: Tensor = self.feed_forward_layer_norm(dropout(F.linear(hidden, self.down_weight, self.down_bias)) + y)
        return output

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One position (n, D) given states (n, H): the same numbers as the scan, in O(D^2); returns output and new states."""
        w_in, b_in, w_out = self._projections()
        inputs = torch.view_as_complex(F.linear(x, w_in, b_in).view(len(x), -1, 2))
        state = self.decay() * state + inputs
        mixed = F.linear(torch.view_as_real(state).flatten(1), w_out, self.out_bias)
        return self._feed_forward(self.layer_norm(mixed + x), Dropout(0.0, None)), state


class ItemTable(nn.Module):
    """Id mode: a learned row per item, tied between inputs and scores, and a bias per item."""

    def __init__(self, item_count: int, config: LRURecConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.rows = _truncated_normal((item_count, config.embedding_size), generator)
        self.padding = _truncated_normal((1, config.embedding_size), generator)
        self.item_bias = _truncated_normal((item_count,), generator)

    def vectors(self, features: Tensor | None) -> Tensor:
        return self.rows

    @property
    def bias(self) -> Tensor | None:
        return self.item_bias


class ItemProjector(nn.Module):
    """Text mode: frozen text embeddings through one trainable linear map; no bias per item, so any movie can be scored."""

    def __init__(self, feature_size: int, config: LRURecConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.weight = _truncated_normal((config.embedding_size, feature_size), generator)
        self.projector_bias = _truncated_normal((config.embedding_size,), generator)
        self.padding = _truncated_normal((1, config.embedding_size), generator)

    def vectors(self, features: Tensor | None) -> Tensor:
        if features is None:
            raise ValueError("text mode needs the items' text embeddings (items, features)")
        return F.linear(features, self.weight, self.projector_bias)

    @property
    def bias(self) -> Tensor | None:
        return None


class LRURecNetwork(nn.Module):
    """Item vectors, input normalisation, recurrent blocks."""

    def __init__(self, config: LRURecConfig, *, item_count: int, feature_size: int, generator: torch.Generator) -> None:
        super().__init__()
        self.config = config
        self.items: ItemTable | ItemProjector
        if config.mode == "id":
            self.items = ItemTable(item_count, config, generator)
        else:
            self.items = ItemProjector(feature_size, config, generator)
        self.layer_norm = nn.LayerNorm(config.embedding_size)
        self.blocks = nn.ModuleList(RecurrentBlock(config, generator) for _ in range(config.block_count))

    def item_vectors(self, features: Tensor | None = None) -> Tensor:
        """E (items, D): what inputs are looked up in and scores are products with."""
        return self.items.vectors(features)

    def hidden(self, batch: PackedBatch, vectors: Tensor, *, generator: np.random.Generator | None = None) -> Tensor:
        """z (rows, D) of every row of the batch; dropout masks from `generator`, none without it."""
        dropout = Dropout(self.config.dropout, generator)
        items = torch.from_numpy(batch.items[batch.empty_count :] - 1).to(vectors.device)
        looked_up = torch.cat([self.items.padding.expand(batch.empty_count, -1), F.embedding(items, vectors)])
        x: Tensor = self.layer_norm(dropout(looked_up))
        for block in self.blocks:
            x = block(x, Steps(batch.empty_count, batch.sizes), dropout, cast(Algorithm, self.config.scan))
        return x

    def loss(self, batch: PackedBatch, features: Tensor | None, *, generator: np.random.Generator | None) -> Tensor:
        """Mean cross entropy over all items at every labelled row."""
        vectors = self.item_vectors(features)
        hidden, labels = self.hidden(batch, vectors, generator=generator), torch.from_numpy(batch.labels).to(vectors.device)
        if (batch.labels == NO_LABEL).any():
            hidden, labels = hidden[labels != NO_LABEL], labels[labels != NO_LABEL]
        return softmax_loss(hidden, vectors, self.items.bias, labels)

    def initial_state(self, count: int) -> Tensor:
        """States before any item, zeros (blocks, count, H) complex."""
        parameter = self.layer_norm.weight
        shape = (self.config.block_count, count, self.config.state_size)
        return torch.zeros(shape, dtype=torch.complex(parameter[:1], parameter[:1]).dtype, device=parameter.device)

    def step(self, state: Tensor, items: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Read one more item per sequence (n,) item indices from 1: z (n, D) and the new states; equal to the scan.

        PADDING reads the empty history: its z ranks the first item, and its state stays zero.
        """
        known = (items != PADDING)[:, None]
        x = self.layer_norm(torch.where(known, F.embedding((items - 1).clamp(min=0), vectors), self.items.padding))
        states = []
        for block, old in zip(self.blocks, state, strict=True):
            x, new = cast(RecurrentBlock, block).step(x, old)
            states.append(new)
        return x, torch.stack(states) * known


def _truncated_normal(shape: tuple[int, ...], generator: torch.Generator) -> nn.Parameter:
    weights = torch.empty(shape)
    nn.init.trunc_normal_(weights, std=INITIAL_STD, a=-INITIAL_CUT, b=INITIAL_CUT, generator=generator)
    return nn.Parameter(weights)


def _ring(config: LRURecConfig, generator: torch.Generator) -> tuple[nn.Parameter, nn.Parameter, nn.Parameter]:
    """nu, theta, gamma in log space: |lambda|^2 uniform between the squared radii, phase uniform in [0, 2 pi)."""
    area, phase = torch.rand(2, config.state_size, generator=generator, dtype=torch.float64)
    low, high = config.ring_minimum**2, config.ring_maximum**2
    squared = (low + area * (high - low)).clamp(min=1e-12)
    nu_log = torch.log(-0.5 * torch.log(squared))
    theta_log = torch.log((phase * 2 * math.pi).clamp(min=1e-12))
    gamma_log = 0.5 * torch.log(1 - squared)
    return nn.Parameter(nu_log.float()), nn.Parameter(theta_log.float()), nn.Parameter(gamma_log.float())
