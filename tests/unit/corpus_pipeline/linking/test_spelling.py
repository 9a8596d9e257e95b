"""Keys nearly spelled like a query, against a comparison with every key; caps; nothing in, nothing out."""

import random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from corpus_pipeline.linking.settings import DEFAULT, BlockSettings
from corpus_pipeline.linking.spelling import SHORTEST, Alike, Spelling, alike, spelling_of

UNCAPPED = BlockSettings(keys_per_query=1000, gram_limit=1000)
LETTERS = "abco 1é"  # few, so that keys are alike
KEY = st.text(st.sampled_from(LETTERS), min_size=1, max_size=14)
KEYS = st.lists(KEY, min_size=1, max_size=25, unique=True)


def _indexed(keys: list[str]) -> Spelling:
    return spelling_of(keys, np.ones(len(keys), bool))


def _found(found: Alike, query: int = 0) -> dict[int, float]:
    """The distance of each key found."""
    rows = np.flatnonzero(found.query == query)
    return dict(zip(found.key[rows].tolist(), found.distance[rows].tolist(), strict=True))


def _distance(one: str, other: str) -> int:
    """Edits between two strings where a swap of neighbours is one, and nothing is edited twice."""
    rows = [list(range(len(other) + 1))]
    for i in range(1, len(one) + 1):
        row = [i]
        for j in range(1, len(other) + 1):
            same = one[i - 1] == other[j - 1]
            best = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (not same))
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]


def _edited(text: str, draw: random.Random) -> str:
    """`text` with one character dropped, put in or replaced: edits that no segment border lies inside of."""
    place = draw.randrange(len(text) + 1)
    kind = draw.choice(("drop", "insert", "replace"))
    if kind == "insert":
        return text[:place] + draw.choice(LETTERS) + text[place:]
    place = min(place, len(text) - 1)
    return text[:place] + ("" if kind == "drop" else draw.choice(LETTERS)) + text[place + 1 :]


@given(KEYS, st.randoms(use_true_random=False))
def test_a_key_two_edits_away_is_found(keys: list[str], draw: random.Random) -> None:
    eligible = [place for place, key in enumerate(keys) if len(key) >= SHORTEST]
    queries = [_edited(_edited(keys[place], draw), draw) for place in eligible]
    found = alike(queries, _indexed(keys), UNCAPPED, thorough=False)
    for row, place in enumerate(eligible):
        assert _found(found, row).get(place) == _distance(queries[row], keys[place]) <= 2


@given(KEYS, st.lists(KEY, min_size=1, max_size=4))
@example(["plum tree"], ["lpum tree", "plu mtree", "plumtree", "plum trees", "plum trEe"])
@example(["abcd"], ["abc", "bacd", "abdc", "abcde", "acd"])
def test_one_edit_finds_what_a_comparison_with_every_key_finds(keys: list[str], queries: list[str]) -> None:
    """A swap breaks two of three segments at most; hence, under one edit, one is always left."""
    found = alike(queries, _indexed(keys), BlockSettings(edits=1, keys_per_query=1000), thorough=False)
    for row, query in enumerate(queries):
        distances = {place: _distance(query, key) for place, key in enumerate(keys) if len(key) >= SHORTEST}
        assert _found(found, row) == {place: distance for place, distance in distances.items() if distance <= 1}


@given(KEYS, st.lists(KEY, min_size=1, max_size=4), st.booleans())
def test_what_is_found_is_as_alike_as_it_says_and_best_first(keys: list[str], queries: list[str], thorough: bool) -> None:
    found = alike(queries, _indexed(keys), UNCAPPED, thorough=thorough)
    rows = list(zip(*(field.tolist() for field in (found.query, found.distance, found.similarity, found.key)), strict=True))
    for query, distance, similarity, key in rows:
        assert distance == _distance(queries[query], keys[key])
        assert distance <= UNCAPPED.edits or (thorough and similarity >= UNCAPPED.similarity_floor)
        assert 0 <= similarity <= 1
        assert (similarity == 1) == (queries[query] == keys[key])
    assert rows == sorted(rows, key=lambda row: (row[0], row[1], -row[2], row[3]))


