"""Texts cut into folded words with their places, many texts at once: what index, exact look-up and detection share.

A word is what `title_key` leaves between two spaces; here it keeps the offsets of its first and last character in the
text as given, and a 64-bit hash. Words that people and catalogues write either way ('ii' and '2') hash alike. Hashing and
cutting are array operations over all characters of all texts: a title costs about a microsecond, not ten.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np

from corpus_pipeline.transform.text import fold_character

Array = np.ndarray[Any, Any]

# Words that people and catalogues write either way; 'i' and 'x' are left alone, they are words of their own too often.
RESPELLED = {
    "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8", "ix": "9",
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10",
    "eleven": "11", "twelve": "12", "thirteen": "13", "volume": "vol", "doctor": "dr", "mister": "mr", "versus": "vs", "part": "",
}  # fmt: skip
ACRONYM_WORDS, ACRONYM_AUDIENCE = (3, 6), 4.5  # popularity_score of about 30,000 votes: people abbreviate what everybody knows
ARTICLES = ("the", "an", "a")
_SPACE = 32
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, hence a unit modulo 2^64
_CODE_POINTS = 0x110000


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a batch of texts, in order. All arrays have one entry per word, n in all.

    `text` int32: which text. `start`, `end` int32: character offsets in it. `spelled` uint64: hash of the folded word.
    `hash` uint64: the same, with the words of `RESPELLED` hashed as what they stand for; 0 for a word that stands for nothing.
    `length` int32: folded characters. `codes` uint32: the characters of all texts, a line feed after each; `text_starts`
    int64: where each text begins in them.
    """

    text: Array
    start: Array
    end: Array
    spelled: Array
    hash: Array
    length: Array
    codes: Array
    text_starts: Array

    def __len__(self) -> int:
        return len(self.text)


def words_of(texts: Sequence[str]) -> Words:
    """Cut `texts` (any strings, lone surrogates included) into words."""
    codes, text_starts = _codes(texts)
    folded, origin = _fold(codes)
    starts, ends = _runs(folded != _SPACE)
    first, last = origin[starts], origin[ends - 1]
    text = (np.searchsorted(text_starts, first, side="right") - 1).astype(np.int32)
    spelled = _hashes(folded, starts, ends)
    return Words(
        text,
        (first - text_starts[text]).astype(np.int32),
        (last + 1 - text_starts[text]).astype(np.int32),
        spelled,
        _respelled(spelled),
        (ends - starts).astype(np.int32),
        codes,
        text_starts,
    )


def link_key(key: str) -> str:
    """A title key with numerals and abbreviations in one spelling: 'rocky ii' as 'rocky 2', 'kill bill volume 1' as 'kill bill vol 1'.

    Both sides are spelled so, hence a wrong guess ('v for vendetta') costs nothing until two films collide in it.
    """
    return " ".join(filter(None, (RESPELLED.get(word, word) for word in key.split()))) or key


def initials(key: str) -> str | None:
    """First letters of a key of three to six words ('lotr'), None for other keys."""
    words = key.split()
    return "".join(word[0] for word in words) if ACRONYM_WORDS[0] <= len(words) <= ACRONYM_WORDS[1] else None


def chain(hashes: Array, after: Array) -> Array:
    """Hash of word sequences one word longer: `hashes` of the beginnings, `after` the hashes of the words that follow."""
    with np.errstate(over="ignore"):
        return _mixed(hashes * _BASE + after)


def sequence_hashes(word_hashes: Array, lengths: Array) -> Array:
    """One hash per sequence: `word_hashes` of all sequences one after the other, `lengths` how many words each has (at least 1)."""
    starts = (np.cumsum(lengths) - lengths).astype(np.int64)
    found = word_hashes[starts].copy()
    for position in range(1, int(lengths.max(initial=0))):
        longer = np.flatnonzero(lengths > position)
        found[longer] = chain(found[longer], word_hashes[starts[longer] + position])
    return found


def stretch_hashes(words: Words, first: Array, last: Array) -> Array:
    """The hash of the words as they are written from each of `first` to before `last`."""
    lengths = last - first
    places = np.repeat(first - (np.cumsum(lengths) - lengths), lengths) + np.arange(int(lengths.sum()))
    return sequence_hashes(words.spelled[places], lengths) if len(first) else np.zeros(0, np.uint64)


def word_hash(word: str) -> np.uint64:
    """The hash of one folded word."""
    codes = np.frombuffer(word.encode("utf-32-le", "surrogatepass"), np.uint32)
    return np.uint64(_hashes(codes, np.array([0]), np.array([len(codes)]))[0])


