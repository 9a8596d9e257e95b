"""Nothing trains on data that the gate has not passed, whichever way it is asked for."""

import json
from datetime import timedelta
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from assets_defs import gate
from assets_defs.build import build
from assets_defs.definitions import build_defs
from assets_defs.errors import GateError
from assets_defs.graph import STEPS
from assets_defs.step import today
from assets_defs.workspace import Workspace
from corpus_pipeline import release, store
from corpus_pipeline.schema import tables as t
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
    failed = {evaluation.check_name for evaluation in result.get_asset_check_evaluations() if not evaluation.passed}
    assert "key_unique" in failed


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
