"""The readout's features written out, its regression against scipy's minimiser, and the fusion of two models."""

import dataclasses
import math

import numpy as np
import pytest

from modeling.click_network.data import ClickRows
from modeling.click_network.readout import ItemPriors, combined, fitted, readout, readout_features
from tests.unit.modeling.click_network.worlds import rows_of

FLAT = ItemPriors(np.zeros(4))


def row(**over: list[object]) -> ClickRows:
    """A row about item 2 after a history of five with three likes, of which items 1 and 3 were retrieved."""
    lists = {"retrieved": [1, 3, 0], "retrieved_liked": [1, 0, 0], "retrieved_similarity": [0.8, 0.2, 0.0], "retrieved_age": [1, 4, 1]}
    arrays = {name: np.array([{**lists, **over}[name]]) for name in lists}
    none = np.zeros((1, 0), np.int32)
    return ClickRows(
        users=np.zeros(1, np.int32), profile=none, items=np.array([2], np.int32), liked=np.array([True]), recent=none,
        recent_liked=none.astype(np.int8), counts=np.array([[5, 3]], np.float32), genres=np.zeros((4, 1), np.int32),
        **arrays,
    )  # fmt: skip


def log_odds(liked: float, count: float, prior: float) -> float:
    share = (liked + 2 * prior) / (count + 2)
    return math.log(share / (1 - share))


def test_features_written_out() -> None:
    (found,) = readout_features(row(), ItemPriors(np.array([0.0, 0.1, 0.7, 0.3])))
    share = (3 + 2 * 0.5) / (5 + 2)
    expected = [0.7, log_odds(3, 5, 0.5), log_odds(1, 2, share), log_odds(0.8, 1.0, share), log_odds(1, 1.5, share)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_neither_padding_nor_the_label_is_read() -> None:
    spoilt = row(retrieved_liked=[1, 0, 1], retrieved_similarity=[0.8, 0.2, 9.0])
    ours = readout_features(row(), FLAT)
    np.testing.assert_array_equal(readout_features(spoilt, FLAT), ours)
    np.testing.assert_array_equal(readout_features(dataclasses.replace(row(), liked=np.array([False])), FLAT), ours)


def test_an_entry_that_is_unlike_the_target_weighs_nothing() -> None:
    below = readout_features(row(retrieved_similarity=[0.8, -0.9, 0.0]), FLAT)
    np.testing.assert_allclose(below[0, 3], log_odds(0.8, 0.8, 4 / 7), rtol=1e-6)


def test_an_empty_list_and_history_say_what_the_prior_says() -> None:
    nothing = dataclasses.replace(row(retrieved=[0, 0, 0]), counts=np.zeros((1, 2), np.float32))
    np.testing.assert_allclose(readout_features(nothing, FLAT), 0, atol=1e-12)


def test_item_priors_draw_towards_the_overall_share() -> None:
    rows = rows_of(count=400, seed=1, by_similarity=False)
    priors = ItemPriors.of(rows, smoothing=4)
    overall = rows.liked.mean()
    for item in (1, 50, int(rows.items[0])):
        own = rows.liked[rows.items == item]
        share = (own.sum() + 4 * overall) / (len(own) + 4)
        assert priors.log_odds[item] == pytest.approx(math.log(share / (1 - share)))
    unseen = [item for item in range(len(rows.genres)) if item not in rows.items]
    np.testing.assert_allclose(priors.log_odds[unseen], math.log(overall / (1 - overall)))


@pytest.mark.parametrize("by_similarity", [True, False])
def test_what_decides_is_read_off(by_similarity: bool) -> None:
    """Where similarity decides, the list weighted by it tells; where the film's worth does, the item's prior."""
    train, test = (rows_of(count=1500, seed=seed, by_similarity=by_similarity) for seed in (0, 1))
    priors = ItemPriors.of(train)
    learned, asked = readout_features(train, priors), readout_features(test, priors)
    whole = readout(learned, train.liked, asked)
    telling = 3 if by_similarity else 0
    others = [column for column in range(5) if column != telling]
    rest = readout(learned[:, others], train.liked, asked[:, others])
    assert loss(whole, test.liked) < loss(rest, test.liked) - 0.01
    assert loss(whole, test.liked) < loss(np.full(len(test), train.liked.mean()), test.liked) - 0.05


def loss(probability: np.ndarray, liked: np.ndarray) -> float:
    return float(-np.log(np.where(liked, probability, 1 - probability)).mean())


def least(inputs: np.ndarray, liked: np.ndarray) -> np.ndarray:
    """Weights and intercept of least summed LogLoss + |weights|^2 / 2."""
    from scipy.optimize import minimize

    def value(weights: np.ndarray) -> float:
        scores = inputs @ weights[:-1] + weights[-1]
        return float(np.logaddexp(0, np.where(liked, -scores, scores)).sum() + weights[:-1] @ weights[:-1] / 2)

    found: np.ndarray = minimize(value, np.zeros(inputs.shape[1] + 1), tol=1e-10).x
    return found


def test_the_readout_is_the_regression_of_least_loss() -> None:
    generator = np.random.default_rng(5)
    train, asked = generator.normal(2, 3, (200, 3)), generator.normal(2, 3, (20, 3))
    liked = generator.random(200) < 1 / (1 + np.exp(-(train[:, 0] - train[:, 1])))
    mean, deviation = train.mean(0), train.std(0)
    weights = least((train - mean) / deviation, liked)
    expected = 1 / (1 + np.exp(-((asked - mean) / deviation @ weights[:-1] + weights[-1])))
    np.testing.assert_allclose(readout(train, liked, asked), expected, atol=1e-3)
    np.testing.assert_allclose(readout(train * 10 - 4, liked, asked * 10 - 4), expected, atol=1e-3)  # the scale does not matter


def test_a_constant_feature_does_no_harm() -> None:
    generator = np.random.default_rng(6)
    train = generator.normal(size=(50, 2))
    liked = train[:, 0] > 0
    flat = np.column_stack([train, np.full(50, 3.0)])
    np.testing.assert_allclose(readout(flat, liked, flat), readout(train, liked, train), atol=1e-6)


def test_the_fusion_is_of_least_loss_on_its_rows() -> None:
    generator = np.random.default_rng(7)
    logits = generator.normal(size=(300, 2)) * 2
    liked = generator.random(300) < 1 / (1 + np.exp(-(logits @ [0.8, 0.3] - 0.5)))
    probabilities = 1 / (1 + np.exp(-logits))
    weights = fitted(probabilities, liked)
    np.testing.assert_allclose(weights, least(logits, liked), atol=1e-3)
    fused = combined(probabilities, weights)
    assert loss(fused, liked) < min(loss(probabilities[:, column], liked) for column in (0, 1))


def test_weights_of_one_model_alone_give_it_back() -> None:
    probabilities = np.array([[0.2, 0.9], [0.7, 0.1]])
    np.testing.assert_allclose(combined(probabilities, [1.0, 0.0, 0.0]), [0.2, 0.7])
    np.testing.assert_allclose(combined(probabilities, [0.0, 0.0, math.log(3)]), 0.75)


def test_certain_answers_stay_finite() -> None:
    certain = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    weights = fitted(certain, np.array([True, False, True, False]))
    fused = combined(certain, weights)
    assert np.isfinite(weights).all() and ((fused > 0) & (fused < 1)).all() and fused[0] > fused[1]
