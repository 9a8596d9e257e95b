"""Words against the keys of `transform.text`: the same words, at places that hold them, whatever the batch."""

import random
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from corpus_pipeline.linking.title_index import key_words
from corpus_pipeline.linking.words import (
    RESPELLED,
    Words,
    _Folding,
    chain,
    link_key,
    sequence_hashes,
    stretch_hashes,
    word_hash,
    words_of,
)
from corpus_pipeline.transform.text import fold_character, name_key, title_key

# Characters that fold to nothing, to several letters or to several words, beside every other one, surrogates included.
_ODD = "⅓ﬁﷺ\u3300ßİœ&'’\u00ad\u0301\u200b\n\r\t\x00 .-é２"
TEXT = st.text(st.characters() | st.sampled_from(_ODD) | st.sampled_from("abc 12"), max_size=40)
VOCABULARY = st.sampled_from([*RESPELLED, *filter(None, RESPELLED.values()), "the", "a", "rocky", "kill", "of"])


def _key_words(text: str) -> list[str]:
    """The words of the text's key; none where it is kept for its punctuation."""
    return name_key(f"{text} x").split()[:-1]


def _key_hash(text: str) -> int:
    counts, hashes = key_words(words_of([text]), 1)
    return int(sequence_hashes(hashes, counts)[0])


@given(st.lists(TEXT, max_size=4))
@example(["", "⅓ cup", "\ud800a", "\u3300", "R&B\nDon't"])
def test_words_are_those_of_the_key(texts: list[str]) -> None:
    words = words_of(texts)
    expected = [(row, word) for row, text in enumerate(texts) for word in _key_words(text)]
    assert words.text.tolist() == [row for row, _ in expected]
    assert words.spelled.tolist() == [int(word_hash(word)) for _, word in expected]
    assert words.length.tolist() == [len(word) for _, word in expected]


@given(st.lists(TEXT, max_size=4))
@example(["...'Tis a (Don't)  stop\u0301!", "ﬁn⅓"])
def test_places_hold_the_word_and_no_blank_at_their_ends(texts: list[str]) -> None:
    words = words_of(texts)
    expected = [word for text in texts for word in _key_words(text)]
    for row, start, end, word in zip(words.text.tolist(), words.start.tolist(), words.end.tolist(), expected, strict=True):
        surface = texts[row][start:end]
        assert 0 <= start < end <= len(texts[row])
        assert word in _key_words(surface)
        assert all(fold_character(ord(character)).strip() for character in (surface[0], surface[-1]))


def test_places_count_characters_not_bytes() -> None:
    words = words_of(["😀 «L'Été» ²", "two"])
    assert list(zip(words.text.tolist(), words.start.tolist(), words.end.tolist(), strict=True)) == [(0, 3, 8), (0, 10, 11), (1, 0, 3)]


@given(st.lists(TEXT, max_size=3), st.lists(TEXT, max_size=3))
def test_a_text_has_the_same_words_in_any_batch(some: list[str], others: list[str]) -> None:
    together, apart = words_of(some + others), (words_of(some), words_of(others))
    for name in ("start", "end", "spelled", "hash", "length", "codes"):
        assert np.array_equal(getattr(together, name), np.concatenate([getattr(part, name) for part in apart])), name
    assert together.text.tolist() == [*apart[0].text.tolist(), *(row + len(some) for row in apart[1].text.tolist())]


def test_no_texts_and_texts_without_words_have_none() -> None:
    for texts in ([], [""], ["?!", " \n", "\u0301"]):
        words = words_of(texts)
        assert len(words) == 0
        assert len(words.text_starts) == len(texts)
        assert all(len(getattr(words, name)) == 0 for name in ("text", "start", "end", "spelled", "hash", "length"))


@given(TEXT)
def test_a_text_and_its_key_hash_alike(title: str) -> None:
    assume(_key_words(title))
    key = title_key(title)
    assert _key_hash(key) == _key_hash(link_key(key)) == _key_hash(f"«{key.replace(' ', ' -- ')}»!")
    assert _key_hash(name_key(title)) == _key_hash(title)


