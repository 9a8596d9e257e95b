"""Settings of the reranker: defaults hold, every problem is told at once."""

import json

import pytest

from modeling.errors import ConfigError
from modeling.reranker.config import RerankerConfig


def test_defaults_survive_the_way_through_json() -> None:
    assert RerankerConfig.from_mapping(json.loads(json.dumps(RerankerConfig().to_mapping()))) == RerankerConfig()


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as told:
        RerankerConfig.from_mapping({"lists": 0, "warmup_share": 2, "retrieval_weights": [], "negativs": 3})
    text = str(told.value)
    assert all(part in text for part in ("lists is 0", "warmup_share is 2", "retrieval_weights is ()", "did you mean 'negatives'"))
