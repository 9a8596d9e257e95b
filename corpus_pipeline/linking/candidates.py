"""Which film each span could mean, and what speaks for it: (span, film) pairs with one column per feature.

What belongs here: pairing and features of the pair. What a span looks like is `evidence`, weighing is `weights`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpus_pipeline.linking.arrays import distinct, find
from corpus_pipeline.linking.evidence import named_people
from corpus_pipeline.linking.settings import BlockSettings
from corpus_pipeline.linking.text_spans import NO_YEAR, Spans
from corpus_pipeline.linking.title_index import ACRONYM, ALTERNATIVE, ARTICLE, LOOSE, PART, TitleIndex
from corpus_pipeline.linking.words import Array, Words, stretch_hashes

NEAR_YEARS = 3
LONG_TITLE = 3  # words: so long a title is seldom anything else
_FILM_BITS = 32


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of each text of a batch. `dialogue` int64: texts of one dialogue share a number, in the order they were said.

    `as_of` int32: the year in which it was said; no film of a later year but one can be meant.
    """

    dialogue: Array
    as_of: Array


@dataclass(frozen=True, slots=True)
class Pairs:
    """m pairs. `span` int64: row of the spans. `name` int64: row of the index's names. `film` int32. `stretch` int64: pairs of one
    stretch of text share a number, whichever keys proposed them."""

    span: Array
    name: Array
    film: Array
    stretch: Array


def pairs_of(words: Words, spans: Spans, year: Array, context: Context, index: TitleIndex, settings: BlockSettings) -> Pairs:
    """The most popular films of each span's key and every one of the year that is given; each film once per stretch of text."""
    sizes = index.names.sizes(spans.key)
    owner, name = index.names.expand(spans.key, np.where(year == NO_YEAR, np.minimum(sizes, settings.films_per_key), sizes))
    film = index.name_film[name]
    counts = np.bincount(owner, minlength=len(spans))
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    latest = context.as_of[words.text[spans.first]] + 1
    meant = (rank < settings.films_per_key) | (np.abs(index.films.year[film] - year[owner]) <= 1)
    kept = np.flatnonzero(meant & (index.films.year[film] <= latest[owner]))
    owner, name, film = owner[kept], name[kept].astype(np.int64), film[kept]
    stretch = _stretches(spans)[owner]
    # The best spelling of a film stands for it: fewest edits, then whole titles, then titles of its own language.
    order = np.lexsort((index.name_flags[name], -spans.similarity[owner], spans.distance[owner], film, stretch))
    first = np.ones(len(order), bool)
    first[1:] = (stretch[order][1:] != stretch[order][:-1]) | (film[order][1:] != film[order][:-1])
    best = order[first]
    return Pairs(owner[best], name[best], film[best], stretch[best])


def _stretches(spans: Spans) -> Array:
    places = spans.first * (int(spans.last.max(initial=0)) + 1) + spans.last
    return np.searchsorted(distinct(places), places)


def features(words: Words, spans: Spans, year: Array, pairs: Pairs, context: Context, index: TitleIndex) -> dict[str, Array]:
    """One float32 column per feature of a pair, m pairs long; those of the span itself are in `evidence`."""
    films, flags = index.films, index.name_flags[pairs.name]
    columns = {
        "similarity": spans.similarity[pairs.span],
        "distance": spans.distance[pairs.span],
        "number_gap": spans.number_gap[pairs.span],
        "is_spelled_so": stretch_hashes(words, spans.first, spans.last)[pairs.span] == index.name_spelled[pairs.name],
        "is_part": flags & PART > 0,
        "is_alternative": flags & ALTERNATIVE > 0,
        "is_acronym": flags & ACRONYM > 0,
        "is_loose": flags & LOOSE > 0,
        "has_article": flags & ARTICLE > 0,
        "popularity": films.popularity[pairs.film],
        "is_short": films.kind[pairs.film] == 1,
        "is_credited": _credited(words, spans, pairs, context, index),
        **_years(year[pairs.span], films.year[pairs.film], context.as_of[words.text[spans.first[pairs.span]]]),
        **_namesakes(pairs, index),
        **_elsewhere(words, spans, year, pairs, context, index),
    }
    return {name: np.asarray(column, np.float32) for name, column in columns.items()}


