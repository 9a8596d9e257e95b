"""The chunked cross entropy against torch's, its gradients against finite differences, and its tail."""

import pytest
import torch
import torch.nn.functional as F

from modeling.lrurec.head import CHUNK_ROWS, softmax_loss


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape))).requires_grad_()


@pytest.mark.parametrize("rows", [1, CHUNK_ROWS, 2 * CHUNK_ROWS + 3])
@pytest.mark.parametrize("with_bias", [True, False])
def test_equals_plain_cross_entropy(rows: int, with_bias: bool) -> None:
    hidden, items, bias = draw(rows, 5), draw(11, 5), draw(11) if with_bias else None
    labels = torch.randint(11, (rows,), generator=torch.Generator().manual_seed(0))
    inputs = [tensor for tensor in (hidden, items, bias) if tensor is not None]
    expected = F.cross_entropy(F.linear(hidden, items, bias), labels)
    loss = softmax_loss(hidden, items, bias, labels)
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=0)
    for ours, theirs in zip(torch.autograd.grad(3 * loss, inputs), torch.autograd.grad(3 * expected, inputs), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_gradients_hold_to_finite_differences() -> None:
    labels = torch.tensor([0, 3, 3])
    assert torch.autograd.gradcheck(lambda h, e, b: softmax_loss(h, e, b, labels), (draw(3, 2), draw(4, 2), draw(4)))


def test_a_label_that_underflows_still_has_its_loss() -> None:
    hidden, items = torch.tensor([[1.0], [1.0]]), torch.tensor([[0.0], [200.0]])
    assert softmax_loss(hidden, items, None, torch.tensor([0, 1])).item() == pytest.approx(100.0)  # (200 + 0) / 2
