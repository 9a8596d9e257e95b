"""Losses on log-probabilities of candidate sets: tensors in, tensor out.

`policy`, `reference`, `sampling` are log pi [turns, sets] of the retriever that learns, of the one it is held to and of the one the sets
were drawn from; `rewards` [turns, sets]. Where a turn's rewards are all equal it says nothing and has no part in a loss.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def preference_loss(chosen: Tensor, rejected: Tensor, *, beta: float) -> Tensor:
    """DPO (Rafailov et al. 2023, equation 7) of log-ratios log pi - log pi_ref of the better and the worse set, each [pairs]; a mean."""
    return -F.logsigmoid(beta * (chosen - rejected)).mean()


def best_and_worst(rewards: Tensor) -> Tensor:
    """Pairs int64 [p, 3] of (turn, better set, worse set): the first set of highest against the first of lowest reward; no ties."""
    high, low = rewards.max(dim=1), rewards.min(dim=1)
    turns = torch.nonzero(high.values > low.values)[:, 0]
    best, worst = _first(rewards == high.values[:, None]), _first(rewards == low.values[:, None])
    return torch.stack([turns, best[turns], worst[turns]], dim=1)


def all_pairs(rewards: Tensor) -> Tensor:
    """Pairs int64 [p, 3] of (turn, better set, worse set), every two sets of different reward."""
    return torch.nonzero(rewards[:, :, None] > rewards[:, None, :])


def advantages(rewards: Tensor, *, relative: bool) -> Tensor:
    """Rewards less the turn's mean [turns, sets]; `relative` over the turn's standard deviation (GRPO: Shao et al. 2024), 0 for a tie."""
    tied = rewards.amax(dim=1, keepdim=True) == rewards.amin(dim=1, keepdim=True)  # the mean of equal rewards may be rounded
    centred = (rewards - rewards.mean(dim=1, keepdim=True)).masked_fill(tied, 0.0)
    if not relative:
        return centred
    deviation = centred.square().mean(dim=1, keepdim=True).sqrt()
    return centred / deviation.clamp(min=1e-12)


def reinforce_loss(policy: Tensor, rewards: Tensor) -> Tensor:
    """-advantage * log pi (Williams 1992), the turn's mean reward as baseline; a mean over sets."""
    return -(advantages(rewards, relative=False) * policy).mean()


def group_relative_loss(policy: Tensor, sampling: Tensor, rewards: Tensor, *, clip: float) -> Tensor:
    """The clipped ratio to the sampling policy times the group-relative advantage (Schulman et al. 2017, equation 7); a mean over sets."""
    gain, ratio = advantages(rewards, relative=True), torch.exp(policy - sampling)
    return -torch.minimum(gain * ratio, gain * ratio.clamp(1.0 - clip, 1.0 + clip)).mean()


def supervised_loss(scores: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Cross entropy of pairs (row of `scores` [turns, films], column of the target) over all films that may be offered; a mean."""
    return -F.log_softmax(scores, dim=1)[rows, columns].mean()


def _first(mask: Tensor) -> Tensor:
    return mask.to(torch.int8).argmax(dim=1)
