"""One torch thread, and lists in which the wanted word stands in the true film's text."""

import numpy as np

from modeling.reranker.config import RerankerConfig
from modeling.reranker.data import RankedList

WORDS = ("ghost", "robot", "wedding", "submarine", "horse", "chef")
DOCUMENTS = {word: f"A film about a {word}." for word in WORDS}
SMALL = RerankerConfig(
    max_tokens=24,
    lists=64,
    frozen_layers=5,
    learning_rate=3e-4,
    head_learning_rate=3e-3,
    batch_lists=4,
    retrieval_weights=(0.0, 1.0),
)


def lists_of(count: int, *, seed: int) -> list[RankedList]:
    """Three candidates each; the seeker asks for one of them."""
    generator = np.random.default_rng(seed)
    made = []
    for number in range(count):
        movies = [WORDS[place] for place in generator.permutation(len(WORDS))[:3]]
        true = int(generator.integers(3))
        made.append(RankedList(f"starter:d{number}#1", f"seeker: I want a {movies[true]}", movies, np.zeros(3), true))
    return made
