"""Where names stand among the rows of an index. What the rows are, the owner knows."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]


class Places(dict[str, int]):
    """The place of each name, not changed once it is made; `of` remembers the last tuple that was asked about.

    A recommender asks every part about the same 19,000 films at every turn, and to look them up takes a part longer than to score
    them. A list may have changed since, so it is always looked up.
    """

    _last: tuple[tuple[str, ...], Rows] | None = None

    def of(self, names: Sequence[str]) -> Rows:
        """The place of each name, -1 for one that is not there; not to be written to."""
        if self._last is not None and self._last[0] is names:
            return self._last[1]
        found = np.fromiter((self.get(name, -1) for name in names), np.int64, len(names))
        found.flags.writeable = False
        if isinstance(names, tuple):
            self._last = (names, found)
        return found
