"""Train a language model through TRL's SFTTrainer: a base adapted to texts, a LoRA adapter on prompts and completions.

The only module that imports trl. No path is chosen here; the same rows, config and seed leave the same weights.
"""

import json
import logging
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from modeling.artifacts import Manifest, write_json, write_manifest
from modeling.errors import ArtifactError, DataError
from modeling.language_model.config import BaseLMConfig, FineTuneConfig
from modeling.language_model.data import Example, Row, example_rows, packed_rows, text_rows, training_order
from modeling.language_model.loading import (
    ADAPTER_MODEL,
    ADAPTER_SETTINGS_NAME,
    BASE_MODEL,
    LOG_NAME,
    device,
    identity_of,
    load_causal,
    quiet,
)
from modeling.language_model.loss import nats_and_tokens, summed_loss
from modeling.language_model.warm_start import seeded, warm_start
from modeling.seeding import numpy_generator

if TYPE_CHECKING:
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

_VALIDATIONS = 4  # times a run that the held-out loss is read; it costs a third of a training pass over the held-out rows
_TARGETS = {"bert": ("query", "value"), "gpt2": ("c_attn",)}  # names of the query and value projections; q_proj and v_proj elsewhere

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """What the callback hears after each step: steps done, of how many, mean loss of the step in nats per token."""

    step: int
    steps: int
    loss: float


@dataclass(frozen=True, slots=True)
class _Session:
    """One run: what is trained, on which rows in which order, and who hears of it."""

    model: Any
    tokenizer: Any
    rows: list[Row]
    held_out: list[Row]
    config: BaseLMConfig | FineTuneConfig
    progress: Callable[[Progress], None] | None

    @property
    def order(self) -> list[int]:
        """Row numbers of the whole run, batch after batch."""
        config = self.config
        lengths = [len(row.input_ids) for row in self.rows]
        order = training_order(lengths, batch_size=config.batch_size, epochs=config.epochs, seed=config.seed)
        return order[: config.max_steps * config.batch_size] if config.max_steps else order


def adapt_base(
    texts: Sequence[str],
    config: BaseLMConfig,
    out_dir: Path,
    *,
    vocabulary_texts: Sequence[str] = (),
    validation: Sequence[str] = (),
    progress: Callable[[Progress], None] | None = None,
    parents: Mapping[str, str] | None = None,
) -> Manifest:
    """Take the start that the config names, train all its weights on `texts`, leave model and tokenizer in the empty `out_dir`.

    The tokens that `texts` and `vocabulary_texts` use are kept: give there the wording of the prompts to come.
    Metrics: loss in nats per token and, comparable between tokenizers, per character of `validation`.
    """
    _require_empty(out_dir)
    model, tokenizer = warm_start([*texts, *vocabulary_texts], config)
    room = _room(model, config)
    rows = packed_rows(tokenizer, _chosen(texts, config.max_examples, config.seed), room, seed=config.seed)
    held_out = text_rows(tokenizer, validation, room)
    _, log = _trained(_Session(model, tokenizer, rows, held_out, config, progress))
    model.config.use_cache = True  # the trainer turned it off
    with quiet():
        model.save_pretrained(str(out_dir))
        tokenizer.save_pretrained(str(out_dir))
    metrics = _metrics(log, model) | _per_character(log, held_out, validation)
    return _written(out_dir, BASE_MODEL, config, log, metrics=metrics, parents=dict(parents or {}))


