"""Rows against a walk over each user's list: nothing at or after the target is in a row, and padding says nothing."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.click_network.data import ClickRows
from modeling.click_network.rows import Known, click_rows
from modeling.errors import DataError
from modeling.joint_representation.histories import Histories
from modeling.joint_representation.retrieval import retrieve

ITEMS, WIDTH, LENGTH, COUNT = 7, 3, 4, 3
VECTORS = np.random.default_rng(3).standard_normal((ITEMS, WIDTH)).astype(np.float32)
GENRES = np.concatenate([np.zeros((1, 1)), np.arange(1, ITEMS + 1)[:, None]]).astype(np.int32)
PER_ROW = ("users", "profile", "items", "recent", "recent_liked", "retrieved", "retrieved_liked", "retrieved_similarity", "retrieved_age")

# Each user's interactions: (item, liked), oldest first; a user may have none.
worlds = st.lists(st.lists(st.tuples(st.integers(0, ITEMS - 1), st.booleans()), max_size=8), min_size=1, max_size=5).filter(any)


def histories_of(users: list[list[tuple[int, bool]]]) -> Histories:
    entries = [entry for user in users for entry in user]
    offsets = np.cumsum([0, *map(len, users)]).astype(np.int64)
    return Histories(offsets, np.array([i for i, _ in entries], np.int32), np.array([liked for _, liked in entries], bool))


def known_of(users: int) -> Known:
    profile = np.stack([np.arange(users), np.arange(users)[::-1]], axis=1).astype(np.int32)
    return Known(np.arange(10, 10 + users, dtype=np.int32), profile, GENRES, np.concatenate([np.zeros((1, WIDTH), np.float32), VECTORS]))


def rows_of(histories: Histories, targets: np.ndarray, **more: Any) -> ClickRows:
    found = retrieve(histories, targets, VECTORS, count=COUNT)
    known = known_of(len(histories.offsets) - 1)
    return click_rows(histories, targets, known, found.entries, found.similarity, length=LENGTH, **more)


def padded(values: list[Any], width: int, padding: Any) -> list[Any]:
    return [*values[:width], *[padding] * (width - len(values))]


def walked(users: list[list[tuple[int, bool]]]) -> list[dict[str, Any]]:
    """Every entry as a row, from the lists."""
    rows = []
    for number, user in enumerate(users):
        for place, (item, liked) in enumerate(user):
            before = user[:place]
            latest = before[::-1]
            nearest = sorted(range(place), key=lambda at: (-float(VECTORS[item] @ VECTORS[user[at][0]]), -at))
            rows.append(
                {
                    "users": 10 + number, "profile": [number, len(users) - 1 - number], "items": item + 1, "liked": liked,
                    "recent": padded([i + 1 for i, _ in latest], LENGTH, 0),
                    "recent_liked": padded([int(like) for _, like in latest], LENGTH, 0),
                    "retrieved": padded([user[at][0] + 1 for at in nearest], COUNT, 0),
                    "retrieved_liked": padded([int(user[at][1]) for at in nearest], COUNT, 0),
                    "retrieved_age": padded([place - at for at in nearest], COUNT, 1),
                    "counts": [place, sum(like for _, like in before)],
                }
            )  # fmt: skip
    return rows


@given(worlds)
def test_rows_are_what_a_walk_over_the_lists_finds(users: list[list[tuple[int, bool]]]) -> None:
    histories = histories_of(users)
    rows = rows_of(histories, np.arange(len(histories.items)))
    expected = walked(users)
    for name in expected[0]:
        assert getattr(rows, name).tolist() == [row[name] for row in expected], name
    similarity = np.einsum("nd,nkd->nk", rows.vectors[rows.items], rows.vectors[rows.retrieved])  # type: ignore[index]
    np.testing.assert_allclose(rows.retrieved_similarity, np.where(rows.retrieved > 0, similarity, 0), atol=1e-5)
    assert np.isfinite(rows.retrieved_similarity).all()


@given(worlds, st.data())
def test_what_happens_at_or_after_a_target_is_not_in_its_row(users: list[list[tuple[int, bool]]], data: st.DataObject) -> None:
    histories = histories_of(users)
    target = data.draw(st.integers(0, len(histories.items) - 1))
    items, liked = histories.items.copy(), histories.liked.copy()
    liked[target:] ^= True
    items[target + 1 :] = (items[target + 1 :] + 1) % ITEMS
    ours, other = (rows_of(one, np.array([target])) for one in (histories, Histories(histories.offsets, items, liked)))
    assert ours.liked[0] != other.liked[0]
    for name in (*PER_ROW, "counts"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(other, name), err_msg=name)


def test_some_targets_are_the_rows_of_all_of_them() -> None:
    histories = histories_of([[(0, True), (1, False), (2, True)], [], [(3, False), (0, True)]])
    whole, some = rows_of(histories, np.arange(5)), rows_of(histories, np.array([2, 4]))
    for name in (*PER_ROW, "counts", "liked"):
        np.testing.assert_array_equal(getattr(some, name), getattr(whole, name)[[2, 4]], err_msg=name)
    assert some.users.tolist() == [10, 12]  # the second user has done nothing


def test_arrays_have_the_types_that_networks_read_and_extra_is_handed_on() -> None:
    histories = histories_of([[(0, True), (1, False)]])
    extra = np.array([[np.nan], [0.5]], np.float32)
    rows = rows_of(histories, np.arange(2), extra=extra)
    kinds = {name: getattr(rows, name).dtype for name in (*PER_ROW, "counts", "liked")}
    assert {name for name, kind in kinds.items() if kind == np.int8} == {"recent_liked", "retrieved_liked"}
    assert {name for name, kind in kinds.items() if kind == np.float32} == {"retrieved_similarity", "counts"}
    assert kinds["liked"] == np.bool_ and {str(kinds[name]) for name in ("users", "items", "recent", "retrieved", "retrieved_age")} == {
        "int32"
    }
    assert rows.extra is extra


def test_targets_out_of_order_are_refused() -> None:
    histories = histories_of([[(0, True), (1, False)]])
    empty = np.full((2, 1), -1, np.int32)
    with pytest.raises(DataError, match="ascending"):
        click_rows(histories, np.array([1, 0]), known_of(1), empty, np.zeros((2, 1), np.float32), length=1)
