"""Every problem of a click network's settings is named at once, and settings survive JSON."""

import json

import pytest

from modeling.click_network.config import ClickNetworkConfig
from modeling.errors import ConfigError


def test_round_trip_through_json() -> None:
    config = ClickNetworkConfig(model="dcn", hidden_sizes=(8, 4), user_id=False, weight_decay=0)
    assert ClickNetworkConfig.from_mapping(json.loads(json.dumps(config.to_mapping()))) == config


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        ClickNetworkConfig.from_mapping(
            {"model": "deepfn", "hidden_sizes": [8, 0], "dropout": 1.0, "batch_size": 1, "user_id": 1, "embeding_size": 4, "seed": True}
        )
    for part in (
        "model is 'deepfn'",
        "did you mean 'deepfm'?",
        "hidden_sizes is (8, 0)",
        "dropout is 1.0, expected a number from 0 to 0.95",
        "batch_size is 1, expected a whole number of at least 2",
        "user_id is 1, expected true or false",
        "unknown key 'embeding_size', did you mean 'embedding_size'?",
        "seed is True",
    ):
        assert part in str(caught.value)


@pytest.mark.parametrize("sizes", [(), 8, "8", (8, True)])
def test_hidden_sizes_must_be_whole_numbers(sizes: object) -> None:
    with pytest.raises(ConfigError, match="hidden_sizes"):
        ClickNetworkConfig.from_mapping({"hidden_sizes": sizes})
