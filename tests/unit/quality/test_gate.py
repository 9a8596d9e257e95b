"""The gate: good data pass, each kind of badness fails, and nothing broken counts as passed."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from quality.errors import ExpectationError, GateError, WaiverError
from quality.expectations import Expectation
from quality.gate import judge
from quality.measure import RunSql
from quality.verdict import Verdict
from quality.waivers import Waiver
from tests.factories import changed, without

SqlOn = Callable[[Mapping[str, pa.Table]], RunSql]
TODAY = date(2031, 5, 17)


def judged(expectations: tuple[Expectation, ...], run_sql: RunSql, fingerprints: Mapping[str, str], **over: Any) -> Verdict:
    settings: dict[str, Any] = {"waivers": (), "today": TODAY, "judged_at": "2031-05-17T12:00:00Z"}
    return judge(expectations, run_sql, fingerprints=fingerprints, **{**settings, **over})


def test_good_data_pass(
    expectations: tuple[Expectation, ...], corpus: Mapping[str, pa.Table], fingerprints: dict[str, str], sql_on: SqlOn
) -> None:
    verdict = judged(expectations, sql_on(corpus), fingerprints)
    assert (verdict.passed, verdict.failed, verdict.waived) == (True, (), ())
    assert verdict.answers(expectations)
    assert verdict.refusal(fingerprints, TODAY) is None
    assert len(verdict.results) == len(expectations)


def test_bad_data_fail_with_the_rows_that_did_it(
    expectations: tuple[Expectation, ...], corpus: Mapping[str, pa.Table], fingerprints: dict[str, str], sql_on: SqlOn
) -> None:
    verdict = judged(expectations, sql_on(changed(corpus, "core_movies", 2, kind="opera")), fingerprints)
    assert verdict.failed == ("core_movies.kind.in_values",)
    (result,) = (r for r in verdict.results if r.refuses)
    assert (result.observed, result.offending) == (1, ({"movie_id": "mq000000000003", "kind": "opera"},))
    assert "core_movies.kind.in_values" in str(verdict.refusal(fingerprints, TODAY))


def test_a_missing_table_fails_everything_about_it(
    expectations: tuple[Expectation, ...], corpus: Mapping[str, pa.Table], fingerprints: dict[str, str], sql_on: SqlOn
) -> None:
    rest = {name: table for name, table in corpus.items() if name != "core_keywords"}
    verdict = judged(expectations, sql_on(rest), fingerprints)
    assert verdict.failed == tuple(e.name for e in expectations if e.table == "core_keywords")
    assert all("core_keywords" in str(r.error) for r in verdict.results if r.refuses)


def test_empty_tables_do_not_pass_unnoticed(
    expectations: tuple[Expectation, ...], corpus: Mapping[str, pa.Table], fingerprints: dict[str, str], sql_on: SqlOn
) -> None:
    verdict = judged(expectations, sql_on(without(corpus, "core_movies", lambda row: True)), fingerprints)
    assert {"core_movies.row_floor", "core_movies.rows", "core_movies.year_share"} <= set(verdict.failed)


def test_a_waiver_lets_a_known_failure_pass_but_not_an_unmeasured_one(
    expectations: tuple[Expectation, ...], corpus: Mapping[str, pa.Table], fingerprints: dict[str, str], sql_on: SqlOn
) -> None:
    waiver = Waiver("core_movies.kind.in_values", "Ada", "operas are coming", TODAY)
    bad = changed(corpus, "core_movies", kind="opera")
    assert judged(expectations, sql_on(bad), fingerprints, waivers=[waiver]).passed
    broken = {**corpus, "core_movies": corpus["core_movies"].drop_columns(["kind"])}
    assert waiver.expectation in judged(expectations, sql_on(broken), fingerprints, waivers=[waiver]).failed


def test_a_needless_waiver_is_reported(
    expectations: tuple[Expectation, ...],
    corpus: Mapping[str, pa.Table],
    fingerprints: dict[str, str],
    sql_on: SqlOn,
    caplog: pytest.LogCaptureFixture,
) -> None:
    verdict = judged(expectations, sql_on(corpus), fingerprints, waivers=[Waiver("core_movies.rows", "Ada", "r", TODAY)])
    assert all(result.waived_by is None for result in verdict.results)
    assert "core_movies.rows" in caplog.text


def test_what_cannot_be_judged_is_refused(
    expectations: tuple[Expectation, ...], corpus: Mapping[str, pa.Table], fingerprints: dict[str, str], sql_on: SqlOn
) -> None:
    run_sql = sql_on(corpus)
    with pytest.raises(GateError, match="core_nothing"):
        judged(expectations, run_sql, {**fingerprints, "core_nothing": "x"})
    with pytest.raises(GateError, match="core_movies"):
        judged(expectations, run_sql, {name: sha for name, sha in fingerprints.items() if name != "core_movies"})
    with pytest.raises(ExpectationError, match="more than one"):
        judged((*expectations, expectations[0]), run_sql, fingerprints)
    stale = [Waiver("core_movies.rows", "Ada", "r", date(2031, 5, 16)), Waiver("core_movies.rowz", "Ada", "r", TODAY)]
    with pytest.raises(WaiverError, match=r"(?s)expired.*did you mean 'core_movies\.rows'"):
        judged(expectations, run_sql, fingerprints, waivers=stale)


def test_the_same_data_give_the_same_verdict(
    expectations: tuple[Expectation, ...], corpus: Mapping[str, pa.Table], fingerprints: dict[str, str], sql_on: SqlOn
) -> None:
    bad = changed(corpus, "core_credits", role="extra")
    first, second = (judged(expectations, sql_on(bad), fingerprints).to_json() for _ in range(2))
    assert first == second
