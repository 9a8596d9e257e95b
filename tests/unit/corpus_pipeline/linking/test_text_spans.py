"""Spans of raw text: runs of words that are a key, ordinals before one, the year beside one."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus_pipeline.linking.settings import DEFAULT
from corpus_pipeline.linking.text_spans import LONGEST, NO_YEAR, Spans, exact_spans, fuzzy_spans, year_beside, years_of
from corpus_pipeline.linking.title_index import TitleIndex
from corpus_pipeline.linking.words import link_key, words_of
from corpus_pipeline.transform.text import name_key


def _exact(index: TitleIndex, *texts: str) -> list[tuple[int, str, str]]:
    """(text, surface, key) of every exact span, in the order of texts and places, shorter ones first."""
    words = words_of(texts)
    spans = exact_spans(words, index)
    keys = index.spelling.keys.take(spans.key)
    places = zip(words.text[spans.first], words.start[spans.first], words.end[spans.last - 1], keys, strict=True)
    return [(text, texts[text][start:end], key) for text, start, end, key in sorted(places)]


def test_every_run_of_words_that_is_a_key_is_found(index: TitleIndex) -> None:
    found = _exact(index, "see Vortex Riders: return to UMBER, or The Ox")
    assert found == [
        (0, "Vortex Riders", "vortex riders"),
        (0, "Vortex Riders: return to UMBER", "vortex riders return to umber"),
        (0, "return to UMBER", "return to umber"),
        (0, "Ox", "ox"),
    ]


def test_words_that_stand_for_nothing_are_inside_a_span_but_never_end_it(index: TitleIndex) -> None:
    assert _exact(index, "part Vortex Riders Part III part")[-1] == (0, "Vortex Riders Part III", "vortex riders 3")
    assert {surface for _, surface, _ in _exact(index, "part ox part")} == {"ox"}


def test_no_span_crosses_a_line_or_a_text(index: TitleIndex) -> None:
    assert _exact(index, "copper\nlighthouse", "copper", "lighthouse") == []
    assert _exact(index, "copper\tlighthouse", "copper  -  lighthouse") == [
        (0, "copper\tlighthouse", "copper lighthouse"),
        (1, "copper  -  lighthouse", "copper lighthouse"),
    ]


def test_an_ordinal_counts_the_films_of_a_series(index: TitleIndex) -> None:
    assert (0, "second Quillback", "quillback 2") in _exact(index, "the second Quillback")
    assert (0, "3rd Vortex Riders", "vortex riders 3") in _exact(index, "the 3rd Vortex Riders")
    assert {key for _, _, key in _exact(index, "the third Quillback")} == {"quillback"}
    assert {key for _, _, key in _exact(index, "second", "Quillback")} == {"quillback"}  # of another text


PIECES = ("The", "Ox", "Plum", "Vortex", "Riders", "3", "III", "copper", "lighthouse", "part", ",", "é", "second", "Quillback", "\n")


@given(st.lists(st.sampled_from(PIECES), max_size=16))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_exact_spans_are_what_a_look_at_every_run_finds(index: TitleIndex, pieces: list[str]) -> None:
    text = " ".join(pieces)
    keys = set(index.spelling.keys.take(np.arange(len(index.spelling.keys))))
    expected = []
    for line in text.split("\n"):
        kept = [word for word in name_key(f"{line} x").split()[:-1] if word != "part"]
        runs = [kept[low:high] for low in range(len(kept)) for high in range(low + 1, min(low + LONGEST, len(kept)) + 1)]
        expected += [key for key in (link_key(" ".join(run)) for run in runs) if key in keys]
    found = [(surface, key) for _, surface, key in _exact(index, text)]
    plain = [key for surface, key in found if link_key(name_key(surface)) == key]
    assert sorted(plain) == sorted(expected)
    assert all(surface.casefold().startswith("second ") for surface, key in found if link_key(name_key(surface)) != key)


def test_a_stretch_nearly_spelled_like_a_key_tells_its_edits(index: TitleIndex) -> None:
    texts = ["see copper lighthuose", "vortex riders 4"]
    words = words_of(texts)
    windows = np.array([1, 3]), np.array([3, 6])
    spans = fuzzy_spans(words, texts, windows, index, DEFAULT)
    told = zip(index.spelling.keys.take(spans.key), spans.distance.tolist(), spans.number_gap.tolist(), strict=True)
    assert sorted(told) == [("copper lighthouse", 1, 0), ("vortex riders", 2, 1), ("vortex riders 3", 1, 1)]
    assert (spans.similarity < 1).all()


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("in 1999, (2004) '62", [1999, 2004]),
        ("1869 1870 2035 2036", [1870, 2035]),
        ("19999 199 1O99 x1999 1999x", []),
        ("１９９９ 19\u00ad99", []),  # other digits, and a character inside, are no year as people type it
        ("\u3300", []),  # four letters from one character
        ("", []),
    ],
)
def test_years_are_four_digits(text: str, years: list[int]) -> None:
    words = words_of([text])
    found = years_of(words)
    assert len(found) == len(words)
    assert [year for year in found.tolist() if year != NO_YEAR] == years


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("x (1999)", 1999),
        ("x from 1999", 1999),
        ("x of 1999", 1999),
        ("x in 1999", 1999),
        ("the 1999 x", 1999),
        ("1962 x (1999)", 1999),  # what stands behind counts first
        ("1962 x in 1999", 1999),
        ("x by 1999", NO_YEAR),
        ("x from about 1999", NO_YEAR),
        ("1999 the x", NO_YEAR),
        ("x", NO_YEAR),
    ],
)
def test_the_year_beside_a_span(text: str, year: int) -> None:
    """The texts around it have years too, which are not its own."""
    words = words_of(["1950", text, "from 1951"])
    place = np.flatnonzero(words.spelled == words_of(["x"]).spelled[0])
    spans = Spans.exact(place, place + 1, np.zeros(1, np.int64))
    assert year_beside(words, years_of(words), spans).tolist() == [year]
