"""Everything that a batch of texts or titles could mean, with its features and before anything is weighed.

The one way from text to features: linking and training both go it, so that what is learned is what is used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from corpus_pipeline.linking.candidates import Context, Pairs, contexts, features, pairs_of
from corpus_pipeline.linking.evidence import Cues, evidence, looks_of
from corpus_pipeline.linking.settings import BlockSettings
from corpus_pipeline.linking.text_spans import Spans, exact_spans, fuzzy_spans, year_beside, years_of
from corpus_pipeline.linking.title_index import TitleIndex
from corpus_pipeline.linking.titles import title_evidence, title_spans
from corpus_pipeline.linking.windows import windows
from corpus_pipeline.linking.words import Array, Words, words_of


@dataclass(frozen=True, slots=True)
class Considered:
    """`year` int32: given with each span, 0 for none. `columns`: one float32 value per pair for every feature."""

    words: Words
    spans: Spans
    year: Array
    pairs: Pairs
    columns: Mapping[str, Array]

    @property
    def text(self) -> Array:
        """The text of each pair."""
        return self.words.text[self.spans.first[self.pairs.span]]


def consider_texts(texts: Sequence[str], context: Context, index: TitleIndex, cues: Cues, settings: BlockSettings) -> Considered:
    """The pairs of raw texts."""
    words = words_of(texts)
    looks, exact = looks_of(words), exact_spans(words, index)
    near = windows(words, looks, exact, index, cues)
    spans = exact + fuzzy_spans(words, texts, near, index, settings)
    year = year_beside(words, years_of(words), spans)
    pairs = pairs_of(words, spans, year, context, index, settings)
    columns = {name: column[pairs.span] for name, column in evidence(words, looks, spans, index, cues).items()}
    return Considered(words, spans, year, pairs, columns | features(words, spans, year, pairs, context, index))


def consider_titles(titles: Sequence[str], year: Array, as_of: Array, index: TitleIndex, settings: BlockSettings) -> Considered:
    """The pairs of titles that stand alone; `year` (int32) is the one given with each, 0 for none. A title is one stretch."""
    words = words_of(titles)
    spans = title_spans(words, titles, index, settings)
    context = contexts(None, len(titles), as_of)
    given = year[words.text[spans.first]]
    pairs = pairs_of(words, spans, given, context, index, settings)
    columns = {name: column[pairs.span] for name, column in title_evidence(words, spans, index).items()}
    return _one_stretch(Considered(words, spans, given, pairs, columns | features(words, spans, given, pairs, context, index)))


def _one_stretch(considered: Considered) -> Considered:
    """The pairs of one text as one stretch, a film that two stretches propose once: by its longer stretch."""
    pairs, spans, text = considered.pairs, considered.spans, considered.text
    order = np.lexsort((spans.distance[pairs.span], -(spans.last - spans.first)[pairs.span], pairs.film, text))
    first = np.ones(len(order), bool)
    first[1:] = (text[order][1:] != text[order][:-1]) | (pairs.film[order][1:] != pairs.film[order][:-1])
    return chosen(replace(considered, pairs=replace(pairs, stretch=text.astype(np.int64))), np.sort(order[first]))


def chosen(considered: Considered, rows: Array) -> Considered:
    """The pairs of `rows` alone."""
    pairs = considered.pairs
    kept = Pairs(pairs.span[rows], pairs.name[rows], pairs.film[rows], pairs.stretch[rows])
    return replace(considered, pairs=kept, columns={name: column[rows] for name, column in considered.columns.items()})
