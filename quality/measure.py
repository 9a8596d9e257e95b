"""Taking the numbers: SQL in, one number per quantity out. An error is a result here, not an exception."""

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from corpus_pipeline.schema.render import quoted
from quality.expectations import Quantity

RunSql = Callable[[str], pa.Table]
ERROR_TEXT_LIMIT = 500
CELL_TEXT_LIMIT = 200

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Measure:
    """What was seen: a number, or the reason why there is none."""

    name: str
    observed: float | None
    error: str | None = None


def measure(quantities: Sequence[Quantity], run_sql: RunSql) -> tuple[Measure, ...]:
    """One measure per quantity, in their order. Aggregates over one table share one pass over it."""
    found: dict[str, Measure] = {}
    for table in dict.fromkeys(q.table for q in quantities if q.expression):
        found |= _in_one_pass(table, [q for q in quantities if q.table == table and q.expression], run_sql)
    for quantity in quantities:
        if quantity.name not in found:
            found[quantity.name] = _alone(quantity, run_sql)
    return tuple(found[quantity.name] for quantity in quantities)


def _in_one_pass(table: str, quantities: Sequence[Quantity], run_sql: RunSql) -> Mapping[str, Measure]:
    """Measures by name; empty when the statement fails, so that each quantity is then asked alone and only the guilty fail."""
    columns = ", ".join(f"{q.expression} AS m{index}" for index, q in enumerate(quantities))
    try:
        answer = run_sql(f"SELECT {columns} FROM {quoted(table)}")
    except Exception as error:  # noqa: BLE001 - run_sql is the caller's: any error of his engine makes the pass void
        logger.info("one pass over %s failed, asking one by one: %s", table, error)
        return {}
    if answer.num_rows != 1 or answer.num_columns != len(quantities):
        return {}
    return {q.name: _number(q, answer.column(index)[0].as_py()) for index, q in enumerate(quantities)}


def _alone(quantity: Quantity, run_sql: RunSql) -> Measure:
    try:
        answer = run_sql(quantity.sql)
    except Exception as error:  # noqa: BLE001 - whatever the engine raises, the expectation has failed and says why
        return Measure(quantity.name, None, f"{type(error).__name__}: {error}"[:ERROR_TEXT_LIMIT])
    if answer.num_rows != 1 or answer.num_columns != 1:
        return Measure(quantity.name, None, f"expected one number, the query gave {answer.num_rows} rows of {answer.num_columns} columns")
    return _number(quantity, answer.column(0)[0].as_py())


def _number(quantity: Quantity, cell: Any) -> Measure:
    if cell is None:
        return Measure(quantity.name, None, "the query gave null: there was nothing to measure")
    try:
        value = float(cell)
    except (TypeError, ValueError):
        return Measure(quantity.name, None, f"expected a number, the query gave {cell!r}"[:ERROR_TEXT_LIMIT])
    return Measure(quantity.name, value) if math.isfinite(value) else Measure(quantity.name, None, f"expected a finite number, saw {value}")


def offending_rows(quantity: Quantity, run_sql: RunSql) -> tuple[Mapping[str, Any], ...]:
    """At most 20 rows that spoil the quantity, as JSON values; a query that fails yields its error as the one row."""
    if quantity.offending_sql is None:
        return ()
    try:
        rows: Iterable[Mapping[str, Any]] = run_sql(quantity.offending_sql).to_pylist()
    except Exception as error:  # noqa: BLE001 - the verdict stands without examples
        return ({"error": f"{type(error).__name__}: {error}"[:ERROR_TEXT_LIMIT]},)
    return tuple({key: _json_value(value) for key, value in row.items()} for row in rows)


def _json_value(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)  # NaN and infinities are not JSON
    return str(value)[:CELL_TEXT_LIMIT]
