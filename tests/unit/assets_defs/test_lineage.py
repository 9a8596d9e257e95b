"""Records, fingerprints, and the walk back to raw bytes."""

from pathlib import Path

import pytest

from assets_defs import lineage
from assets_defs.errors import LineageError
from assets_defs.lineage import Ledger, Record


def record(
    asset: str, *, partition: str | None = None, outputs: dict[str, str] | None = None, parents: dict[str, str] | None = None
) -> Record:
    return Record(asset, partition, outputs or {f"{asset}.parquet": "0" * 64}, parents or {}, "key", "code", {}, "2026-01-01", 1.0)


def chain(ledger: Ledger) -> list[Record]:
    raw = record("raw_movies", partition="starter", outputs={"project:films.jsonl": "ab" * 32})
    core = record("core_movies", parents={raw.name: raw.fingerprint})
    result = record("eval_recommendation", parents={core.name: core.fingerprint})
    for made in (raw, core, result):
        ledger.put(made)
    return [raw, core, result]


def test_explanation_reaches_raw_bytes(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    chain(ledger)
    links = lineage.explain(ledger, "eval_recommendation")
    assert [(link.depth, link.name) for link in links] == [
        (0, "eval_recommendation"),
        (1, "core_movies"),
        (2, "raw_movies@starter"),
        (3, "project:films.jsonl"),
    ]
    assert links[-1].fingerprint == "ab" * 32


def test_missing_link_is_named(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    chain(ledger)
    (tmp_path / "core_movies.json").unlink()
    with pytest.raises(LineageError, match="core_movies has not been built"):
        lineage.explain(ledger, "eval_recommendation")


def test_changed_link_is_named(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    chain(ledger)
    ledger.put(record("core_movies", outputs={"core_movies.parquet": "1" * 64}))
    with pytest.raises(LineageError, match="core_movies now has"):
        lineage.explain(ledger, "eval_recommendation")


def test_what_was_made_from_other_parents_is_not_current(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    chain(ledger)
    assert lineage.is_current(ledger, "eval_recommendation", back_to="raw_movies@starter")
    ledger.put(record("raw_movies", partition="starter", outputs={"project:films.jsonl": "cd" * 32}))
    assert lineage.is_current(ledger, "eval_recommendation", back_to="core_movies")
    assert not lineage.is_current(ledger, "eval_recommendation", back_to="raw_movies@starter")
    ledger.put(record("core_movies", outputs={"core_movies.parquet": "1" * 64}))
    assert not lineage.is_current(ledger, "eval_recommendation", back_to="core_movies")
    (tmp_path / "core_movies.json").unlink()
    assert not lineage.is_current(ledger, "eval_recommendation", back_to="core_movies")
    assert not lineage.is_current(ledger, "core_movies", back_to="core_movies")


def test_what_is_explained_twice_points_up(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    raw, core, _ = chain(ledger)
    ledger.put(record("eval_recommendation", parents={core.name: core.fingerprint, raw.name: raw.fingerprint}))
    links = lineage.explain(ledger, "eval_recommendation")
    assert [(link.name, "shown above" in link.detail) for link in links[-2:]] == [("project:films.jsonl", False), (raw.name, True)]


def test_damaged_record_counts_as_none(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    chain(ledger)
    (tmp_path / "core_movies.json").write_text("{half")
    assert ledger.get("core_movies") is None
    assert [r.asset for r in ledger.all()] == ["eval_recommendation", "raw_movies"]


def test_fingerprint_follows_from_content_alone() -> None:
    assert record("a", parents={"x": "1"}).fingerprint == record("a", parents={"x": "2"}).fingerprint
    assert record("a").fingerprint != record("a", outputs={"a.parquet": "1" * 64}).fingerprint


def test_inputs_key_changes_with_each_of_its_parts() -> None:
    keys = {
        lineage.inputs_key("code", {"k": 1}, {"p": "f"}),
        lineage.inputs_key("code2", {"k": 1}, {"p": "f"}),
        lineage.inputs_key("code", {"k": 2}, {"p": "f"}),
        lineage.inputs_key("code", {"k": 1}, {"p": "g"}),
    }
    assert len(keys) == 4


def test_code_version_covers_modules_and_packages() -> None:
    assert lineage.code_version(["corpus_pipeline.store"]) != lineage.code_version(["corpus_pipeline.schema"])
    assert lineage.code_version(["corpus_pipeline.schema", "corpus_pipeline.store"]) == lineage.code_version(
        ["corpus_pipeline.store", "corpus_pipeline.schema"]
    )
