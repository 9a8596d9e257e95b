"""Seconds per preference update: our plain torch loop against TRL's DPOTrainer with the retriever as a causal language model, in one run.

    python tests/bench/preference_update.py [--steps 10] [--threads 2] [--stock-steps 0]

Both start from the same LRURec (6,000 films, D 64, histories of 1 to 8 films) with the same reference, pairs of sets of 20 films, 64 turns
a step, AdamW, clipping and beta, and evaluate the reference in every step. They take turns, step by step, so that other work on the machine
slows both; preparing TRL's data (tokenising) is not timed. Where the machine is busy two threads wait for each other in every small
operation, and only `--threads 1` can be relied on. First, at a small size, loss and gradient of one batch are held to each other with a
policy that differs from the reference.

A film is a token; a prompt is the history and a separator, a completion the set in order. The hidden state of the history answers for
all positions after the separator and tokens seen before are masked, so the log-probabilities of a completion's tokens sum to the
Plackett-Luce log-probability of the set; TRL appends an end token, which has probability 1 where the set is complete. The head that
DPOTrainer puts on a model is a product of hidden states with one matrix over the whole vocabulary and can mask nothing by position, so
three ways are compared:

- 'logits': the trainer's head is taken off again; masked logits at the completion's positions only, what TRL logs besides left at zero;
- 'closed form': as that, but the set's log-probability is ours, without logits per position: what is left is the trainer's own cost;
- 'stock': TRL untouched; the hidden state has a place more per token that says whether it is masked (large, hence few steps).
"""

import argparse
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from datasets import Dataset, disable_progress_bars
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from torch import Tensor, nn
from transformers import GenerationConfig, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast, PrinterCallback, TrainerCallback
from transformers.modeling_outputs import BaseModelOutput
from transformers.utils import logging as transformers_logging
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.utils import FusedCausalLMOutput

from modeling.lrurec.config import LRURecConfig
from modeling.lrurec.data import encode_histories, pack_histories
from modeling.lrurec.network import ItemTable, LRURecNetwork
from modeling.preference_retriever.candidate_sets import log_probabilities, sample
from modeling.preference_retriever.config import PreferenceConfig
from modeling.preference_retriever.data import Turns
from modeling.preference_retriever.loss import best_and_worst, preference_loss
from modeling.preference_retriever.network import SequencePolicy
from modeling.seeding import numpy_generator, torch_generator

MASK = -1e4  # added to a logit: its probability is 0 in float32
SPREAD = 10.0  # item vectors are this much longer than at initialisation, so that the policy has an opinion


