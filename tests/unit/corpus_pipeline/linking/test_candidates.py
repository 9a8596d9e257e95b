"""Names, keys and blocks: what can be found at all."""

from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_pipeline.linking.candidates import blocked_keys, exact_candidates, fuzzy_candidates, link_key, queries_of
from corpus_pipeline.linking.link import Catalogue
from corpus_pipeline.linking.settings import LinkSettings


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("vortex riders iii", "vortex riders 3"),
        ("twelve orchards", "12 orchards"),
        ("salt engine volume two", "salt engine vol 2"),
        ("doctor plum", "dr plum"),
        ("livid", "livid"),
        ("part", "part"),
    ],
)
def test_link_key_spells_numbers_one_way(key: str, expected: str) -> None:
    assert link_key(key) == expected


@given(st.text(max_size=40))
def test_link_key_is_a_fixed_point_and_never_empties_a_key(key: str) -> None:
    once = link_key(key)
    assert link_key(once) == once
    assert bool(once) == bool(key)


def _forms(catalogue: Catalogue, titles: pa.Table) -> list[tuple[str, str, float]]:
    found = exact_candidates(queries_of(titles, catalogue.settings), catalogue.names, catalogue.settings)
    return sorted((row["movie_id"][-2:], row["form"], row["similarity"]) for row in found.to_pylist())


def test_exact_candidates_say_how_the_title_was_met(catalogue: Catalogue, asked: Callable[..., pa.Table]) -> None:
    assert _forms(catalogue, asked(("Plum", None, None))) == [("06", "exact", 1.0), ("07", "exact", 0.98)]
    assert _forms(catalogue, asked(("Vortex Riders", None, None))) == [("03", "subtitle", 1.0), ("04", "subtitle", 1.0)]
    assert _forms(catalogue, asked(("Ox: The Return", None, None))) == [("09", "extra_subtitle", 1.0)]


def test_a_block_proposes_the_neighbour_and_no_short_key(catalogue: Catalogue, asked: Callable[..., pa.Table]) -> None:
    queries = queries_of(asked(("Mirorwise", None, None), ("Plumb", None, None)), catalogue.settings)
    assert blocked_keys(queries, catalogue.names, catalogue.settings).to_pylist() == [
        {"query_id": 0, "query_key": "mirorwise", "key": "mirrorwise"}
    ]


def test_a_block_is_capped(catalogue: Catalogue, asked: Callable[..., pa.Table]) -> None:
    queries = queries_of(asked(("The Copper Lighthause", None, None)), catalogue.settings)
    assert blocked_keys(queries, catalogue.names, LinkSettings(block_limit=1)).num_rows == 1


def test_fuzzy_candidates_need_equal_numbers(catalogue: Catalogue, asked: Callable[..., pa.Table]) -> None:
    queries = queries_of(asked(("Vortex Ridars 3", None, None), ("Vortex Ridars 2", None, None)), catalogue.settings)
    found = fuzzy_candidates(queries, catalogue.names, catalogue.settings).to_pylist()
    assert [(row["query_id"], row["movie_id"][-2:]) for row in found] == [(0, "05")]
    assert 0.9 < found[0]["similarity"] < 1
