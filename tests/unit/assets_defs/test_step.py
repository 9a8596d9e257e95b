"""Staleness, records and refusals of a step, on a made-up two-step graph."""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from assets_defs import graph, lineage, links
from assets_defs.errors import LineageError
from assets_defs.profile import PROFILES, load_profile
from assets_defs.step import Built, Job, Step, expected_key, parent_records, perform, stale_partitions
from assets_defs.workspace import Workspace
from corpus_pipeline.store import sha256


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


def beside(space: Workspace) -> Step:
    """CORE, which also depends on what lies in `decisions.csv`."""
    place = space.root / "decisions.csv"
    return dataclasses.replace(CORE, inputs=lambda workspace: {"decisions": sha256(place)} if place.exists() else {})


def test_files_that_people_lay_beside_the_graph_are_part_of_the_key(space: Workspace) -> None:
    build_all(space)
    step, place = beside(space), space.root / "decisions.csv"
    assert stale_partitions(step, STEPS, space) == []
    place.write_text("one")
    assert stale_partitions(step, STEPS, space) == [None]
    run(step, space)
    assert stale_partitions(step, STEPS, space) == []
    assert space.ledger.need("core").config["decisions"] == sha256(place)
    place.write_text("two")
    assert stale_partitions(step, STEPS, space) == [None]
    place.write_text("one")
    assert stale_partitions(step, STEPS, space) == []
    place.unlink()
    assert stale_partitions(step, STEPS, space) == [None]


def test_the_key_follows_from_the_bytes_of_such_files_alone(space: Workspace) -> None:
    build_all(space)
    step, parents, place = beside(space), parent_records(CORE, STEPS, space), space.root / "decisions.csv"
    keys = []
    for content in ("one", "two", "one"):
        place.write_text(content)
        keys.append(expected_key(step, None, parents, space))
    assert keys[0] == keys[2] != keys[1]
    assert expected_key(CORE, None, parents, space) not in keys


def test_links_depend_on_weights_and_decisions(space: Workspace, tmp_path: Path) -> None:
    linking = [step for step in graph.STEPS.values() if step.inputs is links.workspace_inputs]
    assert {"link_dialogue_movies", "link_text_mentions", "eval_linking"} <= {step.name for step in linking}
    own = dataclasses.replace(space, profile=space.profile.model_copy(update={"link_weights": str(tmp_path / "own.json")}))
    assert links.workspace_inputs(space) == links.workspace_inputs(own) == {}
    (tmp_path / "own.json").write_text("{}")
    space.link_decisions.write_text("a")
    assert links.workspace_inputs(own) == {"link_weights": sha256(tmp_path / "own.json"), "link_decisions": sha256(space.link_decisions)}
    for step in linking:
        assert len({expected_key(step, None, {}, where) for where in (space, own)}) == 2
        before = expected_key(step, None, {}, space)
        space.link_decisions.write_text("b")
        assert expected_key(step, None, {}, space) != before
        space.link_decisions.write_text("a")
        assert expected_key(step, None, {}, space) == before


@pytest.mark.parametrize("name", ["weights.json", "judged/made_up.tsv", "words.py"])
def test_data_that_code_ships_with_is_part_of_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(lineage, "PACKAGES", tmp_path)
    file = tmp_path / "corpus_pipeline" / "linking" / name
    file.parent.mkdir(parents=True)
    versions = []
    for content in ("a", "b"):
        file.write_text(content)
        versions.append(lineage.code_version(["corpus_pipeline.linking"]))
    assert versions[0] != versions[1]
