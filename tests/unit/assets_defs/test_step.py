"""Staleness, records and refusals of a step, on a made-up two-step graph."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from assets_defs.errors import LineageError
from assets_defs.profile import PROFILES, load_profile
from assets_defs.step import Built, Job, Step, parent_records, perform, stale_partitions
from assets_defs.workspace import Workspace


def write_text(job: Job) -> Iterator[Built]:
    for partition in job.partitions:
        path = job.workspace.root / f"{job.step.name}-{partition}.txt"
        path.write_text(f"{job.step.name} {partition}")
        yield Built([path], {"rows": 1}, partition=partition)


RAW = Step("raw", "raw", "Raw.", write_text, partitions="movie_sources", code=("corpus_pipeline.schema",))
CORE = Step("core", "core", "Core.", write_text, parents=("raw",), code=("corpus_pipeline.schema",))
STEPS: Mapping[str, Step] = {"raw": RAW, "core": CORE}


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    return Workspace(
        tmp_path, load_profile(PROFILES / "starter.yaml").model_copy(update={"movie_sources": ("starter", "svod_disney")}), None
    )


def run(step: Step, space: Workspace, partitions: tuple[str | None, ...] = (None,)) -> None:
    list(perform(Job(step, space, partitions, parent_records(step, STEPS, space), lambda *_: None, lambda _: None)))


def build_all(space: Workspace) -> None:
    run(RAW, space, ("starter", "svod_disney"))
    run(CORE, space)


def test_everything_is_stale_at_first_and_fresh_after(space: Workspace) -> None:
    assert stale_partitions(RAW, STEPS, space) == ["starter", "svod_disney"]
    assert stale_partitions(CORE, STEPS, space) == [None]
    build_all(space)
    assert stale_partitions(RAW, STEPS, space) == stale_partitions(CORE, STEPS, space) == []


def test_missing_parents_are_all_named(space: Workspace) -> None:
    with pytest.raises(LineageError, match=r"raw@starter.*raw@svod_disney"):
        run(CORE, space)


def test_one_changed_partition_makes_only_itself_and_its_children_stale(space: Workspace) -> None:
    build_all(space)
    (space.ledger.folder / "raw@starter.json").unlink()
    assert stale_partitions(RAW, STEPS, space) == ["starter"]


def test_same_bytes_upstream_leave_the_child_fresh(space: Workspace) -> None:
    build_all(space)
    (space.ledger.folder / "raw@starter.json").unlink()
    run(RAW, space, ("starter",))
    assert stale_partitions(CORE, STEPS, space) == []


def test_lost_output_makes_the_step_stale(space: Workspace) -> None:
    build_all(space)
    (space.root / "core-None.txt").unlink()
    assert stale_partitions(CORE, STEPS, space) == [None]


def test_changed_raw_file_makes_its_partition_stale(space: Workspace) -> None:
    build_all(space)
    (space.root / "raw-starter.txt").write_text("other bytes")
    assert stale_partitions(RAW, STEPS, space) == ["starter"]


def test_kill_between_output_and_record_leaves_the_step_stale(space: Workspace) -> None:
    job = Job(RAW, space, ("starter",), {}, lambda *_: None, lambda _: None)
    next(iter(write_text(job)))
    assert stale_partitions(RAW, STEPS, space) == ["starter", "svod_disney"]
