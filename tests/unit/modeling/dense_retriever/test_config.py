"""Settings of the query tower: defaults hold, every problem is told at once."""

import pytest

from modeling.dense_retriever.config import DenseRetrieverConfig
from modeling.errors import ConfigError


def test_defaults_survive_the_way_through_json() -> None:
    assert DenseRetrieverConfig.from_mapping(DenseRetrieverConfig().to_mapping()) == DenseRetrieverConfig()


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as told:
        DenseRetrieverConfig.from_mapping({"members": 0, "dropout": 1.5, "negatives": "none", "film_residual": 1, "hiden_size": 4})
    text = str(told.value)
    assert all(part in text for part in ("members is 0", "dropout is 1.5", "'none'", "film_residual is 1", "did you mean 'hidden_size'"))


@pytest.mark.parametrize("settings", [{"members": True}, {"learning_rate": "fast"}, {"seed": -1}, {"batch_size": 1}])
def test_what_is_out_of_range_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        DenseRetrieverConfig.from_mapping(settings)
