"""A round up to the update: which sets are drawn, which are asked about, what lists earn, and where the budget ends."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import log2

import numpy as np
import pytest
import torch

from modeling.errors import BudgetError, DataError
from modeling.generator.prompts import Turn
from modeling.preference_retriever import rounds
from modeling.preference_retriever.candidate_sets import support_of
from modeling.preference_retriever.data import Turns
from modeling.preference_retriever.rounds import UNASKED, Feedback, ask, draw, list_reward, offer, places_in
from modeling.preference_retriever.train import set_log_probabilities
from modeling.ranker.protocol import RankedSet
from tests.unit.modeling.preference_retriever.conftest import CONFIG, FILMS, SIZE, Linear, made

# --- what is drawn


def test_seed_and_purpose_decide_what_is_drawn(turns: Turns) -> None:
    policy = Linear()
    first, again = (draw(policy, turns, CONFIG, purpose="round 1") for _ in range(2))
    assert torch.equal(first.sets, again.sets) and torch.equal(first.sampling, again.sampling)
    np.testing.assert_array_equal(first.films, again.films)
    for config, purpose in ((CONFIG, "round 2"), (replace(CONFIG, seed=1), "round 1")):
        assert not torch.equal(first.sets, draw(policy, turns, config, purpose=purpose).sets)
    assert not first.sampling.requires_grad


@pytest.mark.parametrize("forced_truth", [False, True])
def test_no_set_holds_a_film_named_before_or_of_another_data_set(turns: Turns, forced_truth: bool) -> None:
    """Six films of twelve can be offered, so a set of eight has two places left."""
    config = replace(CONFIG, candidates=8, support=12, forced_truth=forced_truth)
    draws = draw(Linear(), turns, config, purpose="round 1")
    assert draws.films.shape == (10, 4, 8) and draws.sampling.shape == (10, 4)
    for row, left_out in enumerate(turns.excluded()):
        for films in draws.films[row].tolist():
            assert sorted(films) == [-1, -1, *np.flatnonzero(~left_out)]


@pytest.mark.parametrize("forced_truth", [False, True])
def test_log_probabilities_are_those_of_the_policy_that_drew(turns: Turns, forced_truth: bool) -> None:
    config, policy = replace(CONFIG, temperature=0.7, forced_truth=forced_truth), Linear()
    draws = draw(policy, turns, config, purpose="round 1")
    torch.testing.assert_close(draws.sampling, set_log_probabilities(policy, turns, draws, config), rtol=0, atol=0)
    assert (set_log_probabilities(Linear(seed=1), turns, draws, config) - draws.sampling).abs().min() > 1e-4


def test_films_are_the_places_of_the_support(turns: Turns) -> None:
    draws = draw(Linear(), turns, CONFIG, purpose="round 1")
    expected = support_of(Linear().scores(turns), CONFIG.support)
    assert torch.equal(draws.support.films, expected.films) and torch.equal(draws.support.known, expected.known)
    for row in range(len(turns)):
        assert draws.films[row].tolist() == [[draws.support.films[row, place].item() for place in one] for one in draws.sets[row]]


def disliked(turns: Turns, *, unknown: tuple[int, ...] = ()) -> Linear:
    """A retriever that puts every film that is some turn's target below all that are none."""
    policy = Linear(unknown=unknown)
    with torch.no_grad():
        policy.weight.mul_(0.01)
        policy.bias[sorted({column for own in turns.targets for column in own})] = -9.0
    return policy


def test_a_forced_truth_is_in_the_support_and_in_one_set() -> None:
    turns, config = made(2), replace(CONFIG, candidates=2, support=3)
    policy = disliked(turns)
    plain, forced = (draw(policy, turns, replace(config, forced_truth=on), purpose="round 1") for on in (False, True))
    for row, targets in enumerate(turns.targets):
        assert not set(targets) & {*plain.films[row].ravel().tolist(), *plain.support.films[row].tolist()}
        assert set(targets) & set(forced.support.films[row].tolist())
        assert any(set(targets) & set(films) for films in forced.films[row].tolist())
    assert all(len(set(films)) == 2 and min(films) >= 0 for films in forced.films.reshape(-1, 2).tolist())


