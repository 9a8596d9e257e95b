"""A build's event log is Dagster's own file, read by Dagster's own storage while it is still open."""

from pathlib import Path

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from assets_defs.event_log import EventLog


def opened(home: Path) -> dg.DagsterInstance:
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    ours = {"module": "assets_defs.event_log", "class": "EventLog", "config": {"base_dir": f"{home}/history/runs"}}
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides={"event_log_storage": ours}))


@dg.asset
def films() -> None: ...


@dg.asset_check(asset=films)
def is_whole() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def seen_by_dagster(home: Path, run_id: str) -> tuple[list[str], int]:
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home))) as theirs:
        kinds = [entry.dagster_event_type.value for entry in theirs.all_logs(run_id) if entry.dagster_event_type]
        return kinds, len(theirs.fetch_materializations(dg.AssetKey("films"), limit=10).records)


def test_dagster_reads_what_a_build_writes_while_it_writes(tmp_path: Path) -> None:
    with opened(tmp_path) as ours:
        assert "EventLog" in repr(ours.event_log_storage)
        run = dg.materialize([films, is_whole], instance=ours)
        kinds, materialised = seen_by_dagster(tmp_path, run.run_id)
    assert {"PIPELINE_START", "ASSET_MATERIALIZATION", "ASSET_CHECK_EVALUATION", "PIPELINE_SUCCESS"} <= set(kinds)
    assert materialised == 1
    assert seen_by_dagster(tmp_path, run.run_id) == (kinds, materialised)  # and after it has closed


def test_a_disposed_log_keeps_no_connection(tmp_path: Path) -> None:
    log = EventLog(str(tmp_path))
    with log.index_connection() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1  # NORMAL: waits for the disk at checkpoints only
    log.dispose()
    assert not list(tmp_path.glob("*.db-wal"))
