"""The policy over candidate sets: support, Gumbel-top-K sampling, exact log-probabilities. No weights, no reward in here.

A set is an ordered draw of K films without replacement (Plackett 1975, Luce 1959) from the softmax of scores / temperature:

    log pi(C) = sum_k [ s_ck / tau - logsumexp over films of the support not drawn before k of s_j / tau ]

The K largest of s_i / tau + g_i with g_i standard Gumbel are such a draw (Yellott 1977; Kool et al. 2019). Reconstruction: RAR's
abstract says only that candidate sets are sampled (METHODS section 2.5, point 4).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from modeling.errors import DataError


@dataclass(frozen=True, slots=True)
class Support:
    """The films a set can hold, best first: `films` int64 [turns, n], and `known` bool [turns, n], false where there are fewer than n."""

    films: Tensor
    known: Tensor


def support_of(scores: Tensor, size: int) -> Support:
    """The `size` films of highest score of each row [turns, films]; films at minus infinity (named before, unknown) are in no support."""
    best = torch.topk(scores, min(size, scores.shape[1]), dim=1)
    return Support(best.indices, best.values > -torch.inf)


def supported(scores: Tensor, support: Support) -> Tensor:
    """Scores [turns, n] of the films of a support, minus infinity where there is no film."""
    return torch.gather(scores, 1, support.films).masked_fill(~support.known, -torch.inf)


def sample(scores: Tensor, *, set_count: int, size: int, temperature: float, generator: np.random.Generator) -> Tensor:
    """`set_count` draws of `size` places of a support: int64 [turns, sets, size] in order of drawing, -1 where the films run out.

    `scores` [turns, n] as `supported` gives them. -log of a standard exponential is standard Gumbel; numpy draws the
    exponential without a logarithm, which is a third of the time. One draw in ten million is 0, whose Gumbel would be infinite and
    draw a film that is not there.
    """
    if set_count < 1 or size < 1 or not temperature > 0:
        raise DataError(f"sampling {set_count} sets of {size} films at temperature {temperature}: expected at least 1, 1 and above 0")
    turns, films = scores.shape
    noise = torch.from_numpy(generator.standard_exponential((turns, set_count, films), dtype=np.float32))
    noise = noise.clamp_(min=torch.finfo(noise.dtype).tiny).log_()
    keys = (scores.detach() / temperature)[:, None, :] - noise.to(scores.device)
    best = torch.topk(keys, min(size, films), dim=2)
    drawn = best.indices.masked_fill_(best.values == -torch.inf, -1)
    return nn.functional.pad(drawn, (0, size - drawn.shape[2]), value=-1)


def log_probabilities(scores: Tensor, sets: Tensor, *, temperature: float) -> Tensor:
    """log pi of each set [turns, sets], in nats, differentiable in `scores` [turns, n]; `sets` as `sample` gives them.

    What is left of the mass before draw k is what no draw takes plus what draws k and later take: sums only, so nothing cancels where
    the draws hold nearly all of it. The probabilities of all orders of all sets of one size sum to 1. A set without a film has
    log-probability 0; places that are -1 count for nothing.
    """
    scaled = scores / temperature
    there = sets >= 0
    drawn = torch.gather(scaled[:, None, :].expand(-1, sets.shape[1], -1), 2, sets.clamp(min=0)).masked_fill(~there, -torch.inf)
    later = _reversed_logcumsumexp(drawn)
    left = torch.logaddexp(later, _undrawn(scaled, sets, there)[:, :, None])
    return torch.where(there, drawn - left, 0.0).sum(dim=2)


def _undrawn(scaled: Tensor, sets: Tensor, there: Tensor) -> Tensor:
    """logsumexp [turns, sets] over the films that a set does not hold; minus infinity where it holds all."""
    places = torch.where(there, sets, scaled.shape[1])  # a column that is cut off again takes what is not there
    taken = torch.zeros((*sets.shape[:2], scaled.shape[1] + 1), dtype=torch.bool, device=scaled.device)
    taken.scatter_(2, places, True)
    rest = scaled[:, None, :].masked_fill(taken[:, :, :-1], -torch.inf)
    return _finite_logsumexp(rest)


def _finite_logsumexp(values: Tensor) -> Tensor:
    """logsumexp over the last axis whose gradient is 0, not NaN, where all are minus infinity."""
    top = values.detach().amax(dim=-1, keepdim=True).clamp(min=torch.finfo(values.dtype).min)
    total = torch.exp(values - top).sum(dim=-1)
    empty = total == 0
    found: Tensor = torch.where(empty, -torch.inf, torch.log(torch.where(empty, 1.0, total)) + top.squeeze(-1))
    return found


def _reversed_logcumsumexp(values: Tensor) -> Tensor:
    """log of sums of exp from each place to the end, [turns, sets, K]."""
    return torch.logcumsumexp(values.flip(2), dim=2).flip(2)
