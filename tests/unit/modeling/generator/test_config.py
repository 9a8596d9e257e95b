"""Settings of the generator: all problems in one message."""

import pytest

from modeling.errors import ConfigError
from modeling.generator.config import GeneratorConfig


def test_defaults_are_the_paper_s_and_go_round() -> None:
    config = GeneratorConfig.from_mapping({"candidates": 10, "details": ["genres"]})
    assert (GeneratorConfig().candidates, GeneratorConfig().temperature) == (50, 0.1)
    assert config.details == ("genres",) and config.to_mapping()["details"] == ["genres"]
    assert GeneratorConfig.from_mapping(config.to_mapping()) == config


def test_all_problems_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        GeneratorConfig.from_mapping(
            {"candidate": 5, "candidates": 0, "negatives": "soft", "think": 1, "details": ["genre"], "prior_weight": -1, "fuzzy_ratio": 2}
        )
    for problem in (
        "unknown key 'candidate', did you mean 'candidates'?",
        "candidates is 0, expected at least 1",
        "negatives is 'soft', expected one of hard, random, none",
        "think is 1, expected bool",
        "details has 'genre', expected some of genres, lead, director, plot",
        "prior_weight is -1, expected at least 0",
        "fuzzy_ratio is 2, expected from 0 to 1",
    ):
        assert problem in str(caught.value)


def test_a_true_is_no_number_and_a_whole_number_is_a_number() -> None:
    with pytest.raises(ConfigError, match="shuffles is True, expected int"):
        GeneratorConfig.from_mapping({"shuffles": True})
    assert GeneratorConfig(prior_weight=1).prior_weight == 1
