"""Titles as people type them: what an edit may do, what a style draws, where the title stands in its surface."""

import random
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rapidfuzz.distance import DamerauLevenshtein

from corpus_pipeline.linking.typed import HABITS, KINDS, PLANTED, Style, acronym_of, head_of, misspell, planted, style_of, typed
from corpus_pipeline.transform.text import title_key

TITLES = (
    "The Copper Lighthouse",
    "Vortex Riders: Return to Umber",
    "Vortex Riders 3",
    "Twelve Orchards",
    "Ox",
    "A Plum",
    "Harbour & Hound",
)
WORDS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHXYZ", min_size=4, max_size=12)


def _typed(title: str, seed: int = 0, year: int | None = 1999, **style: object) -> tuple[str, tuple[str, ...]]:
    found = typed(title, year, random.Random(seed), style=Style(**style))  # type: ignore[arg-type]
    return found.surface, found.kinds


@given(st.text(), st.integers(0, 1000), st.integers(1, 2))
def test_a_misspelling_is_the_title_or_has_another_key_and_the_same_digits(title: str, seed: int, edits: int) -> None:
    found = misspell(title, random.Random(seed), edits)
    assert found == title or title_key(found) != title_key(title)
    assert re.findall(r"\d", found) == re.findall(r"\d", title)


@given(st.lists(WORDS, min_size=1, max_size=4), st.integers(0, 1000), st.integers(1, 2))
def test_a_misspelling_of_words_differs_by_at_most_the_edits(words: list[str], seed: int, edits: int) -> None:
    title = " ".join(words)
    assume(not set(title.lower().split()) & {"viii", "xiii"})
    found = misspell(title, random.Random(seed), edits)
    assert title_key(found) != title_key(title)
    assert 1 <= DamerauLevenshtein.distance(title.lower(), found.lower()) <= edits
    assert found.count(" ") == title.count(" ")


@pytest.mark.parametrize("title", ["Ox", "Plu", "123 45", "", "XIII"])
def test_a_title_without_four_letters_to_edit_is_never_misspelled(title: str) -> None:
    assert {misspell(title, random.Random(seed), 2) for seed in range(20)} == {title}


def test_all_kinds_of_edit_happen() -> None:
    lengths = {len(misspell("Copper Lighthouse", random.Random(seed), 1)) for seed in range(100)}
    swaps = [m for seed in range(200) if sorted(m := misspell("copper", random.Random(seed), 1)) == sorted("copper")]
    assert lengths == {16, 17, 18}
    assert swaps


@pytest.mark.parametrize(
    ("title", "head"),
    [
        ("Vortex Riders: The Salt Engine", "Vortex Riders"),
        ("Vortex Riders - The Salt Engine", "Vortex Riders"),
        ("Vortex Riders: Part II", None),
        ("Vortex Riders: Chapter Two", None),
        ("Vortex Riders: Volume 12", None),
        ("Ox: The Return", None),
        ("Half-Light", None),
        ("12:30 from Umber", None),
    ],
)
def test_a_subtitle_is_cut_unless_it_numbers_the_film_or_hardly_a_title_stays(title: str, head: str | None) -> None:
    assert head_of(title) == head
    assert _typed(title, no_subtitle=1.0)[0] == (head or title)


@pytest.mark.parametrize(
    ("title", "spelled"),
    [
        ("Vortex Riders II", {"Vortex Riders 2", "Vortex Riders Two"}),
        ("Vortex Riders 3", {"Vortex Riders III", "Vortex Riders Three"}),
        ("Twelve Orchards", {"12 Orchards"}),
        ("12 Orchards", {"Twelve Orchards"}),
        ("V for Valour", {"V for Valour"}),
        ("The 6th Orchard", {"The 6th Orchard"}),
        ("3:10 to Umber", {"3:10 to Umber"}),
        ("Orchard 1999", {"Orchard 1999"}),
    ],
)
def test_a_number_is_written_in_its_other_spellings(title: str, spelled: set[str]) -> None:
    assert {_typed(title, seed, numeral=1.0)[0] for seed in range(40)} == spelled


