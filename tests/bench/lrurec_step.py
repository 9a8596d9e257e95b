"""Ratio of training tokens per second: our LRURec step against a plain elementwise loop over positions, in one run.

    python tests/bench/lrurec_step.py [--steps 6] [--threads 2]

The reference is a straightforward torch implementation of the same equations: left-padded batch, complex parameters,
a Python loop over positions, torch's dropout, AdamW and cross entropy. Both start from the same weights. At ML-1M size:
3,416 items, batch 128, length 200, D 64, once with every sequence at full length and once with lengths like ML-1M's.
The loss curves are compared without dropout, since the two draw different masks. The two take turns, step by step, so
that other work on the machine slows both; `cpu_ratio`, from processor seconds, hardly feels it at `--threads 1`.
"""

import argparse
import json
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from modeling.lrurec.config import LRURecConfig
from modeling.lrurec.data import PADDING, PackedBatch, Ragged, pack_training
from modeling.lrurec.network import LRURecNetwork, RecurrentBlock
from modeling.lrurec.train import optimizer_for, training_step
from modeling.seeding import numpy_generator, torch_generator

ITEMS, BATCH, LENGTH = 3416, 128, 200


class LoopBlock(nn.Module):
    """One block, equation by equation."""

    def __init__(self, ours: RecurrentBlock, dropout: float) -> None:
        super().__init__()
        w_in, w_out = ours.in_weight.detach(), ours.out_weight.detach()
        self.nu_log, self.theta_log, self.gamma_log = (
            nn.Parameter(p.detach().clone()) for p in (ours.nu_log, ours.theta_log, ours.gamma_log)
        )
        self.B = nn.Parameter(torch.complex(w_in[:, 0], w_in[:, 1]))
        self.b_B = nn.Parameter(torch.complex(ours.in_bias.detach()[:, 0], ours.in_bias.detach()[:, 1]))
        self.C = nn.Parameter(torch.complex(w_out[..., 0], -w_out[..., 1]))
        self.b_C = nn.Parameter(ours.out_bias.detach().clone())
        self.w1, self.b1 = nn.Parameter(ours.up_weight.detach().clone()), nn.Parameter(ours.up_bias.detach().clone())
        self.w2, self.b2 = nn.Parameter(ours.down_weight.detach().clone()), nn.Parameter(ours.down_bias.detach().clone())
        self.norm1, self.norm2 = nn.LayerNorm(len(self.b_C)), nn.LayerNorm(len(self.b_C))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        decay = torch.exp(torch.complex(-torch.exp(self.nu_log), torch.exp(self.theta_log)))
        u = torch.exp(self.gamma_log) * F.linear(x.to(self.B.dtype), self.B, self.b_B)
        h, states = torch.zeros_like(u[:, 0]), []
        for k in range(u.shape[1]):
            h = decay * h + u[:, k]
            states.append(h)
            h = h * mask[:, k, None]
        y = self.norm1(self.dropout(F.linear(torch.stack(states, 1), self.C).real + self.b_C) + x)
        inner = self.dropout(F.gelu(F.linear(y, self.w1, self.b1)))
        return self.norm2(self.dropout(F.linear(inner, self.w2, self.b2)) + y)


