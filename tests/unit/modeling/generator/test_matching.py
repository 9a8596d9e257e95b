"""What a free answer means, on films that are easy to mix up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.generator.matching import Match, TitleSet, first_name, match, name_key

NAMES = ["It (2017)", "It", "It Follows (2014)", "The Lantern (1999)", "The Lantern (1999, no. 2)", "Harvest Moon (2003)", "雨の夜 (1954)"]


@pytest.mark.parametrize(
    ("answer", "place", "kind"),
    [
        ("It (2017)", 0, "strict"),
        ("it ( 2017 )", 0, "strict"),
        ("It", 1, "strict"),
        ("- It Follows (2014); Horror; Gus Ives", 2, "strict"),
        ("3. It Follows", 2, "title"),
        ("lantern (1999)", 3, "strict"),
        ("Lantern (1999, no. 2)", 4, "strict"),
        ("The Lantern", -1, "none"),  # two films
        ("Harvst Moon (2003)", 5, "fuzzy"),
        ("雨の夜", 6, "title"),
        ("It (2018)", -1, "none"),
        ("Casablanca", -1, "none"),
        ("", -1, "none"),
        ("\n\n", -1, "none"),
    ],
)
def test_match(answer: str, place: int, kind: str) -> None:
    found = match(answer, NAMES, fuzzy_ratio=0.9)
    assert (found.place, found.kind) == (place, kind)


def test_nothing_matches_an_empty_list() -> None:
    assert match("It", []) == Match(-1, "none", 0.0)


def test_a_looser_ratio_finds_more_and_the_first_of_equals() -> None:
    assert match("Harves Moo", ["Harvest Moon (2003)", "Other"], fuzzy_ratio=0.7).place == 0
    assert match("abcd", ["abce", "abcf"], fuzzy_ratio=0.7) == Match(0, "fuzzy", 0.75)


@pytest.mark.parametrize(
    ("one", "other"),
    [("The Lantern", "lantern"), ("Ærø", "ærø"), ("Élan & Co.", "elan and co"), ("Ocean's 11", "Oceans 11"), ("?!", "?! ")],
)
def test_equal_keys(one: str, other: str) -> None:
    assert name_key(one) == name_key(other) != ""


@given(st.text(max_size=40))
def test_keys_are_stable_and_reading_never_fails(text: str) -> None:
    assert "\n" not in first_name(text)
    found = match(text, NAMES)
    assert -1 <= found.place < len(NAMES) and (found.place == -1) == (found.kind == "none")
    assert name_key(name_key(text).upper()) in (name_key(text), name_key(name_key(text)))


def test_title_set_knows_title_and_year_or_title_alone() -> None:
    titles = TitleSet([("The Lantern", 1999), ("It", 2017), ("Nameless", None), ("", 2000)])
    for answer in ("Lantern (1999)", "The Lantern", "it ( 2017 )", "Nameless"):
        assert answer in titles
    for answer in ("The Lantern (1998)", "It 2", "", "Nameless (2000)"):
        assert answer not in titles
    assert len(titles) == 5
