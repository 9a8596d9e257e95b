"""Numbers come in order, errors stay with the guilty, and nothing that is no number counts as one."""

from collections.abc import Callable, Mapping

import pyarrow as pa
import pytest

from quality.expectations import Quantity, aggregate, counted
from quality.measure import RunSql, measure, offending_rows

SqlOn = Callable[[Mapping[str, pa.Table]], RunSql]
ROWS = {"core_x": pa.table({"a": [1, 2, None], "word": ["p", "q", "r"]})}


def of_x(name: str, expression: str) -> Quantity:
    return aggregate(f"core_x.{name}", expression=expression, description="")


def test_aggregates_of_a_table_share_one_statement(sql_on: SqlOn) -> None:
    asked: list[str] = []
    run_sql = sql_on(ROWS)

    def listening(sql: str) -> pa.Table:
        asked.append(sql)
        return run_sql(sql)

    alone = counted("core_x.big", rows="SELECT a FROM core_x WHERE a > 1", description="")
    seen = measure([of_x("rows", "count(*)"), alone, of_x("sum", "sum(a)")], listening)
    assert [m.observed for m in seen] == [3, 1, 3]
    assert len(asked) == 2


def test_a_broken_aggregate_does_not_drag_the_others_down(sql_on: SqlOn) -> None:
    rows, broken = measure([of_x("rows", "count(*)"), of_x("broken", "sum(no_such_column)")], sql_on(ROWS))
    assert (rows.observed, rows.error) == (3, None)
    assert broken.observed is None
    assert "no_such_column" in str(broken.error)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("max(CASE WHEN a > 9 THEN a END)", "null"),
        ("max('many')", "expected a number"),
        ("max(CAST('nan' AS DOUBLE))", "finite"),
        ("max(CAST('inf' AS DOUBLE))", "finite"),
    ],
)
def test_what_is_no_number_is_an_error(expression: str, reason: str, sql_on: SqlOn) -> None:
    (seen,) = measure([of_x("odd", expression)], sql_on(ROWS))
    assert seen.observed is None
    assert reason in str(seen.error)


def test_a_query_of_many_rows_is_no_measure(sql_on: SqlOn) -> None:
    (seen,) = measure([Quantity(name="core_x.all", sql="SELECT a FROM core_x", description="")], sql_on(ROWS))
    assert (seen.observed, seen.error) == (None, "expected one number, the query gave 3 rows of 1 columns")


def test_offending_rows_are_json_values(sql_on: SqlOn) -> None:
    rows = "SELECT word, [1, 2] AS items, CAST('nan' AS DOUBLE) AS odd FROM core_x WHERE a = 1"
    assert offending_rows(counted("core_x.some", rows=rows, description=""), sql_on(ROWS)) == (
        {"word": "p", "items": "[1, 2]", "odd": "nan"},
    )


def test_offending_rows_are_at_most_twenty(sql_on: SqlOn) -> None:
    quantity = counted("core_x.many", rows="SELECT range FROM range(500)", description="")
    assert [row["range"] for row in offending_rows(quantity, sql_on(ROWS))] == list(range(20))
