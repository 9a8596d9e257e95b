"""What an index says of itself, in the one file beside its arrays that people can read. Stdlib only: a release stamps it too."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corpus_pipeline.errors import LinkError

FACTS = "index.json"
UNRELEASED = "unreleased"  # the release of an index that is not in one yet
VERSION = 1  # of the files' layout; an index of another one is built again


def write_facts(folder: Path, facts: Mapping[str, Any]) -> Path:
    """Write `facts` (with version and release_id) beside the arrays."""
    path = folder / FACTS
    path.write_text(json.dumps(dict(facts), indent=1, sort_keys=True))
    return path


def read_facts(folder: Path, *, release_id: str) -> dict[str, Any]:
    """The facts of the index in `folder`; LinkError when it was built for another release than `release_id`, or in another layout."""
    facts: dict[str, Any] = json.loads((folder / FACTS).read_text())
    if facts["release_id"] != release_id:
        raise LinkError(
            f"the title index in {folder} was built for release {facts['release_id']}, not for {release_id}: "
            "links would name films of another catalogue; use the index that lies in the release itself"
        )
    if facts["version"] != VERSION:
        raise LinkError(f"the title index in {folder} has layout {facts['version']}, this Marquee reads {VERSION}: run `marquee build`")
    return facts


def stamp_index(folder: Path, release_id: str) -> Path:
    """Say that the index in `folder` is that of `release_id`; returns the changed file."""
    return write_facts(folder, json.loads((folder / FACTS).read_text()) | {"release_id": release_id})
