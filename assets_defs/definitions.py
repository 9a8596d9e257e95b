"""The code location: assets, checks, jobs and executor put together. Nothing else lives here."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from assets_defs.checks import gate_checks, link_checks
from assets_defs.graph import LAYERS, STEPS
from assets_defs.step import Progress, asset
from assets_defs.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition


def _silent(label: str, done: int, total: int) -> None:
    """Progress is shown by the command line; a run in the UI has its log."""


def build_defs(workspace: Workspace, progress: Progress = _silent) -> dg.Definitions:
    """A fresh graph over one workspace; what the command line and the tests call."""
    assets = [asset(step, STEPS, workspace, progress) for step in STEPS.values()]
    return dg.Definitions(
        assets=assets,
        asset_checks=[gate_checks(workspace), link_checks(workspace)],
        jobs=[job for layer in LAYERS for job in _jobs(layer)],
        executor=dg.in_process_executor,  # a step of its own process costs 4 s here, in-process 0.35 s
    )


def _jobs(layer: str) -> "Iterator[UnresolvedAssetJobDefinition]":
    """One job for a layer; where its assets are partitioned in several ways, which no job of Dagster's takes, one for each way."""
    steps = [step for step in STEPS.values() if step.layer == layer]
    ways = sorted({step.partitions or "" for step in steps})
    groups = (
        {"": steps} if len([way for way in ways if way]) < 2 else {way: [s for s in steps if (s.partitions or "") == way] for way in ways}
    )
    for way, chosen in groups.items():
        keys = [key for step in chosen for key in step.keys]
        yield dg.define_asset_job(f"{layer}_layer" + (f"_by_{way}" if way else ""), dg.AssetSelection.assets(*keys))


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster dev` and `dg` load: the graph of the profile that applies here."""
    return build_defs(open_workspace())
