"""Errors of the Dagster face. Each is a built-in too; each message names the repair."""


class AssetError(Exception):
    """Base of the errors raised on purpose by `assets_defs`."""


class ProfileError(AssetError, ValueError):
    """A profile has unknown keys, wrong values, or is not there."""


class LineageError(AssetError, RuntimeError):
    """A parent is missing, stale, or its bytes are not those on record."""


class GateError(AssetError, RuntimeError):
    """A trainer asked for data that the gate has not passed."""


class BusyError(AssetError, TimeoutError):
    """Another process is writing to the workspace."""
