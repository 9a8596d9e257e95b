"""Link or abstain: the best film of each stretch, its runner-up, and the reason where the linker is not sure enough."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus_pipeline.linking.consider import Considered, chosen
from corpus_pipeline.linking.evidence import led_by_article
from corpus_pipeline.linking.title_index import ACRONYM, PART, TitleIndex
from corpus_pipeline.linking.weights import Scorer
from corpus_pipeline.linking.words import Array

DECISION_COLUMNS = ("movie_id", "link_status", "link_rule", "link_score", "runner_up_movie_id", "runner_up_score", "link_reason")
TEXT_LINKS = pa.schema(
    [
        ("text_index", pa.int32()),
        ("span_start", pa.int32()),  # characters of the text; span_end is one past the last
        ("span_end", pa.int32()),
        ("surface", pa.string()),
        ("year_given", pa.int32()),
        ("movie_id", pa.string()),  # null where the linker abstained
        ("link_status", pa.string()),
        ("link_rule", pa.string()),
        ("link_score", pa.float64()),  # probability that the best film is meant
        ("runner_up_movie_id", pa.string()),
        ("runner_up_score", pa.float64()),
        ("link_reason", pa.string()),
    ]
)
RULES = (
    "exact_title_year", "exact_title_near_year", "exact_title", "part_of_title", "acronym", "fuzzy_title_year", "fuzzy_title",
)  # fmt: skip
BEST = ": best candidate "  # in a reason, before the id
_NONE = -1
IMDB_DIGITS = 16  # of an id with its 'tt'; a longer one is none, and would not fit the index


class Best:
    """Per stretch the best pair, the runner-up (-1: none), their probabilities and that of any film; best first by `score`."""

    def __init__(self, considered: Considered, probability: Array, any_film: Array) -> None:
        pairs = considered.pairs
        order = np.lexsort((pairs.film, -probability, pairs.stretch))
        starts = np.flatnonzero(np.concatenate([[True], pairs.stretch[order][1:] != pairs.stretch[order][:-1]])[: len(order)])
        second = np.minimum(starts + 1, max(len(order) - 1, 0))
        has_second = np.diff(np.append(starts, len(order))) > 1
        self.pair = order[starts]
        self.runner_up = np.where(has_second, order[second], _NONE) if len(order) else order
        self.score = probability[self.pair]
        self.runner_up_score = np.where(has_second, probability[self.runner_up], 0.0)
        self.any_film = any_film[self.pair]


def in_texts(considered: Considered, texts: Sequence[str], index: TitleIndex, scorer: Scorer) -> pa.Table:
    """Stretches that do not overlap, likeliest first chosen, as TEXT_LINKS sorted by text and place."""
    best = Best(considered, *scorer.probabilities(considered.columns, considered.pairs.stretch))
    told = np.flatnonzero(best.any_film >= scorer.report)
    span = considered.pairs.span[best.pair]
    order = told[np.lexsort((considered.spans.first[span[told]], -best.score[told]))]
    first, last = considered.spans.first[span[order]], considered.spans.last[span[order]]
    return _rows(considered, texts, best, np.sort(order[_apart(first, last)]), index, scorer)


def _apart(first: Array, last: Array) -> Array:
    """Which stretches share no word with an earlier one."""
    taken: set[int] = set()
    kept = np.zeros(len(first), bool)
    for row, (low, high) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        own = range(low, high)
        if taken.isdisjoint(own):
            taken.update(own)
            kept[row] = True
    return kept


def _rows(considered: Considered, texts: Sequence[str], best: Best, kept: Array, index: TitleIndex, scorer: Scorer) -> pa.Table:
    words, spans, pairs = considered.words, considered.spans, considered.pairs
    pair = best.pair[kept]
    span = pairs.span[pair]
    is_led = led_by_article(considered.columns, index.name_flags[pairs.name])[pair]
    first = spans.first[span] - (is_led & ~np.isin(spans.first[span], spans.last[span]))  # an article may end the title before
    start, end, text = words.start[first], words.end[spans.last[span] - 1], words.text[spans.first[span]]
    order = np.lexsort((start, text))
    decided = _decided(considered, best, kept, index, _reasons(considered, best, kept, scorer))
    places = zip(text.tolist(), start.tolist(), end.tolist(), strict=True)
    surface = [texts[row][low:high].encode("utf-8", "replace").decode() for row, low, high in places]
    year = considered.year[span]
    columns = {
        "text_index": text.astype(np.int32), "span_start": start, "span_end": end, "surface": pa.array(surface, pa.string()),
        "year_given": pa.array(year, pa.int32(), mask=year == 0), **decided,
    }  # fmt: skip
    return pa.table({name: columns[name] for name in TEXT_LINKS.names}, schema=TEXT_LINKS).take(pa.array(order))


def _reasons(considered: Considered, best: Best, kept: Array, scorer: Scorer) -> Array:
    """Why each is not linked; '' where it is."""
    score, second, any_film = best.score[kept], best.runner_up_score[kept], best.any_film[kept]
    other_year = considered.columns["other_year"][best.pair[kept]] > 0
    sure = (score >= scorer.threshold) & (score - second >= scorer.margin)
    return np.select([sure, other_year, any_film >= scorer.threshold], ["", "year_disagrees", "ambiguous"], "low_probability")


def _decided(considered: Considered, best: Best, kept: Array, index: TitleIndex, reason: Array) -> dict[str, pa.Array]:
    """The decision columns; an abstention names its best candidate in the reason, for whoever reviews it."""
    pair, runner_up = best.pair[kept], best.runner_up[kept]
    ids = index.films.ids(considered.pairs.film[pair])
    sure, alone = reason == "", runner_up == _NONE
    rules = pa.array(RULES).take(pa.array(_rules(considered, index)[pair]))
    why = pc.binary_join_element_wise(pa.array(reason.tolist(), pa.string()), pa.scalar(BEST), ids, "")
    return {
        "movie_id": _where(sure, ids),
        "link_status": pc.if_else(pa.array(sure), "linked", "abstained"),
        "link_rule": pc.if_else(pa.array(sure), rules, "abstain"),
        "link_score": pa.array(np.round(best.score[kept], 6)),
        "runner_up_movie_id": _where(~alone, index.films.ids(considered.pairs.film[runner_up])),
        "runner_up_score": pa.array(np.round(best.runner_up_score[kept], 6), mask=alone),
        "link_reason": _where(~sure, why),
    }


def _where(chosen: Array, values: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(chosen), values, pa.scalar(None, values.type))


def _rules(considered: Considered, index: TitleIndex) -> Array:
    """Which of RULES each pair goes by."""
    columns, flags = considered.columns, index.name_flags[considered.pairs.name]
    same, near = columns["same_year"] > 0, columns["next_year"] > 0
    fuzzy = columns["distance"] > 0
    # Keys have no leading article: a title is whole without the one before its span.
    left_out = "words_left_out" in columns and columns["words_left_out"] > columns["article_before"]
    partly = (flags & PART > 0) | left_out
    return np.select([fuzzy & (same | near), fuzzy, flags & ACRONYM > 0, partly, same, near], [5, 6, 4, 3, 0, 1], 2)


def best_of(movie_id: str | None, reason: str | None) -> str:
    """The best candidate of a row: what it is linked to, or what its abstention names; '' for none."""
    return movie_id or (reason or "").partition(BEST)[2]


def of_titles(considered: Considered, imdb_ids: Sequence[str | None], index: TitleIndex, scorer: Scorer) -> pa.Table:
    """One row (DECISION_COLUMNS) per title: the film of its IMDb id where the data set gives one, else the likeliest film.

    A film issued under another IMDb id than the one given is another film, whatever its title.
    """
    known, given = _by_id(imdb_ids, index), np.array([code is not None for code in imdb_ids], bool)
    allowed = ~(given[considered.text] & index.films.has_imdb_id[considered.pairs.film]) & (known[considered.text] < 0)
    considered = chosen(considered, np.flatnonzero(allowed))
    best = Best(considered, *scorer.probabilities(considered.columns, considered.pairs.stretch))
    every = np.arange(len(best.pair))
    decided = _decided(considered, best, every, index, _reasons(considered, best, every, scorer))
    slots = np.full(len(imdb_ids), _NONE)
    slots[considered.pairs.stretch[best.pair]] = every
    absent = {
        "link_status": "abstained", "link_rule": "abstain",
        "link_reason": pc.if_else(pa.array(given), "unknown_authority_id", "no_candidate"),
    }  # fmt: skip
    by_id = {"movie_id": index.films.ids(np.maximum(known, 0)), "link_status": "linked", "link_rule": "authority_id", "link_score": 1.0}
    columns = {}
    for name in DECISION_COLUMNS:
        column = decided[name].take(pa.array(slots, mask=slots == _NONE))
        column = pc.if_else(pa.array(slots == _NONE), absent.get(name, pa.scalar(None, column.type)), column)
        columns[name] = pc.if_else(pa.array(known >= 0), by_id.get(name, pa.scalar(None, column.type)), column)
    return pa.table(columns)


def _by_id(imdb_ids: Sequence[str | None], index: TitleIndex) -> Array:
    """The film of each IMDb id, -1 where there is no id or no film."""
    numbers = np.array(
        [int(code[2:]) if code and code[2:].isdecimal() and len(code) < IMDB_DIGITS else _NONE for code in imdb_ids], np.int64
    )
    places = np.searchsorted(index.imdb_number, numbers) if len(index.imdb_number) else np.zeros(len(numbers), np.int64)
    inside = np.minimum(places, max(len(index.imdb_number) - 1, 0))
    found = index.imdb_number[inside] == numbers if len(index.imdb_number) else np.zeros(len(numbers), bool)
    return np.where(found, index.imdb_film[inside], _NONE) if len(index.imdb_number) else np.full(len(numbers), _NONE)
