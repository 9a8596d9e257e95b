"""The feedback loop on the starter data: unrolled with its lineage, the same bytes again, also after a stop, within its budget, served."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from assets_defs import lineage, preference_parts
from assets_defs.build import Done, build
from assets_defs.explore import ask
from assets_defs.preference_parts import rounds_of, step_name
from assets_defs.recommend import recommend_for
from assets_defs.workspace import Workspace
from corpus_pipeline import store
from corpus_pipeline.errors import ConfigError
from corpus_pipeline.schema import tables as t
from modeling.errors import DataError
from tests.pipeline.conftest import silent

Build = tuple[Workspace, Done]
SAID = {"turns": [{"speaker": "seeker", "text": "I loved Heat (1995) and want another crime film"}]}


def outputs(space: Workspace, *names: str) -> dict[str, str]:
    return {name: sha for record in names for name, sha in space.ledger.need(record).outputs.items()}


def forgotten(space: Workspace, *names: str) -> None:
    """The records of steps and what they wrote are gone, as if they had never run."""
    for name in names:
        for path in map(space.absolute, space.ledger.need(name).outputs):
            path.unlink(missing_ok=True)
        (space.root / "records" / f"{name}.json").unlink()
        step, _, partition = name.partition("@")
        shutil.rmtree(space.artifact(step) / partition, ignore_errors=True)


def test_a_round_is_a_materialisation_with_its_own_lineage(built: Build) -> None:
    space, _ = built
    names = {link.name for link in lineage.explain(space.ledger, "eval_preference_retriever")}
    for retriever in space.profile.loop_retrievers:
        steps = [step_name(0), *(step for n in t.ROUNDS for step in (f"set_preferences_{n}", step_name(n)))]
        assert {f"{step}@{retriever}" for step in steps} <= names
    assert f"set_preferences_1@{space.profile.loop_retrievers[0]}" in space.ledger.need(f"{step_name(1)}@rar").parents


def test_every_round_says_what_it_made_of_its_feedback(built: Build) -> None:
    space, _ = built
    for retriever in space.profile.loop_retrievers:
        for number in t.ROUNDS:
            (told,) = rounds_of(space, retriever, number)
            assert 0 <= told[preference_parts.VALUE] <= 1
            assert told.get("note") or {"mean_reward", "tie_share", "kl_to_reference", "turns_learned_from"} <= set(told)


def test_feedback_comes_from_training_turns_that_supervision_did_not_see(built: Build) -> None:
    space, _ = built
    rows = ask(
        space,
        "SELECT DISTINCT s.split, s.dialogue_id FROM set_preferences_1 AS p JOIN set_recommendation AS s USING (example_id)",
        limit=0,
    )[1]
    table = store.read_table(space.table(t.SET_RECOMMENDATION), t.SET_RECOMMENDATION)
    learned = set(preference_parts.supervised_part(table, 0.5)["dialogue_id"].to_pylist())
    assert rows and {split for split, _ in rows} == {"train"} and not {dialogue for _, dialogue in rows} & learned


@pytest.fixture
def kept(built: Build, copy: Workspace) -> Workspace:
    """The copy with the cache that lies beside a workspace: a vector encoded among other texts differs in its last bits."""
    shutil.copytree(built[0].root.parent / "cache", copy.root.parent / "cache")
    return copy


def test_a_round_made_again_has_the_same_bytes(kept: Workspace) -> None:
    names = ("set_preferences_2@rar+dialogue", f"{step_name(2)}@rar+dialogue")
    before = outputs(kept, *names)
    forgotten(kept, *names)
    build(kept, silent)
    assert outputs(kept, *names) == before


def test_a_stopped_round_goes_on_to_the_same_bytes(kept: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    names = (f"{step_name(0)}@rar", "set_preferences_1@rar", f"{step_name(1)}@rar")
    before = outputs(kept, *names)
    forgotten(kept, *names)
    real = preference_parts.feedback_of

    def stopped(*given: Any, **more: Any) -> Any:
        real(*given, **more)
        raise KeyboardInterrupt  # after the ranker has answered, before anything of it is at rest

    with monkeypatch.context() as patch, pytest.raises(BaseException, match=r"|KeyboardInterrupt"):
        patch.setattr("assets_defs.preference.feedback_of", stopped)
        build(kept, silent)
    assert kept.ledger.get("set_preferences_1@rar") is None
    build(kept, silent)
    assert outputs(kept, *names) == before


def test_a_budget_of_no_calls_refuses_with_what_is_needed(copy: Workspace) -> None:
    broke = Workspace(copy.root, copy.profile.model_copy(update={"ranker_call_budget": 0}), copy.mirror)
    before = outputs(copy, "set_preferences_1@rar")
    with pytest.raises(DataError, match=r"the budget is 0 calls, \d+ are needed; raise ranker_call_budget"):
        build(broke, silent)
    assert outputs(copy, "set_preferences_1@rar") == before
    assert all(copy.absolute(name).exists() for name in before)


def test_rewards_of_other_sets_than_those_drawn_are_refused(copy: Workspace) -> None:
    """Sets are drawn again for the update; with other vectors or weights they would get each other's rewards."""
    from assets_defs.preference import _rewards
    from modeling.preference_retriever.candidate_sets import Support
    from modeling.preference_retriever.rounds import Draws

    rows = store.read_table(copy.table(t.SET_PREFERENCES[0], "rar"), t.SET_PREFERENCES[0])
    first = rows.slice(0, 1).to_pylist()[0]
    films = [*first["candidate_movie_ids"], "another"]

    class Told:
        example_ids = (first["example_id"],)

    Told.films = tuple(films)  # type: ignore[attr-defined]
    support = Support(torch.zeros(1, 1), torch.ones(1, 1, dtype=torch.bool))
    drawn = [np.array([[[*range(len(films) - 1)]]]), np.array([[[*range(1, len(films))]]])]
    same, other = (Draws(support, torch.from_numpy(sets), sets, torch.zeros(1, 1)) for sets in drawn)
    assert _rewards(rows, Told(), same).tolist() == [[first["reward"]]]  # type: ignore[arg-type]
    with pytest.raises(DataError, match="materialise the round's set_preferences again"):
        _rewards(rows, Told(), other)  # type: ignore[arg-type]


