"""The retrieval network: a click model that reads the history entries most like the target, and the last ones, by attention.

A reconstruction in the spirit of RALLRec's retrieval (Xu et al., 2025) that needs no language model: entries come from the same
retrieval inside the user's own history, and attention (DIN: Zhou et al., KDD 2018) takes the place of the model's reading. Beside it
stand the estimates of a neighbourhood model: like rates weighted by a kernel of similarity, raw and as residuals of what films
get on average (Koren, KDD 2008, section 3), and an asymmetric factor model of the entries (SVD++ without the user, eq. 13).
"""

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from modeling.click_network.config import ClickNetworkConfig
from modeling.click_network.data import PADDING, Floats, Ints, Sizes

KERNEL_WIDTHS = (0.05, 0.3)  # learned widths t start evenly spaced in log t between these
PRIOR_COUNT = 5.0  # interactions that a user's like rate is smoothed with, at PRIOR_RATE
PRIOR_RATE = 0.5
AGE_SCALE = 5.0  # log(1 + age) of a history of 150 entries


class RetrievalNetwork(nn.Module):
    """See the module. Every sum over entries is masked: padding entries take no part, whatever stands in them."""

    genres: Tensor
    vectors: Tensor

    def __init__(self, config: ClickNetworkConfig, sizes: Sizes, genres: Ints, vectors: Floats) -> None:
        """`genres` and `vectors` [items, sizes.vector] as in `ClickRows`. Seed torch around the call."""
        super().__init__()
        self.config, self.sizes = config, sizes
        self.register_buffer("genres", torch.from_numpy(genres))
        self.register_buffer("vectors", torch.from_numpy(_unit(vectors)))
        width = config.embedding_size
        self.films, self.factors = _table(sizes.items, width), _table(sizes.items, width)
        self.film_bias, self.genre_table = _table(sizes.items, 1), _table(sizes.genres, width)
        self.users = _table(sizes.users, width) if config.user_id else None
        self.profile = nn.ModuleList(_table(size, width) for size in sizes.profile)
        self.projection = nn.Linear(sizes.vector, width, bias=False) if sizes.vector else None
        self.retrieved, self.recent = Reading(width, 2, config.reading_size), Reading(width, 1, config.reading_size)
        self.kernels = Kernels(config.kernel_count)
        self.mlp = _mlp(self._input_size(), config)

    def _input_size(self) -> int:
        width = self.config.embedding_size
        fields = 3 + len(self.profile) + (self.users is not None)  # film, its genres, the factors' products
        return fields * width + 2 * self.config.reading_size + self.kernels.size + 4 + 2 * self.sizes.extra

    def tables(self) -> list[Tensor]:
        """What is learned per id."""
        modules = [self.films, self.factors, self.film_bias, *([] if self.users is None else [self.users])]
        return [module.weight for module in modules]

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """P(liked) [B] of `data.batch_of`'s tensors."""
        targets, width = batch["items"], self.config.embedding_size
        table = torch.cat([self._films(), self.factors.weight, torch.sigmoid(self.film_bias.weight)], dim=1)
        found = F.embedding(targets, table)
        target, factors = found[:, :width], found[:, width : 2 * width]
        retrieved, recent = (Entries(batch, name, table, width) for name in ("retrieved", "recent"))
        age, similarity = torch.log1p(batch["retrieved_age"].float()) / AGE_SCALE, batch["retrieved_similarity"]
        places = torch.log1p(torch.arange(1, recent.mask.shape[1] + 1, dtype=age.dtype)) / AGE_SCALE
        readings = [
            self.retrieved(retrieved, target, torch.stack([similarity, age], dim=2)),
            self.recent(recent, target, places.expand_as(recent.mask)[:, :, None]),
        ]
        match = _user_factors(retrieved, recent) * factors
        numbers = [self.kernels(similarity, retrieved), _user_numbers(batch, recent), *_extra(batch)]
        genres = _mean(self.genre_table, self.genres[targets])
        inputs = torch.cat([*self._user(batch), target, genres, match, *readings, *numbers], dim=1)
        logits = self.mlp(inputs)[:, 0] + self.film_bias(targets)[:, 0] + match.sum(1)
        return torch.sigmoid(logits)

    def _films(self) -> Tensor:
        """[items, width]: id embedding plus projected vector; some ids are hidden in training, so that the vectors must suffice."""
        rows = self.films.weight
        if self.training and self.config.item_dropout:
            rows = rows * (torch.rand(len(rows), 1) >= self.config.item_dropout)
        return rows if self.projection is None else rows + self.projection(self.vectors)

    def _user(self, batch: Mapping[str, Tensor]) -> list[Tensor]:
        found = [table(batch["profile"][:, column]) for column, table in enumerate(self.profile)]
        return found if self.users is None else [*found, self.users(batch["users"])]


