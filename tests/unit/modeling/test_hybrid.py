"""Fusion against numbers worked out by hand, and the search for weights."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.errors import DataError
from modeling.hybrid import choose_weights, fuse_ranks, fuse_scores, standardised


def test_reciprocal_rank_fusion_by_hand() -> None:
    ids, scores = fuse_ranks({"dense": ["a", "b", "c"], "words": ["c", "a", "d"]}, {"dense": 1.0, "words": 1.0})
    assert ids == ["a", "c", "b", "d"]
    # a 1/61 + 1/62, c 1/63 + 1/61, b 1/62, d 1/63
    np.testing.assert_allclose(scores, [0.0325224748, 0.0322664585, 0.0161290323, 0.0158730159], rtol=1e-8)


def test_weighted_reciprocal_rank_fusion_by_hand() -> None:
    ids, scores = fuse_ranks({"dense": ["a", "b"], "words": ["b", "c"], "off": ["z"]}, {"dense": 2.0, "words": 1.0, "off": 0.0}, k=1)
    assert ids == ["b", "a", "c"]  # 2/3 + 1/2, 2/2, 1/3; a ranking of weight 0 adds no film
    np.testing.assert_allclose(scores, [7 / 6, 1.0, 1 / 3])


def test_equal_scores_are_ordered_by_id() -> None:
    assert fuse_ranks({"x": ["b", "a"], "y": ["a", "b"]}, {"x": 1.0, "y": 1.0})[0] == ["a", "b"]


@given(st.dictionaries(st.sampled_from("xyz"), st.lists(st.sampled_from("abcdefg"), unique=True), min_size=1))
def test_a_film_better_in_every_ranking_is_better(rankings: dict[str, list[str]]) -> None:
    ids, scores = fuse_ranks(rankings, dict.fromkeys(rankings, 1.0))
    assert set(ids) == {film for ranking in rankings.values() for film in ranking}
    assert (np.diff(scores) <= 0).all()
    places = {film: [r.index(film) if film in r else 99 for r in rankings.values()] for film in ids}
    for first in ids:
        for second in ids:
            if all(a < b for a, b in zip(places[first], places[second], strict=True)):
                assert ids.index(first) < ids.index(second)


def test_standardised_by_hand() -> None:
    scores = np.array([[1.0, 3.0, 5.0, -np.inf], [7.0, 7.0, 7.0, 7.0], [-np.inf] * 4, [0.1, 0.1, 0.1, -np.inf]])
    z = np.sqrt(1.5)
    np.testing.assert_allclose(standardised(scores), [[-z, 0, z, -z], [0] * 4, [0] * 4, [0] * 4], atol=1e-12)


def test_score_fusion_by_hand() -> None:
    fused = fuse_scores({"a": np.array([[0.0, 2.0]]), "b": np.array([[30.0, 10.0]])}, {"a": 0.75, "b": 0.25})
    np.testing.assert_allclose(fused, [[-0.5, 0.5]])


@given(st.floats(0.1, 50), st.floats(-50, 50))
def test_score_fusion_ignores_scale_and_offset(scale: float, offset: float) -> None:
    generator = np.random.default_rng(0)
    one, two = generator.normal(size=(3, 7)), generator.normal(size=(3, 7))
    weights = {"one": 0.4, "two": 0.6}
    np.testing.assert_allclose(
        fuse_scores({"one": one * scale + offset, "two": two}, weights), fuse_scores({"one": one, "two": two}, weights), atol=1e-6
    )


def test_the_weights_of_a_known_optimum_are_found() -> None:
    wanted = {"bm25": 0.3125, "dense": 0.6875, "popularity": 0.0}

    def value(weights: Mapping[str, float]) -> float:
        return -sum((weights[name] - wanted[name]) ** 2 for name in wanted)

    chosen = choose_weights(["dense", "bm25", "popularity"], value, step=0.25, refinements=2)
    assert chosen.weights == {"dense": 0.6875, "bm25": 0.3125, "popularity": 0.0}
    assert sum(chosen.weights.values()) == 1 and chosen.value == 0
    assert chosen.tried < 60


def test_the_choice_is_deterministic_and_flat_values_take_the_first() -> None:
    first = choose_weights(["a", "b"], lambda weights: 1.0)
    assert first == choose_weights(["a", "b"], lambda weights: 1.0)
    assert first.weights == {"a": 0.0, "b": 1.0}


def test_one_ranking_has_all_the_weight() -> None:
    assert choose_weights(["only"], lambda weights: 0.5).weights == {"only": 1.0}


def test_bad_arguments() -> None:
    with pytest.raises(DataError, match=r"no weight for \['y'\]"):
        fuse_ranks({"x": [], "y": []}, {"x": 1.0})
    with pytest.raises(DataError, match=r"below 0 for \['x'\]"):
        fuse_ranks({"x": []}, {"x": -1.0})
    with pytest.raises(DataError, match="k is -1"):
        fuse_ranks({"x": []}, {"x": 1.0}, k=-1)
    with pytest.raises(DataError, match="'x' names 2 films, 1 distinct"):
        fuse_ranks({"x": ["a", "a"]}, {"x": 1.0})
    with pytest.raises(DataError, match="shapes"):
        fuse_scores({"x": np.zeros((1, 2)), "y": np.zeros((1, 3))}, {"x": 1.0, "y": 1.0})
    with pytest.raises(DataError, match="choosing weights"):
        choose_weights(["a", "b"], lambda weights: 0.0, step=0.3)
