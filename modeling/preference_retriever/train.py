"""Learn: the supervised retriever before the first round, and the update of a round from sets and their rewards.

Both leave the weights in the policy they are given. Random streams are functions of seed and purpose, so the same inputs give the
same bits on one machine; no ranker is called and no file is written here.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from modeling.preference_retriever import loss as losses
from modeling.preference_retriever import rounds
from modeling.preference_retriever.candidate_sets import Support, log_probabilities, supported
from modeling.preference_retriever.config import PreferenceConfig
from modeling.preference_retriever.data import Turns
from modeling.preference_retriever.network import Policy
from modeling.preference_retriever.rounds import Draws
from modeling.seeding import numpy_generator

Tell = Callable[[int, int], None]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass: mean loss in nats (NaN before the first), and the validation's value."""

    epoch: int
    loss: float
    value: float


def supervise(
    policy: Policy, turns: Turns, config: PreferenceConfig, *, value: Callable[[Policy], float], tell: Tell | None = None
) -> list[Epoch]:
    """Cross entropy of the new targets over all films that may be offered; the epoch of highest `value` is kept, epoch 0 among them."""
    module = cast(nn.Module, policy)
    optimizer = torch.optim.AdamW(policy.parameters(), lr=config.supervised_learning_rate, weight_decay=config.weight_decay)
    log = [Epoch(0, float("nan"), value(policy))]
    best = copy.deepcopy(module.state_dict())
    for epoch in range(1, config.supervised_epochs + 1):
        found = [
            _step(optimizer, policy, _supervised(policy, turns.take(rows), _dropout(config, epoch, step)), config)
            for step, rows in enumerate(_batches(np.arange(len(turns)), config, f"supervised epoch {epoch}"))
        ]
        log.append(Epoch(epoch, float(np.mean([one for one in found if one is not None] or [np.nan])), value(policy)))
        if log[-1].value > max(one.value for one in log[:-1]):
            best = copy.deepcopy(module.state_dict())
        if tell is not None:
            tell(epoch, config.supervised_epochs)
    module.load_state_dict(best)
    return log


def _dropout(config: PreferenceConfig, epoch: int, step: int) -> np.random.Generator:
    return numpy_generator(config.seed, f"supervised dropout of epoch {epoch}, step {step}")


def _supervised(policy: Policy, turns: Turns, generator: np.random.Generator | None) -> Tensor | None:
    return _anchor(policy.scores(turns, generator=generator), turns)


def _anchor(scores: Tensor, turns: Turns) -> Tensor | None:
    """Cross entropy of the targets that can be offered; None where there is none."""
    pairs = [(row, column) for row, own in enumerate(turns.targets) for column in own]
    if not pairs:
        return None
    rows, columns = torch.tensor(pairs).unbind(1)
    offered = scores.detach()[rows, columns] > -torch.inf
    return losses.supervised_loss(scores, rows[offered], columns[offered]) if bool(offered.any()) else None


def _batches(rows: Rows, config: PreferenceConfig, purpose: str) -> Iterator[Rows]:
    order = rows[numpy_generator(config.seed, f"order of {purpose}").permutation(len(rows))]
    for start in range(0, len(order), config.batch_size):
        yield order[start : start + config.batch_size]


def _step(optimizer: torch.optim.Optimizer, policy: Policy, loss: Tensor | None, config: PreferenceConfig) -> float | None:
    if loss is None:
        return None
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(policy.parameters(), config.gradient_clip)
    optimizer.step()
    return float(loss.detach())


@dataclass(frozen=True, slots=True)
class Update:
    """What a round changed: turns that taught something, share of ties, mean loss of each epoch, KL to the reference in nats a turn."""

    turn_count: int
    tie_share: float
    losses: tuple[float, ...]
    divergence: float


