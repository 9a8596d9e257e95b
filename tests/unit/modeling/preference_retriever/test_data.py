"""Turns: which are kept, what counts as a target, and which films no set may hold."""

import numpy as np
import pyarrow as pa
import pytest

from modeling.errors import DataError
from modeling.preference_retriever.data import Turns, turns_of

CATALOGUES = {"b": ["m3", "m1", "m9"], "a": ["m1", "m2", "m4"]}
FILMS = ["m1", "m2", "m3", "m4", "m9"]
TEXT, LIST = pa.string(), pa.list_(pa.string())


def examples(rows: list[tuple[str, str, list[str]]]) -> pa.Table:
    ids, datasets, histories = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table(
        {"example_id": pa.array(ids, TEXT), "dataset": pa.array(datasets, TEXT), "history_movie_ids": pa.array(histories, LIST)}
    )


def targets(rows: list[tuple[str, str | None, bool]]) -> pa.Table:
    ids, movies, new = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table({"example_id": pa.array(ids, TEXT), "movie_id": pa.array(movies, TEXT), "is_new": pa.array(new, pa.bool_())})


def features(count: int) -> np.ndarray:
    return np.arange(2 * count, dtype=np.float32).reshape(count, 2)


def made() -> Turns:
    rows = [("t1", "a", ["m2"]), ("t2", "b", []), ("t3", "a", []), ("t4", "b", ["m9", "zz", "m3"]), ("t5", "a", ["m1"])]
    wanted = [
        ("t1", "m4", True), ("t1", "m1", True), ("t1", None, True), ("t1", "m2", False),
        ("t2", "m9", False),
        ("t4", None, True), ("t4", "zz", True),
        ("t5", "m4", True), ("t5", "m4", True), ("t5", "m3", True), ("t5", "m1", True),
        ("elsewhere", "m1", True),
    ]  # fmt: skip
    return turns_of(examples(rows), targets(wanted), features(5), CATALOGUES)


def test_turns_with_a_new_target_are_kept_in_order() -> None:
    turns = made()
    assert (list(turns.example_ids), turns.films, len(turns)) == (["t1", "t4", "t5"], tuple(FILMS), 3)
    assert turns.features.tolist() == [[0, 1], [6, 7], [8, 9]] and turns.features.dtype == np.float32
    assert list(turns.histories) == [["m2"], ["m9", "zz", "m3"], ["m1"]]
    assert turns.dataset_rows.tolist() == [0, 1, 0]
    assert turns.allowed.tolist() == [[True, True, False, True, False], [True, False, True, False, True]]


def test_targets_without_a_film_count_as_missed() -> None:
    turns = made()
    assert list(turns.targets[:2]) == [(0, 3), ()]
    assert turns.target_counts[:2].tolist() == [3, 2]


def test_a_film_named_twice_is_one_target_and_one_that_may_not_be_offered_is_none() -> None:
    """m3 belongs to the other data set and m1 was named before: both are missed, whatever is offered."""
    turns = made()
    assert turns.targets[2] == (3,) and turns.target_counts[2] == 3


def test_every_target_may_be_offered() -> None:
    turns = made()
    excluded = turns.excluded()
    assert not any(excluded[row, column] for row, columns in enumerate(turns.targets) for column in columns)


def test_films_of_other_data_sets_and_films_named_before_are_left_out() -> None:
    turns = made()
    offered = [[film for film, out in zip(turns.films, row, strict=True) if not out] for row in turns.excluded()]
    assert offered == [["m1", "m4"], ["m1"], ["m2", "m4"]]
    turns.excluded()[:] = True
    assert turns.allowed.sum() == 6  # a copy: to write to it changes nothing


def test_take_keeps_what_belongs_together() -> None:
    turns = made()
    for chosen in ([2, 0], np.array([2, 0])):
        taken = turns.take(chosen)
        assert list(taken.example_ids) == ["t5", "t1"] and list(taken.histories) == [["m1"], ["m2"]]
        assert taken.features.tolist() == [[8, 9], [0, 1]] and list(taken.targets) == [(3,), (0, 3)]
        assert taken.target_counts.tolist() == [3, 3] and taken.films == tuple(FILMS)
        np.testing.assert_array_equal(taken.excluded(), turns.excluded()[[2, 0]])
    assert turns.take([1, 1]).dataset_rows.tolist() == [1, 1]
    assert len(turns.take([])) == 0 and turns.take([]).excluded().shape == (0, 5)


def test_no_turn_is_no_error() -> None:
    turns = turns_of(examples([]), targets([]), features(0), CATALOGUES)
    assert len(turns) == 0 and turns.features.shape == (0, 2) and turns.films == tuple(FILMS)
    none_new = turns_of(examples([("t1", "a", [])]), targets([("t1", "m1", False)]), features(1), CATALOGUES)
    assert len(none_new) == 0 and none_new.features.shape == (0, 2)


def test_a_data_set_without_films_is_refused() -> None:
    with pytest.raises(DataError, match=r"no films are given for \['c'\]; expected a catalogue for each data set"):
        turns_of(examples([("t1", "c", []), ("t2", "a", [])]), targets([]), features(2), CATALOGUES)
