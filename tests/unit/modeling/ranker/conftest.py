"""Films, a turn, and language models that write what they are told or fail where they are told."""

from collections.abc import Sequence

import numpy as np
import pytest

from modeling.errors import EndpointError
from modeling.generator.catalogue import Catalogue
from modeling.generator.prompts import Turn
from tests.unit.modeling.generator.conftest import FILMS, Hashing


class Failing(Hashing):
    """A language model whose every call with a prompt that holds `timing_out` raises `error`; it counts its calls."""

    def __init__(self, timing_out: str, said: Sequence[str] = ("1. It (2017)",), error: Exception | None = None) -> None:
        super().__init__(said)
        self.timing_out, self.error = timing_out, error or EndpointError("calling 'm': APITimeoutError: Request timed out")
        self.calls = 0

    def generate(self, prompts: Sequence[str], *, max_new_tokens: int, temperature: float = 0.0, stop: str = "\n") -> list[str]:
        self._fail(prompts)
        return super().generate(prompts, max_new_tokens=max_new_tokens, temperature=temperature, stop=stop)

    def score(self, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[np.ndarray]:
        self._fail(prompts)
        return super().score(prompts, choices)

    def _fail(self, prompts: Sequence[str]) -> None:
        self.calls += 1
        if any(self.timing_out in prompt for prompt in prompts):
            raise self.error


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(FILMS)


@pytest.fixture
def turn() -> Turn:
    return Turn(
        "inspired:1#3", "seeker: Something with ghosts, please.\nrecommender: Have you seen It?\nseeker: I have, and I loved it.", ("m03",)
    )


@pytest.fixture
def hashing() -> Hashing:
    return Hashing()
