"""Published releases: publish, open, list, verify, roll back. A release never changes; only the pointer moves.

A release is one directory: `tables/*.parquet`, `corpus.duckdb`, `verdict.json`, `manifest.json`. It is assembled under a
temporary name beside the others and renamed when whole, so a kill at any moment leaves the old release or the new one.
The pointer (`current.json`) is replaced by rename as well. Whether data may be published is judged elsewhere and handed
in as a verdict; this module only insists that the verdict passed and that it was given for exactly these bytes.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpus_pipeline import store, views
from corpus_pipeline.errors import ReleaseError
from corpus_pipeline.schema import render
from corpus_pipeline.schema.tables import named
from corpus_pipeline.schema.types import Table

STORAGE_VERSION = "v1.2.0"  # files of DuckDB 2.0's default cannot be opened by 1.5
POINTER, MANIFEST, VERDICT, DATABASE, TABLES = "current.json", "manifest.json", "verdict.json", "corpus.duckdb", "tables"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a release is made of. `files` maps each file to its SHA-256; `tables` maps each table to that of its Parquet."""

    release_id: str
    created_at: str
    profile: str
    tables: Mapping[str, str]
    row_counts: Mapping[str, int]
    files: Mapping[str, str]
    parents: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which release is current, and whether it got there by publishing or by a person's rollback."""

    release_id: str
    moved_at: str
    reason: str


@dataclass(frozen=True, slots=True)
class Release:
    """A published release on disk."""

    path: Path
    manifest: Manifest
    verdict: Mapping[str, Any]

    @property
    def release_id(self) -> str:
        return self.manifest.release_id

    @property
    def database(self) -> Path:
        return self.path / DATABASE

    def table(self, table: Table) -> pa.Table:
        """The table's rows, after checking that its file is byte for byte the one that was judged."""
        return store.read_table(self._verified(table), table)

    def columns(self, table: Table, names: Sequence[str]) -> pa.Table:
        """Some columns of a table, after the same check; for readers who need not pay for the others."""
        import pyarrow.parquet as pq

        return pq.read_table(self._verified(table), columns=list(names))

    def _verified(self, table: Table) -> Path:
        file = self.path / TABLES / f"{table.name}.parquet"
        if table.name not in self.manifest.tables or not file.exists():
            raise ReleaseError(f"release {self.release_id} holds no table {table.name}; it has {sorted(self.manifest.tables)}")
        seen = store.sha256(file)
        if seen != self.manifest.tables[table.name]:
            raise ReleaseError(
                f"release {self.release_id}: {table.name} has SHA-256 {seen}, the manifest says {self.manifest.tables[table.name]}; "
                "the file was changed after publishing. Run `marquee verify` and `marquee rollback`, or build again"
            )
        return file


def release_id(fingerprints: Mapping[str, str], verdict: Mapping[str, Any]) -> str:
    """The id follows from the tables' bytes and from how they were judged (when is left out): same answers, same release."""
    judged = {name: value for name, value in verdict.items() if name != "judged_at"}
    content = json.dumps([dict(fingerprints), judged], sort_keys=True, default=str)
    return "r" + hashlib.sha256(content.encode()).hexdigest()[:12]


def publish(
    releases: Path,
    tables: Mapping[str, Path],
    *,
    verdict: Mapping[str, Any],
    profile: str,
    created_at: str,
    parents: Mapping[str, str],
) -> Release:
    """Assemble, fsync, rename, point. Publishing the same bytes again only moves the pointer.

    `tables` maps declared names to Parquet files. Raises ReleaseError when the verdict failed or judged other bytes.
    """
    fingerprints = {name: store.sha256(path) for name, path in sorted(tables.items())}
    _insist_on(verdict, fingerprints)
    new_id = release_id(fingerprints, verdict)
    final = releases / new_id
    if not final.exists():
        remove_leftovers(releases)
        _assemble(final, tables, fingerprints=fingerprints, verdict=verdict, profile=profile, created_at=created_at, parents=parents)
    _point(releases, Pointer(new_id, created_at, "published"))
    return open_release(releases, new_id)


def _insist_on(verdict: Mapping[str, Any], fingerprints: Mapping[str, str]) -> None:
    if not verdict.get("passed"):
        failed = [result["name"] for result in verdict.get("results", ()) if not result["passed"] and not result.get("waived_by")]
        raise ReleaseError(f"the gate refused this corpus: failed expectations {failed}. What was published stays as it was")
    if dict(verdict.get("fingerprints", {})) != dict(fingerprints):
        changed = sorted(name for name in fingerprints if verdict.get("fingerprints", {}).get(name) != fingerprints[name])
        raise ReleaseError(f"the verdict was given for other bytes of {changed}; run the gate again (`marquee check`)")


