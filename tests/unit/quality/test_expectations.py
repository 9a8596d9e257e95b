"""The small objects: what holds, what cannot be declared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.errors import ExpectationError
from quality.expectations import Expectation, aggregate, insist_on_unique_names, no_rows


def rows_of(minimum: float | None, maximum: float | None) -> Expectation:
    return aggregate("core_x.rows", expression="count(*)", description="Rows.").bounded(minimum, maximum)


@pytest.mark.parametrize(
    ("observed", "holds"),
    [(1, False), (2, True), (3, True), (4, True), (5, False), (None, False), (float("nan"), False), (float("inf"), False)],
)
def test_bounds_are_inclusive_and_nothing_never_holds(observed: float | None, holds: bool) -> None:
    assert rows_of(2, 4).holds(observed) is holds


@given(st.floats(allow_nan=False), st.floats(allow_nan=False, allow_infinity=False))
def test_an_open_side_accepts_everything_on_it(observed: float, bound: float) -> None:
    assert rows_of(bound, None).holds(observed) == (observed >= bound)
    assert rows_of(None, bound).holds(observed) == (observed <= bound)


def test_an_expectation_that_could_not_fail_cannot_be_declared() -> None:
    with pytest.raises(ExpectationError, match="could not fail"):
        rows_of(None, None)


def test_crossed_bounds_cannot_be_declared() -> None:
    with pytest.raises(ExpectationError, match="above maximum"):
        rows_of(2, 1)


def test_names_are_dotted_and_unique() -> None:
    with pytest.raises(ExpectationError, match="dotted"):
        no_rows("rows", where="x", keys=("x",), description="")
    with pytest.raises(ExpectationError, match=r"core_x\.rows"):
        insist_on_unique_names([rows_of(1, None), rows_of(2, None)])
