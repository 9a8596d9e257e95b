"""Baselines on three made-up dialogues, counted by hand."""

import numpy as np
import pyarrow as pa
import pytest

from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import SET_SEQUENCES
from modeling.baselines import NAMES, PRIOR_WEIGHT, UNSEEN_COUNT, Ease, ItemNeighbours, LastItemNeighbours, Popularity
from modeling.errors import DataError

TRAIN = [["a", "b", "c"], ["b", "c"], ["c", "d"], []]


def sequences(rows: list[list[str]], split: str = "train") -> pa.Table:
    made = [
        {
            "dialogue_id": f"inspired:{split}{i}",
            "dataset": "inspired",
            "split": split,
            "sequence_movie_ids": row,
            "is_target": [True] * len(row),
        }
        for i, row in enumerate(rows)
    ]
    return pa.Table.from_pylist(made, schema=arrow_schema(SET_SEQUENCES))


def test_popularity_counts_training_dialogues() -> None:
    model = Popularity.fit(sequences(TRAIN))
    assert model.score([["a"], []], ["c", "b", "a", "zz"]).tolist() == [[3, 2, 1, 0]] * 2


def test_neighbours_count_common_dialogues_then_popularity() -> None:
    """With b: a once, c twice. Popularity a 1, b 2, c 3, d 1, divided by 4."""
    model = LastItemNeighbours.fit(sequences(TRAIN))
    assert model.score([["d", "b"]], ["a", "b", "c", "d", "zz"]).tolist() == [[1.25, 0.5, 2.75, 0.25, 0.0]]


@pytest.mark.parametrize("history", [[], ["zz"], ["b", "zz"]])
def test_neighbours_fall_back_to_popularity(history: list[str]) -> None:
    model = LastItemNeighbours.fit(sequences(TRAIN))
    assert model.score([history], ["c", "b", "a"]).tolist() == [[0.75, 0.5, 0.25]]


def test_popularity_never_outweighs_a_common_dialogue() -> None:
    rows = [["a", "b"], *[["c"]] * 50]
    scores = LastItemNeighbours.fit(sequences(rows)).score([["a"]], ["b", "c"])[0]
    assert scores[0] > 1 > scores[1]


def test_scores_are_finite_and_one_row_per_history() -> None:
    for model in (Popularity.fit(sequences(TRAIN)), LastItemNeighbours.fit(sequences(TRAIN))):
        scores = model.score([[], ["a"], ["zz"]], ["a", "zz"])
        assert scores.shape == (3, 2) and np.isfinite(scores).all()
        assert model.score([], ["a"]).shape == (0, 1)
        assert model.score([["a"]], []).shape == (1, 0)


def test_item_neighbours_are_probabilities_over_the_whole_history() -> None:
    """With b: a once, c twice; with d: c once. What recommenders named: a 1, b 2, c 3, d 1, of 7 and five unseen shares."""
    model, films = ItemNeighbours.fit(sequences(TRAIN)), ["a", "b", "c", "d", "zz"]
    shares = np.array([1, 2, 3, 1, 0]) + UNSEEN_COUNT
    prior = PRIOR_WEIGHT * shares / shares.sum()
    found = np.exp(model.score([["b", "d"], ["nowhere"]], ["inspired"] * 2, films))
    np.testing.assert_allclose(found[0], (np.array([1, 0, 3, 0, 0]) + prior) / (4 + PRIOR_WEIGHT))
    np.testing.assert_allclose(found[1], prior / PRIOR_WEIGHT)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_a_conversation_of_no_data_set_has_the_prior_of_all_of_them() -> None:
    rows = pa.concat_tables(
        [sequences(TRAIN), sequences([["d", "d2"]]).set_column(1, "dataset", pa.array(["redial"])).cast(arrow_schema(SET_SEQUENCES))]
    )
    model = ItemNeighbours.fit(rows)
    inspired, anywhere = np.exp(model.prior(["inspired", "somebody's own"], ["a", "d"]))
    assert anywhere[1] / anywhere[0] == pytest.approx((2 + UNSEEN_COUNT) / (1 + UNSEEN_COUNT)) and inspired[0] == inspired[1]


def test_ease_predicts_each_movie_from_the_others_best_in_least_squares() -> None:
    """Every column solved on its own: ridge regression of a movie on the others, without itself."""
    generator = np.random.default_rng(0)
    films = [f"m{number}" for number in range(6)]
    rows = [[film for film in films if generator.random() < 0.5] for _ in range(40)]
    model = Ease.fit(sequences(rows), regularisation=3.0)
    named = np.array([[float(film in row) for film in films] for row in rows])
    for place in range(6):
        others = np.delete(named, place, axis=1)
        expected = np.linalg.solve(others.T @ others + 3.0 * np.eye(5), others.T @ named[:, place])
        np.testing.assert_allclose(np.delete(model.weights[:, place], place), expected, atol=1e-6)
        assert model.weights[place, place] == 0.0
    sums = model.score([["m1", "m4", "nowhere", "m4"], []], [*films, "new"])
    np.testing.assert_allclose(sums[0, :6], model.weights[1] + model.weights[4], rtol=1e-6)
    assert (sums[1, :6] == 0).all() and np.isneginf(sums[:, 6]).all()


def test_ease_solves_for_movies_named_often_enough() -> None:
    assert list(Ease.fit(sequences(TRAIN)).columns) == ["b", "c"]
    assert list(Ease.fit(sequences(TRAIN), at_least=1).columns) == ["a", "b", "c", "d"]


def test_only_train_rows_are_counted() -> None:
    both = pa.concat_tables([sequences(TRAIN), sequences([["a", "zz"]], "valid")])
    assert Popularity.fit(both) == Popularity.fit(sequences(TRAIN))
    np.testing.assert_array_equal(Ease.fit(both).weights, Ease.fit(sequences(TRAIN)).weights)


@pytest.mark.parametrize("baseline", [Popularity, LastItemNeighbours, Ease])
def test_test_rows_are_refused(baseline: type[Popularity] | type[LastItemNeighbours] | type[Ease]) -> None:
    with pytest.raises(DataError, match="split 'test'"):
        baseline.fit(pa.concat_tables([sequences(TRAIN), sequences([["a"]], "test")]))


@pytest.mark.parametrize("rows", [[], [[]]])
def test_no_training_movie_is_refused(rows: list[list[str]]) -> None:
    with pytest.raises(DataError, match="no movie in split 'train'"):
        LastItemNeighbours.fit(sequences(rows))


def test_names_are_those_of_the_report() -> None:
    assert NAMES == ("popularity", "last_item_neighbours", "item_neighbours", "ease")
