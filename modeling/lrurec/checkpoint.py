"""Checkpoints of a training run: weights and optimiser moments in safetensors, progress in JSON. Nothing is pickled.

The two tensor files carry the epoch in their names and the JSON state, replaced last and atomically, names them with
their hashes; a run killed at any moment finds either the previous epoch whole or the new one whole.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modeling.artifacts import sha256, write_bytes, write_json
from modeling.errors import ArtifactError

if TYPE_CHECKING:
    import torch

STATE_NAME = "checkpoint.json"
PATTERN = "checkpoint-*.safetensors"


def write_weights(path: Path, network: "torch.nn.Module") -> str:
    """The network's parameters as one safetensors file, all or nothing; returns its SHA-256."""
    return _write(path, dict(network.state_dict()))


def read_weights(path: Path, network: "torch.nn.Module") -> None:
    """Load a file written by `write_weights` into a network of the same config."""
    import safetensors.torch

    network.load_state_dict(safetensors.torch.load_file(path))


def save(directory: Path, network: "torch.nn.Module", optimizer: "torch.optim.Optimizer", state: dict[str, Any]) -> None:
    """Write the checkpoint of one epoch and remove the one before."""
    names = {"network": f"checkpoint-{state['epoch']:05d}-network.safetensors"}
    names["optimizer"] = f"checkpoint-{state['epoch']:05d}-optimizer.safetensors"
    hashes = {names["network"]: write_weights(directory / names["network"], network)}
    hashes[names["optimizer"]] = _write(directory / names["optimizer"], _moments(optimizer))
    write_json(directory / STATE_NAME, {"state": state, "names": names, "files": hashes})
    for path in directory.glob(PATTERN):
        if path.name not in hashes:
            path.unlink()


def load(directory: Path, network: "torch.nn.Module", optimizer: "torch.optim.Optimizer", *, run: str) -> dict[str, Any] | None:
    """Restore network and optimiser and return the state; None where there is no checkpoint.

    ArtifactError when the checkpoint is damaged or belongs to a run with other rows, config or parents.
    """
    path = directory / STATE_NAME
    if not path.exists():
        return None
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        state, names, hashes = dict(saved["state"]), saved["names"], saved["files"]
        changed = [name for name, expected in hashes.items() if sha256(directory / name) != expected]
    except (json.JSONDecodeError, KeyError, TypeError, FileNotFoundError) as error:
        raise ArtifactError(f"resuming from {path}: the checkpoint is damaged ({error}); start in an empty directory") from error
    if changed or state.get("run") != run:
        seen = f"changed files {changed}" if changed else "a run with other rows, config or parents"
        raise ArtifactError(f"resuming from {path}: found {seen}, expected this run's checkpoint; start in an empty directory")
    read_weights(directory / names["network"], network)
    _restore_moments(directory / names["optimizer"], optimizer)
    return state


def remove(directory: Path) -> None:
    """Delete the checkpoint of a finished run, and what a kill left half written."""
    (directory / STATE_NAME).unlink(missing_ok=True)
    for path in (*directory.glob(PATTERN), *directory.glob("*.partial")):
        path.unlink()


def _write(path: Path, tensors: "dict[str, torch.Tensor]") -> str:
    import safetensors.torch

    write_bytes(path, safetensors.torch.save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}))
    return sha256(path)


def _moments(optimizer: "torch.optim.Optimizer") -> "dict[str, torch.Tensor]":
    state = optimizer.state_dict()["state"]
    return {f"{index}.{name}": tensor for index, values in state.items() for name, tensor in values.items()}


def _restore_moments(path: Path, optimizer: "torch.optim.Optimizer") -> None:
    import safetensors.torch

    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, tensor in safetensors.torch.load_file(path).items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
