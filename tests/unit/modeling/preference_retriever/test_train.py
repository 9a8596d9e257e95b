"""Learning: the epoch that is kept, what a round teaches under each objective, and what ties leave as it was."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from math import isnan, nan

import numpy as np
import pytest
import torch
from torch import nn

from modeling.preference_retriever import rounds
from modeling.preference_retriever.candidate_sets import Support
from modeling.preference_retriever.config import OBJECTIVES, PreferenceConfig
from modeling.preference_retriever.data import Turns
from modeling.preference_retriever.network import Policy
from modeling.preference_retriever.rounds import Draws, draw
from modeling.preference_retriever.train import Update, divergence, set_log_probabilities, supervise, update
from tests.unit.modeling.preference_retriever.conftest import CONFIG, Linear

PREFERRING = [objective for objective in OBJECTIVES if objective != "anchor"]
Weights = dict[str, torch.Tensor]


def weights(policy: nn.Module) -> Weights:
    return {name: value.clone() for name, value in policy.state_dict().items()}


def is_same(one: Weights, other: Weights) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def likelihood(policy: Policy, turns: Turns) -> float:
    """Mean log-probability of the targets among all films that may be offered."""
    with torch.no_grad():
        logs = torch.log_softmax(policy.scores(turns), dim=1)
    return float(np.mean([logs[row, column] for row, own in enumerate(turns.targets) for column in own]))


# --- supervised learning


@pytest.mark.parametrize(
    ("values", "kept"), [((0.5, 0.2, 0.9, 0.3), 2), ((0.9, 0.2, 0.3, 0.8), 0), ((0.1, 0.4, 0.4, 0.2), 1), ((0.1, 0.2, 0.3, 0.4), 3)]
)
def test_the_first_of_the_best_epochs_is_kept(turns: Turns, values: tuple[float, ...], kept: int) -> None:
    policy, seen, told = Linear(), list[Weights](), list[tuple[int, int]]()

    def value(one: Policy) -> float:
        seen.append(weights(policy))
        assert one is policy
        return values[len(seen) - 1]

    log = supervise(policy, turns, CONFIG, value=value, tell=lambda done, total: told.append((done, total)))
    assert is_same(weights(policy), seen[kept])
    assert not any(is_same(one, other) for place, one in enumerate(seen) for other in seen[:place])
    assert [(one.epoch, one.value) for one in log] == list(enumerate(values)) and told == [(1, 3), (2, 3), (3, 3)]
    assert isnan(log[0].loss) and all(one.loss > 0 for one in log[1:])


def test_supervised_learning_can_be_repeated(turns: Turns) -> None:
    """Bit for bit, with dropout; order of the turns and masks depend on the seed."""
    logs, found = [], []
    for seed in (0, 0, 1):
        policy = Linear()
        values: Iterator[int] = iter(range(9))
        logs.append(supervise(policy, turns, replace(CONFIG, seed=seed), value=lambda one, values=values: next(values)))
        found.append(weights(policy))
    assert is_same(found[0], found[1]) and not is_same(found[0], found[2])
    assert [one.loss for one in logs[0][1:]] == [one.loss for one in logs[1][1:]]


def test_supervised_learning_finds_the_targets(turns: Turns) -> None:
    policy, config = Linear(dropout=0.0), replace(CONFIG, supervised_epochs=40, supervised_learning_rate=0.05)
    before = likelihood(policy, turns)
    log = supervise(policy, turns, config, value=lambda one: likelihood(one, turns))
    assert likelihood(policy, turns) == max(one.value for one in log) > before + 1
    assert log[-1].loss < log[1].loss


def test_turns_without_a_target_that_can_be_offered_teach_nothing(turns: Turns) -> None:
    policy = Linear(unknown=turns.targets[0])
    nothing = replace(turns.take([0, 1]), targets=[turns.targets[0], ()])
    before, values = weights(policy), iter(range(9))
    log = supervise(policy, nothing, CONFIG, value=lambda one: next(values))
    assert is_same(before, weights(policy)) and all(isnan(one.loss) for one in log)


# --- a round


def config_of(objective: str, **settings: float) -> PreferenceConfig:
    return replace(CONFIG, objective=objective, **{"anchor_weight": 0.0, **settings})


def drawn(turns: Turns) -> tuple[Linear, Draws, np.ndarray]:
    """A policy, its sets, and rewards of which no two of a turn are the same."""
    policy = Linear()
    rewards = np.random.default_rng(5).permuted(np.tile([0.0, 0.2, 0.5, 1.0], (len(turns), 1)), axis=1)
    return policy, draw(policy, turns, CONFIG, purpose="round 1"), rewards


def learned(turns: Turns, config: PreferenceConfig, *, rewards: np.ndarray | None = None, other: bool = False) -> tuple[Linear, Update]:
    """The policy after a round; `other`: held to another reference than itself."""
    policy, draws, own = drawn(turns)
    reference = Linear(seed=7) if other else copy.deepcopy(policy)
    return policy, update(policy, reference, turns, draws, own if rewards is None else rewards, config, purpose="round 1")


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_ties_leave_every_weight_as_it_was(turns: Turns, objective: str) -> None:
    """Whatever all sets of a turn earned, and however strong the anchor is."""
    rewards = np.repeat(np.linspace(0, 1, len(turns))[:, None], 4, axis=1)
    policy, done = learned(turns, config_of(objective, anchor_weight=5.0), rewards=rewards)
    assert is_same(weights(policy), weights(Linear()))
    assert done == Update(turn_count=0, tie_share=1.0, losses=(), divergence=0.0)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_tied_turn_has_no_part_in_a_round(turns: Turns, objective: str) -> None:
    """The others alone leave the same weights, the anchor included."""
    config = config_of(objective, anchor_weight=0.5)
    policy, draws, rewards = drawn(turns)
    alone, rows = copy.deepcopy(policy), [1, 2, 5, 8]
    tied = np.where(np.isin(np.arange(len(turns)), rows)[:, None], rewards, 0.2)
    done = update(policy, Linear(), turns, draws, tied, config, purpose="round 1")
    assert (done.turn_count, done.tie_share, len(done.losses)) == (4, pytest.approx(0.6), 2)
    support = Support(draws.support.films[rows], draws.support.known[rows])
    part = Draws(support, draws.sets[rows], draws.films[rows], draws.sampling[rows])
    assert update(alone, Linear(), turns.take(rows), part, rewards[rows], config, purpose="round 1").losses == pytest.approx(done.losses)
    for name, value in weights(alone).items():
        torch.testing.assert_close(value, weights(policy)[name], rtol=0, atol=1e-6)
    assert not is_same(weights(policy), weights(Linear()))


@pytest.mark.parametrize("objective", PREFERRING)
def test_the_better_set_becomes_likelier_than_the_worse(turns: Turns, objective: str) -> None:
    before, draws, rewards = drawn(turns)
    after, _ = learned(turns, config_of(objective))
    places = np.arange(len(turns))
    margins = []
    for policy in (before, after):
        chances = set_log_probabilities(policy, turns, draws, CONFIG)
        margins.append((chances[places, rewards.argmax(axis=1)] - chances[places, rewards.argmin(axis=1)]).mean().item())
    assert margins[1] > margins[0] + 0.1


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_round_can_be_repeated(turns: Turns, objective: str) -> None:
    """Bit for bit; the order of the turns follows from the purpose."""
    (one, told), (other, again) = (learned(turns, config_of(objective, anchor_weight=0.3)) for _ in range(2))
    assert is_same(weights(one), weights(other)) and told == again
    policy, draws, rewards = drawn(turns)
    update(policy, Linear(), turns, draws, rewards, config_of(objective, anchor_weight=0.3), purpose="round 2")
    assert not is_same(weights(one), weights(policy))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_who_is_held_to_the_reference(turns: Turns, objective: str) -> None:
    own, other = (weights(learned(turns, config_of(objective), other=other)[0]) for other in (False, True))
    assert is_same(own, other) == (objective not in ("dpo", "all_pairs"))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_control_alone_hears_no_preference(turns: Turns, objective: str) -> None:
    rewards = drawn(turns)[2]
    one, other = (weights(learned(turns, config_of(objective), rewards=rows)[0]) for rows in (rewards, np.roll(rewards, 1, axis=1)))
    assert is_same(one, other) == (objective == "anchor")


def test_the_control_is_supervised_learning(turns: Turns) -> None:
    policy, done = learned(turns, config_of("anchor", anchor_weight=0.0, update_epochs=20))
    assert likelihood(policy, turns) > likelihood(Linear(), turns) + 0.3
    assert len(done.losses) == 20 and done.losses[-1] < done.losses[0]


@pytest.mark.parametrize("objective", PREFERRING)
def test_the_anchor_pulls_towards_the_targets(turns: Turns, objective: str) -> None:
    """The rewards know nothing of them."""
    plain, anchored = (likelihood(learned(turns, config_of(objective, anchor_weight=weight))[0], turns) for weight in (0.0, 5.0))
    assert anchored > plain + 0.05


def test_a_length_normalised_round_is_one_of_smaller_beta(turns: Turns) -> None:
    """beta times a difference over K = 3 is beta / 3 times the difference."""
    found = [
        weights(learned(turns, replace(config_of("dpo", beta=beta), length_normalised=on), other=True)[0])
        for beta, on in ((0.6, True), (0.2, False), (0.6, False))
    ]
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=1e-5)
    assert (found[0]["weight"] - found[2]["weight"]).abs().max() > 1e-4


# --- how far a policy has gone


def test_divergence_by_hand(turns: Turns) -> None:
    """Over the first draw alone, at the temperature: sum of p log(p / q) over the support, a mean over turns."""
    config = replace(CONFIG, temperature=0.7)
    policy, draws, _ = drawn(turns)
    other = Linear(seed=1)
    expected = []
    with torch.no_grad():
        for row in range(len(turns)):
            films = draws.support.films[row][draws.support.known[row]]
            p, q = (torch.softmax(one.scores(turns)[row, films].double() / 0.7, dim=0) for one in (policy, other))
            expected.append(float((p * (p / q).log()).sum()))
    assert divergence(policy, other, turns, draws.support, config) == pytest.approx(np.mean(expected), rel=1e-4)
    assert divergence(policy, copy.deepcopy(policy), turns, draws.support, config) == 0.0


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_round_tells_how_far_it_went(turns: Turns, objective: str) -> None:
    policy, done = learned(turns, config_of(objective))
    support = drawn(turns)[1].support
    assert done.divergence == divergence(policy, Linear(), turns, support, CONFIG) > 1e-4


def test_parts_change_no_number(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    policy, draws, _ = drawn(turns)
    whole = set_log_probabilities(Linear(seed=1), turns, draws, CONFIG), divergence(policy, Linear(seed=1), turns, draws.support, CONFIG)
    monkeypatch.setattr(rounds, "TURNS_AT_ONCE", 3)
    parts = set_log_probabilities(Linear(seed=1), turns, draws, CONFIG), divergence(policy, Linear(seed=1), turns, draws.support, CONFIG)
    torch.testing.assert_close(parts[0], whole[0])
    assert parts[1] == pytest.approx(whole[1], rel=1e-5) and whole[1] > 0.1


def test_gradients_are_on_before_and_after(turns: Turns) -> None:
    """Two policies are scored in turn without gradients: whoever asked must find them as they were."""
    policy, draws, _ = drawn(turns)
    divergence(policy, Linear(seed=1), turns, draws.support, CONFIG)
    assert torch.is_grad_enabled()
    learned(turns, config_of("dpo"))
    assert torch.is_grad_enabled() and policy.scores(turns).requires_grad
    with torch.no_grad():
        divergence(policy, Linear(seed=1), turns, draws.support, CONFIG)
        assert not torch.is_grad_enabled()


def test_a_loss_is_not_a_number_where_no_target_can_be_offered(turns: Turns) -> None:
    """The control has nothing to learn from there; no weight changes."""
    nothing = replace(turns, targets=[()] * len(turns))
    policy, done = learned(nothing, config_of("anchor"))
    assert done.losses == pytest.approx((nan, nan), nan_ok=True) and is_same(weights(policy), weights(Linear()))
    assert done.turn_count == 10 and done.divergence == 0.0