@pytest.mark.parametrize(
    ("title", "style", "surface", "kinds"),
    [
        ("The Plum", {}, "The Plum", ("exact",)),
        ("The Plum", {"case": "lower"}, "the plum", ("lower",)),
        ("the plum", {"case": "lower"}, "the plum", ("exact",)),
        ("The Plum", {"case": "upper"}, "THE PLUM", ("upper",)),
        ("The Plum", {"no_article": 1.0}, "Plum", ("no_article",)),
        ("A", {"no_article": 1.0}, "A", ("exact",)),
        ("The Plum", {"marks": ('"', '"'), "case": "lower"}, '"the plum"', ("lower", "quoted")),
        ("The Plum", {"marks": ("**", "**")}, "**The Plum**", ("markup",)),
    ],
)
def test_what_a_style_does_is_named(title: str, style: dict[str, object], surface: str, kinds: tuple[str, ...]) -> None:
    assert _typed(title, **style) == (surface, kinds)


def test_years_are_written_in_three_ways_and_only_where_given() -> None:
    assert {_typed("Plum", seed, year=None) for seed in range(9)} == {("Plum", ("exact",))}
    found = {typed("Plum", 1999, random.Random(seed), style=Style(year=1.0)) for seed in range(60)}
    assert {row.surface for row in found} == {"Plum (1999)", "Plum 1999", "Plum from 1999"}
    assert {(row.year_given, row.kinds) for row in found} == {(1999, ("with_year",))}
    assert typed("Plum", None, random.Random(0), style=Style(year=1.0)).year_given is None


@given(st.sampled_from(TITLES), st.integers(0, 10_000))
def test_the_title_stands_where_it_is_said_to(title: str, seed: int) -> None:
    style = style_of(str(seed))
    found = typed(title, 1999, random.Random(seed), style=style)
    inside = found.surface[found.title_start : found.title_end]
    assert found.surface.startswith(style.marks[0] + inside + style.marks[1])
    assert set(found.kinds) <= set(KINDS)
    assert (found.kinds == ("exact",)) == (found.surface == title)
    assert found == typed(title, 1999, random.Random(seed), style=style_of(str(seed)))


def test_styles_come_in_the_documented_shares() -> None:
    styles = [style_of(f"speaker {number}") for number in range(6000)]
    misspelled = sum(style.misspelled for style in styles) / len(styles)
    assert sum(style.case == "lower" for style in styles) / len(styles) == pytest.approx(HABITS.lower_speakers, abs=0.02)
    assert sum(style.year > 0 for style in styles) / len(styles) == pytest.approx(HABITS.year_speakers, abs=0.02)
    assert sum(style.marks != ("", "") for style in styles) / len(styles) == pytest.approx(0.05, abs=0.01)
    assert misspelled == pytest.approx(0.08, abs=0.01)


def test_planted_corruptions_are_corrupt_seeded_and_counted() -> None:
    found = planted(TITLES, 7, 200)
    assert found == planted(TITLES, 7, 200) != planted(TITLES, 8, 200)
    assert len(found) == 200
    assert all(surface != TITLES[row] for surface, _, row in found)
    assert {kind for _, kinds, _ in found for kind in kinds} == {"misspelled", "no_article", "no_subtitle", "numeral"}
    assert planted(["Ox"], 7, 5) == planted([], 7, 5) == []
    assert PLANTED.year == 0


@pytest.mark.parametrize(
    ("title", "short"),
    [
        ("The Lord of the Rings: The Fellowship of the Ring", "lotr"),
        ("Copper & Salt", "cas"),
        ("Lighthouse", None),
        ("One Two Three Four Five Six Seven", None),
        ("", None),
    ],
)
def test_acronyms_are_first_letters_of_three_to_six_words(title: str, short: str | None) -> None:
    assert acronym_of(title) == short


@pytest.mark.parametrize(("case", "written"), [("kept", "LOTR"), ("upper", "LOTR"), ("lower", "lotr")])
def test_an_acronym_stands_for_the_whole_title(case: str, written: str) -> None:
    found = typed("The Lord of the Rings", 1978, random.Random(1), style=Style(case=case, acronym=1.0))
    assert (found.surface, found.kinds, found.title_start, found.title_end) == (written, ("acronym",), 0, 4)
