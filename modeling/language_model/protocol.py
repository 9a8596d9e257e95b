"""What a language model can do for the rest of `modeling`, whoever answers. No model and no library is in here."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]


class LanguageModel(Protocol):
    """Text in, text or numbers out; one answer per prompt, in the order of the prompts.

    A prompt and what follows it are tokenised apart, in training and in use, so the seam between them is always the same:
    a continuation that shall begin with a space says so itself.
    """

    @property
    def identity(self) -> str:
        """All that decides an answer but the call: weights, cut and seed, or the name of a model behind an endpoint. Keys the cache."""

    def generate(self, prompts: Sequence[str], *, max_new_tokens: int, temperature: float = 0.0, stop: str = "\n") -> list[str]:
        """The continuation of each prompt up to the model's end mark, the first `stop` (not returned) or `max_new_tokens`, stripped.

        Temperature 0 is greedy; above it the draw is a function of seed and prompt, so a prompt is answered alike in any company.
        """

    def score(self, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Scores]:
        """Per prompt float64 (choices,): log-likelihood in nats of each choice as the whole continuation, end mark included.

        Only a local model is exact; an endpoint answers 0 for the choice it picked and -(1 + position) for the others.
        """

    def choose(self, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[int]:
        """The index of one choice per prompt, by decoding that can leave the choices at no token."""
