"""The lock: when a verdict lets data pass, and everything that must make it refuse."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.errors import VerdictError
from quality.expectations import aggregate, rules_digest
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
        (verdict(result(waived_by=WAIVER)), PRINTS, "altered"),
        (verdict(replace(FAILED, waived_by=replace(WAIVER, expectation="core_movies.other"))), PRINTS, "altered"),
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
    assert (waived.failed, waived.waived) == ((), ("core_movies.rows",))


def test_a_failure_shown_as_a_warning_refuses_all_the_same() -> None:
    warned = verdict(replace(FAILED, severity="warn"))
    assert "core_movies.rows" in str(warned.refusal(PRINTS, TODAY))


def test_an_unmeasured_number_cannot_be_waived() -> None:
    unmeasured = verdict(replace(FAILED, observed=None, waived_by=WAIVER))
    assert "core_movies.rows" in str(unmeasured.refusal(PRINTS, TODAY))


def test_a_verdict_answers_only_the_questions_that_were_put() -> None:
    asked = aggregate("core_movies.rows", expression="count(*)", description="Number of films.").bounded(4, None)
    kept = replace(verdict(result()), rules=rules_digest([asked]))
    assert Verdict.from_json(kept.to_json()).answers([asked])
    others = replace(asked, sql="SELECT 5"), replace(asked, minimum=3), replace(asked, name="core_movies.row_count")
    assert not any(kept.answers([other]) for other in others)
    assert not kept.answers([asked, others[2]]) and not verdict(result()).answers([asked])


def test_a_verdict_of_before_rules_were_kept_can_be_read() -> None:
    old = verdict(result()).as_dict()
    del old["rules"]
    assert Verdict.from_dict(old).rules == ""


def test_a_verdict_survives_json() -> None:
    kept = verdict(
        result(),
        replace(FAILED, name="core_movies.two", waived_by=replace(WAIVER, expectation="core_movies.two")),
        replace(FAILED, name="core_movies.three", error="e"),
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