def fine_tune(
    base: str | Path,
    examples: Sequence[Example],
    config: FineTuneConfig,
    out_dir: Path,
    *,
    validation: Sequence[Example] = (),
    progress: Callable[[Progress], None] | None = None,
    parents: Mapping[str, str] | None = None,
) -> Manifest:
    """Train a LoRA adapter of a base (folder or hub id) on examples, loss on completions only; leave it in the empty `out_dir`.

    The manifest's parent 'base' is the base's identity, without which the adapter cannot be loaded. DataError without examples.
    """
    _require_empty(out_dir)
    if not examples:
        raise DataError("fine-tuning a language model: no example was given, expected at least one; check the split that makes them")
    model, tokenizer = load_causal(str(base), dtype=config.dtype)
    room = _room(model, config)
    rows = example_rows(tokenizer, _chosen(examples, config.max_examples, config.seed), room)
    held_out = example_rows(tokenizer, validation, room)
    adapted, log = _trained(_Session(model, tokenizer, rows, held_out, config, progress))
    _save_adapter(adapted, out_dir)
    families = {**(parents or {}), "base": identity_of(str(base))}
    return _written(out_dir, ADAPTER_MODEL, config, log, metrics=_metrics(log, adapted), parents=families)


def _require_empty(out_dir: Path) -> None:
    out_dir.mkdir(parents=True, exist_ok=True)
    if any(out_dir.iterdir()):
        raise ArtifactError(f"training a language model: {out_dir} is not empty; give an empty directory")


def _room(model: Any, config: BaseLMConfig | FineTuneConfig) -> int:
    """Tokens per row: what the config says, as far as the model has positions for it."""
    return min(config.max_length, getattr(model.config, "max_position_embeddings", None) or config.max_length)


def _chosen(given: Sequence[T], at_most: int, seed: int) -> list[T]:
    """A seeded selection in the order given, all for 0."""
    if not at_most or at_most >= len(given):
        return list(given)
    picked = numpy_generator(seed, "selection of examples").choice(len(given), at_most, replace=False)
    return [given[index] for index in sorted(picked.tolist())]


def _trained(session: _Session) -> tuple[Any, list[dict[str, float]]]:
    """The trained model (wrapped by peft where an adapter was trained) and the log of its steps."""
    ordered = [session.rows[index] for index in session.order]
    if not ordered:
        return session.model, _validated(session, session.model, step=0)
    with seeded(session.config.seed, "training of a language model") as seed, tempfile.TemporaryDirectory() as scratch:
        trainer = _trainer(session, ordered, _arguments(session.config, len(ordered), seed, scratch))
        log = _watched(trainer, session)
        trainer.train()
    model: Any = trainer.model
    return model.eval(), log


def _trainer(session: _Session, ordered: list[Row], arguments: "SFTConfig") -> "SFTTrainer":
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl.trainer.sft_trainer import SFTTrainer

    class LabelledPositions(SFTTrainer):
        """TRL's trainer with a loss that leaves unlabelled positions out, as its own does only on Triton devices.

        Its own also multiplies hidden states with the head's matrix alone, and a Bert head has a layer before that.
        """

        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
            total, count = summed_loss(model, inputs)
            loss = total / (count if num_items_in_batch is None else num_items_in_batch)
            return (loss, None) if return_outputs else loss

        def _send_telemetry(self) -> None:
            """TRL reports each run to a server; this project reports nothing."""

    data = Dataset.from_dict({"input_ids": [row.input_ids for row in ordered], "labels": [row.labels for row in ordered]})
    with quiet():
        trainer = LabelledPositions(
            model=session.model, args=arguments, train_dataset=data, processing_class=session.tokenizer, peft_config=_lora(session)
        )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _arguments(config: BaseLMConfig | FineTuneConfig, rows: int, seed: int, scratch: str) -> "SFTConfig":
    """The trainer's settings. Rows come in the order they are to be read in, all epochs in one."""
    from trl.trainer.sft_config import SFTConfig

    steps = math.ceil(rows / config.batch_size)
    return SFTConfig(
        output_dir=scratch,
        per_device_train_batch_size=config.batch_size,
        num_train_epochs=1,
        train_sampling_strategy="sequential",
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=math.ceil(config.warmup_share * steps),
        weight_decay=config.weight_decay,
        seed=seed,
        bf16=False,
        activation_checkpointing=False,
        use_cpu=device() == "cpu",
        dataloader_pin_memory=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )


