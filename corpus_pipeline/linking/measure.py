"""How good links are against gold: detection, film given the stretch, end to end, by slice, and the whole curve of risk over coverage.

Only mentions of the asked groups of films count; links outside every mention count in that share of the dialogues, so that
precision and recall speak of the same share of the data. Where gold does not know, nothing counts.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from corpus_pipeline.linking.decide import best_of
from corpus_pipeline.linking.gold import Gold
from corpus_pipeline.linking.words import Array
from corpus_pipeline.store import connect

ARTICLE_CHARACTERS = 4  # 'the ' may belong to a span or not
SLICES = (
    "all", "exact", "misspelled", "lower", "no_year", "with_year", "remake", "short", "no_subtitle", "no_article", "quoted", "markup",
    "numeral", "acronym", "not_in_catalogue", "no_span",
)  # fmt: skip

# Per told stretch the mention it is about: one it has in common, the same film first, else one whose place is not known.
_OUTCOMES = f"""
    WITH mention AS (
        SELECT *, row_number() OVER () AS mention_id FROM mentions
    ), met AS (
        SELECT link_id, mention_id, best_id = movie_id AS is_right, group_name, is_known, movie_id IS NOT NULL AS is_wanted, kinds,
            link_end = span_end AND abs(link_start - span_start) <= {ARTICLE_CHARACTERS} AS is_exact
        FROM links JOIN mention USING (text_id)
        WHERE span_start IS NOT NULL AND link_start < span_end AND link_end > span_start
        QUALIFY row_number() OVER (PARTITION BY link_id ORDER BY is_right DESC NULLS LAST, is_exact DESC, span_start) = 1
    ), loose AS (
        SELECT link_id, mention_id, group_name, is_known, kinds
        FROM links JOIN mention USING (text_id)
        WHERE span_start IS NULL AND best_id = movie_id AND link_id NOT IN (SELECT link_id FROM met)
        QUALIFY row_number() OVER (PARTITION BY mention_id ORDER BY score DESC) = 1
    )
    SELECT link_id, score, is_linked, mention_id, coalesce(is_right, false) AS is_right, is_exact,
        is_known AND group_name IN (SELECT * FROM groups) AS counts, is_wanted, kinds
    FROM links JOIN met USING (link_id)
    UNION ALL
    SELECT link_id, score, is_linked, mention_id, true, NULL, is_known AND group_name IN (SELECT * FROM groups), true, kinds
    FROM links JOIN loose USING (link_id)
    UNION ALL
    SELECT link_id, score, is_linked, NULL, false, NULL, text_group IN (SELECT * FROM groups), false, []
    FROM links
    WHERE link_id NOT IN (SELECT link_id FROM met) AND link_id NOT IN (SELECT link_id FROM loose)
"""
_WANTED = """
    SELECT row_number() OVER () AS mention_id, kinds, span_start IS NOT NULL AS has_span,
        is_known AND movie_id IS NOT NULL AND group_name IN (SELECT * FROM groups) AS counts
    FROM mentions
"""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One entry per told stretch that counts, likeliest first: `score`, `is_linked`, `is_right`, `is_exact` (the gold stretch itself),
    `mention` (0: outside every mention), `is_wanted` (a film of the catalogue is meant), `kinds`. `wanted`: kinds of every mention
    that should be found; `spanned`: of known place."""

    score: Array
    is_linked: Array
    is_right: Array
    is_exact: Array
    mention: Array
    is_wanted: Array
    kinds: list[list[str]]
    wanted: list[list[str]]
    spanned: Array


def outcomes(gold: Gold, links: pa.Table, *, groups: Collection[str], texts: Array) -> Outcomes:
    """Compare `links` (TEXT_LINKS, text_index as in `gold`) with the mentions of the texts numbered `texts`."""
    told = _told(gold, links, texts)
    mentions = gold.mentions.rename_columns(["group_name" if name == "group" else name for name in gold.mentions.column_names])
    mentions = mentions.filter(pa.array(np.isin(mentions["text_id"].to_numpy(), texts)))
    with connect({"links": told, "mentions": mentions, "groups": pa.table({"name": sorted(groups)})}, threads=1) as con:
        rows = con.execute(f"SELECT * FROM ({_OUTCOMES}) WHERE counts ORDER BY score DESC, link_id").to_arrow_table()
        wanted = con.execute(f"SELECT * FROM ({_WANTED}) WHERE counts").to_arrow_table()
    return Outcomes(
        score=rows["score"].to_numpy(),
        is_linked=_flags(rows["is_linked"]),
        is_right=_flags(rows["is_right"]),
        is_exact=_flags(rows["is_exact"]),
        mention=rows["mention_id"].fill_null(0).to_numpy(),
        is_wanted=_flags(rows["is_wanted"]),
        kinds=rows["kinds"].to_pylist(),
        wanted=wanted["kinds"].to_pylist(),
        spanned=_flags(wanted["has_span"]),
    )


def _flags(column: pa.ChunkedArray) -> Array:
    return np.asarray(column.fill_null(False).to_numpy(zero_copy_only=False), bool)


def _told(gold: Gold, links: pa.Table, texts: Array) -> pa.Table:
    group = np.array(gold.texts["group"].to_pylist())
    text = links["text_index"].to_numpy()
    table = pa.table(
        {
            "link_id": np.arange(links.num_rows),
            "text_id": text,
            "link_start": links["span_start"],
            "link_end": links["span_end"],
            "score": links["link_score"],
            "best_id": best_ids(links),
            "is_linked": pa.array([status == "linked" for status in links["link_status"].to_pylist()], pa.bool_()),
            "text_group": pa.array(group[text] if len(text) else [], pa.string()),
        }
    )
    return table.filter(pa.array(np.isin(text, texts)))


