"""Candidate sets: their probabilities are those of Plackett and Luce, sampling follows them, and no gradient breaks."""

import math
from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from modeling.errors import DataError
from modeling.preference_retriever.candidate_sets import Support, log_probabilities, sample, support_of, supported

NEVER = -math.inf
TEMPERATURES = (0.1, 1.0, 3.0)
near = st.lists(st.floats(-5, 5, width=32), min_size=2, max_size=5)
spread = st.lists(st.sampled_from([-1000.0, -999.0, -30.0, 0.0, 0.5, 30.0, 1000.0]), min_size=2, max_size=5)


def by_hand(scores: list[float], drawn: list[int], temperature: float) -> float:
    """log pi of one set in double precision: one draw after the other, each from what is left."""
    left = {place: score / temperature for place, score in enumerate(scores) if score > NEVER}
    total = 0.0
    for place in (place for place in drawn if place >= 0):
        top = max(left.values())
        total += left[place] - top - math.log(math.fsum(math.exp(score - top) for score in left.values()))
        del left[place]
    return total


def of_sets(scores: list[float], sets: list[list[int]], temperature: float, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return log_probabilities(torch.tensor([scores], dtype=dtype), torch.tensor([sets]), temperature=temperature)[0]


def rounding(scores: list[float], temperature: float) -> float:
    """What float32 may be off: a few last digits of the largest score over the temperature, for each draw."""
    return 1e-5 + 2.0**-22 * len(scores) * max(map(abs, scores)) / temperature


@given(near | spread, st.data(), st.sampled_from(TEMPERATURES))
def test_probabilities_of_all_sets_of_one_size_sum_to_one(scores: list[float], data: st.DataObject, temperature: float) -> None:
    size = data.draw(st.integers(1, len(scores)))
    sets = [list(order) for order in permutations(range(len(scores)), size)]
    assert of_sets(scores, sets, temperature).exp().sum().item() == pytest.approx(1, abs=rounding(scores, temperature))
    assert of_sets(scores, sets, temperature, torch.float64).exp().sum().item() == pytest.approx(1, abs=1e-9)


@given(near | spread, st.data(), st.sampled_from(TEMPERATURES))
def test_a_log_probability_is_the_formula(scores: list[float], data: st.DataObject, temperature: float) -> None:
    drawn = data.draw(st.permutations(range(len(scores))))[: data.draw(st.integers(1, len(scores)))]
    expected = by_hand(scores, drawn, temperature)
    assert of_sets(scores, [drawn], temperature).item() == pytest.approx(expected, rel=1e-5, abs=rounding(scores, temperature))
    assert of_sets(scores, [drawn], temperature, torch.float64).item() == pytest.approx(expected, rel=1e-12, abs=1e-10)


def test_nothing_cancels_where_the_draws_hold_nearly_all_mass() -> None:
    """What is left after the first draw is 1e-13 of the whole, far below what float32 could subtract."""
    scores = [0.0, -30.0, -31.0]
    assert of_sets(scores, [[0, 2]], 1.0).item() == pytest.approx(-1.3132617, abs=1e-5)
    assert of_sets([0.0, -1000.0, -1001.0], [[0, 2, 1]], 1.0).item() == pytest.approx(-1.3132617, abs=1e-4)


def test_rows_sets_and_padding_keep_apart() -> None:
    scores = [[0.3, -1.0, 2.0, 0.0], [1.0, NEVER, -2.0, NEVER], [NEVER] * 4]
    sets = [[[2, 0, 1], [1, 3, 0]], [[0, 2, -1], [2, 0, -1]], [[-1] * 3, [-1] * 3]]
    found = log_probabilities(torch.tensor(scores), torch.tensor(sets), temperature=0.7)
    expected = [[by_hand(row, drawn, 0.7) for drawn in own] for row, own in zip(scores, sets, strict=True)]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)
    assert found[2].tolist() == [0, 0]


