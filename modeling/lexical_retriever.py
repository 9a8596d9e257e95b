"""BM25 over film documents: the lexical baseline beside dense retrieval. The only module that knows bm25s; no vector is in here."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from modeling.artifacts import Manifest, load_manifest, write_json, write_manifest
from modeling.documents import DOCUMENT_VERSION
from modeling.errors import ArtifactError, DataError
from modeling.places import Places

Scores = npt.NDArray[np.float64]
Hits = tuple[list[list[str]], list[Scores]]

MODEL = "lexical_index"
K1, B = 1.5, 0.75  # Robertson's usual values, as in bm25s and Lucene
_IDS = "ids.json"


@dataclass(frozen=True, slots=True, eq=False)
class LexicalRetriever:
    """BM25 (Robertson and Zaragoza 2009, in Lucene's form) over stems of English words, stop words left out.

    Row i of the index is the film `ids[i]`; ids ascend. Scores are those of bm25s 0.3 (Lù 2024), summed in float32.
    """

    ids: tuple[str, ...]
    release_id: str
    index: Any = field(repr=False)
    document_version: int = DOCUMENT_VERSION
    _rows: Places = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Number the films."""
        object.__setattr__(self, "_rows", Places({movie: row for row, movie in enumerate(self.ids)}))

    @classmethod
    def build(cls, ids: Sequence[str], documents: Sequence[str], *, release_id: str) -> "LexicalRetriever":
        """Index one document per film; DataError when ids repeat, none is given, or no document holds a word."""
        import bm25s

        if not ids or len(ids) != len(documents) or len(set(ids)) != len(ids):
            raise DataError(
                f"indexing films: {len(ids)} ids, {len(set(ids))} distinct, {len(documents)} documents; expected one per distinct id"
            )
        order = sorted(range(len(ids)), key=ids.__getitem__)
        words = _words([documents[row] for row in order])
        if not any(words):
            raise DataError(f"indexing films: none of {len(ids)} documents holds a word that is no stop word; expected film documents")
        index = bm25s.BM25(method="lucene", k1=K1, b=B)
        index.index(words, show_progress=False)
        return cls(tuple(ids[row] for row in order), release_id, index)

    def search(self, queries: Sequence[str], k: int, *, exclude: Sequence[Sequence[str]] | None = None) -> Hits:
        """For each query the `k` best films, best first, ties by the smaller id, and their scores.

        Only films that share a stem with the query are found: a list is shorter than `k` when fewer do, and empty for a
        query without a word, or with stop words or unknown words alone. `exclude[i]` are films that query i must not find.
        """
        if k < 1 or (exclude is not None and len(exclude) != len(queries)):
            raise DataError(
                f"searching films: k {k}, {len(queries)} queries, lists to exclude {exclude!r:.80}; expected k >= 1, one list each"
            )
        ids, found = [], []
        for scores, movies in zip(self._all_scores(queries), exclude or [()] * len(queries), strict=True):
            scores[[self._rows[movie] for movie in movies if movie in self._rows]] = 0
            rows = _best(scores, k)
            ids.append([self.ids[row] for row in rows])
            found.append(scores[rows].astype(np.float64))
        return ids, found

    def score(self, queries: Sequence[str], candidates: Sequence[str]) -> Scores:
        """BM25 [queries, candidates]: 0 without a common word, minus infinity for a film not indexed."""
        rows = self._rows.of(candidates)
        scores = np.full((len(queries), len(candidates)), -np.inf)
        for line, found in zip(scores, self._all_scores(queries), strict=True):
            line[rows >= 0] = found[rows[rows >= 0]]
        return scores

    def save(self, directory: Path) -> Manifest:
        """The index as plain arrays and JSON, and a manifest in `directory`, the manifest last."""
        directory.mkdir(parents=True, exist_ok=True)
        self.index.save(str(directory), show_progress=False)
        write_json(directory / _IDS, list(self.ids))
        files = sorted(path.name for path in directory.glob("*.index.*"))
        return write_manifest(
            directory,
            model=MODEL,
            config={"k1": K1, "b": B, "stemmer": "english", "document_version": self.document_version},
            seed=0,
            parents={"release": self.release_id},
            metrics={"films": len(self.ids), "words": len(self.index.vocab_dict)},
            files=[*files, _IDS],
        )

    @classmethod
    def load(cls, directory: Path, *, release_id: str, document_version: int = DOCUMENT_VERSION) -> "LexicalRetriever":
        """What `save` wrote; ArtifactError when a file was changed or another release or document version made it."""
        import bm25s

        manifest = load_manifest(directory, model=MODEL)
        found = (manifest.parents.get("release"), manifest.config.get("document_version"))
        if found != (release_id, document_version):
            raise ArtifactError(
                f"loading lexical index {directory}: made from release {found[0]!r}, document version {found[1]}, "
                f"expected {release_id!r}, {document_version}; build the index again, or ask for that one"
            )
        ids = tuple(json.loads((directory / _IDS).read_text(encoding="utf-8")))
        return cls(ids, release_id, bm25s.BM25.load(str(directory), show_progress=False), document_version)

    def _all_scores(self, queries: Sequence[str]) -> Iterator[npt.NDArray[np.float32]]:
        """Per query the scores of all films, a new array each."""
        known = self.index.vocab_dict
        for words in _words(queries):
            numbers = [known[word] for word in words if word in known]
            yield self.index.get_scores_from_ids(numbers) if numbers else np.zeros(len(self.ids), np.float32)


def _words(texts: Sequence[str]) -> list[list[str]]:
    """Stems per text."""
    import bm25s
    import Stemmer

    if not texts:
        return []
    words: list[list[str]] = bm25s.tokenize(
        list(texts), stopwords="en", stemmer=Stemmer.Stemmer("english"), return_ids=False, show_progress=False, allow_empty=False
    )
    return [[word for word in text if word] for text in words]  # a text without any word comes back as one empty word


def _best(scores: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.int64]:
    """The rows of the `k` highest scores above 0, best first, ties by the smaller row."""
    rows = np.flatnonzero(scores > 0)
    if len(rows) > k:
        floor = np.partition(scores[rows], len(rows) - k)[len(rows) - k]
        rows = rows[scores[rows] >= floor]
    order: npt.NDArray[np.int64] = rows[np.argsort(-scores[rows], kind="stable")[:k]]
    return order
