"""Read a causal language model and its tokenizer from a folder or the hub, and name them by their content. Nothing is trained here."""

import hashlib
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modeling.artifacts import MANIFEST_NAME, load_manifest, sha256
from modeling.errors import ArtifactError, LanguageModelError

BASE_MODEL, ADAPTER_MODEL = "language_model_base", "language_model_adapter"
ADAPTER_SETTINGS_NAME, LOG_NAME = "adapter_config.json", "steps.json"


def load_causal(source: str, *, dtype: str = "float32") -> tuple[Any, Any]:
    """Model and tokenizer of a folder or hub id, on a GPU if there is one, in evaluation mode.

    A folder written by this package has the hashes of its files checked. LanguageModelError when it is not there,
    is no causal model, or its tokenizer has no end mark; safetensors only, since a pickled checkpoint runs code when it is read.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    is_local = Path(source).is_dir()
    if (Path(source) / MANIFEST_NAME).is_file():
        load_manifest(Path(source), model=BASE_MODEL)
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=is_local)
            kind = getattr(torch, resolved(dtype))
            model: Any = AutoModelForCausalLM.from_pretrained(source, local_files_only=is_local, use_safetensors=True, dtype=kind)
    except (OSError, ValueError) as error:
        raise LanguageModelError(
            f"loading language model {source!r}: {first_line(error)}; expected a folder or model id with a causal model in safetensors; "
            "name another, or run once with a network and without HF_HUB_OFFLINE"
        ) from error
    checked(tokenizer, source)
    return model.to(device()).eval(), tokenizer


def load_adapted(source: str, adapter: Path, *, dtype: str = "float32") -> tuple[Any, Any]:
    """The same with the adapter in `adapter` merged into its weights, which costs nothing per token afterwards.

    Merged in float32 and rounded once: what an adapter adds is often smaller than the last bit of a
    bfloat16 weight. ArtifactError when the adapter was trained on another base.
    """
    import torch
    from peft import PeftModel

    trained_on, given = load_manifest(adapter, model=ADAPTER_MODEL).parents.get("base"), identity_of(source)
    if trained_on != given:
        raise ArtifactError(f"loading adapter {adapter}: it was trained on base {trained_on!r}, given {given!r}; give that base")
    model, tokenizer = load_causal(source)
    with quiet():
        merged = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
    return merged.to(getattr(torch, resolved(dtype))).eval(), tokenizer


def identity_of(source: str) -> str:
    """A folder by the content of its weights, settings and tokenizer, wherever it lies; a hub id by itself."""
    folder = Path(source)
    if not folder.is_dir():
        return source
    about_the_run = (MANIFEST_NAME, LOG_NAME)
    files = sorted(
        file for pattern in ("*.safetensors", "*.json", "*.txt") for file in folder.glob(pattern) if file.name not in about_the_run
    )
    digest = hashlib.sha256("".join(f"{file.name} {sha256(file)}\n" for file in files).encode())
    return f"local:{digest.hexdigest()[:16]}"


def checked(tokenizer: Any, source: str) -> None:
    """Give a tokenizer without padding its end mark for that; LanguageModelError when it has no end mark."""
    if tokenizer.eos_token_id is None:
        raise LanguageModelError(
            f"loading language model {source!r}: its tokenizer has no end mark (eos_token), so no answer could end; name another model"
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token


def device() -> str:
    """Where models run: a GPU makes a run bigger, not different."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def resolved(dtype: str) -> str:
    """'float32' or 'bfloat16'; 'auto' is the latter on a GPU and on a CPU that computes in it (AVX512-BF16, AMX)."""
    import torch

    if dtype != "auto":
        return dtype
    has = torch.cpu.get_capabilities()
    return "bfloat16" if device() == "cuda" or has.get("avx512_bf16") or has.get("amx_bf16") else "float32"


@contextmanager
def quiet() -> Iterator[None]:
    """No bar and no load report of transformers while weights are read, wrapped or written; its own settings come back after.

    Nor the warning that peft's name for a property of transformers will go.
    """
    from transformers.utils import logging as upstream

    level, has_bar = upstream.get_verbosity(), upstream.is_progress_bar_enabled()
    upstream.set_verbosity(logging.ERROR)
    upstream.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="`is_gradient_checkpointing`", category=FutureWarning)
            yield
    finally:
        upstream.set_verbosity(level)
        if has_bar:
            upstream.enable_progress_bar()  # type: ignore[no-untyped-call]


def first_line(error: Exception) -> str:
    """The first line of an error's message, or its name."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
