"""A language model that runs here: prompts to text, to likelihoods of choices, to one choice. Nothing is trained here."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from modeling.errors import DataError
from modeling.language_model import decoding
from modeling.language_model.config import LanguageModelConfig
from modeling.language_model.data import completion_ids, prompt_ids
from modeling.language_model.loading import identity_of, load_adapted, load_causal, resolved
from modeling.language_model.protocol import Scores
from modeling.seeding import numpy_generator

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LocalModel:
    """A loaded causal model with its tokenizer; see `LanguageModel` for what it answers."""

    model: Any
    tokenizer: Any
    config: LanguageModelConfig
    identity: str

    @classmethod
    def load(cls, base: str | Path, adapter: Path | None = None, *, config: LanguageModelConfig | None = None) -> "LocalModel":
        """The model of a folder or hub id, with an adapter that `fine_tune` left merged in. LanguageModelError, ArtifactError.

        `config.model` is not read: `base` says where the model is.
        """
        settings = config or LanguageModelConfig()
        source, name = str(base), identity_of(str(base))
        if adapter is None:
            model, tokenizer = load_causal(source, dtype=settings.dtype)
        else:
            model, tokenizer = load_adapted(source, adapter, dtype=settings.dtype)
            name = f"{name}+{identity_of(str(adapter))}"
        kind = "" if resolved(settings.dtype) == "float32" else f" dtype={resolved(settings.dtype)}"
        return cls(model, tokenizer, settings, f"{name} max_prompt_tokens={settings.max_prompt_tokens} seed={settings.seed}{kind}")

    def generate(self, prompts: Sequence[str], *, max_new_tokens: int, temperature: float = 0.0, stop: str = "\n") -> list[str]:
        """The continuation of each prompt; see `LanguageModel.generate`. `stop` "" stops at the end mark alone."""
        answers = [""] * len(prompts)
        rows = self._prompt_rows(prompts, [max_new_tokens] * len(prompts))
        for batch in self._batches(rows):
            writer = _Writer(self, [prompts[row] for row in batch], temperature, stop)
            found = self._continued([rows[row] for row in batch], writer, max_new_tokens)
            for row, tokens in zip(batch, found, strict=True):
                answers[row] = self.text(tokens, stop)
        return answers

    def _continued(self, rows: Sequence[Sequence[int]], writer: "_Writer", max_new_tokens: int) -> list[list[int]]:
        options: dict[str, Any] = {"padding": self._padding, "max_new_tokens": max_new_tokens}
        if len(rows) == 1:
            return [decoding.continued_alone(self.model, rows[0], pick=partial(writer.pick, 0), **options)]
        return decoding.continued(self.model, rows, pick=writer.pick, **options)

    def score(self, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Scores]:
        """Log-likelihood in nats of each choice as the whole continuation; see `LanguageModel.score`."""
        encoded = self._encoded(prompts, choices)
        found: list[Scores] = [np.empty(0)] * len(prompts)
        rows = self._prompt_rows(prompts, [max(map(len, own)) for own in encoded])
        for batch in self._batches(rows):
            own = [encoded[row] for row in batch]
            sums = decoding.likelihoods(self.model, [rows[row] for row in batch], own, padding=self._padding)
            for row, values in zip(batch, sums, strict=True):
                found[row] = values
        return found

    def choose(self, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[int]:
        """The index of one choice per prompt by constrained greedy decoding; see `LanguageModel.choose`."""
        encoded = self._encoded(prompts, choices)
        found = [-1] * len(prompts)
        rows = self._prompt_rows(prompts, [max(map(len, own)) for own in encoded])
        for batch in self._batches(rows):
            picked = decoding.led(self.model, [rows[row] for row in batch], [encoded[row] for row in batch], padding=self._padding)
            for row, index in zip(batch, picked, strict=True):
                found[row] = index
        return found

    def text(self, tokens: Sequence[int], stop: str) -> str:
        """The text of tokens up to the first `stop`, stripped."""
        text = str(self.tokenizer.decode(list(tokens), skip_special_tokens=True))
        return (text.split(stop, 1)[0] if stop else text).strip()

    @property
    def _padding(self) -> int:
        return int(self.tokenizer.pad_token_id)

    def _prompt_rows(self, prompts: Sequence[str], new_tokens: Sequence[int]) -> list[list[int]]:
        """Each prompt cut to what fits into the model's positions together with its own new tokens, whatever the others need."""
        positions = getattr(self.model.config, "max_position_embeddings", None)
        rooms = [self.config.max_prompt_tokens if positions is None else positions - new for new in new_tokens]
        if min(rooms, default=1) < 1:
            raise DataError(
                f"reading {len(prompts)} prompts: the model has {positions} positions and {max(new_tokens)} tokens shall follow; "
                "ask for fewer new tokens or shorter choices"
            )
        rows = prompt_ids(self.tokenizer, prompts, self.config.max_prompt_tokens)
        return [[*row[:1], *row[1:][max(len(row) - room, 0) :]] for row, room in zip(rows, rooms, strict=True)]

    def _encoded(self, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[list[list[int]]]:
        if len(prompts) != len(choices) or not all(choices):
            raise DataError(
                f"choosing for {len(prompts)} prompts: {len(choices)} lists of choices, {sum(not own for own in choices)} of them empty; "
                "expected one list with at least one choice per prompt"
            )
        flat = iter(completion_ids(self.tokenizer, [choice for own in choices for choice in own]))
        return [[next(flat) for _ in own] for own in choices]

    def _batches(self, rows: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        """Row numbers, rows of like length together, so that little is padding."""
        order = sorted(range(len(rows)), key=lambda row: (-len(rows[row]), row))
        size = self.config.batch_size
        yield from (order[start : start + size] for start in range(0, len(order), size))


class _Writer:
    """Picks the next token of each row of a batch, until its end mark or stop."""

    def __init__(self, owner: LocalModel, prompts: Sequence[str], temperature: float, stop: str) -> None:
        self._owner, self._temperature, self._stop = owner, temperature, stop
        self._written: list[list[int]] = [[] for _ in prompts]
        self._draw: list[Callable[[], float]] = [numpy_generator(owner.config.seed, f"sample {prompt}").random for prompt in prompts]

    def pick(self, row: int, logits: Numbers) -> int:
        """The next token of `row`, or -1 when it has ended."""
        written = self._written[row]
        if self._stop and self._stop in self._owner.tokenizer.decode(written[-_TAIL:]):
            return -1
        token = int(np.argmax(logits)) if self._temperature <= 0 else _drawn(logits / self._temperature, self._draw[row]())
        if token == self._owner.tokenizer.eos_token_id:
            return -1
        written.append(token)
        return token


_TAIL = 8  # tokens looked at for a stop: it is a line break or a word, and decoding all of a long answer at each token is slow


def _drawn(logits: Numbers, uniform: float) -> int:
    """The token at which the distribution function passes `uniform`."""
    weights = np.exp(logits - logits.max())
    total = np.cumsum(weights)
    return int(min(np.searchsorted(total, uniform * total[-1], side="right"), len(logits) - 1))