def test_a_target_that_cannot_be_offered_is_not_forced() -> None:
    """The model knows no target of the first turn, and the second has none."""
    turns, config = replace(made(2), targets=[made(2).targets[0], ()]), replace(CONFIG, candidates=2, support=3)
    policy = disliked(turns, unknown=turns.targets[0])
    plain, forced = (draw(policy, turns, replace(config, forced_truth=on), purpose="round 1") for on in (False, True))
    np.testing.assert_array_equal(plain.films, forced.films)
    assert torch.equal(plain.sampling, forced.sampling)


def test_turns_are_drawn_in_parts_of_their_own_streams(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = draw(Linear(), turns, CONFIG, purpose="round 1")
    monkeypatch.setattr(rounds, "TURNS_AT_ONCE", 4)
    parts = draw(Linear(), turns, CONFIG, purpose="round 1")
    assert torch.equal(whole.support.films, parts.support.films) and torch.equal(whole.sets[:4], parts.sets[:4])
    torch.testing.assert_close(parts.sampling, set_log_probabilities(Linear(), turns, parts, CONFIG))
    alike = draw(Linear(), turns.take([0] * 8), CONFIG, purpose="round 1")
    assert not torch.equal(alike.sets[:4], alike.sets[4:])


def test_no_turn_no_set() -> None:
    draws = draw(Linear(), made(10).take([]), CONFIG, purpose="round 1")
    assert draws.films.shape == (0, 4, 3) and draws.sampling.shape == (0, 4) and draws.support.films.shape == (0, 8)


# --- what is offered


def test_films_are_offered_best_first_and_ties_go_to_the_smaller_column(turns: Turns) -> None:
    policy = Linear()
    with torch.no_grad():
        policy.weight.zero_()
        policy.bias[[5, 6]] = 1.0
    offered = offer(policy, turns, 8)
    for row, left_out in enumerate(turns.excluded()):
        allowed = np.flatnonzero(~left_out).tolist()
        assert offered[row].tolist() == [*sorted(allowed, key=lambda column: (column not in (5, 6), column)), -1, -1]
    np.testing.assert_array_equal(offer(policy, turns, 3), offered[:, :3])
    assert offer(policy, turns.take([]), 3).shape == (0, 3)


def test_places_are_the_order_without_what_is_not_there() -> None:
    assert places_in(np.array([[4, 2, -1], [0, 1, 5]])) == [{4: 0, 2: 1}, {0: 0, 1: 1, 5: 2}]


# --- what is asked and earned

NUMBER = 3
TARGETS = [(1, 3), (5,), (2,)]
COUNTS = [3, 1, 1]  # one target of the first turn is no film
SETS = np.array([[[0, 1, 3], [0, 2, 4], [4, 3, -1]], [[0, 1, 2], [3, 4, 0], [0, 1, 4]], [[2, 1, 0], [3, 2, 1], [1, 0, 4]]])
Answer = Callable[[str, Sequence[str]], RankedSet]


def three() -> Turns:
    everything = np.ones((1, len(FILMS)), bool)
    ids, rows = [f"t{row}" for row in range(NUMBER)], np.zeros(NUMBER, np.int64)
    return Turns(ids, FILMS, [[]] * NUMBER, np.zeros((NUMBER, SIZE), np.float32), everything, rows, TARGETS, np.array(COUNTS))


class Recording:
    """A ranker that answers as `answer` says, writes down what it is asked, and has a budget of `calls`."""

    identity = "recording"

    def __init__(self, *, is_constrained: bool = False, answer: Answer | None = None, calls: int = 10**6) -> None:
        self.is_constrained, self.calls = is_constrained, calls
        self.answer = answer or (lambda example, films: RankedSet.of_candidates(films))
        self.asked: list[tuple[str, list[str]]] = []

    def rank(self, turns: Sequence[Turn], candidates: Sequence[Sequence[str]]) -> list[RankedSet]:
        if len(self.asked) + len(turns) > self.calls:
            raise BudgetError("the next call could exceed the budget")
        self.asked += [(turn.example_id, list(films)) for turn, films in zip(turns, candidates, strict=True)]
        return [self.answer(turn.example_id, films) for turn, films in zip(turns, candidates, strict=True)]


def asked(ranker: Recording, *, cutoff: int = 10, call_budget: int | None = None, **rest: Callable[[int, int], None]) -> Feedback:
    turns, orders = three(), [{column: column for column in range(len(FILMS))}] * NUMBER
    said = {example: Turn(example, "") for example in turns.example_ids}
    return ask(ranker, SETS, turns, said, orders=orders, cutoff=cutoff, call_budget=call_budget, **rest)


def test_a_ranker_held_to_its_candidates_is_asked_about_sets_with_a_target_alone() -> None:
    ranker = Recording(is_constrained=True)
    found = asked(ranker)
    assert ranker.asked == [
        ("t0", ["m00", "m01", "m03"]), ("t0", ["m03", "m04"]), ("t2", ["m00", "m01", "m02"]), ("t2", ["m01", "m02", "m03"]),
    ]  # fmt: skip
    assert sorted(found.answers) == [(0, 0), (0, 2), (2, 0), (2, 1)]
    assert (found.rewards > 0).tolist() == [[True, False, True], [False] * 3, [True, True, False]]
    assert (found.asked_count, found.is_complete, found.failures) == (4, True, {})


def test_a_ranker_that_may_name_any_film_is_asked_about_every_set() -> None:
    """It finds the second turn's film, which no candidate is."""
    found = asked(ranker := Recording(answer=lambda example, films: RankedSet(("m05",), title_count=1, outside_count=1)))
    assert len(ranker.asked) == found.asked_count == 9
    assert found.rewards.tolist() == [[0, 0, 0], [1, 1, 1], [0, 0, 0]]


def test_rewards_by_hand() -> None:
    """The first turn has three targets, of which two are films: at 2 and 3 they gain 1 / log2(3) and 1 / 2."""
    ideal = 1 + 1 / log2(3) + 1 / 2
    expected = [[(1 / log2(3) + 1 / 2) / ideal, 0, 1 / ideal], [0, 0, 0], [1 / 2, 1 / log2(3), 0]]
    np.testing.assert_allclose(asked(Recording()).rewards, expected, rtol=1e-12)
    within_two = [[1 / log2(3) / (1 + 1 / log2(3)), 0, 1 / (1 + 1 / log2(3))], [0, 0, 0], [0, 1 / log2(3), 0]]
    np.testing.assert_allclose(asked(Recording(), cutoff=2).rewards, within_two, rtol=1e-12)


def test_only_a_list_of_all_targets_earns_everything() -> None:
    turns = replace(three(), target_counts=np.array([2, 1, 1]))
    assert list_reward(["m03", "m01"], turns, 0, 10) == list_reward(["m01", "m03", "m00"], turns, 0, 10) == pytest.approx(1)
    assert list_reward(["m03", "m00", "m01"], turns, 0, 10) == pytest.approx(1.5 / (1 + 1 / log2(3)))
    assert list_reward([], turns, 0, 10) == 0


def test_candidates_are_shown_in_the_retriever_s_order(turns: Turns) -> None:
    """However they were drawn: by the place in the support, of each turn its own."""
    draws = draw(Linear(), turns, CONFIG, purpose="round 1")
    orders = places_in(np.where(draws.support.known.numpy(), draws.support.films.numpy(), -1))
    ranker, said = Recording(), {example: Turn(example, "") for example in turns.example_ids}
    ask(ranker, draws.films, turns, said, orders=orders, cutoff=10)
    scores = Linear().scores(turns).detach().numpy()
    calls = [(row, films) for row in range(len(turns)) for films in draws.films[row].tolist()]
    expected = [
        (turns.example_ids[row], [FILMS[column] for column in sorted(films, key=lambda column: -scores[row, column])])
        for row, films in calls
    ]
    assert ranker.asked == expected
    assert any(films != sorted(films, key=lambda column: -scores[row, column]) for row, films in calls)


def test_failures_earn_nothing_are_counted_and_stop_nothing() -> None:
    told = iter(["nonsense", "", "nothing", "too_many", "unavailable", "", "nonsense", "", ""])

    def answer(example: str, films: Sequence[str]) -> RankedSet:
        failure = next(told)
        return RankedSet((), failure=failure) if failure else RankedSet.of_candidates(films)

    found = asked(Recording(answer=answer))
    assert found.failures == {"nonsense": 2, "nothing": 1, "too_many": 1, "unavailable": 1}
    assert (found.rewards > 0).tolist() == [[False] * 3, [False] * 3, [False, True, False]]
    assert found.rewards[2, 1] == pytest.approx(1 / log2(3))
    assert found.asked_count == len(found.answers) == 9 and found.is_complete


def test_a_budget_of_nothing_is_refused_where_something_is_needed() -> None:
    ranker = Recording(is_constrained=True)
    with pytest.raises(DataError, match=r"about 3 turns: the budget is 0 calls, 4 are needed; raise ranker_call_budget"):
        asked(ranker, call_budget=0)
    with pytest.raises(DataError, match=r"9 are needed"):
        asked(Recording(), call_budget=0)
    assert ranker.asked == []


def test_a_budget_of_nothing_is_enough_where_nothing_can_be_earned() -> None:
    turns = three().take([1])
    found = ask(Recording(is_constrained=True), SETS[1:2], turns, {}, orders=[{}], cutoff=10, call_budget=0)
    assert found.rewards.tolist() == [[0, 0, 0]] and found.is_complete and found.asked_count == 0


@pytest.mark.parametrize(("budget", "called"), [(1, 0), (2, 0), (3, 3), (5, 3), (6, 6), (8, 6), (9, 9), (10, 9)])
def test_a_budget_ends_before_a_turn_that_would_not_be_asked_about_whole(budget: int, called: int) -> None:
    found, everything = asked(ranker := Recording(), call_budget=budget), asked(Recording())
    assert len(ranker.asked) == found.asked_count == called
    whole = called // 3
    np.testing.assert_array_equal(found.rewards[:whole], everything.rewards[:whole])
    assert not found.rewards[whole:].any()
    assert found.is_complete == (called == 9)
    assert found.failures == ({} if called == 9 else {UNASKED: 9 - called})


def test_a_budget_counts_the_calls_that_are_needed_alone() -> None:
    found = asked(Recording(is_constrained=True), call_budget=3)
    assert found.asked_count == 2 and found.failures == {UNASKED: 2} and not found.rewards[2].any()


@pytest.mark.parametrize(("calls", "called"), [(0, 0), (3, 2), (4, 4), (8, 8)])
def test_a_ranker_without_budget_ends_the_round_with_what_it_answered(
    calls: int, called: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Two calls at once: a turn of which some sets are answered teaches nothing, so that it prefers no set that was reached."""
    monkeypatch.setattr(rounds, "CALLS_AT_ONCE", 2)
    found, everything = asked(Recording(calls=calls)), asked(Recording())
    assert found.asked_count == len(found.answers) == called
    whole = called // 3
    np.testing.assert_array_equal(found.rewards[:whole], everything.rewards[:whole])
    assert not found.rewards[whole:].any() and found.failures == {UNASKED: 9 - called} and not found.is_complete
    assert "the round ends here: the next call could exceed the budget" in caplog.text


def test_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "CALLS_AT_ONCE", 4)
    told: list[tuple[int, int]] = []
    asked(Recording(), call_budget=7, tell=lambda done, total: told.append((done, total)))
    assert told == [(4, 6), (6, 6)]
