"""A tiny Llama in use: likelihoods equal those of whole sequences, company changes nothing, an answer is one of the choices."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modeling.errors import DataError, LanguageModelError
from modeling.language_model import decoding, loading
from modeling.language_model.config import LanguageModelConfig
from modeling.language_model.data import Example, example_rows
from modeling.language_model.local import LocalModel
from modeling.language_model.loss import nats_and_tokens
from tests.unit.modeling.language_model.conftest import TEXTS

PROMPTS = (TEXTS[0], "", TEXTS[3] * 3, "A baker")
CHOICES = (["in space", "is lost", "is lost at sea", ""], ["love"], ["ship", "ships", "ship"], ["falls", "in love with a thief (1999)"])


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> LocalModel:
    """A causal Bert, which counts positions in another way than a Llama does."""
    from transformers import BertConfig, BertLMHeadModel

    tiny = LocalModel.load(tmp_path_factory.getbasetemp() / "tiny0")
    with torch.random.fork_rng():
        torch.manual_seed(1)
        sizes: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
        config = BertConfig(vocab_size=len(tiny.tokenizer), is_decoder=True, initializer_range=0.3, max_position_embeddings=256, **sizes)
        return LocalModel(BertLMHeadModel(config).eval(), tiny.tokenizer, LanguageModelConfig(), "bert")


@pytest.fixture(params=["llama", "bert"])
def model(request: pytest.FixtureRequest, tiny: LocalModel) -> LocalModel:
    return tiny if request.param == "llama" else request.getfixturevalue("bert")


def alone(model: LocalModel, prompt: str, choice: str) -> float:
    """The likelihood by one plain pass over the whole sequence."""
    row = example_rows(model.tokenizer, [Example(prompt, choice)], 256)[0]
    return -nats_and_tokens(model.model, [row], batch_size=1, padding=0)[0]


def test_scores_are_those_of_each_whole_sequence(model: LocalModel) -> None:
    for prompt, own, scores in zip(PROMPTS, CHOICES, model.score(PROMPTS, CHOICES), strict=True):
        assert scores.dtype == np.float64 and scores.shape == (len(own),)
        np.testing.assert_allclose(scores, [alone(model, prompt, choice) for choice in own], atol=1e-4)


def test_more_choices_than_go_through_at_once(tiny: LocalModel) -> None:
    choices = [f"{number}" for number in range(300)]
    many, few = tiny.score(["A crew", "A ship"], [choices, choices[:2]])
    places = (0, 127, 128, 299)
    np.testing.assert_allclose(many[list(places)], [alone(tiny, "A crew", choices[place]) for place in places], atol=1e-4)
    np.testing.assert_allclose(few, [alone(tiny, "A ship", choice) for choice in choices[:2]], atol=1e-4)


def test_company_does_not_change_an_answer(model: LocalModel) -> None:
    for temperature in (0.0, 1.0):
        together = model.generate(PROMPTS, max_new_tokens=12, temperature=temperature, stop="")
        assert together == [model.generate([prompt], max_new_tokens=12, temperature=temperature, stop="")[0] for prompt in PROMPTS]
        assert len(set(together)) > 1
    assert model.choose(PROMPTS, CHOICES) == [model.choose([prompt], [own])[0] for prompt, own in zip(PROMPTS, CHOICES, strict=True)]


def test_greedy_is_the_likeliest_token_each_time(tiny: LocalModel) -> None:
    ids = [1, *tiny.tokenizer(TEXTS[1], add_special_tokens=False)["input_ids"]]
    expected = []
    for _ in range(8):
        with torch.inference_mode():
            token = int(tiny.model(input_ids=torch.tensor([ids])).logits[0, -1].argmax())
        if token == 2:
            break
        ids.append(token)
        expected.append(token)
    assert tiny.generate([TEXTS[1]], max_new_tokens=8, stop="") == [tiny.text(expected, "")]


def test_draws_are_decided_by_the_seed(tiny: LocalModel) -> None:
    other = LocalModel(tiny.model, tiny.tokenizer, LanguageModelConfig(seed=1), "other")
    once, again = (tiny.generate(PROMPTS, max_new_tokens=12, temperature=1.0) for _ in range(2))
    assert once == again != other.generate(PROMPTS, max_new_tokens=12, temperature=1.0)


def test_draws_follow_the_distribution(tiny: LocalModel) -> None:
    """Over many seeds, the first token comes as often as its probability says."""
    from modeling.language_model.local import _drawn

    logits = np.log(np.array([0.5, 0.3, 0.2]))
    draws = [_drawn(logits, uniform) for uniform in (np.arange(1000) + 0.5) / 1000]
    np.testing.assert_array_equal(np.bincount(draws), [500, 300, 200])


class Scripted:
    """A model that says given tokens, whatever it reads; it counts its passes."""

    def __init__(self, say: Sequence[int], size: int) -> None:
        self.say, self.size, self.device, self.passes = list(say), size, "cpu", 0
        self.config = SimpleNamespace(max_position_embeddings=64)

    def __call__(self, *, input_ids: torch.Tensor, past_key_values: Any = None, **rest: Any) -> Any:
        cache = past_key_values or Read(input_ids.shape[1])
        self.passes += 1
        logits = torch.zeros(*input_ids.shape, self.size)
        for place in range(input_ids.shape[1]):
            said = cache.tokens + place + 1 - cache.prompt
            logits[:, place, self.say[min(max(said, 0), len(self.say) - 1)]] = 9.0
        cache.tokens += input_ids.shape[1]
        return SimpleNamespace(logits=logits, past_key_values=cache)


class Read:
    """How many tokens a scripted model has read."""

    def __init__(self, prompt: int) -> None:
        self.prompt, self.tokens = prompt, 0

    def batch_select_indices(self, index: Any) -> None:
        pass

    def crop(self, tokens: int) -> None:
        assert tokens < 0
        self.tokens += tokens


def test_an_answer_ends_at_the_stop_or_the_end_mark(tiny: LocalModel) -> None:
    said = tiny.tokenizer("a ship\nand more", add_special_tokens=False)["input_ids"]
    model = LocalModel(Scripted(said, len(tiny.tokenizer)), tiny.tokenizer, LanguageModelConfig(), "scripted")
    assert model.generate(["x", "y"], max_new_tokens=40) == ["a ship", "a ship"]
    ended = LocalModel(Scripted([*said[:2], 2, *said], len(tiny.tokenizer)), tiny.tokenizer, LanguageModelConfig(), "scripted")
    assert ended.generate(["x"], max_new_tokens=40, stop="") == [tiny.text(said[:2], "")]
    assert len(tiny.tokenizer(model.generate(["x"], max_new_tokens=2, stop="")[0])["input_ids"]) <= 2


def test_an_answer_from_the_prompt_takes_few_passes(tiny: LocalModel) -> None:
    ids = tiny.tokenizer(TEXTS[0], add_special_tokens=False)["input_ids"]
    assert len(ids) >= 12
    for said in (ids[:12], [*ids[:5], *ids[8:12], *ids[2:5]], ids[11::-1]):  # copied whole, in parts, backwards
        model = LocalModel(Scripted([*said, 2], len(tiny.tokenizer)), tiny.tokenizer, LanguageModelConfig(), "scripted")
        for at_most in (1, 2, 7, 40):
            assert model.generate([TEXTS[0]], max_new_tokens=at_most, stop="") == [tiny.text(said[:at_most], "")]
    model = Scripted([*ids[:12], 2], len(tiny.tokenizer))
    LocalModel(model, tiny.tokenizer, LanguageModelConfig(), "scripted").generate([TEXTS[0]], max_new_tokens=40, stop="")
    assert model.passes <= 4  # the prompt, a first word, then eight at a time


def test_no_token_is_asked_for(tiny: LocalModel) -> None:
    assert decoding.continued_alone(tiny.model, [1, 5], padding=0, pick=lambda logits: 7, max_new_tokens=0) == []


class Erratic:
    """A model with any logits: drawn anew at each step, with infinities and NaN among them."""

    def __init__(self, seed: int, size: int) -> None:
        self.generator, self.size, self.device = torch.Generator().manual_seed(seed), size, "cpu"

    def __call__(self, *, input_ids: torch.Tensor, **rest: Any) -> Any:
        logits = torch.randn(*input_ids.shape, self.size, generator=self.generator) * 10
        odd = torch.rand(logits.shape, generator=self.generator)
        logits[odd < 0.2] = float("nan")
        logits[odd > 0.9] = float("-inf")
        return SimpleNamespace(logits=logits, past_key_values=SimpleNamespace(batch_select_indices=lambda index: None))


tokens = st.lists(st.integers(3, 7), max_size=5).map(lambda ids: [*ids, 2])


@given(choices=st.lists(st.lists(tokens, min_size=1, max_size=8), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_whatever_the_logits_the_answer_is_a_choice(choices: list[list[list[int]]], seed: int) -> None:
    picked = decoding.led(Erratic(seed, 8), [[1]] * len(choices), choices, padding=0)
    for index, own in zip(picked, choices, strict=True):
        assert 0 <= index < len(own)
        assert own.index(own[index]) == index  # of equal choices the first


def test_a_choice_follows_the_likeliest_branch(tiny: LocalModel) -> None:
    said = [*tiny.tokenizer("is lost", add_special_tokens=False)["input_ids"], 2]
    model = LocalModel(Scripted(said, len(tiny.tokenizer)), tiny.tokenizer, LanguageModelConfig(), "scripted")
    assert model.choose(["x"], [["is found", "is lost at sea", "is lost"]]) == [2]


def test_a_long_prompt_keeps_its_end(tiny: LocalModel) -> None:
    short = LocalModel(tiny.model, tiny.tokenizer, LanguageModelConfig(max_prompt_tokens=8), "short")
    (one,), (two,) = (short.score([front + "and so the ship is lost again"], [["at sea", "x"]]) for front in ("Yes, ", "No, not that one "))
    np.testing.assert_allclose(one, two, atol=1e-5)


def test_what_others_need_does_not_cut_a_prompt(bert: LocalModel) -> None:
    full = TEXTS[3] * 20  # more than the 256 positions
    alone, long = ["at sea"], ["at sea " * 40]
    (expected,) = bert.score([full], [alone])
    np.testing.assert_allclose(bert.score([full, full], [alone, long])[0], expected, atol=1e-5)


@pytest.mark.parametrize("choices", [[["a"], []], [["a"]]])
def test_choices_that_are_not_there(tiny: LocalModel, choices: list[list[str]]) -> None:
    for call in (tiny.score, tiny.choose):
        with pytest.raises(DataError, match="expected one list with at least one choice per prompt"):
            call(["x", "y"], choices)


def test_more_than_the_model_has_positions_for(tiny: LocalModel) -> None:
    with pytest.raises(DataError, match="ask for fewer new tokens"):
        tiny.generate(["x"], max_new_tokens=5000)


def test_no_prompt_no_answer(tiny: LocalModel) -> None:
    assert (tiny.generate([], max_new_tokens=3), tiny.score([], []), tiny.choose([], [])) == ([], [], [])


def test_identity_is_of_the_content(tiny_folder: Path, tiny: LocalModel, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(tiny_folder, tmp_path / "elsewhere")
    assert LocalModel.load(tmp_path / "elsewhere").identity == tiny.identity
    assert LocalModel.load(tiny_folder, config=LanguageModelConfig(seed=1)).identity != tiny.identity
    (tmp_path / "elsewhere" / "config.json").write_text((tiny_folder / "config.json").read_text() + " ")
    assert LocalModel.load(tmp_path / "elsewhere").identity != tiny.identity
    assert str(tiny_folder) not in tiny.identity


@pytest.mark.parametrize("name", ["made-up/never-published", "no-such-folder"])
def test_a_model_that_is_not_there(name: str) -> None:
    with pytest.raises(LanguageModelError, match=f"loading language model '{name}'"):
        LocalModel.load(name)


def test_half_precision_is_another_model_that_says_much_the_same(tiny_folder: Path, tiny: LocalModel) -> None:
    half = LocalModel.load(tiny_folder, config=LanguageModelConfig(dtype="bfloat16"))
    assert half.model.dtype == torch.bfloat16 and half.identity != tiny.identity
    for exact, near in zip(tiny.score(PROMPTS, CHOICES), half.score(PROMPTS, CHOICES), strict=True):
        np.testing.assert_allclose(near, exact, rtol=0.05)


def test_auto_is_what_the_processor_computes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "device", lambda: "cpu")
    for has, expected in (({"avx512_bf16": True}, "bfloat16"), ({"amx_bf16": True}, "bfloat16"), ({"avx2": True}, "float32")):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda has=has: has)
        assert loading.resolved("auto") == expected
    assert loading.resolved("float32") == "float32"
    monkeypatch.setattr(loading, "device", lambda: "cuda")
    assert loading.resolved("auto") == "bfloat16"
