"""Which turns are taken when not all are: whole dialogues first, the same ones every time, in the order of the rows."""

import pyarrow as pa
import pytest

from assets_defs.turns import of_split, sampled, targets_of


@pytest.fixture
def rows() -> pa.Table:
    """Thirty dialogues of three turns in two data sets."""
    dialogues = [f"{'redial' if number % 3 else 'inspired'}:{number:02d}" for number in range(30) for _ in range(3)]
    examples = [f"{dialogue}#{place % 3}" for place, dialogue in enumerate(dialogues)]
    split = ["train" if place % 2 else "test" for place in range(90)]
    return pa.table({"example_id": examples, "dialogue_id": dialogues, "dataset": [d.split(":")[0] for d in dialogues], "split": split})


def test_none_is_left_out_when_all_are_asked_for(rows: pa.Table) -> None:
    assert sampled(rows, 0, purpose="x") == rows and sampled(rows, 1000, purpose="x").num_rows == 90


def test_a_sample_takes_dialogue_by_dialogue_and_keeps_the_order(rows: pa.Table) -> None:
    chosen = sampled(rows, 30, purpose="x")
    assert chosen.num_rows == 30 and len(set(chosen["dialogue_id"].to_pylist())) == 10
    assert chosen["example_id"].to_pylist() == sorted(chosen["example_id"].to_pylist(), key=rows["example_id"].to_pylist().index)
    assert sampled(rows, 30, purpose="x") == chosen != sampled(rows, 30, purpose="another")


def test_a_larger_sample_holds_the_smaller_one(rows: pa.Table) -> None:
    small, large = (set(sampled(rows, count, purpose="x")["example_id"].to_pylist()) for count in (12, 40))
    assert small < large


def test_each_data_set_has_its_own_share(rows: pa.Table) -> None:
    chosen = sampled(rows, 6, purpose="x", per_dataset=True)
    assert sorted(chosen["dataset"].to_pylist()) == ["inspired"] * 6 + ["redial"] * 6


def test_splits_and_their_targets(rows: pa.Table) -> None:
    part = of_split(rows, "train")
    assert set(part["split"].to_pylist()) == {"train"} and of_split(rows, "train", "test").num_rows == 90
    targets = pa.table({"example_id": rows["example_id"], "movie_id": ["m"] * 90})
    assert targets_of(targets, part)["example_id"].to_pylist() == part["example_id"].to_pylist()
