"""Rows that do not fit each other are refused; a batch holds the rows asked for, cut to the windows, unseen codes as unknown."""

import dataclasses

import numpy as np
import pytest

from modeling.click_network.config import ClickNetworkConfig
from modeling.click_network.data import ClickRows, batch_of, check_fit, sizes_of
from modeling.errors import DataError
from tests.unit.modeling.click_network.worlds import FILMS, WIDTH, rows_of


@pytest.fixture(scope="module")
def rows() -> ClickRows:
    return rows_of(count=20, seed=0, by_similarity=True)


def test_sizes(rows: ClickRows) -> None:
    sizes = sizes_of(rows)
    assert (sizes.items, sizes.users, sizes.profile, sizes.genres, sizes.genre_columns) == (FILMS + 1, 1, (4, 4), 7, 2)
    assert (sizes.vector, sizes.extra) == (WIDTH, 0)


def test_a_batch_holds_the_rows_asked_for(rows: ClickRows) -> None:
    config = ClickNetworkConfig(history_length=3, retrieved_count=5)
    batch = batch_of(rows, np.array([4, 2]), config, sizes_of(rows))
    assert batch["items"].tolist() == rows.items[[4, 2]].tolist()
    assert batch["recent"].tolist() == rows.recent[[4, 2], :3].tolist()
    assert batch["recent_liked"].tolist() == rows.recent_liked[[4, 2], :3].tolist()
    assert batch["retrieved_age"].tolist() == rows.retrieved_age[[4, 2], :5].tolist()
    assert batch["retrieved_similarity"].shape == (2, 5)
    assert "extra" not in batch


def test_unseen_users_and_categories_are_unknown(rows: ClickRows) -> None:
    few = dataclasses.replace(rows, users=np.arange(20, dtype=np.int32), profile=np.tile(np.int32([1, 9]), (20, 1)))
    sizes = dataclasses.replace(sizes_of(rows), users=5)
    batch = batch_of(few, np.arange(20), ClickNetworkConfig(), sizes)
    assert batch["users"].tolist() == [0, 1, 2, 3, 4] + 15 * [0]
    assert batch["profile"].tolist() == 20 * [[1, 0]]
    assert not batch_of(few, np.arange(20), ClickNetworkConfig(user_id=False), sizes)["users"].any()


def test_taking_rows_shares_the_films(rows: ClickRows) -> None:
    taken = rows.take(np.array([3, 1]))
    assert len(taken) == 2 and taken.genres is rows.genres and taken.vectors is rows.vectors
    assert taken.retrieved.tolist() == rows.retrieved[[3, 1]].tolist()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("users", np.zeros(3, np.int32), "users has 3 rows, expected 20"),
        ("items", np.zeros(20, np.int32), "items holds 0 to 0, expected at least 1 and below 121"),
        ("recent", np.full((20, 10), FILMS + 1, np.int32), "recent holds 121 to 121, expected at least 0 and below 121"),
        ("recent_liked", np.zeros((20, 4), np.int8), r"recent_liked has shape \(20, 4\), expected \(20, 10\)"),
        ("counts", np.zeros((20, 3), np.float32), r"counts has shape \(20, 3\)"),
        ("vectors", np.zeros((5, 2), np.float32), "vectors has 5 rows, expected 121"),
        ("extra", np.zeros((5, 2), np.float32), "extra has 5 rows, expected 20"),
    ],
)
def test_rows_that_do_not_fit_are_refused(rows: ClickRows, name: str, value: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        dataclasses.replace(rows, **{name: value})


def test_other_widths_cannot_be_read(rows: ClickRows) -> None:
    other = dataclasses.replace(rows, vectors=None, extra=np.zeros((20, 1), np.float32))
    with pytest.raises(DataError, match=r"width of the vectors is 0, expected 8; width of extra is 1, expected 0"):
        check_fit(other, sizes_of(rows))
