"""Settings: the published recipe, every problem at once, and mappings there and back."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.errors import ConfigError
from modeling.language_model.config import BaseLMConfig, EndpointConfig, FineTuneConfig, LanguageModelConfig

URL = "http://127.0.0.1:8000/v1"


def test_the_published_recipe() -> None:
    config = FineTuneConfig()
    assert (config.rank, config.alpha, config.learning_rate, config.warmup_share) == (8, 32, 1e-4, 0.1)
    assert (config.epochs, config.batch_size, config.max_length) == (1, 2, 4096)


@pytest.mark.parametrize(
    "config",
    [
        LanguageModelConfig(),
        BaseLMConfig(start="random"),
        FineTuneConfig(target_modules=("q_proj",), dropout=0.1),
        EndpointConfig(URL, "m", money_budget=1.0, price_input=2),
    ],
)
def test_a_mapping_and_back(config: Any) -> None:
    mapping = config.to_mapping()
    assert json.loads(json.dumps(mapping)) == mapping
    assert type(config).from_mapping(mapping) == config


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as told:
        FineTuneConfig.from_mapping({"rank": 0, "alpha": "x", "warmup_share": 1.0, "learning_rte": 1e-3, "target_modules": [3]})
    message = str(told.value)
    for part in ("rank is 0", "alpha is 'x'", "warmup_share is 1.0", "did you mean 'learning_rate'", "target_modules is (3,)"):
        assert part in message


@pytest.mark.parametrize(
    ("cls", "settings", "problem"),
    [
        (LanguageModelConfig, {"dtype": "float16"}, "dtype is 'float16', expected one of float32, bfloat16, auto"),
        (LanguageModelConfig, {"model": " "}, "model is empty"),
        (BaseLMConfig, {"hidden_size": 30, "heads": 4}, "expected a multiple of twice heads"),
        (BaseLMConfig, {"layer_rule": "odd"}, "layer_rule is 'odd', expected one of even, ends"),
        (BaseLMConfig, {"layers": True}, "layers is True, expected int"),
        (BaseLMConfig, {"max_length": 7}, "expected at least 8"),
        (EndpointConfig, {"base_url": URL, "model": "m", "structure": "xml"}, "expected one of json_schema, vllm, none"),
        (EndpointConfig, {"base_url": "host:8000", "model": "m"}, "not an address like"),
        (EndpointConfig, {"base_url": URL, "model": "m", "money_budget": 1.0}, "without price_input or price_output"),
    ],
)
def test_what_is_out_of_range(cls: Any, settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem.replace("(", r"\(")):
        cls.from_mapping(settings)


def test_a_key_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match="key comes from key_variable") as told:
        EndpointConfig("https://user:sk-secret@host/v1", "m")
    assert "sk-secret" not in str(told.value)


@given(st.dictionaries(st.sampled_from(["rank", "alpha", "target_modules", "epochs", "seeds"]), st.integers() | st.text() | st.none()))
def test_any_mapping_is_a_config_or_a_config_error(settings: dict[str, Any]) -> None:
    try:
        config = FineTuneConfig.from_mapping(settings)
    except ConfigError:
        return
    assert FineTuneConfig.from_mapping(config.to_mapping()) == config
