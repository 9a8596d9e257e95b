"""Tables at rest: in-memory DuckDB over Parquet, atomic sorted writes, fingerprints. No path is chosen here.

A table rests as one Parquet file sorted by its key. An ordered COPY is byte-identical at any thread count, so the
SHA-256 of the file is the table's fingerprint.
"""

import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from corpus_pipeline.errors import ContractError
from corpus_pipeline.schema.render import arrow_schema, quoted
from corpus_pipeline.schema.types import Table

if TYPE_CHECKING:
    import duckdb

MEMORY_LIMIT = "4GB"  # leaves room for Arrow and Python below the 6 GiB peak the whole build is held to


def connect(tables: Mapping[str, "pa.Table | Path"] | None = None, *, threads: int | None = None) -> "duckdb.DuckDBPyConnection":
    """A private in-memory DuckDB; each entry of `tables` (Arrow table or Parquet path) becomes a view of that name.

    `threads` is 1 where every core has a process of its own already: on two cores two threads each cost a third more CPU.
    """
    import duckdb

    spill = Path(tempfile.gettempdir()) / "marquee-duckdb"  # the caller chooses the place, as for every temporary file: TMPDIR
    config: dict[str, str | bool | int | float | list[str]] = {"memory_limit": MEMORY_LIMIT, "temp_directory": str(spill)}
    con = duckdb.connect(":memory:", config=config | ({"threads": threads} if threads else {}))
    for name, table in (tables or {}).items():
        if isinstance(table, Path):
            con.read_parquet(str(table)).create_view(name)
        else:
            con.register(name, table)
    return con


def conform(rows: pa.Table, table: Table) -> pa.Table:
    """`rows` with exactly the declared columns, order and types; ContractError names every column that does not fit."""
    schema = arrow_schema(table)
    missing = [name for name in table.column_names if name not in rows.column_names]
    extra = [name for name in rows.column_names if name not in table.column_names]
    nulls = [c.name for c in table.columns if not c.nullable and c.name in rows.column_names and rows[c.name].null_count]
    if missing or extra or nulls:
        raise ContractError(f"table {table.name}: missing columns {missing}, undeclared columns {extra}, nulls in required columns {nulls}")
    try:
        return rows.select(table.column_names).cast(schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise ContractError(f"table {table.name}: a column does not have its declared type: {error}") from error


def write_table(rows: pa.Table, table: Table, path: Path, *, threads: int | None = None) -> str:
    """Write `rows` sorted by the table's key to `path`, all or nothing; returns the file's SHA-256."""
    conformed = conform(rows, table)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    order = "" if ascends(conformed, table.key) else "ORDER BY " + ", ".join(map(quoted, table.key))
    with connect({"rows_to_write": conformed}, threads=threads) as con:
        con.execute(
            f"COPY (FROM rows_to_write {order}) TO ? (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)",
            [str(partial)],
        )
    sync(partial)
    partial.replace(path)
    return sha256(path)


def ascends(rows: pa.Table, key: Sequence[str]) -> bool:
    """Whether every row's key is above the one before, so that sorting would change nothing: a sort of wide rows costs more."""
    import pyarrow.compute as pc

    tied: pa.ChunkedArray | bool = True
    for column in (rows[name] for name in key):
        earlier, later = column[:-1], column[1:]
        if pc.any(pc.and_(tied, pc.greater(earlier, later))).as_py():
            return False
        tied = pc.and_(tied, pc.equal(earlier, later))
    return not pc.any(tied).as_py()


def read_table(path: Path, table: Table) -> pa.Table:
    """The Parquet file at `path` as the declared table; ContractError when it is not that table."""
    import pyarrow.parquet as pq

    return conform(pq.read_table(path), table)


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Force a file's or directory's bytes to disk, so that a rename after it cannot expose an empty file."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
