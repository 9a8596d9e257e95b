"""The `marquee` command: everything the UI does, for a terminal and for scripts. One place for all of it.

Exit codes: 0 done; 1 the answer is no (gate failed, verification found damage, a build step failed); 2 the request is
wrong (unknown key, bad SQL, bad dialogue); 3 there is nothing to answer from yet. `--json` prints one JSON document.
"""

import difflib
import json
from typing import TYPE_CHECKING, Annotated

import typer

from assets_defs import cli_links, cli_recommend
from assets_defs.command import NO, AsJson, ProfileName, UsageError, emit, reported, workspace_for, workspace_to_write
from assets_defs.errors import LineageError
from assets_defs.terminal import err, grid, out, progress_bar, say
from assets_defs.workspace import Workspace
from corpus_pipeline.errors import ReleaseError

if TYPE_CHECKING:
    from corpus_pipeline.release import Release
    from quality.verdict import Result, Verdict

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
lineage_app = typer.Typer(no_args_is_help=True, help="Walk from a result back to raw bytes.")
app.add_typer(lineage_app, name="lineage")
cli_links.add_to(app)
cli_recommend.add_to(app)


@app.command()
def build(
    assets: Annotated[list[str] | None, typer.Argument(help="Only these assets and what they are made from.", show_default=False)] = None,
    profile: ProfileName = None,
    until: Annotated[str, typer.Option(help="Stop after this layer: raw, core, link, release, set, model, eval.")] = "eval",
    as_json: AsJson = False,
) -> None:
    """Bring everything up to date and say what there is: corpus summary, verdict of the gate, evaluation table."""
    with reported(as_json):
        from assets_defs import summary
        from assets_defs.build import build as run_build
        from assets_defs.graph import LAYERS, step_of

        if until not in LAYERS:
            raise UsageError(f"--until {until!r}: no such layer; the layers are {', '.join(LAYERS)}")
        try:
            wanted = [step_of(name).name for name in assets or ()]
        except KeyError as error:
            raise UsageError(str(error.args[0])) from error
        space = workspace_to_write(profile)
        with progress_bar(as_json) as tell:
            done = run_build(space, tell, until=until, assets=wanted)
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
        missing = gate.missing_tables(space)
        if missing:
            raise LineageError(f"the gate reads all tables and {len(missing)} are not built, {missing[0]} first: run `marquee build`")
        with space.writing("gate"), progress_bar(as_json) as tell:
            tell("judging the tables", 0, 0)
            verdict = gate.judge_workspace(space)
            refusal = verdict.refusal(gate.fingerprints(space), today())
        emit(json.loads(verdict.to_json()), as_json, lambda: _show_verdict(space, verdict, refusal))
        if refusal:
            raise typer.Exit(NO)


def _show_verdict(space: Workspace, verdict: "Verdict", refusal: str | None) -> None:
    from assets_defs.checks import bounds

    failed = [result for result in verdict.results if not result.passed]
    if failed:
        rows = [(_mark(r), r.name, "nothing" if r.observed is None else f"{r.observed:,.6g}", bounds(r)) for r in failed]
        out.print(grid("Not passed", ("", "expectation", "observed", "bounds"), rows))
    for r in failed:
        say(out, f"{r.name}: {r.description} {r.error or ''}".rstrip())
        if r.offending:
            say(out, f"  offending rows: {json.dumps(r.offending[:5], default=str, ensure_ascii=False)}")
    passed = "refused" if refusal else "passed"
    say(out, f"Gate: {passed} ({len(verdict.results)} expectations). Data Docs: {space.data_docs}/index.html")
    if refusal:
        say(out, refusal)


def _mark(result: "Result") -> str:
    return f"waived by {result.waived_by.who}" if result.waived_by else "FAILED"


