"""Published releases: publish, open, list, verify, roll back. A release never changes; only the pointer moves.

A release is one directory: `tables/*.parquet`, `corpus.duckdb`, `title_index/` (what linking looks titles up in),
`verdict.json`, `manifest.json`. It is assembled under a temporary name beside the others and renamed when whole, so a kill at
any moment leaves the old release or the new one.
Assembling may begin before the verdict is there, which names the release; a draft that is refused is deleted.
The pointer (`current.json`) is replaced by rename as well. Whether data may be published is judged elsewhere and handed
in as a verdict; this module only insists that the verdict passed and that it was given for exactly these bytes.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpus_pipeline import store, views
from corpus_pipeline.errors import ReleaseError
from corpus_pipeline.linking.facts import stamp_index
from corpus_pipeline.schema import render
from corpus_pipeline.schema.tables import named
from corpus_pipeline.schema.types import Table

STORAGE_VERSION = "v1.2.0"  # files of DuckDB 2.0's default cannot be opened by 1.5
LOADERS = 2  # the machine the project is designed for has two cores
POINTER, MANIFEST, VERDICT, DATABASE, TABLES, INDEX = (
    "current.json", "manifest.json", "verdict.json", "corpus.duckdb", "tables", "title_index",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a release is made of. `files` maps each file to its SHA-256; `tables` maps each table to that of its Parquet.

    `title_index` is the SHA-256 over the index's arrays; empty in releases of before there was one.
    """

    release_id: str
    created_at: str
    profile: str
    tables: Mapping[str, str]
    row_counts: Mapping[str, int]
    files: Mapping[str, str]
    parents: Mapping[str, str]
    title_index: str = ""


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which release is current, and whether it got there by publishing or by a person's rollback."""

    release_id: str
    moved_at: str
    reason: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A release that is assembled, and neither judged nor named: its folder and the manifest's share of what is in it."""

    path: Path
    tables: Mapping[str, str]
    row_counts: Mapping[str, int]
    files: Mapping[str, str]
    title_index: str


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

    @property
    def title_index(self) -> Path:
        """The folder of the index; ReleaseError when the release was published without one."""
        if not self.manifest.title_index:
            raise ReleaseError(f"release {self.release_id} was published without a title index: run `marquee build`")
        return self.path / INDEX

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


def release_id(fingerprints: Mapping[str, str], verdict: Mapping[str, Any], title_index: str = "") -> str:
    """The id follows from the tables' bytes, how they were judged (when is left out) and the index: same answers, same release."""
    judged = {name: value for name, value in verdict.items() if name != "judged_at"}
    content = json.dumps([dict(fingerprints), judged, *([title_index] if title_index else [])], sort_keys=True, default=str)
    return "r" + hashlib.sha256(content.encode()).hexdigest()[:12]


def publish(
    releases: Path,
    tables: Mapping[str, Path],
    *,
    verdict: Mapping[str, Any],
    profile: str,
    created_at: str,
    parents: Mapping[str, str],
    index: Path | None = None,
    draft: Draft | None = None,
) -> Release:
    """Assemble (unless `draft` is that already), fsync, rename, point. Publishing the same bytes again only moves the pointer.

    `tables` maps declared names to Parquet files, `index` is the folder of the title index made of them. Raises ReleaseError
    when the verdict failed or judged other bytes.
    """
    fingerprints = dict(draft.tables) if draft else {name: store.sha256(path) for name, path in sorted(tables.items())}
    _insist_on(verdict, fingerprints)
    new_id = release_id(fingerprints, verdict, draft.title_index if draft else _index_sha256(index))
    if not (releases / new_id).exists():
        draft = draft or assemble(releases, tables, index)
        _insist_on(verdict, draft.tables)  # the copies are what is published
        _name(draft, releases / new_id, verdict=verdict, profile=profile, created_at=created_at, parents=parents)
    remove_leftovers(releases)
    _point(releases, Pointer(new_id, created_at, "published"))
    return open_release(releases, new_id)


def _insist_on(verdict: Mapping[str, Any], fingerprints: Mapping[str, str]) -> None:
    if not verdict.get("passed"):
        failed = [result["name"] for result in verdict.get("results", ()) if not result["passed"] and not result.get("waived_by")]
        raise ReleaseError(f"the gate refused this corpus: failed expectations {failed}. What was published stays as it was")
    if dict(verdict.get("fingerprints", {})) != dict(fingerprints):
        changed = sorted(name for name in fingerprints if verdict.get("fingerprints", {}).get(name) != fingerprints[name])
        raise ReleaseError(f"the verdict was given for other bytes of {changed}; run the gate again (`marquee check`)")


