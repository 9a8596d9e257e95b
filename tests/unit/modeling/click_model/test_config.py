"""Settings of the click model: defaults are the published ones, every problem is told at once."""

import json
import math

import pytest

from modeling.click_model.config import PUBLISHED_TUNING, ClickModelConfig, ReasoningConfig
from modeling.errors import ConfigError


def test_defaults_survive_the_way_through_json() -> None:
    for config in (ClickModelConfig(), ReasoningConfig()):
        assert type(config).from_mapping({}) == config
        assert type(config).from_mapping(json.loads(json.dumps(config.to_mapping()))) == config


def test_the_defaults_are_the_published_ones() -> None:
    click, reasoning = ClickModelConfig(), ReasoningConfig()
    assert (click.history_length, click.training_rows, click.mixed_pool, max(click.epochs)) == (30, 1024, 8192, 20)
    assert (reasoning.runs, reasoning.hinted_runs, reasoning.temperature, reasoning.alpha, reasoning.epsilon) == (16, 6, 0.6, 0.1, 1e-3)
    tuned = PUBLISHED_TUNING
    assert (tuned.rank, tuned.alpha, tuned.dropout, tuned.learning_rate, tuned.max_length) == (8, 16, 0.05, 5e-4, 2048)
    assert not click.double_softmax and not reasoning.first_run_only


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as told:
        ClickModelConfig.from_mapping(
            {
                "kind": "song", "history_length": 0, "title_characters": 7, "training_templates": ["high", "low"],
                "inference_template": "x",
                "training_rows": 1.0, "mixed_pool": True, "validation_rows": "5", "epochs": [3, 3], "probability": "logit", "samples": 0,
                "temperature": math.nan, "balanced": 1, "double_softmax": "no", "use_all_mixed": None, "seed": -1, "select_on": "test",
                "trainig_rows": 4,
            }
        )  # fmt: skip
    for part in (
        "kind is 'song', expected one of film, book", "history_length is 0", "title_characters is 7",
        "training_templates is ('high', 'low')",
        "inference_template is 'x'", "training_rows is 1.0", "mixed_pool is True", "validation_rows is '5'", "epochs is (3, 3)",
        "probability is 'logit'", "samples is 0", "temperature is nan", "balanced is 1, expected true or false", "double_softmax is 'no'",
        "use_all_mixed is None", "seed is -1", "unknown key 'select_on'", "unknown key 'trainig_rows', did you mean 'training_rows'?",
    ):  # fmt: skip
        assert part in str(told.value)


def test_problems_of_the_reasoning() -> None:
    with pytest.raises(ConfigError) as told:
        ReasoningConfig.from_mapping(
            {"runs": 0, "hinted_runs": 0, "max_new_tokens": 0, "hint": "loud", "reading": "x", "alpha": -1, "epsilon": 0}
        )
    for name in ("runs is 0", "hinted_runs is 0", "max_new_tokens is 0", "hint is 'loud'", "reading is 'x'", "alpha is -1", "epsilon is 0"):
        assert name in str(told.value)


@pytest.mark.parametrize("epochs", [[], "3", [0], [True], [[1]], 3, None, ["1"]])
def test_candidates_are_distinct_numbers_of_epochs(epochs: object) -> None:
    with pytest.raises(ConfigError, match="epochs is"):
        ClickModelConfig.from_mapping({"epochs": epochs})


def test_the_double_softmax_is_of_likelihoods() -> None:
    with pytest.raises(ConfigError, match="double_softmax needs probability 'likelihood', seen 'samples'"):
        ClickModelConfig(double_softmax=True, probability="samples")


def test_a_hint_makes_fewer_runs() -> None:
    assert (ReasoningConfig(hint="none").runs_per_question, ReasoningConfig(hint="paper").runs_per_question) == (16, 6)
