"""Manifests survive a round trip, and a model whose files were touched is refused by name."""

import json
from pathlib import Path

import pytest

from modeling.artifacts import fingerprint_of, load_manifest, read_manifest, write_manifest
from modeling.errors import ArtifactError


def written(directory: Path) -> Path:
    (directory / "weights.bin").write_bytes(b"abc")
    (directory / "words.json").write_text("[]")
    write_manifest(
        directory,
        model="toy",
        config={"size": 2},
        seed=3,
        parents={"rows": "f00"},
        metrics={"loss": 0.5},
        files=("words.json", "weights.bin"),
    )
    return directory


def test_round_trip(tmp_path: Path) -> None:
    manifest = load_manifest(written(tmp_path), model="toy")
    assert (manifest.config, manifest.seed, manifest.parents, manifest.metrics) == ({"size": 2}, 3, {"rows": "f00"}, {"loss": 0.5})
    assert manifest.files["weights.bin"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # SHA-256 of 'abc'
    assert "python" in manifest.versions


def test_fingerprint_leaves_out_versions_and_metrics(tmp_path: Path) -> None:
    before = read_manifest(written(tmp_path))
    content = json.loads((tmp_path / "manifest.json").read_text())
    content["versions"]["python"], content["metrics"]["loss"] = "0.0", 9.0
    (tmp_path / "manifest.json").write_text(json.dumps(content))
    assert read_manifest(tmp_path).fingerprint == before.fingerprint
    content["seed"] = 4
    (tmp_path / "manifest.json").write_text(json.dumps(content))
    assert read_manifest(tmp_path).fingerprint != before.fingerprint


def test_every_touched_file_is_named(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "weights.bin").write_bytes(b"abd")
    (tmp_path / "words.json").unlink()
    with pytest.raises(ArtifactError, match=r"weights\.bin has SHA-256 .*words\.json is missing"):
        load_manifest(tmp_path, model="toy")


def test_another_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="holds a 'toy' model, expected 'lrurec'"):
        load_manifest(written(tmp_path), model="lrurec")


@pytest.mark.parametrize("content", [None, "{", '{"model": "toy"}'])
def test_missing_or_broken_manifest(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(ArtifactError, match=r"manifest\.json"):
        read_manifest(tmp_path)


def test_fingerprint_ignores_key_order() -> None:
    assert fingerprint_of({"a": 1, "b": [2]}) == fingerprint_of({"b": [2], "a": 1}) != fingerprint_of({"a": 1, "b": [3]})
