"""Click prediction on the starter data: every model answers and is judged, nothing is learned from held-out rows, a killed run goes on."""

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from assets_defs import click, click_data, click_eval, click_studies, film_vectors, lineage, representations
from assets_defs.build import Done
from assets_defs.graph import STEPS
from assets_defs.models import film_vectors_of, load_embeddings
from assets_defs.step import Job, parent_records, perform, stale_partitions
from assets_defs.workspace import Workspace
from corpus_pipeline import release, store
from corpus_pipeline.schema import tables as t
from corpus_pipeline.schema.types import Table
from modeling.joint_representation.infer import load_lightgcn
from quality.contract import contract
from quality.measure import measure
from tests.pipeline.conftest import silent

Build = tuple[Workspace, Done]
Row = dict[str, Any]
NETWORKS = {"deepfm_ids", "deepfm", "xdeepfm", "dcn", "autoint", "retrieval"}
TUNED = {"rella", "hybrid_score", "rallrec", "rallrec_fused"}
UNTUNED = {"zero_shot", "reasoning", "rallrec_plus"}


def table_of(space: Workspace, table: Table) -> pa.Table:
    return store.read_table(space.table(table), table)


def rows_of(space: Workspace, table: Table, **where: str) -> list[Row]:
    return [row for row in table_of(space, table).to_pylist() if all(row[name] == value for name, value in where.items())]


def job_of(space: Workspace, name: str, partition: str | None = None) -> Job:
    step = STEPS[name]
    return Job(step, space, (partition,), parent_records(step, STEPS, space), silent, lambda _: None)


def data_of(space: Workspace) -> click_data.ClickData:
    return click_data.click_data(release.current(space.releases), table_of(space, t.SET_CLICK), "starter")


@pytest.mark.parametrize("table", t.CLICK_EVALS, ids=lambda table: table.name)
def test_every_table_is_what_its_declaration_says(built: Build, table: Table) -> None:
    found = table_of(built[0], table)
    assert found.num_rows
    with store.connect({table.name: found}) as con:
        rules = contract([table])
        told = measure(rules, lambda sql: con.execute(sql).to_arrow_table())
    assert [rule.name for rule, one in zip(rules, told, strict=True) if not rule.holds(one.observed)] == []


def test_every_model_predicts_the_rows_that_it_is_asked_about(built: Build) -> None:
    asked = {(row["split"], row["row_index"]): row for row in rows_of(built[0], t.SET_CLICK)}
    seen: dict[tuple[str, str], set[int]] = {}
    for row in rows_of(built[0], t.EVAL_CLICK_PREDICTIONS):
        truth = asked[row["split"], row["row_index"]]
        assert (row["user_id"], row["is_liked"]) == (truth["user_id"], truth["is_liked"])
        seen.setdefault((row["split"], row["model"]), set()).add(row["row_index"])
    whole = {split: {index for own, index in asked if own == split} for split in ("valid", "test")}
    assert set(seen) == {(split, model) for split in whole for model in NETWORKS | TUNED} | {("test", model) for model in UNTUNED}
    assert all(seen[split, model] == whole[split] for split in whole for model in NETWORKS)
    for split, indices in whole.items():
        judged = seen[split, "rallrec"]
        assert all(seen[split, model] == judged for model in TUNED) and judged <= indices
    assert all(seen["test", model] <= seen["test", "rallrec"] for model in UNTUNED)  # comparable with what the tuned model says


def test_the_evaluation_is_of_the_predictions(built: Build) -> None:
    space = built[0]
    told = rows_of(space, t.EVAL_CLICK, split="test", setting=click_eval.ALL)
    values = {(row["model"], row["metric"]): row for row in told}
    for model in NETWORKS:
        rows = rows_of(space, t.EVAL_CLICK_PREDICTIONS, split="test", model=model)
        liked, probability = [row["is_liked"] for row in rows], [row["probability"] for row in rows]
        assert values[model, "auc"]["value"] == pytest.approx(roc_auc_score(liked, probability))
        assert values[model, "log_loss"]["value"] == pytest.approx(log_loss(liked, probability))
        assert values[model, "auc"]["count"] == len(rows)
        assert values[model, "auc"]["ci_low"] <= values[model, "auc"]["value"] <= values[model, "auc"]["ci_high"]
        assert 0 <= values[model, "calibration_error"]["value"] <= 1


def test_our_model_is_compared_with_every_other_on_the_same_rows(built: Build) -> None:
    rows = rows_of(built[0], t.EVAL_CLICK, split="test", metric="auc_difference")
    (best,) = {row["model"] for row in rows if row["setting"].startswith(click_eval.JUDGED)}
    assert best in click.OURS
    for setting, model, models in ((click_eval.ALL, "retrieval", NETWORKS), (click_eval.JUDGED, best, NETWORKS | TUNED)):
        against = {row["setting"] for row in rows if row["model"] == model}
        assert {f"{setting}, less {other}" for other in models - {model}} <= against
    for name in (click_eval.REASONED, click_eval.MERGED, click_eval.ZERO_SHOT):  # the few rows asked about are theirs
        own = {row["setting"] for row in rows_of(built[0], t.EVAL_CLICK, split="test", model=name)}
        assert not own or f"rows of {name}, less rallrec" in own
    adjusted = rows_of(built[0], t.EVAL_CLICK, metric="auc_p_holm")
    assert adjusted and all(0 <= row["value"] <= 1 for row in adjusted)


