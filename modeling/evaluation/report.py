"""The evaluation table as Markdown: our models, the anchors beside them, and what may be compared with what. No number is made here.

Written for a terminal (rich) and for a metadata pane: tables of five columns, no HTML.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from modeling.baselines import NAMES as BASELINES
from modeling.evaluation.anchors import UNSTATED, Anchor, load_anchors
from modeling.evaluation.metrics import per_turn
from modeling.evaluation.pairs import groups_of
from modeling.evaluation.significance import Comparison, compare

COLUMNS = (("R@1", "recall@1"), ("R@10", "recall@10"), ("R@50", "recall@50"), ("N@10", "ndcg@10"))
PRIMARY = "ndcg@10"
LEVEL = 0.05
FOLDED = "r4"  # the anchor protocol that shares condition and convention with the table of new films
CANDIDATES = {"dataset_items": "the data set's own films", "corpus": "all films with a text vector"}
CONDITIONS = {"new": "New films", "repeated": "Films mentioned before"}
MARKS = {1: "▲", -1: "▼", 0: ""}
NOTES = (
    "R is recall, N is nDCG, per (turn, target) pair; brackets are 95 % bootstrap intervals over dialogues.",
    "New films are ranked without the films mentioned before the turn, films mentioned before with them. "
    "The second is easy to win by copying the history, so no table adds the two up.",
    "Every model of one table ranked the same candidates. The candidate set decides the level: among all films with a text vector a "
    "film has more rivals than among the data set's own, so the tables do not compare with each other. Every film that a data set "
    "names has a vector, test dialogues included, and so have the most popular others: no linked target is missing from either set.",
    "Rows with a source in brackets are numbers of others. They answered with 20 generated titles matched by name, "
    "Marquee ranks ids of linked films; targets that could not be linked count as misses here. Read them as orders of magnitude.",
    "Other figures below a data set differ in condition or candidates, or do not say; RAR (arXiv 2604.04457) is absent because "
    "no absolute number of it is known.",
)

Row = Mapping[str, Any]


def markdown(metrics: pa.Table, *, ranks: pa.Table | None = None, anchors: Sequence[Anchor] | None = None) -> str:
    """The report of `metrics` (eval_recommendation): one section per data set, one table per candidate set and condition.

    With `ranks` (eval_recommendation_ranks) each table of new films says which models differ from the best baseline on
    nDCG@10, and per-turn means are added. `anchors`: those shipped unless given.
    """
    known = load_anchors() if anchors is None else anchors
    rows = metrics.to_pylist()
    parts = ["# Recommendation: models against baselines and published figures"]
    for dataset in sorted({row["dataset"] for row in rows}):
        own = [row for row in rows if row["dataset"] == dataset]
        beside = [anchor for anchor in known if anchor.dataset == dataset]
        parts += [f"## {dataset}", *_tables(own, beside, ranks), *_others(beside)]
    return "\n\n".join([*parts, "## How to read this", "\n".join(f"* {note}" for note in NOTES)]) + "\n"


def _tables(rows: Sequence[Row], anchors: Sequence[Anchor], ranks: pa.Table | None) -> Iterator[str]:
    for condition, title in CONDITIONS.items():
        for candidate_set in sorted({row["candidate_set"] for row in rows}, reverse=True):
            cells = _cells(row for row in rows if (row["condition"], row["candidate_set"]) == (condition, candidate_set))
            if not cells:
                continue
            pairs = max(row["pair_count"] for model in cells.values() for row in model.values())
            yield f"### {title}, among {CANDIDATES.get(candidate_set, candidate_set)} ({pairs:,} pairs)"
            tested = _tested(ranks, rows[0]["dataset"], candidate_set, cells) if condition == "new" else []
            beside = [a for a in anchors if _is_folded(a)] if (condition, candidate_set) == ("new", "dataset_items") else []
            yield _table(cells, beside, {test.model: _mark(test) for test in tested})
            yield from _verdicts(tested)
            if ranks is not None and condition == "new":
                yield _per_turn(ranks, rows[0]["dataset"], candidate_set)


def _cells(rows: Iterator[Row]) -> dict[str, dict[str, Row]]:
    """Rows by model and 'metric@k', the best model on the primary metric first; equal models by name."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row["model"], {})[f"{row['metric']}@{row['k']}"] = row
    return dict(sorted(found.items(), key=lambda item: (-item[1][PRIMARY]["value"], item[0])))


