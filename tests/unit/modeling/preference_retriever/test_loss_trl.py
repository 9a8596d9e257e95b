"""Our preference loss against the sigmoid loss of the installed TRL's DPOTrainer, on the same log-probabilities.

    pytest tests/unit/modeling/preference_retriever/test_loss_trl.py

TRL's `_compute_loss` itself runs, on a trainer without a dataset and with a model that answers made-up log-probabilities of tokens; a set's
is their sum. Values and gradients are compared.
"""

from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from modeling.preference_retriever.loss import preference_loss
from modeling.seeding import torch_generator

PAIRS, SIZE = 7, 5


def trl_loss(tokens: Tensor, reference: Tensor, *, beta: float) -> Tensor:
    """TRL's loss of log-probabilities [2 * pairs, size], the chosen first, as the tokens after a prompt of one; `reference` [2 * pairs]."""
    from trl.trainer.dpo_trainer import DPOTrainer

    trainer: Any = object.__new__(DPOTrainer)
    trainer.__dict__.update(
        model=torch.nn.Identity(), beta=beta, loss_types=["sigmoid"], loss_weights=[1.0], f_divergence_type="reverse_kl",
        ld_alpha=None, use_weighting=False, precompute_ref_logps=True, aux_loss_enabled=False,
        accelerator=SimpleNamespace(device=tokens.device, gather=lambda found: found, gather_for_metrics=lambda found: found),
        _metrics=defaultdict(lambda: defaultdict(list)), _total_train_tokens=0, _tp_size=1,
    )  # fmt: skip
    nothing = torch.zeros_like(tokens)
    answer = SimpleNamespace(log_probs=tokens, entropy=nothing, mean_logits=nothing, is_top1=nothing.bool())
    ids = torch.ones(len(tokens), tokens.shape[1] + 1, dtype=torch.long)
    completion = ids.clone()
    completion[:, 0] = 0
    chosen, rejected = reference.chunk(2)
    batch = {"input_ids": ids, "attention_mask": ids, "completion_mask": completion}
    batch |= {"ref_chosen_logps": chosen, "ref_rejected_logps": rejected}
    found: Tensor = trainer.compute_loss(lambda **_: answer, batch)
    return found


@pytest.mark.parametrize("beta", [0.01, 0.1, 1.0, 5.0])
def test_loss_and_gradient_are_trls(beta: float) -> None:
    generator = torch_generator(0, f"log-probabilities at beta {beta}")
    policy, held_to = -8.0 * torch.rand(2, 2 * PAIRS, SIZE, generator=generator, dtype=torch.float64)
    policy.requires_grad_()
    theirs = trl_loss(policy, held_to.sum(dim=1), beta=beta)
    chosen, rejected = (policy - held_to).sum(dim=1).chunk(2)
    ours = preference_loss(chosen, rejected, beta=beta)
    assert float(ours.detach()) == pytest.approx(float(theirs.detach()), abs=1e-6)
    (our_gradient,), (their_gradient,) = torch.autograd.grad(ours, policy), torch.autograd.grad(theirs, policy)
    assert float(their_gradient.abs().max()) > 1e-4
    torch.testing.assert_close(our_gradient, their_gradient, rtol=0.0, atol=1e-6)