@app.command()
def releases(profile: ProfileName = None, as_json: AsJson = False) -> None:
    """List published releases; the current one is marked."""
    with reported(as_json):
        from corpus_pipeline import release

        space = workspace_for(profile)
        found = release.list_releases(space.releases)
        try:
            here = release.pointer(space.releases).release_id
        except ReleaseError as error:
            if not found:
                raise
            here = ""  # a damaged pointer must not hide what can be rolled back to
            say(err, str(error))
        rows = [
            ("*" if r.release_id == here else "", r.release_id, r.manifest.created_at, r.manifest.row_counts["core_movies"]) for r in found
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

        space = workspace_for(profile)
        found = gate.rollback(space, _published(space, release_id).release_id if release_id else None)
        emit({"current": found.release_id}, as_json, lambda: out.print(f"current release: {found.release_id}"))


def _published(space: Workspace, wanted: str) -> "Release":
    """The published release called `wanted`; UsageError names the nearest, ReleaseError says that there is none at all."""
    from corpus_pipeline import release

    there = {found.release_id: found for found in release.list_releases(space.releases)}
    if not there:
        release.pointer(space.releases)
    if wanted not in there:
        near = difflib.get_close_matches(wanted, there, n=1)
        raise UsageError(f"no release {wanted!r}" + (f"; did you mean {near[0]!r}?" if near else f"; published: {', '.join(there)}"))
    return there[wanted]


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
        found = _published(space, release_id) if release_id else release.current(space.releases)
        with progress_bar(as_json) as tell:
            tell(f"hashing {len(found.manifest.files)} files", 0, 0)
            problems = release.verify(found)
        document = {"release": found.release_id, "files": len(found.manifest.files), "problems": problems}
        text = "\n".join(problems) or f"{found.release_id}: {len(found.manifest.files)} files, every one as published"
        emit(document, as_json, lambda: say(out, text))
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
        there = step.partition_keys(space.profile)
        if partition and partition not in there:
            raise UsageError(f"{step.name} has no partition {partition!r}; it has {', '.join(map(str, filter(None, there))) or 'none'}")
        chosen = [partition] if partition else there
        links = [link for key in chosen for link in lineage.explain(space.ledger, lineage.record_name(step.name, key))]
        documents = [{"depth": k.depth, "name": k.name, "fingerprint": k.fingerprint, "detail": k.detail} for k in links]
        lines = [f"{'  ' * k.depth}{k.name}  {k.fingerprint[:16]}  {k.detail}" for k in links]
        emit(documents, as_json, lambda: say(out, "\n".join(lines)))


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT over the corpus and the link_, model_ and eval_ tables.")],
    limit: Annotated[int, typer.Option(min=0, help="Print at most so many rows; 0 for all.")] = 50,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Ask the published corpus in SQL: read only, no access outside, configuration locked."""
    with reported(as_json):
        from assets_defs.explore import ask

        columns, rows, more = ask(workspace_for(profile), query, limit=limit)
        documents = [dict(zip(columns, row, strict=True)) for row in rows]
        if more:
            say(err, f"first {limit} rows; --limit 0 prints all")

        def show() -> None:
            out.print(grid("", columns, rows))

        emit(documents, as_json, show)


@app.command()
def evaluate(profile: ProfileName = None, as_json: AsJson = False) -> None:
    """Score the models on the test splits (building what that needs) and print the evaluation table."""
    with reported(as_json):
        from assets_defs import summary
        from assets_defs.build import build as run_build
        from corpus_pipeline.schema import tables as t

        space = workspace_to_write(profile)
        with progress_bar(as_json) as tell:
            run_build(space, tell)
        rows = summary.rows_of(space, t.EVAL_METRICS)
        emit(rows, as_json, lambda: summary.show_evaluation(out, space))


@app.command()
def doctor(profile: ProfileName = None, as_json: AsJson = False) -> None:
    """Look at the machine, the environment and the workspace, and say what to mend."""
    with reported(as_json):
        from assets_defs.doctor import findings

        found = findings(profile)
        rows = [("ok" if f.ok else "MEND", f.subject, f.seen, "" if f.ok else f.repair) for f in found]
        documents = [{"ok": f.ok, "subject": f.subject, "seen": f.seen, "repair": None if f.ok else f.repair} for f in found]
        emit(documents, as_json, lambda: out.print(grid("", ("", "subject", "seen", "repair"), rows)))
        if not all(f.ok for f in found):
            raise typer.Exit(NO)


def main() -> None:
    """Entry point of the console script."""
    app()
