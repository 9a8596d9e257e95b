"""The network: scan equals stepping, padding does not matter, initial values, dropout, learning."""

import numpy as np
import pytest
import torch

from modeling.lrurec.config import LRURecConfig
from modeling.lrurec.data import PADDING, encode_histories, pack_histories, pack_training
from modeling.lrurec.network import Dropout, LRURecNetwork, RecurrentBlock
from modeling.lrurec.train import optimizer_for, training_step
from modeling.seeding import numpy_generator, torch_generator

ITEMS = 20
SMALL = {"embedding_size": 8, "state_size": 12, "max_length": 16}


def network(*, features: int = 0, **settings: object) -> LRURecNetwork:
    config = LRURecConfig.from_mapping({**SMALL, "mode": "text" if features else "id", **settings})
    return LRURecNetwork(config, item_count=ITEMS, feature_size=features, generator=torch_generator(0, "weights"))


def hidden_of(model: LRURecNetwork, histories: list[list[int]]) -> torch.Tensor:
    batch = pack_histories(encode_histories(histories), max_length=model.config.max_length)
    return model.hidden(batch, model.item_vectors())[torch.from_numpy(batch.last_rows)]


@pytest.mark.parametrize("algorithm", ["sequential", "halving"])
def test_scan_equals_stepping(algorithm: str) -> None:
    model, history = network(scan=algorithm), [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5]
    state = model.initial_state(1)
    for length, item in enumerate(history, 1):
        stepped, state = model.step(state, torch.tensor([item]), model.item_vectors())
        torch.testing.assert_close(stepped, hidden_of(model, [history[:length]]), rtol=1e-5, atol=1e-5)


def test_algorithms_give_the_same_loss_and_gradients() -> None:
    batch = pack_training(encode_histories([[1, 2, 3, 4, 5], [6, 7], [8], list(range(1, 20))]), np.arange(4), max_length=16)
    found = []
    for algorithm in ("sequential", "halving"):
        model = network(scan=algorithm)
        loss = model.loss(batch, None, generator=numpy_generator(0, "masks"))
        found.append((loss, torch.autograd.grad(loss, list(model.parameters()))))
    torch.testing.assert_close(found[0][0], found[1][0])
    for ours, theirs in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-7)


def test_a_sequence_does_not_see_its_batch() -> None:
    model = network()
    alone = torch.cat([hidden_of(model, [history]) for history in ([1, 2, 3], [4], [])])
    torch.testing.assert_close(hidden_of(model, [[1, 2, 3], [4], []]), alone, rtol=1e-5, atol=1e-6)


def test_empty_history_is_finite_and_equal_to_reading_the_padding() -> None:
    model = network()
    stepped, state = model.step(model.initial_state(1), torch.tensor([PADDING]), model.item_vectors())
    torch.testing.assert_close(hidden_of(model, [[]]), stepped)
    assert torch.isfinite(stepped).all()
    assert (state == 0).all()


def test_ring_initialisation() -> None:
    block = network(state_size=4096).blocks[0]
    assert isinstance(block, RecurrentBlock)
    decay = block.decay()
    radius = decay.abs()
    assert 0.8 - 1e-4 <= radius.min() < 0.802 and 0.989 < radius.max() <= 0.99 + 1e-4
    # uniform in area: half of the eigenvalues lie outside the circle that halves the ring, and half in each half plane
    assert abs((radius**2 > (0.8**2 + 0.99**2) / 2).float().mean() - 0.5) < 0.03
    assert abs((decay.imag > 0).float().mean() - 0.5) < 0.03
    torch.testing.assert_close(torch.exp(block.gamma_log), torch.sqrt(1 - radius**2), rtol=1e-3, atol=1e-3)


def test_everything_else_is_truncated_normal() -> None:
    model = network(embedding_size=64, state_size=128)
    drawn = {name: p for name, p in model.named_parameters() if not name.endswith("_log") and "layer_norm" not in name}
    assert all(p.abs().max() <= 0.04 for p in drawn.values())
    weights = torch.cat([p.flatten() for p in drawn.values()])
    assert abs(weights.mean()) < 1e-3
    assert weights.std().item() == pytest.approx(0.02 * 0.8796, rel=0.02)  # std of a normal cut at two sigma


def test_weight_decay_spares_biases_norms_and_the_recurrence() -> None:
    for decayed, extra in ((False, 0), (True, 6)):  # three lambda parameters per block
        model = network(decay_recurrence=decayed)
        groups = optimizer_for(model).param_groups
        assert [(group["weight_decay"], group["lr"], group["eps"]) for group in groups] == [(0.01, 1e-3, 1e-9), (0.0, 1e-3, 1e-9)]
        assert len(groups[0]["params"]) == 2 + 4 * 2 + extra  # item rows, padding; four matrices a block


def test_dropout_keeps_the_mean_and_the_rate() -> None:
    rows = torch.ones(1000, 101, requires_grad=True)
    dropped = Dropout(0.3, numpy_generator(0, "masks"))(rows)
    assert (dropped == 0).float().mean().item() == pytest.approx(0.3, abs=0.005)
    assert dropped.mean().item() == pytest.approx(1, abs=0.01)
    (gradient,) = torch.autograd.grad(dropped.sum(), rows)
    torch.testing.assert_close(gradient, dropped.detach())
    assert Dropout(0.3, None)(rows) is rows


@pytest.mark.parametrize("features", [0, 6])
def test_loss_falls_in_twenty_steps(features: int) -> None:
    model = network(features=features, learning_rate=1e-2)
    texts = torch.randn(ITEMS, features, generator=torch_generator(0, "texts")) if features else None
    optimizer = optimizer_for(model)
    cycle = [[1 + (start + step) % ITEMS for step in range(6)] for start in range(ITEMS)]
    batch = pack_training(encode_histories(cycle), np.arange(ITEMS), max_length=16)
    losses = [training_step(model, optimizer, batch, texts, generator=numpy_generator(0, f"step {step}")) for step in range(20)]
    assert losses[0] == pytest.approx(np.log(ITEMS), abs=0.1)
    assert losses[-1] < losses[0] - 0.2


def test_a_step_clips_the_norm_of_all_gradients_together() -> None:
    model = network(gradient_clip=1e-3)
    batch = pack_training(encode_histories([[1, 2, 3]]), np.arange(1), max_length=16)
    training_step(model, optimizer_for(model), batch, None, generator=numpy_generator(0, "masks"))
    gradients = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
    assert torch.linalg.vector_norm(gradients).item() == pytest.approx(1e-3, rel=1e-3)


def test_text_mode_needs_features() -> None:
    with pytest.raises(ValueError, match="text embeddings"):
        network(features=4).item_vectors(None)
