"""Propagation and BPR against dense matrices, values and gradients, for both implementations."""

import numpy as np
import pytest
import torch

from modeling.joint_representation.config import LightGCNConfig
from modeling.joint_representation.graph import Edges, edges_of
from modeling.joint_representation.network import LightGCN
from modeling.seeding import torch_generator

PROPAGATIONS = ["csr", "edge_list"]
LAYERS = [0, 1, 3]


def toy() -> Edges:
    """Seven users, of whom the last is isolated, and nine items."""
    generator = np.random.default_rng(3)
    return edges_of(generator.integers(6, size=25), generator.integers(9, size=25), user_count=7, item_count=9)


def network_of(propagation: str, layers: int, regularisation: float = 0.0) -> LightGCN:
    config = LightGCNConfig(dimensions=4, layers=layers, propagation=propagation, regularisation=regularisation)
    return LightGCN(config, toy(), generator=torch_generator(0, "weights"))


def dense_operator(layers: int) -> torch.Tensor:
    """Mean of the powers 0 to `layers` of D^-1/2 A D^-1/2 over users and items together."""
    edges = toy()
    square = np.zeros((16, 16))
    square[edges.users, 7 + edges.items] = 1
    square += square.T
    scale = np.diag(1 / np.sqrt(np.maximum(square.sum(0), 1)))
    normalised = scale @ square @ scale
    return torch.from_numpy(sum(np.linalg.matrix_power(normalised, power) for power in range(layers + 1)) / (layers + 1))


@pytest.mark.parametrize("propagation", PROPAGATIONS)
@pytest.mark.parametrize("layers", LAYERS)
def test_propagation(propagation: str, layers: int) -> None:
    network = network_of(propagation, layers)
    together = torch.cat([network.users, network.items]).double()
    torch.testing.assert_close(torch.cat(network.propagated()).double(), dense_operator(layers) @ together, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("propagation", PROPAGATIONS)
@pytest.mark.parametrize("layers", LAYERS)
def test_loss_and_its_gradients(propagation: str, layers: int) -> None:
    network = network_of(propagation, layers, regularisation=0.3)
    users, positives, negatives = torch.tensor([0, 2, 2, 5, 6]), torch.tensor([1, 1, 8, 0, 3]), torch.tensor([4, 7, 1, 2, 2])
    bpr, penalty = network.loss(users, positives, negatives)
    found = torch.autograd.grad(bpr + penalty, [network.users, network.items])

    ego = torch.cat([network.users, network.items]).detach().double().requires_grad_()
    final = dense_operator(layers) @ ego
    margin = (final[users] * (final[7 + positives] - final[7 + negatives])).sum(1)
    picked = torch.cat([ego[users], ego[7 + positives], ego[7 + negatives]])
    expected_bpr, expected_penalty = -torch.log(torch.sigmoid(margin)).mean(), 0.3 * 0.5 * (picked**2).sum() / 5
    torch.testing.assert_close((bpr.double(), penalty.double()), (expected_bpr, expected_penalty), rtol=1e-5, atol=1e-7)
    (expected,) = torch.autograd.grad(expected_bpr + expected_penalty, ego)
    torch.testing.assert_close(torch.cat(found).double(), expected, rtol=1e-4, atol=1e-7)


def test_the_gradient_of_the_operator_is_the_operator() -> None:
    """Each output alone, so that a wrong sign or side cannot cancel."""
    network = network_of("csr", 3)
    operator = dense_operator(3).float()
    for row in range(16):
        outputs = torch.cat(network.propagated())
        gradients = torch.autograd.grad(outputs[row, 0], [network.users, network.items])
        torch.testing.assert_close(torch.cat(gradients)[:, 0], operator[row], rtol=1e-5, atol=1e-7)
