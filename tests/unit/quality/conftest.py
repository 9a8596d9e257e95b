"""A made-up corpus, what is expected of it, and a way to run SQL on any corpus."""

import re
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

_WORD = re.compile(r"\w+")


def runner(corpus: Mapping[str, pa.Table]) -> RunSql:
    connection = duckdb.connect(":memory:", config={"threads": "1"})
    known: set[str] = set()

    def run_sql(sql: str) -> pa.Table:
        for name in (corpus.keys() & set(_WORD.findall(sql))) - known:  # registering all tables costs more than most queries
            known.add(name)
            connection.register(name, corpus[name])
        return connection.execute(sql).to_arrow_table()

    return run_sql


@pytest.fixture(scope="session")
def sql_on() -> Callable[[Mapping[str, pa.Table]], RunSql]:
    return runner


@pytest.fixture(scope="session")
def corpus() -> Mapping[str, pa.Table]:
    return factories.good_corpus()


@pytest.fixture(scope="session")
def baseline(corpus: Mapping[str, pa.Table]) -> Baseline:
    """The numbers of the good corpus, exactly."""
    run_sql, datasets, interactions = runner(corpus), factories.DATASETS, factories.INTERACTION_DATASETS
    numbers = measure_baseline(run_sql, sources=factories.SOURCES, datasets=datasets, interaction_datasets=interactions)
    numbers |= measure_set_baseline(run_sql, interaction_datasets=interactions) | measure_link_baseline(run_sql, datasets=datasets)
    bounds = {name: Bounds(value, value, "measured") for name, value in numbers.items()}
    return Baseline("made_up.json", factories.SOURCES, datasets, interactions, bounds)


@pytest.fixture(scope="session")
def expectations(baseline: Baseline) -> tuple[Expectation, ...]:
    """Everything that is expected of a corpus, of training sets and of links."""
    corpus_rules = corpus_expectations(baseline, minimum_movies=factories.MINIMUM_MOVIES)
    return (*corpus_rules, *set_expectations(baseline), *link_expectations(baseline))


@pytest.fixture
def fingerprints(expectations: tuple[Expectation, ...]) -> Iterator[dict[str, str]]:
    yield {expectation.table: f"sha-of-{expectation.table}" for expectation in expectations}
