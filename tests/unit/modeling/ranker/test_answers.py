"""What is a title in a model's text, and which film it names; no text can break the reading or the counts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.ranker.answers import TITLE_CHARACTERS, ParsedList, read_list, resolve
from modeling.ranker.protocol import RankedSet

NAMES = ["The Lantern (1999)", "It (2017)", "It Follows (2014)", "雨の夜 (1954)", "The Good, the Bad and the Rest (1966)"]
MOVIES = ["m1", "m2", "m3", "m4", "m5"]
CORPUS = {"Casablanca": "c1", "Casablanca (1942)": "c1", "Амели": "c2", "The Lantern, restored": "m1"}


def titles(text: str) -> list[str]:
    return list(read_list(text, titles_at_most=50).titles)


def ranked(text: str, *, titles_at_most: int = 50) -> RankedSet:
    return resolve(read_list(text, titles_at_most=titles_at_most), NAMES, MOVIES, CORPUS.get, 0.9)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1. It (2017)\n2. The Lantern (1999)", ["It (2017)", "The Lantern (1999)"]),
        ("1) It\n2) The Lantern\n\n10) Alien", ["It", "The Lantern", "Alien"]),
        ("- It\n* The Lantern\n• Alien", ["It", "The Lantern", "Alien"]),
        ("1.It\n2.Alien", ["It", "Alien"]),
        ("1. **It** (2017)\n**2. Alien (1979)**\n3. *The Lantern*", ["It (2017)", "Alien (1979)", "The Lantern"]),
        ("1. \"It\"\n2. 'Alien'\n3. “The Lantern” (1999)", ["It", "Alien", "The Lantern (1999)"]),
        ("It\nAlien", ["It", "Alien"]),
        ("Good, Bad\nM*A*S*H", ["Good, Bad", "M*A*S*H"]),
        ("1. It (2017); Horror; Eve Gant\n2. Alien (1979) - the best", ["It (2017)", "Alien (1979)"]),
        ("Here you are:\n1. It\n2. Alien\n3. X\nEnjoy them!", ["It", "Alien", "X"]),
        ("The Lantern\n2. It\n3. Alien", ["The Lantern", "It", "Alien"]),
        ("1. 1917 (2019)\n2. 2001\n3. 12 Angry Men", ["1917 (2019)", "2001", "12 Angry Men"]),
        ('["It (2017)", "1. Alien"]', ["It (2017)", "Alien"]),
        ('```json\n{"films": ["It", "Good, Bad"], "count": 2}\n```', ["It", "Good, Bad"]),
        ("It, Alien (1979, no. 2), The Lantern", ["It", "Alien (1979, no. 2)", "The Lantern"]),
        ("It; Good, Bad; Alien", ["It", "Good, Bad", "Alien"]),
        ("1. It, 2. Alien", ["It", "Alien"]),
        ("1. It; 2. Alien", ["It", "Alien"]),
        ("1. Good, Bad", ["Good, Bad"]),
        ("1. It; Horror, Drama; Eve Gant", ["It"]),
        ("1. It; Horror\n2. 2.0 (2018); Drama", ["It", "2.0 (2018)"]),
        ("[]", []),
        ("\n \n", []),
        ("***\n---", ["-"]),
    ],
)
def test_titles(text: str, expected: list[str]) -> None:
    assert titles(text) == expected


@pytest.mark.parametrize("text", ['{"a": ["It"], "b": ["Alien"]}', '["It", 7]', "7", "[" * 100_000, "9" * 5_000])
def test_other_json_is_read_as_text(text: str) -> None:
    assert read_list(text, titles_at_most=5).has_text and titles(text) == titles(f"{text}\n```")


def test_titles_beyond_the_most_are_counted() -> None:
    assert read_list("a\nb\nc", titles_at_most=2) == ParsedList(("a", "b"), surplus=1)
    assert read_list("a\nb\nc", titles_at_most=3).surplus == 0
    assert read_list(" \u200b\n", titles_at_most=3) == ParsedList((), has_text=False)


def test_a_title_is_one_short_visible_line() -> None:
    (title,) = titles(json.dumps(["a\nsystem: b \u202e" + "x" * 9_999]))
    assert title == "a system - b" and len(titles("x" * 999)[0]) == TITLE_CHARACTERS


def test_candidates_corpus_films_and_nothing() -> None:
    found = ranked("1. it follows\n2. Casablanca\n3. Zzyzx Qqq\n4. The Lantern (1999)\n5. Lantern\n6. Casablanca (1942)\n7. Zzyzx Qqq")
    assert found == RankedSet(("m3", "c1", "m1"), title_count=7, outside_count=1, unmatched_count=2, duplicate_count=2)


def test_a_link_to_a_candidate_is_not_outside() -> None:
    assert ranked("1. The Lantern, restored\n2. The Lantern (1999)") == RankedSet(("m1",), title_count=2, duplicate_count=1)


def test_titles_of_other_languages() -> None:
    assert ranked("1. 雨の夜\n2. Амели\n3. 東京") == RankedSet(("m4", "c2"), title_count=3, outside_count=1, unmatched_count=1)


def test_left_out_candidates_stay_out() -> None:
    assert ranked("1. It (2017)").order == ("m2",)


def test_nearly_a_candidate_s_name_counts_from_the_ratio_on() -> None:
    parsed = read_list("1. It Folows (2014)\n2. The Lantern", titles_at_most=9)
    orders = [resolve(parsed, NAMES, MOVIES, CORPUS.get, ratio).order for ratio in (0.9, 1.0)]
    assert orders == [("m3", "m1"), ("m1",)]


@pytest.mark.parametrize("text", ["", "  \n\t", "\u200b"])
def test_nothing(text: str) -> None:
    assert ranked(text) == RankedSet((), failure="nothing")


@pytest.mark.parametrize(("text", "count"), [("I cannot help with that", 1), ("qqq\nzzz\nwww", 3), ("[]", 0)])
def test_nonsense(text: str, count: int) -> None:
    assert ranked(text) == RankedSet((), title_count=count, unmatched_count=count, failure="nonsense")


def test_a_thousand_titles_earn_no_order() -> None:
    text = "\n".join(f"{number}. It (2017)" for number in range(1, 1_001))
    assert ranked(text) == RankedSet((), title_count=1_000, failure="too_many")
    assert ranked(text, titles_at_most=1_000) == RankedSet(("m2",), title_count=1_000, duplicate_count=999)


PIECES = st.sampled_from([*NAMES, *CORPUS, "It", "Zzyzx", "1.", "2)", "- ", "**", '"', ",", ";", "[", "]", "{", "}", "```", "\n", " ", ":"])
TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(PIECES, max_size=30).map("".join),
    st.lists(st.one_of(PIECES, st.text(max_size=9)), max_size=9).map(json.dumps),
)


@given(text=TEXTS, titles_at_most=st.integers(1, 12))
def test_any_text_can_be_read_and_its_counts_add_up(text: str, titles_at_most: int) -> None:
    parsed = read_list(text, titles_at_most=titles_at_most)
    assert all(title and "\n" not in title and len(title) <= TITLE_CHARACTERS for title in parsed.titles)
    assert len(parsed.titles) <= titles_at_most and (parsed.surplus == 0 or len(parsed.titles) == titles_at_most)
    found = resolve(parsed, NAMES, MOVIES, CORPUS.get, 0.9)
    assert len(set(found.order)) == len(found.order) and set(found.order) <= {*MOVIES, *CORPUS.values()}
    assert found.outside_count == len(set(found.order) - set(MOVIES))
    assert found.title_count == len(parsed.titles) + parsed.surplus
    assert (found.failure == "too_many") == (parsed.surplus > 0)
    if not parsed.surplus:
        matched = len(found.order) - found.outside_count
        assert found.title_count == matched + found.outside_count + found.unmatched_count + found.duplicate_count
        assert bool(found.failure) == (not found.order)


@given(order=st.permutations(range(len(NAMES))), mark=st.sampled_from(["{}. ", "{}) ", "- ", "* ", "{}. **", ""]))
def test_a_list_of_all_candidates_is_read_as_written(order: list[int], mark: str) -> None:
    text = "\n".join(f"{mark.format(number)}{NAMES[place]}" for number, place in enumerate(order, start=1))
    assert ranked(text) == RankedSet.of_candidates([MOVIES[place] for place in order])
