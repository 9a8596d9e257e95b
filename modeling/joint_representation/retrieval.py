"""The earlier entries of a user's own history that are most similar to a target item.

Similarities are computed once per pair of items and looked up per pair of entries: on MovieLens-1M 3,706 x 3,706 products stand for
970,000 x 200. Similarity and position travel together in one int64 key, so that the order is total and a partition of keys is exact.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modeling.errors import DataError
from modeling.joint_representation.histories import Histories, Positions

TABLE_BYTES = 1 << 26  # similarities of a block of target items to all items
SLICE = 2048  # targets looked up at once: 3 MB of keys at window 200

Vectors = npt.NDArray[np.float32]
Ordered = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Retrieved:
    """`entries` int32 [m, count]: flattened positions, best first, -1 where there are fewer; `similarity` float32, NaN at -1."""

    entries: npt.NDArray[np.int32]
    similarity: npt.NDArray[np.float32]


def retrieve(
    histories: Histories,
    targets: Positions,
    vectors: Vectors,
    *,
    count: int,
    window: int = 200,
    off_by_one: bool = False,
    threads: int = 1,
) -> Retrieved:
    """Per target (ascending flattened positions) the `count` entries most similar to it, of its user's last `window` before it.

    By falling dot product of `vectors` [items, d], ties with the more recent entry first. The target entry is never found; an earlier
    one of the same item may be. `off_by_one` is the released code's MovieLens defect, for an ablation: neighbours are counted from 0
    and looked up among ids that count from 1, so that an entry of item i has the similarity of item i + 1, and the last item is never
    found; it supposes rows in the order of the ids. DataError when histories, targets and vectors do not fit.
    """
    _check(histories, vectors, count, window)
    search = _Search(histories, targets, count, window)
    with ThreadPoolExecutor(threads) as pool:
        for block in _blocks(histories.items[targets], vectors, off_by_one):
            list(pool.map(search.answer, block))
    return Retrieved(search.entries, search.similarity)


@dataclass(frozen=True, slots=True, eq=False)
class _Slice:
    """Targets `rows` of one block, and which line of its `table` of similarities belongs to the item of each."""

    rows: Positions
    lines: Positions
    table: Ordered


class _Search:
    def __init__(self, histories: Histories, targets: Positions, count: int, window: int) -> None:
        self.targets, self.count = targets, count
        self.available = np.minimum(targets - histories.starts(targets), window)
        self.depth = max(1, int(self.available.max(initial=1)))
        padded = np.concatenate([np.zeros(self.depth, np.int32), histories.items])
        self.windows = np.lib.stride_tricks.sliding_window_view(padded, self.depth)  # row t: items of entries t - depth to t - 1
        self.entries = np.full((len(targets), count), -1, np.int32)
        self.similarity = np.full((len(targets), count), np.nan, np.float32)

    def answer(self, part: _Slice) -> None:
        """Fill in the rows of one slice."""
        depth = max(1, int(self.available[part.rows].max()))
        keys = self._keys(part, depth)
        width = min(self.count, depth)
        keys = np.partition(keys, depth - width, axis=1)[:, depth - width :]
        keys.sort(axis=1)
        keys = keys[:, ::-1]
        similarity = _as_floats((keys >> 32).astype(np.int32))
        missing = similarity == -np.inf
        self.entries[part.rows, :width] = np.where(missing, -1, keys & 0xFFFFFFFF)
        self.similarity[part.rows, :width] = np.where(missing, np.nan, similarity)

    def _keys(self, part: _Slice, depth: int) -> npt.NDArray[np.int64]:
        """Int64 [rows, depth]: similarity, as an integer of the same order, above the entry's position."""
        targets = self.targets[part.rows]
        items = self.windows[targets, self.depth - depth :]
        similarity = part.table.ravel().take(items + part.lines[:, None] * part.table.shape[1])
        places = np.arange(-depth, 0)
        similarity[places < -self.available[part.rows][:, None]] = _NOTHING
        keys: npt.NDArray[np.int64] = similarity.astype(np.int64) << 32
        keys |= np.maximum(targets[:, None] + places, 0)
        return keys


def _blocks(asked: npt.NDArray[np.int32], vectors: Vectors, off_by_one: bool) -> Iterator[list[_Slice]]:
    """Targets by item, so that few lines of a table serve a slice; a block has one table of limited size."""
    order = np.argsort(asked, kind="stable")
    items, counts = np.unique(asked, return_counts=True)
    ends = np.concatenate([[0], np.cumsum(counts)])
    height = max(1, TABLE_BYTES // (4 * len(vectors)))
    for first in range(0, len(items), height):
        chosen = items[first : first + height]
        table = _table(chosen, vectors, off_by_one)
        rows = order[ends[first] : ends[first + len(chosen)]]
        lines = np.searchsorted(chosen, asked[rows])
        yield [_Slice(rows[cut : cut + SLICE], lines[cut : cut + SLICE], table) for cut in range(0, len(rows), SLICE)]


def _table(items: npt.NDArray[np.int32], vectors: Vectors, off_by_one: bool) -> Ordered:
    similarity = vectors[items] @ vectors.T
    if off_by_one:
        similarity = np.roll(similarity, -1, axis=1)
        similarity[:, -1] = -np.inf
    return _as_integers(similarity)


def _as_integers(similarity: Vectors) -> Ordered:
    """Int32 in the order of the floats: the bits, with those below the sign flipped where it is set; -0 counts as 0."""
    bits = (similarity + np.float32(0)).view(np.int32)
    return bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))


def _as_floats(ordered: Ordered) -> Vectors:
    found: Vectors = (ordered ^ ((ordered >> 31) & np.int32(0x7FFFFFFF))).view(np.float32)
    return found


_NOTHING = _as_integers(np.array([-np.inf], np.float32))[0]


def _check(histories: Histories, vectors: Vectors, count: int, window: int) -> None:
    if vectors.dtype != np.float32 or vectors.ndim != 2 or len(vectors) <= histories.items.max(initial=-1):
        raise DataError(f"retrieving from histories: vectors are {vectors.dtype} {vectors.shape}; expected float32, one row per item")
    if count < 1 or window < 1 or not np.isfinite(vectors).all():
        raise DataError(f"retrieving from histories: count {count}, window {window}; expected at least 1 each, and finite vectors")
