"""Exactness, ties, exclusion, adding films, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modeling.artifacts import MANIFEST_NAME
from modeling.dense_retriever import index as module
from modeling.dense_retriever.index import FilmIndex, Matrix
from modeling.errors import ArtifactError, DataError

SIZE = 12
ORIGIN = {"encoder": "made up", "release_id": "r1"}


def unit(count: int, seed: int, size: int = SIZE) -> Matrix:
    rows = np.random.default_rng(seed).normal(size=(count, size))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def names(count: int) -> list[str]:
    return [f"m{number:04}" for number in range(count)]


def oracle(index: FilmIndex, query: Matrix, k: int, excluded: set[str]) -> list[str]:
    scores = {
        movie: float(vector.astype(np.float64) @ query.astype(np.float64)) for movie, vector in zip(index.ids, index.vectors, strict=True)
    }
    return sorted((movie for movie in scores if movie not in excluded), key=lambda movie: (-round(scores[movie], 12), movie))[:k]


@pytest.mark.parametrize("count", [1, 3, 9])  # one by one by faiss, several as one product
def test_search_is_exact_best_first_with_ties_by_id(count: int) -> None:
    vectors = unit(300, 1)
    vectors[[250, 40, 41]] = vectors[7]  # four films of one text
    index = FilmIndex.of(names(300), vectors, **ORIGIN)
    queries = np.concatenate([vectors[7:8], unit(count - 1, 2)])
    ids, scores = index.search(queries, 20)
    assert ids[0][:4] == ["m0007", "m0040", "m0041", "m0250"]
    assert len(set(scores[0][:4])) == 1
    for query, found, values in zip(queries, ids, scores, strict=True):
        assert found == oracle(index, query, 20, set())
        assert (np.diff(values) <= 0).all()


@pytest.mark.parametrize("batch", [False, True])
def test_ties_beyond_the_last_place_are_all_looked_at(batch: bool) -> None:
    """A hundred equal films, two places: the two smallest ids, whatever a library's heap kept."""
    index = FilmIndex.of(names(100)[::-1], np.tile(unit(1, 3), (100, 1)), **ORIGIN)
    ids, _ = index.search(unit(9 if batch else 1, 4), 2)
    assert all(found == ["m0000", "m0001"] for found in ids)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 30))
def test_one_query_or_a_batch_gives_the_same(seed: int, k: int, films: int) -> None:
    index = FilmIndex.of(names(films), unit(films, seed), **ORIGIN)
    queries = unit(6, seed + 1)
    together_ids, together = index.search(queries, k)
    for row in range(6):
        ids, scores = index.search(queries[row : row + 1], k)
        assert ids[0] == together_ids[row] == oracle(index, queries[row], k, set())
        np.testing.assert_array_equal(scores[0], together[row])


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 12),
    st.lists(st.lists(st.sampled_from([*names(20), "unknown"]), max_size=25), min_size=1, max_size=6),
)
def test_excluded_films_are_not_found_and_cost_no_place(seed: int, k: int, exclude: list[list[str]]) -> None:
    index = FilmIndex.of(names(20), unit(20, seed), **ORIGIN)
    queries = unit(len(exclude), seed + 1)
    ids, scores = index.search(queries, k, exclude=exclude)
    for query, found, values, left_out in zip(queries, ids, scores, exclude, strict=True):
        assert found == oracle(index, query, k, set(left_out))
        assert len(values) == len(found)


def test_blocks_of_queries_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    index, queries = FilmIndex.of(names(30), unit(30, 5), **ORIGIN), unit(11, 6)
    whole = index.search(queries, 4)
    monkeypatch.setattr(module, "_BLOCK", 4)
    assert index.search(queries, 4)[0] == whole[0]


def test_an_added_film_is_found_and_changes_no_other() -> None:
    vectors = unit(40, 7)
    every = names(40)
    before = FilmIndex.of([*every[:13], *every[14:]], np.delete(vectors, 13, axis=0), **ORIGIN)
    after = before.add([every[13]], vectors[13:14])
    from_nothing = FilmIndex.of(every[::-1], vectors[::-1], **ORIGIN)
    assert after.ids == from_nothing.ids
    np.testing.assert_array_equal(after.vectors, from_nothing.vectors)
    np.testing.assert_array_equal(np.delete(after.vectors, 13, axis=0), before.vectors)
    assert after.search(vectors[13:14], 1)[0] == [[every[13]]]
    assert every[13] not in before.search(vectors[13:14], 40)[0][0]


