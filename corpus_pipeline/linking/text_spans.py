"""Spans of raw text that could name a film: runs of words that are a key, runs that are nearly one, and the year beside them.

What belongs here: where a span is and what key it may be. How it looks in its text is `evidence`, which film it means and
how likely is `candidates` and `weights`. Everything is about a batch of texts at once: arrays over spans.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from corpus_pipeline.linking.arrays import find
from corpus_pipeline.linking.settings import BlockSettings
from corpus_pipeline.linking.spelling import alike
from corpus_pipeline.linking.title_index import TitleIndex
from corpus_pipeline.linking.words import Array, Words, chain, link_key, word_hash
from corpus_pipeline.schema.fields import FIRST_YEAR, LAST_YEAR
from corpus_pipeline.transform.text import title_key

LONGEST = 12  # words; 99.9 % of the titles of films with an audience are no longer
NO_YEAR = 0
ORDINALS = (
    ("second", "2"), ("third", "3"), ("fourth", "4"), ("fifth", "5"), ("sixth", "6"), ("seventh", "7"), ("eighth", "8"),
    ("2nd", "2"), ("3rd", "3"), ("4th", "4"), ("5th", "5"), ("6th", "6"), ("7th", "7"), ("8th", "8"),
)  # fmt: skip
_DIGITS = (48, 57)


@dataclass(frozen=True, slots=True)
class Spans:
    """n spans of a batch. `first`, `last` int64: words of the batch, `last` exclusive. `key` int64: group of the index's names.

    `distance` float32 edits and `similarity` float32 of the span's key to that key: 0 and 1 where they are equal.
    `number_gap` float32: 1 where the numbers of the two keys differ: 'rocky 2' is one edit from 'rocky 3' and another film.
    """

    first: Array
    last: Array
    key: Array
    distance: Array
    similarity: Array
    number_gap: Array

    @classmethod
    def exact(cls, first: Array, last: Array, key: Array) -> "Spans":
        return cls(first, last, key, np.zeros(len(key), np.float32), np.ones(len(key), np.float32), np.zeros(len(key), np.float32))

    def __len__(self) -> int:
        return len(self.first)

    def __add__(self, other: "Spans") -> "Spans":
        return Spans(*(np.concatenate([getattr(self, field.name), getattr(other, field.name)]) for field in fields(self)))


def exact_spans(words: Words, index: TitleIndex) -> Spans:
    """Every run of up to `LONGEST` words of one line whose words are those of a key."""
    kept = np.flatnonzero(words.hash)
    text, line = words.text[kept], _lines(words)[kept]
    hashes, found = words.hash[kept], []
    for count in range(1, LONGEST + 1):
        if count > 1:
            hashes = chain(hashes[:-1], words.hash[kept[count - 1 :]])
        whole = np.flatnonzero((text[: len(hashes)] == text[count - 1 :]) & (line[: len(hashes)] == line[count - 1 :]))
        keys = index.names.find(hashes[whole])
        rows = whole[keys >= 0]
        found.append((kept[rows], kept[rows + count - 1] + 1, keys[keys >= 0]))
    first, last, key = (np.concatenate(column) for column in zip(*found, strict=True))
    return Spans.exact(first, last, key) + _ordinals(words, first, last, key, index)


def _ordinals(words: Words, first: Array, last: Array, key: Array, index: TitleIndex) -> Spans:
    """'the second Alien' as 'Alien 2': a key behind an ordinal, where the key with that number is one too."""
    ordinals, numbers = (np.array([word_hash(word) for word in column], np.uint64) for column in zip(*ORDINALS, strict=True))
    order = np.argsort(ordinals)
    place = find(ordinals[order], words.spelled[np.maximum(first - 1, 0)])
    behind = np.flatnonzero((place >= 0) & (first > 0) & (words.text[np.maximum(first - 1, 0)] == words.text[first]))
    found = index.names.find(chain(index.names.hashes[key[behind]], numbers[order][place[behind]]))
    rows = behind[found >= 0]
    return Spans.exact(first[rows] - 1, last[rows], found[found >= 0])


def fuzzy_spans(words: Words, texts: Sequence[str], windows: tuple[Array, Array], index: TitleIndex, settings: BlockSettings) -> Spans:
    """Keys nearly spelled like each of `windows` (first and last word of each)."""
    first, last = windows
    starts, ends, owners = words.start[first], words.end[last - 1], words.text[first]
    surfaces = [texts[owner][start:end] for owner, start, end in zip(owners.tolist(), starts.tolist(), ends.tolist(), strict=True)]
    queries = [link_key(title_key(surface)) for surface in surfaces]
    found = alike(queries, index.spelling, settings, thorough=False)
    gaps = number_gaps(queries, found.query, found.key, index)
    return Spans(first[found.query], last[found.query], found.key, found.distance, found.similarity, gaps)


def number_gaps(queries: Sequence[str], query: Array, key: Array, index: TitleIndex) -> Array:
    """Which pairs of a query and a key have other numbers in them, as 0 or 1 (float32)."""
    pairs = zip(query.tolist(), index.spelling.keys.take(key), strict=True)
    return np.fromiter((_numbers(queries[row]) != _numbers(other) for row, other in pairs), np.float32, len(key))


def _numbers(key: str) -> list[str]:
    return [word for word in key.split() if word.isdigit()] if any(map(str.isdigit, key)) else []


def years_of(words: Words) -> Array:
    """The year that each word spells, `NO_YEAR` for other words."""
    four = np.flatnonzero((words.length == 4) & (words.end - words.start == 4))  # one character can fold to four
    places = words.text_starts[words.text[four]] + words.start[four]
    digits = words.codes[places[:, None] + np.arange(4)].astype(np.int64)
    spelled = ((digits >= _DIGITS[0]) & (digits <= _DIGITS[1])).all(axis=1)
    value = (digits - _DIGITS[0]) @ np.array([1000, 100, 10, 1])
    years = np.zeros(len(words), np.int32)
    years[four] = np.where(spelled & (value >= FIRST_YEAR) & (value <= LAST_YEAR), value, NO_YEAR)
    return years


def year_beside(words: Words, years: Array, spans: Spans) -> Array:
    """The year given with each span: the next word, the one after 'from', 'of' or 'in', or the word before the span."""
    padded = np.concatenate([years, [NO_YEAR] * 2])
    text = np.concatenate([words.text, [-1, -1]])
    own = words.text[spans.first]
    after = np.where(text[spans.last] == own, padded[spans.last], NO_YEAR)
    linking = np.isin(np.concatenate([words.spelled, [np.uint64(0)] * 2])[spans.last], _prepositions())
    later = np.where((text[spans.last + 1] == own) & linking, padded[spans.last + 1], NO_YEAR)
    previous = np.maximum(spans.first - 1, 0)
    before = np.where((spans.first > 0) & (words.text[previous] == own), years[previous], NO_YEAR)
    return np.where(after > 0, after, np.where(later > 0, later, before))


def _prepositions() -> Array:
    return np.array([word_hash(word) for word in ("from", "of", "in")], np.uint64)


def _lines(words: Words) -> Array:
    """The line of the batch that each word is in."""
    feeds = np.flatnonzero(words.codes == ord("\n"))
    return np.searchsorted(feeds, words.text_starts[words.text] + words.start)