def _table(cells: Mapping[str, Mapping[str, Row]], anchors: Sequence[Anchor], marks: Mapping[str, str]) -> str:
    lines = _head(["model", *(name for name, _ in COLUMNS)])
    for model, values in cells.items():
        shown = [_interval(values[cell]) + (marks.get(model, "") if cell == PRIMARY else "") for _, cell in COLUMNS]
        lines.append(_line([f"**{model}**", *shown]))
    lines += [_line([_label(anchor), *(_value(anchor, cell) for _, cell in COLUMNS)]) for anchor in anchors]
    return "\n".join(lines)


def _is_folded(anchor: Anchor) -> bool:
    return anchor.protocol == FOLDED and anchor.condition == "new"


def _others(anchors: Sequence[Anchor]) -> Iterator[str]:
    rest = [anchor for anchor in anchors if not _is_folded(anchor)]
    if rest:
        yield "### Other figures of others"
        lines = _head(["model", "figures", "condition", "kind", "source"])
        for anchor in rest:
            figures = ", ".join(f"{_short(cell)} {_value(anchor, cell)}" for cell in anchor.values)
            source = f"{anchor.source} ({anchor.note})" if anchor.note else anchor.source
            condition = anchor.condition if anchor.condition == UNSTATED else f"{anchor.condition}, {anchor.protocol}"
            lines.append(_line([anchor.model, figures, condition, anchor.kind, source]))
        yield "\n".join(lines)


def _tested(ranks: pa.Table | None, dataset: str, candidate_set: str, cells: Mapping[str, Any]) -> list[Comparison]:
    """Every model against the best baseline on the primary metric; `cells` is sorted, so the first baseline is the best."""
    best = next((model for model in cells if model in BASELINES), None)
    if ranks is None or best is None:
        return []
    metric, k = PRIMARY.split("@")
    return compare(_of(ranks, dataset, candidate_set), metric=metric, k=int(k), reference=best)


def _verdicts(tests: Sequence[Comparison]) -> Iterator[str]:
    if tests:
        each = [f"{t.model} {t.difference:+.3f} (p {_p(t.holm_p_value)}){_mark(t)}" for t in sorted(tests, key=lambda t: -t.difference)]
        yield (
            f"N@10 against the best baseline, {tests[0].reference}: {'; '.join(each)}. Paired randomisation over "
            f"{tests[0].dialogue_count:,} dialogues, p after Holm; ▲ ▼: better, worse at {LEVEL}."
        )


def _per_turn(ranks: pa.Table, dataset: str, candidate_set: str) -> str:
    means = []
    for group, pairs in groups_of(_of(ranks, dataset, candidate_set)):
        new = pairs.of("new")
        scores = per_turn(new.ranks, new.turns, 10)
        means.append(f"{group.model} R@10 {np.mean(scores.recall):.3f}, N@10 {np.mean(scores.ndcg):.3f}")
    return f"Per turn instead of per pair (macro): {'; '.join(means)}."


def _of(ranks: pa.Table, dataset: str, candidate_set: str) -> pa.Table:
    import pyarrow.compute as pc

    return ranks.filter(pc.and_(pc.equal(ranks["dataset"], dataset), pc.equal(ranks["candidate_set"], candidate_set)))


def _mark(test: Comparison) -> str:
    return " " + MARKS[int(np.sign(test.difference))] if test.holm_p_value < LEVEL else ""


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"


def _interval(row: Row) -> str:
    return f"{row['value']:.3f} [{_bare(row['ci_low'])}, {_bare(row['ci_high'])}]"


def _bare(value: float) -> str:
    """Three decimals without the leading zero, which saves two columns of a terminal per cell."""
    return f"{value:.3f}".removeprefix("0")


def _value(anchor: Anchor, cell: str) -> str:
    if cell not in anchor.values:
        return "–"
    low, high = anchor.values[cell]
    width = anchor.half_widths.get(cell)
    return (f"{low:.3f}" if low == high else f"{low:.3f} to {high:.3f}") + ("" if width is None else f" ± {_bare(width)}")


def _label(anchor: Anchor) -> str:
    return f"{anchor.model} (He et al. 2023, {anchor.protocol})"


def _short(cell: str) -> str:
    metric, k = cell.split("@")
    return f"{metric[0].upper()}@{k}"


def _head(names: Sequence[str]) -> list[str]:
    return [_line(names), _line(["---"] * len(names))]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
