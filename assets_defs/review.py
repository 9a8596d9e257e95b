"""What `marquee review` tells: the links of the current release that a person should look at, and decisions that no longer hold.

Nothing is decided here and no file is written: a person signs each decision in the decisions file.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from assets_defs.step import today
from assets_defs.terminal import grid, say
from assets_defs.workspace import Workspace
from corpus_pipeline import release
from corpus_pipeline.errors import ReleaseError
from corpus_pipeline.schema import tables as t

_GONE = {
    "title_gone": "no data set names it so any more",
    "film_gone": "the film is not in the corpus",
}
_DECIDED = ("dataset", "source_movie_id", "surface", "mention_year", "movie_id")


def find(workspace: Workspace, *, limit: int) -> dict[str, Any]:
    """The first `limit` rows (0: all) of the current release's review queue, and the decisions without effect, as a document.

    LinkError when the decisions file needs mending; ReleaseError when the release was made before links were reviewed.
    """
    from corpus_pipeline.linking.review import load_decisions

    found = release.current(workspace.releases)
    missing = [table.name for table in (t.LINK_REVIEW_QUEUE, t.LINK_DECISIONS) if table.name not in found.manifest.tables]
    if missing:
        raise ReleaseError(f"release {found.release_id} was made before links were reviewed, it has no {missing}: run `marquee build`")
    path = workspace.link_decisions
    decisions = load_decisions(path)
    queue, told = _ask(found, f"FROM review_queue {f'LIMIT {limit:d}' if limit else ''}"), _ask(found, "FROM link_decisions")
    built = {tuple(row[name] for name in _DECIDED) for row in told}
    return {
        "release": found.release_id,
        "decisions_file": str(path),
        "uncertain": found.manifest.row_counts[t.LINK_REVIEW_QUEUE.name],
        "queue": [{**row, "csv": csv_line(row)} for row in queue],
        "gone": [row for row in told if row["decision_status"] in _GONE],
        "not_built": [d.line for d in decisions if (d.dataset, d.source_movie_id, d.surface, d.year, d.movie_id) not in built],
    }


def _ask(found: release.Release, query: str) -> list[dict[str, Any]]:
    import duckdb

    with duckdb.connect(str(found.database), read_only=True) as con:
        rows: list[dict[str, Any]] = con.execute(query).to_arrow_table().to_pylist()
    return rows


def csv_line(row: Mapping[str, Any]) -> str:
    """A row of the queue as a line of the decisions file that takes the best candidate; `who` is empty, for the person to sign."""
    names = ("dataset", "source_movie_id", "surface", "mention_year", "best_movie_id")
    return _csv([*(row[name] for name in names), "", today().isoformat(), ""])


def _csv(cells: Sequence[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()


def show(console: Console, found: Mapping[str, Any], *, as_csv: bool) -> None:
    """The document for people, or as lines to append to the decisions file, with a header where that has none yet."""
    if as_csv:
        from corpus_pipeline.linking.review import COLUMNS

        path = Path(found["decisions_file"])
        head = [] if path.exists() and path.stat().st_size else [",".join(COLUMNS)]
        console.file.writelines(line + "\n" for line in [*head, *(row["csv"] for row in found["queue"])])  # exactly as they are
        return
    title = f"{len(found['queue'])} of {found['uncertain']:,} uncertain links of release {found['release']}, what matters most first"
    columns = ("", "title", "mentions", "candidate", "prob.", "runner-up", "prob.", "why")
    console.print(grid(title, columns, [_cells(row) for row in found["queue"]]))
    _show_decisions(console, found)


def _cells(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """One line of the table."""
    why = (row["link_reason"] or "low_probability").partition(":")[0]
    films = [_film(row[f"{part}_title"], row[f"{part}_year"], row[f"{part}_movie_id"]) for part in ("best", "runner_up")]
    score, second = ("" if row[name] is None else f"{row[name]:.2f}" for name in ("link_score", "runner_up_score"))
    surface = row["surface"] + (f" ({row['mention_year']})" if row["mention_year"] else "")
    return row["review_rank"], surface, row["mention_count"], films[0], score, films[1], second, f"{row['link_status']}, {why}"


def _film(title: str | None, year: int | None, movie_id: str | None) -> str:
    return "" if movie_id is None else f"{title or '?'} ({year or '?'}) {movie_id}"


def _show_decisions(console: Console, found: Mapping[str, Any]) -> None:
    """How to decide, and which decisions are without effect."""
    say(console, f"To decide: a line per title in {found['decisions_file']}, movie_id empty where no film is meant; then `marquee build`.")
    say(console, "`marquee review --csv` prints such lines with the candidate filled in; put your name under who.")
    if found["not_built"]:
        say(console, f"Decided since this release, to be built: lines {', '.join(map(str, found['not_built']))}")
    if found["gone"]:
        columns = ("line", "data set", "id", "surface", "film", "who", "decided", "why it no longer applies")
        names = ("decision_line", "dataset", "source_movie_id", "surface", "movie_id", "who", "decided_on")
        rows = [(*(row[name] for name in names), _GONE[row["decision_status"]]) for row in found["gone"]]
        console.print(grid("Decisions that no longer apply", columns, rows))