def substring_hashes(codes: Array, salt: int) -> Array:
    """Hash of each row of `codes` (n, length)."""
    with np.errstate(over="ignore"):
        return _mixed(codes.astype(np.uint64) @ _powers(codes.shape[1]) + np.uint64(salt) * _BASE)


def _codes(texts: Sequence[str]) -> tuple[Array, Array]:
    """All characters, a line feed after each text, and where each text starts."""
    codes = np.frombuffer("\n".join([*texts, ""]).encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + 1
    return codes, np.concatenate([[0], np.cumsum(lengths)[:-1]]) if len(texts) else np.zeros(0, np.int64)


class _Folding:
    """What each character folds to, as tables over all code points; a character's row is worked out when it is first met."""

    def __init__(self) -> None:
        self.known = np.zeros(_CODE_POINTS, bool)
        self.count = np.zeros(_CODE_POINTS, np.uint8)
        self.place = np.zeros(_CODE_POINTS, np.int32)
        self.folded = np.zeros(0, np.uint32)
        self.learning = Lock()
        self.learn(range(128))

    def learn(self, points: Iterable[int]) -> None:
        """A character is `known` last of all: other threads read the tables meanwhile."""
        with self.learning:
            spelled = {point: fold_character(point) for point in points if not self.known[point]}
            place = len(self.folded)
            flat = np.frombuffer("".join(spelled.values()).encode("utf-32-le", "surrogatepass"), np.uint32)
            self.folded = np.concatenate([self.folded, flat])
            for point, text in spelled.items():
                self.count[point], self.place[point] = len(text), place
                place += len(text)
            self.known[list(spelled)] = True


_FOLDING: list[_Folding] = []


def _folding(codes: Array) -> _Folding:
    if not _FOLDING:
        _FOLDING.append(_Folding())
    unknown = codes[~_FOLDING[0].known[codes]]
    if len(unknown):
        _FOLDING[0].learn(np.unique(unknown).tolist())
    return _FOLDING[0]


def _fold(codes: Array) -> tuple[Array, Array]:
    """The folded characters, and which of `codes` each came from."""
    folding = _folding(codes)
    count = folding.count[codes]
    origin = np.flatnonzero(count) if count.max(initial=0) <= 1 else np.repeat(np.arange(len(codes)), count)
    place = folding.place[codes[origin]]
    if len(origin) and count.max() > 1:
        firsts = np.concatenate([[True], origin[1:] != origin[:-1]])
        inside = np.arange(len(origin))
        place = place + inside - np.maximum.accumulate(np.where(firsts, inside, 0))
    return folding.folded[place], origin


def _runs(inside: Array) -> tuple[Array, Array]:
    """Starts and ends of the runs of True."""
    padded = np.concatenate([[False], inside, [False]])
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return edges[0::2], edges[1::2]


def _hashes(codes: Array, starts: Array, ends: Array) -> Array:
    """A polynomial in the characters of each run, mixed so that short words differ in every bit."""
    if not len(starts):
        return np.zeros(0, np.uint64)
    lengths = ends - starts
    total = np.concatenate([[0], np.cumsum(lengths)])
    inside = np.arange(total[-1]) - np.repeat(total[:-1], lengths)
    with np.errstate(over="ignore"):
        terms = codes[inside + np.repeat(starts, lengths)].astype(np.uint64) * _powers(int(lengths.max()))[inside]
        return _mixed(np.add.reduceat(terms, total[:-1]))


def _powers(count: int) -> Array:
    with np.errstate(over="ignore"):
        return np.cumprod(np.full(count, _BASE, np.uint64))


def _mixed(values: Array) -> Array:
    """The finaliser of splitmix64 (Steele et al. 2014): every bit of the result depends on every bit of the value; never 0."""
    with np.errstate(over="ignore"):
        mixed = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray((mixed ^ (mixed >> np.uint64(31))) | np.uint64(1))


def _respelled(spelled: Array) -> Array:
    """`spelled` with the hashes of respelled words replaced; 0 where nothing is left of a word."""
    written, meant = _respellings()
    place = np.minimum(np.searchsorted(written, spelled), len(written) - 1)
    return np.where(written[place] == spelled, meant[place], spelled)


_RESPELLINGS: list[tuple[Array, Array]] = []


def _respellings() -> tuple[Array, Array]:
    if not _RESPELLINGS:
        pairs = sorted((int(word_hash(word)), int(word_hash(other)) if other else 0) for word, other in RESPELLED.items())
        _RESPELLINGS.append((np.array([a for a, _ in pairs], np.uint64), np.array([b for _, b in pairs], np.uint64)))
    return _RESPELLINGS[0]
