"""Rows for the linker's scorer: every pair that gold texts and titles could mean, and whether it is the right one.

Split by film, not by row: a stretch that gold marks belongs to its film's group, and no film is in two. Train rows come from
train dialogues, tune rows from validation dialogues. What annotators left open is neither right nor wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus_pipeline.linking.candidates import Pairs, contexts
from corpus_pipeline.linking.consider import Considered, consider_texts, consider_titles
from corpus_pipeline.linking.evidence import ITSELF, PLACES, Cues, neighbour
from corpus_pipeline.linking.gold import Gold, collected_in
from corpus_pipeline.linking.measure import ARTICLE_CHARACTERS
from corpus_pipeline.linking.settings import DEFAULT, BlockSettings
from corpus_pipeline.linking.text_spans import exact_spans
from corpus_pipeline.linking.title_index import TitleIndex
from corpus_pipeline.linking.words import Array, words_of

RIGHT, WRONG, OPEN = 1, 0, -1
SAID_COUNT = 3  # times a key must be said otherwise to count as a phrase
CUE_COUNT = 20  # times a word must stand beside a span to say anything
_UNKNOWN, _ABSENT = -2, -1  # films: truth is not known; not in the catalogue


@dataclass(frozen=True, slots=True)
class Marks:
    """Gold mentions with spans, sorted by text: `text`, `start`, `end` int64, `film` int64 (of the index, _ABSENT, _UNKNOWN), `group`."""

    text: Array
    start: Array
    end: Array
    film: Array
    group: Array


@dataclass(frozen=True, slots=True)
class Rows:
    """m pairs: `stretch` int64, `label` int8 (RIGHT, WRONG, OPEN), `features` float32 (m, names)."""

    names: Sequence[str]
    stretch: Array
    label: Array
    features: Array


def text_rows(gold: Gold, index: TitleIndex, cues: Cues, *, group: str, settings: BlockSettings = DEFAULT) -> Rows:
    """The pairs of gold texts whose film is of `group`, and those outside gold: all for 'train', else those of the group's dialogues."""
    texts = gold.texts["text"].to_pylist()
    context = contexts(gold.texts["dialogue_id"].to_pylist(), len(texts), as_of(gold.texts["dataset"]))
    considered = consider_texts(texts, context, index, cues, settings)
    label, film_group = labels(considered, gold, index)
    outside = (film_group == "") & ((group == "train") | (_groups(gold.texts)[considered.text] == group))
    if group == "train":  # the cues were counted on these very texts: a stretch must not be told from its own occurrence
        said = considered.columns["said_otherwise"]
        said[film_group == ""] = np.log1p(np.maximum(np.expm1(said[film_group == ""]) - 1, 0))
    return _rows(considered, label, (film_group == group) | outside)


def title_rows(titles: pa.Table, index: TitleIndex, *, group: str, settings: BlockSettings = DEFAULT) -> Rows:
    """The pairs of titles that stand alone (`planted.PLANTED_TITLES`) of `group`; a withheld film is not among its candidates."""
    titles = titles.filter(pc.equal(titles["group"], group))
    year = titles["mention_year"].fill_null(0).to_numpy().astype(np.int32)
    considered = consider_titles(titles["surface"].to_pylist(), year, titles["as_of"].to_numpy().astype(np.int32), index, settings)
    film = films_of(titles["movie_id"], index)[considered.text]
    withheld = titles["is_withheld"].to_numpy(zero_copy_only=False)[considered.text]
    is_right = film == considered.pairs.film
    label = np.where(is_right, np.where(withheld, OPEN, RIGHT), WRONG)
    return _rows(considered, label, np.ones(len(label), bool))


def _rows(considered: Considered, label: Array, is_kept: Array) -> Rows:
    kept = np.flatnonzero(is_kept)
    names = sorted(considered.columns)
    features = np.stack([considered.columns[name][kept] for name in names], axis=1)
    return Rows(names, considered.pairs.stretch[kept], label[kept].astype(np.int8), features)


def joined(parts: Sequence[Rows]) -> Rows:
    """The rows of all parts; stretches of two parts stay apart."""
    firsts = np.cumsum([0, *(int(part.stretch.max(initial=-1)) + 1 for part in parts[:-1])])
    stretch = np.concatenate([part.stretch + first for part, first in zip(parts, firsts, strict=True)])
    label, features = (np.concatenate([getattr(part, name) for part in parts]) for name in ("label", "features"))
    return Rows(parts[0].names, stretch, label, features)


def as_of(datasets: pa.ChunkedArray) -> Array:
    """The year in which each text was said, by its data set."""
    return np.array([collected_in(name) for name in datasets.to_pylist()], np.int32)


def _groups(rows: pa.Table) -> Array:
    return np.array(rows["group"].to_pylist(), "U5")


def films_of(movie_ids: pa.ChunkedArray, index: TitleIndex) -> Array:
    """The film of each id in the index, _ABSENT for a null."""
    every = index.films.ids(np.arange(len(index.films)))
    places = pc.index_in(movie_ids, value_set=every)
    return np.asarray(places.fill_null(_ABSENT).to_numpy(), np.int64)