def _years(given: Array, known: Array, as_of: Array) -> dict[str, Array]:
    gap = np.abs(given - known)
    both = (given != NO_YEAR) & (known != 0)
    age = np.where(known != 0, np.clip(as_of - known, 0, None), 0)
    return {
        "same_year": both & (gap == 0),
        "next_year": both & (gap == 1),
        "near_year": both & (gap > 1) & (gap <= NEAR_YEARS),
        "other_year": both & (gap > NEAR_YEARS),
        "undated": known == 0,
        "year_given": given != NO_YEAR,
        "age": np.log1p(age),
        "is_new": (known != 0) & (age <= 1),
    }


def _namesakes(pairs: Pairs, index: TitleIndex) -> dict[str, Array]:
    """How the film stands among those that the same stretch of text could mean."""
    popularity = index.films.popularity[pairs.film]
    best = np.zeros(int(pairs.stretch.max(initial=-1)) + 1, np.float32)
    np.maximum.at(best, pairs.stretch, popularity)
    count = np.bincount(pairs.stretch, minlength=len(best))
    return {"popularity_gap": best[pairs.stretch] - popularity, "namesakes": np.log1p(count[pairs.stretch])}


def _credited(words: Words, spans: Spans, pairs: Pairs, context: Context, index: TitleIndex) -> Array:
    """Whether somebody credited on the film is named in the text, or was in an earlier one of the dialogue."""
    first, _, group = named_people(words, index)
    text = words.text[first]
    owner, film = index.people.expand(group)
    said = (context.dialogue[text[owner]].astype(np.int64) << _FILM_BITS) | film
    order = np.lexsort((text[owner], said))
    first = np.concatenate([[True], said[order][1:] != said[order][:-1]])[: len(order)]
    known, since = said[order][first], text[owner][order][first]
    own = words.text[spans.first[pairs.span]]
    place = find(known, (context.dialogue[own].astype(np.int64) << _FILM_BITS) | pairs.film)
    return (place >= 0) & (since[np.maximum(place, 0)] <= own) if len(known) else np.zeros(len(pairs.film), bool)


def _elsewhere(words: Words, spans: Spans, year: Array, pairs: Pairs, context: Context, index: TitleIndex) -> dict[str, Array]:
    """Whether another stretch of the dialogue names the film with its year or by a long title, and whether it does so for a rival."""
    whole = (spans.distance[pairs.span] == 0) & (index.name_flags[pairs.name] & (PART | ACRONYM) == 0)
    dated = year[pairs.span] == index.films.year[pairs.film]
    plain = whole & (dated | (spans.last - spans.first >= LONG_TITLE)[pairs.span])
    said = (context.dialogue[words.text[spans.first[pairs.span]]].astype(np.int64) << _FILM_BITS) | pairs.film
    known, times = np.unique(said[plain], return_counts=True)
    place = find(known, said)
    elsewhere = np.where(place >= 0, times[np.maximum(place, 0)], 0) - plain if len(known) else np.zeros(len(said), np.int64)
    named = elsewhere > 0
    per_stretch = np.bincount(pairs.stretch, named, int(pairs.stretch.max(initial=-1)) + 1)
    return {"named_elsewhere": named, "rival_elsewhere": per_stretch[pairs.stretch] - named > 0}


def contexts(dialogues: Sequence[object] | None, texts: int, as_of: Array) -> Context:
    """The context of `texts` texts; `dialogues` names the dialogue of each, None for texts that have nothing to do with each other."""
    if dialogues is None:
        return Context(np.arange(texts, dtype=np.int64), as_of)
    numbers: dict[object, int] = {}
    return Context(np.array([numbers.setdefault(name, len(numbers)) for name in dialogues], np.int64), as_of)
