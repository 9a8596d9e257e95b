"""Which stretches are looked up by their spelling: in quotes, in capitals, around foreign words, behind cues; and no others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_pipeline.linking.evidence import Cues, looks_of
from corpus_pipeline.linking.text_spans import LONGEST, exact_spans
from corpus_pipeline.linking.title_index import TitleIndex
from corpus_pipeline.linking.windows import AROUND, BEHIND, CUE, windows
from corpus_pipeline.linking.words import word_hash, words_of
from tests.catalogues import Film, index_of

NO_CUES = Cues({})


@pytest.fixture(scope="module")
def index() -> TitleIndex:
    return index_of(Film("Copper Lighthouse"), Film("Twelve Orchards", people=("Ada Quillfeather",)), Film("Plum"))


def looked_up(texts: list[str], index: TitleIndex, cues: Cues = NO_CUES) -> list[set[str]]:
    """The stretches of each text, as they stand in it."""
    words = words_of(texts)
    first, last = windows(words, looks_of(words), exact_spans(words, index), index, cues)
    assert ((first >= 0) & (first < last) & (last <= len(words))).all()
    found: list[set[str]] = [set() for _ in texts]
    for low, high in zip(first.tolist(), last.tolist(), strict=True):
        text = int(words.text[low])
        assert text == words.text[high - 1]
        found[text].add(texts[text][words.start[low] : words.end[high - 1]])
    assert sum(map(len, found)) <= len(first)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("we went home early and slept", set()),
        ('we saw "green house" there', {"green house"}),
        ("we saw “green house” there", {"green house"}),
        ("we saw *green house* there", {"green house"}),
        ('we saw "green house there', set()),
        ("we saw Green House there", {"Green House"}),
        ("we saw House of the Green there", {"House of the Green"}),
        ("we saw House by Night there", {"House by Night"}),
        ("we saw House of the green there", {"House"}),
        ("we saw 12 Houses there", {"12 Houses"}),
        ("Maybe Green House there", {"Maybe Green House", "Green House"}),
        ("Maybe", {"Maybe"}),
        ("we saw Green. House there", {"Green", "House"}),
        ("we saw Plum there", set()),  # a key already
        ("we saw Abc there", set()),  # too short to tell
    ],
)
def test_stretches_of_a_text(text: str, expected: set[str], index: TitleIndex) -> None:
    assert looked_up([text], index) == [expected]


def test_the_full_name_of_a_person_is_no_misspelling(index: TitleIndex) -> None:
    named, other = looked_up(["we saw Ada Quillfeather there", "we saw Eva Quillfeather there"], index)
    assert "Ada Quillfeather" not in named and "Eva Quillfeather" in other
    assert {"Quillfeather", "Ada Quillfeather there"} <= named


def test_every_window_around_a_foreign_word_within_its_sentence(index: TitleIndex) -> None:
    (found,) = looked_up(["one day. we saw qwzzyx there, three times too many"], index)
    assert {"qwzzyx", "we saw qwzzyx there", "qwzzyx there, three times too", "saw qwzzyx"} <= found
    assert all("qwzzyx" in stretch and "day" not in stretch and len(stretch.split()) <= AROUND for stretch in found)
    assert len(found) == 12  # two words before, four behind, five in all


def test_windows_behind_a_cue_end_with_the_sentence(index: TitleIndex) -> None:
    values = sorted((int(word_hash(word)), value) for word, value in (("watched", CUE), ("went", CUE - 0.01)))
    cues = Cues({-1: (np.array([code for code, _ in values], np.uint64), np.array([value for _, value in values], np.float32))})
    (found,) = looked_up(["she went home and watched green house by night. that was all of it"], index, cues)
    assert found == {"green house", "green house by", "green house by night"}
    (long,) = looked_up(["he watched " + "green " * 20], index, cues)
    assert sorted(len(stretch.split()) for stretch in long) == list(range(2, BEHIND + 1))
    assert looked_up(["he watched", "green house"], index, cues) == [set(), set()]


def test_no_stretch_is_longer_than_a_title(index: TitleIndex) -> None:
    text = 'so "' + "house " * LONGEST + 'house" and ' + "House " * (LONGEST + 1)
    assert looked_up([text], index) == [set()]
    assert looked_up(['so "' + " ".join(["house"] * LONGEST) + '"'], index) != [set()]


def test_nothing_is_looked_up_in_nothing(index: TitleIndex) -> None:
    assert looked_up([], index) == []
    assert looked_up(["", " ", "?!", '""'], index) == [set()] * 4


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [("we saw House", "of Night there", ""), ("", "we saw House of", "Night"), ("House", "of the Night", ""), ("", "House of the", "Night"),
     ('say "house', 'or green" house', "")],
)  # fmt: skip
def test_texts_beside_it_change_nothing(before: str, text: str, after: str, index: TitleIndex) -> None:
    assert looked_up([before, text, after], index)[1] == looked_up([text], index)[0]


PIECES = st.sampled_from(["House", "house", "of", "the", "Of", "qwzzyx", "Plum", "plum", '"', ".", "\n", "12", "*", "Ada", "Quillfeather"])
TEXT = st.lists(PIECES, max_size=7).map(" ".join) | st.lists(PIECES, max_size=7).map("".join)


@given(st.lists(TEXT, min_size=1, max_size=4))
@settings(max_examples=200)
def test_a_texts_stretches_do_not_depend_on_its_batch(index: TitleIndex, texts: list[str]) -> None:
    assert looked_up(texts, index) == [looked_up([text], index)[0] for text in texts]
