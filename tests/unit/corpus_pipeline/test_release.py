"""Publishing is all or nothing, the pointer moves atomically, and every changed byte is seen."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from corpus_pipeline import release, store
from corpus_pipeline.errors import LinkError, ReleaseError
from corpus_pipeline.linking.facts import FACTS
from corpus_pipeline.linking.title_index import open_index, save_index
from corpus_pipeline.schema import tables as t
from corpus_pipeline.schema.render import arrow_schema
from tests.catalogues import Film, index_of

NOW = "2026-01-01T00:00:00+00:00"


def empty_tables(folder: Path, *, people: int = 1) -> dict[str, Path]:
    """Every released table, empty but for `people` rows of core_people."""
    paths = {}
    for table in t.RELEASED:
        rows = arrow_schema(table).empty_table()
        if table is t.PEOPLE:
            listed = [{"person_id": f"pp{n:012d}", "name": f"P {n}", "name_key": f"p {n}", "imdb_person_id": None} for n in range(people)]
            rows = pa.Table.from_pylist(listed, schema=arrow_schema(table))
        paths[table.name] = folder / f"{table.name}.parquet"
        store.write_table(rows, table, paths[table.name])
    return paths


def verdict_for(paths: dict[str, Path], **changes: Any) -> dict[str, Any]:
    good = {"passed": True, "fingerprints": {name: store.sha256(path) for name, path in paths.items()}, "results": []}
    return {**good, **changes}


def publish(tmp_path: Path, *, people: int = 1, at: str = NOW, **changes: Any) -> release.Release:
    paths = empty_tables(tmp_path / "tables", people=people)
    verdict = verdict_for(paths, **changes)
    return release.publish(tmp_path / "releases", paths, verdict=verdict, profile="test", created_at=at, parents={})


def test_published_release_is_whole(tmp_path: Path) -> None:
    found = publish(tmp_path, people=3)
    assert release.current(tmp_path / "releases").release_id == found.release_id
    assert found.manifest.row_counts["core_people"] == 3
    assert release.verify(found) == []
    assert found.table(t.PEOPLE).num_rows == 3


def test_database_has_keys_and_comments_and_is_readable_by_others(tmp_path: Path) -> None:
    found = publish(tmp_path, people=2)
    with duckdb.connect(str(found.database), read_only=True) as con:
        keys = con.execute(
            "SELECT constraint_column_names FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY' AND table_name = 'core_people'"
        ).fetchall()
        assert keys == [(["person_id"],)]
        silent = con.execute("SELECT table_name FROM duckdb_tables() WHERE comment IS NULL").fetchall()
        silent += con.execute(
            "SELECT column_name FROM duckdb_columns() WHERE comment IS NULL AND NOT internal "
            "AND table_name IN (SELECT table_name FROM duckdb_tables())"
        ).fetchall()
        assert silent == []


@pytest.mark.parametrize("changes", [{"passed": False}, {"fingerprints": {}}, {"fingerprints": {"core_people": "0" * 64}}])
def test_refused_data_changes_nothing(tmp_path: Path, changes: dict[str, Any]) -> None:
    before = publish(tmp_path)
    with pytest.raises(ReleaseError):
        publish(tmp_path, people=5, **changes)
    assert [r.release_id for r in release.list_releases(tmp_path / "releases")] == [before.release_id]
    assert release.current(tmp_path / "releases").release_id == before.release_id


def test_a_draft_becomes_the_release_only_with_a_verdict_on_its_own_bytes(tmp_path: Path) -> None:
    paths = empty_tables(tmp_path / "tables", people=2)
    releases, verdict = tmp_path / "releases", verdict_for(paths)
    draft = release.assemble(releases, paths)
    assert release.list_releases(releases) == []
    other = {**verdict, "fingerprints": {**verdict["fingerprints"], "core_people": "0" * 64}}
    with pytest.raises(ReleaseError, match="core_people"):
        release.publish(releases, paths, verdict=other, profile="test", created_at=NOW, parents={}, draft=draft)
    found = release.publish(releases, paths, verdict=verdict, profile="test", created_at=NOW, parents={}, draft=draft)
    assert release.verify(found) == []
    assert found.release_id == publish(tmp_path, people=2).release_id
    assert list(releases.glob(".*")) == []


def test_tables_that_change_under_way_are_not_published(tmp_path: Path) -> None:
    paths = empty_tables(tmp_path / "tables", people=2)
    verdict, draft = verdict_for(paths), release.assemble(tmp_path / "releases", empty_tables(tmp_path / "other", people=3))
    with pytest.raises(ReleaseError, match="other bytes"):
        release.publish(tmp_path / "releases", paths, verdict=verdict, profile="test", created_at=NOW, parents={}, draft=draft)


def test_a_damaged_manifest_hides_no_other_release(tmp_path: Path) -> None:
    releases, whole, damaged = tmp_path / "releases", publish(tmp_path), publish(tmp_path, people=2)
    (damaged.path / release.MANIFEST).write_text("{")
    assert [r.release_id for r in release.list_releases(releases)] == [whole.release_id]
    with pytest.raises(ReleaseError, match=f"no whole release.*{whole.release_id}"):
        release.current(releases)
    with pytest.raises(ReleaseError, match=f"{damaged.release_id} is gone.*marquee rollback"):
        release.rollback(releases, None, moved_at=NOW)


def test_an_altered_verdict_is_found(tmp_path: Path) -> None:
    found = publish(tmp_path, results=[{"name": "core_movies.rows", "passed": True, "observed": 3.0}])
    document = json.loads((found.path / release.VERDICT).read_text())
    document["results"][0]["observed"] = 4.0
    (found.path / release.VERDICT).write_text(json.dumps(document))
    problems = release.verify(release.current(tmp_path / "releases"))
    assert len(problems) == 2 and "named after" in problems[0]


def test_refusal_names_the_failed_expectation(tmp_path: Path) -> None:
    failed = [{"name": "core_movies_row_count", "passed": False, "waived_by": None}]
    with pytest.raises(ReleaseError, match="core_movies_row_count"):
        publish(tmp_path, passed=False, results=failed)


def test_same_bytes_give_the_same_release_and_other_bytes_another(tmp_path: Path) -> None:
    first, again, other = publish(tmp_path, judged_at="today"), publish(tmp_path, judged_at="tomorrow"), publish(tmp_path, people=2)
    assert first.release_id == again.release_id != other.release_id


def test_same_bytes_judged_otherwise_are_another_release(tmp_path: Path) -> None:
    result = {"name": "x", "passed": True, "waived_by": None, "minimum": 1}
    assert publish(tmp_path, results=[result]).release_id != publish(tmp_path, results=[{**result, "minimum": 2}]).release_id


def test_rollback_moves_only_the_pointer(tmp_path: Path) -> None:
    old = publish(tmp_path, people=1, at="2026-01-01T00:00:00+00:00")
    new = publish(tmp_path, people=2, at="2026-01-02T00:00:00+00:00")
    back = release.rollback(tmp_path / "releases", None, moved_at=NOW)
    assert back.release_id == old.release_id
    assert release.pointer(tmp_path / "releases") == release.Pointer(old.release_id, NOW, "rolled back")
    assert release.verify(release.open_release(tmp_path / "releases", new.release_id)) == []
    with pytest.raises(ReleaseError, match="no release before"):
        release.rollback(tmp_path / "releases", None, moved_at=NOW)
    with pytest.raises(ReleaseError, match="published"):
        release.rollback(tmp_path / "releases", "rffffffffffff", moved_at=NOW)


@pytest.mark.parametrize("victim", ["tables/core_people.parquet", "corpus.duckdb", "verdict.json"])
def test_one_flipped_byte_is_seen(tmp_path: Path, victim: str) -> None:
    found = publish(tmp_path, people=4)
    file = found.path / victim
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    assert [problem.split(":")[0] for problem in release.verify(found)] == [victim]
    if victim.startswith("tables/"):
        with pytest.raises(ReleaseError, match="changed after publishing"):
            found.table(t.PEOPLE)


def test_missing_and_damaged_pointer_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="marquee build"):
        release.current(tmp_path / "releases")
    publish(tmp_path)
    (tmp_path / "releases" / "current.json").write_text("{")
    with pytest.raises(ReleaseError, match="marquee rollback"):
        release.current(tmp_path / "releases")


KILLED = """
import sys, json
from pathlib import Path
from corpus_pipeline import release
tables, releases, verdict = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text())
print("started", flush=True)
paths = {name: tables / f"{name}.parquet" for name in verdict["fingerprints"]}
release.publish(releases, paths, verdict=verdict, profile="test", created_at="2026-01-02", parents={})
"""


@pytest.mark.parametrize("delay", [0.0, 0.15, 0.4, 0.8])
def test_kill_leaves_the_old_release_or_the_new_one(tmp_path: Path, delay: float) -> None:
    before = publish(tmp_path)
    paths = empty_tables(tmp_path / "next", people=50)
    verdict = verdict_for(paths)
    (tmp_path / "verdict.json").write_text(json.dumps(verdict))
    command = [sys.executable, "-c", KILLED, str(tmp_path / "next"), str(tmp_path / "releases"), str(tmp_path / "verdict.json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
    found = release.current(tmp_path / "releases")
    assert found.release_id in {before.release_id, release.release_id(verdict["fingerprints"], verdict)}
    assert release.verify(found) == []
    again = release.publish(tmp_path / "releases", paths, verdict=verdict, profile="test", created_at=NOW, parents={})
    assert again.manifest.tables == verdict["fingerprints"]
    assert list((tmp_path / "releases").glob(".*.partial")) == []


def with_index(tmp_path: Path, title: str = "Mirrorwise", *, draft: bool = False) -> release.Release:
    """The same tables as ever, published with the index of a catalogue that has the film `title`."""
    folder, releases, paths = tmp_path / title, tmp_path / "releases", empty_tables(tmp_path / "tables")
    save_index(index_of(Film(title, 1990)), folder)
    assembled = release.assemble(releases, paths, folder) if draft else None
    return release.publish(
        releases, paths, verdict=verdict_for(paths), profile="test", created_at=NOW, parents={}, index=folder, draft=assembled
    )


@pytest.fixture(scope="module")
def mirrorwise(tmp_path_factory: pytest.TempPathFactory) -> release.Release:
    """A release with an index, which no test changes."""
    return with_index(tmp_path_factory.mktemp("mirrorwise"))


@pytest.fixture
def indexed(mirrorwise: release.Release, tmp_path: Path) -> release.Release:
    """A copy of it, which a test may damage."""
    shutil.copytree(mirrorwise.path.parent, tmp_path / "releases")
    return release.current(tmp_path / "releases")


def test_an_index_is_published_with_the_release_it_is_stamped_for(mirrorwise: release.Release) -> None:
    held = {name for name in mirrorwise.manifest.files if name.startswith(f"{release.INDEX}/")}
    assert held == {f"{release.INDEX}/{file.name}" for file in (mirrorwise.path.parents[1] / "Mirrorwise").iterdir()}
    assert f"{release.INDEX}/{FACTS}" in held and len(held) > 10
    assert release.verify(mirrorwise) == [] and release.has_own_id(mirrorwise)
    index = open_index(mirrorwise.title_index, release_id=mirrorwise.release_id)
    assert index.films.titles.take(np.arange(1)) == ["Mirrorwise"]
    assert release.current(mirrorwise.path.parent).manifest.title_index == mirrorwise.manifest.title_index != ""


def test_the_index_is_part_of_the_release_s_name_and_opens_for_it_alone(tmp_path: Path, mirrorwise: release.Release) -> None:
    again, other = with_index(tmp_path, draft=True), with_index(tmp_path, "Plum")
    without = release.release_id(mirrorwise.manifest.tables, mirrorwise.verdict)
    assert mirrorwise.release_id == again.release_id
    assert len({without, again.release_id, other.release_id}) == 3
    assert again.manifest.tables == other.manifest.tables
    assert release.verify(again) == release.verify(other) == []
    with pytest.raises(LinkError, match=f"{again.release_id}.*{other.release_id}"):
        open_index(again.title_index, release_id=other.release_id)
    with pytest.raises(LinkError, match=f"unreleased.*{again.release_id}"):
        open_index(tmp_path / "Mirrorwise", release_id=again.release_id)  # the one that it was copied from


def test_a_release_without_an_index_says_so_when_it_is_asked_for(tmp_path: Path) -> None:
    found = publish(tmp_path)
    assert not (found.path / release.INDEX).exists()
    assert found.release_id == release.release_id(found.manifest.tables, found.verdict)
    document = json.loads((found.path / release.MANIFEST).read_text())
    del document["title_index"]
    (found.path / release.MANIFEST).write_text(json.dumps(document))  # as manifests were before there were indices
    for one in (found, release.current(tmp_path / "releases")):
        assert release.verify(one) == []
        with pytest.raises(ReleaseError, match=f"{found.release_id} was published without a title index.*marquee build"):
            _ = one.title_index


def test_one_flipped_byte_of_an_index_is_seen(indexed: release.Release) -> None:
    for victim in ("names_hashes.npy", "film_year.npy", FACTS):
        file = indexed.title_index / victim
        whole = file.read_bytes()
        file.write_bytes(whole[:-2] + bytes([whole[-2] ^ 1]) + whole[-1:])
        assert [problem.split(":")[0] for problem in release.verify(indexed)] == [f"{release.INDEX}/{victim}"]
        file.write_bytes(whole)
    assert release.verify(indexed) == []


def test_a_lost_array_of_an_index_is_seen(indexed: release.Release) -> None:
    (indexed.title_index / "letters.npy").unlink()
    assert release.verify(indexed)[0].startswith(f"{release.INDEX}/letters.npy: missing")
    with pytest.raises(LinkError, match=r"letters\.npy.*marquee verify"):
        open_index(indexed.title_index, release_id=indexed.release_id)


def test_another_index_behind_the_same_name_is_seen(indexed: release.Release) -> None:
    """Files and manifest may agree with each other; the release's id tells that they are not what was published."""
    document = json.loads((indexed.path / release.MANIFEST).read_text())
    (indexed.path / release.MANIFEST).write_text(json.dumps(document | {"title_index": "0" * 64}))
    assert "named after" in release.verify(release.current(indexed.path.parent))[0]
