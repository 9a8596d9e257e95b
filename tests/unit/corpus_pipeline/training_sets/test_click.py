"""Rows of click prediction: which interactions, in which order, cut where. Checked by hand and against a plain sort in Python."""

import hashlib
from itertools import groupby
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_pipeline.errors import ContractError
from corpus_pipeline.schema.fields import BOOK_DATASETS, INTERACTION_DATASETS
from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import INTERACTIONS, SET_CLICK
from corpus_pipeline.training_sets.click import RULES, build_click

Rows = list[dict[str, Any]]


def history(dataset: str, user: str, length: int, first_at: int | None = None, step: int = 1) -> Rows:
    """Item `i<position>` at each position, liked at even ones."""
    return [
        {
            "dataset": dataset, "user_id": user, "history_position": at, "item_id": f"i{at}", "is_liked": at % 2 == 0, "rating": None,
            "interacted_at": None if first_at is None else first_at + step * at,
        }
        for at in range(length)
    ]  # fmt: skip


def built(*histories: Rows) -> Rows:
    rows = [row for each in histories for row in each]
    return build_click(pa.Table.from_pylist(rows, schema=arrow_schema(INTERACTIONS))).to_pylist()


def places(rows: Rows) -> list[tuple[str, int]]:
    return [(row["user_id"], row["history_position"]) for row in rows]


def cut(rows: Rows) -> list[tuple[str, int]]:
    return [(split, len(list(group))) for split, group in groupby(row["split"] for row in rows)]


def test_every_data_set_has_a_rule() -> None:
    assert set(RULES) == set(INTERACTION_DATASETS)
    assert RULES["bookcrossing_implicit"] == RULES["bookcrossing"]


def test_rows_have_five_interactions_before_them_and_stand_in_the_order_of_time() -> None:
    rows = built(history("movielens_small", "9", 7, 100, step=10), history("movielens_small", "10", 8, 105, step=10))
    assert places(rows) == [("9", 5), ("10", 5), ("9", 6), ("10", 6), ("10", 7)]
    assert [row["row_index"] for row in rows] == [0, 1, 2, 3, 4]
    assert rows[0] == {
        "dataset": "movielens_small", "row_index": 0, "split": "train", "user_id": "9", "history_position": 5, "item_id": "i5",
        "is_liked": False,
    }  # fmt: skip


def test_interactions_of_one_second_stay_together_by_user_and_in_their_order() -> None:
    rows = built(history("amazon_movies", "b", 8, 50, step=0), history("amazon_movies", "a", 7, 50, step=0))
    assert places(rows) == [("a", 5), ("a", 6), ("b", 5), ("b", 6), ("b", 7)]


def test_movielens_1m_without_times_goes_by_falling_number_of_the_user() -> None:
    rows = built(*(history("movielens_1m", user, 7) for user in ("9", "100", "10")))
    assert places(rows) == [("100", 5), ("100", 6), ("10", 5), ("10", 6), ("9", 5), ("9", 6)]


def test_movielens_1m_with_times_goes_by_them() -> None:
    rows = built(history("movielens_1m", "2", 6, 300), history("movielens_1m", "1", 6, 100))
    assert places(rows) == [("1", 5), ("2", 5)]


@pytest.mark.parametrize("dataset", ["amazon_movies", "movielens_small"])
def test_a_data_set_that_must_tell_times_is_refused_without_them(dataset: str) -> None:
    with pytest.raises(ContractError, match=f"{dataset} are ordered by time"):
        built(history(dataset, "1", 7, 100), history(dataset, "2", 7))


@pytest.mark.parametrize(("count", "sizes"), [(10, (8, 1, 1)), (19, (15, 1, 3)), (9, (7, 0, 2)), (100, (80, 10, 10))])
def test_the_cut_is_eighty_ten_and_the_rest(count: int, sizes: tuple[int, int, int]) -> None:
    # RALLRec: 970,009 rows give 776,007 / 97,000 / 97,002, so both shares are rounded down on their own.
    rows = built(history("movielens_small", "1", count + 5, 0))
    assert cut(rows) == [(split, size) for split, size in zip(("train", "valid", "test"), sizes, strict=True) if size]


