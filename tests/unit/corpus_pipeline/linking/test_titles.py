"""Titles that stand alone: which of their stretches are a key, and how much of the title each is."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus_pipeline.linking.settings import DEFAULT
from corpus_pipeline.linking.title_index import TitleIndex
from corpus_pipeline.linking.titles import title_evidence, title_spans
from corpus_pipeline.linking.words import words_of


def _spans(index: TitleIndex, *titles: str) -> list[tuple[str, str, float]]:
    """(stretch of its title, the key it may be, edits between them) in the order of texts and places."""
    words = words_of(titles)
    spans = title_spans(words, titles, index, DEFAULT)
    keys = index.spelling.keys.take(spans.key)
    rows = []
    for first, last, key, distance in zip(spans.first.tolist(), spans.last.tolist(), keys, spans.distance.tolist(), strict=True):
        text = int(words.text[first])
        assert text == words.text[last - 1]
        rows.append((text, int(words.start[first]), titles[text][words.start[first] : words.end[last - 1]], key, distance))
    return [(surface, key, distance) for _, _, surface, key, distance in sorted(rows)]


def test_a_whole_title_is_a_key_without_its_leading_article(index: TitleIndex) -> None:
    assert _spans(index, "The Copper Lighthouse!") == [("Copper Lighthouse", "copper lighthouse", 0)]
    assert _spans(index, "copper LIGHTHOUSE") == [("copper LIGHTHOUSE", "copper lighthouse", 0)]
    assert _spans(index, "Vortex Riders, Part III") == [("Vortex Riders, Part III", "vortex riders 3", 0)]


def test_parts_of_a_title_are_keys_of_their_own(index: TitleIndex) -> None:
    assert _spans(index, "Plum: The Cold War Years") == [("Plum", "plum", 0)]
    assert _spans(index, "The Cold War Years (A Plum)") == [("Plum", "plum", 0)]
    assert _spans(index, "Plum - Window") == [("Plum", "plum", 0), ("Window", "window", 0)]
    assert _spans(index, "Vortex Riders: Return to Umber") == [
        ("Vortex Riders", "vortex riders", 0),
        ("Vortex Riders: Return to Umber", "vortex riders return to umber", 0),
        ("Return to Umber", "return to umber", 0),
    ]


def test_words_between_marks_are_no_part(index: TitleIndex) -> None:
    assert _spans(index, "First: Plum: Last") == []
    assert _spans(index, "Plum: First: Last") == _spans(index, "First: Last: Plum") == [("Plum", "plum", 0)]
    assert _spans(index, "Plum in the Cold War") == []


def test_only_a_title_that_is_no_key_may_be_a_misspelled_one(index: TitleIndex) -> None:
    assert _spans(index, "The Mirorwise") == [("Mirorwise", "mirrorwise", 1)]
    assert _spans(index, "Vortex Riders 3") == [("Vortex Riders 3", "vortex riders 3", 0)]
    assert {key: edits for _, key, edits in _spans(index, "Vortex Riders 4")} == {"vortex riders 3": 1, "vortex riders": 2}


def test_other_numbers_are_a_gap(index: TitleIndex) -> None:
    titles = ["Vortex Riders 4", "Vortx Riders 3", "Vortex Riders 3"]
    words = words_of(titles)
    spans = title_spans(words, titles, index, DEFAULT)
    keys = index.spelling.keys.take(spans.key)
    gaps = {(int(words.text[f]), k): g for f, k, g in zip(spans.first, keys, spans.number_gap.tolist(), strict=True)}
    assert (gaps[0, "vortex riders 3"], gaps[1, "vortex riders 3"], gaps[2, "vortex riders 3"]) == (1, 0, 0)


@pytest.mark.parametrize("titles", [[], [""], ["", "?!", ":"], ["the"], ["Part"], [" - ", "a:b"]])
def test_titles_without_words_and_unlike_any_have_no_spans(index: TitleIndex, titles: list[str]) -> None:
    assert _spans(index, *titles) == []


def test_titles_keep_to_themselves(index: TitleIndex) -> None:
    titles = ["Ox", "", "The Mirorwise", "Plum: Ox", "?!", "Window"]
    apart = [_spans(index, title) for title in titles]
    assert _spans(index, *titles) == [row for rows in apart for row in rows]


def test_evidence_tells_how_much_of_its_title_a_span_is(index: TitleIndex) -> None:
    titles = ["The Copper Lighthouse", "Plum: The Ox", "Ox"]
    words = words_of(titles)
    spans = title_spans(words, titles, index, DEFAULT)
    columns = title_evidence(words, spans, index)
    told = {
        (titles[words.text[first]], titles[words.text[first]][words.start[first] : words.end[last - 1]]): {
            name: float(column[row]) for name, column in columns.items() if name != "rarity"
        }
        for row, (first, last) in enumerate(zip(spans.first, spans.last, strict=True))
    }
    names = ("word_count", "character_count", "words_left_out", "article_before")
    expected = {
        (titles[0], "Copper Lighthouse"): (2, 16, 1, 1),
        (titles[1], "Plum"): (1, 4, 2, 0),
        (titles[1], "Ox"): (1, 2, 2, 1),
        (titles[2], "Ox"): (1, 2, 0, 0),
    }
    assert told == {place: dict(zip(names, values, strict=True)) for place, values in expected.items()}
    assert all(column.dtype == np.float32 for column in columns.values())


_PIECES = st.sampled_from(["The ", "Ox", "Plum", ": ", " - ", " (", ")", "–", "Part ", "II", " ", "?", "Window", "é", "\n", "\ud800"])


@given(st.lists(st.lists(_PIECES, max_size=8).map("".join) | st.text(st.characters(), max_size=12), max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_spans_lie_in_their_title_and_exact_ones_are_its_words(index: TitleIndex, titles: list[str]) -> None:
    words = words_of(titles)
    spans = title_spans(words, titles, index, DEFAULT)
    assert (spans.first < spans.last).all()
    assert (words.text[spans.first] == words.text[spans.last - 1]).all()
    assert ((spans.key >= 0) & (spans.key < len(index.names.hashes))).all()
    assert ((spans.distance == 0) == (spans.similarity == 1)).all()
    assert _spans(index, *titles) == [row for title in titles for row in _spans(index, title)]
