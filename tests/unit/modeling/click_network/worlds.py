"""Small worlds of click rows: one where a film's own worth decides, one where the liked history's similarity to the target does."""

import numpy as np

from modeling.click_network.data import ClickRows

FILMS, GROUPS, WIDTH = 120, 6, 8


def rows_of(*, count: int, seed: int, by_similarity: bool, history: int = 8, width: int = 10) -> ClickRows:
    """Users, each new, with `history` entries in random windows of `width` columns; what follows the entries is padding.

    Films belong to groups and their vectors to the groups' directions. By similarity: a user likes the films of three of the six
    groups, with a tenth of noise, and no film is better than another. Otherwise: a film has a worth, the same for all users.
    """
    films = np.random.default_rng(7)  # the same films in every draw of rows
    group = films.integers(0, GROUPS, FILMS + 1)
    vectors = np.eye(GROUPS, WIDTH)[group] + films.normal(scale=0.1, size=(FILMS + 1, WIDTH))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    worth = films.random(FILMS + 1) < 0.5
    generator = np.random.default_rng(seed)
    likes = generator.random((count, GROUPS)).argsort(axis=1) < 3
    seen = generator.integers(1, FILMS + 1, (count, history + 1))
    truth = np.take_along_axis(likes, group[seen], axis=1) if by_similarity else worth[seen]
    answers = truth ^ (generator.random(seen.shape) < 0.1)
    return _windows(seen, answers, vectors.astype(np.float32), group, (generator, width))


def _windows(
    seen: np.ndarray, answers: np.ndarray, vectors: np.ndarray, group: np.ndarray, drawn: tuple[np.random.Generator, int]
) -> ClickRows:
    """Target first, then the history, latest first."""
    generator, width = drawn
    items, recent, recent_liked = seen[:, 0], seen[:, 1:], answers[:, 1:]
    similarity = np.einsum("nd,nhd->nh", vectors[items], vectors[recent])
    order = np.argsort(-similarity, axis=1, kind="stable")
    count, history = recent.shape
    genres = np.zeros((FILMS + 1, 2), np.int32)
    genres[1:, 0] = group[1:] + 1

    def padded(values: np.ndarray, kind: type) -> np.ndarray:
        return np.pad(values, ((0, 0), (0, width - history))).astype(kind)

    return ClickRows(
        users=np.zeros(count, np.int32),
        profile=generator.integers(1, 4, (count, 2)).astype(np.int32),
        items=items.astype(np.int32),
        liked=answers[:, 0],
        recent=padded(recent, np.int32),
        recent_liked=padded(recent_liked, np.int8),
        retrieved=padded(np.take_along_axis(recent, order, 1), np.int32),
        retrieved_liked=padded(np.take_along_axis(recent_liked, order, 1), np.int8),
        retrieved_similarity=padded(np.take_along_axis(similarity, order, 1), np.float32),
        retrieved_age=padded(order + 1, np.int32),
        counts=np.stack([np.full(count, history), recent_liked.sum(1)], axis=1).astype(np.float32),
        genres=genres,
        vectors=vectors,
    )
