"""The code location: assets, checks, jobs and executor put together. Nothing else lives here."""

from collections.abc import Iterator, Sequence

import dagster as dg

from assets_defs.checks import gate_checks, link_checks
from assets_defs.graph import LAYERS, STEPS
from assets_defs.step import Progress, asset
from assets_defs.workspace import Workspace, open_workspace


def _silent(label: str, done: int, total: int) -> None:
    """Progress is shown by the command line; a run in the UI has its log."""


def build_defs(workspace: Workspace, progress: Progress = _silent) -> dg.Definitions:
    """A fresh graph over one workspace; what the command line and the tests call."""
    assets = [asset(step, STEPS, workspace, progress) for step in STEPS.values()]
    return dg.Definitions(
        assets=assets,
        asset_checks=[gate_checks(workspace), link_checks(workspace)],
        jobs=[dg.define_asset_job(name, dg.AssetSelection.assets(*keys)) for name, keys in layer_jobs()],
        executor=dg.in_process_executor,  # a step of its own process costs 4 s here, in-process 0.35 s
    )


def layer_jobs() -> Iterator[tuple[str, Sequence[str]]]:
    """(name, assets) of jobs: one a layer, or one for each way of partitioning its assets, since a job of Dagster's takes one alone."""
    for layer in LAYERS:
        steps = [step for step in STEPS.values() if step.layer == layer]
        ways = sorted({step.partitions or "" for step in steps})
        if len(ways) - ("" in ways) < 2:
            yield f"{layer}_layer", [key for step in steps for key in step.keys]
            continue
        for way in ways:
            name = f"{layer}_layer_by_{way}" if way else f"{layer}_layer"
            yield name, [key for step in steps if (step.partitions or "") == way for key in step.keys]


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster dev` and `dg` load: the graph of the profile that applies here."""
    return build_defs(open_workspace())
