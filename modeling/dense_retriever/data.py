"""From dialogues and films to arrays: the two texts that stand for a turn, and pairs of a turn and its true film. No weights, no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from modeling.errors import DataError
from modeling.prompt_text import dialogue_lines
from modeling.text_encoder.embeddings import Matrix

DIALOGUE_CHARACTERS = 600  # about 130 word pieces: what one pass of the encoder reads in 30 ms
SEEKER_CHARACTERS = 240
SEEKER_TURNS = 2
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Turns:
    """n turns: `features` float32 [n, 2 d], the vectors of `turn_texts` side by side; `datasets` [n] names of data sets."""

    example_ids: Sequence[str]
    features: Matrix
    datasets: Sequence[str]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """m pairs: row of the turn, column of the true film in the vocabulary, and up to h hard negatives (-1: none), each [m] or [m, h]."""

    turns: Indices
    films: Indices
    negatives: Indices


def turn_texts(context_text: str) -> tuple[str, str]:
    """(the latest turns of the dialogue, what the seeker said last), without speakers; 'hello' stands for a dialogue without words."""
    lines = dialogue_lines(context_text, DIALOGUE_CHARACTERS).split("\n")
    said = [line.partition(": ") for line in lines]
    seeker = [text for speaker, _, text in said if speaker == "seeker"][-SEEKER_TURNS:]
    dialogue = " ".join(text for _, _, text in said).strip()
    latest = " ".join(seeker)[-SEEKER_CHARACTERS:].strip()
    return dialogue or "hello", latest or dialogue or "hello"


def turns_of(examples: pa.Table, vectors: Matrix) -> Turns:
    """`examples`: rows of set_recommendation; `vectors` float32 [2 n, d]: those of `texts_of(examples)`."""
    count = examples.num_rows
    return Turns(
        examples["example_id"].to_pylist(), np.concatenate([vectors[:count], vectors[count:]], axis=1), examples["dataset"].to_pylist()
    )


def texts_of(examples: pa.Table) -> list[str]:
    """Both texts of n turns, first the n dialogues, then the n latest words of the seeker."""
    texts = [turn_texts(text) for text in examples["context_text"].to_pylist()]
    return [dialogue for dialogue, _ in texts] + [latest for _, latest in texts]


def training_pairs(
    examples: pa.Table,
    targets: pa.Table,
    vocabulary: Mapping[str, int],
    *,
    hard_negatives: Mapping[str, Sequence[str]] | None = None,
    at_most: int = 0,
) -> Pairs:
    """Every new linked target of the given turns that is in `vocabulary`; DataError for a test turn or without a pair.

    `hard_negatives` maps example ids to films, best first, of which the first `at_most` in the vocabulary count.
    """
    if pc.any(pc.equal(examples["split"], "test")).as_py():
        raise DataError("training the dense retriever: a row has split 'test'; expected train and valid only: filter the rows")
    row_of = {example: row for row, example in enumerate(examples["example_id"].to_pylist())}
    rows = zip(*(targets[name].to_pylist() for name in ("example_id", "movie_id", "is_new")), strict=True)
    pairs = [
        (row_of[example], vocabulary[film], example) for example, film, new in rows if new and example in row_of and film in vocabulary
    ]
    if not pairs:
        raise DataError("training the dense retriever: no turn names a new film that has a vector; check the linker's coverage")
    mined = np.full((len(pairs), at_most), -1, np.int64)
    for place, (_, film, example) in enumerate(pairs):
        offered = [vocabulary[name] for name in (hard_negatives or {}).get(example, ()) if vocabulary.get(name, film) != film][:at_most]
        mined[place, : len(offered)] = offered
    return Pairs(np.array([p[0] for p in pairs], np.int64), np.array([p[1] for p in pairs], np.int64), mined)
