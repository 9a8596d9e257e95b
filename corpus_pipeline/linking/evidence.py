"""How a span looks in its text: capitals, quotes, punctuation, neighbours. Columns over spans; nothing is weighed here.

Words count by what they said in training: `Cues` hold the log-odds that a film stands beside a word, and how often a stretch
is said without meaning a film, learned with the weights. All evidence is of the text alone; the film is looked at in `candidates`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from corpus_pipeline.linking.arrays import find
from corpus_pipeline.linking.spelling import SHORTEST
from corpus_pipeline.linking.text_spans import LONGEST, Spans
from corpus_pipeline.linking.title_index import ARTICLE, TitleIndex, is_article
from corpus_pipeline.linking.words import Array, Words, chain, words_of

FEW_KEYS = 3  # a word in no more keys than this may be a misspelling of another
NAME_WORDS = 4  # of a person's name
PLACES = (-2, -1, 1, 2)  # neighbours that are looked at, before and after the span
ITSELF = 0
NEW, OLD = "new newer newest latest recent upcoming", "old older oldest original first classic"  # what tells a remake from its original
UPPER, LOWER, QUOTE, STOP, BRACKET, DIGIT = 1, 2, 4, 8, 16, 32
_QUOTES, _STOPS, _BRACKETS = "\"'“”‘’«»*_`", ".!?;:\n", "()[]"


@dataclass(frozen=True, slots=True)
class Cues:
    """Log-odds of a film beside a word: per place of PLACES sorted hashes (uint64) and their values (float32).

    Place 0 is the stretch itself: log1p of how often training dialogues say the key where no film is meant.
    """

    tables: Mapping[int, tuple[Array, Array]]

    def at(self, place: int, hashes: Array) -> Array:
        """The value of each word, 0 for one that was too rare to learn."""
        known, values = self.tables.get(place, (np.zeros(0, np.uint64), np.zeros(0, np.float32)))
        found = find(known, hashes)
        return np.asarray(np.append(values, np.float32(0))[found], np.float32)


def classes_of(codes: Array) -> Array:
    """The bits UPPER to DIGIT of each character."""
    table = np.zeros(128, np.uint8)
    for code in range(128):
        table[code] = _class(chr(code))
    found = table[np.minimum(codes, 127)]
    others = np.flatnonzero(codes > 127)
    if len(others):
        distinct, places = np.unique(codes[others], return_inverse=True)
        found[others] = np.array([_class(chr(code)) for code in distinct.tolist()], np.uint8)[places]
    return found


def _class(character: str) -> int:
    return (
        UPPER * character.isupper()
        | LOWER * character.islower()
        | QUOTE * (character in _QUOTES)
        | STOP * (character in _STOPS)
        | BRACKET * (character in _BRACKETS)
        | DIGIT * character.isdigit()
    )


@dataclass(frozen=True, slots=True)
class Looks:
    """What is true of each word of a batch, worked out once: `starts`, `ends` int64 places in the characters, and flags (bool).

    `opens`: first of its text, line or sentence. `capital`: begins with a capital or a digit.
    """

    starts: Array
    ends: Array
    classes: Array
    opens: Array
    capital: Array
    upper: Array


def looks_of(words: Words) -> Looks:
    base = words.text_starts[words.text]
    starts, ends = base + words.start, base + words.end
    classes = classes_of(words.codes)
    stops = np.concatenate([[0], np.cumsum(classes & STOP > 0)])
    previous = np.concatenate([[0], ends[:-1]])
    opens = np.concatenate([[True], words.text[1:] != words.text[:-1]]) if len(words) else np.zeros(0, bool)
    opens = opens | (stops[starts] > stops[previous])
    capital = classes[starts] & (UPPER | DIGIT) > 0
    lowers = np.concatenate([[0], np.cumsum(classes & LOWER > 0)])
    uppers = np.concatenate([[0], np.cumsum(classes & UPPER > 0)])
    upper = (lowers[ends] == lowers[starts]) & (uppers[ends] - uppers[starts] > 1)
    return Looks(starts, ends, classes, opens, capital, upper)


def evidence(words: Words, looks: Looks, spans: Spans, index: TitleIndex, cues: Cues) -> dict[str, Array]:
    """One float32 column per kind of evidence, n spans long."""
    return {
        name: np.asarray(column, np.float32)
        for part in (
            _size(words, spans, index, cues),
            _capitals(words, looks, spans),
            _marks(words, looks, spans),
            _beside(words, spans, cues),
            _article(words, looks, spans),
            _longer(spans, index),
            _in_name(words, spans, index),
        )
        for name, column in part.items()
    }


def _size(words: Words, spans: Spans, index: TitleIndex, cues: Cues) -> dict[str, Array]:
    per_text = np.bincount(words.text, minlength=int(words.text.max(initial=0)) + 1)
    inside = spans.last - spans.first
    letters = np.concatenate([[0], np.cumsum(words.length)])
    text_words = per_text[words.text[spans.first]]
    foreign = np.concatenate([[0], np.cumsum(is_foreign(words, index))])
    return {
        "word_count": inside,
        "character_count": letters[spans.last] - letters[spans.first],
        "rarity": index.rarity[spans.key],
        "said_otherwise": np.where(spans.distance == 0, cues.at(ITSELF, index.names.hashes[spans.key]), 0),
        "foreign_words": foreign[spans.last] - foreign[spans.first],
        "text_word_count": np.log1p(text_words),
        "is_whole_text": inside == text_words,
    }


def _capitals(words: Words, looks: Looks, spans: Spans) -> dict[str, Array]:
    """Capitals in the span, beside it, and how much this typist capitalises at all."""
    capitals = np.concatenate([[0], np.cumsum(looks.capital)])
    own = capitals[spans.last] - capitals[spans.first]
    free = looks.capital & ~looks.opens
    habit = np.bincount(words.text, weights=free, minlength=int(words.text.max(initial=0)) + 1)
    freely = np.concatenate([[0], np.cumsum(free)])
    text = words.text[spans.first]
    return {
        "first_capital": looks.capital[spans.first],
        "capital_share": own / (spans.last - spans.first),
        "all_upper": looks.upper[spans.first] & looks.upper[spans.last - 1],
        "opens_sentence": looks.opens[spans.first],
        "text_capitals": np.log1p(habit[text] - (freely[spans.last] - freely[spans.first])),
        "capital_before": neighbour(words, spans, -1, looks.capital) & ~looks.opens[spans.first],
        "capital_after": neighbour(words, spans, 1, looks.capital) & ~neighbour(words, spans, 1, looks.opens),
    }


def _marks(words: Words, looks: Looks, spans: Spans) -> dict[str, Array]:
    """Quotes and punctuation at both ends and inside."""
    padded = np.concatenate([looks.classes, [0]])
    starts, ends = looks.starts[spans.first], looks.ends[spans.last - 1]
    before = np.where(starts > 0, padded[starts - 1], 0)
    after = padded[np.minimum(ends, len(padded) - 1)]
    opens = np.concatenate([[0], np.cumsum(looks.opens)])
    after_code = np.concatenate([words.codes, [10]])[np.minimum(ends, len(words.codes))]
    further = np.where(after_code == ord("\n"), 0, padded[np.minimum(ends + 1, len(padded) - 1)])  # behind a line feed is the next text
    return {
        "quoted": (before & QUOTE > 0) & (after & QUOTE > 0),
        "quote_before": before & QUOTE > 0,
        "bracket_after": (after | further) & BRACKET > 0,
        "stop_after": after & STOP > 0,
        "comma_after": after_code == ord(","),
        "sentences_inside": opens[spans.last] - opens[spans.first + 1],
    }


def _beside(words: Words, spans: Spans, cues: Cues) -> dict[str, Array]:
    columns = {f"cue_{place}": cues.at(place, neighbour(words, spans, place, words.spelled)) for place in PLACES}
    for name, vocabulary in (("new_before", NEW), ("old_before", OLD)):
        hashes = words_of([vocabulary]).spelled
        near, far = (np.isin(neighbour(words, spans, place, words.spelled), hashes) for place in (-1, -2))
        columns[name] = near | far
    return columns


def neighbour(words: Words, spans: Spans, place: int, values: Array) -> Array:
    """`values` of the word `place` away from each span, 0 beyond its text."""
    row = spans.last + place - 1 if place > 0 else spans.first + place
    safe = np.clip(row, 0, len(words) - 1)
    there = (row == safe) & (words.text[safe] == words.text[spans.first])
    return np.asarray(np.where(there, values[safe], np.zeros(1, values.dtype)[0]))


def _article(words: Words, looks: Looks, spans: Spans) -> dict[str, Array]:
    before = is_article(neighbour(words, spans, -1, words.spelled))
    return {"article_before": before, "article_capital": before & neighbour(words, spans, -1, looks.capital)}


def _longer(spans: Spans, index: TitleIndex) -> dict[str, Array]:
    """The most popular film that a longer span around this one could name, spelled exactly or nearly; -1 where there is none.

    Only spans that begin at most `LONGEST` words before are compared, so that a text of a megabyte costs no more per word.
    """
    audience = index.films.popularity[index.name_film[index.names.members[index.names.starts[spans.key]]]]
    order = np.argsort(spans.first, kind="stable")
    begins = spans.first[order]
    low, high = np.searchsorted(begins, spans.first - LONGEST), np.searchsorted(begins, spans.first, side="right")
    owner = np.repeat(np.arange(len(spans)), high - low)
    other = order[np.arange(len(owner)) - np.repeat(np.cumsum(high - low) - high, high - low)]
    contains = (spans.last[other] >= spans.last[owner]) & (spans.last[other] - spans.first[other] > spans.last[owner] - spans.first[owner])
    owner, other = owner[contains], other[contains]
    columns = {}
    for name, chosen in (("longer_exact", spans.distance[other] == 0), ("longer_fuzzy", spans.distance[other] > 0)):
        column = np.full(len(spans), -1, np.float32)
        np.maximum.at(column, owner[chosen], audience[other[chosen]])
        columns[name] = column
    return columns


def _in_name(words: Words, spans: Spans, index: TitleIndex) -> dict[str, Array]:
    """Whether a person's full name holds the span and more: 'Keanu' in 'Keanu Reeves'."""
    first, last, _ = named_people(words, index)
    order = np.argsort(first, kind="stable")
    first, last = first[order], last[order]
    low, high = np.searchsorted(first, spans.last - NAME_WORDS), np.searchsorted(first, spans.first, side="right")
    owner = np.repeat(np.arange(len(spans)), np.maximum(high - low, 0))
    sizes = np.maximum(high - low, 0)
    other = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + np.repeat(low, sizes)
    holds = (last[other] >= spans.last[owner]) & (last[other] - first[other] > spans.last[owner] - spans.first[owner])
    inside = np.zeros(len(spans), bool)
    inside[owner[holds]] = True
    return {"in_name": inside}