class Entries:
    """A window: `films`, `factors` [B, n, width], `liked`, `residual` (liked minus the film's average) and `mask` [B, n]."""

    def __init__(self, batch: Mapping[str, Tensor], name: str, table: Tensor, width: int) -> None:
        """`table` [items, 2 width + 1]: film, factors and average of each film, looked up at once: three look-ups cost twice as much."""
        found = F.embedding(batch[name], table)
        self.mask = (batch[name] != PADDING).float()
        self.films, self.factors = found[:, :, :width], found[:, :, width : 2 * width]
        liked = batch[f"{name}_liked"].float()
        self.liked, self.residual = liked * self.mask, (liked - found[:, :, -1]) * self.mask


class Reading(nn.Module):
    """Target attention: h_j = ReLU(W [x_j * t; r_j x_j * t; liked_j; r_j; numbers_j] + V t), pooled by softmax(w . h_j)."""

    def __init__(self, width: int, numbers: int, size: int) -> None:
        """`numbers`: further numbers of an entry, such as its age."""
        super().__init__()
        self.entry, self.target = nn.Linear(2 * width + 2 + numbers, size), nn.Linear(width, size, bias=False)
        self.score = nn.Linear(size, 1, bias=False)

    def forward(self, entries: Entries, target: Tensor, numbers: Tensor) -> Tensor:
        """[B, size]; zero for an empty window."""
        product = entries.films * target[:, None]
        residual = entries.residual[:, :, None]
        inputs = torch.cat([product, residual * product, entries.liked[:, :, None], residual, numbers], dim=2)
        hidden = torch.relu(self.entry(inputs) + self.target(target)[:, None])
        scores = self.score(hidden)[:, :, 0].masked_fill(entries.mask == 0, -1e9)
        weights = torch.softmax(scores, dim=1) * entries.mask
        return torch.bmm(weights[:, None], hidden)[:, 0]


class Kernels(nn.Module):
    """sum_j exp(s_j / t) v_j / sum_j exp(s_j / t) of liked and of residuals, for learned widths t; and the share of the closest entry."""

    def __init__(self, count: int) -> None:
        super().__init__()
        low, high = np.log(KERNEL_WIDTHS)
        self.log_width = nn.Parameter(torch.linspace(float(low), float(high), count))
        self.size = 2 * count + 1

    def forward(self, similarity: Tensor, entries: Entries) -> Tensor:
        """[B, size]; zeros for an empty window."""
        empty = entries.mask == 0
        scaled = similarity[:, None] * torch.exp(-self.log_width)[:, None]
        weights = torch.softmax(scaled.masked_fill(empty[:, None], -1e9), dim=2) * entries.mask[:, None]
        values = torch.stack([entries.liked, entries.residual], dim=2)
        nearest = similarity.masked_fill(empty, -1.0).amax(1, keepdim=True)
        return torch.cat([torch.bmm(weights, values).flatten(1), nearest], dim=1)


def _user_factors(*windows: Entries) -> Tensor:
    """sum of residual * y_j over the windows / sqrt(entries) [B, width]: the user as what they liked beyond the average."""
    found = torch.stack([torch.bmm(window.residual[:, None], window.factors)[:, 0] for window in windows]).sum(0)
    count = torch.stack([window.mask.sum(1, keepdim=True) for window in windows]).sum(0)
    return found / count.clamp(min=1).sqrt()


def _user_numbers(batch: Mapping[str, Tensor], recent: Entries) -> Tensor:
    """[B, 4]: log length of the history, log odds of the smoothed like rate; mean liked and mean residual of the last entries."""
    length, liked = batch["counts"].unbind(1)
    rate = (liked + PRIOR_COUNT * PRIOR_RATE) / (length + PRIOR_COUNT)
    known = recent.mask.sum(1).clamp(min=1)
    columns = [torch.log1p(length) / AGE_SCALE, torch.logit(rate), recent.liked.sum(1) / known, recent.residual.sum(1) / known]
    return torch.stack(columns, dim=1)


def _extra(batch: Mapping[str, Tensor]) -> list[Tensor]:
    """Extra numbers, 0 where not known, and which are known."""
    if "extra" not in batch:
        return []
    return [torch.nan_to_num(batch["extra"]), (~torch.isnan(batch["extra"])).float()]


def _mean(table: nn.Embedding, indices: Tensor) -> Tensor:
    mask = (indices != PADDING).float()
    return torch.bmm(mask[:, None], table(indices))[:, 0] / mask.sum(1, keepdim=True).clamp(min=1)


def _mlp(size: int, config: ClickNetworkConfig) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in config.hidden_sizes:
        layers += [nn.Linear(size, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(config.dropout)]
        size = width
    return nn.Sequential(*layers, nn.Linear(size, 1))


def _table(count: int, width: int) -> nn.Embedding:
    table = nn.Embedding(count, width, padding_idx=PADDING)
    nn.init.normal_(table.weight, std=0.01)
    with torch.no_grad():
        table.weight[PADDING] = 0
    return table


def _unit(vectors: Floats) -> Floats:
    """Rows scaled to a mean length of 1: a common scale, so that lengths still say something."""
    mean = float(np.linalg.norm(vectors[1:], axis=1).mean()) if vectors.shape[1] else 1.0
    return (vectors / mean).astype(np.float32) if mean > 0 else vectors
