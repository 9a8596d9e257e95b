"""What may be wrong with a machine or a workspace, and how to mend it."""

import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from assets_defs.profile import choose_profile, find_mirror
from assets_defs.workspace import Workspace, open_workspace

FREE_GIB = 5  # a standard workspace with two releases takes about 2 GiB, a build half as much again
FREE_GIB_DOWNLOADED = 15  # the downloads, what is out of scope in them, and scratch; reckoned from made-up files, not measured


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `repair` says what to do where it is not ok."""

    ok: bool
    subject: str
    seen: str
    repair: str = ""


def findings(profile: str | None) -> list[Finding]:
    """All findings, the good ones too."""
    chosen, why = choose_profile(profile)
    space = open_workspace(chosen)
    return [Finding(True, "profile", why), *_machine(space), *_packages(), *_workspace(space)]


def _machine(space: Workspace) -> Iterator[Finding]:
    yield Finding(sys.version_info >= (3, 11), "python", platform.python_version(), "install Python 3.11 or newer")
    base = next(folder for folder in (space.root, *space.root.parents) if folder.exists())
    free = shutil.disk_usage(base).free / 2**30
    wanted = FREE_GIB_DOWNLOADED if space.profile.name == "official" else FREE_GIB
    yield Finding(free > wanted, "free disk", f"{free:.0f} GiB", f"free at least {wanted} GiB, or set MARQUEE_HOME to a larger disk")
    mirror = find_mirror()
    yield Finding(True, "mirror", str(mirror) if mirror else "none: without a network only the starter profile builds")


def _packages() -> Iterator[Finding]:
    for package, wanted in _pinned():
        try:
            seen = metadata.version(package)
        except metadata.PackageNotFoundError:
            seen = "missing"
        yield Finding(seen.split("+")[0] == wanted, package, seen, f"the project is tested with {wanted}: run `make install`")


def _pinned() -> Iterator[tuple[str, str]]:
    """What the project itself pins to one version, extras apart."""
    for requirement in metadata.requires("marquee") or ():
        package, _, version = requirement.partition("==")
        if version and ";" not in requirement:
            yield package, version


def _workspace(space: Workspace) -> Iterator[Finding]:
    from assets_defs.gate import release_or_none
    from corpus_pipeline import release

    current = release_or_none(space)
    yield Finding(current is not None, "release", current.release_id if current else "none", "run `marquee build`")
    if current is not None:
        problems = release.verify(current)
        yield Finding(
            not problems, "release bytes", problems[0] if problems else "as published", "run `marquee rollback`, then build again"
        )
    leftovers = list(space.releases.glob(".*.partial"))
    yield Finding(True, "leftovers of killed runs", f"{len(leftovers)}, removed by the next publish")
