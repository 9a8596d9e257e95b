"""Settings of the query expert: defaults, and every problem at once."""

import pytest

from modeling.errors import ConfigError
from modeling.query_expert.config import QUERY_MODES, QueryExpertConfig, TeacherConfig


def test_there_and_back() -> None:
    for config in (QueryExpertConfig(films=2), TeacherConfig(decade=False)):
        assert type(config).from_mapping(config.to_mapping()) == config
    assert QUERY_MODES == ("raw", "direct", "expert")


def test_every_problem_is_named() -> None:
    with pytest.raises(ConfigError) as raised:
        TeacherConfig.from_mapping({"genres": -1, "words": 0, "decade": 1, "people": True, "liks": 2})
    told = str(raised.value)
    assert told.startswith("TeacherConfig: ")
    for part in ("genres is -1", "words is 0, expected at least 1", "decade is 1", "people is True", "'liks', did you mean 'likes'"):
        assert part in told
    with pytest.raises(ConfigError, match="max_new_tokens is 'x', expected int"):
        QueryExpertConfig(max_new_tokens="x")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="unknown key 'zzz'; known: dialogue_characters"):
        QueryExpertConfig.from_mapping({"zzz": 1})
