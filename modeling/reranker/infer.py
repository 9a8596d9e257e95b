"""Use a reranker: scores of the candidates of a list. Nothing is trained here."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modeling.artifacts import load_manifest
from modeling.reranker.config import RerankerConfig
from modeling.reranker.data import RankedList, pair_texts

if TYPE_CHECKING:
    import torch

MODEL_NAME = "reranker"
WEIGHTS_NAME, LOG_NAME = "weights.safetensors", "steps.json"
Scores = npt.NDArray[np.float64]
PAIRS_PER_BATCH = 16  # pairs of like length; larger batches leave the cache of a small CPU


class Reranker:
    """A cross-encoder and how much the retriever's score counts beside it."""

    def __init__(self, network: Any, tokenizer: Any, config: RerankerConfig, *, retrieval_weight: float) -> None:
        self.network, self.tokenizer, self.config, self.retrieval_weight = network, tokenizer, config, retrieval_weight

    def score(self, lists: Sequence[RankedList], documents: Mapping[str, str]) -> list[Scores]:
        """Per list float64 [candidates], higher is better: the reranker's log-probability plus the weighted one of the retriever."""
        own = self.score_texts(lists, documents)
        return [log_softmax(mine) + self.retrieval_weight * log_softmax(listed.retrieval) for mine, listed in zip(own, lists, strict=True)]

    def score_texts(self, lists: Sequence[RankedList], documents: Mapping[str, str]) -> list[Scores]:
        """The cross-encoder's scores alone, unnormalised; independent of what else is scored beside them within 1e-4."""
        pairs = [pair for listed in lists for pair in pair_texts(listed, documents, self.config)]
        flat = np.empty(len(pairs))
        order = sorted(range(len(pairs)), key=lambda place: -sum(map(len, pairs[place])))
        for start in range(0, len(order), PAIRS_PER_BATCH):
            chosen = order[start : start + PAIRS_PER_BATCH]
            flat[chosen] = self._batch([pairs[place] for place in chosen])
        ends = np.cumsum([len(listed.movies) for listed in lists])
        return np.split(flat, ends[:-1]) if lists else []

    def _batch(self, pairs: list[tuple[str, str]]) -> Scores:
        import torch

        with torch.inference_mode():
            scores: Scores = self.network(**tokenise(self.tokenizer, pairs, self.config)).double().numpy()
        return scores


def tokenise(tokenizer: Any, pairs: Sequence[tuple[str, str]], config: RerankerConfig) -> "Mapping[str, torch.Tensor]":
    """Token tensors of pairs; the dialogue is cut first, since the film's text is short already."""
    dialogues, films = (list(side) for side in zip(*pairs, strict=True))
    options = {"padding": True, "truncation": "longest_first", "max_length": config.max_tokens, "return_tensors": "pt"}
    tokens: Mapping[str, torch.Tensor] = tokenizer(dialogues, films, **options)
    return tokens


def log_softmax(scores: Scores) -> Scores:
    """Log-probabilities [n] of the candidates of one list."""
    shifted = scores - scores.max()
    probabilities: Scores = shifted - np.log(np.exp(shifted).sum())
    return probabilities


def load(directory: Path) -> Reranker:
    """The reranker in `directory`; ArtifactError when its files are not as they were written."""
    import safetensors.torch

    from modeling.reranker.network import cross_encoder

    manifest = load_manifest(directory, model=MODEL_NAME)
    config = RerankerConfig.from_mapping(manifest.config)
    network, tokenizer = cross_encoder(config)
    network.load_state_dict(safetensors.torch.load_file(directory / WEIGHTS_NAME))
    return Reranker(network.eval(), tokenizer, config, retrieval_weight=manifest.metrics["retrieval_weight"])