@pytest.mark.parametrize(("retriever", "number"), [("rar", None), ("rar", 0), ("rar+dialogue", 2), ("dense", 3)])
def test_any_round_recommends(built: Build, retriever: str, number: int | None) -> None:
    found = recommend_for(built[0], SAID, k=4, chooser="ranker", retriever=(retriever, number))
    assert len(found["recommendations"]) == 4 and f", {retriever} " in found["model"]
    assert not {film["movie_id"] for film in found["history"]} & {film["movie_id"] for film in found["recommendations"]}


def test_rounds_that_differ_are_told_apart(built: Build) -> None:
    told = {recommend_for(built[0], SAID, k=1, chooser="retrieval", retriever=("rar", number))["model"] for number in (0, *t.ROUNDS)}
    assert len(told) == 4


@pytest.mark.parametrize("which", [("rra", None), ("hybrid", 1), ("rar", 7)])
def test_a_retriever_or_round_that_is_not_there_is_told(built: Build, which: tuple[str, int | None]) -> None:
    with pytest.raises(ConfigError, match="there are"):
        recommend_for(built[0], SAID, k=1, retriever=which)


def test_the_worth_of_the_loop_is_told_for_every_stage_and_ranker(built: Build, tmp_path: Path) -> None:
    space, _ = built
    rows = store.read_table(space.table(t.EVAL_PREFERENCE_RETRIEVER), t.EVAL_PREFERENCE_RETRIEVER).to_pylist()
    settings = {(row["retriever"], row["ranker"], row["setting"]) for row in rows}
    for retriever in space.profile.loop_retrievers:
        for ranker in (*space.profile.rankers, "retriever alone"):
            assert {(retriever, ranker, f"{stage}, test") for stage in ("sft", "rl", "rl over sft")} <= settings
    assert ("rar", "generator", "most_named, test") in settings
    ablated = store.read_table(space.table(t.EVAL_PREFERENCE_ABLATION), t.EVAL_PREFERENCE_ABLATION)
    assert {"K=50, round 3", "M=8, round 3", "objective=anchor, round 3"} <= set(ablated["setting"].to_pylist())
