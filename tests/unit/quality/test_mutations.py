"""Every expectation is tripped by at least one change of good data, and by none of the good data itself."""

from collections.abc import Callable, Mapping

import pyarrow as pa
import pytest

from corpus_pipeline.schema.tables import SET_PREFERENCES
from quality.expectations import Expectation
from quality.measure import RunSql, measure
from tests.factories import movie_id
from tests.unit.quality.mutations import WRITTEN, change, mutation_of

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


@pytest.mark.parametrize("table", [table.name for table in SET_PREFERENCES])
def test_a_bad_preference_breaks_the_one_rule_about_it(
    table: str, corpus: Mapping[str, pa.Table], expectations: tuple[Expectation, ...], sql_on: SqlOn
) -> None:
    own = [e for e in expectations if e.table == table]
    bad = [(e.name, mutation) for e in own if (mutation := WRITTEN.get(e.name))]
    bad += [
        (f"{table}.training_turns_only", change(table, example_id="inspired:2#1")),
        (f"{table}.training_turns_only", change(table, dataset="redial")),
        # At turn 3 film 2 has been named as well, by the recommender.
        (f"{table}.no_film_of_the_history", change(table, example_id="inspired:1#3")),
        (f"{table}.reward_needs_an_answer", change(table, failure="nonsense")),
    ]
    for name, mutation in bad:
        seen = measure(own, sql_on(mutation(corpus)))
        assert [e.name for e, m in zip(own, seen, strict=True) if m.error or not e.holds(m.observed)] == [name]


@pytest.mark.parametrize("table", [table.name for table in SET_PREFERENCES])
def test_sound_preferences_of_other_kinds_raise_no_alarm(
    table: str, corpus: Mapping[str, pa.Table], expectations: tuple[Expectation, ...], sql_on: SqlOn
) -> None:
    own = [e for e in expectations if e.table == table]
    sound = [
        change(table, reward=0.0, failure="nonsense", ranked_movie_ids=[]),
        change(table, reward=0.0),
        change(table, example_id="inspired:1#3", candidate_movie_ids=[movie_id(4), movie_id(3)]),
        change(table, 1, candidate_movie_ids=[]),
        lambda tables: {**tables, table: tables[table].slice(0, 0)},
    ]
    for mutation in sound:
        seen = measure(own, sql_on(mutation(corpus)))
        assert [(e.name, m.error) for e, m in zip(own, seen, strict=True) if m.error or not e.holds(m.observed)] == []