@dataclass(frozen=True, slots=True)
class Size:
    films: int = 6000
    dimensions: int = 64
    longest: int = 8
    steps: int = 10
    settings: PreferenceConfig = field(default_factory=PreferenceConfig)

    @property
    def end(self) -> int:
        """Token of the end of a set; the separator and the padding follow it."""
        return self.films

    @property
    def names(self) -> list[str]:
        return [f"i{film}" for film in range(self.films)]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Turns, and for each its better and its worse set, int64 [turns, 2, candidates]."""

    turns: Turns
    sets: Tensor

    def batch(self, step: int, size: int) -> "Pairs":
        rows = np.arange(step * size, min((step + 1) * size, len(self.turns)))
        return Pairs(self.turns.take(rows), self.sets[torch.from_numpy(rows)])


def start(size: Size, purpose: str) -> SequencePolicy:
    config = LRURecConfig(embedding_size=size.dimensions, dropout=0.0)
    network = LRURecNetwork(config, item_count=size.films, feature_size=0, generator=torch_generator(0, purpose))
    with torch.no_grad():
        cast(ItemTable, network.items).rows.mul_(SPREAD)
    return SequencePolicy(network, size.names)


def made_up(size: Size, policy: SequencePolicy) -> Pairs:
    """Two sets per turn drawn from the policy; the better one holds more of what a made-up taste, the same for all, likes."""
    count, generator = size.steps * size.settings.batch_size, numpy_generator(0, "made-up turns")
    films = np.array(size.names)
    histories = [films[generator.choice(size.films, generator.integers(1, size.longest + 1), replace=False)].tolist() for _ in range(count)]
    nothing: list[tuple[int, ...]] = [()] * count
    zeros = np.zeros(count, np.int64)
    turns = Turns(
        films.tolist(), films.tolist(), histories, np.zeros((count, 0), np.float32), np.ones((1, size.films), bool), zeros, nothing, zeros
    )
    with torch.no_grad():
        sets = sample(policy.scores(turns), set_count=2, size=size.settings.candidates, temperature=1.0, generator=generator)
    taste = torch.from_numpy(generator.random(size.films, dtype=np.float32))
    found = best_and_worst(taste[sets].sum(dim=2))
    return Pairs(turns.take(found[:, 0].numpy()), sets[found[:, :1], found[:, 1:]])


def our_margins(policy: SequencePolicy, reference: SequencePolicy, pairs: Pairs) -> tuple[Tensor, Tensor]:
    """Log-ratios of the better and of the worse sets."""
    with torch.no_grad():
        held_to = log_probabilities(reference.scores(pairs.turns), pairs.sets, temperature=1.0)
    ratios = log_probabilities(policy.scores(pairs.turns), pairs.sets, temperature=1.0) - held_to
    return ratios[:, 0], ratios[:, 1]


def our_step(
    policy: SequencePolicy, reference: SequencePolicy, optimizer: torch.optim.Optimizer, pairs: Pairs, settings: PreferenceConfig
) -> float:
    optimizer.zero_grad(set_to_none=True)
    loss = preference_loss(*our_margins(policy, reference, pairs), beta=settings.beta)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(policy.parameters(), settings.gradient_clip)
    optimizer.step()
    return float(loss.detach())


def adamw(policy: nn.Module, settings: PreferenceConfig) -> torch.optim.AdamW:
    return torch.optim.AdamW(policy.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)


class FilmsConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]
    model_type = "films"


class History(nn.Module):
    """What all ways share: the hidden state of each row's history, and where in the row each token is seen first."""

    def __init__(self, policy: SequencePolicy, size: Size) -> None:
        super().__init__()
        self.policy, self.size = policy, size

    def hidden(self, input_ids: Tensor) -> Tensor:
        histories = [[token + 1 for token in row[: row.index(self.size.end + 1)]] for row in input_ids.tolist()]
        base = self.policy.base
        batch = pack_histories(encode_histories(histories), max_length=base.config.max_length)
        return base.hidden(batch, base.item_vectors())[torch.from_numpy(batch.last_rows)]

    def first_seen(self, input_ids: Tensor) -> Tensor:
        """Position [rows, films] of each film's first token, the row's length where there is none."""
        rows, length = input_ids.shape
        places = torch.arange(length, dtype=torch.int32).expand(rows, -1)
        found = torch.full((rows, self.size.films + 3), length, dtype=torch.int32)
        return found.scatter_reduce_(1, input_ids, places, "amin")[:, : self.size.films]

    def is_complete(self, input_ids: Tensor) -> Tensor:
        """bool [rows, length]: at this position the whole set has been read."""
        begun = torch.cumsum(input_ids == self.size.end + 1, 1) > 0
        return torch.cumsum(begun, 1) > self.size.settings.candidates

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, **_: Any) -> BaseModelOutput:
        """The stock head's input [rows, length, D + films + 1]: hidden state, a 1 per masked film, a 1 where only the end is left."""
        masked = self.first_seen(input_ids)[:, None, :] <= torch.arange(input_ids.shape[1])[:, None]
        complete = self.is_complete(input_ids)[..., None]
        hidden = self.hidden(input_ids)[:, None, :].expand(-1, input_ids.shape[1], -1)
        return BaseModelOutput(torch.cat([hidden, masked, complete], dim=2))


class FilmsLM(PreTrainedModel):
    """The retriever as a causal language model over films."""

    config_class = FilmsConfig
    base_model_prefix = "model"

    def __init__(self, config: FilmsConfig, policy: SequencePolicy, size: Size) -> None:
        super().__init__(config)
        self.model = History(policy, size)
        self.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]
        self.post_init()  # type: ignore[no-untyped-call]

    def _init_weights(self, module: nn.Module) -> None:
        """The weights are there already."""

    def get_output_embeddings(self) -> Any:
        """The stock head's matrix [tokens, D + films + 1] and bias: a masked film loses MASK, a film where the set is complete too."""
        items, films = cast(ItemTable, self.model.policy.base.items), self.model.size.films
        weight = torch.cat([items.rows, MASK * torch.eye(films), torch.full((films, 1), MASK)], dim=1)
        bias = torch.cat([items.item_bias, torch.tensor([MASK / 2, 2 * MASK, 2 * MASK])])  # the end beats films once the set is complete
        return SimpleNamespace(weight=torch.cat([weight, weight.new_zeros(3, weight.shape[1])]), bias=bias)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, *, labels: Tensor, **_: Any) -> FusedCausalLMOutput:
        """What a trainer asks for: log-probabilities [rows, length - 1] of the labelled tokens, 0 elsewhere."""
        labels = labels[:, 1:]
        rows, places = torch.nonzero((labels >= 0) & (labels != self.model.size.end), as_tuple=True)
        logits = self.logits(input_ids, rows, places)
        found = -F.cross_entropy(logits, labels[rows, places], reduction="none")
        nothing = found.new_zeros(labels.shape)
        return FusedCausalLMOutput(
            log_probs=nothing.index_put((rows, places), found), entropy=nothing, mean_logits=nothing, is_top1=nothing.bool()
        )

    def logits(self, input_ids: Tensor, rows: Tensor, places: Tensor) -> Tensor:
        """Logits [n, films] of the token after each (row, place), at places where the set is not complete: there the end has none."""
        items = cast(ItemTable, self.model.policy.base.items)
        scores = torch.addmm(items.item_bias, self.model.hidden(input_ids), items.rows.t())
        seen = self.model.first_seen(input_ids).index_select(0, rows) <= places[:, None].int()
        return scores.index_select(0, rows).masked_fill_(seen, MASK)


