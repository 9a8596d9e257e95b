"""The linear recurrence h_t = lambda * h_{t-1} + u_t over packed sequences, forwards and backwards. No weights live here.

Two implementations give the same numbers. `sequential` walks the time steps, one fused multiply-add each, in place: it
moves the fewest bytes and is the fastest on a CPU (3.5 ms for 25,600 steps x 128 states). `halving` is the parallel
scan of LRURec (log2 L passes over sequences left-padded to a power of two), for devices where 200 small launches cost
more than eight large passes.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

Algorithm = Literal["sequential", "halving"]


@dataclass(frozen=True, slots=True)
class Steps:
    """Rows of a packed batch: first `empty_count` rows that stand alone, then time step after time step.

    Sequences are sorted by decreasing length, so step t holds rows of the first `sizes[t]` sequences, in order. The
    standing-alone rows are the padding positions that carry the empty-history prior; no state flows out of them.
    """

    empty_count: int
    sizes: tuple[int, ...]

    @property
    def row_count(self) -> int:
        return self.empty_count + sum(self.sizes)

    def views(self, rows: Tensor) -> tuple[Tensor, ...]:
        """Views of `rows` (row_count, ...), one per time step."""
        return torch.split(rows[self.empty_count :], list(self.sizes)) if self.sizes else ()


def scan_sequential(values: Tensor, decay: Tensor, steps: Steps) -> Tensor:
    """Turn inputs u (rows, H) into states h in place, one multiply-add per time step; returns `values`."""
    previous: Tensor | None = None
    for current in steps.views(values):
        if previous is not None:
            current.addcmul_(previous[: len(current)], decay)
        previous = current
    return values


def scan_sequential_reverse(values: Tensor, decay: Tensor, steps: Steps, *, states: Tensor) -> tuple[Tensor, Tensor]:
    """The recurrence from the last step to the first, in place; also the sum of h_{t-1} * q_t, which is d loss / d lambda."""
    slope = values.new_zeros(steps.sizes[0] if steps.sizes else 0, values.shape[1])
    following: Tensor | None = None
    for current, state in zip(reversed(steps.views(values)), reversed(steps.views(states)), strict=True):
        if following is not None:
            size = len(following)
            current[:size].addcmul_(following, decay)
            slope[:size].addcmul_(state[:size], following)
        following = current
    return values, slope.sum(0)


def scan_halving(padded: Tensor, decay: Tensor) -> Tensor:
    """States of `padded` inputs (n, L, H), L a power of two, zeros on the left, in log2 L passes; in place.

    Pass i takes blocks of 2^(i+1) steps whose halves are already scanned: the last state of the first half, decayed by
    lambda^1 ... lambda^(2^i), is added to the second half.
    """
    count, length, width = padded.shape
    powers = decay[None]
    while powers.shape[0] < length:
        half = powers.shape[0]
        blocks = padded.view(count, length // (2 * half), 2, half, width)
        blocks[:, :, 1].addcmul_(blocks[:, :, 0, -1:], powers)
        powers = torch.cat([powers, powers * powers[-1]])
    return padded


def pad_left(rows: Tensor, steps: Steps) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Packed rows (rows, H) as (n, L, H) with zeros on the left, L a power of two, and the (sequence, position) of each row."""
    sizes = torch.tensor(steps.sizes, device=rows.device)
    count, length = steps.sizes[0], 1 << (len(steps.sizes) - 1).bit_length()
    times = torch.repeat_interleave(torch.arange(len(sizes), device=rows.device), sizes)
    sequences = torch.arange(len(times), device=rows.device) - torch.repeat_interleave(sizes.cumsum(0) - sizes, sizes)
    lengths = torch.bincount(sequences, minlength=count)
    places = (sequences, length - lengths[sequences] + times)
    padded = rows.new_zeros(count, length, rows.shape[1])
    padded[places] = rows[steps.empty_count :]
    return padded, places


def _halving(values: Tensor, decay: Tensor, steps: Steps) -> Tensor:
    if steps.sizes:
        padded, places = pad_left(values, steps)
        values[steps.empty_count :] = scan_halving(padded, decay)[places]
    return values


def _halving_reverse(values: Tensor, decay: Tensor, steps: Steps, *, states: Tensor) -> tuple[Tensor, Tensor]:
    if not steps.sizes:
        return values, torch.zeros_like(decay)
    padded, places = pad_left(values, steps)
    scanned = scan_halving(padded.flip(1), decay).flip(1)
    values[steps.empty_count :] = scanned[places]
    earlier = pad_left(states, steps)[0]
    return values, (earlier[:, :-1] * scanned[:, 1:]).sum((0, 1))


def scan(values: Tensor, decay: Tensor, steps: Steps, *, algorithm: Algorithm) -> Tensor:
    """States of packed inputs `values` (rows, H) complex, computed in place by the named algorithm."""
    return scan_sequential(values, decay, steps) if algorithm == "sequential" else _halving(values, decay, steps)


def scan_reverse(values: Tensor, decay: Tensor, steps: Steps, *, states: Tensor, algorithm: Algorithm) -> tuple[Tensor, Tensor]:
    """Backward recurrence q_{t-1} += lambda * q_t in place, and the slope of the loss in lambda (both conjugated)."""
    run = scan_sequential_reverse if algorithm == "sequential" else _halving_reverse
    return run(values, decay, steps, states=states)


class RecurrentMix(torch.autograd.Function):
    """y = W_out h + b_out with h the scan of u = W_in x + b_in: both projections and the recurrence as one operation.

    One operation because the backward scan may then run in place in a buffer that nobody else holds, and no state is
    copied. x (rows, D); W_in (2H, D) and W_out (D, 2H) act on states interleaved as (re, im, re, im, ...); decay (H,)
    complex. Gradients follow torch's convention for complex numbers; the backward pass works on conjugated gradients,
    because conj(g)_{t-1} += lambda * conj(g)_t needs no conjugate of any large tensor.
    """

    @staticmethod
    def forward(  # noqa: PLR0913, PLR0917 - autograd passes arguments by position
        ctx: Any, x: Tensor, w_in: Tensor, b_in: Tensor, decay: Tensor, w_out: Tensor, b_out: Tensor, steps: Steps, algorithm: Algorithm
    ) -> Tensor:
        states = torch.addmm(b_in, x, w_in.t())
        scan(_complex(states), decay, steps, algorithm=algorithm)
        ctx.save_for_backward(x, w_in, decay, w_out, states)
        ctx.steps, ctx.algorithm = steps, algorithm
        return torch.addmm(b_out, states, w_out.t())

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, w_in, decay, w_out, states = ctx.saved_tensors
        signs = x.new_tensor([1.0, -1.0]).repeat(len(decay))
        conjugate = grad @ (w_out * signs)
        _, slope = scan_reverse(_complex(conjugate), decay, ctx.steps, states=_complex(states), algorithm=ctx.algorithm)
        d_x = conjugate @ (w_in * signs[:, None])
        d_w_in = (conjugate.t() @ x) * signs[:, None]
        return d_x, d_w_in, conjugate.sum(0) * signs, slope.conj(), grad.t() @ states, grad.sum(0), None, None


def _complex(rows: Tensor) -> Tensor:
    """(rows, 2H) interleaved reals as (rows, H) complex, sharing memory."""
    return torch.view_as_complex(rows.view(len(rows), rows.shape[1] // 2, 2))
