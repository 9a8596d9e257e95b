"""Great Expectations says what plain arithmetic says, also where a number is missing, and leaves Data Docs behind."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from quality import gx
from quality.errors import GateError
from quality.expectations import Expectation, aggregate
from quality.gate import judge
from quality.measure import Measure, RunSql

SqlOn = Callable[[Mapping[str, pa.Table]], RunSql]


def rows(name: str, minimum: float | None, maximum: float | None) -> Expectation:
    return aggregate(f"core_x.{name}", expression="count(*)", description=f"Rows of {name}.").bounded(minimum, maximum)


CASES = {
    "inside": (2, 4, 3.0, True),
    "at_minimum": (2, 4, 2.0, True),
    "at_maximum": (2, 4, 4.0, True),
    "below": (2, 4, 1.999999, False),
    "above": (2, 4, 4.000001, False),
    "open_above": (2, None, 1e12, True),
    "open_below": (None, 0, 1.0, False),
    "missing": (None, 0, None, False),
}


def test_great_expectations_judges_and_reports(tmp_path: Path) -> None:
    expectations = [rows(name, low, high) for name, (low, high, _, _) in CASES.items()]
    measures = [Measure(f"core_x.{name}", seen, "no table" if seen is None else None) for name, (_, _, seen, _) in CASES.items()]
    for _ in range(2):  # a second report replaces the first
        report = gx.report(measures, expectations, tmp_path / "docs")
        assert report.passed == {f"core_x.{name}": passed for name, (_, _, _, passed) in CASES.items()}
    assert report.index == tmp_path / "docs" / "index.html"
    pages = [page.read_text() for page in (tmp_path / "docs" / "validations").rglob("*.html")]
    assert len(pages) == 1  # the first report is gone
    assert "validations/" in report.index.read_text()
    assert any("core_x.at_minimum" in page for page in pages)


def test_the_gate_with_data_docs_gives_the_same_verdict(
    expectations: tuple[Expectation, ...], corpus: Mapping[str, pa.Table], fingerprints: dict[str, str], sql_on: SqlOn, tmp_path: Path
) -> None:
    run_sql = sql_on({name: table for name, table in corpus.items() if name != "core_keywords"})
    plain, reported = (
        judge(expectations, run_sql, fingerprints=fingerprints, waivers=(), today=date(2031, 5, 17), judged_at="now", docs_dir=docs)
        for docs in (None, tmp_path)
    )
    assert reported == plain
    assert not reported.passed


def test_no_verdict_is_given_when_the_referees_disagree(
    corpus: Mapping[str, pa.Table], sql_on: SqlOn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = aggregate("core_movies.rows", expression="count(*)", description="").bounded(1, None)
    monkeypatch.setattr(gx, "report", lambda *_: gx.Report(tmp_path, {"core_movies.rows": False}))
    with pytest.raises(GateError, match=r"disagree.*core_movies\.rows"):
        judge(
            [only],
            sql_on(corpus),
            fingerprints={"core_movies": "x"},
            waivers=(),
            today=date(2031, 5, 17),
            judged_at="now",
            docs_dir=tmp_path,
        )
