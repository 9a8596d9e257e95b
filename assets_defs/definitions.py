"""The code location: assets, checks, jobs and executor put together. Nothing else lives here."""

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
    jobs = [dg.define_asset_job(f"{layer}_layer", dg.AssetSelection.groups(layer)) for layer in LAYERS if layer not in ("raw", "core")]
    return dg.Definitions(
        assets=assets,
        asset_checks=[gate_checks(workspace), link_checks(workspace)],
        jobs=jobs,
        executor=dg.in_process_executor,  # a step of its own process costs 4 s here, in-process 0.35 s
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster dev` and `dg` load: the graph of the profile that applies here."""
    return build_defs(open_workspace())
