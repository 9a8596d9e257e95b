"""A made-up corpus, what is expected of it, and a way to run SQL on any corpus."""

from collections.abc import Callable, Iterator, Mapping

import duckdb
import pyarrow as pa
import pytest

from quality.baseline import Baseline, Bounds
from quality.corpus import (
    corpus_expectations,
    link_expectations,
    measure_baseline,
    measure_link_baseline,
    measure_set_baseline,
    set_expectations,
)
from quality.expectations import Expectation
from quality.measure import RunSql
from tests import factories


def runner(corpus: Mapping[str, pa.Table]) -> RunSql:
    connection = duckdb.connect(":memory:", config={"threads": "1"})
    for name, table in corpus.items():
        connection.register(name, table)
    return lambda sql: connection.execute(sql).to_arrow_table()


@pytest.fixture(scope="session")
def sql_on() -> Callable[[Mapping[str, pa.Table]], RunSql]:
    return runner


@pytest.fixture(scope="session")
def corpus() -> Mapping[str, pa.Table]:
    return factories.good_corpus()


@pytest.fixture(scope="session")
def baseline(corpus: Mapping[str, pa.Table]) -> Baseline:
    """The numbers of the good corpus, exactly."""
    run_sql = runner(corpus)
    numbers = measure_baseline(run_sql, sources=factories.SOURCES, datasets=factories.DATASETS)
    numbers |= measure_set_baseline(run_sql) | measure_link_baseline(run_sql, datasets=factories.DATASETS)
    return Baseline(
        "made_up.json", factories.SOURCES, factories.DATASETS, {name: Bounds(value, value, "measured") for name, value in numbers.items()}
    )


@pytest.fixture(scope="session")
def expectations(baseline: Baseline) -> tuple[Expectation, ...]:
    """Everything that is expected of a corpus, of training sets and of links."""
    corpus_rules = corpus_expectations(baseline, minimum_movies=factories.MINIMUM_MOVIES)
    return (*corpus_rules, *set_expectations(baseline), *link_expectations(baseline))


@pytest.fixture
def fingerprints(expectations: tuple[Expectation, ...]) -> Iterator[dict[str, str]]:
    yield {expectation.table: f"sha-of-{expectation.table}" for expectation in expectations}