@given(words=st.lists(VOCABULARY, min_size=1, max_size=5), draw=st.randoms(use_true_random=False))
def test_respelled_words_hash_alike(words: list[str], draw: random.Random) -> None:
    assume(any(RESPELLED.get(word, word) for word in words))
    alike = {word: [other for other in RESPELLED if RESPELLED[other] == RESPELLED.get(word, word)] or [word] for word in words}
    respelled = [draw.choice(alike[word]) for word in words]
    respelled.insert(draw.randint(0, len(words)), "part")
    assert _key_hash(" ".join(words)) == _key_hash(" ".join(respelled)) == _key_hash(link_key(" ".join(words)))


@given(st.lists(VOCABULARY, min_size=1, max_size=4), st.lists(VOCABULARY, min_size=1, max_size=4))
def test_keys_hash_alike_only_where_they_are_one(some: list[str], others: list[str]) -> None:
    one, other = " ".join(some), " ".join(others)
    assert (_key_hash(one) == _key_hash(other)) == (link_key(one) == link_key(other))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("vortex riders iii", "vortex riders 3"),
        ("vortex riders part iii", "vortex riders 3"),
        ("twelve orchards", "12 orchards"),
        ("salt engine volume two", "salt engine vol 2"),
        ("doctor plum", "dr plum"),
        ("livid", "livid"),
        ("i", "i"),
        ("part", "part"),
    ],
)
def test_link_key_spells_numbers_one_way(key: str, expected: str) -> None:
    assert link_key(key) == expected


@given(TEXT)
def test_link_key_is_a_fixed_point_and_never_empties_a_key(key: str) -> None:
    once = link_key(key)
    assert link_key(once) == once
    assert bool(once) == bool(key)


def test_a_word_that_stands_for_nothing_has_hash_0_and_no_other_does() -> None:
    words = words_of(["Part of the party II"])
    assert (words.hash == 0).tolist() == [True, False, False, False, False]
    assert words.hash[-1] == word_hash("2") != words.spelled[-1]
    assert words.spelled[0] == word_hash("part")


@given(st.lists(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=5), max_size=6))
def test_a_sequence_is_hashed_as_its_chain(sequences: list[list[int]]) -> None:
    flat = np.array([code for sequence in sequences for code in sequence], np.uint64)
    found = sequence_hashes(flat, np.array([len(sequence) for sequence in sequences], np.int64))
    for sequence, hashed in zip(sequences, found, strict=True):
        expected = np.array(sequence[:1], np.uint64)
        for code in sequence[1:]:
            expected = chain(expected, np.array([code], np.uint64))
        assert hashed == expected[0]


def test_stretches_are_hashed_as_they_are_written() -> None:
    words = words_of(["Rocky II, Part of Rocky two", "rocky 2"])
    first, last = np.array([0, 0, 4, 6]), np.array([2, 1, 6, 8])
    expected = [_spelled_hash("rocky ii"), _spelled_hash("rocky"), _spelled_hash("rocky two"), _spelled_hash("rocky 2")]
    assert stretch_hashes(words, first, last).tolist() == expected
    assert len(stretch_hashes(words, first[:0], last[:0])) == 0


def _spelled_hash(text: str) -> int:
    spelled = words_of([text]).spelled
    return int(sequence_hashes(spelled, np.array([len(spelled)]))[0])


def test_threads_that_meet_new_characters_at_once_fold_them_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables of what characters fold to are filled while other threads read them."""
    draw = random.Random(7)
    texts = ["".join(chr(draw.randrange(0xA0, 0x3000)) for _ in range(80)) for _ in range(800)]
    expected = [words_of([text]).spelled.tolist() for text in texts]
    monkeypatch.setattr("corpus_pipeline.linking.words._FOLDING", [_Folding()])
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = [words.spelled.tolist() for words in pool.map(_words, texts)]
    finally:
        sys.setswitchinterval(interval)
    assert found == expected


def _words(text: str) -> Words:
    return words_of([text])
