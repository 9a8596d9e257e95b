"""Nothing trains on data that the gate has not passed, whichever way it is asked for."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from assets_defs import gate
from assets_defs.build import build
from assets_defs.definitions import build_defs
from assets_defs.errors import GateError, LineageError
from assets_defs.explore import ask
from assets_defs.graph import STEPS
from assets_defs.recommend import recommend_for
from assets_defs.step import today
from assets_defs.workspace import Workspace
from corpus_pipeline import release, store
from corpus_pipeline.errors import ConfigError
from corpus_pipeline.schema import tables as t
from corpus_pipeline.training_sets.sequences import build_sequences
from tests.pipeline.conftest import silent

TRAINERS = ("set_sequences", "set_recommendation", "model_text_embeddings", "model_lrurec", "model_lrurec_text")


def spoil(space: Workspace) -> None:
    """A corpus that cannot pass: two films of one id, written as a step would write them."""
    path = space.table(t.MOVIES)
    rows = store.read_table(path, t.MOVIES)
    first = rows.slice(0, 1)
    store.write_table(pa.concat_tables([rows, first]), t.MOVIES, path)


def materialise(space: Workspace, selection: dg.AssetSelection) -> dg.ExecuteInProcessResult:
    defs = build_defs(space)
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(
            [*(defs.assets or ()), *(defs.asset_checks or ())], selection=selection, instance=instance, raise_on_error=False
        )


def refusal_of(result: dg.ExecuteInProcessResult) -> str:
    assert not result.success
    return " ".join(str(event.event_specific_data) for event in result.all_events if event.is_failure)


@pytest.mark.parametrize("asset", TRAINERS)
def test_model_alone_after_a_failed_gate_is_refused_by_name(copy: Workspace, asset: str) -> None:
    spoil(copy)
    gate.judge_workspace(copy)
    with pytest.raises(GateError, match=r"core_movies\.key_unique"):
        gate.trainable_release(copy)
    refused = refusal_of(materialise(copy, dg.AssetSelection.assets(*STEPS[asset].keys).without_checks()))
    assert "core_movies.key_unique" in refused


def test_release_with_checks_skipped_is_refused_and_changes_nothing(copy: Workspace) -> None:
    before = release.current(copy.releases)
    spoil(copy)
    refused = refusal_of(materialise(copy, dg.AssetSelection.assets("release_corpus").without_checks()))
    assert "core_movies.key_unique" in refused
    after = release.current(copy.releases)
    assert after.release_id == before.release_id and release.verify(after) == []


def test_checks_show_the_failure_without_being_the_lock(copy: Workspace) -> None:
    spoil(copy)
    result = materialise(copy, dg.AssetSelection.checks(*(k for d in build_defs(copy).asset_checks or () for k in d.check_keys)))
    failed = {evaluation.check_name: evaluation.metadata for evaluation in result.get_asset_check_evaluations() if not evaluation.passed}
    first = store.read_table(copy.table(t.MOVIES), t.MOVIES)["movie_id"][0].as_py()
    assert failed["key_unique"]["offending rows"] == dg.JsonMetadataValue([{"movie_id": first, "row_count": 2}])
    assert failed["key_unique"]["bounds"] == dg.TextMetadataValue("at most 0")


def test_tables_never_judged_make_the_pointer_stale(copy: Workspace) -> None:
    spoil(copy)
    copy.verdict.unlink()
    with pytest.raises(GateError, match=r"stale.*never judged"):
        gate.trainable_release(copy)


def test_rollback_is_taken_as_meant(copy: Workspace) -> None:
    here = release.current(copy.releases).release_id
    spoil(copy)
    gate.rollback(copy, here)
    assert gate.trainable_release(copy).release_id == here


def edit_verdict(space: Workspace, **changes: Any) -> None:
    path = release.current(space.releases).path / release.VERDICT
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_verdict_with_a_failed_result_marked_as_passed_is_refused(copy: Workspace) -> None:
    results = json.loads((release.current(copy.releases).path / release.VERDICT).read_text())["results"]
    results[0]["observed"] = 10**9
    edit_verdict(copy, results=results)
    with pytest.raises(GateError, match="may not be trained on"):
        gate.trainable_release(copy)


def test_a_well_formed_verdict_with_another_number_is_refused(copy: Workspace) -> None:
    results = json.loads((release.current(copy.releases).path / release.VERDICT).read_text())["results"]
    changed = next(result for result in results if result["name"] == "core_movies.row_floor")
    changed["observed"] += 1  # it still passes, and nobody measured it
    edit_verdict(copy, results=results)
    with pytest.raises(GateError, match="altered after publishing"):
        gate.trainable_release(copy)


def test_tables_that_are_not_those_on_record_are_not_published(copy: Workspace) -> None:
    ledger = copy.ledger
    record = ledger.need("core_movies")
    ledger.put(replace(record, outputs={name: "0" * 64 for name in record.outputs}))
    with pytest.raises(GateError, match="its record says"):
        publish_now(copy)


def test_verdict_for_other_bytes_is_refused(copy: Workspace) -> None:
    prints = json.loads((release.current(copy.releases).path / release.VERDICT).read_text())["fingerprints"]
    edit_verdict(copy, fingerprints={**prints, "core_movies": "0" * 64})
    with pytest.raises(GateError, match="other bytes"):
        gate.trainable_release(copy)


def test_waived_failure_publishes_until_the_waiver_expires(copy: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    day = today()
    expectations = gate.expectations(copy)
    lowered = tuple(e if e.name != "core_movies.row_floor" else e.bounded(10**9, None) for e in expectations)
    monkeypatch.setattr(gate, "expectations", lambda space: lowered)
    with pytest.raises(GateError, match=r"core_movies\.row_floor"):
        publish_now(copy)
    copy.waivers.write_text(f"- expectation: core_movies.row_floor\n  who: A. Tester\n  reason: small on purpose\n  expires: {day}\n")
    gate.judge_workspace(copy)
    publish_now(copy)
    assert gate.trainable_release(copy).verdict["passed"]
    monkeypatch.setattr(gate, "today", lambda: day + timedelta(days=1))
    with pytest.raises(GateError, match="expired"):
        gate.trainable_release(copy)


def publish_another(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second release of the same tables, passed by a gate that asks for less."""
    asked = tuple(e.bounded(1, None) if e.name == "core_movies.row_floor" else e for e in gate.expectations(space))
    monkeypatch.setattr(gate, "expectations", lambda space: asked)
    publish_now(space)


