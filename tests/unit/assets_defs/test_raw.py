"""Which files of a source are taken: the pinned ones, or the official ones where the source prefers them or nothing else is there."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assets_defs import raw
from assets_defs.graph import STEPS
from assets_defs.profile import PROFILES, load_profile
from assets_defs.step import Job
from assets_defs.workspace import Workspace
from corpus_pipeline.errors import PinError, SourceError
from corpus_pipeline.sources import fetch
from corpus_pipeline.sources.registry import Source, SourceFile

PACKED = b"user,item\n"
PREFERRED = Source(
    "likes", "interactions", "Likes", "https://home.example", "none", "nobody",
    files=(SourceFile("packs/likes.csv", hashlib.sha256(PACKED).hexdigest()),),
    official=(SourceFile("own/likes.zip", urls=("https://own.example/likes.zip",)), SourceFile("own/items.zip", urls=("https://own.example/items.zip",))),
    is_official_preferred=True,
)  # fmt: skip
PLAIN = replace(PREFERRED, is_official_preferred=False)
PACK, OFFICIAL = ["packs/likes.csv"], ["own/likes.zip", "own/items.zip"]


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job with an empty mirror, which may fetch nothing."""

    def refused(urls: tuple[str, ...], *_: Any, **__: Any) -> Path:
        raise AssertionError(f"{urls} was fetched")

    monkeypatch.setattr(fetch, "fetch", refused)
    space = Workspace(tmp_path / "starter", load_profile(PROFILES / "starter.yaml"), tmp_path / "mirror")
    return Job(STEPS["raw_interactions"], space, ("likes",), {}, lambda *_: None, lambda _: None)


def laid(base: Path, names: list[str]) -> None:
    for name in names:
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_bytes(PACKED if name in PACK else name.encode())


def names_of(job: Job, source: Source) -> list[str]:
    found = raw.located(job, source)
    assert all(path.exists() and path.as_posix().endswith(name) for name, path in found)
    return [name for name, _ in found]


@pytest.mark.parametrize("place", ["mirror", "downloads"])
def test_official_files_at_hand_are_taken_by_a_source_that_prefers_them(job: Job, place: str) -> None:
    mirror = job.workspace.mirror
    assert mirror is not None
    laid(mirror, PACK)
    laid(mirror if place == "mirror" else job.workspace.downloads / "likes", OFFICIAL)
    assert names_of(job, PREFERRED) == OFFICIAL
    assert set(json.loads(job.workspace.pins.read_text())) == {"https://own.example/likes.zip", "https://own.example/items.zip"}


def test_official_files_in_two_places_are_taken_too(job: Job) -> None:
    assert job.workspace.mirror is not None
    laid(job.workspace.mirror, [*PACK, OFFICIAL[0]])
    laid(job.workspace.downloads / "likes", OFFICIAL[1:])
    assert names_of(job, PREFERRED) == OFFICIAL


@pytest.mark.parametrize("official", [[], OFFICIAL[:1], OFFICIAL[1:]])
def test_with_a_part_of_them_the_pinned_files_are_taken(job: Job, official: list[str]) -> None:
    assert job.workspace.mirror is not None
    laid(job.workspace.mirror, [*PACK, *official])
    assert names_of(job, PREFERRED) == PACK


def test_a_source_without_that_preference_takes_its_pinned_files(job: Job) -> None:
    assert job.workspace.mirror is not None
    laid(job.workspace.mirror, [*PACK, *OFFICIAL])
    assert names_of(job, PLAIN) == PACK


@pytest.mark.parametrize("source", [PREFERRED, PLAIN], ids=["preferred", "plain"])
def test_what_is_missing_of_the_official_files_is_fetched_where_no_pinned_one_is(
    job: Job, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fetched(urls: tuple[str, ...], path: Path, **_: Any) -> Path:
        asked.append(urls)
        laid(path.parents[1], [path.relative_to(path.parents[1]).as_posix()])
        return path

    monkeypatch.setattr(fetch, "fetch", fetched)
    laid(job.workspace.downloads / "likes", OFFICIAL[:1])
    assert names_of(job, source) == OFFICIAL
    assert asked == [("https://own.example/items.zip",)]


def test_official_files_that_change_after_their_first_use_are_refused(job: Job) -> None:
    assert job.workspace.mirror is not None
    laid(job.workspace.mirror, OFFICIAL)
    assert names_of(job, PREFERRED) == OFFICIAL
    (job.workspace.mirror / OFFICIAL[1]).write_bytes(b"other")
    with pytest.raises(PinError, match=r"items\.zip"):
        raw.located(job, PREFERRED)


def test_a_pinned_file_with_other_bytes_is_refused(job: Job) -> None:
    assert job.workspace.mirror is not None
    laid(job.workspace.mirror, PACK)
    (job.workspace.mirror / PACK[0]).write_bytes(b"cut sho")
    with pytest.raises(SourceError, match="the registry pins"):
        raw.located(job, PREFERRED)


def test_files_that_are_nowhere_and_have_no_address_are_told(job: Job) -> None:
    with pytest.raises(SourceError, match="point MARQUEE_MIRROR at a folder that holds it"):
        raw.located(job, replace(PLAIN, official=()))
