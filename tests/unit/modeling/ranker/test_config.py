"""Settings of a ranker: all problems in one message."""

import pytest

from modeling.errors import ConfigError
from modeling.ranker.config import RankerConfig


def test_settings_go_round() -> None:
    config = RankerConfig.from_mapping({"mode": "list", "details": [], "prior_weight": 1, "candidate_order": "shuffled"})
    assert config == RankerConfig(mode="list", details=(), prior_weight=1, candidate_order="shuffled")
    assert config.to_mapping()["details"] == [] and config != RankerConfig()
    assert RankerConfig.from_mapping(config.to_mapping()) == config


def test_all_problems_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        RankerConfig.from_mapping(
            {"mod": "list", "mode": "lists", "details": ["genre"], "candidate_order": "random", "answer_titles": 0, "prior_weight": -1}
            | {"fuzzy_ratio": 2, "seed": "0", "temperature": float("nan"), "zzz": 1}
        )
    for problem in (
        "ranker config: ",
        "unknown key 'mod', did you mean 'mode'?",
        "unknown key 'zzz'; known: mode, ",
        "mode is 'lists', expected one of likelihood, list",
        "details has 'genre', expected some of genres, lead, director, plot",
        "candidate_order is 'random', expected one of score, shuffled",
        "answer_titles is 0, expected at least 1",
        "prior_weight is -1, expected at least 0",
        "temperature is nan, expected at least 0",
        "fuzzy_ratio is 2, expected from 0 to 1",
        "seed is '0', expected int",
    ):
        assert problem in str(caught.value)


def test_the_constructor_checks_too_and_a_true_is_no_number() -> None:
    with pytest.raises(ConfigError, match="history_films is True, expected int"):
        RankerConfig(history_films=True)
    with pytest.raises(ConfigError, match="details is 'genres', expected a list of names"):
        RankerConfig(details="genres")  # type: ignore[arg-type]
