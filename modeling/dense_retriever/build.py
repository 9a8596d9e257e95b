"""From film documents to an index: every film findable within minutes, then better film by film. How vectors are compared is in `index`.

The most popular films get the vectors of the encoder first, and a few of all others, since documents of obscure films are
short and unlike them. From both, stand-ins are learned for the rest (`text_encoder.static`), which `refine` replaces in order
of popularity. Whatever was encoded is in the cache: a killed build or refinement continues there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from modeling.dense_retriever.index import FilmIndex
from modeling.documents import DOCUMENT_VERSION
from modeling.errors import ArtifactError, DataError
from modeling.text_encoder import static
from modeling.text_encoder.config import TextEncoderConfig
from modeling.text_encoder.encoder import signature
from modeling.text_encoder.infer import Progress, embed_items

Matrix = npt.NDArray[np.float32]
LEARN_FROM = 15_000  # texts that stand-ins are learned from
# Share of the first films taken evenly from all others: of 15,000 popular films alone one learns worse than of 6,000 at random.
SPREAD = 0.4
PORTION = 50_000  # films encoded at once, longest text first: what a kill leaves is the more popular portions


@dataclass(frozen=True, slots=True)
class Films:
    """What is indexed: distinct ids, one document each, and a popularity (higher is encoded sooner)."""

    ids: Sequence[str]
    documents: Sequence[str]
    popularity: Sequence[float]

    def __post_init__(self) -> None:
        """Raise DataError unless the three fit together and ids are distinct."""
        counts = len(self.ids), len(self.documents), len(self.popularity), len(set(self.ids))
        if len(set(counts)) != 1 or not self.ids:
            raise DataError(
                "indexing films: {} ids, {} documents, {} popularities, {} distinct ids; expected the same number".format(*counts)
            )

    def by_popularity(self) -> list[int]:
        """Rows, the most popular first, ties by id."""
        return sorted(range(len(self.ids)), key=lambda row: (-self.popularity[row], self.ids[row]))


def build(
    films: Films,
    config: TextEncoderConfig,
    *,
    release_id: str,
    cache_dir: Path,
    encode_at_most: int | None = None,
    progress: Progress | None = None,
) -> FilmIndex:
    """An index over all `films`, `encode_at_most` of them encoded (all, when None), the others with stand-ins.

    Encoded are the most popular and, evenly over the rest, a share of `SPREAD`. `progress` is told films that have their
    vector, and all. DataError when `encode_at_most` is below 1; errors of `embed_items`.
    """
    if encode_at_most is not None and encode_at_most < 1:
        raise DataError(
            f"indexing films: encode_at_most is {encode_at_most}, expected at least 1: stand-ins are learned from encoded films"
        )
    first, rest = _first(films.by_popularity(), encode_at_most)
    order = [*first, *rest]
    vectors = _encoded(films, first, config, cache_dir, progress, len(order))
    if rest:
        learn = np.unique(np.linspace(0, len(first) - 1, min(LEARN_FROM, len(first))).astype(np.int64))
        learned = static.distil([films.documents[first[row]] for row in learn], vectors[learn], config)
        vectors = np.concatenate([vectors, learned.encode([films.documents[row] for row in rest])])
    if progress:
        progress(len(order), len(order))
    stand_ins = frozenset(films.ids[row] for row in rest)
    ids = [films.ids[row] for row in order]
    return FilmIndex.of(ids, vectors, encoder=signature(config), release_id=release_id, stand_ins=stand_ins)


def refine(
    index: FilmIndex,
    films: Films,
    config: TextEncoderConfig,
    *,
    cache_dir: Path,
    at_most: int | None = None,
    progress: Progress | None = None,
) -> FilmIndex:
    """`index` with the `at_most` most popular of its stand-ins encoded (all, when None); the same index when it has none.

    With `at_most` None the result is that of `build` over everything. ArtifactError when the index is another encoder's or
    was made from other documents; DataError when `films` lacks a stand-in.
    """
    if (index.encoder, index.document_version) != (signature(config), DOCUMENT_VERSION):
        raise ArtifactError(
            f"refining a film index: made with encoder {index.encoder!r}, documents {index.document_version}, "
            f"asked for {signature(config)!r}, {DOCUMENT_VERSION}; give its encoder, or build the index again"
        )
    rows = [row for row in films.by_popularity() if films.ids[row] in index.stand_ins]
    if len(rows) != len(index.stand_ins):
        raise DataError(
            f"refining a film index: documents for {len(rows)} of {len(index.stand_ins)} stand-ins; give the films of its release"
        )
    chosen = rows[:at_most]
    if not chosen:
        return index
    vectors = _encoded(films, chosen, config, cache_dir, progress, len(chosen))
    return index.add([films.ids[row] for row in chosen], vectors)


def _first(order: list[int], at_most: int | None) -> tuple[list[int], list[int]]:
    """The films to encode and the others, both most popular first as far as they are not spread."""
    if at_most is None or at_most >= len(order):
        return order, []
    popular = at_most - int(SPREAD * at_most)
    others = order[popular:]
    spread = {others[place * len(others) // (at_most - popular)] for place in range(at_most - popular)}
    return [*order[:popular], *(row for row in others if row in spread)], [row for row in others if row not in spread]


def _encoded(
    films: Films, rows: Sequence[int], config: TextEncoderConfig, cache_dir: Path, progress: Progress | None, total: int
) -> Matrix:
    """Vectors [rows, d] of the films in `rows`, portion by portion; `progress` is told films done of `total`."""
    parts = []
    for start in range(0, len(rows), PORTION):
        portion = rows[start : start + PORTION]
        ids, documents = [films.ids[row] for row in portion], [films.documents[row] for row in portion]
        parts.append(embed_items(ids, documents, config, cache_dir=cache_dir, progress=_shifted(progress, start, total)).matrix)
    return np.concatenate(parts)


def _shifted(progress: Progress | None, before: int, total: int) -> Progress | None:
    return (lambda done, _portion: progress(before + done, total)) if progress else None