def _assemble(
    final: Path,
    tables: Mapping[str, Path],
    *,
    fingerprints: Mapping[str, str],
    verdict: Mapping[str, Any],
    profile: str,
    created_at: str,
    parents: Mapping[str, str],
) -> None:
    partial = final.with_name(f".{final.name}.partial")
    (partial / TABLES).mkdir(parents=True)
    for name, source in tables.items():
        shutil.copyfile(source, partial / TABLES / f"{name}.parquet")
    counts = build_database(partial / DATABASE, {name: partial / TABLES / f"{name}.parquet" for name in sorted(tables)})
    (partial / VERDICT).write_text(json.dumps(dict(verdict), indent=1, sort_keys=True))
    files = {str(file.relative_to(partial)): store.sha256(file) for file in sorted(partial.rglob("*")) if file.is_file()}
    manifest = Manifest(final.name, created_at, profile, fingerprints, counts, files, parents)
    (partial / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1, sort_keys=True))
    for file in partial.rglob("*"):
        store.sync(file)
    partial.replace(final)
    store.sync(final.parent)


def build_database(path: Path, tables: Mapping[str, Path]) -> dict[str, int]:
    """Write `path` with keys, comments and views over copies of the Parquet tables; returns row counts.

    Keys are added after loading: building an index over loaded rows costs a fraction of keeping it up while inserting.
    """
    counts = {}
    with store.connect() as con:
        con.execute(f"ATTACH {render.literal(str(path))} AS corpus (STORAGE_VERSION {render.literal(STORAGE_VERSION)})")
        con.execute("USE corpus")
        for name, parquet in tables.items():
            counts[name] = _load_table(con, named(name), parquet)
        views.create_views(con)
        con.execute("USE memory")
        con.execute("DETACH corpus")
    return counts


def _load_table(con: Any, table: Table, parquet: Path) -> int:
    con.execute(render.create_table(table, with_key=False))
    con.execute(f"INSERT INTO {render.quoted(table.name)} SELECT * FROM read_parquet({render.literal(str(parquet))})")
    con.execute(f"ALTER TABLE {render.quoted(table.name)} ADD PRIMARY KEY ({', '.join(map(render.quoted, table.key))})")
    con.execute(render.comments(table))
    return int(con.execute(f"SELECT count(*) FROM {render.quoted(table.name)}").fetchone()[0])


def remove_leftovers(releases: Path) -> None:
    """Delete half-assembled releases of killed runs; published ones are never touched."""
    releases.mkdir(parents=True, exist_ok=True)
    for leftover in releases.glob(".*.partial"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


def _point(releases: Path, pointer: Pointer) -> None:
    partial = releases / f".{POINTER}.{os.getpid()}.partial"
    partial.write_text(json.dumps(asdict(pointer), indent=1))
    store.sync(partial)
    partial.replace(releases / POINTER)
    store.sync(releases)


def open_release(releases: Path, wanted: str) -> Release:
    """The release `wanted`; ReleaseError lists what there is when it is not there or not whole."""
    path = releases / wanted
    try:
        manifest = Manifest(**json.loads((path / MANIFEST).read_text()))
        return Release(path, manifest, json.loads((path / VERDICT).read_text()))
    except (OSError, ValueError, TypeError) as error:
        there = [release.release_id for release in list_releases(releases)] if path.exists() or releases.exists() else []
        raise ReleaseError(
            f"no whole release {wanted!r} ({type(error).__name__}); published: {[r for r in there if r != wanted]}"
        ) from error


def list_releases(releases: Path) -> Sequence[Release]:
    """Every whole release, oldest first."""
    found = []
    for manifest in releases.glob(f"r*/{MANIFEST}"):
        if (manifest.parent / VERDICT).exists():
            found.append(open_release(releases, manifest.parent.name))
    return sorted(found, key=lambda release: (release.manifest.created_at, release.release_id))


def pointer(releases: Path) -> Pointer:
    """Which release is current; ReleaseError with the repair when nothing is published or the pointer is damaged."""
    try:
        return Pointer(**json.loads((releases / POINTER).read_text()))
    except FileNotFoundError as error:
        raise ReleaseError("nothing is published yet: run `marquee build`") from error
    except (ValueError, TypeError) as error:
        raise ReleaseError(f"the release pointer is damaged ({error}): run `marquee rollback <release>` to set it again") from error


def current(releases: Path) -> Release:
    """The current release."""
    return open_release(releases, pointer(releases).release_id)


def rollback(releases: Path, wanted: str | None, *, moved_at: str) -> Release:
    """Point at `wanted`, by default the release published before the current one. Nothing else is touched."""
    if wanted is None:
        wanted = _previous(releases)
    found = open_release(releases, wanted)
    _point(releases, Pointer(found.release_id, moved_at, "rolled back"))
    return found


def _previous(releases: Path) -> str:
    ids = [release.release_id for release in list_releases(releases)]
    here = ids.index(pointer(releases).release_id)
    if here == 0:
        raise ReleaseError(f"there is no release before {ids[0]}; published: {ids}")
    return ids[here - 1]


def verify(release: Release) -> list[str]:
    """Problems found by hashing every file again; empty when the release is as it was published."""
    problems = []
    for name, expected in release.manifest.files.items():
        file = release.path / name
        seen = store.sha256(file) if file.exists() else "missing"
        if seen != expected:
            problems.append(f"{name}: {seen}, the manifest says {expected}")
    return problems
