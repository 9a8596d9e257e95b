"""The vector cache: found again, kept apart by encoder, and never wrong after damage."""

import logging
from pathlib import Path

import numpy as np
import pytest

from modeling.text_encoder.cache import Vector, VectorCache


def _vectors(cache: VectorCache, texts: list[str]) -> dict[bytes, Vector]:
    return {cache.key(text): np.full(3, len(text), np.float32) for text in texts}


def _shards(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.safetensors"))


def test_found_again_after_reopening(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, "e")
    cache.add(_vectors(cache, ["a", "bb"]))
    cache.add(_vectors(cache, ["ccc"]))
    again = VectorCache(tmp_path, "e")
    found = again.find([again.key("ccc"), again.key("a"), again.key("unknown")])
    assert {key: vector.tolist() for key, vector in found.items()} == {again.key("a"): [1, 1, 1], again.key("ccc"): [3, 3, 3]}


def test_encoders_do_not_share(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, "e max_tokens=64")
    cache.add(_vectors(cache, ["a"]))
    other = VectorCache(tmp_path, "e max_tokens=96")
    assert other.key("a") != cache.key("a")
    assert other.find([other.key("a"), cache.key("a")]) == {}


def test_nothing_to_add_writes_nothing(tmp_path: Path) -> None:
    VectorCache(tmp_path, "e").add({})
    assert _shards(tmp_path) == []


@pytest.mark.parametrize("kept", [0, 4, 60, -1])
def test_a_truncated_shard_is_ignored_and_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture, kept: int) -> None:
    cache = VectorCache(tmp_path, "e")
    cache.add(_vectors(cache, ["a", "bb"]))
    (shard,) = _shards(tmp_path)
    cache.add(_vectors(cache, ["ccc"]))
    shard.write_bytes(shard.read_bytes()[:kept])
    with caplog.at_level(logging.WARNING):
        damaged = VectorCache(tmp_path, "e")
        assert set(damaged.find(map(damaged.key, ["a", "bb", "ccc"]))) == {damaged.key("ccc")}
    assert shard.name in caplog.text
    damaged.add(_vectors(damaged, ["a", "bb"]))
    assert len(VectorCache(tmp_path, "e").find(map(damaged.key, ["a", "bb", "ccc"]))) == 3
    assert len(_shards(tmp_path)) == 2


def test_a_changed_number_is_not_believed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = VectorCache(tmp_path, "e")
    cache.add(_vectors(cache, ["a"]))
    (shard,) = _shards(tmp_path)
    content = bytearray(shard.read_bytes())
    content[content.rindex(np.float32(1).tobytes())] ^= 1  # one bit of the vector
    shard.write_bytes(content)
    assert cache.find([cache.key("a")]) == {}
    assert "checksum" in caplog.text


def test_an_unfinished_write_is_not_read(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, "e")
    cache.add(_vectors(cache, ["a"]))
    (shard,) = _shards(tmp_path)
    shard.rename(shard.with_name(shard.name + ".partial"))
    assert VectorCache(tmp_path, "e").find([cache.key("a")]) == {}
