"""Edges, negatives and the adjacency against dense matrices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.errors import DataError
from modeling.joint_representation.graph import Edges, adjacency, draw_negatives, edges_of, is_edge

PAIRS = st.sets(st.tuples(st.integers(0, 4), st.integers(0, 5)), min_size=1)


def edges_from(pairs: set[tuple[int, int]]) -> Edges:
    rows = np.array(sorted(pairs, reverse=True))
    return edges_of(rows[:, 0], rows[:, 1], user_count=5, item_count=6)


@given(PAIRS)
def test_membership_and_order(pairs: set[tuple[int, int]]) -> None:
    edges = edges_from(pairs)
    assert list(zip(edges.users.tolist(), edges.items.tolist(), strict=True)) == sorted(pairs)
    users, items = (part.ravel() for part in np.mgrid[0:5, 0:6])
    assert is_edge(edges, users, items).tolist() == [(u, i) in pairs for u, i in zip(users.tolist(), items.tolist(), strict=True)]


@given(PAIRS)
def test_adjacency_is_the_normalised_matrix(pairs: set[tuple[int, int]]) -> None:
    dense = np.zeros((5, 6))
    for user, item in pairs:
        dense[user, item] = 1
    degrees = np.outer(dense.sum(1), dense.sum(0))
    expected = np.divide(dense, np.sqrt(degrees), out=np.zeros_like(dense), where=degrees > 0)
    of_users, of_items = adjacency(edges_from(pairs))
    found, transposed = np.zeros((5, 6)), np.zeros((6, 5))
    for matrix, side, other in ((found, of_users, of_items), (transposed, of_items, of_users)):
        for row in range(len(matrix)):
            for column in side.indices[side.offsets[row] : side.offsets[row + 1]].tolist():
                matrix[row, column] += side.scale[row, 0] * other.scale[column, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(transposed, expected.T, rtol=1e-6)


def test_negatives_are_uniform_over_what_is_no_edge() -> None:
    edges = edges_from({(0, 0), (0, 1), (0, 2), (0, 3), (1, 5)})
    users = np.repeat([0, 1], 6000)
    drawn = draw_negatives(edges, users, np.random.default_rng(0))
    counts = np.zeros((2, 6), int)
    np.add.at(counts, (users, drawn), 1)
    assert (counts[0, :4] == 0).all() and counts[1, 5] == 0
    np.testing.assert_allclose(counts[0, 4:], 3000, rtol=0.06)
    np.testing.assert_allclose(counts[1, :5], 1200, rtol=0.1)


def test_repeated_pairs_count_once() -> None:
    edges = edges_of(np.array([1, 1, 0]), np.array([2, 2, 1]), user_count=2, item_count=3)
    assert edges.keys.tolist() == [1, 5]


@pytest.mark.parametrize(("users", "items"), [([], []), ([0, 2], [0, 0]), ([0], [-1]), ([0, 1], [0])])
def test_what_is_no_graph(users: list[int], items: list[int]) -> None:
    with pytest.raises(DataError, match="building the graph"):
        edges_of(np.array(users, np.int64), np.array(items, np.int64), user_count=2, item_count=3)