def draws(scores: list[float], *, count: int, size: int, temperature: float = 1.0, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return sample(torch.tensor([scores]), set_count=count, size=size, temperature=temperature, generator=generator)[0].numpy()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_sampling_follows_the_probabilities(size: int, temperature: float) -> None:
    """Chi-square against all ordered sets: its mean is the degrees of freedom, its deviation the root of twice that."""
    scores, count = [0.0, 1.0, -0.5, 0.3], 40_000
    orders = list(permutations(range(4), size))
    seen = dict.fromkeys(orders, 0)
    for drawn in draws(scores, count=count, size=size, temperature=temperature).tolist():
        seen[tuple(drawn)] += 1
    expected = np.array([count * math.exp(by_hand(scores, list(order), temperature)) for order in orders])
    statistic, freedom = float((np.square(np.array(list(seen.values())) - expected) / expected).sum()), len(orders) - 1
    assert statistic < freedom + 4 * math.sqrt(2 * freedom)


@given(st.lists(st.sampled_from([NEVER, -1000.0, -1.0, 0.0, 2.0, 1000.0]), min_size=1, max_size=8), st.integers(1, 10), st.integers(0, 99))
def test_a_set_holds_each_film_once_and_none_that_is_left_out(scores: list[float], size: int, seed: int) -> None:
    offered = {place for place, score in enumerate(scores) if score > NEVER}
    for drawn in draws(scores, count=5, size=size, seed=seed).tolist():
        films = [place for place in drawn if place >= 0]
        assert len(drawn) == size and len(films) == min(size, len(offered))
        assert len(set(films)) == len(films) and set(films) <= offered
        assert drawn[len(films) :] == [-1] * (size - len(films))


class NothingLeft(np.random.Generator):
    """Draws the smallest exponential there is, 0, as the real one does once in ten million times."""

    def standard_exponential(self, size: tuple[int, ...], dtype: type) -> np.ndarray:  # type: ignore[override]
        return np.zeros(size, dtype)


def test_a_film_that_is_left_out_is_not_drawn_by_an_exponential_of_zero() -> None:
    sets = sample(torch.tensor([[NEVER, 0.0, NEVER, 1.0]]), set_count=1, size=3, temperature=1.0, generator=NothingLeft(np.random.SFC64(0)))
    assert sorted(sets[0, 0].tolist()) == [-1, 1, 3]


def test_the_same_seed_draws_the_same_sets() -> None:
    scores = [0.1 * place for place in range(50)]
    first = draws(scores, count=6, size=10, seed=3)
    np.testing.assert_array_equal(first, draws(scores, count=6, size=10, seed=3))
    assert (first != draws(scores, count=6, size=10, seed=4)).any()
    assert len({tuple(drawn) for drawn in first.tolist()}) == 6  # the sets of one turn are drawn apart


def test_a_low_temperature_draws_the_best_in_order() -> None:
    assert draws([0.0, 3.0, 1.0, 2.0], count=20, size=3, temperature=0.01).tolist() == [[1, 3, 2]] * 20


@pytest.mark.parametrize("wrong", [{"set_count": 0}, {"size": 0}, {"temperature": 0.0}, {"temperature": -1.0}, {"temperature": math.nan}])
def test_what_cannot_be_drawn_is_refused(wrong: dict[str, float]) -> None:
    settings = {"set_count": 2, "size": 2, "temperature": 1.0, **wrong}
    with pytest.raises(DataError, match="expected at least 1, 1 and above 0"):
        sample(torch.zeros(1, 3), generator=np.random.default_rng(0), **settings)  # type: ignore[arg-type]


def gradient(scores: list[float], sets: list[list[int]], temperature: float = 1.0) -> torch.Tensor:
    leaf = torch.tensor([scores], dtype=torch.float64, requires_grad=True)
    found = log_probabilities(leaf, torch.tensor([sets]), temperature=temperature).sum()
    return torch.autograd.grad(found, leaf)[0][0]


@pytest.mark.parametrize(
    ("scores", "sets"),
    [
        ([0.2, 1.0, -0.4], [[2, 0, 1], [1, 0, 2]]),
        ([0.2, NEVER, -0.4], [[2, 0, -1], [0, 2, -1]]),
        ([0.5, NEVER, NEVER], [[0, -1, -1], [0, -1, -1]]),
        ([NEVER] * 3, [[-1, -1], [-1, -1]]),
        ([1000.0, 0.0, -1000.0], [[2, 1, 0], [0, 1, 2]]),
        ([1000.0, -1000.0, -1000.0, NEVER], [[0, 1], [2, 1]]),
    ],
)
def test_gradients_are_finite_and_films_left_out_have_none(scores: list[float], sets: list[list[int]]) -> None:
    found = gradient(scores, sets)
    assert torch.isfinite(found).all()
    assert found[torch.tensor(scores) == NEVER].abs().sum() == 0
    assert found.sum().item() == pytest.approx(0, abs=1e-6)  # probabilities do not change when all scores move alike


@given(near, st.data(), st.sampled_from([0.5, 1.0, 3.0]))
def test_the_gradient_is_that_of_the_formula(scores: list[float], data: st.DataObject, temperature: float) -> None:
    drawn = data.draw(st.permutations(range(len(scores))))[: data.draw(st.integers(1, len(scores)))]
    step = 1e-5
    slopes = []
    for place in range(len(scores)):
        above, below = list(scores), list(scores)
        above[place] += step
        below[place] -= step
        slopes.append((by_hand(above, drawn, temperature) - by_hand(below, drawn, temperature)) / (2 * step))
    np.testing.assert_allclose(gradient(scores, [drawn], temperature).numpy(), slopes, rtol=1e-4, atol=1e-6)


@given(st.lists(st.sampled_from([NEVER, -2.0, 0.0, 1.5, 7.0]) | st.floats(-9, 9, width=32), min_size=1, max_size=9), st.integers(1, 12))
def test_a_support_is_the_best_films_without_those_left_out(scores: list[float], size: int) -> None:
    support = support_of(torch.tensor([scores]), size)
    kept = [scores[place] for place in support.films[0][support.known[0]].tolist()]
    assert kept == sorted((score for score in scores if score > NEVER), reverse=True)[:size]
    assert support.films.shape == support.known.shape == (1, min(size, len(scores)))
    own = supported(torch.tensor([scores]), support)[0]
    assert own[support.known[0]].tolist() == kept and (own[~support.known[0]] == NEVER).all()


def test_scores_of_a_support_carry_gradients_and_may_be_of_another_policy() -> None:
    support = Support(torch.tensor([[2, 0, 1]]), torch.tensor([[True, True, False]]))
    scores = torch.tensor([[5.0, 6.0, 7.0, 8.0]], requires_grad=True)
    own = supported(scores, support)
    assert own.tolist() == [[7.0, 5.0, NEVER]]
    (found,) = torch.autograd.grad(log_probabilities(own, torch.tensor([[[1]]]), temperature=1.0).sum(), scores)
    share = torch.softmax(torch.tensor([5.0, 7.0]), 0)
    torch.testing.assert_close(found, torch.tensor([[1 - share[0], 0, -share[1], 0]]))


@given(near, st.data())
def test_a_higher_score_makes_a_set_with_the_film_first_likelier(scores: list[float], data: st.DataObject) -> None:
    drawn = data.draw(st.permutations(range(len(scores))))
    raised = list(scores)
    raised[drawn[0]] += 1.0
    assume(len(scores) > 1)
    assert by_hand(raised, drawn, 1.0) > by_hand(scores, drawn, 1.0)
    assert of_sets(raised, [drawn], 1.0).item() > of_sets(scores, [drawn], 1.0).item()