class FilmSetsLM(FilmsLM):  # type: ignore[no-untyped-call]
    """The same with the log-probability of the whole set at its first token."""

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, *, labels: Tensor, **_: Any) -> FusedCausalLMOutput:
        size, items = self.model.size, cast(ItemTable, self.model.policy.base.items)
        scores = torch.addmm(items.item_bias, self.model.hidden(input_ids), items.rows.t())
        begin = 1 + (input_ids == size.end + 1).int().argmax(dim=1, keepdim=True)
        scores = scores.masked_fill(self.model.first_seen(input_ids) < begin, -torch.inf)
        sets = input_ids.gather(1, begin + torch.arange(size.settings.candidates))
        nothing = scores.new_zeros(len(labels), labels.shape[1] - 1)
        found = torch.cat([log_probabilities(scores, sets[:, None], temperature=1.0), nothing[:, 1:]], dim=1)
        return FusedCausalLMOutput(log_probs=found, entropy=nothing, mean_logits=nothing, is_top1=nothing.bool())


class Quiet(DPOTrainer):
    def _send_telemetry(self) -> None:
        """A bench tells no server that it ran."""


def tokenizer(size: Size) -> PreTrainedTokenizerFast:
    words = Tokenizer(WordLevel({name: place for place, name in enumerate([*size.names, "</s>", ":", "<pad>"])}))
    words.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=words, eos_token="</s>", pad_token="<pad>")  # type: ignore[no-untyped-call]


def rows_of(pairs: Pairs) -> Dataset:
    chosen, rejected = ([" " + " ".join(f"i{film}" for film in one) for one in pairs.sets[:, side].tolist()] for side in (0, 1))
    prompts = [" ".join([*history, ":"]) for history in pairs.turns.histories]
    return Dataset.from_dict({"prompt": prompts, "chosen": chosen, "rejected": rejected})


def trainer_of(policy: SequencePolicy, reference: SequencePolicy, pairs: Pairs, size: Size, scratch: str, *, head: str) -> Any:
    settings, config = size.settings, FilmsConfig.from_dict({"vocab_size": size.films + 3, "hidden_size": size.dimensions})
    arguments = DPOConfig(
        output_dir=scratch, per_device_train_batch_size=settings.batch_size, num_train_epochs=1, train_sampling_strategy="sequential",
        beta=settings.beta, max_grad_norm=settings.gradient_clip, bf16=False, gradient_checkpointing=False, use_cpu=True,
        dataloader_pin_memory=False, max_length=None, logging_steps=1, save_strategy="no", report_to="none", disable_tqdm=True,
    )  # fmt: skip
    optimizer = adamw(policy, settings)
    model = FilmSetsLM if head == "closed form" else FilmsLM
    trainer = Quiet(
        model=model(config, policy, size), ref_model=model(config, reference, size), args=arguments, train_dataset=rows_of(pairs),
        processing_class=tokenizer(size), optimizers=(optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _: 1.0)),
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    if head != "stock":
        for each in (trainer.model, trainer.ref_model):
            delattr(each, "forward")  # the trainer's head lies over the class's own forward
    return trainer


def difference_of(one: Tensor | None, other: Tensor | None) -> float:
    """Greatest difference of two gradients; both must be there or neither (the padding position is read by no history here)."""
    if one is None or other is None:
        assert one is other
        return 0.0
    return float((one - other).abs().max())


