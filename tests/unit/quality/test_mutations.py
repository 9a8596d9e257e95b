"""Every expectation is tripped by at least one change of good data, and by none of the good data itself."""

from collections.abc import Callable, Mapping

import pyarrow as pa

from quality.expectations import Expectation
from quality.measure import RunSql, measure
from tests.unit.quality.mutations import WRITTEN, mutation_of

SqlOn = Callable[[Mapping[str, pa.Table]], RunSql]


def test_good_data_raise_no_alarm(corpus: Mapping[str, pa.Table], expectations: tuple[Expectation, ...], sql_on: SqlOn) -> None:
    seen = measure(expectations, sql_on(corpus))
    alarms = [(e.name, m.observed, m.error) for e, m in zip(expectations, seen, strict=True) if not e.holds(m.observed)]
    assert alarms == []


def test_every_expectation_has_a_mutation_that_trips_it(
    corpus: Mapping[str, pa.Table], expectations: tuple[Expectation, ...], sql_on: SqlOn
) -> None:
    untripped = {}
    for expectation in expectations:
        mutation = mutation_of(expectation.name)
        if mutation is None:
            untripped[expectation.name] = "no mutation is written: add one to mutations.py"
            continue
        (seen,) = measure([expectation], sql_on(mutation(corpus)))
        if seen.error or expectation.holds(seen.observed):
            untripped[expectation.name] = f"its mutation gave {seen.observed}, {seen.error}"
    assert untripped == {}


def test_no_mutation_is_written_for_an_expectation_that_is_gone(expectations: tuple[Expectation, ...]) -> None:
    assert sorted(set(WRITTEN) - {expectation.name for expectation in expectations}) == []


def test_tripped_expectations_name_offending_rows(
    corpus: Mapping[str, pa.Table], expectations: tuple[Expectation, ...], sql_on: SqlOn
) -> None:
    silent = []
    for expectation in expectations:
        mutation = mutation_of(expectation.name)
        if expectation.offending_sql is not None and mutation is not None:
            rows = sql_on(mutation(corpus))(expectation.offending_sql).num_rows
            silent += [] if 0 < rows <= 20 else [(expectation.name, rows)]
    assert silent == []
