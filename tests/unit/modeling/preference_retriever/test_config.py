"""Settings of the loop: defaults hold, every problem is told at once, and each bound is the one that is meant."""

import math

import pytest

from modeling.errors import ConfigError
from modeling.preference_retriever.config import BASES, OBJECTIVES, REFERENCES, RETRIEVERS, PreferenceConfig


def refusal(**settings: object) -> str:
    with pytest.raises(ConfigError) as told:
        PreferenceConfig.from_mapping(settings)
    return str(told.value)


def test_defaults_survive_the_way_through_json() -> None:
    assert PreferenceConfig.from_mapping({}) == PreferenceConfig()
    assert PreferenceConfig.from_mapping(PreferenceConfig().to_mapping()) == PreferenceConfig()


def test_every_problem_is_told_at_once() -> None:
    text = refusal(
        retriever="bm25", base="both", candidates=0, set_count=1, temperature=0.0, reward_cutoff=0, objective="ppo", beta=-1.0,
        length_normalised=1, reference="none", anchor_weight=-0.1, clip=0.0, forced_truth="yes", update_epochs=0, supervised_epochs=-1,
        supervised_learning_rate=0.0, learning_rate="fast", weight_decay=-1, batch_size=True, gradient_clip=0, seed=-1, suport=3,
    )  # fmt: skip
    for part in (
        "retriever is 'bm25', expected one of rar, rar+dialogue, dense",
        "base is 'both', expected one of id, text",
        "candidates is 0, expected a whole number of at least 1",
        "set_count is 1, expected a whole number of at least 2",
        "temperature is 0.0, expected a number from 0.001 to 1000",
        "reward_cutoff is 0",
        "objective is 'ppo', expected one of dpo, all_pairs, reinforce, group_relative, anchor",
        "beta is -1.0",
        "length_normalised is 1, expected true or false",
        "reference is 'none', expected one of sft, previous",
        "anchor_weight is -0.1",
        "clip is 0.0",
        "forced_truth is 'yes'",
        "update_epochs is 0",
        "supervised_epochs is -1",
        "supervised_learning_rate is 0.0",
        "learning_rate is 'fast'",
        "weight_decay is -1",
        "batch_size is True",
        "gradient_clip is 0",
        "seed is -1",
        "unknown key 'suport', did you mean 'support'?",
    ):
        assert part in text


def test_an_unknown_key_near_to_none_is_told_all() -> None:
    text = refusal(zzz=1)
    assert "unknown key 'zzz'; known: retriever, base, candidates" in text


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("candidates", 1), ("set_count", 2), ("support", 2), ("reward_cutoff", 1), ("update_epochs", 1), ("supervised_epochs", 0),
        ("batch_size", 1), ("seed", 0),
    ],
)  # fmt: skip
def test_whole_numbers_have_a_least(name: str, least: int) -> None:
    others = {"candidates": 1} if name == "support" else {}
    assert getattr(PreferenceConfig.from_mapping({name: least, **others}), name) == least
    for wrong in (least - 1, float(least), None, "2"):
        assert f"{name} is {wrong!r}, expected a whole number of at least {least}" in refusal(**{name: wrong})


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("temperature", 1e-3, 1e3), ("beta", 1e-6, 1e3), ("anchor_weight", 0.0, 1e3), ("clip", 1e-3, 10.0), ("learning_rate", 1e-9, 10.0),
        ("supervised_learning_rate", 1e-9, 10.0), ("weight_decay", 0.0, 100.0), ("gradient_clip", 1e-6, 1e6),
    ],
)  # fmt: skip
def test_numbers_have_a_range(name: str, low: float, high: float) -> None:
    for right in (low, high):
        assert getattr(PreferenceConfig.from_mapping({name: right}), name) == right
    for wrong in (math.nextafter(low, -math.inf), math.nextafter(high, math.inf), math.nan, True, "1"):
        assert f"{name} is {wrong!r}" in refusal(**{name: wrong})


@pytest.mark.parametrize(
    ("name", "choices"), [("retriever", RETRIEVERS), ("base", BASES), ("objective", OBJECTIVES), ("reference", REFERENCES)]
)
def test_every_choice_is_taken(name: str, choices: tuple[str, ...]) -> None:
    assert [getattr(PreferenceConfig.from_mapping({name: choice}), name) for choice in choices] == list(choices)


def test_a_set_is_no_larger_than_its_support() -> None:
    assert PreferenceConfig(candidates=200).candidates == 200
    for settings in ({"candidates": 201}, {"support": 19}, {"candidates": 6, "support": 5}):
        assert "expected at most support" in refusal(**settings)
    with pytest.raises(ConfigError, match=r"candidates is 20, expected at most support \(10\)"):
        PreferenceConfig(support=10)


@pytest.mark.parametrize("support", [0, -3, "many"])
def test_a_bad_support_alone_is_told(support: object) -> None:
    assert f"support is {support!r}, expected a whole number of at least 2" in refusal(support=support)
