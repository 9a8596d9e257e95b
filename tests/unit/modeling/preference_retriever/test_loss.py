"""Losses on log-probabilities: what they teach, what they say nothing about, and where they stop."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from modeling.preference_retriever.candidate_sets import log_probabilities
from modeling.preference_retriever.loss import (
    advantages,
    all_pairs,
    best_and_worst,
    group_relative_loss,
    preference_loss,
    reinforce_loss,
    supervised_loss,
)

SCORES = [[0.2, -0.3, 0.9, 0.0]]
reward = st.sampled_from([0.0, 0.1, 1 / 3, 0.63, 1.0])
groups = st.integers(2, 9).flatmap(lambda count: st.lists(st.lists(reward, min_size=count, max_size=count), min_size=1, max_size=5))


def leaf() -> torch.Tensor:
    return torch.tensor(SCORES, requires_grad=True)


def chances(scores: torch.Tensor, sets: list[list[int]]) -> torch.Tensor:
    return log_probabilities(scores, torch.tensor([sets]), temperature=1.0)


def test_a_set_against_itself_teaches_nothing() -> None:
    scores = leaf()
    same = chances(scores, [[2, 0], [2, 0]])[0]
    loss = preference_loss(same[:1], same[1:], beta=0.5)
    assert loss.item() == pytest.approx(math.log(2))
    assert torch.autograd.grad(loss, scores)[0].abs().max() == 0


def test_the_preference_loss_is_the_published_equation() -> None:
    chosen, rejected = torch.tensor([1.0, -2.0]), torch.tensor([0.5, 3.0])
    expected = -sum(math.log(1 / (1 + math.exp(-0.3 * margin))) for margin in (0.5, -5.0)) / 2
    assert preference_loss(chosen, rejected, beta=0.3).item() == pytest.approx(expected)


def test_a_preference_raises_the_better_set_and_lowers_the_worse() -> None:
    scores = leaf()
    before = chances(scores, [[2, 0], [1, 3]])
    ratios = (before - before.detach())[0]
    (slope,) = torch.autograd.grad(preference_loss(ratios[:1], ratios[1:], beta=0.1), scores)
    after = chances(scores - 0.5 * slope, [[2, 0], [1, 3]])
    assert after[0, 0] > before[0, 0] and after[0, 1] < before[0, 1]


def test_best_and_worst_are_the_first_of_highest_and_lowest_reward() -> None:
    rewards = torch.tensor([[0.5, 0.0, 1.0, 1.0, 0.0], [0.3] * 5, [0.0, 0.0, 0.0, 0.0, 0.2]])
    assert best_and_worst(rewards).tolist() == [[0, 2, 1], [2, 4, 0]]
    assert best_and_worst(rewards[1:2]).shape == (0, 3)


def test_all_pairs_are_those_of_different_reward() -> None:
    assert all_pairs(torch.tensor([[0.5, 0.0, 0.5], [0.1, 0.1, 0.1]])).tolist() == [[0, 0, 1], [0, 2, 1]]
    assert all_pairs(torch.tensor([[0.1, 0.1, 0.1]])).shape == (0, 3)


@given(groups)
def test_pairs_are_from_more_to_less_reward(rows: list[list[float]]) -> None:
    rewards = torch.tensor(rows)
    for turn, better, worse in (*best_and_worst(rewards).tolist(), *all_pairs(rewards).tolist()):
        assert rows[turn][better] > rows[turn][worse]
    telling = [turn for turn, row in enumerate(rows) if len(set(row)) > 1]
    assert [turn for turn, _, _ in best_and_worst(rewards).tolist()] == telling
    for turn, better, worse in best_and_worst(rewards).tolist():
        assert (rows[turn][better], rows[turn][worse]) == (max(rows[turn]), min(rows[turn]))
    assert len(all_pairs(rewards)) == sum(a > b for row in rows for a in row for b in row)


@given(groups, st.booleans())
def test_advantages_sum_to_zero_and_are_zero_for_a_tie(rows: list[list[float]], relative: bool) -> None:
    found = advantages(torch.tensor(rows), relative=relative)
    assert found.sum(dim=1).abs().max() < 1e-5
    for row, values in zip(rows, found, strict=True):
        if len(set(row)) == 1:
            assert (values == 0).all()
        elif relative:
            assert values.square().mean().item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("count", range(2, 10))
def test_a_tie_is_a_tie_whatever_the_rounding_of_its_mean(count: int) -> None:
    rewards = torch.rand(500, 1, generator=torch.Generator().manual_seed(0)).expand(-1, count)
    for relative in (False, True):
        assert (advantages(rewards, relative=relative) == 0).all()


def test_one_step_of_reinforce_raises_the_rewarded_set_and_lowers_the_other() -> None:
    scores, sets, rewards = leaf(), [[2, 0], [1, 3]], torch.tensor([[0.2, 0.9]])
    before = chances(scores, sets)
    (slope,) = torch.autograd.grad(reinforce_loss(before, rewards), scores)
    after = chances(scores - 0.5 * slope, sets)
    assert after[0, 1] > before[0, 1] and after[0, 0] < before[0, 0]
    (nothing,) = torch.autograd.grad(reinforce_loss(chances(scores, sets), torch.full((1, 2), 0.7)), scores)
    assert nothing.abs().max() == 0


def relative_slope(shift: list[float], rewards: list[float]) -> list[float]:
    """Slope of the loss in log pi, where log pi has moved by `shift` since sampling."""
    sampling = torch.tensor([[-3.0, -4.0]])
    policy = (sampling + torch.tensor([shift])).requires_grad_()
    loss = group_relative_loss(policy, sampling, torch.tensor([rewards]), clip=0.2)
    return torch.autograd.grad(loss, policy)[0][0].tolist()


def test_the_clip_stops_what_has_gone_far_enough() -> None:
    """Advantages are 1 and -1; a ratio counts up to 1.2 for the better set and down to 0.8 for the worse."""
    assert relative_slope([0.0, 0.0], [1.0, 0.0]) == pytest.approx([-0.5, 0.5])
    assert relative_slope([math.log(1.3), math.log(0.7)], [1.0, 0.0]) == [0, 0]
    assert relative_slope([math.log(1.1), math.log(0.9)], [1.0, 0.0]) == pytest.approx([-0.55, 0.45])
    # what has gone the wrong way is never clipped
    assert relative_slope([math.log(0.5), math.log(2.0)], [1.0, 0.0]) == pytest.approx([-0.25, 1.0])
    assert relative_slope([math.log(0.5), math.log(2.0)], [0.4, 0.4]) == [0, 0]


def test_the_group_relative_loss_is_the_smaller_of_both_gains() -> None:
    sampling = torch.zeros(1, 2)
    loss = group_relative_loss(torch.tensor([[math.log(1.5), math.log(1.5)]]), sampling, torch.tensor([[1.0, 0.0]]), clip=0.2)
    assert loss.item() == pytest.approx(-(1.2 - 1.5) / 2)


@given(st.lists(st.lists(st.floats(-9, 9, width=32), min_size=4, max_size=4), min_size=1, max_size=4), st.data())
def test_the_supervised_loss_is_cross_entropy(rows: list[list[float]], data: st.DataObject) -> None:
    scores = torch.tensor(rows)
    pairs = data.draw(st.lists(st.tuples(st.integers(0, len(rows) - 1), st.integers(0, 3)), min_size=1, max_size=6))
    which, columns = torch.tensor(pairs).T
    torch.testing.assert_close(supervised_loss(scores, which, columns), F.cross_entropy(scores[which], columns), rtol=1e-5, atol=1e-5)


def test_films_left_out_are_no_part_of_the_cross_entropy() -> None:
    scores = torch.tensor([[0.5, -math.inf, 1.5]], requires_grad=True)
    loss = supervised_loss(scores, torch.tensor([0]), torch.tensor([2]))
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-1)))
    (slope,) = torch.autograd.grad(loss, scores)
    assert torch.isfinite(slope).all() and slope[0, 1] == 0
