"""Groups, codes and conditions on one dialogue of two turns and one of one."""

import numpy as np
import pyarrow as pa
import pytest

from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import EVAL_RANKS
from modeling.errors import EvaluationError
from modeling.evaluation.pairs import Pairs, groups_of

# dialogue, turn, target index, is new, rank
ROWS: tuple[tuple[str, int, int, bool, int | None], ...] = (
    ("x", 1, 0, False, 4),
    ("x", 1, 1, True, 2),
    ("x", 3, 0, True, None),
    ("y", 1, 0, False, 7),
    ("z", 5, 0, True, 9),
)


def ranks(*, dataset: str = "redial", model: str = "m", candidate_set: str = "corpus") -> pa.Table:
    names = {"dataset": dataset, "model": model, "candidate_set": candidate_set}
    made = [
        {**names, "example_id": f"{d}#{turn}", "target_index": t, "dialogue_id": d, "is_new": new, "rank": rank}
        for d, turn, t, new, rank in ROWS
    ]
    return pa.Table.from_pylist(made, schema=arrow_schema(EVAL_RANKS))


def only(table: pa.Table) -> Pairs:
    ((_, pairs),) = groups_of(table)
    return pairs


def test_pairs_are_sorted_and_numbered_by_dialogue_and_turn() -> None:
    pairs = only(ranks().take([4, 2, 0, 3, 1]))
    assert pairs.keys.to_pylist() == [{"example_id": f"{d}#{turn}", "target_index": t} for d, turn, t, _, _ in ROWS]
    assert np.array_equal(pairs.ranks, [4, 2, np.nan, 7, 9], equal_nan=True)
    assert (pairs.dialogues.tolist(), pairs.turns.tolist()) == ([0, 0, 0, 1, 2], [0, 0, 1, 2, 3])
    assert pairs.dialogue_count == 3


def test_a_condition_has_no_dialogue_without_a_pair() -> None:
    new, repeated = only(ranks()).of("new"), only(ranks()).of("repeated")
    assert (new.dialogues.tolist(), new.turns.tolist(), new.dialogue_count) == ([0, 0, 1], [0, 1, 2], 2)
    assert (repeated.dialogues.tolist(), repeated.turns.tolist(), repeated.ranks.tolist()) == ([0, 1], [0, 1], [4, 7])
    assert repeated.keys["example_id"].to_pylist() == ["x#1", "y#1"]
    assert len(only(ranks()).of("all").ranks) == 5
    assert only(ranks().slice(0, 1)).of("new").dialogue_count == 0


def test_an_unknown_condition_is_refused() -> None:
    with pytest.raises(EvaluationError, match="'seen' is unknown"):
        only(ranks()).of("seen")


def test_sums_are_over_dialogues() -> None:
    values = np.array([[1.0, 10], [2, 20], [4, 40], [8, 80], [16, 160]])
    assert only(ranks()).per_dialogue(values).tolist() == [[7, 70], [8, 80], [16, 160]]


def test_groups_come_in_order_and_keep_to_themselves() -> None:
    table = pa.concat_tables([ranks(model="b"), ranks(dataset="inspired"), ranks(candidate_set="dataset_items"), ranks(model="a")])
    assert [tuple(group) for group, _ in groups_of(table)] == [
        ("inspired", "corpus", "m"),
        ("redial", "corpus", "a"),
        ("redial", "corpus", "b"),
        ("redial", "dataset_items", "m"),
    ]
    assert all(len(pairs.ranks) == len(ROWS) for _, pairs in groups_of(table))
