"""The lock: when a verdict lets data pass, and everything that must make it refuse."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.errors import VerdictError
from quality.verdict import Result, Verdict
from quality.waivers import Waiver

TODAY = date(2031, 5, 17)
PRINTS = {"core_movies": "aa", "core_titles": "bb"}
WAIVER = Waiver("core_movies.rows", "Ada", "source is down", TODAY)


def result(**over: Any) -> Result:
    values: dict[str, Any] = {
        "name": "core_movies.rows", "table": "core_movies", "severity": "error", "observed": 5.0, "minimum": 4.0, "maximum": None,
        "passed": True, "description": "Number of films.",
    }  # fmt: skip
    return Result(**{**values, **over})


def verdict(*results: Result, passed: bool = True) -> Verdict:
    titles = result(name="core_titles.rows", table="core_titles")
    return Verdict(passed, "2031-05-17T12:00:00Z", PRINTS, (titles, *results))


FAILED = result(observed=3.0, passed=False, offending=({"movie_id": "mq1", "year": None},))


def test_good_data_may_be_used_whole_or_in_part() -> None:
    good = verdict(result())
    assert good.refusal(PRINTS, TODAY) is None
    assert good.refusal({"core_titles": "bb"}, TODAY) is None


@pytest.mark.parametrize(
    ("given_verdict", "fingerprints", "reason"),
    [
        (verdict(FAILED, passed=False), PRINTS, "core_movies.rows"),
        (verdict(FAILED), PRINTS, "core_movies.rows"),  # the flag alone is not believed
        (verdict(result(), passed=False), PRINTS, "altered"),
        (verdict(result(observed=3.0)), PRINTS, "altered"),
        (verdict(result(observed=None)), PRINTS, "altered"),
        (verdict(), PRINTS, "nothing was judged"),
        (Verdict(True, "", PRINTS, ()), PRINTS, "no results"),
        (verdict(result()), {**PRINTS, "core_movies": "a"}, "other bytes"),
        (verdict(result()), {**PRINTS, "set_sequences": "cc"}, "does not cover"),
        (verdict(result()), {}, "no fingerprints"),
    ],
)
def test_refusals(given_verdict: Verdict, fingerprints: dict[str, str], reason: str) -> None:
    assert reason in str(given_verdict.refusal(fingerprints, TODAY))


def test_a_waived_failure_passes_until_the_waiver_expires() -> None:
    waived = verdict(replace(FAILED, waived_by=WAIVER))
    assert waived.refusal(PRINTS, TODAY) is None
    assert "expired" in str(waived.refusal(PRINTS, date(2031, 5, 18)))
    assert (waived.failed, waived.warned) == ((), ("core_movies.rows",))


def test_a_warning_does_not_refuse() -> None:
    warned = verdict(replace(FAILED, severity="warn"))
    assert (warned.refusal(PRINTS, TODAY), warned.warned) == (None, ("core_movies.rows",))


def test_a_verdict_survives_json() -> None:
    kept = verdict(
        result(), replace(FAILED, name="core_movies.two", waived_by=WAIVER), replace(FAILED, name="core_movies.three", error="e")
    )
    assert Verdict.from_json(kept.to_json()) == kept
    assert Verdict.from_dict(kept.as_dict()).to_json() == kept.to_json()


@given(
    observed=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    minimum=st.floats(allow_nan=False, allow_infinity=False),
    passed=st.booleans(),
    text=st.text(),
)
def test_any_result_survives_json(observed: float | None, minimum: float, passed: bool, text: str) -> None:
    kept = verdict(result(observed=observed, minimum=minimum, passed=passed, error=text, offending=({text: text},)))
    assert Verdict.from_json(kept.to_json()) == kept


def _spoilt(**over: Any) -> str:
    return json.dumps({**verdict(result()).as_dict(), **over})


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", "not json", _spoilt(passed="true"), _spoilt(results=[{}]), _spoilt(results=None), _spoilt(fingerprints=3),
        _spoilt(results=[{**verdict(result()).as_dict()["results"][0], "passed": 1}]),
        _spoilt(results=[{**verdict(result()).as_dict()["results"][0], "severity": "none"}]),
        _spoilt(results=[{**verdict(result()).as_dict()["results"][0], "observed": "5"}]),
        _spoilt(results=[{**verdict(result()).as_dict()["results"][0], "waived_by": "Ada"}]),
    ],
)  # fmt: skip
def test_what_is_no_verdict_is_refused(text: str) -> None:
    with pytest.raises(VerdictError):
        Verdict.from_json(text)
