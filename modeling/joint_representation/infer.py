"""What the package leaves behind and reads again: LightGCN's vectors, the aligned text, and the parts of all items as one folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from modeling.artifacts import Manifest, load_manifest, write_bytes, write_json, write_manifest
from modeling.errors import DataError

LIGHTGCN_NAME, ALIGNMENT_NAME, PARTS_NAME = "lightgcn", "text_behaviour_alignment", "joint_representation_parts"
WEIGHTS_NAME, VECTORS_NAME, LOG_NAME, IDS_NAME = "weights.safetensors", "vectors.safetensors", "epochs.json", "ids.json"
_MATRICES = ("title", "description", "behaviour", "ssl")

Matrix = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What an item's vector can be made of, row i for `ids[i]`, all float32.

    `title`, `description`: the sentence encoder's; `behaviour`: LightGCN's propagated item vectors, zero where `has_behaviour` is
    false; `ssl`: the description and title projected into the space of `behaviour`, for every item.
    """

    ids: tuple[str, ...]
    title: Matrix
    description: Matrix
    behaviour: Matrix
    ssl: Matrix
    has_behaviour: Mask

    def __post_init__(self) -> None:
        """Raise DataError naming every part that has not one finite float32 row per distinct id."""
        count = len(set(self.ids))
        problems = [] if count == len(self.ids) else [f"{len(self.ids)} ids, {count} distinct"]
        for name in _MATRICES:
            part: Matrix = getattr(self, name)
            if part.ndim != 2 or len(part) != len(self.ids) or part.dtype != np.float32 or not np.isfinite(part).all():
                problems.append(f"{name} is {part.dtype} {part.shape}, or not finite")
        if self.has_behaviour.shape != (len(self.ids),) or self.has_behaviour.dtype != np.bool_:
            problems.append(f"has_behaviour is {self.has_behaviour.dtype} {self.has_behaviour.shape}")
        elif not problems and self.behaviour[~self.has_behaviour].any():
            problems.append("behaviour is not zero for an item without behaviour")
        if problems:
            raise DataError(f"parts of items: {'; '.join(problems)}; expected finite float32 with one row per distinct id")


def save_parts(folder: Path, parts: Parts, *, parents: Mapping[str, str]) -> Manifest:
    """The parts as one safetensors file and their ids as JSON; `parents` names the encoder, LightGCN and alignment by fingerprint."""
    import safetensors.numpy

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: np.ascontiguousarray(getattr(parts, name)) for name in (*_MATRICES, "has_behaviour")}
    write_bytes(folder / VECTORS_NAME, safetensors.numpy.save(tensors))
    write_json(folder / IDS_NAME, list(parts.ids))
    config = {name: int(getattr(parts, name).shape[1]) for name in _MATRICES}
    metrics = {"items": float(len(parts.ids)), "items_with_behaviour": float(parts.has_behaviour.sum())}
    return write_manifest(
        folder, model=PARTS_NAME, config=config, seed=0, parents=parents, metrics=metrics, files=(VECTORS_NAME, IDS_NAME)
    )  # fmt: skip


def load_parts(folder: Path) -> Parts:
    """Read what `save_parts` wrote; ArtifactError when a file is missing or changed."""
    load_manifest(folder, model=PARTS_NAME)
    ids = json.loads((folder / IDS_NAME).read_text(encoding="utf-8"))
    return Parts(tuple(ids), **_tensors(folder))


def load_lightgcn(folder: Path) -> tuple[Matrix, Matrix]:
    """Propagated vectors of users [users, d] and items [items, d] that `train_lightgcn` left; every file's hash is checked."""
    load_manifest(folder, model=LIGHTGCN_NAME)
    tensors = _tensors(folder)
    return tensors["users"], tensors["items"]


def load_aligned(folder: Path) -> Matrix:
    """The projected text of all items [items, d] that `align` left; every file's hash is checked."""
    load_manifest(folder, model=ALIGNMENT_NAME)
    ssl: Matrix = _tensors(folder)["ssl"]
    return ssl


def _tensors(folder: Path) -> dict[str, Any]:
    import safetensors.numpy

    tensors: dict[str, Any] = safetensors.numpy.load_file(folder / VECTORS_NAME)
    return tensors
