"""The gate and the lock: judge the tables as they rest, publish what passed, and hand trainers nothing else.

A Dagster check shows the verdict; the lock is here, in the way to the data: `trainable_release` is the only door.
"""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from assets_defs.errors import GateError
from assets_defs.lineage import Record
from assets_defs.step import Built, Job, today
from assets_defs.workspace import Workspace
from corpus_pipeline import release, store
from corpus_pipeline.errors import ReleaseError
from corpus_pipeline.schema import tables as t
from quality.corpus import expectations_for
from quality.expectations import Expectation
from quality.gate import judge
from quality.verdict import Verdict
from quality.waivers import load_waivers


def missing_tables(workspace: Workspace) -> list[str]:
    """Released tables that are not in the workspace yet."""
    return [table.name for table in t.RELEASED if not workspace.table(table).exists()]


def fingerprints(workspace: Workspace) -> dict[str, str]:
    """SHA-256 of every table that a release holds, as it rests in the workspace."""
    paths = {table.name: workspace.table(table) for table in t.RELEASED}
    missing = missing_tables(workspace)
    if missing:
        raise GateError(f"the gate needs tables that are not built: {missing}; run `marquee build`")
    return {name: store.sha256(path) for name, path in paths.items()}


def expectations(workspace: Workspace) -> tuple[Expectation, ...]:
    """Everything the corpus of this profile must satisfy."""
    profile = workspace.profile
    reviewed = profile.baseline or profile.name
    return expectations_for(reviewed, minimum_movies=profile.minimum_movies, own_sources=tuple(profile.movie_dumps))


def judge_workspace(workspace: Workspace) -> Verdict:
    """Judge the tables now in the workspace, keep the verdict and its Data Docs beside them."""
    judged = fingerprints(workspace)
    with store.connect({table.name: workspace.table(table) for table in t.RELEASED}) as con:

        def run_sql(sql: str) -> pa.Table:
            return con.execute(sql).to_arrow_table()

        expected = expectations(workspace)
        verdict = judge(
            expected,
            run_sql,
            fingerprints=judged,
            waivers=load_waivers(workspace.waivers, known={expectation.name for expectation in expected}, today=today()),
            today=today(),
            judged_at=datetime.now(UTC).isoformat(timespec="seconds"),
            docs_dir=workspace.data_docs,
        )
    if fingerprints(workspace) != judged:
        raise GateError("the tables changed while they were judged: another run writes them; wait for it and judge again")
    workspace.verdict.parent.mkdir(parents=True, exist_ok=True)
    partial = workspace.verdict.with_suffix(".partial")
    partial.write_text(verdict.to_json())
    partial.replace(workspace.verdict)
    return verdict


def stored_verdict(workspace: Workspace) -> Verdict | None:
    """The last verdict, whatever it was given for."""
    try:
        return Verdict.from_json(workspace.verdict.read_text())
    except (OSError, ValueError, KeyError, TypeError):
        return None


def standing_verdict(workspace: Workspace) -> Verdict | None:
    """The stored verdict, if it is that of today's expectations on exactly the bytes now in the workspace."""
    verdict = stored_verdict(workspace)
    stands = verdict is not None and dict(verdict.fingerprints) == fingerprints(workspace) and _is_of_today(verdict, workspace)
    return verdict if stands else None


def verdict_for_workspace(workspace: Workspace) -> Verdict:
    """The verdict of today's expectations on exactly the bytes now in the workspace; judged when there is none, once however many ask."""
    with workspace.writing("gate"):
        return standing_verdict(workspace) or judge_workspace(workspace)


def _is_of_today(verdict: Verdict, workspace: Workspace) -> bool:
    """Whether the verdict answers today's expectations, and any waiver of it is one that still stands in the file."""
    asked = expectations(workspace)
    failed = {result.name for result in verdict.results if not result.passed}
    standing = load_waivers(workspace.waivers, known={expectation.name for expectation in asked}, today=today())
    waived = {result.waived_by for result in verdict.results if result.waived_by}
    return verdict.answers(asked) and waived == {waiver for waiver in standing if waiver.expectation in failed}


def _judged_and_drafted(workspace: Workspace, tables: Mapping[str, Path], index: Path) -> tuple[Verdict, release.Draft | None]:
    """The verdict, and the release assembled while it was reached: judging keeps one core busy, and is seldom in vain."""
    standing = standing_verdict(workspace)
    if standing is not None:
        return standing, None
    with ThreadPoolExecutor(1) as beside:
        draft = beside.submit(release.assemble, workspace.releases, tables, index)
        verdict = verdict_for_workspace(workspace)
        return verdict, draft.result() if verdict.passed else None  # what the gate refuses may not even fit a database with keys


