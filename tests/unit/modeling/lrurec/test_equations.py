"""The network against its equations written out one by one for a single sequence, with a plain loop over positions."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from modeling.lrurec.config import LRURecConfig
from modeling.lrurec.data import PADDING, encode_histories, pack_histories, pack_training
from modeling.lrurec.network import Dropout, ItemTable, LRURecNetwork, RecurrentBlock
from modeling.seeding import numpy_generator, torch_generator

ITEMS, FEATURES = 9, 5
HISTORY = [3, 1, 4, 1, 5]


def network(*, mode: str = "id", dropout: float = 0.0) -> LRURecNetwork:
    """Small, in float64, and with LayerNorms and biases that are not their first values, so that each of them matters."""
    config = LRURecConfig(mode=mode, embedding_size=6, state_size=7, max_length=8, dropout=dropout)
    generator = torch_generator(0, "weights")
    model = LRURecNetwork(config, item_count=ITEMS, feature_size=FEATURES, generator=generator).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, dtype=torch.float64, generator=generator) / 10)
    return model


def features_of(model: LRURecNetwork) -> torch.Tensor | None:
    return torch.randn(ITEMS, FEATURES, dtype=torch.float64, generator=torch_generator(0, "texts")) if model.config.mode == "text" else None


def items_by_hand(model: LRURecNetwork) -> tuple[torch.Tensor, torch.Tensor]:
    """(E, b): the learned table and its biases, or the projected texts and none."""
    if isinstance(model.items, ItemTable):
        return model.items.rows, model.items.item_bias
    texts = features_of(model)
    assert texts is not None
    return texts @ model.items.weight.T + model.items.projector_bias, torch.zeros(ITEMS, dtype=torch.float64)


def norm(x: torch.Tensor, layer: torch.nn.LayerNorm) -> torch.Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred / torch.sqrt((centred**2).mean(-1, keepdim=True) + 1e-5) * layer.weight + layer.bias


def block_by_hand(block: RecurrentBlock, x: torch.Tensor, drop: Dropout) -> torch.Tensor:
    """x (n, D) to z (n, D): h_k, y_k and z_k as the paper numbers them."""
    decay = torch.exp(torch.complex(-torch.exp(block.nu_log), torch.exp(block.theta_log)))
    into = torch.complex(block.in_weight[:, 0], block.in_weight[:, 1])
    into_bias = torch.complex(block.in_bias[:, 0], block.in_bias[:, 1])
    out = torch.complex(block.out_weight[..., 0], -block.out_weight[..., 1])
    h, states = torch.zeros_like(into_bias), []
    for x_k in x:
        h = decay * h + torch.exp(block.gamma_log) * (into @ x_k.to(into.dtype) + into_bias)
        states.append(h)
    mixed = torch.stack([(out @ h).real for h in states]) + block.out_bias
    y = norm(drop(mixed) + x, block.layer_norm)
    inner = drop(F.gelu(y @ block.up_weight.T + block.up_bias))
    return norm(drop(inner @ block.down_weight.T + block.down_bias) + y, block.feed_forward_layer_norm)


def by_hand(model: LRURecNetwork, items: list[int], drop: Dropout) -> torch.Tensor:
    """z (n, D) of one sequence of item indices."""
    table = torch.cat([model.items.padding, items_by_hand(model)[0]])
    x = norm(drop(table[items]), model.layer_norm)
    for block in model.blocks:
        assert isinstance(block, RecurrentBlock)
        x = block_by_hand(block, x, drop)
    return x


@pytest.mark.parametrize("mode", ["id", "text"])
@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_hidden_states_follow_the_equations(mode: str, rate: float) -> None:
    model = network(mode=mode, dropout=rate)
    batch = pack_histories(encode_histories([HISTORY]), max_length=8)
    found = model.hidden(batch, model.item_vectors(features_of(model)), generator=numpy_generator(0, "masks"))
    torch.testing.assert_close(found, by_hand(model, HISTORY, Dropout(rate, numpy_generator(0, "masks"))), rtol=1e-10, atol=1e-12)


def test_the_empty_history_reads_the_padding_alone() -> None:
    model = network()
    batch = pack_histories(encode_histories([[]]), max_length=8)
    torch.testing.assert_close(model.hidden(batch, model.item_vectors()), by_hand(model, [PADDING], Dropout(0.0, None)))


@pytest.mark.parametrize("mode", ["id", "text"])
def test_the_loss_is_the_cross_entropy_of_the_tied_scores(mode: str) -> None:
    """Scores E z + b, E without LayerNorm; the first item is predicted from the padding."""
    model, drop = network(mode=mode), Dropout(0.0, None)
    z = torch.cat([by_hand(model, [PADDING], drop), by_hand(model, HISTORY[:-1], drop)])
    vectors, bias = items_by_hand(model)
    loss = model.loss(pack_training(encode_histories([HISTORY]), np.arange(1), max_length=8), features_of(model), generator=None)
    torch.testing.assert_close(loss, F.cross_entropy(z @ vectors.T + bias, torch.tensor(HISTORY) - 1), rtol=1e-10, atol=1e-12)
