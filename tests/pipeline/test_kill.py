"""A build killed at any moment leaves the last release whole, and a rerun converges to the same bytes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assets_defs.build import Done
from assets_defs.workspace import Workspace
from corpus_pipeline import release

MARQUEE = str(Path(sys.executable).parent / "marquee")
UNTIL_RELEASE = [MARQUEE, "build", "--profile", "starter", "--until", "release", "--json"]


def killed_after(seconds: float, env: dict[str, str]) -> None:
    """Start a build in a process group of its own and kill the whole group."""
    with subprocess.Popen(UNTIL_RELEASE, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as build:
        time.sleep(seconds)
        if build.poll() is None:
            os.killpg(build.pid, signal.SIGKILL)


def test_killed_builds_converge(built: tuple[Workspace, Done], tmp_path: Path) -> None:
    expected = release.current(built[0].releases).manifest.tables
    env = {**os.environ, "MARQUEE_HOME": str(tmp_path), "MARQUEE_PROFILE": "starter"}
    for seconds in (4.0, 6.0, 8.0, 10.0):
        killed_after(seconds, env)
    subprocess.run(UNTIL_RELEASE, env=env, check=True, capture_output=True, timeout=400)
    found = release.current(tmp_path / "starter" / "releases")
    assert found.manifest.tables == expected
    assert release.verify(found) == []
    assert list((tmp_path / "starter" / "releases").glob(".*.partial")) == []


@pytest.mark.parametrize("seconds", [5.0])
def test_kill_while_rebuilding_leaves_the_old_release(copy: Workspace, seconds: float) -> None:
    before = release.current(copy.releases)
    for record in copy.ledger.folder.glob("core_*.json"):
        record.unlink()
    killed_after(seconds, {**os.environ, "MARQUEE_HOME": str(copy.root.parent), "MARQUEE_PROFILE": "starter"})
    after = release.current(copy.releases)
    assert release.verify(after) == [] and after.manifest.tables == before.manifest.tables
