"""Texts, groups and look-up against lists, dicts and sets of Python."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_pipeline.linking.arrays import Groups, Texts, distinct, find, load, save

HASHES = st.integers(0, 6) | st.integers(0, 2**64 - 1)


@given(st.lists(st.text(st.characters())), st.data())
def test_texts_are_taken_as_they_were_given(strings: list[str], data: st.DataObject) -> None:
    texts = Texts.of(strings)
    places = data.draw(st.lists(st.integers(0, len(strings) - 1))) if strings else []
    expected = [strings[place].encode("utf-8", "replace").decode() for place in places]
    assert len(texts) == len(strings)
    assert texts.take(np.array(places, np.int64)) == expected


@given(st.lists(st.tuples(HASHES, st.integers(0, 2**31 - 1))), st.lists(HASHES))
def test_groups_hold_their_members_in_order(pairs: list[tuple[int, int]], asked: list[int]) -> None:
    expected: dict[int, list[int]] = {}
    for code, member in pairs:
        expected.setdefault(code, []).append(member)
    groups = Groups.of(np.array([code for code, _ in pairs], np.uint64), np.array([member for _, member in pairs], np.int64))
    assert groups.hashes.tolist() == sorted(expected)
    found = groups.find(np.array(asked, np.uint64))
    assert (found >= 0).tolist() == [code in expected for code in asked]
    known = found[found >= 0]
    owners, members = groups.expand(known)
    told: list[list[int]] = [[] for _ in known]
    for owner, member in zip(owners.tolist(), members.tolist(), strict=True):
        told[owner].append(member)
    assert told == [expected[code] for code in asked if code in expected]
    assert groups.sizes(known).tolist() == list(map(len, told))


def test_a_group_is_expanded_as_far_as_asked() -> None:
    groups = Groups.of(np.array([5, 3, 5, 5, 3], np.uint64), np.array([10, 11, 12, 13, 14]))
    owners, members = groups.expand(np.array([1, 0, 1]), np.array([2, 0, 3]))
    assert (owners.tolist(), members.tolist()) == ([0, 0, 2, 2, 2], [10, 12, 10, 12, 13])


@given(st.sets(HASHES), st.lists(HASHES))
def test_find_gives_the_place_or_minus_one(values: set[int], wanted: list[int]) -> None:
    ordered = sorted(values)
    expected = [ordered.index(value) if value in values else -1 for value in wanted]
    assert find(np.array(ordered, np.uint64), np.array(wanted, np.uint64)).tolist() == expected


@given(st.lists(st.integers(-5, 5)))
def test_distinct_values_are_sorted(values: list[int]) -> None:
    assert distinct(np.array(values, np.int64)).tolist() == sorted(set(values))


def test_saved_arrays_are_loaded_mapped_and_unchanged(tmp_path: Path) -> None:
    arrays = {
        "numbers": np.arange(6, dtype=np.uint64)[::2],
        "names": np.array(["mqa", "mqb"], "S"),
        "none": np.zeros(0, np.float32),
        "flags": np.array([True, False]),
    }
    save(tmp_path / "new" / "folder", arrays)
    loaded = load(tmp_path / "new" / "folder", list(arrays))
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == sorted(f"{name}.npy" for name in arrays)
    for name, array in arrays.items():
        assert isinstance(loaded[name], np.memmap), name
        assert loaded[name].dtype == array.dtype, name
        assert loaded[name].tolist() == array.tolist(), name


def test_objects_are_neither_saved_nor_loaded(tmp_path: Path) -> None:
    """A pickle in an array file could run anything."""
    with pytest.raises(ValueError, match="allow_pickle"):
        save(tmp_path, {"objects": np.array([{"a": 1}], object)})
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(ValueError, match="Python objects"):
        load(tmp_path, ["objects"])
