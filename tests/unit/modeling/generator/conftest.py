"""Films, a dialogue, and language models small enough to read."""

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from modeling.generator.catalogue import Catalogue, Film
from modeling.generator.prompts import Turn
from modeling.language_model.config import BaseLMConfig, LanguageModelConfig
from modeling.language_model.local import LocalModel
from modeling.language_model.train import adapt_base


class Hashing:
    """A language model that likes texts by their checksum, and remembers what it was asked. `said` is what it writes."""

    identity = "hashing"

    def __init__(self, said: Sequence[str] = ("",)) -> None:
        self.said = said
        self.asked: list[str] = []

    def generate(self, prompts: Sequence[str], *, max_new_tokens: int, temperature: float = 0.0, stop: str = "\n") -> list[str]:
        self.asked += prompts
        return [self.said[place % len(self.said)] for place in range(len(prompts))]

    def score(self, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[np.ndarray]:
        self.asked += prompts
        return [np.array([self.value(prompt, choice) for choice in own]) for prompt, own in zip(prompts, choices, strict=True)]

    def choose(self, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[int]:
        return [int(np.argmax(values)) for values in self.score(prompts, choices)]

    @staticmethod
    def value(prompt: str, choice: str) -> float:
        return -float(zlib.crc32(f"{prompt}{choice}".encode()) % 10_000) / 100


FILMS = (
    Film("m01", "The Lantern", 1999, genres=("Drama", "Mystery", "Crime"), lead="Ada Quill", director="Bo Marsh", plot="A lamp goes out."),
    Film("m02", "The Lantern", 1999, genres=("Comedy",), lead="Cy Dole", director="Di Fenn"),
    Film("m03", "It", 2017, genres=("Horror",), lead="Eve Gant", director="Flo Hurd"),
    Film("m04", "It", None),
    Film("m05", "It Follows", 2014, genres=("Horror",), lead="Gus Ives", director="Hal Jute"),
    Film("m06", "Ærø & Élan", 1988, genres=("Romance",), lead="Ida Kø", director=None),
    Film("m07", "雨の夜", 1954, genres=("Drama",), lead=None, director="Ken Lo"),
    Film("m08", "Harvest Moon", 2003, genres=("Comedy", "Drama"), lead="Lu Mead", director="Max Nye"),
)


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


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real causal model of random weights, one layer of 16."""
    folder = tmp_path_factory.mktemp("base")
    texts = ["seeker: a film with ghosts\nrecommender: The Lantern (1999)\nanswer: It (2017)", "candidates:\n- Harvest Moon (2003); Comedy"]
    adapt_base(texts, BaseLMConfig(start="random", layers=1, hidden_size=16, heads=2, vocabulary_size=300, epochs=0), folder / "model")
    return folder / "model"


@pytest.fixture(scope="session")
def tiny(tiny_base: Path) -> LocalModel:
    return LocalModel.load(tiny_base, config=LanguageModelConfig(model="tiny", max_prompt_tokens=1_500))
