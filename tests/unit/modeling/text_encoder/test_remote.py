"""Embeddings of an endpoint on this machine: scaling, cut, cache, one process, and stand-ins without its word pieces."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modeling.errors import ConfigError, EndpointError
from modeling.text_encoder import encoder, infer, static
from modeling.text_encoder.config import TextEncoderConfig
from tests.unit.modeling.language_model.conftest import Server, plant_key


class Embedder(Server):
    """Answers each text with its length, and with how many letters a it has."""

    def reply(self) -> tuple[int, bytes]:
        texts = self.requests[-1]["input"]
        rows = [{"object": "embedding", "index": i, "embedding": [len(text), text.count("a")]} for i, text in enumerate(texts)]
        self.replies = [(200, {"object": "list", "model": "m", "data": rows, "usage": {"prompt_tokens": 9, "total_tokens": 9}})]
        return super().reply()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Embedder]:
    plant_key(monkeypatch)
    running = Embedder()
    yield running
    running.close()


def config_at(server: Server, **settings: Any) -> TextEncoderConfig:
    return TextEncoderConfig(**{"model": "m", "base_url": server.url, "key_variable": "PLANTED_KEY", "max_tokens": 3, **settings})


def test_vectors_are_scaled_and_texts_cut(server: Embedder) -> None:
    found = encoder.load(config_at(server)).encode(["aaab", "b" * 40, ""])
    np.testing.assert_allclose(found, [[0.8, 0.6], [1.0, 0.0], [1.0, 0.0]], atol=1e-6)
    assert server.requests[0]["input"] == ["aaab", "b" * 12, " "] and server.requests[0]["model"] == "m"
    raw = encoder.load(config_at(server, normalise=False)).encode(["aaab"])
    assert raw.tolist() == [[4.0, 3.0]] and raw.dtype == np.float32


def test_what_was_embedded_before_is_not_paid_for_again(server: Embedder, tmp_path: Path) -> None:
    ids = [f"m{number}" for number in range(300)]  # more than one process takes alone
    first = infer.embed_items(ids, [f"film {number}" for number in range(300)], config_at(server), cache_dir=tmp_path)
    calls = len(server.requests)
    again = infer.embed_items(ids, [f"film {number}" for number in range(300)], config_at(server), cache_dir=tmp_path)
    assert len(server.requests) == calls > 0
    np.testing.assert_array_equal(first.matrix, again.matrix)
    assert "127.0.0.1" not in first.encoder and "sk-planted" not in repr(encoder.load(config_at(server)).__dict__)


def test_stand_ins_are_learned_from_word_pieces_of_the_packaged_model(server: Embedder) -> None:
    texts = [f"{'a ' * (number % 7)}film {number}" for number in range(40)]
    learned = static.distil(texts, infer.encode(texts, config_at(server)), config_at(server))
    assert learned.encode(texts[:3]).shape == (3, 2)


def test_a_broken_endpoint_and_a_wrong_address(server: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="base_url is not an address"):
        TextEncoderConfig(model="m", base_url="somewhere")
    monkeypatch.delenv("PLANTED_KEY")
    with pytest.raises(EndpointError, match="PLANTED_KEY is not set"):
        encoder.load(config_at(server, token_budget=1000)).encode(["x"])
