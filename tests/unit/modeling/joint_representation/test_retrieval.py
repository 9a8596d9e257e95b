"""Retrieval inside histories against a loop over every earlier entry; whole-number vectors, so that ties are exact."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modeling.errors import DataError
from modeling.joint_representation import retrieval
from modeling.joint_representation.histories import Histories, Positions
from modeling.joint_representation.retrieval import retrieve

ITEMS = 7


def histories_of(users: list[list[int]]) -> Histories:
    items = np.array([item for user in users for item in user], np.int32)
    return Histories(np.cumsum([0, *map(len, users)]).astype(np.int64), items, np.ones(len(items), bool))


def brute_force(
    users: list[list[int]], targets: list[int], vectors: np.ndarray, count: int, window: int, off_by_one: bool
) -> list[list[tuple[int, float]]]:  # fmt: skip
    flat = [
        (start, place, user) for user, start in zip(users, np.cumsum([0, *map(len, users)]), strict=False) for place in range(len(user))
    ]
    found = []
    for target in targets:
        start, place, user = flat[target]
        candidates = []
        for earlier in range(max(0, place - window), place):
            other = user[earlier] + 1 if off_by_one else user[earlier]
            if other < ITEMS:
                candidates.append((float(vectors[user[place]] @ vectors[other]), int(start) + earlier))
        best = sorted(candidates, key=lambda pair: (-pair[0], -pair[1]))[:count]
        found.append([(position, score) for score, position in best])
    return found


USERS = st.lists(st.lists(st.integers(0, ITEMS - 1), max_size=12), min_size=1, max_size=6).filter(any)


@settings(max_examples=150, deadline=None)
@given(USERS, st.integers(1, 6), st.integers(1, 14), st.booleans(), st.randoms(use_true_random=False), st.sampled_from([1, 2]))
def test_against_brute_force(users, count, window, off_by_one, random, threads) -> None:  # type: ignore[no-untyped-def]
    histories = histories_of(users)
    total = len(histories.items)
    targets = sorted(random.sample(range(total), random.randint(0, total)))
    vectors = np.array([[random.randint(-2, 2) for _ in range(3)] for _ in range(ITEMS)], np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retrieval, "TABLE_BYTES", 4 * ITEMS * random.randint(1, 4))
        patch.setattr(retrieval, "SLICE", random.randint(1, 5))
        asked = np.array(targets, np.int64)
        found = retrieve(histories, asked, vectors, count=count, window=window, off_by_one=off_by_one, threads=threads)
    assert found.entries.shape == found.similarity.shape == (len(targets), count)
    for row, expected in enumerate(brute_force(users, targets, vectors, count, window, off_by_one)):
        width = len(expected)
        assert found.entries[row, :width].tolist() == [position for position, _ in expected]
        assert found.similarity[row, :width].tolist() == [score for _, score in expected]
        assert (found.entries[row, width:] == -1).all() and np.isnan(found.similarity[row, width:]).all()


def long_history() -> tuple[Histories, Positions, np.ndarray]:
    generator = np.random.default_rng(0)
    lengths = [300, 1, 40]
    histories = Histories(np.cumsum([0, *lengths]).astype(np.int64), generator.integers(50, size=341).astype(np.int32), np.ones(341, bool))
    return histories, np.arange(341), generator.standard_normal((50, 16)).astype(np.float32)


def test_only_what_came_before_and_within_the_window() -> None:
    histories, targets, vectors = long_history()
    found = retrieve(histories, targets, vectors, count=30, window=100)
    starts = histories.starts(targets)
    there = found.entries >= 0
    low = np.maximum(starts, targets - 100)
    assert (~there | (found.entries < targets[:, None]) & (found.entries >= low[:, None])).all()
    assert there.sum(1).tolist() == np.minimum(30, targets - low).tolist()


def test_what_comes_later_changes_nothing() -> None:
    histories, targets, vectors = long_history()
    changed = Histories(histories.offsets, histories.items.copy(), histories.liked)
    changed.items[150:300] = 3
    before, after = (retrieve(given, targets[:150], vectors, count=10) for given in (histories, changed))
    np.testing.assert_array_equal(before.entries, after.entries)
    np.testing.assert_array_equal(before.similarity, after.similarity)


def test_similarities_are_the_dot_products() -> None:
    histories, targets, vectors = long_history()
    found = retrieve(histories, targets, vectors, count=5)
    rows, columns = np.nonzero(found.entries >= 0)
    expected = (vectors[histories.items[targets[rows]]] * vectors[histories.items[found.entries[rows, columns]]]).sum(1)
    np.testing.assert_allclose(found.similarity[rows, columns], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("targets", [[1, 0], [0, 0], [-1], [341]])
def test_targets_that_are_no_ascending_positions(targets: list[int]) -> None:
    histories, _, vectors = long_history()
    with pytest.raises(DataError, match="ascending positions"):
        retrieve(histories, np.array(targets), vectors, count=1)


def test_vectors_that_do_not_fit() -> None:
    histories, targets, vectors = long_history()
    for wrong in (vectors[:40], vectors.astype(np.float64), np.full_like(vectors, np.nan)):
        with pytest.raises(DataError, match="retrieving from histories"):
            retrieve(histories, targets, wrong, count=1)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="count 0"):
        retrieve(histories, targets, vectors, count=0)


NO_HISTORY = [
    ([0, 2], [0, 1, 2], 3),
    ([0, 2, 1, 3], [0, 1, 2], 3),
    ([1, 3], [0, 1, 2], 3),
    ([0, 3], [0, -1, 2], 3),
    ([0, 3], [0, 1, 2], 2),
]


@pytest.mark.parametrize(("offsets", "items", "marks"), NO_HISTORY)
def test_what_is_no_history(offsets: list[int], items: list[int], marks: int) -> None:
    with pytest.raises(DataError, match="histories"):
        Histories(np.array(offsets), np.array(items, np.int32), np.ones(marks, bool))
