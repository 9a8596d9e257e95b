"""The `marquee` command: everything the UI does, for a terminal and for scripts. One place for all of it.

Exit codes: 0 done; 1 the answer is no (gate failed, verification found damage, a build step failed); 2 the request is
wrong (unknown key, bad SQL, bad dialogue); 3 there is nothing to answer from yet. `--json` prints one JSON document.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from assets_defs.errors import AssetError, LineageError, ProfileError
from assets_defs.profile import choose_profile
from assets_defs.workspace import Workspace, open_workspace
from corpus_pipeline.errors import ConfigError, CorpusError, ReleaseError

NO, WRONG, NOTHING = 1, 2, 3
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
lineage_app = typer.Typer(no_args_is_help=True, help="Walk from a result back to raw bytes.")
app.add_typer(lineage_app, name="lineage")
# Piped output keeps its columns whole instead of folding them at 80 characters.
out, err = Console(width=None if sys.stdout.isatty() else 120), Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
ProfileName = Annotated[str | None, typer.Option("--profile", "-p", help="starter, standard, paper, or a YAML file.")]


def _code(error: Exception) -> int:
    if isinstance(error, ProfileError | ConfigError | UsageError):
        return WRONG
    nothing = isinstance(error, LineageError) or (isinstance(error, ReleaseError) and "nothing is published" in str(error))
    return NOTHING if nothing else NO


class UsageError(AssetError, ValueError):
    """The command line asked for something that cannot be understood."""


@contextmanager
def reported(as_json: bool) -> Iterator[None]:
    """Turn every error of ours into one message and an exit code; anything else is a bug and keeps its traceback."""
    from modeling.errors import ModelingError
    from quality.errors import QualityError

    try:
        yield
    except (AssetError, CorpusError, QualityError, ModelingError) as error:
        if as_json:
            print(json.dumps({"error": type(error).__name__, "message": str(error)}))
        else:
            err.print(f"[bold red]{type(error).__name__}[/]: ", end="")
            err.print(str(error), markup=False, highlight=False)
        raise typer.Exit(_code(error)) from error


def emit(value: Any, as_json: bool, show: Callable[[], None]) -> None:
    """One document for scripts, or what `show` prints for people."""
    if as_json:
        print(json.dumps(value, indent=1, default=str, ensure_ascii=False))
    else:
        show()


def grid(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """A table for the terminal; numbers to the right."""
    table = Table(title=title, title_justify="left")
    for position, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[position], int | float) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    return table


@contextmanager
def progress_bar(hidden: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A progress callback drawn on standard error."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=hidden) as bar:
        task = bar.add_task("starting", total=None)

        def tell(label: str, done: int, total: int) -> None:
            bar.update(task, description=label, completed=done, total=total or None)

        yield tell


def workspace_for(profile: str | None) -> Workspace:
    chosen, why = choose_profile(profile)
    if "no mirror" in why:
        err.print(why)
    return open_workspace(chosen)


@app.command()
def build(
    profile: ProfileName = None,
    until: Annotated[str, typer.Option(help="Stop after this layer: raw, core, link, release, set, model, eval.")] = "eval",
    as_json: AsJson = False,
) -> None:
    """Bring everything up to date and say what there is: corpus summary, verdict of the gate, evaluation table."""
    with reported(as_json):
        from assets_defs import summary
        from assets_defs.build import build as run_build
        from assets_defs.graph import LAYERS

        if until not in LAYERS:
            raise UsageError(f"--until {until!r}: no such layer; the layers are {', '.join(LAYERS)}")
        space = workspace_for(profile)
        with progress_bar(as_json) as tell:
            done = run_build(space, tell, until=until)
        found = summary.summarise(space)
        emit(
            {"profile": space.profile.name, "ran": done.ran, "fresh": done.fresh, **found},
            as_json,
            lambda: summary.show(out, space, found, done),
        )


@app.command()
def check(profile: ProfileName = None, as_json: AsJson = False) -> None:
    """Judge the tables as they rest now. Exit code 1 when the gate refuses them."""
    with reported(as_json):
        from assets_defs import gate
        from assets_defs.step import today

        space = workspace_for(profile)
        verdict = gate.judge_workspace(space)
        refusal = verdict.refusal(gate.fingerprints(space), today())
        rows = [(_mark(r), r.severity, r.name, str(r.observed), f"{r.minimum} .. {r.maximum}") for r in verdict.results]

        def show() -> None:
            shown = [row for row in rows if row[0] != "ok"]
            if shown:
                out.print(grid("Not passed", ("", "severity", "expectation", "observed", "bounds"), shown))
            for r in verdict.results:
                if not r.passed and r.offending:
                    out.print(f"{r.name}: {r.description}; offending rows:", json.dumps(r.offending[:5], default=str), markup=False)
            out.print(f"Gate: {'refused' if refusal else 'passed'} ({len(rows)} expectations). Data Docs: {space.data_docs}/index.html")
            if refusal:
                out.print(refusal, markup=False)

        emit(json.loads(verdict.to_json()), as_json, show)
        if refusal:
            raise typer.Exit(NO)


def _mark(result: Any) -> str:
    return "ok" if result.passed else f"waived by {result.waived_by.who}" if result.waived_by else "FAILED"


@app.command()
def releases(profile: ProfileName = None, as_json: AsJson = False) -> None:
    """List published releases; the current one is marked."""
    with reported(as_json):
        from corpus_pipeline import release

        space = workspace_for(profile)
        here = release.pointer(space.releases).release_id
        rows = [
            ("*" if r.release_id == here else "", r.release_id, r.manifest.created_at, r.manifest.row_counts["core_movies"])
            for r in release.list_releases(space.releases)
        ]
        documents = [{"current": bool(row[0]), "release": row[1], "created_at": row[2], "movies": row[3]} for row in rows]
        emit(documents, as_json, lambda: out.print(grid("Releases", ("", "release", "created", "movies"), rows)))


@app.command()
def rollback(
    release_id: Annotated[str | None, typer.Argument(help="Release to go back to; by default the one before.")] = None,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Move the pointer to an older release, at once; nothing is deleted."""
    with reported(as_json):
        from assets_defs import gate

        found = gate.rollback(workspace_for(profile), release_id)
        emit({"current": found.release_id}, as_json, lambda: out.print(f"current release: {found.release_id}"))


