"""Renderings of a declared table: Arrow schema, DuckDB DDL with comments, Markdown. No fact is stated here."""

from collections.abc import Iterable

import pyarrow as pa

from corpus_pipeline.schema.types import Column, Table

_SQL_TYPES = {
    pa.string(): "VARCHAR",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
}


def arrow_schema(table: Table) -> pa.Schema:
    """Arrow schema with nullability and, as metadata, each column's description."""
    return pa.schema(
        pa.field(c.name, c.field.type, nullable=c.nullable, metadata={"description": c.field.description}) for c in table.columns
    )


def sql_type(kind: pa.DataType) -> str:
    """DuckDB's name of an Arrow type; lists and structs are rendered recursively."""
    if pa.types.is_list(kind):
        return f"{sql_type(kind.value_type)}[]"
    if pa.types.is_struct(kind):
        return f"STRUCT({', '.join(f'{quoted(member.name)} {sql_type(member.type)}' for member in kind)})"
    return _SQL_TYPES[kind]


def quoted(identifier: str) -> str:
    """A SQL identifier, quoted so that no name can end it."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def literals(texts: Iterable[str]) -> str:
    """A SQL list of string literals, as it stands behind IN. `texts` are not empty."""
    return f"({', '.join(map(literal, texts))})"


def create_table(table: Table, *, with_key: bool = True) -> str:
    """CREATE TABLE with NOT NULLs and, unless it is added after loading, the primary key."""
    lines = [f"  {quoted(c.name)} {sql_type(c.field.type)}{'' if c.nullable else ' NOT NULL'}" for c in table.columns]
    if with_key:
        lines.append(f"  PRIMARY KEY ({', '.join(map(quoted, table.key))})")
    return f"CREATE TABLE {quoted(table.name)} (\n" + ",\n".join(lines) + "\n);"


def comments(table: Table) -> str:
    """COMMENT ON statements for the table and each of its columns."""
    lines = [f"COMMENT ON TABLE {quoted(table.name)} IS {literal(table.description)};"]
    lines += [f"COMMENT ON COLUMN {quoted(table.name)}.{quoted(c.name)} IS {literal(c.field.description)};" for c in table.columns]
    return "\n".join(lines)


def _row(column: Column, table: Table) -> str:
    marks = ["key"] if column.name in table.key else []
    marks += [f"→ {r.table}" for r in table.references if r.columns == (column.name,)]
    marks += ["nullable"] if column.nullable else []
    return f"| `{column.name}` | {sql_type(column.field.type)} | {', '.join(marks)} | {column.field.description} |"


def markdown(table: Table) -> str:
    """One section of the data dictionary."""
    head = [f"## `{table.name}`", "", table.description, "", "| column | type | | meaning |", "| --- | --- | --- | --- |"]
    return "\n".join(head + [_row(column, table) for column in table.columns]) + "\n"
