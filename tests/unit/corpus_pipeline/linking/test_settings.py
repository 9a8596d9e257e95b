"""Settings out of range are refused, all at once."""

from typing import Any

import pytest

from corpus_pipeline.errors import ConfigError
from corpus_pipeline.linking.settings import DEFAULT, BlockSettings


def test_the_defaults_are_valid_and_the_default() -> None:
    assert BlockSettings() == DEFAULT


def test_every_value_out_of_range_is_listed() -> None:
    with pytest.raises(ConfigError) as error:
        BlockSettings(edits=0, similarity_floor=1.5, gram_limit=-1, films_per_key=3)
    assert all(part in str(error.value) for part in ("edits = 0", "similarity_floor = 1.5", "gram_limit = -1"))
    assert "films_per_key" not in str(error.value)
    assert "segment_cap" not in str(error.value)


@pytest.mark.parametrize(
    "over",
    [{"keys_per_query": 0}, {"similarity_floor": -0.01}, {"similarity_floor": float("nan")}, {"segment_cap": "5000"}, {"edits": None}],
)
def test_one_value_out_of_range_is_enough(over: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(over))):
        BlockSettings(**over)


@pytest.mark.parametrize("over", [{"similarity_floor": 0}, {"similarity_floor": 1}, {"edits": 1}, {"films_per_key": 1}])
def test_the_ends_of_the_ranges_are_in_them(over: dict[str, Any]) -> None:
    assert BlockSettings(**over) != DEFAULT
