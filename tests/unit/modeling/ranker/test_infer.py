"""Orders of a language model that can be read, one that writes lists, and one whose endpoint fails."""

import logging
from dataclasses import replace
from typing import Any

import pytest

from modeling.errors import BudgetError, DataError
from modeling.generator.catalogue import Catalogue
from modeling.generator.prompts import Turn
from modeling.ranker.config import RankerConfig
from modeling.ranker.infer import LanguageModelRanker
from modeling.ranker.prompts import likelihood_prompt, list_prompt
from modeling.ranker.protocol import RankedSet, Ranker
from tests.unit.modeling.ranker.conftest import Failing

LIKELIHOOD, LIST = RankerConfig(), RankerConfig(mode="list")
MOVIES = ["m08", "m05", "m01"]
TURNS = [Turn(f"x:{number}", f"seeker: film number {number}, please") for number in range(4)]


def by_hand(model: Any, turn: Turn, catalogue: Catalogue, config: RankerConfig) -> list[str]:
    def value(movie: str) -> float:
        own, prior = (
            model.value(likelihood_prompt(asked, MOVIES, catalogue, config), f" {catalogue.name(movie)}")
            for asked in (turn, turn.without_dialogue())
        )
        return own - config.prior_weight * prior

    return sorted(MOVIES, key=lambda movie: (-value(movie), movie))


@pytest.mark.parametrize("prior_weight", [0.0, 0.7, 1.0])
def test_candidates_are_ordered_by_likelihood_less_the_prior(hashing: Any, catalogue: Catalogue, prior_weight: float) -> None:
    config = replace(LIKELIHOOD, prior_weight=prior_weight)
    ranker = LanguageModelRanker(hashing, catalogue, config)
    turns = [Turn(f"x:{number}", "seeker: more" + " and more" * number) for number in range(12)]
    expected = [by_hand(hashing, turn, catalogue, config) for turn in turns]
    assert ranker.rank(turns, [MOVIES] * 12) == [RankedSet.of_candidates(order) for order in expected]
    assert len({tuple(order) for order in expected}) > 1 and len(hashing.asked) == 12 * (1 + (prior_weight > 0))


def test_the_prior_can_turn_an_order(hashing: Any, turn: Turn, catalogue: Catalogue) -> None:
    """The model likes m08 by 5 nats whatever is said, and m05 by 1 for what is said."""

    def value(prompt: str, choice: str) -> float:
        return 5.0 * (choice == " Harvest Moon (2003)") + 1.0 * ("ghosts" in prompt and choice == " It Follows (2014)")

    hashing.value = value
    orders = [
        LanguageModelRanker(hashing, catalogue, replace(LIKELIHOOD, prior_weight=weight)).rank([turn], [MOVIES])[0].order
        for weight in (0.0, 0.5, 1.0)
    ]
    assert orders == [("m08", "m05", "m01"), ("m08", "m05", "m01"), ("m05", "m01", "m08")]


def test_likelihoods_never_leave_the_candidates(hashing: Any, turn: Turn, catalogue: Catalogue) -> None:
    ranker = LanguageModelRanker(hashing, catalogue, LIKELIHOOD, link=lambda title: "outside")
    lists = [catalogue.ids[start:end] for start in range(8) for end in range(start + 1, 9)]
    found = ranker.rank([turn] * len(lists), [[*movies, movies[0]] for movies in lists])
    assert ranker.is_constrained and [sorted(answer.order) for answer in found] == lists
    assert all((answer.title_count, answer.outside_count) == (len(answer.order), 0) for answer in found)


def test_ties_go_to_the_smaller_id(hashing: Any, turn: Turn, catalogue: Catalogue) -> None:
    hashing.value = lambda prompt, choice: -1.0
    assert LanguageModelRanker(hashing, catalogue, LIKELIHOOD).rank([turn], [MOVIES])[0].order == ("m01", "m05", "m08")


@pytest.mark.parametrize("config", [LIKELIHOOD, LIST])
def test_no_candidates_no_order_and_no_call(hashing: Any, turn: Turn, catalogue: Catalogue, config: RankerConfig) -> None:
    hashing.said = ["1. It Follows (2014)"]
    ranker = LanguageModelRanker(hashing, catalogue, config)
    assert ranker.rank([turn], [[]]) == [RankedSet(())] and ranker.rank([], []) == [] and hashing.asked == []
    assert [answer.order for answer in ranker.rank([turn] * 3, [[], ["m05"], []])] == [(), ("m05",), ()] and len(hashing.asked) == 1


@pytest.mark.parametrize("config", [LIKELIHOOD, LIST])
def test_candidates_are_shown_as_given_or_shuffled(hashing: Any, turn: Turn, catalogue: Catalogue, config: RankerConfig) -> None:
    def asked(order: str, movies: list[str]) -> str:
        hashing.asked.clear()
        LanguageModelRanker(hashing, catalogue, replace(config, candidate_order=order)).rank([turn], [movies])
        return str(hashing.asked[0])

    assert asked("score", MOVIES) != asked("score", MOVIES[::-1])
    assert asked("shuffled", MOVIES) == asked("shuffled", MOVIES[::-1])
    lines = asked("score", MOVIES).splitlines()[2:5]
    assert [line.split(";")[0] for line in lines] == [f"- {catalogue.name(movie)}" for movie in MOVIES]


