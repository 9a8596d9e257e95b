"""Made-up dialogues in which the film to recommend follows from the words, and vectors that carry it."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest

from modeling.dense_retriever.data import Turns, training_pairs, turns_of
from modeling.dense_retriever.train import Corpus
from modeling.text_encoder.embeddings import ItemEmbeddings
from tests.factories import movie_id

FILMS, SIZE = 24, 16


@dataclass(frozen=True)
class Made:
    """A learnable world: `examples` and `targets` as tables, the turns' vectors, the films' vectors."""

    examples: pa.Table
    targets: pa.Table
    turns: Turns
    films: ItemEmbeddings

    def corpus(self, *, hard_negatives: dict[str, list[str]] | None = None, at_most: int = 0) -> Corpus:
        vocabulary = {movie: column for column, movie in enumerate(self.films.ids)}
        parts = {}
        for split in ("train", "valid"):
            rows = {
                e for e, s in zip(self.examples["example_id"].to_pylist(), self.examples["split"].to_pylist(), strict=True) if s == split
            }
            chosen = self.targets.filter(pa.array([example in rows for example in self.targets["example_id"].to_pylist()]))
            parts[split] = training_pairs(self.examples, chosen, vocabulary, hard_negatives=hard_negatives, at_most=at_most)
        return Corpus(self.turns, parts["train"], parts["valid"], self.films)


@pytest.fixture
def made() -> Made:
    generator = np.random.default_rng(3)
    films = generator.normal(size=(FILMS, SIZE)).astype(np.float32)
    wanted = generator.integers(0, FILMS, 240)
    noise = generator.normal(size=(480, SIZE)).astype(np.float32)
    vectors = (np.concatenate([films[wanted], films[wanted]]) + 0.3 * noise).astype(np.float32)
    ids = [f"starter:d{row}#1" for row in range(240)]
    examples = pa.table(
        {
            "example_id": ids,
            "dataset": ["starter"] * 240,
            "split": ["train" if row % 4 else "valid" for row in range(240)],
            "context_text": ["seeker: something good"] * 240,
        }
    )
    targets = pa.table({"example_id": ids, "movie_id": [movie_id(int(w)) for w in wanted], "is_new": [True] * 240})
    embeddings = ItemEmbeddings(tuple(movie_id(number) for number in range(FILMS)), films, "made up")
    return Made(examples, targets, turns_of(examples, vectors), embeddings)
