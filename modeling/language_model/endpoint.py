"""A model behind an OpenAI-compatible endpoint: answers, structured choices, embeddings, a budget. The only module that imports openai.

The key comes from the environment at the moment of a call's making and is in no log, message, repr, manifest or cache.
"""

import json
import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from modeling.errors import BudgetError, DataError, EndpointError
from modeling.language_model.config import EndpointConfig
from modeling.language_model.protocol import Scores

_NO_KEY = "none"  # what a server that asks for no key is sent
_FRAME_TOKENS = 32  # the most that a server adds around one message, and JSON around a choice
_TEXTS_A_CALL = 64  # embedded in one call
_TRIES = 2  # a server that does not hold its model to the choices is asked twice

T = TypeVar("T")
Vectors = npt.NDArray[np.float32]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that calls have cost, and how many calls."""

    input_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0

    def plus(self, other: "Usage") -> "Usage":
        return Usage(self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens, self.calls + other.calls)


class Endpoint:
    """See `LanguageModel` for what it answers. Calls may come from several threads.

    Each method raises EndpointError when the endpoint cannot be used or read, BudgetError before the call that could exceed the budget.
    """

    def __init__(self, config: EndpointConfig) -> None:
        """Nothing is called and no key is read yet."""
        self.config = config
        self._lock, self._local = threading.Lock(), threading.local()
        self._spent, self._reserved = Usage(), Usage()

    def __repr__(self) -> str:
        return f"Endpoint(model={self.config.model!r})"

    @property
    def identity(self) -> str:
        """The model's name, how it is held to choices and the seed; not the host, which may change, and never the key."""
        return f"endpoint:{self.config.model} structure={self.config.structure} seed={self.config.seed}"

    @property
    def spent(self) -> Usage:
        """What all finished calls have cost."""
        with self._lock:
            return self._spent

    @property
    def last_usage(self) -> Usage | None:
        """What this thread's latest call has cost."""
        usage: Usage | None = getattr(self._local, "usage", None)
        return usage

    def cost(self, usage: Usage) -> float:
        """Money for tokens, by the prices of the config."""
        return (usage.input_tokens * self.config.price_input + usage.output_tokens * self.config.price_output) / 1e6

    def generate(self, prompts: Sequence[str], *, max_new_tokens: int, temperature: float = 0.0, stop: str = "\n") -> list[str]:
        """The continuation of each prompt; see `LanguageModel.generate`."""
        extra: dict[str, Any] = {"temperature": temperature} | ({"stop": [stop]} if stop else {})
        answers = (self._answer(prompt, max_new_tokens, extra).strip() for prompt in prompts)
        return [(answer.split(stop, 1)[0] if stop else answer).strip() for answer in answers]

    def choose(self, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[int]:
        """The index of one choice per prompt; EndpointError when the server answers outside the choices, twice."""
        if len(prompts) != len(choices) or not all(choices):
            raise DataError(f"choosing for {len(prompts)} prompts: expected one list with at least one choice for each")
        return [self._choice(prompt, own) for prompt, own in zip(prompts, choices, strict=True)]

    def score(self, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Scores]:
        """0 for the choice that was picked, -(1 + position) for the others: an order, not likelihoods."""
        found = []
        for picked, own in zip(self.choose(prompts, choices), choices, strict=True):
            scores = -1.0 - np.arange(len(own), dtype=np.float64)
            scores[picked] = 0.0
            found.append(scores)
        return found

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Float32 [texts, d]: a vector for each text, as the endpoint scales it. DataError without a text."""
        if not texts:
            raise DataError(f"embedding with {self.config.model!r}: no text was given; expected at least one")
        found = [row for start in range(0, len(texts), _TEXTS_A_CALL) for row in self._vectors(texts[start : start + _TEXTS_A_CALL])]
        if len({len(row) for row in found}) != 1:
            raise EndpointError(f"embedding with {self.config.model!r}: vectors of several lengths; expected one; check model and base_url")
        return np.array(found, dtype=np.float32)

    def _choice(self, prompt: str, choices: Sequence[str]) -> int:
        distinct = list(dict.fromkeys(choices))
        if len(distinct) == 1:
            return 0
        room = max(len(choice.encode()) for choice in distinct) + _FRAME_TOKENS
        asked = prompt if self.config.structure != "none" else f"{prompt}\nAnswer with one of these, word for word: {'; '.join(distinct)}"
        for _ in range(_TRIES):
            answer = self._answer(asked, room, {"temperature": 0.0} | structured(self.config.structure, distinct))
            picked = parsed_choice(answer, distinct)
            if picked is not None:
                return list(choices).index(distinct[picked])
        raise EndpointError(
            f"choosing with {self.config.model!r}: answered {self._without_key(answer)[:80]!r}, expected one of {len(distinct)} choices; "
            f"the server may not know structure {self.config.structure!r}: set another one"
        )

    def _answer(self, prompt: str, max_new_tokens: int, extra: dict[str, Any]) -> str:
        most = Usage(len(prompt.encode()) + _FRAME_TOKENS, max_new_tokens, 1)  # no tokenizer makes more tokens than bytes
        asked = {
            "model": self.config.model, "messages": [{"role": "user", "content": prompt}], "max_completion_tokens": max_new_tokens,
            "seed": self.config.seed, **extra,
        }  # fmt: skip
        return self._called(
            most,
            lambda: self._client.chat.completions.create(**asked),
            lambda reply: str(reply.choices[0].message.content or ""),
            expected="a chat completion",
        )

    def _vectors(self, texts: Sequence[str]) -> list[list[float]]:
        most = Usage(sum(len(text.encode()) + _FRAME_TOKENS for text in texts), 0, 1)
        return self._called(
            most,
            lambda: self._client.embeddings.create(model=self.config.model, input=list(texts), encoding_format="float"),
            lambda reply: _in_order(reply, len(texts)),
            expected=f"{len(texts)} embeddings",
        )

    def _called(self, most: Usage, ask: Callable[[], Any], read: Callable[[Any], T], *, expected: str) -> T:
        """One call. What it could cost at most is reserved first, what it did cost is settled afterwards."""
        import openai

        self._reserve(most)
        used = Usage()
        try:
            reply = ask()
            used = _usage(reply, most)
            return read(reply)
        except openai.OpenAIError as error:
            # not chained: its response holds the request, and that the key
            told = self._without_key(_told(error))
            raise EndpointError(f"calling {self.config.model!r}: {told}; {_repair(error, self.config)}") from None
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            used = used if used.calls else most  # whatever it was, it may have cost something
            seen = f"the reply has another shape ({type(error).__name__})"
            raise EndpointError(
                f"calling {self.config.model!r}: {seen}, expected {expected}; check base_url, which often ends with /v1"
            ) from None
        finally:
            self._settle(most, used)

    @cached_property
    def _client(self) -> Any:
        import openai

        return openai.OpenAI(
            base_url=self.config.base_url, api_key=self._key(), max_retries=self.config.retries, timeout=self.config.timeout_seconds
        )

    def _key(self) -> str:
        name = self.config.key_variable
        if not name:
            return _NO_KEY
        key = os.environ.get(name, "").strip()
        if not key:
            raise EndpointError(f"calling {self.config.model!r}: the environment variable {name} is not set; export the key there")
        return key

    def _without_key(self, text: str) -> str:
        key = os.environ.get(self.config.key_variable, "").strip() if self.config.key_variable else ""
        return text.replace(key, "[key]") if key else text

    def _reserve(self, most: Usage) -> None:
        with self._lock:
            planned = self._spent.plus(self._reserved).plus(most)
            tokens, config = planned.input_tokens + planned.output_tokens, self.config
            if 0 < config.token_budget < tokens or 0 < config.money_budget < self.cost(planned):
                raise BudgetError(
                    f"calling {config.model!r}: {self._spent.calls} calls have used {self._spent.input_tokens + self._spent.output_tokens} "
                    f"tokens ({self.cost(self._spent):.4f} in money), and the next could go beyond the budget of "
                    f"{config.token_budget or 'any'} tokens and {config.money_budget or 'any'} in money; raise token_budget or money_budget"
                )
            self._reserved = self._reserved.plus(most)

    def _settle(self, most: Usage, used: Usage) -> None:
        with self._lock:
            self._reserved = self._reserved.plus(Usage(-most.input_tokens, -most.output_tokens, -most.calls))
            self._spent = self._spent.plus(used)
        self._local.usage = used


def structured(structure: str, choices: Sequence[str]) -> dict[str, Any]:
    """What a call says so that the answer is one of the choices, for each kind of server."""
    if structure == "vllm":
        return {"extra_body": {"structured_outputs": {"choice": list(choices)}}}
    if structure == "none":
        return {}
    properties = {"choice": {"type": "string", "enum": list(choices)}}
    schema = {"type": "object", "properties": properties, "required": ["choice"], "additionalProperties": False}
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "choice", "strict": True, "schema": schema}}}


def parsed_choice(answer: str, choices: Sequence[str]) -> int | None:
    """Which of distinct choices an answer means: JSON with a 'choice', the bare text, or the only choice that the text names; else None."""
    said = _said(answer)
    if said in choices:
        return list(choices).index(said)
    folded = [choice.strip().casefold() for choice in choices]
    spoken = said.strip().strip("\"'.").casefold()
    equal = [index for index, choice in enumerate(folded) if choice == spoken]
    named = [index for index, choice in enumerate(folded) if choice and choice in spoken]
    # 'Alien' is named wherever 'Aliens' is: the longest one stands for those within it
    longest = [index for index in named if not any(folded[index] in folded[other] for other in named if other != index)]
    found = equal or longest
    return found[0] if len(found) == 1 else None


def _said(answer: str) -> str:
    try:
        value = json.loads(answer)
    except (json.JSONDecodeError, RecursionError):
        return answer
    said = value.get("choice") if isinstance(value, dict) else value
    return said if isinstance(said, str) else answer


def _in_order(reply: Any, count: int) -> list[list[float]]:
    """The vectors of a reply by their index; ValueError unless there is one of finite numbers for each text."""
    rows = sorted(reply.data, key=lambda row: int(row.index))
    vectors = [[float(value) for value in row.embedding] for row in rows]
    if [row.index for row in rows] != list(range(count)) or not all(vectors) or not np.isfinite(np.concatenate(vectors)).all():
        raise ValueError
    return vectors


def _usage(reply: Any, most: Usage) -> Usage:
    """What the server says it has counted; the most it can be where it says nothing. Embeddings have no completion."""
    told = getattr(reply, "usage", None)
    completion = getattr(told, "completion_tokens", 0)
    if told is None or told.prompt_tokens is None or completion is None:
        return most
    return Usage(int(told.prompt_tokens), int(completion), 1)


def _told(error: Exception) -> str:
    status = getattr(error, "status_code", None)
    first = (str(error).splitlines() or [""])[0][:200]
    return f"{type(error).__name__}{'' if status is None else f' {status}'}: {first}".rstrip(". ")


def _repair(error: Exception, config: EndpointConfig) -> str:
    status = getattr(error, "status_code", None)
    if status in (401, 403):
        return f"check the key in {config.key_variable or 'key_variable'}"
    if status is not None and 400 <= status < 500 and status != 429:
        return "check model, base_url and structure"
    return f"it was tried {config.retries + 1} times: check base_url, or try again later; answers so far are in the cache"
