"""What a build ends by saying: the corpus in numbers, the verdict of the gate, the evaluation table."""

from typing import Any

from rich.console import Console

from assets_defs.build import Done
from assets_defs.gate import release_or_none, stored_verdict
from assets_defs.terminal import grid, say
from assets_defs.workspace import Workspace
from corpus_pipeline.schema import tables as t

CELLS = ("recall@1", "recall@10", "recall@50", "ndcg@10")
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
    summary["evaluation"] = evaluation_rows(workspace)
    return summary


def evaluation_rows(workspace: Workspace) -> list[dict[str, Any]]:
    """Every row of the evaluation table, as documents; none when nothing was evaluated."""
    from corpus_pipeline.store import read_table

    path = workspace.table(t.EVAL_METRICS)
    rows: list[dict[str, Any]] = read_table(path, t.EVAL_METRICS).to_pylist() if path.exists() else []
    return rows


def show(out: Console, workspace: Workspace, summary: dict[str, Any], done: Done) -> None:
    """For people: three paragraphs and the table."""
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
    rows = evaluation_rows(workspace)
    for dataset in workspace.profile.dialogue_datasets if rows else ():
        chosen = [row for row in rows if row["dataset"] == dataset and HEADLINE.items() <= row.items()]
        pairs = chosen[0]["pair_count"] if chosen else 0
        title = f"{dataset}: new films among the data set's own, {pairs:,} pairs, 95 % intervals over dialogues"
        out.print(grid(title, ("model", *CELLS), [*_our_lines(chosen), *_anchor_lines(dataset)]))
    if rows:
        say(out, f"All conditions, tests and sources: {workspace.artifact('eval_recommendation')}/report.md, or `make ui`")


def _our_lines(rows: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    cells = {
        (row["model"], f"{row['metric']}@{row['k']}"): f"{row['value']:.3f} [{row['ci_low']:.3f}, {row['ci_high']:.3f}]" for row in rows
    }
    return [(model, *(cells.get((model, cell), "") for cell in CELLS)) for model in sorted({row["model"] for row in rows})]


def _anchor_lines(dataset: str) -> list[tuple[str, ...]]:
    from modeling.evaluation.anchors import load_anchors

    lines = []
    for anchor in load_anchors():
        if (anchor.dataset, anchor.condition, anchor.protocol) == (dataset, "new", "r4"):
            cells = (f"{anchor.values[cell][0]:.3f}" if cell in anchor.values else "" for cell in CELLS)
            lines.append((f"{anchor.model}, He et al. 2023", *cells))
    return lines
