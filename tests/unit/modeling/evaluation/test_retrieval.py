"""Recall and gains by kind of query, by numbers one can check on paper."""

from typing import Any

import pyarrow as pa
import pytest

from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import EVAL_RETRIEVAL_RANKS
from modeling.evaluation.retrieval import retrieval_table

DIALOGUES = 40


def ranks(mode: str, found: list[int | None], split: str = "valid") -> list[dict[str, Any]]:
    shared = {"dataset": "starter", "split": split, "retriever": "bm25", "query_mode": mode, "target_index": 0, "is_new": True}
    ids = [f"starter:d{number:03d}" for number in range(len(found))]
    return [{**shared, "example_id": f"{one}#1", "dialogue_id": one, "rank": rank} for one, rank in zip(ids, found, strict=True)]


def table_of(*rows: list[dict[str, Any]]) -> dict[tuple[str, str, int], dict[str, Any]]:
    table = pa.Table.from_pylist([row for part in rows for row in part], schema=arrow_schema(EVAL_RETRIEVAL_RANKS))
    found = retrieval_table(table, bootstrap_samples=400, seed=1).to_pylist()
    return {(row["query_mode"], row["metric"], row["k"]): row for row in found}


def test_recall_and_gain_of_an_expert_that_finds_twice_as_much() -> None:
    raw: list[int | None] = [1, None, 40, None] * 10
    expert: list[int | None] = [1, 2, 10, None] * 10
    found = table_of(ranks("raw", raw), ranks("expert", expert))
    assert found["raw", "recall", 5]["value"] == 0.25 and found["expert", "recall", 5]["value"] == 0.5
    gain = found["expert", "gain", 5]
    assert gain["value"] == pytest.approx(1.0) and gain["ci_low"] < 1.0 < gain["ci_high"] and gain["ci_low"] > 0.3
    assert found["expert", "gain", 50]["value"] == pytest.approx(0.5)
    assert ("raw", "gain", 5) not in found and found["expert", "recall", 20]["count"] == DIALOGUES


def test_the_same_ranks_gain_nothing() -> None:
    gain = table_of(ranks("raw", [1, 9] * 10), ranks("expert", [1, 9] * 10))["expert", "gain", 5]
    assert (gain["value"], gain["ci_low"], gain["ci_high"]) == (0.0, 0.0, 0.0)


def test_a_gain_over_next_to_nothing_has_a_lower_end_and_no_upper_one() -> None:
    gain = table_of(ranks("raw", [1, *[None] * 19]), ranks("expert", [1] * 10 + [None] * 10))["expert", "gain", 5]
    assert gain["value"] == 9.0 and 1.0 < gain["ci_low"] < 9.0 and gain["ci_high"] is None


def test_a_base_that_finds_nothing_has_no_interval() -> None:
    found = table_of(ranks("raw", [None] * 10), ranks("expert", [1] * 10), ranks("direct", [None] * 10))
    assert found["expert", "gain", 5]["value"] == 9.0 and found["expert", "gain", 5]["ci_low"] is None
    assert found["direct", "gain", 5]["value"] == 0.0


def test_splits_are_told_apart() -> None:
    rows = [*ranks("raw", [1] * 4), *ranks("raw", [None] * 4, "test")]
    table = pa.Table.from_pylist(rows, schema=arrow_schema(EVAL_RETRIEVAL_RANKS))
    found = retrieval_table(table, bootstrap_samples=100, seed=1)
    assert {(row["split"], row["value"]) for row in found.to_pylist()} == {("valid", 1.0), ("test", 0.0)}
