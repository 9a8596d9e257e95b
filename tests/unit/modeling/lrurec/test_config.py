"""The default config is the published recipe, and every problem is named at once."""

import pytest

from modeling.errors import ConfigError
from modeling.lrurec.config import LRURecConfig


def test_defaults_are_the_published_recipe() -> None:
    config = LRURecConfig()
    assert (config.embedding_size, config.state_size, config.block_count, config.feed_forward_factor) == (64, 128, 2, 4)
    assert (config.learning_rate, config.adam_epsilon, config.weight_decay) == (1e-3, 1e-9, 0.01)
    assert (config.batch_size, config.gradient_clip, config.max_length, config.patience_epochs) == (128, 5.0, 50, 10)
    assert (config.ring_minimum, config.ring_maximum, config.selection_metric) == (0.8, 0.99, "recall@10")


def test_round_trip() -> None:
    config = LRURecConfig(mode="text", dropout=0, max_length=7)
    assert LRURecConfig.from_mapping(config.to_mapping()) == config


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        LRURecConfig.from_mapping(
            {"mode": "both", "dropout": 1.0, "batch_sise": 3, "max_length": "50", "patience_epochs": -1, "seed": True}
        )
    message = str(caught.value)
    for part in (
        "mode is 'both', expected one of id, text",
        "dropout is 1.0",
        "unknown key 'batch_sise', did you mean 'batch_size'?",
        "max_length is '50', expected int",
        "patience_epochs is -1",
        "seed is True, expected int",
    ):
        assert part in message


def test_ring_must_be_a_ring() -> None:
    with pytest.raises(ConfigError, match="ring_minimum < ring_maximum"):
        LRURecConfig(ring_minimum=0.99, ring_maximum=0.8)