def update(
    policy: Policy,
    reference: Policy,
    turns: Turns,
    draws: Draws,
    rewards: npt.NDArray[np.float64],
    config: PreferenceConfig,
    *,
    purpose: str,
) -> Update:
    """One round's update of `policy` in place. With all rewards tied nothing changes, whatever the anchor's weight."""
    told = torch.from_numpy(rewards.astype(np.float32))
    different = told.max(dim=1).values > told.min(dim=1).values
    rows = torch.nonzero(different)[:, 0].numpy()
    held = set_log_probabilities(reference, turns, draws, config)
    optimizer = torch.optim.AdamW(policy.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    means = []
    for epoch in range(config.update_epochs if len(rows) else 0):
        found = [
            _step(optimizer, policy, _loss(policy, turns, draws, (held, told), torch.from_numpy(part), config), config)
            for part in _batches(rows, config, f"{purpose}, epoch {epoch}")
        ]
        means.append(float(np.mean([one for one in found if one is not None] or [np.nan])))
    tied = 1.0 - len(rows) / max(1, len(turns))
    return Update(len(rows), tied, tuple(means), divergence(policy, reference, turns, draws.support, config))


def _loss(policy: Policy, turns: Turns, draws: Draws, told: tuple[Tensor, Tensor], rows: Tensor, config: PreferenceConfig) -> Tensor | None:
    """The objective on the rows of a batch plus the weighted anchor."""
    batch = turns.take(rows.numpy())
    scores = policy.scores(batch)
    anchor = _anchor(scores, batch)
    if config.objective == "anchor":
        return anchor
    own = log_probabilities(supported(scores, _support(draws, rows)), draws.sets[rows], temperature=config.temperature)
    found = _objective(own, told[0][rows], draws.sampling[rows], told[1][rows], config)
    return found if anchor is None or not config.anchor_weight else found + config.anchor_weight * anchor


def _objective(own: Tensor, held: Tensor, sampling: Tensor, rewards: Tensor, config: PreferenceConfig) -> Tensor:
    if config.objective == "group_relative":
        return losses.group_relative_loss(own, sampling, rewards, clip=config.clip)
    length = config.candidates if config.length_normalised else 1
    if config.objective == "reinforce":
        return losses.reinforce_loss(own / length, rewards)
    pairs = losses.best_and_worst(rewards) if config.objective == "dpo" else losses.all_pairs(rewards)
    ratios = (own - held) / length
    return losses.preference_loss(ratios[pairs[:, 0], pairs[:, 1]], ratios[pairs[:, 0], pairs[:, 2]], beta=config.beta)


def _support(draws: Draws, rows: Tensor) -> Support:
    return Support(draws.support.films[rows], draws.support.known[rows])


def set_log_probabilities(policy: Policy, turns: Turns, draws: Draws, config: PreferenceConfig) -> Tensor:
    """log pi of drawn sets [turns, sets] under another policy, over the support they were drawn from."""
    parts = [
        log_probabilities(own, draws.sets[rows], temperature=config.temperature) for rows, own in _scored(policy, turns, draws.support)
    ]
    return torch.cat(parts)


def divergence(policy: Policy, reference: Policy, turns: Turns, support: Support, config: PreferenceConfig) -> float:
    """KL of the first draw's distribution from the reference's over the support, nats, a mean over turns."""
    total = 0.0
    pairs = zip(_scored(policy, turns, support), _scored(reference, turns, support), strict=True)
    for (_, own), (_, held) in pairs:
        mine, theirs = (torch.log_softmax(one / config.temperature, dim=1) for one in (own, held))
        total += float(torch.where(mine > -torch.inf, mine.exp() * (mine - theirs), 0.0).sum())
    return total / max(1, len(turns))


def _scored(policy: Policy, turns: Turns, support: Support) -> Iterator[tuple[Tensor, Tensor]]:
    """(rows, scores of the support) batch by batch, without gradients."""
    for start in range(0, max(1, len(turns)), rounds.TURNS_AT_ONCE):
        rows = torch.arange(start, min(start + rounds.TURNS_AT_ONCE, len(turns)))
        with torch.no_grad():
            scores = supported(policy.scores(turns.take(rows.numpy())), Support(support.films[rows], support.known[rows]))
        yield rows, scores  # outside: a generator that waits within no_grad turns gradients off for whoever asked it
