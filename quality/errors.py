"""Every error the gate raises. One shallow tree; each class is a built-in too, so callers need no import of ours."""


class QualityError(Exception):
    """Base of every error raised on purpose by `quality`."""


class ExpectationError(QualityError, ValueError):
    """An expectation cannot be judged as declared: no bound, bounds crossed, a name used twice."""


class BaselineError(QualityError, ValueError):
    """A file of reviewed numbers is malformed, misses numbers or holds stale ones; lists every problem at once."""


class WaiverError(QualityError, ValueError):
    """A waiver is malformed, expired or names no expectation; lists every problem at once."""


class GateError(QualityError, RuntimeError):
    """The gate cannot give a verdict: tables without fingerprints, or two referees that disagree."""


class VerdictError(QualityError, ValueError):
    """A stored verdict cannot be read as one."""