def assemble(releases: Path, tables: Mapping[str, Path], index: Path | None = None) -> Draft:
    """Copies of `tables` and `index`, and `corpus.duckdb`, under a temporary name; earlier drafts are deleted."""
    remove_leftovers(releases)
    path = releases / ".draft.partial"
    (path / TABLES).mkdir(parents=True)
    for name, source in tables.items():
        shutil.copyfile(source, path / TABLES / f"{name}.parquet")
    counts = build_database(path / DATABASE, {name: path / TABLES / f"{name}.parquet" for name in sorted(tables)})
    if index:
        shutil.copytree(index, path / INDEX)
    files = {str(file.relative_to(path)): store.sha256(file) for file in sorted(path.rglob("*")) if file.is_file()}
    return Draft(path, {name: files[f"{TABLES}/{name}.parquet"] for name in sorted(tables)}, counts, files, _index_sha256(index))


def _index_sha256(index: Path | None) -> str:
    """SHA-256 over names and bytes of the arrays; the facts beside them say for which release they are."""
    arrays = sorted(index.glob("*.npy")) if index else []
    return hashlib.sha256(json.dumps([(array.name, store.sha256(array)) for array in arrays]).encode()).hexdigest() if arrays else ""


def _name(draft: Draft, final: Path, *, verdict: Mapping[str, Any], profile: str, created_at: str, parents: Mapping[str, str]) -> None:
    """The draft, with its verdict and manifest, becomes the release `final` in one rename."""
    (draft.path / VERDICT).write_text(json.dumps(dict(verdict), indent=1, sort_keys=True))
    named = [draft.path / VERDICT, *([stamp_index(draft.path / INDEX, final.name)] if draft.title_index else [])]
    files = dict(draft.files) | {str(file.relative_to(draft.path)): store.sha256(file) for file in named}
    manifest = Manifest(final.name, created_at, profile, draft.tables, draft.row_counts, files, parents, draft.title_index)
    (draft.path / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1, sort_keys=True))
    for file in draft.path.rglob("*"):
        store.sync(file)
    draft.path.replace(final)
    store.sync(final.parent)


def build_database(path: Path, tables: Mapping[str, Path]) -> dict[str, int]:
    """Write `path` with keys, comments and views over copies of the Parquet tables; returns row counts.

    Keys are added after loading: building an index over loaded rows costs a fraction of keeping it up while inserting.
    Comments come before it, on the empty table: each is a change of the table, and writes a loaded one's index again.
    """
    largest_first = sorted(tables, key=lambda name: -tables[name].stat().st_size)
    with store.connect(threads=1) as con, ThreadPoolExecutor(LOADERS) as pool:  # one table a thread: less CPU than two threads a table
        con.execute(f"ATTACH {render.literal(str(path))} AS corpus (STORAGE_VERSION {render.literal(STORAGE_VERSION)})")
        counts = dict(zip(largest_first, pool.map(lambda name: _load_table(con, named(name), tables[name]), largest_first), strict=True))
        con.execute("USE corpus")
        views.create_views(con)
        con.execute("USE memory")
        con.execute("DETACH corpus")
    return dict(sorted(counts.items()))


def _load_table(database: Any, table: Table, parquet: Path) -> int:
    con = database.cursor()
    con.execute("USE corpus")
    con.execute(render.create_table(table, with_key=False))
    con.execute(render.comments(table))
    con.execute(f"INSERT INTO {render.quoted(table.name)} SELECT * FROM read_parquet({render.literal(str(parquet))})")
    con.execute(f"ALTER TABLE {render.quoted(table.name)} ADD PRIMARY KEY ({', '.join(map(render.quoted, table.key))})")
    return int(con.execute(f"SELECT count(*) FROM {render.quoted(table.name)}").fetchone()[0])


def remove_leftovers(releases: Path) -> None:
    """Delete drafts that were refused or whose run was killed; published releases are never touched."""
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
        there = sorted(manifest.parent.name for manifest in releases.glob(f"r*/{MANIFEST}"))
        raise ReleaseError(
            f"no whole release {wanted!r} ({type(error).__name__}); published: {[r for r in there if r != wanted]}"
        ) from error


def list_releases(releases: Path) -> Sequence[Release]:
    """Every whole release, oldest first; a damaged one is left out."""
    found = []
    for manifest in releases.glob(f"r*/{MANIFEST}"):
        with suppress(ReleaseError):
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
    current = pointer(releases).release_id
    if current not in ids:
        raise ReleaseError(f"the current release {current} is gone; published: {ids}; run `marquee rollback <release>`")
    here = ids.index(current)
    if here == 0:
        raise ReleaseError(f"there is no release before {ids[0]}; published: {ids}")
    return ids[here - 1]


def has_own_id(release: Release) -> bool:
    """Whether the release is named after the tables, verdict and index that it holds."""
    return release_id(release.manifest.tables, release.verdict, release.manifest.title_index) == release.release_id


def verify(release: Release) -> list[str]:
    """Problems found by hashing every file again; empty when the release is as it was published."""
    problems = []
    if not has_own_id(release):
        problems.append(f"{VERDICT}: not the verdict, or not the tables, that {release.release_id} was named after")
    for name, expected in release.manifest.files.items():
        file = release.path / name
        seen = store.sha256(file) if file.exists() else "missing"
        if seen != expected:
            problems.append(f"{name}: {seen}, the manifest says {expected}")
    return problems
