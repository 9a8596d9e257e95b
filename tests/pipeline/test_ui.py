"""The Dagster UI as a person meets it: the graph by layers, an asset materialised by clicking, its record and what the page shows."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets_defs.build import dagster_home
from assets_defs.definitions import build_defs, layer_jobs
from assets_defs.graph import LAYERS, STEPS
from assets_defs.workspace import Workspace, open_workspace
from corpus_pipeline import store
from tests.pipeline.browser import Server, Visit, dagster_dev, need_browser, visit

LOADED = """{ workspaceOrError { ... on Workspace { locationEntries {
  name loadStatus locationOrLoadError { __typename ... on PythonError { message } } } } } }"""


@pytest.fixture(scope="module")
def defs(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    """The graph over an empty starter workspace."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARQUEE_HOME", str(tmp_path_factory.mktemp("empty")))
        patch.setenv("MARQUEE_PROFILE", "starter")
        return build_defs(open_workspace())


def test_the_graph_can_be_loaded(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)


def test_every_asset_is_in_one_job_of_its_layer() -> None:
    jobs = dict(layer_jobs())
    assert sorted(key for keys in jobs.values() for key in keys) == sorted(key for step in STEPS.values() for key in step.keys)
    assert all(name.startswith(tuple(f"{layer}_layer" for layer in LAYERS)) and keys for name, keys in jobs.items())


def alone(defs: dg.Definitions, selection: dg.AssetSelection) -> dg.JobDefinition:
    """What the UI makes of a selection when someone clicks Materialize or Execute; DagsterInvalidSubsetError if it cannot."""
    job = dg.define_asset_job("alone", selection)
    return dg.Definitions(assets=defs.assets, asset_checks=defs.asset_checks, jobs=[job]).resolve_job_def("alone")


@pytest.mark.parametrize("step", STEPS)
def test_each_step_can_be_materialised_alone_with_its_checks(defs: dg.Definitions, step: str) -> None:
    keys = {dg.AssetKey(key) for key in STEPS[step].keys}
    job = alone(defs, dg.AssetSelection.assets(*keys))
    assert job.asset_layer.executable_asset_keys == keys


def test_the_checks_of_one_table_can_be_executed_without_building_it(defs: dg.Definitions) -> None:
    every = [key for checks in defs.asset_checks or () for key in checks.check_keys]
    chosen = [key for key in every if key.asset_key == dg.AssetKey("core_movies")]
    job = alone(defs, dg.AssetSelection.checks(*chosen))
    assert len(chosen) > 1
    assert [node.name for node in job.nodes] == ["release_gate"]


@dataclass(frozen=True, slots=True)
class Ui:
    """A UI over an empty starter workspace."""

    server: Server
    space: Workspace
    sync_playwright: Any


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    """One server for the module: starting it costs about 7 s of two idle cores, 40 s of busy ones."""
    sync_playwright = need_browser()
    home = tmp_path_factory.mktemp("ui")
    environment = {"MARQUEE_HOME": str(home), "MARQUEE_PROFILE": "starter"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        space = open_workspace()
        folder = dagster_home(space)
    with dagster_dev(folder, environment, home / "dagster_dev.log") as server:
        [entry] = server.query(LOADED)["workspaceOrError"]["locationEntries"]
        if message := entry["locationOrLoadError"].get("message"):
            pytest.fail(f"the UI runs, but the graph does not load: {message[:500]}")
        yield Ui(server, space, sync_playwright)


@pytest.fixture
def visited(ui: Ui, tmp_path: Path) -> Iterator[Visit]:
    """A fresh page; what it showed last is kept as a picture, and nothing it asked for may lie outside this machine."""
    with visit(ui.sync_playwright, ui.server) as opened:
        try:
            yield opened
        finally:
            opened.page.screenshot(path=tmp_path / "last.png")
    assert opened.outside == []


def open_page(page: Any, path: str, heading: str) -> None:
    """Open a page and wait for a text that only the loaded page has."""
    page.goto(path)
    page.get_by_text(heading, exact=True).first.wait_for()


@pytest.mark.browser
def test_lineage_shows_every_layer(visited: Visit, tmp_path: Path) -> None:
    page = visited.page
    open_page(page, "/asset-groups", "Global asset lineage")
    for layer in LAYERS:
        page.get_by_text(layer, exact=True).first.wait_for()
    page.screenshot(path=tmp_path / "lineage.png")


@pytest.mark.browser
def test_an_asset_materialised_by_clicking_leaves_a_record_and_shows_its_licence(visited: Visit, ui: Ui, tmp_path: Path) -> None:
    page = visited.page
    assert ui.space.ledger.all() == []
    open_page(page, "/assets/raw_movies", STEPS["raw_movies"].description)
    page.get_by_role("button", name="Materialize").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="All", exact=True).click()
    dialog.get_by_text("starter", exact=True).first.wait_for()
    page.screenshot(path=tmp_path / "dialog.png")
    dialog.get_by_role("button", name="Launch 1 run").click()
    dialog.wait_for(state="detached")
    page.goto("/runs")
    page.get_by_text(re.compile("^[0-9a-f]{8}$")).first.click()
    page.wait_for_url(re.compile("/runs/[0-9a-f-]{36}"))
    page.get_by_text(re.compile("^(Success|Failure|Canceled)$")).first.wait_for()
    page.screenshot(path=tmp_path / "run.png")
    assert page.get_by_text("Success", exact=True).count()

    record = ui.space.ledger.need("raw_movies@starter")
    assert record.outputs == {name: store.sha256(ui.space.absolute(name)) for name in record.outputs} != {}

    open_page(page, "/assets/raw_movies", STEPS["raw_movies"].description)
    for name in ("licence", "bytes"):
        row = page.get_by_role("row").filter(has_text=re.compile(rf"^{name}")).first
        row.wait_for()
        assert str(record.metadata[name]) in row.inner_text()


@pytest.mark.browser
def test_the_terminal_shows_no_error(ui: Ui) -> None:
    said = ui.server.log.read_text(errors="replace")
    assert [line for line in said.splitlines() if "ERROR" in line or "Traceback" in line] == []