def named_people(words: Words, index: TitleIndex) -> tuple[Array, Array, Array]:
    """(first word, last word, group of the index's people) of every full name in the texts."""
    found, hashes = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64))], words.spelled
    for count in range(2, NAME_WORDS + 1):
        hashes = chain(hashes[:-1], words.spelled[count - 1 :])
        whole = np.flatnonzero(words.text[: len(hashes)] == words.text[count - 1 :])
        groups = index.people.find(hashes[whole])
        found.append((whole[groups >= 0], whole[groups >= 0] + count, groups[groups >= 0]))
    first, last, group = (np.concatenate(column) for column in zip(*found, strict=True))
    return first, last, group


def is_foreign(words: Words, index: TitleIndex) -> Array:
    """Words that are neither common English nor in more than a few titles, nor numbers: names, or misspellings."""
    place = find(index.word_hash, words.spelled)
    keys = np.where(place >= 0, index.word_keys[np.maximum(place, 0)], 0) if len(index.word_hash) else np.zeros(len(words))
    initial = words.codes[words.text_starts[words.text] + words.start]
    numeric = (initial >= ord("0")) & (initial <= ord("9"))
    return np.asarray((keys <= FEW_KEYS) & (find(index.english, words.spelled) < 0) & (words.length >= SHORTEST) & ~numeric)


def led_by_article(columns: Mapping[str, Array], flags: Array) -> Array:
    """Whether the article before each pair's span belongs to the title, which has one that its key lacks."""
    return (columns["article_before"] > 0) & (flags & ARTICLE > 0)
