"""The gate as Dagster shows it: one check per expectation, on the table it is about.

Dagster calls the checks non-blocking: one pass judges tables that depend on each other, and Dagster would see a circle. What
blocks is `release_corpus`, which refuses to publish, and `trainable_release`, which refuses to hand out; each check says so.
"""

import re
from collections.abc import Iterator

import dagster as dg

from assets_defs import gate
from assets_defs.workspace import Workspace
from corpus_pipeline import store
from corpus_pipeline.schema import tables as t
from quality.corpus import link_expectations_for
from quality.expectations import Expectation
from quality.measure import measure
from quality.verdict import Result

CONSEQUENCE = "No release is published while this fails, unless a person waives it."
LINK_CONSEQUENCE = "It tells of weights, not of tables: nothing is refused, and a person looks before they link more."


def gate_checks(workspace: Workspace) -> dg.AssetChecksDefinition:
    """All expectations, judged in one pass; numbers in the metadata are plotted over time by the UI."""
    expectations = gate.expectations(workspace)

    @dg.multi_asset_check(
        name="release_gate",
        specs=[dg.AssetCheckSpec(check_name(e), asset=e.table, description=f"{e.description} {CONSEQUENCE}") for e in expectations],
        can_subset=True,  # the UI runs the checks of one table, and any run of a table asks for the checks of that table alone
    )
    def release_gate(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        missing = gate.missing_tables(workspace)
        if missing:
            context.log.warning("not judged yet: the gate reads all tables at once and these are not built: %s", ", ".join(missing))
            return
        asked = {(key.asset_key.to_user_string(), key.name) for key in context.selected_asset_check_keys}
        verdict = gate.verdict_for_workspace(workspace)
        context.log.info("gate %s; Data Docs: %s", "passed" if verdict.passed else f"failed: {verdict.failed}", workspace.data_docs)
        for result in verdict.results:
            if (result.table, check_name(result)) in asked:
                yield _shown(result)

    return release_gate


def link_checks(workspace: Workspace) -> dg.AssetChecksDefinition:
    """The reviewed bounds of `eval_linking`, with the weights in use; a failure tells to look before these weights link more."""
    profile = workspace.profile
    expectations = link_expectations_for(profile.baseline or profile.name)
    specs = [dg.AssetCheckSpec(check_name(e), asset=e.table, description=f"{e.description} {LINK_CONSEQUENCE}") for e in expectations]

    @dg.multi_asset_check(name="link_quality", specs=specs)
    def link_quality(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        with store.connect({t.EVAL_LINKING.name: workspace.table(t.EVAL_LINKING)}) as con:
            measures = measure(expectations, lambda sql: con.execute(sql).to_arrow_table())
        for expectation, seen in zip(expectations, measures, strict=True):
            yield dg.AssetCheckResult(
                asset_key=expectation.table,
                check_name=check_name(expectation),
                passed=expectation.holds(seen.observed),
                metadata={"bounds": bounds(expectation), "observed": seen.observed if seen.observed is not None else str(seen.error)},
            )

    return link_quality


def check_name(judged: Expectation | Result) -> str:
    """An expectation's name beside its table, as Dagster spells names: letters, digits and underscores."""
    return re.sub(r"\W+", "__", judged.name.removeprefix(f"{judged.table}."))


def _shown(result: Result) -> dg.AssetCheckResult:
    metadata = {
        "bounds": bounds(result),
        "observed": result.observed,
        "waived": f"by {waiver.who} until {waiver.expires}: {waiver.reason}" if (waiver := result.waived_by) else None,
        "error": result.error,
        "offending rows": dg.MetadataValue.json(list(result.offending)) if result.offending else None,
    }
    return dg.AssetCheckResult(
        asset_key=result.table,
        check_name=check_name(result),
        passed=not result.refuses,
        severity=dg.AssetCheckSeverity.ERROR if result.severity == "error" else dg.AssetCheckSeverity.WARN,
        metadata={name: value for name, value in metadata.items() if value is not None},
    )


def bounds(result: Expectation | Result) -> str:
    """The bounds for people: 'exactly 502', '350,000 to 362,000', 'at least 0.98', 'at most 0'."""
    low, high = (None if bound is None else f"{bound:,.6g}" if bound % 1 else f"{bound:,.0f}" for bound in (result.minimum, result.maximum))
    if low is None or high is None:
        return f"at most {high}" if low is None else f"at least {low}"
    return f"exactly {low}" if low == high else f"{low} to {high}"
