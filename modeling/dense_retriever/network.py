"""The query tower and the film tower as torch modules. No data, no files, no optimiser."""

import torch
from torch import Tensor, nn

from modeling.dense_retriever.config import DenseRetrieverConfig


class Towers(nn.Module):
    """score(turn, film) = query(turn) . film(film) + bias(film).

    query: frozen turn vectors [n, t] -> [n, o]; films: projection of frozen vectors [m, d] -> [m, o] plus residual.
    """

    def __init__(
        self, config: DenseRetrieverConfig, *, film_count: int, turn_size: int, film_size: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.query = nn.Sequential(
            nn.Dropout(config.dropout),
            nn.Linear(turn_size, config.hidden_size),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden_size, config.output_size),
        )
        self.film = nn.Linear(film_size, config.output_size, bias=False)
        self.residual = nn.Parameter(torch.empty(film_count, config.output_size)) if config.film_residual else None
        self.bias = nn.Parameter(torch.empty(film_count)) if config.film_residual else None
        self._initialise(generator)

    def _initialise(self, generator: torch.Generator) -> None:
        for layer in (module for module in self.modules() if isinstance(module, nn.Linear)):
            bound = 1.0 / layer.in_features**0.5  # torch's own default for a linear layer, drawn from a generator of ours
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            if layer.bias is not None:
                nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
        if self.residual is not None and self.bias is not None:
            nn.init.normal_(self.residual, std=0.02, generator=generator)
            nn.init.zeros_(self.bias)

    def films(self, documents: Tensor) -> Tensor:
        """Vectors [m, o + 1] of all films of the vocabulary, the bias last, so that a query [q, 1] scores by inner product alone."""
        vectors = self.film(documents)
        if self.residual is None or self.bias is None:
            return torch.cat([vectors, vectors.new_zeros(len(vectors), 1)], dim=1)
        return torch.cat([vectors + self.residual, self.bias[:, None]], dim=1)

    def queries(self, features: Tensor) -> Tensor:
        """Vectors [n, o + 1] of turns, 1 last."""
        vectors = self.query(features)
        return torch.cat([vectors, vectors.new_ones(len(vectors), 1)], dim=1)
