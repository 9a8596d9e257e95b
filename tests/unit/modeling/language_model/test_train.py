"""Training through TRL: the loss is TRL's, only completions are learned, the same seed leaves the same bytes, and the way through."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from modeling.artifacts import load_manifest
from modeling.errors import ArtifactError, DataError
from modeling.language_model import train
from modeling.language_model.config import BaseLMConfig, FineTuneConfig
from modeling.language_model.data import MASKED, Example, example_rows
from modeling.language_model.loading import ADAPTER_MODEL, BASE_MODEL, LOG_NAME, identity_of
from modeling.language_model.local import LocalModel
from modeling.language_model.loss import padded, summed_loss
from modeling.language_model.train import Progress, adapt_base, fine_tune
from tests.unit.modeling.language_model.conftest import TEXTS

BASE = BaseLMConfig(start="random", layers=2, vocabulary_size=300, hidden_size=32, max_length=16, learning_rate=1e-2, batch_size=4)
TUNE = FineTuneConfig(learning_rate=3e-2, max_length=48, epochs=8, batch_size=4)
EXAMPLES = [Example("A crew in space:", " love"), Example("A baker of ships:", " thief"), Example("seeker: hello", " alien")] * 4


@pytest.fixture(scope="module")
def tuned(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("adapter")
    fine_tune(tiny_folder, EXAMPLES, TUNE, out, validation=EXAMPLES[:3])
    return out


def test_a_folder_is_tuned_merged_and_answers(tiny_folder: Path, tiny: LocalModel, tuned: Path) -> None:
    model = LocalModel.load(tiny_folder, tuned)
    prompts = [example.prompt for example in EXAMPLES[:3]]
    assert model.generate(prompts, max_new_tokens=6) == ["love", "thief", "alien"] != tiny.generate(prompts, max_new_tokens=6)
    choices = [[" alien", " love", " thief"]] * 3
    assert model.choose(prompts, choices) == [1, 2, 0]
    assert [int(scores.argmax()) for scores in model.score(prompts, choices)] == [1, 2, 0]
    assert model.identity != tiny.identity and model.identity.startswith(identity_of(str(tiny_folder)))


def test_an_adapter_of_a_base_in_half_precision_learns_in_full(tiny_folder: Path, tuned: Path, tmp_path: Path) -> None:
    out = tmp_path / "half"
    found = fine_tune(tiny_folder, EXAMPLES, replace(TUNE, dtype="bfloat16"), out, validation=EXAMPLES[:3])
    weights = load_file(out / "adapter_model.safetensors")
    assert {weight.dtype for weight in weights.values()} == {torch.float32}
    full = load_manifest(tuned, model=ADAPTER_MODEL)
    assert found.metrics["valid_loss"] == pytest.approx(full.metrics["valid_loss"], rel=0.1)
    answers = LocalModel.load(tiny_folder, out).generate([example.prompt for example in EXAMPLES[:3]], max_new_tokens=6)
    assert answers == ["love", "thief", "alien"]


def test_what_an_adapter_folder_holds(tiny_folder: Path, tuned: Path) -> None:
    manifest = load_manifest(tuned, model=ADAPTER_MODEL)
    assert set(manifest.files) == {"adapter_model.safetensors", "adapter_config.json", LOG_NAME}
    assert {path.name for path in tuned.iterdir()} == {*manifest.files, "manifest.json"}
    assert manifest.parents == {"base": identity_of(str(tiny_folder))}
    settings = json.loads((tuned / "adapter_config.json").read_text())
    assert (settings["r"], settings["lora_alpha"], settings["target_modules"]) == (8, 32, ["q_proj", "v_proj"])
    assert not any(str(tiny_folder) in path.read_text() for path in tuned.glob("*.json"))
    log = json.loads((tuned / LOG_NAME).read_text())
    valid = [entry["valid_loss"] for entry in log if "valid_loss" in entry]
    assert len([entry for entry in log if "loss" in entry]) == manifest.metrics["steps"] == 24
    assert len(valid) == 4 and valid[-1] == manifest.metrics["valid_loss"] < valid[0]


def test_the_same_seed_leaves_the_same_bytes(tiny_folder: Path, tuned: Path, tmp_path: Path) -> None:
    state = torch.get_rng_state()
    again = fine_tune(tiny_folder, EXAMPLES, TUNE, tmp_path / "again", validation=EXAMPLES[:3])
    other = fine_tune(tiny_folder, EXAMPLES, replace(TUNE, seed=1), tmp_path / "other")
    assert torch.equal(state, torch.get_rng_state())
    assert again.files == load_manifest(tuned, model=ADAPTER_MODEL).files
    assert other.files["adapter_model.safetensors"] != again.files["adapter_model.safetensors"]


def test_prompts_are_masked_and_the_base_is_not_trained(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []

    def watched(model: Any, inputs: Any) -> Any:
        seen.append({name: tensor.clone() for name, tensor in inputs.items()})
        assert all("lora_" in name for name, weight in model.named_parameters() if weight.requires_grad)
        return summed_loss(model, inputs)

    monkeypatch.setattr(train, "summed_loss", watched)
    fine_tune(tiny_folder, EXAMPLES[:3], FineTuneConfig(batch_size=3), tmp_path)
    (batch,) = seen
    tokenizer = LocalModel.load(tiny_folder).tokenizer
    rows = {tuple(row.input_ids): row.labels for row in example_rows(tokenizer, EXAMPLES[:3], 64)}
    for ids, labels, mask in zip(batch["input_ids"].tolist(), batch["labels"].tolist(), batch["attention_mask"].tolist(), strict=True):
        length = sum(mask)
        assert labels[:length] == rows[tuple(ids[:length])] and labels[0] == MASKED
        assert set(labels[length:]) <= {MASKED}


def test_the_loss_is_that_of_trls_own_trainer(tiny_folder: Path, tmp_path: Path) -> None:
    from trl import SFTTrainer

    model = LocalModel.load(tiny_folder)
    rows = example_rows(model.tokenizer, EXAMPLES[:3], 64)
    session = train._Session(model.model, model.tokenizer, rows, [], TUNE, None)
    trainer = train._trainer(session, rows, train._arguments(TUNE, len(rows), 0, str(tmp_path)))
    batch = padded(rows, 0)
    mine = trainer.compute_loss(trainer.model, dict(batch))
    theirs = SFTTrainer.compute_loss(trainer, trainer.model, dict(batch))
    assert type(trainer) is not SFTTrainer
    assert float(mine.detach()) == pytest.approx(float(theirs.detach()), rel=1e-5)


@pytest.mark.parametrize("start", ["random", "minilm"])
def test_a_base_learns_its_texts(start: str, tmp_path: Path) -> None:
    heard: list[Progress] = []
    config = replace(BASE, start=start, epochs=6, learning_rate=1e-2 if start == "random" else 1e-3)
    manifest = adapt_base(list(TEXTS) * 3, config, tmp_path, validation=TEXTS[:2], progress=heard.append, parents={"texts": "1"})
    log = json.loads((tmp_path / LOG_NAME).read_text())
    losses = [entry["loss"] for entry in log if "loss" in entry]
    assert losses[-1] < losses[0] / 1.5
    assert [(each.step, each.loss) for each in heard] == [(step + 1, loss) for step, loss in enumerate(losses)]
    assert {each.steps for each in heard} == {len(losses)} == {int(manifest.metrics["steps"])}
    assert 0 < manifest.metrics["valid_nats_per_character"] < manifest.metrics["valid_loss"]
    assert load_manifest(tmp_path, model=BASE_MODEL).parents == {"texts": "1"}
    model = LocalModel.load(tmp_path)
    assert model.model.config.use_cache and len(model.generate([TEXTS[0][:6]], max_new_tokens=4)) == 1
    fine_tune(tmp_path, EXAMPLES[:2], FineTuneConfig(max_steps=1), tmp_path / "adapter")
    assert LocalModel.load(tmp_path, tmp_path / "adapter").identity != model.identity


def test_a_base_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    one, two = (adapt_base(TEXTS, BASE, tmp_path / name) for name in "ab")
    assert one.fingerprint == two.fingerprint


def test_limits_are_steps_and_examples(tmp_path: Path) -> None:
    limited = replace(BASE, max_steps=2, epochs=3)
    assert adapt_base(list(TEXTS) * 4, limited, tmp_path / "steps").metrics["steps"] == 2
    few = replace(BASE, max_examples=1, max_length=64)
    assert adapt_base(TEXTS, few, tmp_path / "examples").metrics["steps"] == 1
    as_it_is = adapt_base(TEXTS, replace(BASE, epochs=0), tmp_path / "none", validation=TEXTS[:1])
    assert as_it_is.metrics["steps"] == 0 and as_it_is.metrics["valid_loss"] > 0


def test_the_adapter_of_another_base_is_refused(tmp_path: Path, tuned: Path) -> None:
    adapt_base(TEXTS, replace(BASE, epochs=0), tmp_path / "base")
    with pytest.raises(ArtifactError, match=r"it was trained on base 'local:.*give that base"):
        LocalModel.load(tmp_path / "base", tuned)


def test_a_changed_base_is_refused(tmp_path: Path) -> None:
    adapt_base(TEXTS, replace(BASE, epochs=0), tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ArtifactError, match=r"config\.json has SHA-256"):
        LocalModel.load(tmp_path)


def test_a_directory_in_use_and_no_example(tiny_folder: Path, tuned: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="is not empty"):
        fine_tune(tiny_folder, EXAMPLES, TUNE, tuned)
    with pytest.raises(DataError, match="no example was given"):
        fine_tune(tiny_folder, [], TUNE, tmp_path)


def test_nothing_is_printed_and_nothing_is_reported(
    tiny_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import trl.trainer.base_trainer as upstream

    sent: list[str] = []
    monkeypatch.setattr(upstream, "send_telemetry", lambda **told: sent.append(told["topic"]))
    fine_tune(tiny_folder, EXAMPLES[:2], FineTuneConfig(), tmp_path)
    printed = capfd.readouterr()
    assert (printed.out, printed.err, sent) == ("", "", [])
