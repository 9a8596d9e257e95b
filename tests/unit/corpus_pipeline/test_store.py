"""Tables at rest: the bytes do not depend on the order of the rows that come, whether a sort was needed or not."""

import random
from pathlib import Path

import pyarrow as pa
import pytest

from corpus_pipeline import store
from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import REJECTS

KEYS = [("a", "x.csv", 2), ("a", "x.csv", 10), ("a", "y.csv", 1), ("b", "x.csv", 1), ("é", "x.csv", 1)]


def rejects(keys: list[tuple[str, str, int]]) -> pa.Table:
    rows = [{"source": s, "file": f, "line": n, "reason": "orphan", "raw_text": f"{s}{n}", "record_count": 1} for s, f, n in keys]
    return pa.Table.from_pylist(rows, schema=arrow_schema(REJECTS))


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_rows_leaves_no_trace(tmp_path: Path, seed: int) -> None:
    ordered = store.write_table(rejects(KEYS), REJECTS, tmp_path / "ordered.parquet")
    shuffled = random.Random(seed).sample(KEYS, len(KEYS))
    assert store.write_table(rejects(shuffled), REJECTS, tmp_path / "shuffled.parquet", threads=1) == ordered
    assert store.read_table(tmp_path / "shuffled.parquet", REJECTS).column("line").to_pylist() == [n for _, _, n in KEYS]


def test_an_empty_table_is_written(tmp_path: Path) -> None:
    store.write_table(rejects([]), REJECTS, tmp_path / "empty.parquet")
    assert store.read_table(tmp_path / "empty.parquet", REJECTS).num_rows == 0


@pytest.mark.parametrize(
    ("chunks", "ascends"), [([KEYS[:2], KEYS[2:]], True), ([KEYS[2:], KEYS[:2]], False), ([KEYS[:1], KEYS[:1]], False)]
)
def test_ascending_keys_are_told_across_chunks(chunks: list[list[tuple[str, str, int]]], ascends: bool) -> None:
    assert store.ascends(pa.concat_tables(map(rejects, chunks)), ("source", "file", "line")) is ascends
