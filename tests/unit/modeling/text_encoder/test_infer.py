"""Order, cache, kill and resume, worker processes; with the real MiniLM."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from modeling.documents import DOCUMENT_VERSION
from modeling.errors import DataError, EncoderError
from modeling.text_encoder import encoder, infer
from modeling.text_encoder.config import TextEncoderConfig

CONFIG = TextEncoderConfig(batch_size=1)  # a span is then 8 texts
TEXTS = [f"{'A long road to the sea ' * (number % 4)}film number {number}" for number in range(20)]
IDS = [f"m{number}" for number in range(20)]


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that reach the encoder, as they come."""
    texts: list[str] = []
    original = infer._encode_span
    monkeypatch.setattr(infer, "_encode_span", lambda config, span: (texts.extend(span), original(config, span))[1])
    return texts


def test_rows_come_in_the_order_of_the_texts() -> None:
    matrix = infer.encode(TEXTS, CONFIG)
    assert matrix.dtype == np.float32
    for row in (0, 7, 19):
        np.testing.assert_allclose(matrix[row], infer.encode([TEXTS[row]], CONFIG)[0], atol=1e-5)
    np.testing.assert_allclose(infer.encode(TEXTS[::-1], CONFIG), matrix[::-1], atol=1e-5)


def test_longest_first_and_ties_by_text(encoded: list[str]) -> None:
    infer.encode(["bb", "a", "ccc", "ba", "a"], CONFIG)
    assert encoded == ["ccc", "ba", "bb", "a", "a"]


def test_progress_is_told_per_span() -> None:
    told: list[tuple[int, int]] = []
    infer.encode(TEXTS, CONFIG, progress=lambda done, total: told.append((done, total)))
    assert told == [(8, 20), (16, 20), (20, 20)]


def test_items_with_one_text_share_a_vector(tmp_path: Path, encoded: list[str]) -> None:
    items = infer.embed_items(["m1", "m2", "m3"], ["same", "other", "same"], CONFIG, cache_dir=tmp_path)
    assert sorted(encoded) == ["other", "same"]
    np.testing.assert_array_equal(items.matrix[0], items.matrix[2])
    assert items.ids == ("m1", "m2", "m3")
    assert items.encoder == f"{encoder.signature(CONFIG)} document={DOCUMENT_VERSION}"


def test_cached_texts_need_no_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = infer.embed_items(IDS, TEXTS, CONFIG, cache_dir=tmp_path)
    monkeypatch.setattr(encoder, "load", lambda config: pytest.fail("the encoder was loaded"))
    told: list[tuple[int, int]] = []
    again = infer.embed_items(IDS[::-1], TEXTS[::-1], CONFIG, cache_dir=tmp_path, progress=lambda done, total: told.append((done, total)))
    np.testing.assert_array_equal(again.matrix, first.matrix[::-1])
    assert told == [(20, 20)]


def test_other_settings_are_encoded_again(tmp_path: Path, encoded: list[str]) -> None:
    infer.embed_items(IDS[:2], TEXTS[:2], CONFIG, cache_dir=tmp_path)
    infer.embed_items(IDS[:2], TEXTS[:2], TextEncoderConfig(batch_size=2, processes=1), cache_dir=tmp_path)  # only speed differs
    assert len(encoded) == 2
    infer.embed_items(IDS[:2], TEXTS[:2], TextEncoderConfig(max_tokens=32), cache_dir=tmp_path)
    assert len(encoded) == 4


def test_an_interrupted_run_keeps_what_it_had(tmp_path: Path, encoded: list[str]) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        infer.embed_items(IDS, TEXTS, CONFIG, cache_dir=tmp_path, progress=interrupt)
    infer.embed_items(IDS, TEXTS, CONFIG, cache_dir=tmp_path)
    assert sorted(encoded) == sorted(TEXTS)


_KILLED = """
import os, signal, sys
from pathlib import Path
from modeling.text_encoder import infer
from modeling.text_encoder.config import TextEncoderConfig
texts = sys.argv[2:]
def kill(done, total):
    if done == 16:
        os.kill(os.getpid(), signal.SIGKILL)
ids = [str(number) for number in range(len(texts))]
infer.embed_items(ids, texts, TextEncoderConfig(batch_size=1), cache_dir=Path(sys.argv[1]), progress=kill, shard_texts=8)
"""


def test_a_killed_run_resumes_to_the_same_vectors(tmp_path: Path, encoded: list[str]) -> None:
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path / "cache"), *TEXTS], check=False)
    assert killed.returncode == -signal.SIGKILL
    resumed = infer.embed_items(IDS, TEXTS, CONFIG, cache_dir=tmp_path / "cache")
    assert len(encoded) == 4  # two shards of 8 were there
    whole = infer.embed_items(IDS, TEXTS, CONFIG, cache_dir=tmp_path / "other")
    np.testing.assert_array_equal(resumed.matrix, whole.matrix)
    assert resumed.fingerprint == whole.fingerprint


def test_a_truncated_shard_is_encoded_again(tmp_path: Path, encoded: list[str]) -> None:
    first = infer.embed_items(IDS, TEXTS, CONFIG, cache_dir=tmp_path, shard_texts=8)
    shards = sorted(tmp_path.rglob("*.safetensors"))
    assert len(shards) == 3
    shards[0].write_bytes(shards[0].read_bytes()[:-100])
    encoded.clear()
    again = infer.embed_items(IDS, TEXTS, CONFIG, cache_dir=tmp_path)
    assert len(encoded) in {4, 8}
    np.testing.assert_array_equal(again.matrix, first.matrix)


def test_workers_give_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = infer.encode(TEXTS, CONFIG)
    monkeypatch.setattr(infer, "ALONE_AT_MOST", 0)
    np.testing.assert_allclose(infer.encode(TEXTS, CONFIG), alone, atol=1e-5)


def test_an_error_in_a_worker_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(infer, "ALONE_AT_MOST", 0)
    with pytest.raises(EncoderError, match="lower max_tokens"):
        infer.encode(TEXTS[:1], TextEncoderConfig(max_tokens=513))


@pytest.mark.parametrize(("ids", "texts"), [([], []), (["m1"], []), (["m1", "m1"], ["a", "b"])])
def test_items_that_do_not_match_their_texts(tmp_path: Path, ids: list[str], texts: list[str]) -> None:
    with pytest.raises(DataError, match="expected one text per distinct id"):
        infer.embed_items(ids, texts, CONFIG, cache_dir=tmp_path)


def test_no_text() -> None:
    with pytest.raises(DataError, match="no text"):
        infer.encode([], CONFIG)
