"""Lists to learn from and lists to rank: a dialogue and the texts of its candidates. No weights, no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from modeling.errors import DataError
from modeling.prompt_text import dialogue_lines, plain
from modeling.reranker.config import RerankerConfig
from modeling.seeding import numpy_generator


@dataclass(frozen=True, slots=True)
class RankedList:
    """One turn: its dialogue, candidate films and the retriever's scores [n]; `true` is the place of the true film, -1 where absent."""

    example_id: str
    dialogue: str
    movies: Sequence[str]
    retrieval: npt.NDArray[np.float64]
    true: int = -1


def pair_texts(listed: RankedList, documents: Mapping[str, str], config: RerankerConfig) -> list[tuple[str, str]]:
    """(dialogue, film) for each candidate, both made plain and capped: what either says cannot pass for the other."""
    dialogue = dialogue_lines(listed.dialogue, config.dialogue_characters)
    return [(dialogue, plain(documents[movie], config.document_characters)) for movie in listed.movies]


def training_lists(
    examples: pa.Table, targets: pa.Table, candidates: Mapping[str, Sequence[str]], config: RerankerConfig, *, split: str
) -> list[RankedList]:
    """One list per new linked target of `split`: the true film, shuffled in among its first mined candidates; drawn by seed.

    `candidates`: example id -> mined films, best first, without any target of the turn. DataError for split 'test' or no list.
    """
    if split == "test":
        raise DataError("training the reranker: test turns were asked for; expected 'train' or 'valid'")
    context = _contexts(examples, split)
    new = targets.filter(pc.and_(targets["is_new"], pc.is_valid(targets["movie_id"]))).sort_by(
        [("example_id", "ascending"), ("movie_id", "ascending")]
    )
    pairs = [
        pair
        for pair in zip(new["example_id"].to_pylist(), new["movie_id"].to_pylist(), strict=True)
        if pair[0] in context and candidates.get(pair[0])
    ]
    if not pairs:
        raise DataError(f"training the reranker: no turn of split {split!r} has a new target and mined candidates; mine them first")
    generator = numpy_generator(config.seed, f"lists of {split}")
    chosen = sorted(generator.permutation(len(pairs))[: config.lists].tolist())
    return [_list(pairs[place], context, candidates, config, generator) for place in chosen]


def _contexts(examples: pa.Table, split: str) -> dict[str, str]:
    rows = examples.filter(pc.equal(examples["split"], split))
    return dict(zip(rows["example_id"].to_pylist(), rows["context_text"].to_pylist(), strict=True))


def _list(
    pair: tuple[str, str],
    context: Mapping[str, str],
    candidates: Mapping[str, Sequence[str]],
    config: RerankerConfig,
    generator: np.random.Generator,
) -> RankedList:
    example, film = pair
    negatives = [movie for movie in candidates[example] if movie != film][: config.negatives]
    movies = [film, *negatives]
    order = generator.permutation(len(movies)).tolist()
    return RankedList(example, context[example], [movies[place] for place in order], np.zeros(len(movies)), order.index(0))