def marks_of(gold: Gold, index: TitleIndex) -> Marks:
    """The mentions whose place is known."""
    spanned = gold.mentions.filter(pc.is_valid(gold.mentions["span_start"])).sort_by(
        [("text_id", "ascending"), ("span_start", "ascending")]
    )
    film = np.where(spanned["is_known"].to_numpy(zero_copy_only=False), films_of(spanned["movie_id"], index), _UNKNOWN)
    text, start, end = (np.asarray(spanned[name].to_numpy(), np.int64) for name in ("text_id", "span_start", "span_end"))
    return Marks(text, start, end, film, _groups(spanned))


def overlaps(considered: Considered, marks: Marks) -> tuple[Array, Array]:
    """(span, mark) of every span and gold mention that share a character."""
    words, spans = considered.words, considered.spans
    text, start, end = words.text[spans.first], words.start[spans.first], words.end[spans.last - 1]
    low, high = np.searchsorted(marks.text, text), np.searchsorted(marks.text, text, side="right")
    span = np.repeat(np.arange(len(spans)), high - low)
    mark = np.arange(len(span)) - np.repeat(np.cumsum(high - low) - high, high - low)
    both = (start[span] < marks.end[mark]) & (end[span] > marks.start[mark])
    return span[both], mark[both]


def matching(considered: Considered, marks: Marks, span: Array, mark: Array) -> Array:
    """Which overlapping spans are the gold stretch itself, an article aside."""
    words, spans = considered.words, considered.spans
    start, end = words.start[spans.first[span]], words.end[spans.last[span] - 1]
    return np.asarray((end == marks.end[mark]) & (np.abs(start - marks.start[mark]) <= ARTICLE_CHARACTERS))


def labels(considered: Considered, gold: Gold, index: TitleIndex) -> tuple[Array, Array]:
    """(label, group of the gold film across the pair's stretch, '' for none) of each pair.

    Right: the gold film on the gold stretch. Open: the gold film on another stretch across it, a mention of unknown truth,
    several mentions across one span, a film that the turn names at an unknown place. Everything else is wrong.
    """
    marks, pairs = marks_of(gold, index), considered.pairs
    span, mark = overlaps(considered, marks)
    exact = matching(considered, marks, span, mark)
    over, matched = (np.full(len(considered.spans), _ABSENT) for _ in range(2))
    over[span[::-1]] = mark[::-1]
    matched[span[exact]] = mark[exact]
    several = (np.bincount(span, minlength=len(over)) > 1)[pairs.span]
    films, groups = np.append(marks.film, _ABSENT), np.append(marks.group, "")  # the last for a span that meets no mark
    film, meant = films[over][pairs.span], films[matched][pairs.span]
    is_open = (film == pairs.film) | (film == _UNKNOWN) | several | _at_unknown_place(considered, gold, index)
    return np.where(meant == pairs.film, RIGHT, np.where(is_open, OPEN, WRONG)), groups[over][pairs.span]


def _at_unknown_place(considered: Considered, gold: Gold, index: TitleIndex) -> Array:
    """Pairs whose film the turn names, the data set does not say where."""
    loose = gold.mentions.filter(pc.and_(pc.is_null(gold.mentions["span_start"]), pc.is_valid(gold.mentions["movie_id"])))
    film = films_of(loose["movie_id"], index)
    named = (loose["text_id"].to_numpy().astype(np.int64) * len(index.films) + film)[film != _ABSENT]
    return np.isin(considered.text.astype(np.int64) * len(index.films) + considered.pairs.film, named)


def learn_cues(gold: Gold, index: TitleIndex) -> Cues:
    """How often words stand beside gold stretches of train films, against beside other one-word keys; how often keys are said otherwise."""
    words = words_of(gold.texts["text"].to_pylist())
    spans = exact_spans(words, index)
    considered = Considered(words, spans, np.zeros(len(spans), np.int32), _no_pairs(), {})
    marks = marks_of(gold, index)
    span, mark = overlaps(considered, marks)
    right = np.unique(span[matching(considered, marks, span, mark) & (marks.group[mark] == "train")])
    other = np.setdiff1d(np.flatnonzero(spans.last - spans.first == 1), span)
    tables = {place: _odds(neighbour(words, spans, place, words.spelled), right, other) for place in PLACES}
    outside = np.setdiff1d(np.arange(len(spans)), span)
    known, counts = np.unique(index.names.hashes[spans.key[outside]], return_counts=True)
    often = counts >= SAID_COUNT
    return Cues(tables | {ITSELF: (known[often], np.log1p(counts[often]).astype(np.float32))})


def _odds(beside: Array, right: Array, other: Array) -> tuple[Array, Array]:
    known, counts = np.unique(np.concatenate([beside[right], beside[other]]), return_counts=True)
    hits = np.bincount(np.searchsorted(known, beside[right]), minlength=len(known))
    often = counts >= CUE_COUNT
    smooth = len(known) / CUE_COUNT
    odds = np.log((hits + 1) / (len(right) + smooth)) - np.log((counts - hits + 1) / (len(other) + smooth))
    return known[often], odds[often].astype(np.float32)


def _no_pairs() -> Pairs:
    nothing = np.zeros(0, np.int64)
    return Pairs(nothing, nothing, nothing, nothing)
