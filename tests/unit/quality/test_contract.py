"""The contract follows the declarations: which rules a small table gets, and where their borders lie."""

from collections.abc import Callable, Mapping

import pyarrow as pa
import pytest

from corpus_pipeline.schema.tables import RELEASED, SETS
from corpus_pipeline.schema.types import Column, Field, Reference, Table
from quality.contract import contract
from quality.measure import RunSql, measure

SqlOn = Callable[[Mapping[str, pa.Table]], RunSql]

CITY = Table(
    "core_cities",
    "Cities.",
    (
        Column(Field("city_id", pa.string(), "Id.")),
        Column(Field("size_share", pa.float64(), "Share.", minimum=0, maximum=1), nullable=True),
        Column(Field("kind", pa.string(), "Kind.", values=("port", "o'ther"))),
        Column(Field("twin_id", pa.string(), "Twin."), nullable=True),
    ),
    ("city_id",),
    (Reference(("twin_id",), "core_cities", ("city_id",)),),
)


def cities(shares: pa.DataType = pa.float64(), **columns: list[object]) -> dict[str, pa.Table]:  # noqa: B008 - a constant
    good = {"city_id": ["a", "b"], "size_share": [0.0, 1.0], "kind": ["port", "o'ther"], "twin_id": ["b", None]}
    schema = pa.schema([("city_id", pa.string()), ("size_share", shares), ("kind", pa.string()), ("twin_id", pa.string())])
    return {"core_cities": pa.Table.from_pydict({**good, **columns}, schema=schema)}


def test_a_table_gets_exactly_the_rules_that_its_declaration_implies() -> None:
    assert [e.name for e in contract([CITY])] == [
        "core_cities.columns",
        "core_cities.key_unique",
        "core_cities.city_id.not_null",
        "core_cities.city_id.not_empty",
        "core_cities.size_share.finite",
        "core_cities.size_share.in_range",
        "core_cities.kind.not_null",
        "core_cities.kind.in_values",
        "core_cities.twin_id.found_in.core_cities",
    ]


@pytest.mark.parametrize(
    ("rows", "failed"),
    [
        (cities(), []),
        (cities(size_share=[None, 0.5], twin_id=[None, None]), []),
        (cities(size_share=[1.0000001, 0.5]), ["core_cities.size_share.in_range"]),
        (cities(size_share=[-0.0000001, 0.5]), ["core_cities.size_share.in_range"]),
        (cities(size_share=[float("inf"), 0.5]), ["core_cities.size_share.finite", "core_cities.size_share.in_range"]),
        (cities(city_id=["a", "a"], twin_id=["a", None]), ["core_cities.key_unique"]),
        (cities(city_id=["a", " "], twin_id=["a", None]), ["core_cities.city_id.not_empty"]),
        (cities(kind=["port", "Port"]), ["core_cities.kind.in_values"]),
        (cities(twin_id=["c", None]), ["core_cities.twin_id.found_in.core_cities"]),
        (cities(shares=pa.float32()), ["core_cities.columns"]),
    ],
)  # fmt: skip
def test_borders(rows: Mapping[str, pa.Table], failed: list[str], sql_on: SqlOn) -> None:
    rules = contract([CITY])
    seen = measure(rules, sql_on(rows))
    assert [e.name for e, m in zip(rules, seen, strict=True) if not e.holds(m.observed)] == failed


def test_both_ends_of_every_declared_range_are_guarded(corpus: Mapping[str, pa.Table], sql_on: SqlOn) -> None:
    from tests.factories import changed

    leaks = []
    for table in (*RELEASED, *SETS):
        rules = {e.name: e for e in contract([table])}
        for column in table.columns:
            for end, step in ((column.field.minimum, -1), (column.field.maximum, 1)):
                if end is not None:
                    rule = rules[f"{table.name}.{column.name}.in_range"]
                    at, beyond = (measure([rule], sql_on(changed(corpus, table.name, **{column.name: v})))[0] for v in (end, end + step))
                    leaks += [] if (at.observed, beyond.observed) == (0, 1) else [(rule.name, end, at, beyond)]
    assert leaks == []


def test_closed_values_and_ranges_are_declared_only_where_the_contract_can_check_them() -> None:
    for table in (*RELEASED, *SETS):
        for column in table.columns:
            assert not column.field.values or pa.types.is_string(column.field.type)
