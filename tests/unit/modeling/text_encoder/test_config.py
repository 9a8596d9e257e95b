"""Settings of the text encoder: all problems in one message."""

import pytest

from modeling.errors import ConfigError
from modeling.text_encoder.config import TextEncoderConfig


def test_defaults_and_round_trip() -> None:
    config = TextEncoderConfig.from_mapping({"max_tokens": 96})
    assert config.to_mapping() == {
        "model": "minilm",
        "max_tokens": 96,
        "batch_size": 8,
        "processes": 2,
        "normalise": True,
        "precision": "float32",
        "base_url": "",
        "key_variable": "OPENAI_API_KEY",
        "token_budget": 0,
    }
    assert TextEncoderConfig.from_mapping(config.to_mapping()) == config


def test_all_problems_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        TextEncoderConfig.from_mapping(
            {"max_token": 64, "batch_size": 0, "normalise": "yes", "model": " ", "processes": True, "precision": "int8"}
        )
    for problem in (
        "unknown key 'max_token', did you mean 'max_tokens'?",
        "batch_size is 0, expected at least 1",
        "normalise is 'yes', expected bool",
        "model is empty",
        "processes is True, expected int",
        "precision is 'int8', expected 'float32' or 'bfloat16'",
    ):
        assert problem in str(caught.value)


def test_an_unlike_key_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="unknown key 'zzz'; known: model, max_tokens, batch_size, processes, normalise, precision"):
        TextEncoderConfig.from_mapping({"zzz": 1})


@pytest.mark.parametrize("tokens", [2, 0, -1])
def test_max_tokens_leaves_room_for_a_word(tokens: int) -> None:
    with pytest.raises(ConfigError, match="expected at least 3"):
        TextEncoderConfig(max_tokens=tokens)
