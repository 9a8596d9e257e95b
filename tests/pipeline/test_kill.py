"""A build killed at any moment leaves the last release whole, and a rerun converges to the same bytes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from assets_defs.build import Done
from assets_defs.workspace import Workspace
from corpus_pipeline import release, store
from corpus_pipeline.errors import ReleaseError
from corpus_pipeline.schema import tables as t

# The build as the command line runs it, but for a SIGKILL to itself and its workers at the moment that is asked for.
DYING = """
import os, signal, sys
from assets_defs import lineage
from assets_defs.cli import main
from corpus_pipeline import release, store

where, what = sys.argv.pop(1).split(" ", 1)

def dying(wrapped, told):
    def call(*args, **named):
        if what in told(*args):
            os.killpg(0, signal.SIGKILL)
        return wrapped(*args, **named)
    return call

if where == "record":
    lineage.Ledger.put = dying(lineage.Ledger.put, lambda ledger, record: record.name)
elif where == "file":
    store.sync = dying(store.sync, str)
else:
    release._point = dying(release._point, lambda releases, pointer: "pointer")
main()
"""
BUILD = ["build", "--profile", "starter", "--until", "release", "--json"]
# In the order in which a build comes by: each run goes on from what the one killed before it left.
MOMENTS = (
    "record raw_movies@starter",
    "file core_movies.parquet.partial",
    "record core_movies",
    "file link_mentions.parquet.partial",
    "file corpus.duckdb",
    "release pointer",
)


def killed_at(moment: str, home: Path) -> None:
    """Run a build until `moment`, which must come."""
    env = {**os.environ, "MARQUEE_HOME": str(home), "MARQUEE_PROFILE": "starter"}
    command = [sys.executable, "-c", DYING, moment, *BUILD]
    done = subprocess.run(command, check=False, env=env, capture_output=True, text=True, timeout=300, start_new_session=True)
    assert done.returncode == -signal.SIGKILL, f"{moment} never came: {done.stdout}{done.stderr}"


def finished(home: Path) -> release.Release:
    env = {**os.environ, "MARQUEE_HOME": str(home), "MARQUEE_PROFILE": "starter"}
    subprocess.run([str(Path(sys.executable).parent / "marquee"), *BUILD], env=env, check=True, capture_output=True, timeout=400)
    return release.current(home / "starter" / "releases")


def test_a_build_killed_at_every_moment_converges(built: tuple[Workspace, Done], tmp_path: Path) -> None:
    releases = tmp_path / "starter" / "releases"
    for moment in MOMENTS:
        killed_at(moment, tmp_path)
        with pytest.raises(ReleaseError, match="nothing is published"):
            release.current(releases)
    killed_at("record release_corpus", tmp_path)
    assert release.verify(release.current(releases)) == []
    found = finished(tmp_path)
    assert found.manifest.tables == release.current(built[0].releases).manifest.tables
    assert release.verify(found) == []
    assert list(releases.glob(".*.partial")) == []


@pytest.mark.parametrize("moment", ["file core_movies.parquet.partial", "record core_movies"])
def test_a_kill_while_rebuilding_leaves_the_old_release(copy: Workspace, moment: str) -> None:
    before, table = release.current(copy.releases), store.sha256(copy.table(t.MOVIES))
    (copy.ledger.folder / "core_movies.json").unlink()
    killed_at(moment, copy.root.parent)
    after = release.current(copy.releases)
    assert after.release_id == before.release_id and release.verify(after) == []
    assert store.sha256(copy.table(t.MOVIES)) == table
