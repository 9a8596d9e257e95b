"""The gate: expectations in, verdict out. Great Expectations judges and reports when given a directory for its Data Docs."""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from quality import gx
from quality.errors import GateError, WaiverError
from quality.expectations import Expectation, insist_on_unique_names, rules_digest
from quality.measure import Measure, RunSql, measure, offending_rows
from quality.verdict import Result, Verdict
from quality.waivers import Waiver, waiver_problems

logger = logging.getLogger(__name__)


def judge(
    expectations: Sequence[Expectation],
    run_sql: RunSql,
    *,
    fingerprints: Mapping[str, str],
    waivers: Sequence[Waiver],
    today: date,
    judged_at: str,
    docs_dir: Path | None = None,
) -> Verdict:
    """The verdict on the tables that `run_sql` sees.

    `fingerprints` are those of exactly the judged tables: GateError names any table with expectations but no fingerprint,
    or the reverse. A failed expectation fails the verdict unless a waiver covers it; one that could not be measured fails
    whatever is waived, since nobody knows what would be accepted. With `docs_dir`, Great Expectations judges
    the same numbers, writes its Data Docs there, and must agree (GateError). WaiverError lists waivers that cannot be used.
    """
    _insist_on_sense(expectations, fingerprints, waivers, today)
    with ThreadPoolExecutor(1) as beside:
        if docs_dir is not None:
            beside.submit(gx.prepare)  # where this fails, `gx.report` fails the same way and says so
        measures = measure(expectations, run_sql)
    judged = {e.name: e.holds(m.observed) for e, m in zip(expectations, measures, strict=True)}
    if docs_dir is not None:
        _insist_on_agreement(judged, gx.report(measures, expectations, docs_dir).passed)
    accepted = {waiver.expectation: waiver for waiver in waivers}
    pairs = zip(expectations, measures, strict=True)
    results = tuple(_result(e, m, passed=judged[e.name], waiver=accepted.get(e.name), run_sql=run_sql) for e, m in pairs)
    _report_needless(waivers, judged)
    passed = not any(result.refuses for result in results)
    return Verdict(passed, judged_at, dict(fingerprints), results, rules_digest(expectations))


def _insist_on_sense(expectations: Sequence[Expectation], fingerprints: Mapping[str, str], waivers: Sequence[Waiver], today: date) -> None:
    insist_on_unique_names(expectations)
    tables = {expectation.table for expectation in expectations}
    unprinted, unjudged = sorted(tables - set(fingerprints)), sorted(set(fingerprints) - tables)
    if unprinted or unjudged:
        raise GateError(f"judging tables: no fingerprint was given for {unprinted}, no expectation for {unjudged}; give both or neither")
    problems = waiver_problems(waivers, known={expectation.name for expectation in expectations}, today=today)
    if problems:
        raise WaiverError("waivers that cannot be used:\n  " + "\n  ".join(problems))


def _insist_on_agreement(ours: Mapping[str, bool], theirs: Mapping[str, bool]) -> None:
    disputed = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    if disputed:
        raise GateError(f"Great Expectations and plain arithmetic disagree on {disputed}: no verdict is given; report this as a bug")


def _result(expectation: Expectation, seen: Measure, *, passed: bool, waiver: Waiver | None, run_sql: RunSql) -> Result:
    return Result(
        name=expectation.name,
        table=expectation.table,
        severity=expectation.severity,
        observed=seen.observed,
        minimum=expectation.minimum,
        maximum=expectation.maximum,
        passed=passed,
        description=expectation.description,
        error=seen.error,
        waived_by=waiver if not passed and seen.observed is not None else None,
        offending=() if passed or seen.observed is None else offending_rows(expectation, run_sql),
    )


def _report_needless(waivers: Sequence[Waiver], judged: Mapping[str, bool]) -> None:
    for waiver in waivers:
        if judged[waiver.expectation]:
            logger.warning("the waiver of %s (by %s) is not needed: it passes; remove it", waiver.expectation, waiver.who)
