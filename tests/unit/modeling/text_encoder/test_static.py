"""Stand-ins learned from a handful of texts: closeness, determinism, and a system that can be solved by hand."""

import numpy as np
import pytest

from modeling.errors import DataError
from modeling.text_encoder import static
from modeling.text_encoder.config import TextEncoderConfig
from modeling.text_encoder.infer import encode

CONFIG = TextEncoderConfig(processes=1)
SUBJECTS = ("robber", "baker", "pilot", "teacher", "vampire", "detective", "farmer", "singer")
PLACES = ("in a bank", "at sea", "in space", "in the mountains", "at school", "in a haunted house")
TEXTS = [f"A {subject} {place}." for subject in SUBJECTS for place in PLACES]


@pytest.fixture(scope="module")
def vectors() -> static.Matrix:
    return encode(TEXTS, CONFIG)


def cosines(left: static.Matrix, right: static.Matrix) -> static.Matrix:
    products: static.Matrix = (left * right).sum(1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)
    return products


def test_stand_ins_of_unseen_texts_are_near_their_vectors(vectors: static.Matrix) -> None:
    held_out = np.arange(len(TEXTS)) % 5 == 0
    learned = static.distil([text for text, out in zip(TEXTS, held_out, strict=True) if not out], vectors[~held_out], CONFIG)
    predicted = learned.encode([text for text, out in zip(TEXTS, held_out, strict=True) if out])
    assert (predicted.dtype, predicted.shape) == (np.float32, (int(held_out.sum()), 384))
    right = cosines(predicted, vectors[held_out])
    wrong = cosines(predicted, np.roll(vectors[held_out], 1, axis=0))
    assert right.mean() > 0.8 and right.mean() > wrong.mean() + 0.2


def test_order_of_words_does_not_count_and_company_neither(vectors: static.Matrix) -> None:
    learned = static.distil(TEXTS, vectors, CONFIG)
    one, two, long = learned.encode(["a baker at sea", "at sea a baker", "a robber " * 100])
    np.testing.assert_allclose(one, two, atol=1e-6)
    np.testing.assert_allclose(learned.encode(["a baker at sea"])[0], one, atol=1e-6)
    assert np.isfinite(long).all()


def test_the_same_texts_give_the_same_stand_ins(vectors: static.Matrix) -> None:
    first, second = (static.distil(TEXTS, vectors, CONFIG) for _ in range(2))
    np.testing.assert_array_equal(first.tokens, second.tokens)


def test_blocks_are_joined(vectors: static.Matrix, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = static.distil(TEXTS, vectors, CONFIG).encode(TEXTS)
    monkeypatch.setattr(static, "_BLOCK", 7)
    np.testing.assert_allclose(static.distil(TEXTS, vectors, CONFIG).encode(TEXTS), whole, atol=1e-4)


def test_the_ridge_solution_is_that_of_the_normal_equations() -> None:
    from scipy.sparse import csr_array

    generator = np.random.default_rng(0)
    shares = generator.random((40, 6)).astype(np.float32)
    wanted = generator.normal(size=(40, 3)).astype(np.float32)
    expected = np.linalg.solve(shares.T @ shares + static.RIDGE * np.eye(6), shares.T @ wanted)
    np.testing.assert_allclose(static._ridge(csr_array(shares), wanted), expected, atol=1e-4)


def test_bad_arguments(vectors: static.Matrix) -> None:
    with pytest.raises(DataError, match="1 texts, 48 vectors"):
        static.distil(["x"], vectors, CONFIG)
    with pytest.raises(DataError, match="no text"):
        static.distil(TEXTS, vectors, CONFIG).encode([])
