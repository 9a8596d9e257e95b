"""What is expected of a table: one number, its bounds, and a query for the rows that spoil it.

Belongs here: the small frozen objects and the ways to write one. Which expectations there are is said in `contract`,
`movies`, `conversations` and `leakage`; running them is the business of `measure` and `gate`.
"""

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Literal

from corpus_pipeline.schema.render import quoted
from quality.errors import ExpectationError

OFFENDING_LIMIT = 20
Severity = Literal["error", "warn"]
_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number about a table, not yet bounded: reviewed bounds for it come from a baseline, under the same name.

    `name` is dotted and starts with the table that the number is about. `sql` returns one row of one column. `expression` is
    set when that number is an aggregate over the plain table, so that all such numbers of a table are taken in one pass.
    `offending_sql` returns at most 20 rows, keys first. `severity` is how loudly a failure is shown; it refuses either way.
    """

    name: str
    sql: str
    description: str
    severity: Severity = "error"
    offending_sql: str | None = None
    expression: str | None = None

    @property
    def table(self) -> str:
        """The table that the number is about."""
        return self.name.split(".", 1)[0]

    def bounded(self, minimum: float | None, maximum: float | None) -> "Expectation":
        """The expectation that this number lies between the bounds, both inclusive; None leaves a side open."""
        number = {field.name: getattr(self, field.name) for field in fields(Quantity)}
        return Expectation(**number, minimum=minimum, maximum=maximum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation(Quantity):
    """A quantity with bounds: it holds when minimum <= value <= maximum. A missing value never holds."""

    minimum: float | None
    maximum: float | None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ExpectationError(f"expectation {self.name!r}: expected a dotted name that starts with its table")
        if self.minimum is None and self.maximum is None:
            raise ExpectationError(f"expectation {self.name}: without a minimum or a maximum it could not fail")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ExpectationError(f"expectation {self.name}: minimum {self.minimum} is above maximum {self.maximum}")

    def holds(self, observed: float | None) -> bool:
        """Whether the observed number lies within the bounds; None and NaN do not."""
        return within(observed, self.minimum, self.maximum)


def within(observed: float | None, minimum: float | None, maximum: float | None) -> bool:
    """Whether a number lies within bounds, both inclusive; None and NaN never do."""
    if observed is None or math.isnan(observed):
        return False
    return (minimum is None or observed >= minimum) and (maximum is None or observed <= maximum)


def aggregate(name: str, *, expression: str, description: str) -> Quantity:
    """A quantity that is one aggregate over the table its name starts with."""
    return Quantity(name=name, sql=f"SELECT {expression} FROM {_table(name)}", expression=expression, description=description)


def no_rows(name: str, *, where: str, keys: Sequence[str], description: str) -> Expectation:
    """Expect that no row of the table satisfies `where`, a SQL condition. A null condition does not count as satisfied."""
    columns = ", ".join(map(quoted, keys))
    offending = f"SELECT {columns} FROM {_table(name)} WHERE {where} ORDER BY {columns} LIMIT {OFFENDING_LIMIT}"
    count = aggregate(name, expression=f"count(*) FILTER (WHERE {where})", description=description)
    return replace(count, offending_sql=offending).bounded(None, 0)


def counted(name: str, *, rows: str, description: str) -> Quantity:
    """The number of rows of a query, which are also the offending ones."""
    offending = f"SELECT * FROM ({rows}) ORDER BY ALL LIMIT {OFFENDING_LIMIT}"
    return Quantity(name=name, sql=f"SELECT count(*) FROM ({rows})", description=description, offending_sql=offending)


def empty(name: str, *, rows: str, description: str) -> Expectation:
    """Expect that a query returns no row."""
    return counted(name, rows=rows, description=description).bounded(None, 0)


def _table(name: str) -> str:
    return quoted(name.split(".", 1)[0])


def rules_digest(expectations: Iterable[Expectation]) -> str:
    """SHA-256 of what is asked, queries and bounds included: a verdict answers the questions that were put, and no others."""
    return hashlib.sha256(json.dumps([asdict(e) for e in expectations], sort_keys=True).encode()).hexdigest()


def insist_on_unique_names(expectations: Iterable[Quantity]) -> None:
    """Raise ExpectationError when two expectations share a name: a waiver or a report could not tell them apart."""
    twice = sorted(name for name, count in Counter(e.name for e in expectations).items() if count > 1)
    if twice:
        raise ExpectationError(f"these names are used by more than one expectation: {twice}")
