"""What every command of `marquee` shares: exit codes, errors as messages, one JSON document or text, the workspace that applies."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from assets_defs.errors import AssetError, LineageError, ProfileError
from assets_defs.profile import choose_profile
from assets_defs.terminal import err, say
from assets_defs.workspace import Workspace, open_workspace
from corpus_pipeline.errors import ConfigError, CorpusError, ReleaseError

NO, WRONG, NOTHING = 1, 2, 3
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
ProfileName = Annotated[str | None, typer.Option("--profile", "-p", help="starter, standard, official, paper, or a YAML file.")]


def _code(error: Exception) -> int:
    if isinstance(error, ProfileError | ConfigError | UsageError):
        return WRONG
    nothing = isinstance(error, LineageError) or (isinstance(error, ReleaseError) and "nothing is published" in str(error))
    return NOTHING if nothing else NO


class UsageError(AssetError, ValueError):
    """The command line asked for something that cannot be understood."""


@contextmanager
def reported(as_json: bool) -> Iterator[None]:
    """Turn every error of ours into one message and an exit code; anything else is a bug and keeps its traceback."""
    from modeling.errors import ModelingError
    from quality.errors import QualityError

    try:
        yield
    except (AssetError, CorpusError, QualityError, ModelingError) as error:
        if as_json:
            print(json.dumps({"error": type(error).__name__, "message": str(error)}))
        else:
            say(err, f"{type(error).__name__}: {error}")
        raise typer.Exit(_code(error)) from error


def emit(value: Any, as_json: bool, show: Callable[[], None]) -> None:
    """One document for scripts, or what `show` prints for people."""
    if as_json:
        print(json.dumps(_finite(value), indent=1, default=str, ensure_ascii=False, allow_nan=False))
    else:
        show()


def _finite(value: Any) -> Any:
    """`value` with null for NaN and infinities, which JSON does not know."""
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def workspace_for(profile: str | None) -> Workspace:
    """The workspace of the profile that applies, saying so where the real archives were looked for in vain."""
    chosen, why = choose_profile(profile)
    if "no mirror" in why:
        say(err, why)
    return open_workspace(chosen)


def workspace_to_write(profile: str | None) -> Workspace:
    """The same, once it is known that something can be written there."""
    space = workspace_for(profile)
    try:
        space.root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"workspace {space.root}: cannot be created: {error.strerror}; point MARQUEE_HOME at a folder of yours") from error
    return space
