"""Embeddings keep ids, numbers and encoder together; a wrong shape or a changed file is refused."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from modeling.errors import ArtifactError, DataError
from modeling.text_encoder.embeddings import ItemEmbeddings

MATRIX = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_rows_of_known_and_unknown_movies() -> None:
    rows, known = ItemEmbeddings(("b", "a"), MATRIX, "toy").rows_of(["a", "x", "b"])
    assert rows.tolist() == [[3, 4, 5], [0, 0, 0], [0, 1, 2]]
    assert known.tolist() == [True, False, True]


def test_round_trip(tmp_path: Path) -> None:
    embeddings = ItemEmbeddings(("b", "a"), MATRIX, "toy/64")
    embeddings.save(tmp_path / "deep" / "items.safetensors")
    loaded = ItemEmbeddings.load(tmp_path / "deep" / "items.safetensors")
    assert (loaded.ids, loaded.encoder, loaded.fingerprint) == (embeddings.ids, "toy/64", embeddings.fingerprint)
    assert (loaded.matrix == MATRIX).all()


def test_fingerprint_covers_encoder_ids_and_numbers() -> None:
    variants = [(("a", "b"), MATRIX, "toy"), (("b", "a"), MATRIX, "toy"), (("a", "b"), MATRIX + 1, "toy"), (("a", "b"), MATRIX, "other")]
    assert len({ItemEmbeddings(*variant).fingerprint for variant in variants}) == 4


@pytest.mark.parametrize(
    ("ids", "matrix"),
    [(("a",), MATRIX), (("a", "a"), MATRIX), (("a", "b"), MATRIX.astype(np.float64)), (("a", "b"), MATRIX * np.float32("nan"))],
)
def test_unusable_matrix(ids: tuple[str, ...], matrix: np.ndarray) -> None:
    with pytest.raises(DataError, match="item embeddings"):
        ItemEmbeddings(ids, matrix, "toy")


def test_changed_file(tmp_path: Path) -> None:
    path = tmp_path / "items.safetensors"
    ItemEmbeddings(("a", "b"), MATRIX, "toy").save(path)
    header = {"ids": '["a", "b"]', "encoder": "toy", "fingerprint": "0"}
    path.write_bytes(safetensors.numpy.save({"matrix": MATRIX}, metadata=header))
    with pytest.raises(ArtifactError, match="does not match its fingerprint"):
        ItemEmbeddings.load(path)
    path.write_bytes(b"no tensors")
    with pytest.raises(ArtifactError, match=r"items\.safetensors"):
        ItemEmbeddings.load(path)
