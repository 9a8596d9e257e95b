"""Streams depend on seed and purpose and on nothing else."""

import numpy as np
import torch

from modeling.seeding import derived_seed, numpy_generator, torch_generator


def test_same_seed_and_purpose_give_the_same_stream() -> None:
    assert (numpy_generator(1, "order").integers(0, 1 << 30, 8) == numpy_generator(1, "order").integers(0, 1 << 30, 8)).all()
    assert torch.equal(torch.rand(4, generator=torch_generator(1, "weights")), torch.rand(4, generator=torch_generator(1, "weights")))


def test_seed_and_purpose_both_matter() -> None:
    assert len({derived_seed(seed, purpose) for seed in range(3) for purpose in ("a", "b")}) == 6
    assert derived_seed(1, "1/a") != derived_seed(11, "/a")


def test_global_generators_are_untouched() -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    torch_generator(1, "weights"), numpy_generator(1, "order")
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()
