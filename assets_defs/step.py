"""From a plain function to a Dagster asset that remembers: `Step` declares, `asset` wraps, `Job` is what the function sees.

A step's function yields `Built` once per partition (once with partition None when there are none). The wrapper writes the
lineage record after the outputs, so a kill in between leaves the old record, whose inputs no longer match: the step is
stale and runs again to the same bytes.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from assets_defs import lineage
from assets_defs.errors import LineageError
from assets_defs.profile import Profile
from assets_defs.workspace import Workspace
from corpus_pipeline.schema.types import Table

Progress = Callable[[str, int, int], None]
OWNERS = ["team:marquee"]


@dataclass(frozen=True, slots=True)
class Built:
    """What one call produced: files inside the workspace (or read-only inputs), extra parents, and metadata to show."""

    files: Sequence[Path]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)
    partition: str | None = None


@dataclass(frozen=True)
class Step:
    """One node of the graph, declared. `tables` each become an asset key; a step without tables is one key of its own name.

    `code` names the packages whose source the result depends on; `config` picks the part of the profile it depends on, `inputs`
    tells the SHA-256 of files that people lay beside the graph.
    `partitions` names the profile's list of partition keys ('movie_partitions' or 'dialogue_datasets').
    """

    name: str
    layer: str
    description: str
    run: Callable[["Job"], Iterator[Built]]
    parents: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    code: tuple[str, ...] = ()
    config: Callable[[Profile], Mapping[str, Any]] = lambda profile: {}
    inputs: Callable[[Workspace], Mapping[str, Any]] = lambda workspace: {}
    partitions: str | None = None
    kinds: frozenset[str] = frozenset()

    def settings(self, workspace: Workspace) -> dict[str, Any]:
        """Everything besides code and parents that the result depends on."""
        return {**self.config(workspace.profile), **self.inputs(workspace)}

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(table.name for table in self.tables) or (self.name,)

    def partition_keys(self, profile: Profile) -> tuple[str | None, ...]:
        return tuple(getattr(profile, self.partitions)) if self.partitions else (None,)


@dataclass(frozen=True)
class Job:
    """What a step's function may use: its workspace, the partitions to build, its parents' records, a way to tell progress."""

    step: Step
    workspace: Workspace
    partitions: tuple[str | None, ...]
    parents: Mapping[str, lineage.Record]
    progress: Progress
    log: Callable[[str], None]

    def parent_file(self, table: Table, partition: str | None = None) -> Path:
        """A parent's Parquet file, after checking that its bytes are those on record."""
        from corpus_pipeline.store import sha256

        path = self.workspace.table(table, partition)
        name = self.workspace.relative(path)
        recorded = [record.outputs[name] for record in self.parents.values() if name in record.outputs]
        seen = sha256(path) if path.exists() else "nothing"
        if recorded != [seen]:
            raise LineageError(
                f"{self.step.name}: {name} has SHA-256 {seen}, its record says {recorded}: delete {path} and run `marquee build`"
            )
        return path

    def parent_columns(self, table: Table, names: Sequence[str]) -> pa.Table:
        """Some columns of a parent's table, for steps that need not pay for the others."""
        import pyarrow.parquet as pq

        return pq.read_table(self.parent_file(table), columns=list(names))

    def parent_table(self, table: Table, partition: str | None = None) -> pa.Table:
        from corpus_pipeline.store import read_table

        return read_table(self.parent_file(table, partition), table)


def today() -> date:
    """The date in UTC, for pins and waivers."""
    return datetime.now(UTC).date()


def parent_records(step: Step, steps: Mapping[str, Step], workspace: Workspace) -> dict[str, lineage.Record]:
    """Every parent's record, one per partition; LineageError names all that are missing."""
    names = [
        lineage.record_name(parent, partition) for parent in step.parents for partition in steps[parent].partition_keys(workspace.profile)
    ]
    records = {name: workspace.ledger.get(name) for name in names}
    missing = [name for name, record in records.items() if record is None]
    if missing:
        raise LineageError(f"{step.name}: its parents {missing} have not been built: run `marquee build`, or materialise them first")
    return {name: record for name, record in records.items() if record is not None}


def parents_for(step: Step, partition: str | None, parents: Mapping[str, lineage.Record]) -> dict[str, lineage.Record]:
    """A partition depends on the same partition of a partitioned parent, and on the whole of any other."""
    own = {name: r for name, r in parents.items() if partition is None or r.partition in (None, partition)}
    return own if own else dict(parents)


def expected_key(step: Step, partition: str | None, parents: Mapping[str, lineage.Record], workspace: Workspace) -> str:
    fingerprints = {name: record.fingerprint for name, record in parents_for(step, partition, parents).items()}
    return lineage.inputs_key(lineage.code_version(step.code), step.settings(workspace), fingerprints)


