"""How much a retrieved list tells of the label, read by a logistic regression: a measuring instrument for retrieval, not a recommender.

A list of one kind of embedding, K, gamma or beta is judged by what can be read off it. Training takes seconds, so every setting is
judged on all rows, where tuning a language model once per setting would allow a few thousand.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modeling.click_network.data import ClickRows

SMOOTHING = 2.0  # entries that a prior share counts for
Features = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ItemPriors:
    """Log-odds of being liked by item row, from training rows alone: [items + 1]; the overall log-odds for an item without any."""

    log_odds: npt.NDArray[np.float64]

    @classmethod
    def of(cls, rows: ClickRows, smoothing: float = 10.0) -> "ItemPriors":
        """From training rows, each item's share drawn towards the overall one by `smoothing` rows."""
        size = len(rows.genres)
        count, liked = np.bincount(rows.items, minlength=size), np.bincount(rows.items, weights=rows.liked, minlength=size)
        overall = float(rows.liked.mean())
        share = (liked + smoothing * overall) / (count + smoothing)
        return cls(np.log(share / (1 - share)))


def readout_features(rows: ClickRows, priors: ItemPriors) -> Features:
    """[n, 5]: log-odds of the item, of the user so far, of the retrieved list, and of it weighted by similarity and by place."""
    there = rows.retrieved > 0
    liked = rows.retrieved_liked.astype(np.float64)
    count, likes = rows.counts.astype(np.float64).T
    user = _log_odds(likes, count, 0.5)
    prior = 1 / (1 + np.exp(-user))
    similarity = np.where(there, np.maximum(rows.retrieved_similarity, 0.0), 0.0).astype(np.float64)
    place = np.where(there, 1.0 / (1.0 + np.arange(there.shape[1])), 0.0)
    lists = [_log_odds((weights * liked).sum(1), weights.sum(1), prior) for weights in (there.astype(np.float64), similarity, place)]
    return np.column_stack([priors.log_odds[rows.items], user, *lists])


def _log_odds(liked: Features, count: Features, prior: Features | float) -> Features:
    """Of a share drawn towards `prior` by `SMOOTHING` entries."""
    share = (liked + SMOOTHING * np.clip(prior, 0.02, 0.98)) / (count + SMOOTHING)
    found: Features = np.log(share / (1 - share))
    return found


def readout(train: Features, liked: npt.NDArray[np.bool_], asked: Features) -> npt.NDArray[np.float64]:
    """P(liked) [n] of the asked rows by a logistic regression over standardised features of the training rows."""
    from sklearn.linear_model import LogisticRegression

    mean, deviation = train.mean(axis=0), np.maximum(train.std(axis=0), 1e-9)
    model = LogisticRegression(C=1.0, max_iter=200).fit((train - mean) / deviation, liked)
    found: npt.NDArray[np.float64] = model.predict_proba((asked - mean) / deviation)[:, 1]
    return found


def fitted(probabilities: Features, liked: npt.NDArray[np.bool_]) -> list[float]:
    """Weights of the log-odds of each column [n, m] of probabilities, and an intercept, of least LogLoss on these rows."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1.0, max_iter=200).fit(_logits(probabilities), liked)
    return [float(weight) for weight in (*model.coef_[0], model.intercept_[0])]


def combined(probabilities: Features, weights: list[float]) -> npt.NDArray[np.float64]:
    """P(liked) [n] from the columns of probabilities [n, m] by weights that `fitted` found."""
    found: npt.NDArray[np.float64] = 1 / (1 + np.exp(-(_logits(probabilities) @ np.array(weights[:-1]) + weights[-1])))
    return found


def _logits(probabilities: Features) -> Features:
    kept = np.clip(probabilities, 1e-6, 1 - 1e-6)
    found: Features = np.log(kept / (1 - kept))
    return found
