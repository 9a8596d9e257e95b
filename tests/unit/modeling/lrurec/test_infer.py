"""A loaded model: shapes, order of ties, unknown movies, the history left out, and reading one movie at a time."""

import numpy as np
import pytest
import torch

from modeling.errors import DataError
from modeling.lrurec.config import LRURecConfig
from modeling.lrurec.infer import LRURecModel
from modeling.lrurec.network import ItemTable, LRURecNetwork
from modeling.seeding import torch_generator

MOVIES = ["mq3", "mq1", "mq2", "mq0"]


def model(**settings: object) -> LRURecModel:
    config = LRURecConfig.from_mapping({"embedding_size": 8, "state_size": 12, "max_length": 6, **settings})
    network = LRURecNetwork(config, item_count=len(MOVIES), feature_size=0, generator=torch_generator(0, "weights"))
    return LRURecModel(network, MOVIES)


def test_candidates_keep_their_order() -> None:
    scored = model()
    everything = scored.score([["mq1"], []])
    assert scored.movie_ids == ("mq0", "mq1", "mq2", "mq3")
    assert everything.shape == (2, 4) and everything.dtype == np.float32
    assert np.array_equal(scored.score([["mq1"], []], ["mq3", "mq0"]), everything[:, [3, 0]])


def test_movies_keep_their_own_row_and_bias() -> None:
    scored = model()
    table = scored.network.items
    assert isinstance(table, ItemTable)
    with torch.no_grad():
        table.item_bias.copy_(torch.tensor([30.0, 10.0, 20.0, 0.0]))  # in the order of MOVIES: mq3, mq1, mq2, mq0
    assert [movie for movie, _ in LRURecModel(scored.network, MOVIES).recommend([], 4)] == ["mq3", "mq2", "mq1", "mq0"]


def test_unknown_movies_are_dropped_from_histories_and_cannot_win() -> None:
    scored = model()
    assert np.array_equal(scored.score([["who", "mq1", "what"], ["who"]]), scored.score([["mq1"], []]))
    assert scored.score([["mq1"]], ["who", "mq1"])[0, 0] == -np.inf
    assert scored.score([], ["mq1"]).shape == (0, 1)


def test_a_long_history_counts_by_its_latest_movies() -> None:
    """Scaled up, so that what came two movies ago is far from rounding."""
    scored = model(max_length=2)
    with torch.no_grad():
        for parameter in scored.network.parameters():
            parameter.mul_(10)
    loud = LRURecModel(scored.network, MOVIES)
    assert np.array_equal(loud.score([["mq3", "mq1", "mq2"]]), loud.score([["mq1", "mq2"]]))
    assert not np.allclose(loud.score([["mq3", "mq2"]]), loud.score([["mq1", "mq2"]]), rtol=1e-3)


def test_recommend_leaves_the_history_out_and_breaks_ties_by_id() -> None:
    scored = model()
    with torch.no_grad():
        for parameter in scored.network.items.parameters():
            parameter.zero_()
    tied = LRURecModel(scored.network, MOVIES)
    assert [movie for movie, _ in tied.recommend(["mq1", "who"], 10)] == ["mq0", "mq2", "mq3"]
    assert [movie for movie, _ in tied.recommend(["mq1"], 2, exclude_history=False)] == ["mq0", "mq1"]


def test_reading_movie_by_movie_equals_the_history() -> None:
    scored = model()
    prior, nothing = scored.read(None)
    np.testing.assert_allclose(prior, scored.score([[]])[0], rtol=1e-5, atol=1e-6)
    state = nothing
    for length, movie in enumerate(MOVIES, 1):
        scores, state = scored.read(movie, state)
        np.testing.assert_allclose(scores, scored.score([MOVIES[:length]])[0], rtol=1e-5, atol=1e-6)
    with pytest.raises(DataError, match="reading movie 'who'"):
        scored.read("who", state)