@given(KEYS, st.lists(KEY, max_size=3), st.lists(KEY, max_size=3))
def test_a_query_is_answered_alike_in_any_batch(keys: list[str], some: list[str], others: list[str]) -> None:
    spelling = _indexed(keys)
    together, apart = alike(some + others, spelling, DEFAULT), (alike(some, spelling, DEFAULT), alike(others, spelling, DEFAULT))
    assert together.query.tolist() == [*apart[0].query.tolist(), *(apart[1].query + len(some)).tolist()]
    for name in ("key", "distance", "similarity"):
        assert getattr(together, name).tolist() == [value for part in apart for value in getattr(part, name).tolist()]


def test_keys_that_are_short_or_not_eligible_are_never_proposed() -> None:
    spelling = spelling_of(["abc", "abcd", "abce"], np.array([True, True, False]))
    assert set(_found(alike(["abcd"], spelling, UNCAPPED))) == {1}
    assert set(_found(alike(["abc"], spelling, UNCAPPED))) == {1}


def test_a_block_above_the_cap_proposes_nothing() -> None:
    spelling = _indexed(["aaaa bbbb cccc", "aaaa bbbb cccd", "wholly another key"])
    assert set(_found(alike(["aaaa bbbb ccce"], spelling, DEFAULT, thorough=False))) == {0, 1}
    texts, titles = BlockSettings(text_segment_cap=1), BlockSettings(segment_cap=1, gram_budget=1)
    assert _found(alike(["aaaa bbbb ccce"], spelling, texts, thorough=False)) == {}
    assert set(_found(alike(["aaaa bbbb ccce"], spelling, texts))) == {0, 1}  # a cap of its own
    assert _found(alike(["aaaa bbbb ccce"], spelling, titles)) == {}
    assert set(_found(alike(["aaaa bbbb ccce"], spelling, titles, thorough=False))) == {0, 1}
    assert set(_found(alike(["aaaa bbbb ccce"], spelling, BlockSettings(segment_cap=1)))) == {0, 1}  # by its trigrams


def test_trigrams_find_what_more_edits_separate_within_their_budget() -> None:
    spelling = _indexed(["the orchard of the blind watchmaker", "the orchard of the blind watchman"])
    query = ["an orchard of blind watchmaker"]
    assert _found(alike(query, spelling, DEFAULT, thorough=False)) == {}
    both = alike(query, spelling, BlockSettings(similarity_floor=0.7))
    assert both.key.tolist() == [0, 1]
    assert both.distance[0] > DEFAULT.edits
    assert alike(query, spelling, BlockSettings(similarity_floor=0.99)).key.tolist() == []
    assert alike(query, spelling, BlockSettings(similarity_floor=0.7, gram_limit=1)).key.tolist() == [0]
    assert alike(query, spelling, BlockSettings(gram_budget=1)).key.tolist() == []  # one trigram in common is no evidence


def test_a_query_that_segments_answer_is_not_asked_by_trigrams() -> None:
    spelling = _indexed(["the blind watchmaker", "the blind watchmakers tale"])
    assert alike(["the blind watchmake"], spelling, BlockSettings(similarity_floor=0.5)).key.tolist() == [0]


def test_a_query_keeps_its_nearest_keys() -> None:
    spelling = _indexed(["watchmakers", "watchmaker", "watchmaked", "watchmade"])
    assert alike(["watchmaker"], spelling, BlockSettings(keys_per_query=2)).key.tolist() == [1, 0]
    assert alike(["watchmaker"], spelling, BlockSettings(keys_per_query=1)).key.tolist() == [1]


@pytest.mark.parametrize("thorough", [True, False])
@pytest.mark.parametrize("queries", [[], [""], ["", "a"], ["\ud800abc"], ["plum tree"]])
def test_without_queries_or_keys_nothing_is_found(queries: list[str], thorough: bool) -> None:
    nothing = alike(queries, _indexed([]), DEFAULT, thorough=thorough)
    assert [len(field) for field in (nothing.query, nothing.key, nothing.distance, nothing.similarity)] == [0, 0, 0, 0]
    short = alike(queries, _indexed(["", "a", "abc"]), DEFAULT, thorough=thorough)
    assert len(short.query) == 0
    others = alike(queries, _indexed(["orchards"]), DEFAULT, thorough=thorough)
    assert len(others.query) == 0
