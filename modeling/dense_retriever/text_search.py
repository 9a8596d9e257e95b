"""Films found by text: a frozen encoder in front of an index. How vectors are compared is in `index`, how films got theirs in `build`."""

from collections.abc import Sequence
from dataclasses import dataclass

from modeling.dense_retriever.index import FilmIndex, Hits, Scores
from modeling.errors import ArtifactError
from modeling.text_encoder.config import TextEncoderConfig
from modeling.text_encoder.encoder import signature
from modeling.text_encoder.infer import encode


@dataclass(frozen=True, slots=True, eq=False)
class TextSearch:
    """Dense retrieval (ReGeS, section 3.1: an off-the-shelf encoder, query against film document, not trained)."""

    index: FilmIndex
    encoder: TextEncoderConfig

    def __post_init__(self) -> None:
        """Raise ArtifactError when the films' vectors are another encoder's: the inner products would mean nothing."""
        if (asked := signature(self.encoder)) != self.index.encoder:
            raise ArtifactError(
                f"searching by text: the index was made by encoder {self.index.encoder!r}, queries would be encoded by {asked!r}; "
                "give the index's encoder, or build the index again"
            )

    def search(self, queries: Sequence[str], k: int, *, exclude: Sequence[Sequence[str]] | None = None) -> Hits:
        """For each query the `k` nearest films, best first, ties by the smaller id, and their scores; see FilmIndex.search."""
        if not queries:
            return [], []
        return self.index.search(encode(queries, self.encoder), k, exclude=exclude)

    def score(self, queries: Sequence[str], candidates: Sequence[str]) -> Scores:
        """Inner products [queries, candidates]; minus infinity for a film not in the index. DataError without a query."""
        return self.index.score(encode(queries, self.encoder), candidates)
