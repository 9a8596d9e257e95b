"""Everybody's interactions in time order, end to end in three arrays."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modeling.errors import DataError

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Histories:
    """User u's interactions, oldest first, are entries offsets[u] to offsets[u + 1]; an entry's number is its flattened position.

    `offsets` int64 [users + 1], `items` int32 [n] rows of the item matrix, `liked` bool [n].
    """

    offsets: Positions
    items: npt.NDArray[np.int32]
    liked: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Raise DataError unless the offsets ascend from 0 to n and the arrays are as long as each other."""
        count = len(self.items)
        if not len(self.offsets) or self.offsets[0] != 0 or self.offsets[-1] != count or (np.diff(self.offsets) < 0).any():
            raise DataError(f"histories: offsets do not ascend from 0 to {count}, the number of entries")
        if len(self.liked) != count or (count and self.items.min() < 0) or count > np.iinfo(np.int32).max:
            raise DataError(f"histories: {count} items, {len(self.liked)} marks; expected one mark per item, no item below 0, below 2^31")

    def starts(self, targets: Positions) -> Positions:
        """The first entry of each target's user, int64 [m]; DataError unless targets are entries in ascending order."""
        if len(targets) and (targets[0] < 0 or targets[-1] >= len(self.items) or (np.diff(targets) <= 0).any()):
            raise DataError(f"histories: targets are not ascending positions of {len(self.items)} entries; sort them, each once")
        found: Positions = self.offsets[np.searchsorted(self.offsets, targets, side="right") - 1]
        return found