def _lora(session: _Session) -> Any:
    """The adapter to train, or None where all weights are."""
    config = session.config
    if isinstance(config, BaseLMConfig):
        return None
    from peft import LoraConfig

    targets = list(config.target_modules) or list(_TARGETS.get(session.model.config.model_type, ("q_proj", "v_proj")))
    return LoraConfig(
        r=config.rank, lora_alpha=config.alpha, lora_dropout=config.dropout, target_modules=targets, task_type="CAUSAL_LM", bias="none"
    )


def _watched(trainer: "SFTTrainer", session: _Session) -> list[dict[str, float]]:
    """A log that fills while the trainer runs: each step's loss, the held-out loss now and then and at the end."""
    from transformers import TrainerCallback

    log: list[dict[str, float]] = []

    class Watch(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **rest: Any) -> None:
            if "loss" not in (logs or {}):
                return
            log.append({"step": state.global_step, "loss": float(logs["loss"])})
            if session.progress is not None:
                session.progress(Progress(state.global_step, state.max_steps, float(logs["loss"])))

        def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
            every = max(1, state.max_steps // _VALIDATIONS)
            if state.global_step == state.max_steps or (state.global_step % every == 0 and state.max_steps - state.global_step >= every):
                log.extend(_validated(session, trainer.model, step=state.global_step))

    trainer.add_callback(Watch())
    return log


def _validated(session: _Session, model: Any, *, step: int) -> list[dict[str, float]]:
    """The held-out loss of a step in nats per token, as a row of the log; none without held-out rows."""
    if not session.held_out:
        return []
    padding, size = int(session.tokenizer.pad_token_id), session.config.batch_size
    nats, tokens = nats_and_tokens(model, session.held_out, batch_size=size, padding=padding)
    logger.info("language model step %d: held-out loss %.4f nats per token", step, nats / tokens)
    return [{"step": step, "valid_loss": nats / tokens, "valid_tokens": tokens}]


def _save_adapter(adapted: Any, out_dir: Path) -> None:
    """Weights and settings. The settings lose the base's path and have their names in order: the same run leaves the same bytes."""
    with quiet():
        adapted.save_pretrained(str(out_dir), save_embedding_layers=False)
    (out_dir / "README.md").unlink(missing_ok=True)
    path = out_dir / ADAPTER_SETTINGS_NAME
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings |= {"base_model_name_or_path": None, "target_modules": sorted(settings["target_modules"])}
    write_json(path, settings)


def _metrics(log: Sequence[Mapping[str, float]], model: Any) -> dict[str, float]:
    losses = [entry["loss"] for entry in log if "loss" in entry]
    valid = [entry["valid_loss"] for entry in log if "valid_loss" in entry]
    last = losses[-max(1, len(losses) // 10) :]
    found = {"steps": float(len(losses)), "parameters": float(model.num_parameters())}
    found |= {"train_loss": sum(last) / len(last)} if last else {}  # mean over the last tenth of the steps
    return found | ({"valid_loss": valid[-1]} if valid else {})


def _per_character(log: Sequence[Mapping[str, float]], held_out: Sequence[Row], texts: Sequence[str]) -> dict[str, float]:
    """The held-out loss per character, the end mark counted as one; exact as long as no text was cut."""
    characters = sum(len(text) + 1 for text in texts)
    valid = [entry for entry in log if "valid_loss" in entry]
    return {"valid_nats_per_character": valid[-1]["valid_loss"] * valid[-1]["valid_tokens"] / characters} if valid and held_out else {}


def _written(
    out_dir: Path,
    name: str,
    config: BaseLMConfig | FineTuneConfig,
    log: Sequence[Mapping[str, float]],
    *,
    metrics: Mapping[str, float],
    parents: Mapping[str, str],
) -> Manifest:
    write_json(out_dir / LOG_NAME, list(log))
    files = [path.name for path in out_dir.iterdir() if path.is_file()]
    return write_manifest(out_dir, model=name, config=config.to_mapping(), seed=config.seed, parents=parents, metrics=metrics, files=files)
