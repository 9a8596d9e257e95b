"""What the UI and the command line say of a judged expectation."""

import pytest

from assets_defs.checks import bounds
from quality.verdict import Result


@pytest.mark.parametrize(
    ("minimum", "maximum", "words"),
    [
        (None, 0, "at most 0"),
        (0.98, None, "at least 0.98"),
        (350_000, 362_000, "350,000 to 362,000"),
        (502, 502.0, "exactly 502"),
    ],
)
def test_bounds_are_told_in_words(minimum: float | None, maximum: float | None, words: str) -> None:
    assert bounds(Result("core_movies.rows", "core_movies", "error", 1.0, minimum, maximum, passed=True, description="")) == words
