"""The one adapter to Great Expectations: judges measured numbers and builds Data Docs. Its API moves, so only this module knows it.

The data are one row with one column per measure; the suite has one expectation per column. The arithmetic over the tables
was done in SQL before, so the cost here does not grow with the corpus.
"""

import os
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quality.expectations import Expectation
from quality.measure import Measure

if TYPE_CHECKING:
    from types import ModuleType

_NAME = "gate"


@dataclass(frozen=True, slots=True)
class Report:
    """Great Expectations' word: `passed` by expectation name, and where its Data Docs begin."""

    index: Path
    passed: Mapping[str, bool]


def report(measures: Sequence[Measure], expectations: Sequence[Expectation], docs_dir: Path) -> Report:
    """Judge the measures and build Data Docs in `docs_dir`, replacing an earlier report there.

    The first page is `docs_dir`/index.html; the project files of Great Expectations stay in `docs_dir`/gx.

    `measures` and `expectations` are in the same order. A measure without a number fails.
    """
    for earlier in ("gx", "expectations", "validations", "static"):
        shutil.rmtree(docs_dir / earlier, ignore_errors=True)
    docs_dir.mkdir(parents=True, exist_ok=True)
    with _their_warnings_apart():
        gx = _imported()
        context = gx.get_context(mode="file", project_root_dir=str(docs_dir))
        result = _checkpoint(gx, context, measures, expectations).run(batch_parameters={"dataframe": _frame(measures)})
        context.build_data_docs()
    # Its own place for the site is four folders deep; the pages link to each other relatively and may move together.
    shutil.copytree(docs_dir / "gx" / "uncommitted" / "data_docs" / "local_site", docs_dir, dirs_exist_ok=True)
    return Report(index_of(docs_dir), _passed(result))


def index_of(docs_dir: Path) -> Path:
    """First page of the Data Docs that `report` builds in `docs_dir`."""
    return docs_dir / "index.html"


def prepare() -> None:
    """Import Great Expectations, which takes three seconds of one core: time to spend while DuckDB measures."""
    with _their_warnings_apart():
        _imported()


@contextmanager
def _their_warnings_apart() -> Iterator[None]:
    """Great Expectations 1.24 imports sre_constants, and its libraries warn of their own past: not ours to repair."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        yield


def _imported() -> "ModuleType":
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read at import; no report on our users leaves their machine
    import great_expectations

    return great_expectations


def _frame(measures: Sequence[Measure]) -> Any:
    import pandas as pd

    return pd.DataFrame([[measure.observed for measure in measures]], columns=[measure.name for measure in measures], dtype="float64")


def _checkpoint(gx: Any, context: Any, measures: Sequence[Measure], expectations: Sequence[Expectation]) -> Any:
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    suite = context.suites.add(gx.ExpectationSuite(_NAME, expectations=_suite(gx, measures, expectations)))
    batch = context.data_sources.add_pandas("corpus").add_dataframe_asset("measures").add_batch_definition_whole_dataframe("measures")
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=_NAME, data=batch, suite=suite))
    return context.checkpoints.add(gx.Checkpoint(name=_NAME, validation_definitions=[definition], result_format="SUMMARY"))


def _suite(gx: Any, measures: Sequence[Measure], expectations: Sequence[Expectation]) -> list[Any]:
    suite = []
    for expectation, measure in zip(expectations, measures, strict=True):
        meta = {"table": expectation.table, "description": expectation.description, "severity": expectation.severity}
        if measure.observed is None:
            # Between ignores nulls, so a measure that could not be taken would pass it.
            meta["error"] = str(measure.error)
            suite.append(gx.expectations.ExpectColumnValuesToNotBeNull(column=expectation.name, meta=meta))
        low, high = expectation.minimum, expectation.maximum
        # With one row the maximum is the measure: Data Docs show it, and it costs half of judging the column value by value.
        suite.append(gx.expectations.ExpectColumnMaxToBeBetween(column=expectation.name, min_value=low, max_value=high, meta=meta))
    return suite


def _passed(result: Any) -> dict[str, bool]:
    passed: dict[str, bool] = {}
    for validation in result.run_results.values():
        for item in validation.results:
            name = item.expectation_config.kwargs["column"]
            passed[name] = passed.get(name, True) and bool(item.success)
    return passed
