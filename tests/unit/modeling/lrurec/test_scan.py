"""The recurrence: both algorithms equal a loop in plain Python numbers, and gradients hold to finite differences."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modeling.lrurec.scan import Algorithm, RecurrentMix, Steps, scan, scan_halving

ALGORITHMS: tuple[Algorithm, ...] = ("sequential", "halving")
LENGTHS = st.lists(st.integers(0, 9), min_size=1, max_size=5)


def steps_of(lengths: list[int]) -> Steps:
    longest = max(lengths)
    return Steps(lengths.count(0), tuple(sum(length > time for length in lengths) for time in range(longest)))


def by_hand(values: list[list[complex]], decay: list[complex], steps: Steps) -> list[list[complex]]:
    """h_t = lambda h_{t-1} + u_t, sequence by sequence; standing-alone rows are their own input."""
    states = [list(row) for row in values]
    start = steps.empty_count
    for time, size in enumerate(steps.sizes):
        for sequence in range(size):
            if time:
                before = states[start - steps.sizes[time - 1] + sequence]
                states[start + sequence] = [d * h + u for d, h, u in zip(decay, before, states[start + sequence], strict=True)]
        start += size
    return states


@given(LENGTHS, st.integers(0, 1 << 20))
def test_both_algorithms_equal_the_loop(lengths: list[int], seed: int) -> None:
    steps, generator = steps_of(lengths), torch.Generator().manual_seed(seed)
    values = torch.randn(steps.row_count, 3, dtype=torch.complex128, generator=generator)
    decay = 0.9 * torch.exp(2j * torch.pi * torch.rand(3, dtype=torch.float64, generator=generator))
    expected = torch.tensor(by_hand(values.tolist(), decay.tolist(), steps), dtype=torch.complex128).view_as(values)
    for algorithm in ALGORITHMS:
        torch.testing.assert_close(scan(values.clone(), decay, steps, algorithm=algorithm), expected, rtol=1e-12, atol=1e-12)


def test_two_steps_by_hand() -> None:
    states = scan(torch.tensor([[5 + 0j], [1 + 0j], [2j]]), torch.tensor([0.5j]), Steps(1, (1, 1)), algorithm="sequential")
    assert states.flatten().tolist() == [5, 1, 2.5j]  # 0.5i * 1 + 2i


def test_halving_needs_log_passes_and_stays_exact_at_length_256() -> None:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(2, 256, 4, dtype=torch.complex64, generator=generator)
    decay = 0.99 * torch.exp(2j * torch.pi * torch.rand(4, generator=generator))
    state, expected = torch.zeros(2, 4, dtype=torch.complex64), []
    for time in range(256):
        state = decay * state + inputs[:, time]
        expected.append(state)
    torch.testing.assert_close(scan_halving(inputs.clone(), decay), torch.stack(expected, 1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("lengths", [[4, 2, 1, 0, 0], [1], [0], [3, 3]])
def test_gradients_hold_to_finite_differences(algorithm: Algorithm, lengths: list[int]) -> None:
    steps, generator = steps_of(lengths), torch.Generator().manual_seed(1)

    def draw(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
        return torch.randn(*shape, dtype=dtype, generator=generator).requires_grad_()

    decay = (0.5 * draw(3, dtype=torch.complex128).detach()).requires_grad_()
    arguments = (draw(steps.row_count, 2), draw(6, 2), draw(6), decay, draw(2, 6), draw(2))
    assert torch.autograd.gradcheck(lambda *a: RecurrentMix.apply(*a, steps, algorithm), arguments)
