"""The reranker learns to read, the same way twice, and the retriever's weight is chosen by what validation says."""

from pathlib import Path

import numpy as np
import pytest

from modeling.errors import DataError
from modeling.reranker.data import RankedList
from modeling.reranker.infer import load, log_softmax
from modeling.reranker.train import chosen_weight, train
from tests.unit.modeling.reranker.conftest import DOCUMENTS, SMALL, lists_of


def test_it_learns_to_find_the_wanted_film_the_same_way_twice(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    lists, validation = lists_of(64, seed=1), lists_of(24, seed=2)
    first, again = (
        train(lists, validation, DOCUMENTS, SMALL, tmp_path / name, progress=lambda done, total, loss: told.append((done, total)))
        for name in ("a", "b")
    )
    assert first.files == again.files and told[-1] == (64, 64)
    assert first.metrics["valid_mrr_reranker_alone"] > 0.8 > first.metrics["valid_mrr_retrieval_alone"]
    model = load(tmp_path / "a")
    together = model.score_texts(validation, DOCUMENTS)
    alone = [model.score_texts([listed], DOCUMENTS)[0] for listed in validation]
    np.testing.assert_allclose(np.concatenate(together), np.concatenate(alone), atol=1e-4)
    assert model.score([], DOCUMENTS) == []


def listed(true: int, retrieval: list[float]) -> RankedList:
    return RankedList("a", "seeker: x", ["m", "n"], np.array(retrieval), true)


def test_the_weight_of_retrieval_is_what_ranks_best_and_the_smallest_of_equals() -> None:
    lists = [listed(0, [5.0, 0.0]), listed(1, [0.0, 5.0]), listed(-1, [9.0, 0.0])]
    useless = [np.array([0.0, 1.0]), np.array([1.0, 0.0]), np.zeros(2)]
    weight, metrics = chosen_weight(useless, lists, (0.0, 0.5, 1.0))
    assert weight == 0.5 and metrics["valid_mrr"] == 1.0 == metrics["valid_mrr_retrieval_alone"]
    assert metrics["valid_mrr_reranker_alone"] == 0.5
    perfect = [np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.zeros(2)]
    assert chosen_weight(perfect, lists, (1.0, 0.0))[0] == 0.0


def test_log_softmax_is_a_distribution() -> None:
    assert np.exp(log_softmax(np.array([1000.0, 1001.0]))).sum() == pytest.approx(1.0)


def test_nothing_to_learn_or_to_choose_by_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected training lists"):
        train([], lists_of(1, seed=1), DOCUMENTS, SMALL, tmp_path)
    with pytest.raises(DataError, match="holds its true film"):
        train(lists_of(1, seed=1), [listed(-1, [0.0, 0.0])], DOCUMENTS, SMALL, tmp_path)
