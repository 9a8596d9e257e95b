"""LightGCN's loop: triples, recall, selection, refusal, and a killed run that ends with the same bytes."""

import json
from pathlib import Path

import numpy as np
import pytest

from modeling.artifacts import sha256
from modeling.errors import ArtifactError, DataError
from modeling.joint_representation.config import LightGCNConfig
from modeling.joint_representation.graph import Edges, edges_of, is_edge
from modeling.joint_representation.infer import load_lightgcn
from modeling.joint_representation.network import LightGCN
from modeling.joint_representation.train import Progress, epoch_triples, recall_at, train_lightgcn
from modeling.seeding import torch_generator

SIZE = {"user_count": 40, "item_count": 30}
CONFIG = LightGCNConfig(dimensions=8, layers=2, learning_rate=0.02, batch_size=64, max_epochs=6, patience_epochs=0)


def two_camps() -> tuple[Edges, Edges]:
    """Even users take even items, odd users odd ones; a fifth of the pairs is validation."""
    users, items = (part.ravel() for part in np.mgrid[0:40, 0:30])
    allowed = (users % 2) == (items % 2)
    users, items = users[allowed], items[allowed]
    late = np.random.default_rng(0).random(len(users)) < 0.2
    return edges_of(users[~late], items[~late], **SIZE), edges_of(users[late], items[late], **SIZE)


def test_it_learns_the_camps_and_keeps_its_best_epoch(tmp_path: Path) -> None:
    edges, validation = two_camps()
    manifest = train_lightgcn(edges, CONFIG, tmp_path, validation=validation, parents={"rows": "abc"})
    log = json.loads((tmp_path / "epochs.json").read_text())
    assert [entry["epoch"] for entry in log] == [1, 2, 3, 4, 5, 6] and log[-1]["loss"] < 0.8 * log[0]["loss"]
    recalls = [entry["recall@20"] for entry in log]
    assert manifest.metrics["best_epoch"] == 1 + int(np.argmax(recalls)) and manifest.metrics["valid_recall@20"] == max(recalls)
    assert manifest.parents == {"rows": "abc"} and not list(tmp_path.glob("checkpoint*"))
    users, items = load_lightgcn(tmp_path)
    scores = users @ items.T
    assert scores[::2, ::2].mean() > scores[::2, 1::2].max()


def test_a_killed_run_ends_with_the_same_bytes(tmp_path: Path) -> None:
    edges, validation = two_camps()
    whole = train_lightgcn(edges, CONFIG, tmp_path / "whole", validation=validation)

    def kill(progress: Progress) -> None:
        if progress.epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_lightgcn(edges, CONFIG, tmp_path / "killed", validation=validation, progress=kill)
    heard: list[int] = []
    resumed = train_lightgcn(
        edges, CONFIG, tmp_path / "killed", validation=validation, progress=lambda told: heard.append(told.epoch)
    )  # fmt: skip
    assert heard == [4, 5, 6] and resumed.files == whole.files and resumed.fingerprint == whole.fingerprint
    assert sha256(tmp_path / "killed" / "weights.safetensors") == sha256(tmp_path / "whole" / "weights.safetensors")


def test_another_run_does_not_resume(tmp_path: Path) -> None:
    edges, validation = two_camps()

    def kill(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_lightgcn(edges, CONFIG, tmp_path, validation=validation, progress=kill)
    with pytest.raises(ArtifactError, match="other rows"):
        train_lightgcn(edges, CONFIG, tmp_path)


def test_a_finished_folder_is_refused(tmp_path: Path) -> None:
    edges, _ = two_camps()
    config = LightGCNConfig(dimensions=2, max_epochs=1)
    assert train_lightgcn(edges, config, tmp_path).metrics["best_epoch"] == 1
    with pytest.raises(ArtifactError, match="finished model"):
        train_lightgcn(edges, config, tmp_path)


def test_early_stop(tmp_path: Path) -> None:
    edges, validation = two_camps()
    config = LightGCNConfig(dimensions=8, learning_rate=1e-9, max_epochs=50, patience_epochs=3)  # nothing ever changes
    assert train_lightgcn(edges, config, tmp_path, validation=validation).metrics["epochs"] == 4


def test_both_propagations_train_to_the_same_vectors(tmp_path: Path) -> None:
    edges, _ = two_camps()
    for name in ("csr", "edge_list"):
        train_lightgcn(edges, LightGCNConfig(**{**CONFIG.to_mapping(), "propagation": name}), tmp_path / name)
    found = [load_lightgcn(tmp_path / name) for name in ("csr", "edge_list")]
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


def test_every_edge_once_an_epoch_and_negatives_are_no_edges() -> None:
    edges, _ = two_camps()
    config = LightGCNConfig(batch_size=50, negatives_per_positive=3)
    batches = list(epoch_triples(edges, np.arange(len(edges.users)), config, 0))
    users, items, negatives = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    keys, counts = np.unique(users * 30 + items, return_counts=True)
    assert keys.tolist() == edges.keys.tolist() and (counts == 3).all()
    assert not is_edge(edges, users, negatives).any() and max(len(batch[0]) for batch in batches) == 50
    again = next(iter(epoch_triples(edges, np.arange(len(edges.users)), config, 1)))
    assert again[0].tolist() != batches[0][0].tolist()


def test_recall_against_a_loop() -> None:
    edges, validation = two_camps()
    network = LightGCN(CONFIG, edges, generator=torch_generator(1, "weights"))
    users, items = (part.detach().numpy() for part in network.propagated())
    recalls = []
    for user in range(40):
        known, wanted = edges.items[edges.users == user], set(validation.items[validation.users == user].tolist())
        scores = items @ users[user]
        scores[known] = -np.inf
        if wanted:
            recalls.append(len(wanted & set(np.argsort(-scores)[:5].tolist())) / len(wanted))
    assert recall_at(network, edges, validation, cutoff=5) == pytest.approx(np.mean(recalls))


def test_users_without_training_edges_are_not_ranked(tmp_path: Path) -> None:
    edges = edges_of(np.array([0, 1]), np.array([0, 1]), user_count=3, item_count=3)
    config = LightGCNConfig(dimensions=2, max_epochs=1)
    stranger = edges_of(np.array([2]), np.array([1]), user_count=3, item_count=3)
    with pytest.raises(DataError, match="no user of the validation"):
        train_lightgcn(edges, config, tmp_path, validation=stranger)
    with pytest.raises(DataError, match="index both alike"):
        train_lightgcn(edges, config, tmp_path, validation=edges_of(np.array([0]), np.array([1]), user_count=1, item_count=3))


def test_a_user_of_everything_has_no_negative(tmp_path: Path) -> None:
    everything = edges_of(np.array([0, 0]), np.array([0, 1]), user_count=2, item_count=2)
    with pytest.raises(DataError, match="no negatives"):
        train_lightgcn(everything, LightGCNConfig(dimensions=2), tmp_path)
    more = edges_of(np.array([0, 0, 1]), np.array([0, 1, 1]), user_count=2, item_count=2)
    assert train_lightgcn(more, LightGCNConfig(dimensions=2, max_epochs=1), tmp_path).metrics["epochs"] == 1
