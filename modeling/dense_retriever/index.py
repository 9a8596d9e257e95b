"""Film vectors with their ids, searched exactly. No text and no encoder is in here; the only module that knows faiss.

One query is faiss' flat inner product, read from the matrix as it lies (what IndexFlatIP does on a copy of its own): a third
of the CPU time of torch or numpy. Many queries are one matrix product, for which torch needs a sixth of faiss' time on two
cores. Both only propose: the films they put on top are scored again one by one in double precision. A film's score is thus
one number, bit for bit, however it was found, and equal scores are equal, so that ties can break by id.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from modeling.artifacts import Manifest, load_manifest, write_bytes, write_json, write_manifest
from modeling.documents import DOCUMENT_VERSION
from modeling.errors import ArtifactError, DataError
from modeling.places import Places

Matrix = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float64]
Hits = tuple[list[list[str]], list[Scores]]

MODEL = "film_index"
_VECTORS, _IDS = "vectors.safetensors", "ids.json"
_FEW = 4  # from so many queries on, one matrix product is faster than a scan for each
_BLOCK = 64  # queries scored at once: 64 x 355,647 float32 are 91 MB


@dataclass(frozen=True, slots=True, eq=False)
class FilmIndex:
    """`vectors` (n, d) float32 of the films `ids` (ascending), made by `encoder` from documents of `document_version`.

    `encoder` is `modeling.text_encoder.encoder.signature`; `release_id` names the corpus the documents were written from.
    `stand_ins` are the films whose vector is a cheap prediction of what the encoder would say (`text_encoder.static`).
    """

    ids: tuple[str, ...]
    vectors: Matrix
    encoder: str
    release_id: str
    document_version: int = DOCUMENT_VERSION
    stand_ins: frozenset[str] = frozenset()
    _rows: Places = field(init=False, repr=False)
    _longest: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Raise DataError unless ids are distinct and ascending, one for each finite float32 row."""
        if self.vectors.ndim != 2 or self.vectors.dtype != np.float32 or len(self.vectors) != len(self.ids) or not self.ids:
            raise DataError(
                f"film index: {len(self.ids)} ids, vectors {self.vectors.dtype} {self.vectors.shape}; "
                "expected one float32 row per id and at least one; encode again"
            )
        if any(first >= second for first, second in zip(self.ids, self.ids[1:], strict=False)):
            raise DataError("film index: ids are not distinct and ascending; build it with FilmIndex.of")
        if strangers := sorted(self.stand_ins - set(self.ids))[:3]:
            raise DataError(f"film index: stand-ins {strangers} are no films of the index; expected some of its ids")
        if not np.isfinite(self.vectors).all():
            raise DataError("film index: a vector holds a NaN or an infinity; encode again")
        object.__setattr__(self, "_rows", Places({movie: row for row, movie in enumerate(self.ids)}))
        object.__setattr__(self, "_longest", float(np.sqrt(np.einsum("nd,nd->n", self.vectors, self.vectors).max())))

    @classmethod
    def of(
        cls,
        ids: Sequence[str],
        vectors: Matrix,
        *,
        encoder: str,
        release_id: str,
        document_version: int = DOCUMENT_VERSION,
        stand_ins: frozenset[str] = frozenset(),
    ) -> "FilmIndex":
        """An index over films in any order; DataError when an id comes twice or the numbers do not fit the ids."""
        order = np.array(sorted(range(len(ids)), key=ids.__getitem__), dtype=np.int64)
        if len(ids) != len(vectors) or len(set(ids)) != len(ids):
            raise DataError(
                f"film index: {len(ids)} ids, {len(set(ids))} distinct, {len(vectors)} vectors; expected one vector per distinct id"
            )
        return cls(tuple(ids[row] for row in order), np.ascontiguousarray(vectors[order]), encoder, release_id, document_version, stand_ins)

    def add(self, ids: Sequence[str], vectors: Matrix, *, release_id: str | None = None) -> "FilmIndex":
        """This index with more films; a film that is there gets the vector given now. No other vector is touched or computed.

        The vectors are the encoder's: what they replace is a stand-in no more. `release_id` is the release that holds the new
        films, the index's own when None. DataError when an id comes twice or the vectors have another width.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.vectors.shape[1]:
            raise DataError(
                f"adding films: vectors {vectors.shape}, expected [films, {self.vectors.shape[1]}]; use the encoder {self.encoder!r}"
            )
        given = set(ids)
        kept = [row for row, movie in enumerate(self.ids) if movie not in given]
        return FilmIndex.of(
            [*(self.ids[row] for row in kept), *ids],
            np.concatenate([self.vectors[kept], vectors]),
            encoder=self.encoder,
            release_id=release_id or self.release_id,
            document_version=self.document_version,
            stand_ins=self.stand_ins - given,
        )

    def search(self, queries: Matrix, k: int, *, exclude: Sequence[Sequence[str]] | None = None) -> Hits:
        """For each of `queries` (n, d) the `k` films of highest inner product, best first, ties by the smaller id, and their scores.

        `exclude[i]` are films that query i must not find. A list is shorter than `k` only when no more films are left. The
        same films and scores come out for one query or many. DataError when shapes do not fit.
        """
        queries = self._checked(queries, k, exclude)
        if not len(queries):
            return [], []
        left_out = [self._known_rows(movies) for movies in exclude] if exclude else [np.empty(0, np.int64)] * len(queries)
        wanted = min(len(self.ids), k + max(map(len, left_out)))
        found = [
            self._best(query, proposed, k, out)
            for query, proposed, out in zip(queries, self._proposals(queries, wanted), left_out, strict=True)
        ]
        return [[self.ids[row] for row in rows] for rows, _ in found], [scores for _, scores in found]

    def score(self, queries: Matrix, candidates: Sequence[str]) -> Scores:
        """Inner products [queries, candidates], in float32 as one product; minus infinity for a film that is not there."""
        queries = self._checked(queries, 1, None)
        rows = self._rows.of(candidates)
        scores = np.full((len(queries), len(candidates)), -np.inf)
        scores[:, rows >= 0] = queries @ self.vectors[rows[rows >= 0]].T
        return scores

    def save(self, directory: Path) -> Manifest:
        """Vectors, ids and a manifest in `directory`, the manifest last."""
        import safetensors.numpy

        directory.mkdir(parents=True, exist_ok=True)
        write_bytes(directory / _VECTORS, safetensors.numpy.save({"vectors": np.ascontiguousarray(self.vectors)}))
        write_json(directory / _IDS, {"ids": self.ids, "stand_ins": sorted(self.stand_ins)})
        return write_manifest(
            directory,
            model=MODEL,
            config={"encoder": self.encoder, "document_version": self.document_version},
            seed=0,
            parents={"release": self.release_id},
            metrics={"films": len(self.ids), "dimensions": self.vectors.shape[1], "stand-ins": len(self.stand_ins)},
            files=[_VECTORS, _IDS],
        )

    @classmethod
    def load(cls, directory: Path, *, encoder: str, release_id: str, document_version: int = DOCUMENT_VERSION) -> "FilmIndex":
        """What `save` wrote; ArtifactError when a file was changed or another encoder, document version or release made it."""
        import safetensors.numpy

        manifest = load_manifest(directory, model=MODEL)
        expected = {"encoder": encoder, "document version": document_version, "release": release_id}
        found = _origin(manifest)
        if others := [f"{name} {found[name]!r}, expected {expected[name]!r}" for name in expected if found[name] != expected[name]]:
            raise ArtifactError(
                f"loading film index {directory}: made with {'; '.join(others)}; build the index again, or ask for that one"
            )
        told = json.loads((directory / _IDS).read_text(encoding="utf-8"))
        vectors = safetensors.numpy.load_file(directory / _VECTORS)["vectors"]
        return cls(tuple(told["ids"]), vectors, encoder, release_id, document_version, frozenset(told["stand_ins"]))

    def _checked(self, queries: Matrix, k: int, lists: Sequence[Sequence[str]] | None) -> Matrix:
        if queries.ndim != 2 or queries.shape[1] != self.vectors.shape[1] or k < 1 or not np.isfinite(queries).all():
            raise DataError(
                f"searching films: queries {queries.shape}, k {k}; expected finite [n, {self.vectors.shape[1]}] and k at least 1"
            )
        if lists is not None and len(lists) != len(queries):
            raise DataError(f"searching films: {len(queries)} queries, {len(lists)} lists of films; expected one list per query")
        return np.ascontiguousarray(queries, dtype=np.float32)

    def _known_rows(self, movies: Sequence[str]) -> npt.NDArray[np.int64]:
        return np.array(sorted({self._rows[movie] for movie in movies if movie in self._rows}), dtype=np.int64)

    def _proposals(self, queries: Matrix, k: int) -> Iterator[npt.NDArray[np.int64]]:
        """Per query every row that may be among its `k` best: the `k` best by float32 and all that rounding may have put behind them."""
        if len(queries) < _FEW:
            yield from (self._scanned(query[None], k) for query in queries)
            return
        for start in range(0, len(queries), _BLOCK):
            yield from self._multiplied(queries[start : start + _BLOCK], k)

    def _scanned(self, query: Matrix, k: int) -> npt.NDArray[np.int64]:
        import faiss

        # A look at the rows behind the k-th shows whether rounding, or films of one text, may hide a better one further on.
        asked = min(len(self.ids), k + 14)
        while True:
            with _one_thread():
                values, rows = faiss.knn(query, self.vectors, asked, metric=faiss.METRIC_INNER_PRODUCT)
            if asked == len(self.ids) or values[0, -1] < values[0, k - 1] - self._slack(query[0]):
                return rows[0]  # type: ignore[no-any-return]
            asked = min(len(self.ids), 4 * asked)

    def _multiplied(self, queries: Matrix, k: int) -> Iterator[npt.NDArray[np.int64]]:
        import torch

        products = torch.from_numpy(queries) @ torch.from_numpy(self.vectors).T
        floors = torch.topk(products, k, sorted=True).values[:, -1].tolist()
        for query, row, floor in zip(queries, products, floors, strict=True):
            yield torch.nonzero(row >= floor - self._slack(query)).flatten().numpy()

    def _slack(self, query: Matrix) -> float:
        """Twice what float32 rounding can move an inner product at the very worst: d * 2**-24 of the two lengths."""
        return float(2 * len(query) * 2.0**-24 * self._longest * np.linalg.norm(query))

    def _best(
        self, query: Matrix, rows: npt.NDArray[np.int64], k: int, left_out: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], Scores]:
        rows = np.setdiff1d(rows, left_out)  # ascending
        scores = _exact(self.vectors[rows], query)
        order = np.argsort(-scores, kind="stable")[:k]  # rows ascend, and so do ids: a stable order breaks ties by id
        return rows[order], scores[order]


@contextmanager
def _one_thread() -> Iterator[None]:
    """One query is one thread's work in faiss; its other threads would only spin, and on busy cores that takes five times as long."""
    import faiss

    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def _origin(manifest: Manifest) -> dict[str, Any]:
    return {
        "encoder": manifest.config.get("encoder"),
        "document version": manifest.config.get("document_version"),
        "release": manifest.parents.get("release"),
    }


def _exact(vectors: Matrix, query: Matrix) -> Scores:
    """Inner products in float64. Each row is summed by itself, so that a score does not depend on which rows stand around it."""
    products: Scores = (vectors.astype(np.float64) * query.astype(np.float64)).sum(axis=1)
    return products
