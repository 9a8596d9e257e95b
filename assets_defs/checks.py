"""The gate as Dagster shows it: one check per expectation, on the table it is about.

The checks do not block: one pass judges tables that depend on each other, and Dagster would see a circle. What blocks is
`release_corpus`, which refuses to publish, and `trainable_release`, which refuses to hand out.
"""

import re
from collections.abc import Iterator

import dagster as dg

from assets_defs import gate
from assets_defs.workspace import Workspace
from quality.expectations import Expectation
from quality.verdict import Result


def gate_checks(workspace: Workspace) -> dg.AssetChecksDefinition:
    """All expectations, judged in one pass; numbers in the metadata are plotted over time by the UI."""
    expectations = gate.expectations(workspace)

    @dg.multi_asset_check(
        name="release_gate",
        specs=[dg.AssetCheckSpec(check_name(e), asset=e.table, description=e.description) for e in expectations],
        can_subset=True,  # the UI runs the checks of one table, and any run of a table asks for the checks of that table alone
    )
    def release_gate(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        missing = gate.missing_tables(workspace)
        if missing:
            context.log.warning("not judged yet: the gate reads all tables at once and these are not built: %s", ", ".join(missing))
            return
        asked = {(key.asset_key.to_user_string(), key.name) for key in context.selected_asset_check_keys}
        with workspace.writing("release_gate"):
            verdict = gate.verdict_for_workspace(workspace)
        context.log.info("gate %s; Data Docs: %s", "passed" if verdict.passed else f"failed: {verdict.failed}", workspace.data_docs)
        for result in verdict.results:
            if (result.table, check_name(result)) in asked:
                yield _shown(result)

    return release_gate


def check_name(judged: Expectation | Result) -> str:
    """An expectation's name beside its table, as Dagster spells names: letters, digits and underscores."""
    return re.sub(r"\W+", "__", judged.name.removeprefix(f"{judged.table}."))


def _shown(result: Result) -> dg.AssetCheckResult:
    metadata = {
        "bounds": f"{_bound(result.minimum)} .. {_bound(result.maximum)}",
        "observed": result.observed,
        "waived by": result.waived_by.who if result.waived_by else None,
        "error": result.error,
    }
    return dg.AssetCheckResult(
        asset_key=result.table,
        check_name=check_name(result),
        passed=result.passed or bool(result.waived_by),
        severity=dg.AssetCheckSeverity.ERROR if result.severity == "error" else dg.AssetCheckSeverity.WARN,
        metadata={name: value for name, value in metadata.items() if value is not None},
    )


def _bound(value: float | None) -> str:
    return "" if value is None else f"{value:,.6g}" if value % 1 else f"{value:,.0f}"