class LoopNetwork(nn.Module):
    """The whole model on a left-padded batch of item indices (n, L), 0 for padding; scores (n, L, items)."""

    def __init__(self, ours: LRURecNetwork) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.cat([ours.items.padding.detach(), ours.item_vectors().detach()]))
        self.bias = nn.Parameter(ours.items.bias.detach().clone())
        self.norm, self.dropout = nn.LayerNorm(self.table.shape[1]), nn.Dropout(ours.config.dropout)
        self.blocks = nn.ModuleList(LoopBlock(block, ours.config.dropout) for block in ours.blocks)

    def forward(self, items: Tensor) -> Tensor:
        x = self.norm(self.dropout(self.table[items]))
        for block in self.blocks:
            x = block(x, items != PADDING)
        return F.linear(x, self.table[1:], self.bias)

    def loss(self, items: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(self(items).flatten(0, 1), labels.flatten(), ignore_index=-1)


def left_padded(data: Ragged, chosen: np.ndarray, length: int) -> tuple[Tensor, Tensor]:
    """Inputs and labels (n, length) as LRURec lays them out."""
    items, labels = np.zeros((len(chosen), length), np.int64), np.full((len(chosen), length), -1)
    for row, index in enumerate(chosen):
        sequence = data.values[data.offsets[index] : data.offsets[index + 1]]
        inputs, wanted = sequence[:-1][-length:], sequence[-length:]
        items[row, length - len(inputs) :] = inputs
        labels[row, length - len(wanted) :] = wanted - 1
    return torch.from_numpy(items), torch.from_numpy(labels)


def made_up(lengths: np.ndarray, seed: int = 0) -> Ragged:
    """Sequences with a Zipf-like item distribution and a first-order pattern, so that there is something to learn."""
    generator = np.random.default_rng(seed)
    total = int(lengths.sum())
    values = 1 + (np.floor(ITEMS * generator.random(total) ** 3).astype(np.int64) + 7 * (np.arange(total) % 5)) % ITEMS
    return Ragged(values, np.concatenate([[0], np.cumsum(lengths)]), np.ones(total, bool))


def loop_optimizer(reference: LoopNetwork, config: LRURecConfig) -> torch.optim.AdamW:
    """AdamW with the same exemptions from weight decay as ours."""
    exempt = [
        p
        for n, p in reference.named_parameters()
        if "norm" in n or n.endswith("_log") or n.rsplit(".", 1)[-1] in ("bias", "b1", "b2", "b_B", "b_C")
    ]
    held = [p for p in reference.parameters() if all(p is not other for other in exempt)]
    groups = [{"params": held, "weight_decay": config.weight_decay}, {"params": exempt, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.learning_rate, eps=config.adam_epsilon)


def loop_step(reference: LoopNetwork, optimizer: torch.optim.Optimizer, batch: tuple[Tensor, Tensor], clip: float) -> float:
    optimizer.zero_grad(set_to_none=True)
    loss = reference.loss(*batch)
    loss.backward()
    nn.utils.clip_grad_norm_(reference.parameters(), clip)
    optimizer.step()
    return float(loss.detach())


def compare(name: str, lengths: np.ndarray, *, dropout: float, steps: int) -> dict[str, object]:
    """Train both for `steps` steps on the same batches; median seconds a step, tokens/s, greatest loss difference."""
    config = LRURecConfig(dropout=dropout, max_length=LENGTH)
    ours = LRURecNetwork(config, item_count=ITEMS, feature_size=0, generator=torch_generator(0, "weights"))
    reference = LoopNetwork(ours)
    our_optimizer, their_optimizer = optimizer_for(ours), loop_optimizer(reference, config)
    data, chosen = made_up(lengths), np.arange(BATCH)
    packed: PackedBatch = pack_training(data, chosen, max_length=LENGTH)
    padded = left_padded(data, chosen, LENGTH)
    clocks, losses = [], []
    for step in range(steps):
        clocks.append((time.perf_counter(), time.process_time()))
        mine = training_step(ours, our_optimizer, packed, None, generator=numpy_generator(0, f"step {step}"))
        clocks.append((time.perf_counter(), time.process_time()))
        losses.append((mine, loop_step(reference, their_optimizer, padded, config.gradient_clip)))
    clocks.append((time.perf_counter(), time.process_time()))
    tokens = int((packed.labels >= 0).sum())
    spent = np.diff(np.array(clocks), axis=0)[2:]  # the first step of each warms up
    (ours_s, ours_cpu), (loop_s, loop_cpu) = np.median(spent[0::2], axis=0).tolist(), np.median(spent[1::2], axis=0).tolist()
    difference = max(abs(a - b) for a, b in losses)
    return {
        "case": name, "dropout": dropout, "tokens": tokens, "ours_s": round(ours_s, 4), "loop_s": round(loop_s, 4),
        "ours_tokens_s": round(tokens / ours_s), "loop_tokens_s": round(tokens / loop_s), "ratio": round(loop_s / ours_s, 2),
        "cpu_ratio": round(loop_cpu / ours_cpu, 2),
        "first_loss": losses[0], "last_loss": losses[-1], "max_loss_difference": difference if dropout == 0 else None,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=6, help="training steps per case, the first not timed")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    full = np.full(BATCH, LENGTH + 1)
    ml_1m = np.clip(np.random.default_rng(1).lognormal(4.57, 0.95, BATCH).astype(np.int64), 20, LENGTH + 1)  # median 96, as ML-1M
    for name, lengths, dropout in (("full", full, 0.0), ("full", full, 0.2), ("ml-1m lengths", ml_1m, 0.2)):
        sys.stdout.write(json.dumps(compare(name, lengths, dropout=dropout, steps=arguments.steps)) + "\n")


if __name__ == "__main__":
    main()
