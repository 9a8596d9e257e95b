"""From histories and what was retrieved from them to the arrays of `ClickRows`. Nothing is retrieved or learned here."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modeling.click_network.data import ClickRows, Flags, Floats, Ints
from modeling.joint_representation.histories import Histories, Positions


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What is known besides the histories, by user row or by item row.

    `users` [users]: the index a network knows the user by, 0 for one without training rows. `profile` [users, p]: categories, 0 for
    none. `genres` [items + 1, g]: genre indices from 1, 0 padding, row 0 empty. `vectors` [items + 1, d] or None: row 0 zero.
    """

    users: Ints
    profile: Ints
    genres: Ints
    vectors: Floats | None = None


def click_rows(
    histories: Histories,
    targets: Positions,
    known: Known,
    entries: Ints,
    similarity: Floats,
    *,
    length: int,
    extra: Floats | None = None,
) -> ClickRows:
    """Rows of the target entries (ascending flattened positions, int64 [n]).

    `entries` int32 [n, k]: retrieved flattened positions, -1 where there is none, with their `similarity`; `length`: recent entries.
    """
    starts = histories.starts(targets)
    owners = np.searchsorted(histories.offsets, targets, side="right") - 1
    recent = _recent(targets, starts, length)
    liked = np.concatenate([[0], np.cumsum(histories.liked)])
    return ClickRows(
        users=known.users[owners],
        profile=known.profile[owners],
        items=histories.items[targets] + np.int32(1),
        liked=histories.liked[targets],
        recent=_items(histories, recent),
        recent_liked=_liked(histories, recent),
        retrieved=_items(histories, entries),
        retrieved_liked=_liked(histories, entries),
        retrieved_similarity=np.where(entries < 0, np.float32(0), similarity),
        retrieved_age=np.where(entries < 0, 1, targets[:, None] - entries).astype(np.int32),
        counts=np.column_stack([targets - starts, liked[targets] - liked[starts]]).astype(np.float32),
        genres=known.genres,
        vectors=known.vectors,
        extra=extra,
    )


def _recent(targets: Positions, starts: Positions, length: int) -> Ints:
    """Flattened positions of the last `length` entries before each target, latest first, -1 where there are fewer."""
    places = (targets[:, None] - np.arange(1, length + 1)).astype(np.int32)
    return np.where(places < starts[:, None], np.int32(-1), places)


def _items(histories: Histories, entries: Ints) -> Ints:
    return np.where(entries < 0, np.int32(0), histories.items[np.maximum(entries, 0)] + np.int32(1))


def _liked(histories: Histories, entries: Ints) -> Flags:
    liked: npt.NDArray[np.int8] = histories.liked.astype(np.int8)[np.maximum(entries, 0)]
    return np.where(entries < 0, np.int8(0), liked)
