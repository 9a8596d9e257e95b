"""Settings of the link scorer: defaults stand, and every problem is named at once."""

import dataclasses

import pytest

from modeling.errors import ConfigError
from modeling.link_scorer.config import LinkScorerConfig


def test_settings_are_read_and_the_rest_is_default() -> None:
    config = LinkScorerConfig.from_mapping({"hidden_size": 8, "precision": 0.9})
    assert (config.hidden_size, config.precision) == (8, 0.9)
    default = LinkScorerConfig()
    assert dataclasses.replace(config, hidden_size=default.hidden_size, precision=default.precision) == default
    assert LinkScorerConfig.from_mapping({}) == LinkScorerConfig()


def test_unknown_settings_are_named_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'epoch', did you mean 'epochs'\?.*unknown key 'zzz'; known: hidden_size"):
        LinkScorerConfig.from_mapping({"epoch": 3, "zzz": 1})


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        LinkScorerConfig(
            hidden_size=0,
            epochs=0,
            stretches_per_batch=-1,
            learning_rate=0,
            weight_decay=-1,
            precision=1.0,
            margin=-0.1,
            report=1.5,
            seed=-1,
        )
    for part in ("hidden_size", "epochs", "stretches_per_batch", "learning_rate", "weight_decay", "precision", "margin", "report", "seed"):
        assert part in str(caught.value)


@pytest.mark.parametrize("edge", [{"margin": 0.0}, {"precision": 0.0}, {"report": 0.999}, {"epochs": 1}, {"weight_decay": 0.0}])
def test_edges_that_are_allowed(edge: dict[str, float]) -> None:
    assert dataclasses.asdict(LinkScorerConfig.from_mapping(edge)).items() >= edge.items()


@pytest.mark.parametrize("value", ["48", None, True, 2.5])
def test_settings_of_another_type_are_named_beside_the_other_problems(value: object) -> None:
    with pytest.raises(ConfigError, match=r"hidden_size is .*, expected .*int.*epochs must be at least 1"):
        LinkScorerConfig.from_mapping({"hidden_size": value, "epochs": 0})
