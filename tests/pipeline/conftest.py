"""One starter build for the whole session; tests that change something work on a copy of it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from assets_defs.build import Done, build
from assets_defs.profile import PROFILES, Profile, Sizes, load_profile
from assets_defs.workspace import Workspace, open_workspace

# The starter profile with little training: the path is what is tested here, not the quality of the models.
TINY_LM = {"start": "minilm", "layers": 1, "vocabulary_size": 3000, "max_length": 64, "batch_size": 4, "max_steps": 3}
FEW_STEPS = {"batch_size": 4, "max_length": 160, "max_steps": 2}
SMALL = {
    "lrurec_id": {"max_epochs": 2, "batch_size": 32},
    "lrurec_text": {"max_epochs": 2, "batch_size": 32},
    "base_lm": TINY_LM,
    "query_lm": TINY_LM,
    "language_model": {"max_prompt_tokens": 160},
    "query_expert": {"max_new_tokens": 6, "dialogue_characters": 200, "films": 1},
    "query_tuning": FEW_STEPS,
    "dense_retriever": {"hidden_size": 16, "output_size": 8, "max_epochs": 2},
    "generator": {"candidates": 4, "dialogue_characters": 120, "answer_tokens": 4, "thought_tokens": 4, "details": []},
    "generator_tuning": FEW_STEPS,
    "ranker": {"details": [], "dialogue_characters": 120, "answer_tokens": 6},
    "preference": {"supervised_epochs": 1, "update_epochs": 1, "candidates": 6, "support": 40, "set_count": 4},
    "lightgcn": {"dimensions": 8, "max_epochs": 2, "batch_size": 64},
    "alignment": {"hidden_size": 8, "max_epochs": 2, "batch_size": 32},
    "click_network": {
        "all": {"embedding_size": 4, "hidden_sizes": [8], "batch_size": 32, "max_epochs": 2, "history_length": 6, "retrieved_count": 6}
    },
    "click_model": {"history_length": 3, "training_rows": 12, "mixed_pool": 12, "validation_rows": 12, "epochs": [1]},
    "click_tuning": {**FEW_STEPS, "rank": 2, "alpha": 4},
    "reasoning": {"runs": 2, "hinted_runs": 1, "max_new_tokens": 6},
    "reranker": {"max_tokens": 32, "lists": 8, "negatives": 3, "validation_lists": 6, "frozen_layers": 6},
}
SIZES = {
    "query_pairs": 40, "mined_queries": 20, "mined_turns": 40, "compared_turns": 16, "candidates": 8, "generated_pairs": 12,
    "answered_turns": 12, "answered_counts": (4, 8), "free_answers": 4,
    "feedback_turns": 30, "judged_turns": 10, "loop_seeds": (0,), "ceiling_turns": 20,
    "judged_rows": 40, "zero_shot_rows": 12, "reasoned_rows": 8,
}  # fmt: skip


def silent(label: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


@pytest.fixture(scope="session")
def small_profile() -> Profile:
    profile = load_profile(PROFILES / "starter.yaml")
    return profile.model_copy(
        update={**SMALL, "sizes": Sizes(**SIZES), "evaluation": profile.evaluation.model_copy(update={"bootstrap_samples": 100})}
    )


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """MARQUEE_HOME of the session; no mirror, so that the starter data alone decide."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARQUEE_HOME", str(folder))
        patch.setenv("MARQUEE_PROFILE", "starter")
        yield folder


@pytest.fixture(scope="session")
def built(home: Path, small_profile: Profile) -> tuple[Workspace, Done]:
    """The finished starter build and what it ran."""
    space = open_workspace(small_profile)
    return space, build(space, silent)


@pytest.fixture
def copy(built: tuple[Workspace, Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A copy of the finished build that a test may spoil."""
    space, _ = built
    shutil.copytree(space.root, tmp_path / "starter")
    monkeypatch.setenv("MARQUEE_HOME", str(tmp_path))
    return Workspace(tmp_path / "starter", space.profile, None)
