"""What a build ends by saying: the corpus in numbers, the verdict of the gate, the evaluation table."""

from typing import Any

from rich.console import Console

from assets_defs.build import Done
from assets_defs.gate import release_or_none, stored_verdict
from assets_defs.terminal import grid, say
from assets_defs.workspace import Workspace
from corpus_pipeline.schema import tables as t
from corpus_pipeline.schema.types import Table

CELLS = ("recall@1", "recall@10", "recall@50", "ndcg@10")
CLICK_CELLS = ("auc", "log_loss", "accuracy")
HEADLINE = {"condition": "new", "candidate_set": "dataset_items"}


def summarise(workspace: Workspace) -> dict[str, Any]:
    """Release, row counts, verdict and the headline evaluation rows; parts that are not built are missing."""
    found = release_or_none(workspace)
    verdict = stored_verdict(workspace)
    summary: dict[str, Any] = {"release": None, "gate": None}
    if found is not None:
        summary |= {"release": found.release_id, "row_counts": dict(found.manifest.row_counts)}
    if verdict is not None:
        summary["gate"] = {"passed": verdict.passed, "expectations": len(verdict.results), "failed": list(verdict.failed)}
    summary["evaluation"] = rows_of(workspace, t.EVAL_METRICS)
    summary["click_prediction"] = rows_of(workspace, t.EVAL_CLICK)
    return summary


def rows_of(workspace: Workspace, table: Table) -> list[dict[str, Any]]:
    """Every row of an evaluation table, as documents; none when nothing was evaluated."""
    from corpus_pipeline.store import read_table

    path = workspace.table(table)
    rows: list[dict[str, Any]] = read_table(path, table).to_pylist() if path.exists() else []
    return rows


def show(out: Console, workspace: Workspace, summary: dict[str, Any], done: Done) -> None:
    """For people: three paragraphs and the tables."""
    out.print(f"profile {workspace.profile.name}: ran {', '.join(done.ran) or 'nothing, all is up to date'}")
    if summary["release"]:
        rows = [(name, f"{count:,}") for name, count in sorted(summary["row_counts"].items())]
        out.print(grid(f"Release {summary['release']}", ("table", "rows"), rows))
    if summary["gate"]:
        verdict = "passed" if summary["gate"]["passed"] else f"refused: {summary['gate']['failed']}"
        say(out, f"Gate: {verdict} ({summary['gate']['expectations']} expectations). Data Docs: {workspace.data_docs}/index.html")
    show_evaluation(out, workspace)


def show_evaluation(out: Console, workspace: Workspace) -> None:
    """The headline: new films among the data set's own, beside GPT-4 and its peers; the report has the rest."""
    rows = rows_of(workspace, t.EVAL_METRICS)
    for dataset in workspace.profile.dialogue_datasets if rows else ():
        chosen = [row for row in rows if row["dataset"] == dataset and HEADLINE.items() <= row.items()]
        pairs = chosen[0]["pair_count"] if chosen else 0
        title = f"{dataset}: new films among the data set's own, {pairs:,} pairs, 95 % intervals over dialogues"
        out.print(grid(title, ("model", *CELLS), [*_our_lines(chosen), *_anchor_lines(dataset)]))
    _show_clicks(out, workspace)
    if rows:
        say(out, f"All conditions, tests and sources: {workspace.artifact('eval_recommendation')}/report.md, or `make ui`")


def _show_clicks(out: Console, workspace: Workspace) -> None:
    """Click prediction on test rows: a line per model, best LogLoss first, on the rows that all models have answered."""
    rows = rows_of(workspace, t.EVAL_CLICK)
    for dataset in workspace.profile.click_datasets:
        cells: dict[str, dict[str, str]] = {}
        for row in rows:
            if (row["dataset"], row["split"], row["setting"]) == (dataset, "test", "judged rows") and row["metric"] in CLICK_CELLS:
                cells.setdefault(row["model"], {"rows": f"{row['count']:,}"})[row["metric"]] = _with_interval(row)
        lines = sorted((model, *(own[name] for name in ("rows", *CLICK_CELLS))) for model, own in cells.items())
        if lines:
            title = f"{dataset}: does the user like it, test rows, 95 % intervals over users (RALLRec)"
            out.print(grid(title, ("model", "rows", *CLICK_CELLS), sorted(lines, key=lambda line: line[3])))


def _with_interval(row: dict[str, Any]) -> str:
    return f"{row['value']:.3f} [{row['ci_low']:.3f}, {row['ci_high']:.3f}]"


def _our_lines(rows: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    cells = {(row["model"], f"{row['metric']}@{row['k']}"): _with_interval(row) for row in rows}
    return [(model, *(cells.get((model, cell), "") for cell in CELLS)) for model in sorted({row["model"] for row in rows})]


def _anchor_lines(dataset: str) -> list[tuple[str, ...]]:
    from modeling.evaluation.anchors import load_anchors

    lines = []
    for anchor in load_anchors():
        if (anchor.dataset, anchor.condition, anchor.protocol) == (dataset, "new", "r4"):
            cells = (f"{anchor.values[cell][0]:.3f}" if cell in anchor.values else "" for cell in CELLS)
            lines.append((f"{anchor.model}, He et al. 2023", *cells))
    return lines
