"""Settings out of range are refused, all at once."""

import pytest

from corpus_pipeline.errors import ConfigError
from corpus_pipeline.linking.settings import LinkSettings


def test_the_defaults_are_valid() -> None:
    assert LinkSettings().margin < LinkSettings().exact_floor < 1


def test_every_value_out_of_range_is_listed() -> None:
    with pytest.raises(ConfigError) as error:
        LinkSettings(margin=-0.1, exact_floor=1.5, block_limit=0, latest_years=(("starter", 2000),))
    assert all(name in str(error.value) for name in ("margin", "exact_floor", "block_limit"))
    assert "latest_years" not in str(error.value)