def test_a_model_alone_on_the_sets_of_another_release_is_refused(copy: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    before = release.current(copy.releases).release_id
    publish_another(copy, monkeypatch)
    assert release.current(copy.releases).release_id != before
    for asset in ("model_lrurec", "model_lrurec_text", "eval_recommendation_ranks"):
        refused = refusal_of(materialise(copy, dg.AssetSelection.assets(asset).without_checks()))
        assert "set_sequences" in refused and "not made from the current release" in refused


def test_readers_see_nothing_of_another_release_until_it_is_rolled_back(copy: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    before = release.current(copy.releases).release_id
    publish_another(copy, monkeypatch)
    ask(copy, "SELECT count(*) FROM core_movies", limit=1)
    with pytest.raises(ConfigError, match=r"(?s)'eval_recommendation'.*made from another release.*marquee build"):
        ask(copy, "SELECT * FROM eval_recommendation", limit=1)
    with pytest.raises(LineageError, match="trained on another release"):
        recommend_for(copy, {"turns": []}, k=1, model="lrurec")
    gate.rollback(copy, before)
    assert ask(copy, "SELECT * FROM eval_recommendation", limit=1)[1]
    assert recommend_for(copy, {"turns": []}, k=1, model="lrurec")["release"] == before


def test_a_set_that_holds_a_test_dialogue_is_not_handed_out(copy: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    built = build_sequences

    def leaking(*tables: pa.Table, **more: pa.Table) -> pa.Table:
        rows = built(*tables, **more)
        dialogues = tables[1]
        unseen = dialogues.filter(pc.equal(dialogues["split"], "test"))["dialogue_id"][0].as_py()
        return rows.set_column(0, rows.schema.field(0), pa.array([unseen, *rows["dialogue_id"].to_pylist()[1:]]))

    monkeypatch.setattr("corpus_pipeline.training_sets.sequences.build_sequences", leaking)
    before = store.sha256(copy.table(t.SET_SEQUENCES))
    refused = refusal_of(materialise(copy, dg.AssetSelection.assets("set_sequences").without_checks()))
    assert "set_sequences.no_test_dialogue" in refused and "starter:" in refused
    assert store.sha256(copy.table(t.SET_SEQUENCES)) == before


@pytest.mark.parametrize("step", ["model_lrurec", "model_text_embeddings"])
def test_weights_that_are_not_those_on_record_answer_nothing(copy: Workspace, step: str) -> None:
    name = next(name for name in copy.ledger.need(step).outputs if name.endswith(".safetensors"))
    weights = copy.absolute(name)
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(LineageError, match=rf"{step}.*{weights.name}.*delete the folder"):
        recommend_for(copy, {"turns": []}, k=1, model="lrurec" if step == "model_lrurec" else "lrurec_text")


def publish_now(space: Workspace) -> None:
    result = materialise(space, dg.AssetSelection.assets("release_corpus").without_checks())
    if not result.success:
        raise GateError(refusal_of(result))


def test_repairing_the_corpus_makes_training_possible_again(copy: Workspace) -> None:
    spoil(copy)
    gate.judge_workspace(copy)
    (copy.ledger.folder / "core_movies.json").unlink()
    build(copy, silent, until="set")
    assert gate.trainable_release(copy)