def test_every_setting_of_the_study_is_read_off(built: Build) -> None:
    rows = rows_of(built[0], t.EVAL_CLICK_ABLATION, model=click_studies.READOUT)
    names = {setting.name for setting in click_studies.SETTINGS}
    for metric in click_studies.METRICS:
        assert {row["setting"] for row in rows if row["metric"] == metric} == names
        assert {row["setting"] for row in rows if row["metric"] == f"{metric}_difference"} == names - {click_studies.BASE}
    defects = {row["setting"] for row in rows_of(built[0], t.EVAL_CLICK_ABLATION) if row["setting"].startswith("code-compatible")}
    assert {"code-compatible: ids off by one", "code-compatible: double softmax"} <= defects


def test_retrievers_of_the_main_line_are_judged_on_both_kinds_of_vectors(built: Build) -> None:
    rows = rows_of(built[0], t.EVAL_JOINT_RETRIEVAL)
    assert {row["split"] for row in rows} == {"valid"}
    told = {(row["dataset"], row["retriever"], row["setting"]) for row in rows if row["metric"] == "recall@10"}
    kinds = (*film_vectors.KINDS, "joint less text")
    assert told == {(name, retriever, kind) for name in ("all", "starter") for retriever in film_vectors.RETRIEVERS for kind in kinds}


def test_the_graph_of_users_and_items_has_no_row_that_is_held_out(built: Build) -> None:
    space = built[0]
    data, rows = data_of(space), rows_of(space, t.SET_CLICK)
    users, items = click_data.training_edges(data)
    edges = {(data.users["user_id"][int(user)].as_py(), data.item_ids[item]) for user, item in zip(users, items, strict=True)}
    trained = {(row["user_id"], row["item_id"]) for row in rows if row["split"] == "train"}
    held_out = {(row["user_id"], row["item_id"]) for row in rows if row["split"] != "train"}
    assert edges == {(row["user_id"], row["item_id"]) for row in rows if row["split"] == "train" and row["is_liked"]}
    assert edges and not edges & (held_out - trained)
    parts = representations.load_joint(space, "starter")
    known = {item for _, item in edges}
    assert [item in known for item in parts.ids] == parts.has_behaviour.tolist() and not parts.behaviour[~parts.has_behaviour].any()


def test_likes_of_held_out_users_are_in_no_film_vector(built: Build) -> None:
    space = built[0]
    found = release.current(space.releases)
    users, films = film_vectors._likes(found, table_of(space, t.SET_CLICK))
    movies = {row["item_id"]: row["movie_id"] for row in found.table(t.INTERACTION_ITEMS).to_pylist()}
    likes = [row for row in rows_of(space, t.SET_CLICK, split="train") if row["is_liked"]]
    expected = {(f"starter:{row['user_id']}", movies[row["item_id"]]) for row in likes if movies[row["item_id"]]}
    assert expected and set(zip(users, films, strict=True)) == expected
    texts, joint = load_embeddings(space), film_vectors_of(space, "joint")
    assert tuple(joint.ids) == tuple(texts.ids) and joint.matrix.shape[1] > texts.matrix.shape[1]


class Flipped:
    """The release with the labels of some interactions turned."""

    def __init__(self, found: release.Release, turned: set[tuple[str, int]]) -> None:
        self.found, self.turned = found, turned

    def table(self, table: Table) -> pa.Table:
        found = self.found.table(table)
        return flipped(found, self.turned) if table is t.INTERACTIONS else found


def flipped(table: pa.Table, turned: set[tuple[str, int]]) -> pa.Table:
    """The table with `is_liked` turned at some (user, position)."""
    rows = [{**row, "is_liked": row["is_liked"] ^ ((row["user_id"], row["history_position"]) in turned)} for row in table.to_pylist()]
    return pa.Table.from_pylist(rows, schema=table.schema)


def learned_from(space: Workspace, data: click_data.ClickData) -> dict[str, Any]:
    """Everything of the data set that a model is made from: edges of the graph, rows of networks and questions of language models."""
    parts = representations.load_joint(space, "starter")
    titles = list(map(click_data.title_of, click_data.item_facts(release.current(space.releases), data)))
    sources = click.Sources(data, parts, titles, click_data.user_profiles(data))
    told: dict[str, Any] = {"edges": click_data.training_edges(data)}
    for split in ("train", "valid"):
        rows = click.network_rows(space, sources, data.of_split(split))
        told |= {f"{split}, {field.name}": getattr(rows, field.name) for field in dataclasses.fields(rows)}
        variant = click.VARIANTS["rallrec"]
        targets = click_data.sampled_targets(data, split, 20)
        told[f"{split}, questions"] = click.questions_of(space, sources, targets, variant, click.click_config(space, data, variant))
        told[f"{split}, answers"] = data.histories.liked[targets]
    return told


