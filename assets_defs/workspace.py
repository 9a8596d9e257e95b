"""Where things lie on disk: the only module that chooses a path.

One workspace per profile, so that a starter build never mixes with a standard one. The starter data ships inside
`corpus_pipeline`; everything else that is written is below `root`.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from assets_defs.errors import BusyError, LineageError
from assets_defs.lineage import Ledger
from assets_defs.profile import CHECKOUT, Profile, choose_profile, find_mirror
from corpus_pipeline.schema.types import Table

LOCK_PATIENCE = 600  # seconds; the longest step of a standard build, encoding films for the first time, takes less


@dataclass(frozen=True)
class Workspace:
    """Folders of one profile's build. `mirror` holds real archives, read only."""

    root: Path
    profile: Profile
    mirror: Path | None

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.root / "records")

    @property
    def releases(self) -> Path:
        return self.root / "releases"

    @property
    def verdict(self) -> Path:
        return self.root / "gate" / "verdict.json"

    @property
    def data_docs(self) -> Path:
        return self.root / "gate" / "data_docs"

    @property
    def waivers(self) -> Path:
        return self.root / "waivers.yaml"

    @property
    def link_decisions(self) -> Path:
        """What people decided about links; a person edits it, a build replays it."""
        return self.root / "link_decisions.csv"

    @property
    def pins(self) -> Path:
        return self.root / "pins.json"

    @property
    def downloads(self) -> Path:
        return self.root / "raw"

    @property
    def embedding_cache(self) -> Path:
        """Shared by the profiles: a vector depends on its text and encoder alone."""
        return self.root.parent / "cache" / "embeddings"

    @property
    def answer_cache(self) -> Path:
        """What language models answered, shared by the profiles: an answer depends on model and prompt alone."""
        return self.root.parent / "cache" / "language_model.sqlite"

    def table(self, table: Table, partition: str | None = None) -> Path:
        folder = self.root / "tables"
        return folder / f"{table.name}.parquet" if partition is None else folder / table.name / f"{partition}.parquet"

    def artifact(self, step: str) -> Path:
        return self.root / "artifacts" / step

    def artifact_of(self, step: str) -> Path:
        """Where the files of the last materialisation of `step` lie; LineageError when their bytes are not those on record."""
        from corpus_pipeline.store import sha256

        files = {self.absolute(name): sha for name, sha in self.ledger.need(step).outputs.items()}
        folder = min((file.parent for file in files), key=lambda parent: len(parent.parts))
        changed = [file.name for file, sha in files.items() if not file.exists() or sha256(file) != sha]
        if changed:
            raise LineageError(
                f"{step}: {changed} in {folder} are gone or not as they were written: delete the folder and run `marquee build`"
            )
        return folder

    @contextmanager
    def writing(self, what: str) -> Iterator[None]:
        """Hold what a step writes; others who want the same wait for ten minutes, then are told who holds it.

        Steps do not exclude each other: each writes files of its own, and reads only files whose bytes are those on record.
        The lock is the operating system's, so a killed process gives it back; an orchestrator's concurrency slot stays taken.
        """
        locks = self.root / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        holder = locks / f"{what}.json"
        try:
            with FileLock(locks / f"{what}.lock", timeout=LOCK_PATIENCE):
                holder.write_text(json.dumps({"pid": os.getpid(), "step": what, "since": datetime.now(UTC).isoformat(timespec="seconds")}))
                yield
        except Timeout as error:
            told = holder.read_text() if holder.exists() else "unknown"
            raise BusyError(f"{what}: busy for {LOCK_PATIENCE} s, held by {told}; wait for it, or stop it") from error

    def scratch(self, name: str) -> Path:
        """An empty folder for one piece of work; whatever a killed run left there is gone."""
        folder = self.root / "scratch" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def relative(self, path: Path) -> str:
        """How a record names a file: relative to the workspace, or by its name inside the mirror or the project."""
        for label, base in (("", self.root), ("mirror:", self.mirror), ("project:", CHECKOUT)):
            if base is not None and path.is_relative_to(base):
                return label + path.relative_to(base).as_posix()
        return path.as_posix()

    def absolute(self, name: str) -> Path:
        """The inverse of `relative`."""
        if name.startswith("mirror:"):
            return (self.mirror or self.root) / name.removeprefix("mirror:")
        if name.startswith("project:"):
            return CHECKOUT / name.removeprefix("project:")
        return self.root / name


def workspaces_folder() -> Path:
    """MARQUEE_HOME, else `.workspace` in the checkout."""
    return Path(os.environ.get("MARQUEE_HOME") or CHECKOUT / ".workspace").absolute()


def has_release(profile: str) -> bool:
    """Whether a corpus of the profile of that name was published in this folder of workspaces."""
    return (workspaces_folder() / profile / "releases" / "current.json").exists()


def open_workspace(profile: Profile | None = None) -> Workspace:
    """The workspace of a profile, by default of the profile that applies here."""
    chosen = profile or choose_profile()[0]
    return Workspace(workspaces_folder() / chosen.name, chosen, find_mirror())
