"""Bad input: a clear error or a quarantined row, and what was published stays as it was."""

import json
import shutil
from pathlib import Path

import pytest

from assets_defs.build import build
from assets_defs.errors import GateError
from assets_defs.profile import PROFILES, load_profile
from assets_defs.workspace import Workspace
from corpus_pipeline import release, store
from corpus_pipeline.errors import SourceError
from corpus_pipeline.schema import tables as t
from corpus_pipeline.sources import registry
from tests.pipeline.conftest import silent

GOOD = {"film_id": "new-2001", "title": "A New Film", "year": 2001, "kind": "movie"}
BAD_FILMS = {
    "not_json": '{"film_id": ',
    "not_a_record": "[1, 2]",
    "missing_id": json.dumps({**GOOD, "film_id": ""}),
    "missing_title": json.dumps({**GOOD, "title": "  "}),
    "bad_year": json.dumps({**GOOD, "year": 3001}),
    "bad_id": json.dumps({**GOOD, "imdb_id": "nm0000001"}),
    "bad_kind": json.dumps({**GOOD, "kind": "opera"}),
    "duplicate_id": json.dumps({**GOOD, "film_id": "heat-1995"}),
}

SAID = {"speaker": "seeker", "text": "I liked Heat", "mentions": []}
MENTIONED = {"start": 8, "end": 12, "surface": "Heat", "year": None, "movie": None, "recommended": False, "accepted": None, "liked": True}
TOLD = {"dialogue_id": "new", "outcome": "open", "turns": [SAID]}
BAD_DIALOGUES = {
    "bad_json": '{"dialogue_id": ',
    "missing_field": json.dumps({"dialogue_id": "new", "outcome": "open"}),
    "empty_dialogue": json.dumps({**TOLD, "turns": []}),
    "unknown_outcome": json.dumps({**TOLD, "outcome": "undecided"}),
    "unknown_speaker": json.dumps({**TOLD, "turns": [{**SAID, "speaker": "narrator"}]}),
    "empty_text": json.dumps({**TOLD, "turns": [{**SAID, "text": " "}]}),
    "span_outside_text": json.dumps({**TOLD, "turns": [{**SAID, "mentions": [{**MENTIONED, "end": 99}]}]}),
    "surface_mismatch": json.dumps({**TOLD, "turns": [{**SAID, "mentions": [{**MENTIONED, "surface": "Cold"}]}]}),
}


@pytest.fixture
def shipped(copy: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped starter files that a test may spoil; the build looks for them there."""
    folder = tmp_path / "shipped"
    shutil.copytree(registry.SHIPPED, folder)
    monkeypatch.setattr(registry, "SHIPPED", folder)
    for record in copy.ledger.folder.glob("raw_*.json"):
        record.unlink()
    return folder


def test_sixteen_kinds_of_malformed_rows_are_quarantined_each_with_its_reason(copy: Workspace, shipped: Path) -> None:
    given = {"films.jsonl": (t.MOVIES_REJECTED, BAD_FILMS), "dialogues.jsonl": (t.DIALOGUES_REJECTED, BAD_DIALOGUES)}
    good = {name: len((shipped / name).read_text().splitlines()) for name in given}
    for name, (_, bad) in given.items():
        with (shipped / name).open("a") as lines:
            lines.write("\n".join(bad.values()) + "\n")
    build(copy, silent, until="release")
    found = release.current(copy.releases)
    for name, (table, bad) in given.items():
        rows = {row["reason"]: row for row in found.table(table).to_pylist()}
        assert {reason: row["raw_text"] for reason, row in rows.items()} == bad
        assert all(row["file"] == name and row["line"] > good[name] for row in rows.values())


def test_missing_archive_names_file_and_repair(copy: Workspace, shipped: Path) -> None:
    before = release.current(copy.releases).release_id
    (shipped / "films.jsonl").unlink()
    with pytest.raises(SourceError, match=r"films\.jsonl.*MARQUEE_MIRROR"):
        build(copy, silent, until="release")
    assert release.current(copy.releases).release_id == before


@pytest.mark.parametrize("content", [b"", b"<html>moved</html>", b"\x28\xb5\x2f\xfd\x00\x00truncated"])
def test_corrupt_archive_stops_its_source_and_changes_nothing(copy: Workspace, tmp_path: Path, content: bytes) -> None:
    before = release.current(copy.releases)
    mirror = tmp_path / "mirror"
    pack = mirror / registry.source_named("svod_disney").files[0].name
    pack.parent.mkdir(parents=True)
    pack.write_bytes(content)
    profile = copy.profile.model_copy(update={"movie_sources": ("svod_disney", "starter"), "baseline": "starter"})
    with pytest.raises(SourceError, match="SHA-256"):
        build(Workspace(copy.root, profile, mirror), silent, until="release")
    assert release.verify(release.current(copy.releases)) == []
    assert release.current(copy.releases).release_id == before.release_id


def test_empty_data_set_is_refused_by_the_gate(copy: Workspace, shipped: Path) -> None:
    before = release.current(copy.releases).release_id
    (shipped / "dialogues.jsonl").write_text("")
    with pytest.raises(GateError, match=r"not published: .*core_dialogues\.declared_datasets"):
        build(copy, silent, until="release")
    assert release.current(copy.releases).release_id == before


def test_dialogue_without_a_film_is_kept(copy: Workspace, shipped: Path) -> None:
    line = {"dialogue_id": "s9999", "turns": [{"speaker": "seeker", "text": "hello", "mentions": []}], "outcome": "open"}
    with (shipped / "dialogues.jsonl").open("a") as dialogues:
        dialogues.write(json.dumps(line) + "\n")
    build(copy, silent, until="core")
    kept = store.read_table(copy.table(t.DIALOGUES), t.DIALOGUES)["dialogue_id"].to_pylist()
    mentioning = store.read_table(copy.table(t.MENTIONS), t.MENTIONS)["dialogue_id"].to_pylist()
    assert "starter:s9999" in kept and "starter:s9999" not in mentioning


@pytest.mark.parametrize("name", ["core_movies; DROP TABLE core_movies", "../../outside", "a'b", 'a"b', "", "x" * 300, "naïve"])
def test_hostile_source_and_profile_names_are_refused_before_any_work(tmp_path: Path, name: str) -> None:
    path = tmp_path / "mine.yaml"
    good = (PROFILES / "starter.yaml").read_text()
    path.write_text(good.replace("movie_sources: [starter]", f"movie_sources: [{json.dumps(name)}]"))
    with pytest.raises(ValueError, match="no such source"):
        load_profile(path)
    path.write_text(good.replace("name: starter", f"name: {json.dumps(name)}"))
    with pytest.raises(ValueError, match="name"):
        load_profile(path)
