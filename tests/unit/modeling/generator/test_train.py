"""A generator trained for a moment on a real model: its manifest, its way back, and that it learns."""

from dataclasses import replace
from pathlib import Path

import pytest

from modeling.artifacts import read_manifest, write_json
from modeling.errors import ArtifactError
from modeling.generator.catalogue import Catalogue
from modeling.generator.config import GeneratorConfig
from modeling.generator.infer import ADAPTER_NAME, ItemGenerator, load, settings_of
from modeling.generator.prompts import Turn, completion, prompt
from modeling.generator.train import train
from modeling.language_model.config import FineTuneConfig
from modeling.language_model.data import Example
from modeling.language_model.local import LocalModel

CONFIG = GeneratorConfig(candidates=2, details=("genres",), dialogue_characters=80)
ALL = ("q_proj", "v_proj", "o_proj", "up_proj", "down_proj")  # one layer of 16 says little with queries and values alone
TUNING = FineTuneConfig(rank=4, target_modules=ALL, epochs=5, batch_size=4, max_length=400, learning_rate=3e-2)
MOVIES = ["m03", "m05", "m08"]


def examples(turn: Turn, catalogue: Catalogue) -> list[Example]:
    return [Example(prompt(turn, order, catalogue, CONFIG), completion(catalogue.name("m08"))) for order in (MOVIES, MOVIES[::-1])] * 2


def test_it_learns_and_comes_back(tiny_base: Path, turn: Turn, catalogue: Catalogue, tmp_path: Path) -> None:
    made = examples(turn, catalogue)
    manifest = train(tiny_base, made, CONFIG, TUNING, tmp_path / "a", validation=made[:1], parents={"candidates": "f00"})
    assert manifest == read_manifest(tmp_path / "a")
    assert manifest.parents["candidates"] == "f00" and {"base", "examples", "adapter"} <= set(manifest.parents)
    assert manifest.metrics["examples"] == 4 and manifest.metrics["valid_loss"] > 0
    assert settings_of(tmp_path / "a") == CONFIG
    before = ItemGenerator(LocalModel.load(tiny_base), catalogue, CONFIG).score([turn], [MOVIES])[0]
    after = load(tmp_path / "a", tiny_base, catalogue).score([turn], [MOVIES])[0]
    gains = after - before
    assert gains[2] > 0 and gains.argmax() == 2
    again = train(tiny_base, made, CONFIG, TUNING, tmp_path / "b", validation=made[:1], parents={"candidates": "f00"})
    assert again.fingerprint == manifest.fingerprint


def test_a_full_directory_and_a_changed_file_are_refused(tiny_base: Path, turn: Turn, catalogue: Catalogue, tmp_path: Path) -> None:
    made = examples(turn, catalogue)
    train(tiny_base, made[:1], CONFIG, FineTuneConfig(max_length=400), tmp_path)
    with pytest.raises(ArtifactError, match="is not empty"):
        train(tiny_base, made[:1], CONFIG, FineTuneConfig(max_length=400), tmp_path)
    assert load(tmp_path, tiny_base, catalogue, config=replace(CONFIG, prior_weight=1.0)).config.prior_weight == 1
    for other, name in ((replace(CONFIG, details=()), "details"), (replace(CONFIG, negatives="none"), "negatives")):
        with pytest.raises(ArtifactError, match=f"differs in {name}"):
            load(tmp_path, tiny_base, catalogue, config=other)
    (tmp_path / ADAPTER_NAME / "adapter_config.json").write_text("{}")
    with pytest.raises(ArtifactError, match=r"adapter_config\.json has SHA-256"):
        settings_of(tmp_path)


def test_another_version_of_the_prompt_is_refused(tiny_base: Path, turn: Turn, catalogue: Catalogue, tmp_path: Path) -> None:
    train(tiny_base, examples(turn, catalogue)[:1], CONFIG, FineTuneConfig(max_length=400), tmp_path)
    manifest = read_manifest(tmp_path)
    values = {name: getattr(manifest, name) for name in ("model", "seed", "parents", "versions", "metrics", "files")}
    write_json(tmp_path / "manifest.json", {**values, "config": {**manifest.config, "prompt_version": 0}})
    with pytest.raises(ArtifactError, match="trained on prompt version 0"):
        settings_of(tmp_path)
