"""What stands around a stretch of text, read off one sentence at a time; and that other texts change nothing of it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_pipeline.linking.evidence import (
    ITSELF,
    Cues,
    classes_of,
    evidence,
    is_foreign,
    led_by_article,
    looks_of,
    named_people,
    neighbour,
)
from corpus_pipeline.linking.text_spans import Spans, exact_spans
from corpus_pipeline.linking.title_index import ARTICLE, TitleIndex
from corpus_pipeline.linking.words import Array, word_hash, words_of
from tests.catalogues import Film, index_of

FILMS = (
    Film("Plum", 2011, 5.0),
    Film("The Plum Orchard", 1975, 3.0),
    Film("Vortex Riders", 1999, 5.5, people=("Ada Quillfeather", "Bo Ox")),
    Film("Ada", 1961, 2.0),
    Film("Ox", 1988, 4.0),
)
NO_CUES = Cues({})


@pytest.fixture(scope="module")
def index() -> TitleIndex:
    return index_of(*FILMS)


def columns_of(texts: list[str], index: TitleIndex, cues: Cues = NO_CUES) -> tuple[list[tuple[int, str]], dict[str, Array]]:
    """((text, surface) of each exact span, the columns of evidence)."""
    words = words_of(texts)
    spans = exact_spans(words, index)
    places = zip(words.text[spans.first], words.start[spans.first], words.end[spans.last - 1], strict=True)
    return [(int(text), texts[text][start:end]) for text, start, end in places], evidence(words, looks_of(words), spans, index, cues)


def seen(text: str, surface: str, index: TitleIndex, cues: Cues = NO_CUES) -> dict[str, float]:
    """The evidence of the one span of `text` that is spelled `surface`."""
    spans, columns = columns_of([text], index, cues)
    return {name: float(column[spans.index((0, surface))]) for name, column in columns.items()}


@pytest.mark.parametrize(
    ("text", "surface", "expected"),
    [
        ("I saw Plum today", "Plum", {"word_count": 1, "character_count": 4, "is_whole_text": 0, "first_capital": 1, "capital_share": 1}),
        ("plum orchard", "plum orchard", {"word_count": 2, "character_count": 11, "is_whole_text": 1, "capital_share": 0}),
        ("Plum orchard", "Plum orchard", {"first_capital": 1, "capital_share": 0.5, "opens_sentence": 1}),
        ("I saw Plum", "Plum", {"opens_sentence": 0, "text_capitals": 0, "text_word_count": np.log1p(3)}),
        ("so Bob and Eve saw plum", "plum", {"text_capitals": np.log1p(2), "capital_before": 0, "capital_after": 0}),
        ("so Bob Plum Eve", "Plum", {"text_capitals": np.log1p(2), "capital_before": 1, "capital_after": 1}),
        ("Plum. Eve", "Plum", {"capital_after": 0, "stop_after": 1}),
        ("I saw PLUM", "PLUM", {"all_upper": 1}),
        ("I saw Plum, then ox!", "Plum", {"all_upper": 0, "comma_after": 1, "stop_after": 0}),
        ("I saw Plum, then ox!", "ox", {"comma_after": 0, "stop_after": 1}),
        ('I saw "Plum" twice', "Plum", {"quoted": 1, "quote_before": 1}),
        ('I saw "Plum twice"', "Plum", {"quoted": 0, "quote_before": 1}),
        ("I saw **Plum** twice", "Plum", {"quoted": 1}),
        ("I saw ’Plum’ twice", "Plum", {"quoted": 1}),
        ("I saw Plum (2011)", "Plum", {"bracket_after": 1}),
        ("I saw (Plum) there", "Plum", {"bracket_after": 1}),
        ("I saw Plum there (2011)", "Plum", {"bracket_after": 0}),
        ("Red. Plum. Orchard", "Plum. Orchard", {"sentences_inside": 1}),
        ("Red. Plum Orchard", "Plum Orchard", {"sentences_inside": 0, "opens_sentence": 1}),
        ("the new Plum", "Plum", {"new_before": 1, "old_before": 0, "article_before": 0}),
        ("the original red Plum", "Plum", {"new_before": 0, "old_before": 1}),
        ("the classic big red Plum", "Plum", {"old_before": 0}),
        ("I saw The Plum Orchard", "Plum Orchard", {"article_before": 1, "article_capital": 1}),
        ("I saw the Plum Orchard", "Plum Orchard", {"article_before": 1, "article_capital": 0}),
        ("Plum", "Plum", {"longer_exact": -1, "longer_fuzzy": -1}),
        ("Plum orchard", "Plum", {"longer_exact": 3.0}),
        ("Plum orchard", "Plum orchard", {"longer_exact": -1}),
        ("with Ada Quillfeather", "Ada", {"in_name": 1}),
        ("with Ada and Bo", "Ada", {"in_name": 0}),
        ("with Bo Ox", "Ox", {"in_name": 1}),
        ("Ada\nQuillfeather", "Ada", {"opens_sentence": 1}),
    ],
)
def test_what_is_seen_of_a_stretch(text: str, surface: str, expected: dict[str, float], index: TitleIndex) -> None:
    found = seen(text, surface, index)
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_every_column_is_finite_float32_of_one_value_per_span(index: TitleIndex) -> None:
    spans, columns = columns_of(["I saw plum", "", "(Ox)"], index)
    assert len(spans) == 2
    assert {(column.dtype, column.shape) for column in columns.values()} == {(np.dtype(np.float32), (2,))}
    assert all(np.isfinite(column).all() for column in columns.values())
    assert all(len(column) == 0 for column in columns_of(["", "nothing here"], index)[1].values())
    assert all(len(column) == 0 for column in columns_of([], index)[1].values())


def _table(**values: float) -> tuple[Array, Array]:
    """One table of cues: word and value."""
    pairs = sorted((int(word_hash(word)), value) for word, value in values.items())
    return np.array([code for code, _ in pairs], np.uint64), np.array([value for _, value in pairs], np.float32)


def test_cues_are_those_of_the_place_beside_the_span(index: TitleIndex) -> None:
    cues = Cues({-1: _table(saw=1.5, ate=-2), -2: _table(ate=0.25), 1: _table(twice=0.5)})
    found = seen("They ate and saw Plum twice", "Plum", index, cues)
    assert [found[f"cue_{place}"] for place in (-2, -1, 1, 2)] == [0, 1.5, 0.5, 0]
    assert seen("Plum saw", "Plum", index, cues)["cue_1"] == 0
    assert NO_CUES.at(-1, np.array([word_hash("saw")])).tolist() == [0]


def test_how_often_a_title_is_said_otherwise_counts_where_it_is_spelled_exactly(index: TitleIndex) -> None:
    key = int(index.names.find(np.array([word_hash("plum")]))[0])
    cues = Cues({ITSELF: (index.names.hashes[key : key + 1], np.array([2.5], np.float32))})
    assert seen("I saw plum", "plum", index, cues)["said_otherwise"] == 2.5
    assert seen("I saw ox", "ox", index, cues)["said_otherwise"] == 0
    words = words_of(["I saw plun"])
    near = Spans(*(np.array([value]) for value in (2, 3, key)), *(np.array([value], np.float32) for value in (1, 0.75, 0)))
    assert evidence(words, looks_of(words), near, index, cues)["said_otherwise"].tolist() == [0]


def test_longer_stretches_are_told_apart_by_how_they_are_spelled(index: TitleIndex) -> None:
    words = words_of(["plum orchart"])
    keys = index.names.find(np.array([word_hash("plum"), word_hash("ox")]))
    spans = Spans(
        np.array([0, 0]), np.array([1, 2]), keys, np.array([0, 1], np.float32), np.array([1, 0.9], np.float32), np.zeros(2, np.float32)
    )
    found = evidence(words, looks_of(words), spans, index, NO_CUES)
    assert found["longer_exact"].tolist() == [-1, -1]
    assert found["longer_fuzzy"].tolist() == [4.0, -1]


def test_neighbours_end_with_the_text() -> None:
    words = words_of(["one two", "three"])
    spans = Spans.exact(np.array([0, 1, 2]), np.array([1, 2, 3]), np.zeros(3, np.int64))
    values = np.array([1.0, 2.0, 3.0])
    assert neighbour(words, spans, 1, values).tolist() == [2, 0, 0]
    assert neighbour(words, spans, -1, values).tolist() == [0, 1, 0]
    assert neighbour(words, spans, 2, values).tolist() == [0, 0, 0]


def test_words_that_are_neither_english_nor_of_titles_are_foreign(index: TitleIndex) -> None:
    words = words_of(["today Quillfether vortx 12345 orchard ab"])
    assert is_foreign(words, index).tolist() == [False, True, True, False, False, False]


def test_full_names_are_found_within_one_text(index: TitleIndex) -> None:
    first, last, group = named_people(words_of(["I like ada QUILLFEATHER and", "Bo Ox", "Bo", "Ox"]), index)
    assert sorted(zip(first.tolist(), last.tolist(), strict=True)) == [(2, 4), (5, 7)]
    assert len(set(group.tolist())) == 2
    assert [len(part) for part in named_people(words_of([""]), index)] == [0, 0, 0]


def test_an_article_belongs_to_the_title_that_has_one() -> None:
    columns = {"article_before": np.array([1, 1, 0], np.float32)}
    assert led_by_article(columns, np.array([ARTICLE, 0, ARTICLE], np.uint8)).tolist() == [True, False, False]


def test_characters_beyond_ascii_have_their_classes() -> None:
    codes = np.array([ord(character) for character in "aÀß“9٣\ud800"], np.uint32)
    upper, lower, quote, digit = (classes_of(codes) & bit > 0 for bit in (1, 2, 4, 32))
    assert upper.tolist() == [False, True, False, False, False, False, False]
    assert lower.tolist() == [True, False, True, False, False, False, False]
    assert quote.tolist() == [False, False, False, True, False, False, False]
    assert digit.tolist() == [False, False, False, False, True, True, False]


PIECES = st.sampled_from(["Plum", "plum", "orchard", "The", "of", "Ada", "Quillfeather", "ox", "saw", "(", ")", '"', ".", "\n", "2011"])
TEXT = st.lists(PIECES, max_size=6).map(" ".join) | st.lists(PIECES, max_size=6).map("".join)


@given(st.lists(TEXT, min_size=1, max_size=4))
@settings(max_examples=200)
def test_a_texts_evidence_does_not_depend_on_its_batch(index: TitleIndex, texts: list[str]) -> None:
    spans, together = columns_of(texts, index)
    for number, text in enumerate(texts):
        own, alone = columns_of([text], index)
        rows = [row for row, (owner, _) in enumerate(spans) if owner == number]
        order: Any = sorted(range(len(own)), key=own.__getitem__)
        rows.sort(key=spans.__getitem__)
        assert [spans[row][1] for row in rows] == [own[row][1] for row in order]
        for name, column in together.items():
            assert sorted(column[rows].tolist()) == sorted(alone[name].tolist()), name
