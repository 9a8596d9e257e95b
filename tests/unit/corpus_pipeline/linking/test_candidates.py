"""Names, keys and blocks: what can be found at all."""

from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_pipeline.linking.candidates import (
    authority_candidates,
    blocked_keys,
    exact_candidates,
    fuzzy_candidates,
    link_key,
    queries_of,
)
from corpus_pipeline.linking.link import Catalogue, catalogue_of
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
    assert _forms(catalogue, asked(("Part: Ox", None, None))) == [("09", "exact", 0.98)]  # 'part' is no word of a key


def test_a_part_of_the_query_is_no_part_of_a_title(catalogue: Catalogue, asked: Callable[..., pa.Table]) -> None:
    assert _forms(catalogue, asked(("Vortex Riders: The Long Night", None, None))) == []


def test_only_titles_in_their_own_language_have_parts(films: Callable[..., dict[str, pa.Table]], asked: Callable[..., pa.Table]) -> None:
    catalogue = catalogue_of(**films((("Bond: Umber", "Pond: Ombre"), 2000, None)))
    assert _forms(catalogue, asked(("Bond", None, None))) == [("00", "subtitle", 1.0)]
    assert _forms(catalogue, asked(("Pond", None, None))) == []


def test_a_title_of_another_market_is_marked(catalogue: Catalogue, asked: Callable[..., pa.Table]) -> None:
    titles = asked(("Großmutter zeichnete Karten", 2010, None), ("Grandmother was a Cartographer", 2010, None))
    found = exact_candidates(queries_of(titles, catalogue.settings), catalogue.names, catalogue.settings)
    assert {row["query_id"]: row["is_alternative"] for row in found.to_pylist()} == {0: True, 1: False}


def test_only_imdbs_ids_are_imdb_ids(films: Callable[..., dict[str, pa.Table]], asked: Callable[..., pa.Table]) -> None:
    tables = films((("Ox",), 1988, "tt1"), (("Plum",), 2011, "tt2"))
    tables["core_movie_ids"] = tables["core_movie_ids"].set_column(0, "authority", pa.array(["imdb", "tmdb"]))
    catalogue = catalogue_of(**tables)
    queries = queries_of(asked(("x", None, "tt1"), ("y", None, "tt2")), catalogue.settings)
    assert authority_candidates(queries, catalogue.names)["query_id"].to_pylist() == [0]


def test_a_block_proposes_the_neighbour_and_no_short_key(catalogue: Catalogue, asked: Callable[..., pa.Table]) -> None:
    queries = queries_of(asked(("Mirorwise", None, None), ("Plumb", None, None)), catalogue.settings)
    assert blocked_keys(queries, catalogue.names, catalogue.settings).to_pylist() == [
        {"query_id": 0, "query_key": "mirorwise", "key": "mirrorwise"}
    ]


ALIKE, LONGER = "abcdefgh", "abcdefgaa"  # share the grams ' ab' to 'efg' with 'abcdefgx'
FAR = "xabcdefgy" + "q" * 20  # shares them too, but is no misspelling of it
APART = "mnefgop"  # shares 'efg' alone


@pytest.mark.parametrize("company", [(), ("xabcdefgy" + "q" * 19,)], ids=["alone", "with a long title"])
@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (LinkSettings(), [LONGER, ALIKE]),
        (LinkSettings(block_gram_cap=1), []),  # each shared gram is in two titles of like length
        (LinkSettings(block_gram_cap=2), [LONGER, ALIKE]),
        (LinkSettings(block_limit=1), [ALIKE]),  # as many grams shared, and nearer in length
    ],
)
def test_blocks_hold_titles_of_like_length_that_share_rare_grams_whoever_else_asks(
    films: Callable[..., dict[str, pa.Table]],
    asked: Callable[..., pa.Table],
    company: tuple[str, ...],
    settings: LinkSettings,
    expected: list[str],
) -> None:
    names = catalogue_of(**films(*(((title,), 2000, None) for title in (ALIKE, LONGER, FAR, APART)))).names
    queries = queries_of(asked(*((title, None, None) for title in ("abcdefgx", *company))), settings)
    found = blocked_keys(queries, names, settings).to_pylist()
    assert [row["key"] for row in found if row["query_id"] == 0] == expected


def test_the_rarest_grams_propose(films: Callable[..., dict[str, pa.Table]], asked: Callable[..., pa.Table]) -> None:
    """'cde' and 'def' are in one title, ' ab' and 'abc' in four: two grams are enough to propose the one."""
    settings = LinkSettings(block_gram_count=2)
    names = catalogue_of(**films(*(((title,), 2000, None) for title in ("abcdefgh", "abcmmmmm", "abcnnnnn", "abcooooo")))).names
    queries = queries_of(asked(("abcdefxx", None, None)), settings)
    assert blocked_keys(queries, names, settings)["key"].to_pylist() == ["abcdefgh"]


def test_fuzzy_candidates_are_whole_titles_and_alike_enough(
    films: Callable[..., dict[str, pa.Table]], asked: Callable[..., pa.Table]
) -> None:
    catalogue = catalogue_of(**films((("The Salt Engine",), 2000, None), (("Vortex Riders: The Salt Engine",), 2000, None)))
    queries = queries_of(asked(("Salt Engyne", None, None), ("Salt Enxxne", None, None)), catalogue.settings)
    assert {row["query_id"] for row in blocked_keys(queries, catalogue.names, catalogue.settings).to_pylist()} == {0, 1}
    found = fuzzy_candidates(queries, catalogue.names, catalogue.settings).to_pylist()
    assert [(row["query_id"], row["movie_id"][-2:]) for row in found] == [(0, "00")]


def test_fuzzy_candidates_need_equal_numbers(catalogue: Catalogue, asked: Callable[..., pa.Table]) -> None:
    queries = queries_of(asked(("Vortex Ridars 3", None, None), ("Vortex Ridars 2", None, None)), catalogue.settings)
    found = fuzzy_candidates(queries, catalogue.names, catalogue.settings).to_pylist()
    assert [(row["query_id"], row["movie_id"][-2:]) for row in found] == [(0, "05")]
    assert 0.9 < found[0]["similarity"] < 1