def best_ids(links: pa.Table) -> pa.Array:
    """The best candidate of each link; an abstention names it in its reason."""
    pairs = zip(links["movie_id"].to_pylist(), links["link_reason"].to_pylist(), strict=True)
    return pa.array([best_of(*pair) for pair in pairs], pa.string())


def metrics(found: Outcomes) -> list[dict[str, object]]:
    """slice, metric, value, count: for 'all' everything, for the other slices what can be told of a mention's kind."""
    every = (*_end_to_end(found), *_detection(found), *_film_given_stretch(found, "all"), *_at_recall(found))
    rows = [{"slice": "all", **row} for row in every]
    for name in SLICES[1:]:
        told = (*_slice(found, name), *_film_given_stretch(found, name))
        rows += [{"slice": name, **row} for row in told if row["count"]]  # a share of nothing is no figure
    return rows


def _row(metric: str, value: float, count: int) -> dict[str, object]:
    return {"metric": metric, "value": float(value), "count": int(count)}


def _once(found: Outcomes, chosen: Array) -> Array:
    """`chosen` without the second right link of one mention."""
    rows = np.flatnonzero(chosen)
    right = rows[found.is_right[rows]]
    _, first = np.unique(found.mention[right], return_index=True)
    return np.sort(np.concatenate([rows[~found.is_right[rows]], right[first]]))


def _end_to_end(found: Outcomes) -> list[dict[str, object]]:
    rows = _once(found, found.is_linked)
    right, wanted = int(found.is_right[rows].sum()), max(len(found.wanted), 1)
    precision, recall = right / max(len(rows), 1), right / wanted
    return [
        _row("precision", precision, len(rows)), _row("recall", recall, len(found.wanted)),
        _row("f1", 2 * precision * recall / max(precision + recall, 1e-12), len(found.wanted)),
        _row("coverage", len(np.unique(found.mention[rows][found.is_wanted[rows]])) / wanted, len(found.wanted)),
    ]  # fmt: skip


def _detection(found: Outcomes) -> list[dict[str, object]]:
    """Whether a linked stretch is a gold stretch, whatever the film; mentions of unknown place do not count."""
    linked = found.is_linked & ~(found.is_right & ~found.is_exact & _is_loose(found))
    hit = int((linked & found.is_exact).sum())
    precision, recall = hit / max(int(linked.sum()), 1), hit / max(int(found.spanned.sum()), 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-12)
    told, marked = int(linked.sum()), int(found.spanned.sum())
    return [_row("detection_precision", precision, told), _row("detection_recall", recall, marked), _row("detection_f1", f1, marked)]


def _is_loose(found: Outcomes) -> Array:
    return np.array(["no_span" in kinds or "judged" in kinds for kinds in found.kinds], bool)


def _film_given_stretch(found: Outcomes, name: str) -> list[dict[str, object]]:
    """Among told stretches that are a gold stretch: the share whose best film is the right one, linked or not."""
    chosen = found.is_exact & _of(found.kinds, name)
    return [_row("film_accuracy", float(found.is_right[chosen].mean()) if chosen.any() else 0.0, int(chosen.sum()))]


def _of(kinds: list[list[str]], name: str) -> Array:
    return np.array([name == "all" or name in own for own in kinds], bool)


def _slice(found: Outcomes, name: str) -> list[dict[str, object]]:
    rows = _once(found, found.is_linked & _of(found.kinds, name) & (found.mention > 0))
    right, wanted = int(found.is_right[rows].sum()), int(_of(found.wanted, name).sum())
    linked = _row("precision", right / max(len(rows), 1), len(rows))
    return [linked, *_at_recall_of(found, name), *([_row("recall", right / wanted, wanted)] if wanted else [])]


def _at_recall(found: Outcomes) -> list[dict[str, object]]:
    recall, precision, _ = curve(found)
    rows = []
    for level in (0.8, 0.85, 0.9):
        reached = np.flatnonzero(recall >= level)
        rows.append(_row(f"precision_at_recall_{level:.2f}", precision[reached[0]] if len(reached) else 0.0, len(found.wanted)))
    return [*rows, _row("highest_recall", recall[-1] if len(recall) else 0.0, len(found.wanted))]


def _at_recall_of(found: Outcomes, name: str) -> list[dict[str, object]]:
    """Precision among the links of the slice's mentions at the score at which all mentions reach recall 0.90."""
    recall, _, score = curve(found)
    reached = np.flatnonzero(recall >= 0.9)
    if not len(reached):
        return []
    rows = _once(found, (found.score >= score[reached[0]]) & _of(found.kinds, name) & (found.mention > 0))
    return [_row("precision_at_overall_recall_0.90", float(found.is_right[rows].mean()) if len(rows) else 0.0, len(rows))]


def curve(found: Outcomes) -> tuple[Array, Array, Array]:
    """(recall, precision, score) as the threshold falls: one point per told stretch, the second right one of a mention aside."""
    rows = _once(found, np.ones(len(found.score), bool))
    right = np.cumsum(found.is_right[rows])
    return right / max(len(found.wanted), 1), right / np.arange(1, len(rows) + 1), found.score[rows]


def false_links(gold: Gold, links: pa.Table, texts: Array) -> tuple[float, int]:
    """(links per 1,000 words in those of `texts` that name no film at all, how many words those have)."""
    named = np.unique(gold.mentions["text_id"].to_numpy())
    free = np.setdiff1d(texts, named)
    wordy = gold.texts["text"].take(pa.array(free)).to_pylist()
    words = sum(len(text.split()) for text in wordy)
    linked = np.array([status == "linked" for status in links["link_status"].to_pylist()], bool)
    count = int(np.isin(links["text_index"].to_numpy()[linked], free).sum())
    return 1000 * count / max(words, 1), words