@pytest.mark.parametrize("dataset", BOOK_DATASETS)
def test_a_reader_has_one_row_and_it_is_the_last_of_five_or_more(dataset: str) -> None:
    lengths = {f"r{number:02d}": number % 8 for number in range(80)}
    rows = built(*(history(dataset, user, length) for user, length in lengths.items()))
    assert dict(places(rows)) == {user: length - 1 for user, length in lengths.items() if length >= 5}
    assert len(rows) == 30
    assert cut(rows) == [("train", 24), ("valid", 3), ("test", 3)]


def test_readers_stand_in_the_order_of_a_hash_whatever_times_they_have() -> None:
    users = [f"r{number}" for number in range(9)]
    rows = built(*(history("bookcrossing", user, 5) for user in users))
    assert [row["user_id"] for row in rows] == sorted(users, key=lambda user: hashlib.sha256(f"bookcrossing:{user}".encode()).hexdigest())
    timed = built(*(history("bookcrossing", user, 5, 100 - at) for at, user in enumerate(users)))
    assert timed == rows


def test_starter_users_are_whole_and_keep_their_order() -> None:
    rows = built(*(history("starter", f"viewer_{number:02d}", 3 + number % 9) for number in range(30)))
    assert min(row["history_position"] for row in rows) == 3
    users = {split: {row["user_id"] for row in rows if row["split"] == split} for split in ("train", "valid", "test")}
    assert [len(found) for found in users.values()] == [15, 5, 6]  # 60/20/20 of the 26 who have a fourth interaction
    assert sum(map(len, users.values())) == len(set.union(*users.values()))
    assert [user for user, _ in groupby(row["user_id"] for row in rows)] == list(dict.fromkeys(row["user_id"] for row in rows))
    for _, group in groupby(rows, lambda row: row["user_id"]):
        positions = [row["history_position"] for row in group]
        assert positions == list(range(3, 3 + len(positions)))


def test_data_sets_are_numbered_and_cut_apart() -> None:
    rows = built(history("movielens_small", "1", 15, 0), history("bookcrossing", "1", 5), history("starter", "1", 5))
    own = [row for row in rows if row["dataset"] == "movielens_small"]
    assert cut(own) == [("train", 8), ("valid", 1), ("test", 1)]
    assert [(row["dataset"], row["row_index"]) for row in rows] == sorted((row["dataset"], row["row_index"]) for row in rows)
    assert [row["row_index"] for row in own] == list(range(10))


def test_nothing_gives_an_empty_set() -> None:
    assert build_click(arrow_schema(INTERACTIONS).empty_table()).schema == arrow_schema(SET_CLICK)
    assert built(history("movielens_small", "1", 5, 0)) == []


_TIMES = st.lists(st.integers(0, 30), min_size=1, max_size=12).map(sorted)


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(["1", "2", "10", "x"]), _TIMES, min_size=1), st.randoms(use_true_random=False))
def test_rows_in_time_are_a_sort_of_what_has_a_history(times: dict[str, list[int]], random: Any) -> None:
    given_rows = [
        {**row, "interacted_at": at}
        for user, own in times.items()
        for row, at in zip(history("amazon_movies", user, len(own)), own, strict=True)
    ]
    expected = sorted((r["interacted_at"], r["user_id"], r["history_position"]) for r in given_rows if r["history_position"] >= 5)
    shuffled = list(given_rows)
    random.shuffle(shuffled)
    rows = built(shuffled)
    assert places(rows) == [(user, position) for _, user, position in expected]
    assert rows == built(given_rows)
    train, valid = len(rows) * 8 // 10, len(rows) // 10
    assert [row["split"] for row in rows] == ["train"] * train + ["valid"] * valid + ["test"] * (len(rows) - train - valid)
