"""Each model learns; ours beats DeepFM where liking follows similar history; same seed, same bytes; the best evaluation is kept."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from modeling.artifacts import Manifest
from modeling.click_network.config import MODELS, ClickNetworkConfig
from modeling.click_network.data import ClickRows
from modeling.click_network.infer import LOG_NAME, WEIGHTS_NAME, load
from modeling.click_network.train import Evaluation, train
from modeling.errors import ArtifactError, DataError
from modeling.evaluation.click import click_metrics
from tests.unit.modeling.click_network.worlds import rows_of

SMALL = {"embedding_size": 8, "hidden_sizes": [16], "reading_size": 8, "batch_size": 128, "learning_rate": 0.01, "max_epochs": 4}


def trained(folder: Path, *, by_similarity: bool, **settings: object) -> tuple[Manifest, ClickRows]:
    config = ClickNetworkConfig.from_mapping(SMALL | settings)
    rows, validation, test = (rows_of(count=count, seed=seed, by_similarity=by_similarity) for seed, count in enumerate((1500, 300, 600)))
    return train(rows, validation, config, folder, parents={"rows": "abc"}), test


def auc(folder: Path, test: ClickRows) -> float:
    return click_metrics(test.liked, load(folder).predict(test))["auc"]


@pytest.mark.parametrize("model", MODELS)
def test_each_model_learns_which_films_are_good(model: str, tmp_path: Path) -> None:
    _, test = trained(tmp_path, by_similarity=False, model=model)
    assert auc(tmp_path, test) > 0.7


def test_ours_beats_deepfm_where_similar_history_decides(tmp_path: Path) -> None:
    """Noise of a tenth on both sides leaves the best possible AUC near 0.9; 1,500 rows of 120 films say little of a single film."""
    _, test = trained(tmp_path / "ours", by_similarity=True)
    trained(tmp_path / "deepfm", by_similarity=True, model="deepfm")
    ours, deepfm = auc(tmp_path / "ours", test), auc(tmp_path / "deepfm", test)
    assert ours > 0.8 and ours > deepfm + 0.1


@pytest.mark.parametrize("model", ["retrieval", "xdeepfm"])
def test_same_seed_same_bytes(model: str, tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    found = []
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        manifest, _ = trained(tmp_path / name, by_similarity=True, model=model, max_epochs=1, seed=seed)
        found.append((manifest.files[WEIGHTS_NAME], manifest.files[LOG_NAME]))
    assert found[0] == found[1] and found[0][0] != found[2][0]
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_best_evaluation_is_kept_and_patience_ends_the_run(tmp_path: Path) -> None:
    """Far too large steps: the loss soon rises, and what is kept has the lowest of the log."""
    rows, validation = (rows_of(count=count, seed=count, by_similarity=False) for count in (600, 300))
    config = ClickNetworkConfig.from_mapping(SMALL | {"learning_rate": 0.3, "max_epochs": 50, "patience": 2, "evaluations_per_epoch": 2})
    told: list[Evaluation] = []
    manifest = train(rows, validation, config, tmp_path, progress=told.append)
    log = json.loads((tmp_path / LOG_NAME).read_text())
    losses = [look["log_loss"] for look in log]
    assert [dataclasses.asdict(look) for look in told] == log
    assert len(log) < 100 and int(np.argmin(losses)) == len(losses) - 3
    assert manifest.metrics["valid_log_loss"] == min(losses)
    kept = click_metrics(validation.liked, load(tmp_path).predict(validation))
    assert kept["log_loss"] == pytest.approx(min(losses), abs=1e-6)
    assert [look["epoch"] for look in log[:3]] == pytest.approx([0.4, 1.0, 1.4])  # 5 batches: 2, then 3


def test_manifest_names_what_went_in(tmp_path: Path) -> None:
    manifest, _ = trained(tmp_path, by_similarity=True, max_epochs=1, model="dcn")
    assert (manifest.model, manifest.parents, manifest.config["model"]) == ("click_network", {"rows": "abc"}, "dcn")


def test_predictions_do_not_depend_on_their_company(tmp_path: Path) -> None:
    _, test = trained(tmp_path, by_similarity=True, max_epochs=1)
    model = load(tmp_path)
    found = model.predict(test)
    assert (found.dtype, found.shape) == (np.float64, (600,))
    chosen = np.array([5, 99, 3])
    np.testing.assert_allclose(model.predict(test.take(chosen)), found[chosen], atol=1e-6)
    assert model.predict(test.take(chosen[:0])).shape == (0,)


def test_validation_of_one_class_is_refused(tmp_path: Path) -> None:
    rows = rows_of(count=50, seed=0, by_similarity=False)
    with pytest.raises(DataError, match="50 for validation of which 50 liked; expected at least 2, and both answers"):
        train(rows, dataclasses.replace(rows, liked=np.ones(50, bool)), ClickNetworkConfig(), tmp_path)


def test_other_films_are_refused(tmp_path: Path) -> None:
    _, test = trained(tmp_path, by_similarity=True, max_epochs=1)
    vectors = None if test.vectors is None else np.vstack([test.vectors, test.vectors[:1]])
    more = dataclasses.replace(test, genres=np.vstack([test.genres, test.genres[:1]]), vectors=vectors)
    with pytest.raises(DataError, match=r"number of films \+ 1 is 122, expected 121"):
        load(tmp_path).predict(more)


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    trained(tmp_path, by_similarity=True, max_epochs=1)
    (tmp_path / WEIGHTS_NAME).write_bytes(b"")
    with pytest.raises(ArtifactError, match=WEIGHTS_NAME):
        load(tmp_path)
