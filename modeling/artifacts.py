"""What a trained model leaves behind: files, and a manifest that names config, seed, parents, versions, metrics and hashes.

Nothing here knows what is inside a model. Weights are safetensors, settings are JSON; nothing is ever pickled.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from modeling.errors import ArtifactError

MANIFEST_NAME = "manifest.json"
VERSIONED_LIBRARIES = ("numpy", "pyarrow", "safetensors", "torch", "transformers")


@dataclass(frozen=True, slots=True)
class Manifest:
    """One trained model: `files` maps file names to SHA-256, `parents` maps the names of its inputs to fingerprints."""

    model: str
    config: Mapping[str, Any]
    seed: int
    parents: Mapping[str, str]
    versions: Mapping[str, str]
    metrics: Mapping[str, float]
    files: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what went in and what came out, without library versions and metrics."""
        mapping = asdict(self)
        return fingerprint_of({key: mapping[key] for key in ("model", "config", "seed", "parents", "files")})


def fingerprint_of(value: Any) -> str:
    """SHA-256 of a JSON value in canonical form (sorted keys, no spaces)."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def library_versions() -> dict[str, str]:
    """Python's and the numerical libraries' versions; a library that is not installed is left out."""
    versions = {"python": platform.python_version()}
    for name in VERSIONED_LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def write_bytes(path: Path, content: bytes) -> None:
    """Write all or nothing: a reader sees the old file or the new one, also after a crash."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    partial.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Write JSON, indented, keys sorted, all or nothing."""
    write_bytes(path, (json.dumps(value, indent=2, sort_keys=True) + "\n").encode())


def write_manifest(
    directory: Path,
    *,
    model: str,
    config: Mapping[str, Any],
    seed: int,
    parents: Mapping[str, str],
    metrics: Mapping[str, float],
    files: Sequence[str],
) -> Manifest:
    """Hash `files` in `directory`, write manifest.json beside them last, and return it."""
    hashes = {name: sha256(directory / name) for name in sorted(files)}
    manifest = Manifest(model, dict(config), seed, dict(sorted(parents.items())), library_versions(), dict(metrics), hashes)
    write_json(directory / MANIFEST_NAME, asdict(manifest))
    return manifest


def read_manifest(directory: Path) -> Manifest:
    """The manifest in `directory`, its files not yet looked at; ArtifactError when it is missing or unreadable."""
    path = directory / MANIFEST_NAME
    try:
        return Manifest(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ArtifactError(f"loading a model from {directory}: no {MANIFEST_NAME}; the training did not finish: run it again") from None
    except (json.JSONDecodeError, TypeError) as error:
        raise ArtifactError(f"loading a model from {directory}: {MANIFEST_NAME} is not a manifest ({error}); train it again") from error


def load_manifest(directory: Path, *, model: str) -> Manifest:
    """The manifest of a `model` whose files all have the hashes it names; ArtifactError names every file that has not."""
    manifest = read_manifest(directory)
    if manifest.model != model:
        raise ArtifactError(f"loading {directory}: it holds a {manifest.model!r} model, expected {model!r}; give that model's directory")
    problems = [problem for name, expected in manifest.files.items() if (problem := _problem(directory / name, expected))]
    if problems:
        raise ArtifactError(f"loading {directory}: {'; '.join(problems)}; restore the files or train the model again")
    return manifest


def _problem(path: Path, expected: str) -> str:
    if not path.is_file():
        return f"{path.name} is missing"
    seen = sha256(path)
    return "" if seen == expected else f"{path.name} has SHA-256 {seen[:12]}..., expected {expected[:12]}..."