def test_a_film_given_again_gets_its_new_vector_and_is_no_stand_in() -> None:
    index = FilmIndex.of(names(5), unit(5, 8), stand_ins=frozenset({"m0001", "m0002"}), **ORIGIN)
    again = index.add(["m0001"], unit(1, 9), release_id="r2")
    np.testing.assert_array_equal(again.vectors[1], unit(1, 9)[0])
    assert (len(again.ids), again.stand_ins, again.release_id) == (5, {"m0002"}, "r2")


def test_scores_of_given_films() -> None:
    index, queries = FilmIndex.of(names(6), unit(6, 10), **ORIGIN), unit(2, 11)
    scores = index.score(queries, ["m0004", "unknown", "m0000"])
    np.testing.assert_allclose(scores[:, [0, 2]], queries @ index.vectors[[4, 0]].T, atol=1e-6)
    assert np.isneginf(scores[:, 1]).all()


def test_no_query() -> None:
    assert FilmIndex.of(names(2), unit(2, 1), **ORIGIN).search(np.empty((0, SIZE), np.float32), 3) == ([], [])


def test_saved_and_loaded(tmp_path: Path) -> None:
    index = FilmIndex.of(names(9), unit(9, 12), stand_ins=frozenset({"m0003"}), **ORIGIN)
    manifest = index.save(tmp_path)
    loaded = FilmIndex.load(tmp_path, **ORIGIN)
    np.testing.assert_array_equal(loaded.vectors, index.vectors)
    assert (loaded.ids, loaded.stand_ins) == (index.ids, index.stand_ins)
    assert manifest.parents == {"release": "r1"} and set(manifest.files) == {"vectors.safetensors", "ids.json"}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"encoder": "another"}, "encoder 'made up', expected 'another'"),
        ({"release_id": "r2"}, "release 'r1', expected 'r2'"),
        ({"document_version": 99}, "document version .*, expected 99"),
    ],
)
def test_another_origin_is_refused_with_both_named(tmp_path: Path, asked: dict[str, str], message: str) -> None:
    FilmIndex.of(names(2), unit(2, 1), **ORIGIN).save(tmp_path)
    with pytest.raises(ArtifactError, match=message):
        FilmIndex.load(tmp_path, **{**ORIGIN, **asked})


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    FilmIndex.of(names(2), unit(2, 1), **ORIGIN).save(tmp_path)
    (tmp_path / "ids.json").write_text('{"ids": ["m0001", "m0000"], "stand_ins": []}')
    with pytest.raises(ArtifactError, match=r"ids\.json has SHA-256"):
        FilmIndex.load(tmp_path, **ORIGIN)
    (tmp_path / MANIFEST_NAME).unlink()
    with pytest.raises(ArtifactError, match=r"no manifest\.json"):
        FilmIndex.load(tmp_path, **ORIGIN)


@pytest.mark.parametrize(
    ("ids", "vectors"),
    [
        (["a", "a"], unit(2, 1)),
        (["a"], unit(2, 1)),
        ([], unit(0, 1)),
        (["a"], unit(1, 1).astype(np.float64)),
        (["a"], np.full((1, SIZE), np.nan, np.float32)),
    ],
)
def test_vectors_that_do_not_fit(ids: list[str], vectors: Matrix) -> None:
    with pytest.raises(DataError, match="film index"):
        FilmIndex.of(ids, vectors, **ORIGIN)


def test_questions_that_do_not_fit() -> None:
    index = FilmIndex.of(names(3), unit(3, 1), **ORIGIN)
    with pytest.raises(DataError, match="expected finite"):
        index.search(unit(2, 1, size=SIZE + 1), 3)
    with pytest.raises(DataError, match="k 0"):
        index.search(unit(2, 1), 0)
    with pytest.raises(DataError, match="one list per query"):
        index.search(unit(2, 1), 1, exclude=[[]])
    with pytest.raises(DataError, match="adding films"):
        index.add(["m9"], unit(1, 1, size=SIZE + 1))
    with pytest.raises(DataError, match="no films of the index"):
        FilmIndex.of(names(3), unit(3, 1), stand_ins=frozenset({"m9"}), **ORIGIN)
