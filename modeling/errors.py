"""Every error raised on purpose by `modeling`. One shallow tree; each class is a built-in too.

A message says what was being done, what was seen, what was expected, and how to repair it.
"""


class ModelingError(Exception):
    """Base of every error raised on purpose by `modeling`."""


class ConfigError(ModelingError, ValueError):
    """A setting is unknown or out of range; lists every problem at once and names the nearest valid key."""


class DataError(ModelingError, ValueError):
    """Rows given to a model are not what the model needs: no training row, an item without embedding, a test row."""


class ArtifactError(ModelingError, OSError):
    """A model directory is missing a file, holds a changed file, or belongs to another run."""


class EncoderError(ModelingError, OSError):
    """A text encoder cannot be loaded from the place its config names."""


class EvaluationError(ModelingError, ValueError):
    """Rankings cannot be judged: scores of a wrong shape, targets without example, incomparable runs, or a broken anchor."""


class LanguageModelError(ModelingError, OSError):
    """A language model cannot be loaded from the place its config names, or its package is not installed."""


class EndpointError(ModelingError, ConnectionError):
    """An endpoint did not answer, refused the call, or answered what cannot be read; its key is never in the message."""


class BudgetError(ModelingError, RuntimeError):
    """The next call could exceed the budget of tokens or money; what was answered before is kept."""