def release_corpus(job: Job) -> Iterator[Built]:
    """Publish the tables if the gate passed them; refused data leaves everything published as it was."""
    space = job.workspace
    tables = {table.name: space.table(table) for table in t.RELEASED}
    job.progress("judging the corpus and assembling a release", 0, 2)
    index = space.artifact_of("link_index")
    verdict, draft = _judged_and_drafted(space, tables, index)
    refusal = verdict.refusal(fingerprints(space), today())
    if refusal:
        release.remove_leftovers(space.releases)
        raise GateError(f"not published: {refusal}")
    for table in t.RELEASED:
        job.parent_file(table)  # the lineage of a release must be that of its bytes
    job.progress("publishing the release", 1, 2)
    published = release.publish(
        space.releases,
        tables,
        verdict=json.loads(verdict.to_json()),
        profile=space.profile.name,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        parents={name: record.fingerprint for name, record in job.parents.items()},
        index=index,
        draft=draft,
    )
    yield Built([published.path / release.MANIFEST], _summary(published))


def _summary(published: release.Release) -> dict[str, Any]:
    lines = ["| table | rows |", "| --- | ---: |"]
    lines += [f"| {name} | {count:,} |" for name, count in sorted(published.manifest.row_counts.items())]
    movies = published.manifest.row_counts[t.MOVIES.name]
    return {
        "release": published.release_id,
        "movies": movies,
        "expectations": len(published.verdict["results"]),
        "tables": "\n".join(lines),
    }


def trainable_release(workspace: Workspace) -> release.Release:
    """The current release, if it may be trained on; GateError naming the failed expectation otherwise.

    Refused: nothing published; a release whose own verdict does not pass its bytes today (an expired waiver included); a
    pointer that publishing left behind, because the gate has since refused the tables now built, or never saw them. A
    pointer that a person rolled back is taken as meant.
    """
    found = release.current(workspace.releases)
    verdict = Verdict.from_json(json.dumps(dict(found.verdict)))
    refusal = verdict.refusal(found.manifest.tables, today())
    if refusal:
        raise GateError(f"release {found.release_id} may not be trained on: {refusal}")
    if not release.has_own_id(found):
        raise GateError(
            f"release {found.release_id} may not be trained on: its verdict was altered after publishing; "
            "run `marquee rollback` to another release, or build again"
        )
    if release.pointer(workspace.releases).reason == "published":
        _refuse_stale(workspace, found)
    return found


def _refuse_stale(workspace: Workspace, found: release.Release) -> None:
    staged, last = fingerprints(workspace), stored_verdict(workspace)
    is_judged = last is not None and dict(last.fingerprints) == staged
    refusal = last.refusal(staged, today()) if last is not None and is_judged else None
    if refusal is None and staged == dict(found.manifest.tables):
        return
    unpublished = "the gate passed them, run `marquee build` to publish" if is_judged else "the tables were never judged"
    raise GateError(
        f"the pointer is stale: release {found.release_id} was published before the tables now built were judged, and these are not "
        f"published: {refusal or unpublished}. "
        f"Repair the corpus, or say `marquee rollback {found.release_id}` to train on the older release knowingly"
    )


def rollback(workspace: Workspace, wanted: str | None) -> release.Release:
    """Point at an older release and record it as what the trainers' inputs come from."""
    if wanted is None:
        release.pointer(workspace.releases)  # says that nothing is published before a lock makes a folder
    with workspace.writing("release_corpus"):
        found = release.rollback(workspace.releases, wanted, moved_at=datetime.now(UTC).isoformat(timespec="seconds"))
        old = workspace.ledger.get("release_corpus")
        if old is not None:
            workspace.ledger.put(_rolled_back(workspace, old, found))
    return found


def _rolled_back(workspace: Workspace, old: Record, found: release.Release) -> Record:
    manifest = found.path / release.MANIFEST
    outputs: Mapping[str, str] = {workspace.relative(manifest): store.sha256(manifest)}
    kept = {name: getattr(old, name) for name in ("asset", "partition", "inputs_key", "code_version", "config", "seconds")}
    return Record(**kept, outputs=outputs, parents=found.manifest.parents, built_at=found.manifest.created_at, metadata=_summary(found))


def release_or_none(workspace: Workspace) -> release.Release | None:
    """The current release for readers, who may look at what trainers may not."""
    try:
        return release.current(workspace.releases)
    except ReleaseError:
        return None
