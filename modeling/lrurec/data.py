"""From item sequences to packed batches: vocabulary, truncation, shuffling, the padding position. No weights, no torch.

A batch holds no padding. Its rows are sorted by time step (`modeling.lrurec.scan.Steps`); each sequence short enough
contributes one row for the padding position before its first item, which learns to predict that item: the model's
answer to an empty history. States never flow out of a padding position, so one row stands for all of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from modeling.errors import DataError

PADDING = 0  # item indices start at 1
NO_LABEL = -1

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ragged:
    """Sequences end to end: sequence i is values[offsets[i]:offsets[i + 1]]; `counted` marks positions in the loss."""

    values: Indices
    offsets: Indices
    counted: npt.NDArray[np.bool_]

    @property
    def lengths(self) -> Indices:
        return np.diff(self.offsets)


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """Rows of one batch: item index per row, label per row (0-based item or NO_LABEL), rows per time step.

    `last_rows[i]` is the row of the final position of the i-th sequence as given.
    """

    items: Indices
    labels: Indices
    empty_count: int
    sizes: tuple[int, ...]
    last_rows: Indices


def training_sequences(sequences: pa.Table) -> pa.Table:
    """The train rows of set_sequences, sorted by dialogue; DataError when there are none or when a test row is present."""
    if pc.any(pc.equal(sequences["split"], "test")).as_py():
        raise DataError("training LRURec: set_sequences holds rows of split 'test'; expected train and valid only: rebuild the set")
    rows = sequences.filter(pc.equal(sequences["split"], "train"))
    rows = rows.filter(pc.greater(pc.list_value_length(rows["sequence_movie_ids"]), 0)).sort_by("dialogue_id")
    if not rows.num_rows:
        raise DataError("training LRURec: set_sequences holds no non-empty sequence of split 'train'; check the linker's coverage")
    return rows


def vocabulary_of(sequences: pa.Table) -> list[str]:
    """Distinct movie ids of the sequences, sorted."""
    return sorted(pc.unique(pc.list_flatten(sequences["sequence_movie_ids"])).to_pylist())


def encode_sequences(sequences: pa.Table, vocabulary: Sequence[str], *, only_recommender: bool) -> Ragged:
    """Sequences as item indices (position in `vocabulary` + 1); with `only_recommender`, others' mentions do not count."""
    lists = sequences["sequence_movie_ids"].combine_chunks()
    values = pc.index_in(lists.flatten(), value_set=pa.array(vocabulary, pa.string())).to_numpy(zero_copy_only=False) + 1
    offsets = np.concatenate([[0], np.cumsum(pc.list_value_length(lists).to_numpy(zero_copy_only=False))])
    if only_recommender:
        counted = sequences["is_target"].combine_chunks().flatten().to_numpy(zero_copy_only=False).astype(bool)
    else:
        counted = np.ones(len(values), bool)
    return Ragged(values.astype(np.int64), offsets.astype(np.int64), counted)


def encode_histories(histories: Sequence[Sequence[int]]) -> Ragged:
    """Histories that are already item indices."""
    values = np.fromiter((item for history in histories for item in history), np.int64)
    offsets = np.concatenate([[0], np.cumsum([len(history) for history in histories])]).astype(np.int64)
    return Ragged(values, offsets, np.ones(len(values), bool))


def _time_major(lengths: Indices) -> tuple[tuple[int, ...], Indices, Indices]:
    """For lengths sorted decreasingly: rows per time step, and each row's sequence and time."""
    longest = int(lengths[0]) if len(lengths) else 0
    sizes = np.searchsorted(-lengths, -np.arange(1, longest + 1), side="right")
    times = np.repeat(np.arange(longest), sizes)
    starts = np.cumsum(sizes) - sizes
    return tuple(sizes.tolist()), np.arange(len(times)) - np.repeat(starts, sizes), times


def pack_training(data: Ragged, chosen: Indices, *, max_length: int) -> PackedBatch:
    """Next-item rows of the chosen sequences: inputs without the last item, labels the sequence, both the latest `max_length`.

    A sequence of n <= max_length items gives n rows, the first a padding position; a longer one gives max_length rows
    without a padding position (LRURec's left-padding, minus the positions that train nothing).
    """
    ends, lengths = data.offsets[chosen + 1], data.lengths[chosen]
    inputs = np.minimum(lengths - 1, max_length)
    order = np.argsort(-inputs, kind="stable")
    ends, lengths, inputs = ends[order], lengths[order], inputs[order]
    sizes, sequences, times = _time_major(inputs)
    sources = (ends - 1 - inputs)[sequences] + times
    firsts = (ends - lengths)[lengths <= max_length]
    labelled = np.concatenate([firsts, sources + 1])
    items = np.concatenate([np.full(len(firsts), PADDING), data.values[sources]])
    labels = np.where(data.counted[labelled], data.values[labelled] - 1, NO_LABEL)
    return PackedBatch(items, labels, len(firsts), sizes, np.empty(0, np.int64))


def pack_histories(data: Ragged, *, max_length: int) -> PackedBatch:
    """Rows that read whole histories (the latest `max_length` items); an empty history is one padding row."""
    inputs = np.minimum(data.lengths, max_length)
    order = np.argsort(-inputs, kind="stable")
    sizes, sequences, times = _time_major(inputs[order])
    sources = (data.offsets[1:] - inputs)[order][sequences] + times
    empty_count = int((inputs == 0).sum())
    items = np.concatenate([np.full(empty_count, PADDING), data.values[sources]]).astype(np.int64)
    last_rows = np.empty(len(inputs), np.int64)
    starts = np.cumsum((0, *sizes))
    full = order[: len(order) - empty_count]
    last_rows[full] = empty_count + starts[inputs[full] - 1] + np.arange(len(full))
    last_rows[order[len(full) :]] = np.arange(empty_count)
    return PackedBatch(items, np.full(len(items), NO_LABEL), empty_count, sizes, last_rows)


def batches(data: Ragged, generator: np.random.Generator, *, batch_size: int, max_length: int) -> Iterator[PackedBatch]:
    """One epoch: all sequences shuffled once, then cut into batches; batches without a label are left out."""
    order = generator.permutation(len(data.lengths))
    for start in range(0, len(order), batch_size):
        batch = pack_training(data, order[start : start + batch_size], max_length=max_length)
        if (batch.labels != NO_LABEL).any():
            yield batch
