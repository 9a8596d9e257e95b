"""Stretches of text that may be a misspelled title: what stands in quotes, runs of capitals, words that are no English.

Looking a stretch up by its spelling costs a hundred times an exact look-up, so only these are: in chat, one or two a turn.
"""

import numpy as np

from corpus_pipeline.linking.evidence import QUOTE, Cues, Looks, is_foreign
from corpus_pipeline.linking.spelling import SHORTEST
from corpus_pipeline.linking.text_spans import LONGEST, Spans
from corpus_pipeline.linking.title_index import TitleIndex
from corpus_pipeline.linking.words import Array, Words, stretch_hashes, words_of

CUE = 1.5  # log-odds: 'watched', 'seen' and the like, a fifth of all words before a film
BEHIND = 6  # words of a window behind a cue
AROUND = 5  # words of a window around a foreign word
_CONNECTORS = "a an and at by for from in of on the to with"


def windows(words: Words, looks: Looks, known: Spans, index: TitleIndex, cues: Cues) -> tuple[Array, Array]:
    """(first, last) words of every stretch worth a look-up by spelling; those of `known` spans are keys already."""
    parts = [_quoted(words, looks), *_capital_runs(words, looks), *_around_foreign(words, index), *_behind_cues(words, looks, cues)]
    first, last = (np.concatenate(column) for column in zip(*parts, strict=True))
    letters = np.concatenate([[0], np.cumsum(words.length)])
    opens = np.concatenate([[0], np.cumsum(looks.opens)])
    fits = (last - first <= LONGEST) & (last > first) & (letters[last] - letters[first] >= SHORTEST + 1)
    fits &= opens[last] == opens[np.minimum(first + 1, len(words))]  # one sentence
    codes = np.unique(first[fits] * (len(words) + 1) + last[fits])
    codes = codes[~np.isin(codes, known.first * (len(words) + 1) + known.last)]
    first, last = codes // (len(words) + 1), codes % (len(words) + 1)
    others = index.people.find(stretch_hashes(words, first, last)) < 0
    return first[others], last[others]


def _quoted(words: Words, looks: Looks) -> tuple[Array, Array]:
    """From a word behind a quotation mark to the next one before one, in the same text."""
    padded = np.concatenate([looks.classes, [0]])
    opening = np.flatnonzero((looks.starts > 0) & (padded[looks.starts - 1] & QUOTE > 0))
    closing = np.flatnonzero(padded[looks.ends] & QUOTE > 0)
    place = np.searchsorted(closing, opening)
    opening, place = opening[place < len(closing)], place[place < len(closing)]
    last = closing[place]
    whole = words.text[opening] == words.text[last]
    return opening[whole], last[whole] + 1


def _capital_runs(words: Words, looks: Looks) -> list[tuple[Array, Array]]:
    """Runs of capitalised words, 'of the' between two of them included; with and without the word that opens the sentence."""
    capital, goes_on = looks.capital, ~looks.opens
    linking = np.isin(words.spelled, words_of([_CONNECTORS]).spelled) & ~capital
    before, after = np.concatenate([[False], capital[:-1]]) & goes_on, _next(capital & goes_on)
    pair = linking & before & _next(linking & goes_on & after)
    inside = capital | (linking & before & after) | pair | np.concatenate([[False], pair[:-1]])
    first = np.flatnonzero(inside & (looks.opens | ~np.concatenate([[False], inside[:-1]])))
    ends = np.flatnonzero(inside & (np.concatenate([looks.opens[1:], [True]]) | ~np.concatenate([inside[1:], [False]]))) + 1
    opening = looks.opens[first] & (ends - first > 1)
    return [(first, ends), (first[opening] + 1, ends[opening])]


def _next(flags: Array) -> Array:
    """The flag of the word behind each."""
    return np.concatenate([flags[1:], [False]])[: len(flags)]


def _behind_cues(words: Words, looks: Looks, cues: Cues) -> list[tuple[Array, Array]]:
    """Every window of two to BEHIND words after a word that films often follow, up to the end of the sentence."""
    cue = np.flatnonzero(cues.at(-1, words.spelled) >= CUE)
    first = cue[cue + 1 < len(words)] + 1
    first = first[(words.text[first] == words.text[first - 1]) & ~looks.opens[first]]
    stops = np.concatenate([np.cumsum(looks.opens), [-1]])
    found = []
    for count in range(2, BEHIND + 1):
        last = first + count
        inside = last <= len(words)
        same = inside & (stops[np.where(inside, last - 1, -1)] == stops[first])
        found.append((first[same], last[same]))
    return found


def _around_foreign(words: Words, index: TitleIndex) -> list[tuple[Array, Array]]:
    """Every window of up to AROUND words with a foreign word in it."""
    foreign = np.flatnonzero(is_foreign(words, index))
    found = []
    for count in range(1, AROUND + 1):
        for offset in range(count):
            first, last = foreign - offset, foreign - offset + count
            inside = (first >= 0) & (last <= len(words))
            first, last = first[inside], last[inside]
            same = words.text[first] == words.text[last - 1]
            found.append((first[same], last[same]))
    return found