def test_labels_of_test_rows_change_nothing_that_a_model_is_made_from(built: Build) -> None:
    space = built[0]
    found, rows = release.current(space.releases), table_of(space, t.SET_CLICK)

    def with_turned(split: str) -> dict[str, Any]:
        turned = {(row["user_id"], row["history_position"]) for row in rows.to_pylist() if row["split"] == split}
        other = cast(release.Release, Flipped(found, turned))
        return learned_from(space, click_data.click_data(other, flipped(rows, turned), "starter"))

    ours, theirs = learned_from(space, data_of(space)), with_turned("test")
    assert [name for name in ours if not same(ours[name], theirs[name])] == []
    trained = with_turned("train")
    assert {name for name in ours if not same(ours[name], trained[name])} >= {"edges", "train, liked", "train, questions"}


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, tuple):
        return all(map(np.array_equal, ours, theirs))
    return bool(np.array_equal(ours, theirs)) if isinstance(ours, np.ndarray) else bool(ours == theirs)


@pytest.mark.parametrize("name", [table.name for table in t.CLICK_EVALS])
def test_a_cell_goes_back_to_the_raw_interactions(built: Build, name: str) -> None:
    space = built[0]
    links = lineage.explain(space.ledger, name)
    assert {"raw_interactions@starter", "core_interactions", "release_corpus", "set_click"} <= {link.name for link in links}
    raw = {link.name: link.fingerprint for link in links if link.detail == "raw bytes"}
    theirs = space.ledger.need("raw_interactions@starter").outputs
    assert theirs and theirs.items() <= raw.items()
    assert all(store.sha256(space.absolute(file)) == sha for file, sha in theirs.items())


def test_predictions_come_from_the_models_on_record(built: Build) -> None:
    names = {link.name for link in lineage.explain(built[0].ledger, t.EVAL_CLICK.name)}
    assert {"model_click@starter", "model_joint_representation@starter", "model_lightgcn@starter", "model_base_lm"} <= names
    studied = {link.name for link in lineage.explain(built[0].ledger, t.EVAL_CLICK_ABLATION.name)}
    assert {"model_click@starter", "model_base_lm", "model_query_lm"} <= studied


def without_record(space: Workspace, name: str) -> dict[str, str]:
    """The outputs of a step whose record is gone, as if a run had been killed in it."""
    outputs = dict(space.ledger.need(name).outputs)
    (space.root / "records" / f"{name}.json").unlink()
    return outputs


@pytest.mark.parametrize("killed", ["deepfm", "rella"])
def test_a_killed_run_keeps_the_models_that_it_had_finished(copy: Workspace, killed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copy.artifact_of("model_click@starter")
    before = without_record(copy, "model_click@starter")
    (folder / killed / "manifest.json").unlink()  # written last
    for file in (folder / killed).rglob("*.safetensors"):
        file.write_bytes(b"cut short")
    made = watched(monkeypatch)
    list(perform(job_of(copy, "model_click", "starter")))
    assert made == [killed]
    assert copy.ledger.need("model_click@starter").outputs == before
    assert stale_partitions(STEPS["eval_click_predictions"], STEPS, copy) == []


def watched(monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    """Names of the models that are trained from here on."""
    made: list[str] = []
    train_network, tune = click._train_network, click._tune

    def trained(job: Job, name: str, rows: Any, folder: Path) -> None:
        made.append(name)
        train_network(job, name, rows, folder)

    def tuned(job: Job, sources: Any, variant: Any, folder: Path, name: str) -> None:
        made.append(name)
        tune(job, sources, variant, folder, name)

    monkeypatch.setattr(click, "_train_network", trained)
    monkeypatch.setattr(click, "_tune", tuned)
    return made


@pytest.mark.parametrize("name", ["model_lightgcn", "model_joint_representation"])
def test_representations_made_again_have_the_same_bytes(copy: Workspace, name: str, built: Build) -> None:
    shutil.copytree(built[0].root.parent / "cache", copy.root.parent / "cache")
    before = without_record(copy, f"{name}@starter")
    for file in map(copy.absolute, before):
        file.unlink()
    list(perform(job_of(copy, name, "starter")))
    assert copy.ledger.need(f"{name}@starter").outputs == before


def test_vectors_of_the_graph_are_of_all_users_and_items(built: Build) -> None:
    space = built[0]
    data = data_of(space)
    users, items = load_lightgcn(space.artifact_of("model_lightgcn@starter"))
    assert (len(users), len(items)) == (data.users.num_rows, data.items.num_rows) and np.isfinite(items).all()
