"""The settings of the feedback loop; every problem is reported at once. Stdlib only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modeling.settings import Settings, table_problems

RETRIEVERS = ("rar", "rar+dialogue", "dense")
OBJECTIVES = ("dpo", "all_pairs", "reinforce", "group_relative", "anchor")
REFERENCES = ("sft", "previous")
BASES = ("id", "text")


@dataclass(frozen=True, slots=True)
class PreferenceConfig(Settings):
    """RAR's loop over a retriever. The abstract fixes the idea; every number is our reconstruction (METHODS section 2.5).

    `retriever`: 'rar' hears the films named (the abstract's), 'rar+dialogue' the dialogue's vector as a last pseudo-item too, 'dense'
    is the dense retriever's query tower; the last two are extensions of ours. `base`: the LRURec that the first two start from.
    A round draws `set_count` (M) sets of `candidates` (K) films at `temperature` from the `support` (N) best, asks the ranker for
    its list of each, and rewards a set with nDCG at `reward_cutoff` of that list.
    `objective`: 'dpo' takes the best set against the worst, 'all_pairs' every pair of different reward; 'reinforce' weighs each set by
    its reward less the turn's mean, 'group_relative' by that over the turn's deviation, with the ratio to the sampling policy clipped
    at `clip`; 'anchor' has no preference at all and is the control: what the same epochs of supervised learning give.
    `beta` multiplies the difference of log-ratios, which are divided by K with `length_normalised`. `reference` 'sft' is the supervised
    retriever, 'previous' the last round's. `anchor_weight` times the cross entropy of the targets is added. `forced_truth` (off-policy,
    an ablation) puts a target into one set of each turn. `update_epochs` passes over the pairs at `learning_rate`, `batch_size` turns
    a step. Before the first round there are `supervised_epochs` at most; the best of them on validation is the supervised retriever,
    and the one that it started from is among them. It learns from a `supervised_share` of the training dialogues and feedback is
    taken on the others, chosen by a hash: where dialogues are known by heart, nearly every set holds the truth, and what the loop
    learns there holds nowhere else (docs/experiment_log.md). At 1 both take all.
    """

    _title = "preference config"

    retriever: str = "rar"
    base: str = "id"
    candidates: int = 20
    set_count: int = 4
    temperature: float = 1.0
    support: int = 200
    reward_cutoff: int = 10
    objective: str = "dpo"
    beta: float = 0.1
    length_normalised: bool = False
    reference: str = "sft"
    anchor_weight: float = 0.1
    clip: float = 0.2
    forced_truth: bool = False
    update_epochs: int = 2
    supervised_share: float = 0.5
    supervised_epochs: int = 8
    supervised_learning_rate: float = 1e-3
    learning_rate: float = 3e-4
    weight_decay: float = 0.01
    batch_size: int = 64
    gradient_clip: float = 1.0
    seed: int = 0

    @classmethod
    def _problems(cls, values: Mapping[str, Any]) -> Iterator[str]:
        yield from table_problems(values, whole=_WHOLE, ranges=_RANGES, choices=_ONE_OF, flags=_SWITCHES)
        candidates, support = values.get("candidates"), values.get("support")
        if isinstance(candidates, int) and isinstance(support, int) and candidates > support:
            yield f"candidates is {candidates}, expected at most support ({support})"


_WHOLE = {"candidates": 1, "set_count": 2, "support": 2, "reward_cutoff": 1, "update_epochs": 1, "supervised_epochs": 0, "batch_size": 1}
_WHOLE |= {"seed": 0}
_RANGES = {
    "temperature": (1e-3, 1e3), "beta": (1e-6, 1e3), "anchor_weight": (0.0, 1e3), "clip": (1e-3, 10.0), "learning_rate": (1e-9, 10.0),
    "supervised_learning_rate": (1e-9, 10.0), "weight_decay": (0.0, 100.0), "gradient_clip": (1e-6, 1e6),
    "supervised_share": (1e-3, 1.0),
}  # fmt: skip
_ONE_OF = {"retriever": RETRIEVERS, "base": BASES, "objective": OBJECTIVES, "reference": REFERENCES}
_SWITCHES = ("length_normalised", "forced_truth")
