"""The cross-encoder as a torch module: MiniLM over a pair of texts, mean over tokens, one number. No data and no optimiser."""

from typing import Any

import torch
from torch import Tensor, nn

from modeling.reranker.config import RerankerConfig
from modeling.seeding import torch_generator
from modeling.text_encoder import encoder
from modeling.text_encoder.config import TextEncoderConfig


class CrossEncoder(nn.Module):
    """Token tensors of n pairs -> scores [n]. The head starts at zero: untrained, every candidate is as good as any other."""

    def __init__(self, body: nn.Module, *, width: int) -> None:
        super().__init__()
        self.body = body
        self.hidden = nn.Linear(width, width)
        self.score = nn.Linear(width, 1)
        nn.init.zeros_(self.score.weight)
        nn.init.zeros_(self.score.bias)

    def forward(self, **tokens: Tensor) -> Tensor:
        states = self.body(**tokens).last_hidden_state  # [n, tokens, width]
        mask = tokens["attention_mask"].unsqueeze(-1).to(states.dtype)
        pooled = (states * mask).sum(1) / mask.sum(1)
        scores: Tensor = self.score(torch.tanh(self.hidden(pooled)))[:, 0]
        return scores


def cross_encoder(config: RerankerConfig) -> tuple[CrossEncoder, Any]:
    """An untrained cross-encoder on MiniLM's weights, its lower layers frozen, and the tokenizer, which keeps the end of a dialogue."""
    import copy

    loaded = encoder.load_local(TextEncoderConfig(max_tokens=config.max_tokens))
    tokenizer, body = copy.deepcopy(loaded.tokenizer), copy.deepcopy(loaded.model)  # the encoder at hand is shared
    tokenizer.truncation_side = "left"
    network = CrossEncoder(body, width=body.config.hidden_size)
    bound = body.config.hidden_size**-0.5
    nn.init.uniform_(network.hidden.weight, -bound, bound, generator=torch_generator(config.seed, "head of the reranker"))
    nn.init.zeros_(network.hidden.bias)
    for module in (body.embeddings, *body.encoder.layer[: config.frozen_layers]):
        module.requires_grad_(False)
    return network, tokenizer