@app.command()
def verify(
    release_id: Annotated[str | None, typer.Argument(help="Release to verify; by default the current one.")] = None,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Hash every published file again. Exit code 1 when a byte differs from the manifest."""
    with reported(as_json):
        from corpus_pipeline import release

        space = workspace_for(profile)
        found = release.open_release(space.releases, release_id) if release_id else release.current(space.releases)
        problems = release.verify(found)
        document = {"release": found.release_id, "files": len(found.manifest.files), "problems": problems}
        text = "\n".join(problems) or f"{found.release_id}: {len(found.manifest.files)} files, every one as published"
        emit(document, as_json, lambda: out.print(text, markup=False))
        if problems:
            raise typer.Exit(NO)


@lineage_app.command("explain")
def lineage_explain(
    name: Annotated[str, typer.Argument(help="Asset, table or asset@partition, e.g. eval_recommendation.")],
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Walk from NAME to raw SHA-256s; stops with an error at the first missing link."""
    with reported(as_json):
        from assets_defs import lineage
        from assets_defs.graph import step_of

        space = workspace_for(profile)
        asset, _, partition = name.partition("@")
        try:
            step = step_of(asset)
        except KeyError as error:
            raise UsageError(error.args[0]) from error
        start = lineage.record_name(step.name, partition or None)
        links = lineage.explain(space.ledger, start)
        documents = [{"depth": k.depth, "name": k.name, "fingerprint": k.fingerprint, "detail": k.detail} for k in links]
        lines = [f"{'  ' * k.depth}{k.name}  {k.fingerprint[:16]}  {k.detail}" for k in links]
        emit(documents, as_json, lambda: out.print("\n".join(lines), markup=False, highlight=False))


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT over the corpus and the link_, model_ and eval_ tables.")],
    limit: Annotated[int, typer.Option(help="Print at most so many rows; 0 for all.")] = 50,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Ask the published corpus in SQL: read only, no access outside, configuration locked."""
    with reported(as_json):
        from assets_defs.explore import ask

        columns, rows, more = ask(workspace_for(profile), query, limit=limit)
        documents = [dict(zip(columns, row, strict=True)) for row in rows]

        def show() -> None:
            out.print(grid("", columns, rows))
            if more:
                err.print(f"first {limit} rows; --limit 0 prints all")

        emit(documents, as_json, show)


@app.command()
def link(
    text: Annotated[str, typer.Option("--text", "-t", help="A title as people type it, with or without year.")],
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Link one typed title to a film, with score, runner-up and the rule that decided, or abstain with a reason."""
    with reported(as_json):
        from assets_defs.explore import link_title

        found = link_title(workspace_for(profile), text)
        emit(found, as_json, lambda: out.print(grid("", ("", ""), [(name, value) for name, value in found.items()])))


@app.command()
def evaluate(profile: ProfileName = None, as_json: AsJson = False) -> None:
    """Score the models on the test splits (building what that needs) and print the evaluation table."""
    with reported(as_json):
        from assets_defs import summary
        from assets_defs.build import build as run_build

        space = workspace_for(profile)
        with progress_bar(as_json) as tell:
            run_build(space, tell)
        rows = summary.evaluation_rows(space)
        emit(rows, as_json, lambda: summary.show_evaluation(out, space))


@app.command()
def recommend(
    dialogue: Annotated[str, typer.Argument(help="JSON file with the dialogue, or - for standard input.")] = "-",
    k: Annotated[int, typer.Option("--k", "-k", min=1, max=1000, help="How many films.")] = 10,
    model: Annotated[str, typer.Option(help="lrurec_text (any film with a vector) or lrurec (films seen in training).")] = "lrurec_text",
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Recommend films for a dialogue: {"turns": [{"speaker": "seeker", "text": "I loved Heat (1995)"}]}."""
    with reported(as_json):
        from assets_defs.explore import recommend_for

        found = recommend_for(workspace_for(profile), _read_dialogue(dialogue), k=k, model=model)
        rows = [(r["rank"], r["title"], r["year"], f"{r['score']:.3f}", r["movie_id"]) for r in found["recommendations"]]

        def show() -> None:
            heard = ", ".join(f"{m['title']} ({m['year']})" for m in found["history"]) or "no film (ranking by the learned prior)"
            out.print(f"heard: {heard}", markup=False, highlight=False)
            out.print(grid(f"release {found['release']}, model {found['model']}", ("", "title", "year", "score", "movie_id"), rows))

        emit(found, as_json, show)


def _read_dialogue(where: str) -> Mapping[str, Any]:
    try:
        text = sys.stdin.read() if where == "-" else Path(where).read_text(encoding="utf-8")
        found = json.loads(text)
    except (OSError, ValueError) as error:
        raise UsageError(f"dialogue {where}: expected a JSON document, saw: {error}") from error
    turns = found.get("turns") if isinstance(found, dict) else None
    good = isinstance(turns, list) and all(isinstance(turn, dict) and isinstance(turn.get("text"), str) for turn in turns)
    if not good:
        raise UsageError('dialogue: expected {"turns": [{"speaker": "seeker" or "recommender", "text": "..."}]}')
    return dict(found)


@app.command()
def doctor(profile: ProfileName = None, as_json: AsJson = False) -> None:
    """Look at the machine, the environment and the workspace, and say what to mend."""
    with reported(as_json):
        from assets_defs.doctor import findings

        found = findings(profile)
        rows = [("ok" if f.ok else "MEND", f.subject, f.seen, f.repair) for f in found]
        documents = [{"ok": f.ok, "subject": f.subject, "seen": f.seen, "repair": f.repair} for f in found]
        emit(documents, as_json, lambda: out.print(grid("", ("", "subject", "seen", "repair"), rows)))
        if not all(f.ok for f in found):
            raise typer.Exit(NO)


def main() -> None:
    """Entry point of the console script."""
    app()
