"""Numpy building blocks of the index: texts in one buffer, groups in one array, look-up by hash. Nothing here knows of films."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from corpus_pipeline.linking.words import Array


@dataclass(frozen=True, slots=True)
class Texts:
    """Many strings as one UTF-8 buffer (uint8) and n + 1 offsets (int32), so that they can lie in a mapped file."""

    data: Array
    offsets: Array

    @classmethod
    def of(cls, strings: Sequence[str]) -> "Texts":
        encoded = [string.encode("utf-8", "replace") for string in strings]
        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
        return cls(np.frombuffer(b"".join(encoded), np.uint8), np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, places: Array) -> list[str]:
        """The strings at `places`, in that order."""
        strings = pa.StringArray.from_buffers(len(self), pa.py_buffer(self.offsets), pa.py_buffer(self.data))
        taken: list[str] = strings.take(pa.array(places)).to_numpy(zero_copy_only=False).tolist()
        return taken


@dataclass(frozen=True, slots=True)
class Groups:
    """Members by hash: `hashes` uint64 sorted and distinct (g), `starts` int32 (g + 1) into `members` int32."""

    hashes: Array
    starts: Array
    members: Array

    @classmethod
    def of(cls, hashes: Array, members: Array) -> "Groups":
        """Members keep their order inside a group."""
        order = np.argsort(hashes, kind="stable")
        distinct, starts = np.unique(hashes[order], return_index=True)
        return cls(distinct, np.append(starts, len(hashes)).astype(np.int32), members[order].astype(np.int32))

    def find(self, hashes: Array) -> Array:
        """The group of each hash, -1 where there is none."""
        return find(self.hashes, hashes)

    def sizes(self, groups: Array) -> Array:
        sizes: Array = self.starts[groups + 1] - self.starts[groups]
        return sizes

    def expand(self, groups: Array, sizes: Array | None = None) -> tuple[Array, Array]:
        """(position in `groups`, member) for every member of `groups`, or for the first `sizes` members of each."""
        counts = self.sizes(groups) if sizes is None else sizes
        owners = np.repeat(np.arange(len(groups)), counts)
        inside = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
        return owners, self.members[self.starts[groups][owners] + inside]


def find(sorted_values: Array, wanted: Array) -> Array:
    """Where each of `wanted` lies in `sorted_values` (distinct), -1 where it does not."""
    if not len(sorted_values):
        return np.full(len(wanted), -1, np.int64)
    places = np.minimum(np.searchsorted(sorted_values, wanted), len(sorted_values) - 1)
    return np.where(sorted_values[places] == wanted, places, -1)


def distinct(values: Array) -> Array:
    """The sorted distinct `values`; `np.unique` hashes integers first, which takes three times as long on millions."""
    ordered = np.sort(values)
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered


def save(folder: Path, arrays: Mapping[str, Array]) -> None:
    """Each array as `<name>.npy`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", np.ascontiguousarray(array), allow_pickle=False)


def load(folder: Path, names: Sequence[str]) -> dict[str, Array]:
    """The arrays, mapped: only pages that are read take memory."""
    return {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in names}
