"""A language model of a few lines, a tiny Llama, an endpoint on this machine."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from modeling.language_model.protocol import Scores
from tests.unit.modeling.language_model.conftest import server, tiny, tiny_folder

__all__ = ["Scripted", "server", "tiny", "tiny_folder"]


class Scripted:
    """A language model that answers by functions of the prompt and remembers what it was asked."""

    def __init__(self, said: Callable[[str], str] = str, scored: Callable[[str], tuple[float, float]] = lambda text: (-1.0, -2.0)) -> None:
        self._said, self._scored = said, scored
        self.prompts: list[str] = []
        self.options: dict[str, Any] = {}

    @property
    def identity(self) -> str:
        return "scripted"

    def generate(self, prompts: Sequence[str], *, max_new_tokens: int, temperature: float = 0.0, stop: str = "\n") -> list[str]:
        self.prompts += prompts
        self.options = {"max_new_tokens": max_new_tokens, "temperature": temperature, "stop": stop}
        return [self._said(text) for text in prompts]

    def score(self, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Scores]:
        self.prompts += prompts
        assert [list(own) for own in choices] == [[" Yes", " No"]] * len(prompts)
        return [np.array(self._scored(text)) for text in prompts]

    def choose(self, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[int]:
        return [int(self._scored(text)[1] > self._scored(text)[0]) for text in prompts]
