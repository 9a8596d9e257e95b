"""The contrastive loss against its equation written out, and what alignment learns and keeps."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from modeling.errors import ArtifactError, DataError
from modeling.joint_representation.align import align, recall_of_held_out, split_items
from modeling.joint_representation.config import AlignmentConfig
from modeling.joint_representation.infer import Mask, Matrix, load_aligned
from modeling.joint_representation.projector import Projector, contrastive_loss
from modeling.seeding import torch_generator

CONFIG = AlignmentConfig(hidden_size=32, temperature=0.1, learning_rate=5e-3, batch_size=64, max_epochs=40, patience_epochs=0)


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("temperature", [1.0, 0.2])
def test_loss_is_the_equation(temperature: float) -> None:
    projected, behaviour = draw(5, 3).numpy(), draw(5, 4)[:, :3].numpy()
    total = 0.0
    for i in range(5):

        def f(a: int, b: int) -> float:
            cosine = projected[a] @ behaviour[b] / np.linalg.norm(projected[a]) / np.linalg.norm(behaviour[b])
            return float(np.exp(cosine / temperature))

        total -= np.log(f(i, i) / sum(f(i, v) for v in range(5))) + np.log(f(i, i) / sum(f(v, i) for v in range(5)))
    found = contrastive_loss(torch.from_numpy(projected), torch.from_numpy(behaviour), temperature)
    assert found.item() == pytest.approx(total / 5, rel=1e-12)


def test_gradient_holds_to_finite_differences() -> None:
    assert torch.autograd.gradcheck(lambda a: contrastive_loss(a, draw(4, 3), 0.5), draw(4, 3).requires_grad_())


def items() -> tuple[Matrix, Matrix, Mask]:
    """Behaviour is a nonlinear function of text; the last ten items have none."""
    generator = np.random.default_rng(0)
    text = generator.standard_normal((210, 12)).astype(np.float32)
    behaviour = np.tanh(text @ generator.standard_normal((12, 6))).astype(np.float32)
    known = np.arange(210) < 200
    behaviour[~known] = 0
    return text, behaviour, known


def test_held_out_items_are_found_and_every_item_is_projected(tmp_path: Path) -> None:
    text, behaviour, known = items()
    manifest = align(text, behaviour, known, CONFIG, tmp_path)
    log = json.loads((tmp_path / "epochs.json").read_text())
    assert log[-1]["loss"] < log[0]["loss"] and manifest.metrics["held_out"] == 20
    assert manifest.metrics["held_out_recall@10"] == max(entry["recall@10"] for entry in log) > 0.5  # by chance 0.05
    assert manifest.metrics["best_epoch"] == 1 + int(np.argmax([entry["recall@10"] for entry in log]))
    projected = load_aligned(tmp_path)
    assert projected.shape == (210, 6) and (np.linalg.norm(projected[200:], axis=1) > 0).all()
    held_out = split_items(text, behaviour, known, CONFIG)[1]
    cosines = (projected / np.linalg.norm(projected, axis=1, keepdims=True))[held_out] @ (
        behaviour[:200] / np.linalg.norm(behaviour[:200], axis=1, keepdims=True)
    ).T
    hits = [int(item) in np.argsort(-row)[:10].tolist() for item, row in zip(held_out, cosines, strict=True)]
    assert np.mean(hits) == pytest.approx(manifest.metrics["held_out_recall@10"])


def test_the_same_seed_leaves_the_same_bytes_and_the_folder_is_then_taken(tmp_path: Path) -> None:
    text, behaviour, known = items()
    config = AlignmentConfig(hidden_size=4, max_epochs=2)
    first, second = (align(text, behaviour, known, config, tmp_path / name) for name in ("a", "b"))
    assert first.fingerprint == second.fingerprint
    with pytest.raises(ArtifactError, match="finished model"):
        align(text, behaviour, known, config, tmp_path / "a")


def test_held_out_and_cold_items_never_enter_the_loss(tmp_path: Path) -> None:
    text, behaviour, known = items()
    config = AlignmentConfig(hidden_size=4, max_epochs=1)
    training, held_out = split_items(text, behaviour, known, config)
    assert sorted([*training.tolist(), *held_out.tolist()]) == list(range(200))
    align(text, behaviour, known, config, tmp_path / "a")
    changed_text, changed_behaviour = text.copy(), behaviour.copy()
    changed_text[held_out], changed_behaviour[held_out], changed_text[200:] = 7, 3, 5
    align(changed_text, changed_behaviour, known, config, tmp_path / "b")
    assert (tmp_path / "a/weights.safetensors").read_bytes() == (tmp_path / "b/weights.safetensors").read_bytes()


def test_without_held_out_items_the_last_epoch_is_kept(tmp_path: Path) -> None:
    text, behaviour, known = items()
    manifest = align(text, behaviour, known, AlignmentConfig(hidden_size=4, max_epochs=3, held_out_share=0), tmp_path)
    assert manifest.metrics["best_epoch"] == 3 and "recall@10" not in json.loads((tmp_path / "epochs.json").read_text())[0]


def test_a_last_batch_of_one_is_left_out(tmp_path: Path) -> None:
    text, behaviour, known = items()
    manifest = align(text[:5], behaviour[:5], known[:5], AlignmentConfig(batch_size=2, held_out_share=0, max_epochs=1), tmp_path)
    assert np.isfinite(manifest.metrics["train_loss"])


@pytest.mark.parametrize(("rows", "known_count"), [(3, 2), (4, 1), (4, 0)])
def test_what_cannot_be_aligned(rows: int, known_count: int, tmp_path: Path) -> None:
    text, behaviour, _ = items()
    with pytest.raises(DataError, match="aligning text and behaviour"):
        align(text[:4], behaviour[:rows], np.arange(4) < known_count, AlignmentConfig(), tmp_path)


def test_recall_counts_better_ones_only() -> None:
    projector = Projector(2, 2, 2, generator=torch_generator(0, "weights"))
    behaviour = torch.ones(30, 2)  # every cosine is the same: nothing is better than one's own
    assert recall_of_held_out(projector, torch.ones(30, 2), behaviour, np.array([3]), np.arange(30)) == 1.0
