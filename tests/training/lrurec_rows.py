"""Made-up sequences with a rule to learn: in each dialogue every movie is followed by the next one on a circle."""

import numpy as np
import pyarrow as pa

from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import SET_RECOMMENDATION, SET_RECOMMENDATION_TARGETS, SET_SEQUENCES
from modeling.text_encoder.embeddings import ItemEmbeddings

MOVIES = [f"mq{number:012x}" for number in range(24)]


def sequences(dialogues: int = 60) -> pa.Table:
    """Train dialogues, and one of split 'valid' that training must not see."""
    rows = [_sequence(number, "train") for number in range(dialogues)] + [_sequence(0, "valid")]
    return pa.Table.from_pylist(rows, schema=arrow_schema(SET_SEQUENCES))


def _sequence(number: int, split: str) -> dict[str, object]:
    movies = [MOVIES[(number + step) % len(MOVIES)] for step in range(2 + number % 5)]
    flags = [step % 2 == 1 for step in range(len(movies))]
    return {
        "dialogue_id": f"starter:{split}{number}",
        "dataset": "starter",
        "split": split,
        "sequence_movie_ids": movies,
        "is_target": flags,
    }


def validation() -> tuple[pa.Table, pa.Table]:
    """Histories of two movies whose target is the next on the circle, and one test row that must be ignored."""
    examples, targets = [], []
    for number in range(12):
        example, split = f"starter:v{number}#2", "valid" if number else "test"
        history = [MOVIES[number], MOVIES[number + 1]]
        examples.append(
            {"example_id": example, "dialogue_id": f"starter:v{number}", "dataset": "starter", "split": split}
            | {"history_movie_ids": history, "context_text": "seeker: hello"}
        )
        targets.append({"example_id": example, "target_index": 0, "movie_id": MOVIES[number + 2], "is_new": True})
    return (
        pa.Table.from_pylist(examples, schema=arrow_schema(SET_RECOMMENDATION)),
        pa.Table.from_pylist(targets, schema=arrow_schema(SET_RECOMMENDATION_TARGETS)),
    )


def embeddings(extra: int = 0) -> ItemEmbeddings:
    """A point on a circle per movie; `extra` movies that no training dialogue names lie between the first ones."""
    angles = 2 * np.pi * np.concatenate([np.arange(len(MOVIES)), np.arange(extra) + 0.5]) / len(MOVIES)
    matrix = np.stack([np.cos(angles), np.sin(angles), np.cos(2 * angles), np.sin(2 * angles)], 1).astype(np.float32)
    return ItemEmbeddings((*MOVIES, *(f"mqffffffffff{number:02x}" for number in range(extra))), matrix, "circle")
