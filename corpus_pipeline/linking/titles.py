"""A title that stands alone, as the data sets list them: its whole key, the parts beside its subtitle mark, nearly equal keys."""

import re
from collections.abc import Sequence

import numpy as np

from corpus_pipeline.linking.settings import BlockSettings
from corpus_pipeline.linking.spelling import alike
from corpus_pipeline.linking.text_spans import Spans, number_gaps
from corpus_pipeline.linking.title_index import MARK, TitleIndex, is_article
from corpus_pipeline.linking.words import Array, Words, link_key, sequence_hashes
from corpus_pipeline.transform.text import title_key

_MARKED, _MARKS = re.compile(MARK), frozenset(":–—-(")  # most titles have none of the characters


def title_spans(words: Words, titles: Sequence[str], index: TitleIndex, settings: BlockSettings) -> Spans:
    """Whole titles that are a key; their parts that are one; and, where the whole is none, keys nearly spelled like it."""
    counts = np.bincount(words.text, minlength=len(titles))
    first = np.cumsum(counts) - counts
    some = np.flatnonzero(counts)
    last = first + counts
    lead = np.zeros(len(titles), bool)
    lead[some] = is_article(words.spelled[first[some]]) & (counts[some] > 1)
    whole = _keyed(words, first[some] + lead[some], last[some], index)
    open_ = some[~np.isin(first[some] + lead[some], whole.first)]
    parts = _keyed(words, *_parts(words, titles), index)
    queries = [link_key(title_key(titles[row])) for row in open_.tolist()]
    found = alike(queries, index.spelling, settings)
    rows = open_[found.query]
    gaps = number_gaps(queries, found.query, found.key, index)
    return whole + parts + Spans(first[rows] + lead[rows], last[rows], found.key, found.distance, found.similarity, gaps)


def _keyed(words: Words, first: Array, last: Array, index: TitleIndex) -> Spans:
    """The stretches whose words are those of a key."""
    lengths = last - first
    places = np.repeat(first - (np.cumsum(lengths) - lengths), lengths) + np.arange(int(lengths.sum()))
    owner = np.repeat(np.arange(len(first)), lengths)
    meaning = np.bincount(owner, words.hash[places] != 0, len(first))
    kept = (words.hash[places] != 0) | (meaning[owner] == 0)
    hashes = np.where(words.hash[places] == 0, words.spelled[places], words.hash[places])[kept]
    if not len(first):
        return Spans.exact(first, last, first)
    found = index.names.find(sequence_hashes(hashes, np.bincount(owner[kept], minlength=len(first))))
    return Spans.exact(first[found >= 0], last[found >= 0], found[found >= 0])


def _parts(words: Words, titles: Sequence[str]) -> tuple[Array, Array]:
    """First and last words of what stands before the first and behind the last subtitle mark of each title."""
    first, last = [], []
    begins = np.searchsorted(words.text, np.arange(len(titles) + 1))
    article = is_article(words.spelled)
    for row, title in enumerate(titles):
        if _MARKS.isdisjoint(title):
            continue
        marks = list(_MARKED.finditer(title))
        low, high = int(begins[row]), int(begins[row + 1])
        for left, right in ((0, marks[0].start()), (marks[-1].end(), len(title))) if marks else ():
            inside = low + np.flatnonzero((words.start[low:high] >= left) & (words.end[low:high] <= right))
            if 0 < len(inside) < high - low:
                led = len(inside) > 1 and bool(article[inside[0]])
                first.append(int(inside[0]) + led)
                last.append(int(inside[-1]) + 1)
    return np.array(first, np.int64), np.array(last, np.int64)


def title_evidence(words: Words, spans: Spans, index: TitleIndex) -> dict[str, Array]:
    """How much of its title each span is; n spans long."""
    counts = np.bincount(words.text, minlength=int(words.text.max(initial=0)) + 1)
    letters = np.concatenate([[0], np.cumsum(words.length)])
    before = np.maximum(spans.first - 1, 0)
    columns = {
        "word_count": spans.last - spans.first,
        "character_count": letters[spans.last] - letters[spans.first],
        "rarity": index.rarity[spans.key],
        "words_left_out": counts[words.text[spans.first]] - (spans.last - spans.first),
        "article_before": is_article(words.spelled[before]) & (before < spans.first) & (words.text[before] == words.text[spans.first]),
    }
    return {name: np.asarray(column, np.float32) for name, column in columns.items()}