def test_written_lists_are_read_against_their_own_candidates(hashing: Any, catalogue: Catalogue) -> None:
    hashing.said = ["1. The Lantern (1999)\n2. harvst moon (2003)", "1. It (2017)\n2. It Follows (2014)\n3. Zzyzx", "", "no idea"]
    ranker = LanguageModelRanker(hashing, catalogue, LIST, link={"It (2017)": "m03"}.get)
    assert ranker.rank(TURNS, [MOVIES] * 4) == [
        RankedSet(("m01", "m08"), title_count=2),
        RankedSet(("m03", "m05"), title_count=3, outside_count=1, unmatched_count=1),
        RankedSet((), failure="nothing"),
        RankedSet((), title_count=1, unmatched_count=1, failure="nonsense"),
    ]
    assert not ranker.is_constrained and hashing.asked == [list_prompt(turn, MOVIES, catalogue, LIST) for turn in TURNS]


def test_without_links_a_film_outside_is_no_film(hashing: Any, turn: Turn, catalogue: Catalogue) -> None:
    hashing.said = ["1. It (2017)\n2. Harvest Moon (2003)"]
    (found,) = LanguageModelRanker(hashing, catalogue, LIST).rank([turn], [MOVIES])
    assert found == RankedSet(("m08",), title_count=2, unmatched_count=1)


def test_the_settings_of_an_answer_reach_the_model(hashing: Any, turn: Turn, catalogue: Catalogue) -> None:
    calls = []

    def generate(prompts: list[str], **call: Any) -> list[str]:
        calls.append(call)
        return ["1. Harvest Moon (2003)\n2. It Follows (2014)\n3. The Lantern (1999)"]

    hashing.generate = generate
    config = replace(LIST, answer_tokens=77, temperature=0.3, answer_titles=2)
    assert LanguageModelRanker(hashing, catalogue, config).rank([turn], [MOVIES]) == [RankedSet((), title_count=3, failure="too_many")]
    assert calls == [{"max_new_tokens": 77, "temperature": 0.3, "stop": ""}]


@pytest.mark.parametrize("config", [LIKELIHOOD, replace(LIKELIHOOD, prior_weight=1.0), LIST])
def test_one_question_that_times_out_costs_no_other(catalogue: Catalogue, config: RankerConfig, caplog: pytest.LogCaptureFixture) -> None:
    model = Failing("film number 2", said=["1. Harvest Moon (2003)"])
    with caplog.at_level(logging.WARNING):
        found = LanguageModelRanker(model, catalogue, config).rank(TURNS, [MOVIES] * 4)
    assert [answer.failure for answer in found] == ["", "", "unavailable", ""]
    assert found[2] == RankedSet((), failure="unavailable") and all(found[place].order[:1] for place in (0, 1, 3))
    assert [record.getMessage() for record in caplog.records] == [
        "ranking the candidates of 'x:2': calling 'm': APITimeoutError: Request timed out"
    ]
    assert model.calls == (8 if config.prior_weight else 5)


def test_an_endpoint_that_answers_is_asked_once(catalogue: Catalogue) -> None:
    model = Failing("never said")
    LanguageModelRanker(model, catalogue, LIST).rank(TURNS, [["m03"]] * 4)
    assert model.calls == 1


@pytest.mark.parametrize("config", [LIKELIHOOD, LIST])
def test_the_end_of_the_budget_ends_the_call(catalogue: Catalogue, config: RankerConfig) -> None:
    model = Failing("film number 2", error=BudgetError("calling 'm': beyond the budget"))
    with pytest.raises(BudgetError, match="beyond the budget"):
        LanguageModelRanker(model, catalogue, config).rank(TURNS, [MOVIES] * 4)
    assert model.calls == 1


def test_identities_differ_with_model_and_settings(hashing: Any, catalogue: Catalogue) -> None:
    configs = (LIKELIHOOD, LIST, replace(LIST, seed=1), replace(LIST, details=()))
    names = [LanguageModelRanker(hashing, catalogue, config).identity for config in configs]
    assert len(set(names)) == 4 and all(name.startswith("hashing ranker=") for name in names)
    ranker: Ranker = LanguageModelRanker(hashing, catalogue, replace(LIST))
    assert ranker.identity == names[1]


def test_as_many_lists_as_turns_and_known_films(hashing: Any, turn: Turn, catalogue: Catalogue) -> None:
    ranker = LanguageModelRanker(hashing, catalogue, LIKELIHOOD)
    with pytest.raises(DataError, match="1 turns and 2 lists"):
        ranker.rank([turn], [MOVIES, MOVIES])
    with pytest.raises(DataError, match="film 'zz'"):
        ranker.rank([turn], [["zz"]])
