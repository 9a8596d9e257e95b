"""Expectations rendered from the declared tables. Nothing is stated here that the schema does not say.

Each table: the columns are the declared ones and the key is unique. Each column: no nulls unless nullable, no empty
string in a key, closed values, ranges, finite numbers. Each reference: its rows exist.
"""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from corpus_pipeline.schema import fields
from corpus_pipeline.schema.render import literal, quoted, sql_type
from corpus_pipeline.schema.types import Column, Reference, Table
from quality.expectations import Expectation, empty, no_rows


def contract(tables: Iterable[Table]) -> tuple[Expectation, ...]:
    """Every expectation that the declarations of `tables` imply, in order of declaration."""
    return tuple(expectation for table in tables for expectation in _of_table(table))


def _of_table(table: Table) -> Iterator[Expectation]:
    yield _columns(table)
    yield _key(table)
    for column in table.columns:
        yield from _of_column(table, column)
    for reference in table.references:
        yield _found(table, reference)


def _columns(table: Table) -> Expectation:
    # Quotes and spaces are dropped on both sides: DuckDB quotes a struct's member only where it is a keyword.
    plain = "regexp_replace({}, '[\" ]', '', 'g')"
    declared = ", ".join(f"({literal(c.name)}, {plain.format(literal(sql_type(c.field.type)))})" for c in table.columns)
    seen = f"SELECT column_name AS name, {plain.format('column_type')} AS type FROM (DESCRIBE {quoted(table.name)})"
    rows = (
        f"SELECT coalesce(d.name, s.name) AS column_name, d.type AS declared, s.type AS seen "
        f"FROM (VALUES {declared}) AS d(name, type) FULL JOIN ({seen}) AS s ON d.name = s.name "
        f"WHERE d.type IS DISTINCT FROM s.type"
    )
    return empty(f"{table.name}.columns", rows=rows, description="The columns and their types are the declared ones.")


def _key(table: Table) -> Expectation:
    keys = ", ".join(map(quoted, table.key))
    rows = f"SELECT {keys}, count(*) AS row_count FROM {quoted(table.name)} GROUP BY ALL HAVING count(*) > 1"
    description = f"No two rows share the key ({', '.join(table.key)})."
    return empty(f"{table.name}.key_unique", rows=rows, description=description)


def _of_column(table: Table, column: Column) -> Iterator[Expectation]:
    name, field = quoted(column.name), column.field
    if not column.nullable:
        yield _rule(table, column, "not_null", f"{name} IS NULL", f"{column.name} is never null.")
    if column.name in table.key and _may_not_be_empty(column):
        yield _rule(table, column, "not_empty", f"trim({name}) = ''", f"{column.name}, part of the key, is never an empty string.")
    if field.values:
        values = ", ".join(map(literal, field.values))
        yield _rule(table, column, "in_values", f"{name} NOT IN ({values})", f"{column.name} is one of: {', '.join(field.values)}.")
    if pa.types.is_floating(field.type):
        yield _rule(table, column, "finite", f"NOT isfinite({name})", f"{column.name} is neither NaN nor infinite.")
    if field.minimum is not None or field.maximum is not None:
        yield _range(table, column)


def _may_not_be_empty(column: Column) -> bool:
    # A quarantined record may well have been an empty line, so its raw text is free to be empty.
    return pa.types.is_string(column.field.type) and column.field is not fields.RAW_TEXT


def _range(table: Table, column: Column) -> Expectation:
    low, high, name = column.field.minimum, column.field.maximum, quoted(column.name)
    outside = [f"{name} < {low}"] if low is not None else []
    outside += [f"{name} > {high}"] if high is not None else []
    bounds = " and ".join(([f"at least {low:g}"] if low is not None else []) + ([f"at most {high:g}"] if high is not None else []))
    return _rule(table, column, "in_range", " OR ".join(outside), f"{column.name} is {bounds}.")


def _rule(table: Table, column: Column, kind: str, where: str, description: str) -> Expectation:
    keys = list(dict.fromkeys((*table.key, column.name)))
    return no_rows(f"{table.name}.{column.name}.{kind}", where=where, keys=keys, description=description)


def _found(table: Table, reference: Reference) -> Expectation:
    columns, targets = map(quoted, reference.columns), map(quoted, reference.target_columns)
    join = " AND ".join(f"t.{target} = r.{column}" for column, target in zip(columns, targets, strict=True))
    present = " AND ".join(f"r.{quoted(column)} IS NOT NULL" for column in reference.columns)
    keys = ", ".join(f"r.{quoted(key)}" for key in dict.fromkeys((*table.key, *reference.columns)))
    rows = f"SELECT {keys} FROM {quoted(table.name)} AS r ANTI JOIN {quoted(reference.table)} AS t ON {join} WHERE {present}"
    name = f"{table.name}.{'_and_'.join(reference.columns)}.found_in.{reference.table}"
    description = f"Every ({', '.join(reference.columns)}) exists in {reference.table}."
    return empty(name, rows=rows, description=description)
