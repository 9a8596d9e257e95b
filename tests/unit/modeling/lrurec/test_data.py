"""Packed batches against the definition of LRURec's padded rows, written out plainly."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.errors import DataError
from modeling.lrurec.data import (
    NO_LABEL,
    PADDING,
    PackedBatch,
    Ragged,
    batches,
    encode_histories,
    encode_sequences,
    pack_histories,
    pack_training,
    training_sequences,
    vocabulary_of,
)

SEQUENCES = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=9), min_size=1, max_size=6)


def rows_of_sequences(batch: PackedBatch) -> list[list[tuple[int, int]]]:
    """(item, label) of each sequence in time order, the padding rows each as a sequence of their own."""
    pairs = list(zip(batch.items.tolist(), batch.labels.tolist(), strict=True))
    found: list[list[tuple[int, int]]] = [[] for _ in range(batch.sizes[0] if batch.sizes else 0)]
    start = batch.empty_count
    for size in batch.sizes:
        for sequence in range(size):
            found[sequence].append(pairs[start + sequence])
        start += size
    return found + [[pair] for pair in pairs[: batch.empty_count]]


@given(SEQUENCES, st.integers(1, 6))
def test_training_rows_are_next_item_pairs(sequences: list[list[int]], max_length: int) -> None:
    batch = pack_training(encode_histories(sequences), np.arange(len(sequences)), max_length=max_length)
    expected = []
    for sequence in sequences:
        inputs, labels = sequence[:-1][-max_length:], [item - 1 for item in sequence[-max_length:]]
        if len(labels) > len(inputs):  # the last padding position predicts the first item
            expected.append([(PADDING, labels[0])])
            labels = labels[1:]
        if inputs:
            expected.append(list(zip(inputs, labels, strict=True)))
    assert sorted(rows_of_sequences(batch)) == sorted(expected)
    assert list(batch.sizes) == sorted(batch.sizes, reverse=True)
    assert len(batch.items) == batch.empty_count + sum(batch.sizes)


@given(st.lists(st.lists(st.integers(1, 9), max_size=9), max_size=6), st.integers(1, 6))
def test_history_rows_end_at_the_last_item(histories: list[list[int]], max_length: int) -> None:
    batch = pack_histories(encode_histories(histories), max_length=max_length)
    assert batch.items[batch.last_rows].tolist() == [history[-1] if history else PADDING for history in histories]
    kept = sorted(history[-max_length:] for history in histories if history)
    assert sorted([item for item, _ in rows] for rows in rows_of_sequences(batch) if rows[0][0] != PADDING) == kept
    assert batch.empty_count == sum(not history for history in histories)


def table(rows: list[tuple[str, str, list[str], list[bool]]]) -> pa.Table:
    names = ("dialogue_id", "split", "sequence_movie_ids", "is_target")
    columns = list(zip(*rows, strict=True))
    return pa.table(dict(zip(names, columns, strict=True)))


def test_only_recommender_mentions_count_on_request() -> None:
    rows = training_sequences(
        table([("d2", "train", ["b"], [False]), ("d1", "train", ["c", "a"], [False, True]), ("d0", "valid", ["z"], [True])])
    )
    vocabulary = vocabulary_of(rows)
    assert vocabulary == ["a", "b", "c"]
    data = encode_sequences(rows, vocabulary, only_recommender=True)
    assert (data.values.tolist(), data.offsets.tolist(), data.counted.tolist()) == ([3, 1, 2], [0, 2, 3], [False, True, False])
    batch = pack_training(data, np.arange(2), max_length=5)
    assert sorted(zip(batch.items.tolist(), batch.labels.tolist(), strict=True)) == [(PADDING, NO_LABEL), (PADDING, NO_LABEL), (3, 0)]
    assert encode_sequences(rows, vocabulary, only_recommender=False).counted.all()


def test_test_rows_are_refused() -> None:
    with pytest.raises(DataError, match="rows of split 'test'"):
        training_sequences(table([("d1", "train", ["a"], [True]), ("d2", "test", ["b"], [True])]))


def test_nothing_to_train_on() -> None:
    with pytest.raises(DataError, match="no non-empty sequence"):
        training_sequences(table([("d1", "train", [], []), ("d2", "valid", ["b"], [True])]))


def test_an_epoch_visits_every_sequence_once() -> None:
    data = Ragged(np.arange(1, 11), np.arange(11), np.ones(10, bool))
    seen = [batch.labels.tolist() for batch in batches(data, np.random.default_rng(0), batch_size=4, max_length=5)]
    assert [len(labels) for labels in seen] == [4, 4, 2]
    assert sorted(label for labels in seen for label in labels) == list(range(10))


def test_batches_without_label_are_left_out() -> None:
    data = Ragged(np.arange(1, 5), np.arange(5), np.array([False, False, False, True]))
    assert len(list(batches(data, np.random.default_rng(0), batch_size=1, max_length=5))) == 1
