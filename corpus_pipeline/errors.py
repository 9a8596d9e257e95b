"""Every error the corpus raises. One shallow tree; each class is a built-in too, so callers need no import of ours.

A message says what was being done, what was seen, what was expected, and how to repair it.
"""


class CorpusError(Exception):
    """Base of every error raised on purpose by `corpus_pipeline`."""


class SourceError(CorpusError, OSError):
    """An upstream archive is missing, is not what was pinned, or cannot be opened safely."""


class ContractError(CorpusError, ValueError):
    """A table does not have the columns, types or keys that the schema declares."""


class ConfigError(CorpusError, ValueError):
    """A setting is unknown or out of range; lists every problem at once."""


class LinkError(CorpusError, ValueError):
    """The linker was given a catalogue it cannot use."""


class ReleaseError(CorpusError, RuntimeError):
    """A release is missing, damaged, refused by the gate, or stale."""


class ArchiveError(SourceError):
    """An archive is damaged, is something else than its name says, or holds what must not be unpacked."""


class FetchError(SourceError):
    """A file could not be downloaded whole and verified; whatever lay at its place is unchanged."""


class PinError(SourceError):
    """A file has another SHA-256 than the one it was pinned with, or the lock file of pins cannot be read."""
