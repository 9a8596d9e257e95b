"""Frozen text embeddings of movies: ids, a float32 matrix, and who made them. No encoder is loaded here."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from modeling.artifacts import write_bytes
from modeling.errors import ArtifactError, DataError

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class ItemEmbeddings:
    """`matrix` (n, d) float32, row i belongs to `ids[i]`; `encoder` names encoder, settings and document version."""

    ids: tuple[str, ...]
    matrix: Matrix
    encoder: str
    _rows: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Raise DataError unless ids are distinct and match the matrix, float32 and finite."""
        rows = {movie: row for row, movie in enumerate(self.ids)}
        if self.matrix.ndim != 2 or len(self.ids) != len(self.matrix) or len(rows) != len(self.ids):
            raise DataError(
                f"item embeddings: {len(self.ids)} ids, {len(rows)} distinct, matrix {self.matrix.shape}; expected one row per distinct id"
            )
        if self.matrix.dtype != np.float32 or not np.isfinite(self.matrix).all():
            raise DataError(f"item embeddings: expected finite float32 numbers, found {self.matrix.dtype} or a NaN; encode again")
        object.__setattr__(self, "_rows", rows)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of encoder, ids and numbers."""
        digest = hashlib.sha256(json.dumps([self.encoder, self.ids, self.matrix.shape]).encode())
        digest.update(np.ascontiguousarray(self.matrix).tobytes())
        return digest.hexdigest()

    def rows_of(self, movies: Sequence[str]) -> tuple[Matrix, npt.NDArray[np.bool_]]:
        """Embeddings of `movies` (n, d), zeros where unknown, and which are known."""
        indices = np.fromiter((self._rows.get(movie, -1) for movie in movies), np.int64, len(movies))
        known = indices >= 0
        rows = np.zeros((len(movies), self.matrix.shape[1]), np.float32)
        rows[known] = self.matrix[indices[known]]
        return rows, known

    def save(self, path: Path) -> None:
        """One safetensors file: the matrix, with ids and encoder in the header."""
        import safetensors.numpy

        header = {"ids": json.dumps(self.ids), "encoder": self.encoder, "fingerprint": self.fingerprint}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, safetensors.numpy.save({"matrix": np.ascontiguousarray(self.matrix)}, metadata=header))

    @classmethod
    def load(cls, path: Path) -> "ItemEmbeddings":
        """Read what `save` wrote; ArtifactError when it is missing, not such a file, or its fingerprint is wrong."""
        import safetensors

        try:
            with safetensors.safe_open(path, framework="numpy") as handle:
                header, matrix = handle.metadata(), handle.get_tensor("matrix")
            loaded = cls(tuple(json.loads(header["ids"])), matrix, header["encoder"])
        except (OSError, KeyError, TypeError, ValueError, safetensors.SafetensorError) as error:
            raise ArtifactError(f"loading item embeddings from {path}: {error}; expected a file written by ItemEmbeddings.save") from error
        if loaded.fingerprint != header["fingerprint"]:
            raise ArtifactError(f"loading item embeddings from {path}: the content does not match its fingerprint; encode again")
        return loaded