def stale_partitions(step: Step, steps: Mapping[str, Step], workspace: Workspace) -> list[str | None]:
    """Partitions whose record is missing, whose files are gone, or whose code, config or parents have changed."""
    try:
        parents = parent_records(step, steps, workspace)
    except LineageError:
        return list(step.partition_keys(workspace.profile))
    return [p for p in step.partition_keys(workspace.profile) if not _fresh(step, p, parents, workspace)]


def _fresh(step: Step, partition: str | None, parents: Mapping[str, lineage.Record], workspace: Workspace) -> bool:
    record = workspace.ledger.get(lineage.record_name(step.name, partition))
    if record is None or record.inputs_key != expected_key(step, partition, parents, workspace):
        return False
    return all(_is_there(workspace.absolute(name), sha, is_input=not step.parents) for name, sha in record.outputs.items())


def _is_there(path: Path, recorded: str, *, is_input: bool) -> bool:
    """Our own outputs are replaced whole, so being there is enough; what others lay down (raw files) is hashed again."""
    from corpus_pipeline.store import sha256

    return path.exists() and (not is_input or sha256(path) == recorded)


def perform(job: Job) -> Iterator[tuple[Built, lineage.Record]]:
    """Run the step's function and put each partition's record as soon as its files are there."""
    from corpus_pipeline.store import sha256

    started = time.perf_counter()
    for built in job.step.run(job):
        parents = parents_for(job.step, built.partition, job.parents)
        config = job.step.settings(job.workspace)
        record = lineage.Record(
            asset=job.step.name,
            partition=built.partition,
            outputs={job.workspace.relative(path): sha256(path) for path in built.files},
            parents={**{name: parent.fingerprint for name, parent in parents.items()}, **built.parents},
            inputs_key=expected_key(job.step, built.partition, job.parents, job.workspace),
            code_version=lineage.code_version(job.step.code),
            config=config,
            built_at=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=round(time.perf_counter() - started, 3),
            metadata=dict(built.metadata),
        )
        job.workspace.ledger.put(record)
        yield built, record


def asset(step: Step, steps: Mapping[str, Step], workspace: Workspace, progress: Progress) -> dg.AssetsDefinition:
    """The Dagster asset (or multi-asset) of a step."""
    upstream = [key for parent in step.parents for key in steps[parent].keys]
    specs = [
        dg.AssetSpec(
            key,
            deps=upstream,
            description=_description(step, key),
            group_name=step.layer,
            kinds=set(step.kinds),
            owners=OWNERS,
            tags={"layer": step.layer},
        )
        for key in step.keys
    ]
    partitions = dg.StaticPartitionsDefinition([str(p) for p in step.partition_keys(workspace.profile)]) if step.partitions else None

    @dg.multi_asset(
        name=step.name,
        specs=specs,
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run() if partitions else None,
    )
    def materialise(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        chosen = tuple(context.partition_keys) if partitions else (None,)
        with workspace.writing(step.name):
            job = Job(step, workspace, chosen, parent_records(step, steps, workspace), progress, context.log.info)
            done = list(perform(job))
        for key in step.keys:
            for built, record in done if partitions else ():
                context.add_asset_metadata(_metadata(key, built, record), asset_key=key, partition_key=record.partition)
            whole = {} if partitions else _metadata(key, *done[0])
            yield dg.MaterializeResult(key, metadata=whole, data_version=dg.DataVersion(_version(done)))

    return materialise


def _description(step: Step, key: str) -> str:
    return next((table.description for table in step.tables if table.name == key), step.description)


def _version(done: Sequence[tuple[Built, lineage.Record]]) -> str:
    return lineage.digest([record.fingerprint for _, record in done])[:16]


def _metadata(key: str, built: Built, record: lineage.Record) -> dict[str, Any]:
    """Everything a `Built` says of this key (metadata keyed 'key/name') or of the step as a whole (plain names)."""
    shown: dict[str, Any] = {"seconds": record.seconds, "fingerprint": record.fingerprint[:16]}
    for name, value in built.metadata.items():
        owner, _, short = name.rpartition("/")
        if owner in ("", key):
            shown["dagster/row_count" if short == "rows" else short] = _typed(value)
    return shown


def _typed(value: Any) -> Any:
    if isinstance(value, str) and "\n" in value:
        return dg.MetadataValue.md(value)
    if isinstance(value, str) and value.startswith("https://"):
        return dg.MetadataValue.url(value)
    return value if isinstance(value, str | int | float | bool) else dg.MetadataValue.json(value)