def same_loss(head: str) -> dict[str, object]:
    """Loss and gradient of one batch by the loop and by TRL; AssertionError when they are not the same."""
    size = Size(films=40, dimensions=8, longest=4, steps=1, settings=PreferenceConfig(candidates=5, batch_size=6, beta=0.5))
    reference, ours, theirs = start(size, "weights"), start(size, "other weights"), start(size, "other weights")
    pairs = made_up(size, reference)
    loss = preference_loss(*our_margins(ours, reference, pairs), beta=size.settings.beta)
    loss.backward()  # type: ignore[no-untyped-call]
    with tempfile.TemporaryDirectory() as scratch:
        trainer = trainer_of(theirs, reference, pairs, size, scratch, head=head)
        batch = next(iter(trainer.get_train_dataloader()))
        their_loss: Tensor = trainer.compute_loss(trainer.model, batch)
        their_loss.backward()  # type: ignore[no-untyped-call]
    gradients = [difference_of(a.grad, b.grad) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True)]
    difference = abs(float(loss.detach() - their_loss.detach()))
    assert difference < 1e-4 and max(gradients) < 1e-4, (difference, gradients)
    return {
        "case": f"same loss, {head}", "ours": float(loss.detach()), "trl": float(their_loss.detach()),
        "difference": difference, "max_gradient_difference": max(gradients),
    }  # fmt: skip


def clock() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


class TakeTurns(TrainerCallback):
    """After each of the trainer's steps one of ours; wall and processor clock at both ends."""

    def __init__(self, step: Callable[[int], float]) -> None:
        self.step, self.clocks, self.losses, self.logged = step, [clock()], list[float](), list[float]()

    def on_train_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        self.clocks = [clock()]

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        self.clocks.append(clock())
        self.losses.append(self.step(state.global_step - 1))
        self.clocks.append(clock())

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **rest: Any) -> None:
        if "loss" in (logs or {}):
            self.logged.append(float(logs["loss"]))


def quality(policy: SequencePolicy, reference: SequencePolicy, pairs: Pairs, beta: float) -> tuple[float, float]:
    """Preference loss and reward accuracy over all pairs."""
    with torch.no_grad():
        chosen, rejected = our_margins(policy, reference, pairs)
    return float(preference_loss(chosen, rejected, beta=beta)), float((chosen > rejected).float().mean())


def compare(size: Size, head: str) -> dict[str, object]:
    """Both trained; median seconds a step (the first of each warms up), what they have learned, how far they are apart."""
    settings = size.settings
    reference, ours, theirs = (start(size, "weights") for _ in range(3))
    pairs = made_up(size, reference)
    optimizer = adamw(ours, settings)
    watch = TakeTurns(lambda step: our_step(ours, reference, optimizer, pairs.batch(step, settings.batch_size), settings))
    with tempfile.TemporaryDirectory() as scratch:
        trainer = trainer_of(theirs, reference, pairs, size, scratch, head=head)
        trainer.add_callback(watch)
        trainer.train()
    spent = np.diff(np.array(watch.clocks), axis=0)[2:]
    (trl_s, trl_cpu), (ours_s, ours_cpu) = np.median(spent[0::2], axis=0).tolist(), np.median(spent[1::2], axis=0).tolist()
    apart = max(float((a - b).detach().abs().max()) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))
    moved = max(float((a - b).detach().abs().max()) for a, b in zip(ours.parameters(), reference.parameters(), strict=True))
    return {
        "case": head, "pairs": len(pairs.turns), "steps": len(watch.losses),
        "ours_s": round(ours_s, 4), "trl_s": round(trl_s, 4), "ratio": round(trl_s / ours_s, 2), "cpu_ratio": round(trl_cpu / ours_cpu, 2),
        "losses": [round(loss, 5) for loss in watch.losses],
        "max_loss_difference": max(abs(a - b) for a, b in zip(watch.losses, watch.logged, strict=True)),
        "ours_loss_and_accuracy": quality(ours, reference, pairs, settings.beta),
        "trl_loss_and_accuracy": quality(theirs, reference, pairs, settings.beta),
        "max_weight_difference": apart, "max_weight_change": moved,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=10, help="updates, the first not timed")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--stock-steps", type=int, default=0, help="updates with TRL's own head too, at least 2, some 10 s each")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    warnings.simplefilter("ignore")
    disable_progress_bars()
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    steps = {"logits": arguments.steps, "closed form": arguments.steps, "stock": arguments.stock_steps}
    for head in steps:
        sys.stdout.write(json.dumps(same_loss(head)) + "\n")
    for head, count in steps.items():
        if count:
            sys.stdout.write(json.dumps(compare(Size(steps=count), head)) + "\n")


if __name__ == "__main__":
    main()
