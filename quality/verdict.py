"""The verdict: what was judged, on which bytes, with which results. Whoever trains or publishes asks `refusal` first.

A verdict is never believed at its word: `refusal` works out again from the results whether it passed.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from quality.errors import VerdictError
from quality.expectations import Expectation, Severity, rules_digest, within
from quality.waivers import Waiver


@dataclass(frozen=True, slots=True)
class Result:
    """One judged expectation. `error` says why there is no observed number; `waived_by` is set only on a failed one."""

    name: str
    table: str
    severity: Severity
    observed: float | None
    minimum: float | None
    maximum: float | None
    passed: bool
    description: str
    error: str | None = None
    waived_by: Waiver | None = None
    offending: Sequence[Mapping[str, Any]] = ()

    @property
    def is_sound(self) -> bool:
        """Whether `passed` is what the numbers say, and a waiver, if any, is about this failure."""
        fits = self.waived_by is None or (not self.passed and self.waived_by.expectation == self.name)
        return fits and self.passed == within(self.observed, self.minimum, self.maximum)

    @property
    def refuses(self) -> bool:
        """Whether this result alone makes the verdict fail, however loudly it is shown; what was not measured cannot be waived."""
        return not self.passed and (self.waived_by is None or self.observed is None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`fingerprints` maps each judged table to the SHA-256 of its Parquet file; `judged_at` is an ISO time in UTC.

    `rules` is the digest of the expectations that were judged (`quality.expectations.rules_digest`).
    """

    passed: bool
    judged_at: str
    fingerprints: Mapping[str, str]
    results: tuple[Result, ...]
    rules: str = ""

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the expectations that make the verdict fail."""
        return tuple(result.name for result in self.results if result.refuses)

    @property
    def waived(self) -> tuple[str, ...]:
        """Names of failed expectations that a person has waived."""
        return tuple(result.name for result in self.results if not result.passed and not result.refuses)

    def answers(self, expectations: Iterable[Expectation]) -> bool:
        """Whether exactly these expectations were judged: a query or a bound that has changed since is another question."""
        return self.rules == rules_digest(expectations)

    def refusal(self, fingerprints: Mapping[str, str], today: date) -> str | None:
        """Why data with these fingerprints may not be used today; None when it may.

        `fingerprints` may name fewer tables than were judged, none that was not.
        """
        return self._unsound() or self._other_bytes(fingerprints) or self._expired(today)

    def _unsound(self) -> str | None:
        if self.failed:
            return f"the gate failed these data: {_listed(self.failed)}"
        if not self.results:
            return "the verdict holds no results: nothing was judged. Run the gate again"
        judged = {result.table for result in self.results}
        unjudged = sorted(set(self.fingerprints) - judged)
        if unjudged:
            return f"the verdict names tables on which nothing was judged: {unjudged}. Run the gate again"
        altered = [result.name for result in self.results if not result.is_sound]
        if altered or not self.passed:
            return f"the verdict contradicts its own numbers ({_listed(altered) or 'nothing failed'}): it was altered. Run the gate again"
        return None

    def _other_bytes(self, fingerprints: Mapping[str, str]) -> str | None:
        if not fingerprints:
            return "no fingerprints were given: it is unknown which data are meant"
        unknown = sorted(set(fingerprints) - set(self.fingerprints))
        if unknown:
            return f"the verdict does not cover {unknown}; it covers {sorted(self.fingerprints)}. Run the gate on them"
        other = sorted(name for name, sha in fingerprints.items() if self.fingerprints[name] != sha)
        return f"the verdict was given for other bytes of {other}. Run the gate again" if other else None

    def _expired(self, today: date) -> str | None:
        waivers = [result.waived_by for result in self.results if result.waived_by is not None]
        expired = [f"{w.expectation} (by {w.who}, until {w.expires})" for w in waivers if w.expired(today)]
        return (
            f"these waivers have expired: {_listed(expired)}. Repair the data, or decide anew and run the gate again" if expired else None
        )

    def as_dict(self) -> dict[str, Any]:
        """The verdict as JSON values."""
        content = asdict(self)
        content["fingerprints"] = dict(sorted(self.fingerprints.items()))
        content["results"] = list(content["results"])
        for waiver in (result["waived_by"] for result in content["results"] if result["waived_by"]):
            waiver["expires"] = waiver["expires"].isoformat()
        return content

    def to_json(self) -> str:
        """The verdict as JSON text, equal for equal verdicts."""
        return json.dumps(self.as_dict(), indent=1, sort_keys=True, allow_nan=False)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Verdict":
        """The verdict that `as_dict` gave; VerdictError when it is not one."""
        try:
            results = tuple(_result(item) for item in content["results"])
            passed, judged_at, fingerprints = content["passed"], content["judged_at"], dict(content["fingerprints"])
            rules = content.get("rules", "")  # verdicts of older releases name none, and so answer nothing of today
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise VerdictError(f"reading a verdict: {type(error).__name__}: {error}; run the gate again (`marquee check`)") from error
        if not isinstance(passed, bool):
            raise VerdictError(f"reading a verdict: 'passed' is {passed!r}, expected true or false; run the gate again")
        return cls(passed, str(judged_at), fingerprints, results, str(rules))

    @classmethod
    def from_json(cls, text: str) -> "Verdict":
        """The verdict that `to_json` wrote; VerdictError when it is not one."""
        try:
            content = json.loads(text)
        except ValueError as error:
            raise VerdictError(f"reading a verdict: not JSON: {error}; run the gate again") from error
        return cls.from_dict(content)


def _result(item: Mapping[str, Any]) -> Result:
    values = dict(item)
    if not isinstance(values["passed"], bool) or values["severity"] not in ("error", "warn"):
        raise ValueError(f"result {values['name']!r} has passed {values['passed']!r}, severity {values['severity']!r}")
    numbers = [values[key] for key in ("observed", "minimum", "maximum") if values[key] is not None]
    if not all(isinstance(number, int | float) for number in numbers):
        raise ValueError(f"result {values['name']!r} has numbers {numbers!r}")
    if values["waived_by"] is not None:
        waiver = dict(values["waived_by"])
        values["waived_by"] = Waiver(**{**waiver, "expires": date.fromisoformat(waiver["expires"])})
    values["offending"] = tuple(values["offending"])
    return Result(**values)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"
