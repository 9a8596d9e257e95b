"""Tuning: the candidate of least validation LogLoss is kept, the others are gone, and the same seed leaves the same bytes."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from modeling.artifacts import MANIFEST_NAME
from modeling.click_model.config import ClickModelConfig
from modeling.click_model.data import click_examples
from modeling.click_model.infer import load, log_loss, yes_probability
from modeling.click_model.train import CANDIDATES_NAME, tune
from modeling.errors import ArtifactError, DataError
from modeling.language_model.config import FineTuneConfig
from modeling.language_model.local import LocalModel

PROMPTS = [f"{subject} {number}:" for number in range(4) for subject in ("A crew in space", "A baker in love")]
LIKED = [number % 2 == 0 for number in range(8)]
EXAMPLES = click_examples(PROMPTS, LIKED)
CONFIG = ClickModelConfig(epochs=(8, 1))
TUNING = FineTuneConfig(learning_rate=3e-2, max_length=48, batch_size=4)


@pytest.fixture(scope="module")
def tuned(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("click")
    tune(tiny_folder, EXAMPLES, CONFIG, out, validation=EXAMPLES[:4], tuning=TUNING)
    return out


def test_the_best_candidate_is_kept(tiny_folder: Path, tuned: Path) -> None:
    assert {path.name for path in tuned.iterdir()} == {"adapter", CANDIDATES_NAME, MANIFEST_NAME}
    tried = json.loads((tuned / CANDIDATES_NAME).read_text())
    assert [own["epochs"] for own in tried] == [1, 8] and tried[1]["valid_log_loss"] < tried[0]["valid_log_loss"]
    model = load(tiny_folder, tuned)
    probability = yes_probability(model, PROMPTS[:4], CONFIG)
    assert log_loss(probability, LIKED[:4]) == pytest.approx(tried[1]["valid_log_loss"], rel=1e-5)
    assert ((probability > 0.5) == np.array(LIKED[:4])).all()
    before = yes_probability(LocalModel.load(tiny_folder), PROMPTS[:4], CONFIG)
    assert log_loss(before, LIKED[:4]) > log_loss(probability, LIKED[:4])


def test_labels_turned_round_on_validation_keep_the_least_trained(tiny_folder: Path, tmp_path: Path) -> None:
    turned = click_examples(PROMPTS[:4], [not verdict for verdict in LIKED[:4]])
    found = tune(tiny_folder, EXAMPLES, CONFIG, tmp_path / "out", validation=turned, tuning=TUNING)
    assert found.metrics["epochs"] == 1 and found.config["tuning"]["epochs"] == 1
    assert not list((tmp_path / "out").glob("epochs-*"))


def test_the_same_seed_leaves_the_same_bytes(tiny_folder: Path, tuned: Path, tmp_path: Path) -> None:
    again = tune(tiny_folder, EXAMPLES, CONFIG, tmp_path / "again", validation=EXAMPLES[:4], tuning=TUNING)
    assert again.files == json.loads((tuned / MANIFEST_NAME).read_text())["files"]
    other = tune(tiny_folder, EXAMPLES, replace(CONFIG, epochs=(8,), seed=1), tmp_path / "other", validation=EXAMPLES[:4], tuning=TUNING)
    weights = "adapter/adapter_model.safetensors"
    assert other.seed == 1 and other.files[weights] != again.files[weights]


def test_what_is_refused(tiny_folder: Path, tuned: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="is not empty"):
        tune(tiny_folder, EXAMPLES, CONFIG, tuned, validation=EXAMPLES)
    for examples, validation in (([], EXAMPLES), (EXAMPLES, [])):
        with pytest.raises(DataError, match="chosen on the validation split"):
            tune(tiny_folder, examples, CONFIG, tmp_path / "none", validation=validation)
    assert not (tmp_path / "none").exists()


def test_a_changed_adapter_or_another_wording_is_not_loaded(tiny_folder: Path, tuned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modeling.click_model.infer.PROMPT_VERSION", 99)
    with pytest.raises(ArtifactError, match="prompts of version 1, expected 99"):
        load(tiny_folder, tuned)
    monkeypatch.undo()
    log = tuned / CANDIDATES_NAME
    kept = log.read_bytes()
    log.write_bytes(b"[]")
    with pytest.raises(ArtifactError, match=r"candidates\.json has SHA-256"):
        load(tiny_folder, tuned)
    log.write_bytes(kept)
