"""Vectors of texts encoded before, found by a hash of encoder and text. No encoder is loaded here.

A folder of append-only shards, each a safetensors file of keys (n, 32) uint8 and vectors (n, d) float32 with a checksum.
A shard is there whole or not at all; a damaged one is ignored, so the worst that can happen is encoding again.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from modeling.artifacts import write_bytes

Vector = npt.NDArray[np.float32]
_KEY_BYTES = 32
_log = logging.getLogger(__name__)


class VectorCache:
    """The vectors of one encoder under `cache_dir`; `encoder` names all that decides a vector but the text."""

    def __init__(self, cache_dir: Path, encoder: str) -> None:
        """Read the keys of every shard; vectors are read when asked for."""
        self._encoder = encoder
        self._folder = cache_dir / hashlib.sha256(encoder.encode()).hexdigest()[:16]
        self._shard_of: dict[bytes, Path] = {}
        for path in sorted(self._folder.glob("*.safetensors")):
            self._shard_of.update(dict.fromkeys(_keys(path), path))

    def key(self, text: str) -> bytes:
        """SHA-256 of encoder and text. The zero byte keeps the two apart."""
        return hashlib.sha256(self._encoder.encode() + b"\0" + text.encode()).digest()

    def find(self, keys: Iterable[bytes]) -> dict[bytes, Vector]:
        """The vectors of those keys that are in the cache."""
        wanted = set(keys) & self._shard_of.keys()
        found: dict[bytes, Vector] = {}
        for path in sorted({self._shard_of[key] for key in wanted}):
            found.update({key: vector for key, vector in _read(path).items() if key in wanted})
        return found

    def add(self, vectors: Mapping[bytes, Vector]) -> None:
        """Write one shard, all or nothing. It is named by its keys: encoding a damaged shard again replaces it."""
        if not vectors:
            return
        keys, matrix = b"".join(vectors), np.stack(list(vectors.values()))
        path = self._folder / f"{hashlib.sha256(keys).hexdigest()[:16]}.safetensors"
        self._folder.mkdir(parents=True, exist_ok=True)
        write_bytes(path, _packed(keys, matrix))
        self._shard_of.update(dict.fromkeys(vectors, path))


def _packed(keys: bytes, matrix: Vector) -> bytes:
    import safetensors.numpy

    tensors: dict[str, npt.NDArray[Any]] = {"keys": np.frombuffer(keys, np.uint8).reshape(-1, _KEY_BYTES), "vectors": matrix}
    return safetensors.numpy.save(tensors, metadata={"sha256": _checksum(keys, matrix)})


def _checksum(keys: bytes, matrix: Vector) -> str:
    digest = hashlib.sha256(keys)
    digest.update(matrix.tobytes())
    return digest.hexdigest()


def _split(keys: bytes) -> list[bytes]:
    return [keys[start : start + _KEY_BYTES] for start in range(0, len(keys), _KEY_BYTES)]


def _keys(path: Path) -> list[bytes]:
    """The keys of a shard, none if it cannot be read."""
    import safetensors

    try:
        with safetensors.safe_open(path, framework="numpy") as handle:
            return _split(handle.get_tensor("keys").tobytes())
    except (OSError, safetensors.SafetensorError) as error:
        _log.warning("vector cache: %s cannot be read (%s); its texts are encoded again", path.name, error)
        return []


def _read(path: Path) -> dict[bytes, Vector]:
    """The vectors of a shard by key, none if it is not what was written."""
    import safetensors

    try:
        with safetensors.safe_open(path, framework="numpy") as handle:
            keys, matrix, header = handle.get_tensor("keys").tobytes(), handle.get_tensor("vectors"), handle.metadata()
    except (OSError, safetensors.SafetensorError) as error:
        _log.warning("vector cache: %s cannot be read (%s); its texts are encoded again", path.name, error)
        return {}
    if (header or {}).get("sha256") != _checksum(keys, matrix):
        _log.warning("vector cache: the checksum of %s does not match; its texts are encoded again", path.name)
        return {}
    return dict(zip(_split(keys), matrix, strict=True))
