"""DeepFM, xDeepFM, DCN and AutoInt from the modules of torch-rechub, on the features of click rows. Nothing of ours is learned here.

Fields: user, profile, film, genres, liked and disliked recent films, on request length and like rate of the history. Sequences are
mean-pooled, films share one table.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from modeling.click_network.config import ClickNetworkConfig
from modeling.click_network.data import PADDING, Ints, Sizes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch_rechub.basic.features import SequenceFeature, SparseFeature

CROSS_LAYERS = 3  # DCN and AutoInt
RATE_STEPS = 20  # steps of the like rate; lengths of a history go by powers of two and stay below 2^20
CIN_SIZES = (64, 64)  # xDeepFM: outer products cost batch * fields^2 * width, larger ones more than the rest of the network


class Baseline(nn.Module):
    """A model of the library behind the call that all click networks share."""

    genres: Tensor

    def __init__(self, config: ClickNetworkConfig, sizes: Sizes, genres: Ints) -> None:
        """Weights are drawn from torch's generator, as the library does: seed it around the call."""
        super().__init__()
        self.register_buffer("genres", torch.from_numpy(genres))
        self.user_id, self.like_rate, self.profile = config.user_id, config.like_rate, len(sizes.profile)
        self.model = _model(config, _features(config, sizes))

    def forward(self, batch: "Mapping[str, Tensor]") -> Tensor:
        """P(liked) [B] of `data.batch_of`'s tensors."""
        liked = batch["recent_liked"] == 1
        fields = {f"profile_{column}": batch["profile"][:, column] for column in range(self.profile)}
        fields |= {"item": batch["items"], "genres": self.genres[batch["items"]]}
        fields |= {"liked": batch["recent"].masked_fill(~liked, PADDING), "disliked": batch["recent"].masked_fill(liked, PADDING)}
        if self.user_id:
            fields["user"] = batch["users"]
        if self.like_rate:
            length, count = batch["counts"].unbind(1)
            fields["length"] = torch.log2(1 + length).int().clamp(max=RATE_STEPS)
            fields["rate"] = (count / length.clamp(min=1) * RATE_STEPS).int()
        found: Tensor = self.model(fields)
        return found


def _features(config: ClickNetworkConfig, sizes: Sizes) -> "list[SparseFeature | SequenceFeature]":
    from torch_rechub.basic.features import SequenceFeature, SparseFeature

    width = config.embedding_size
    users = [SparseFeature("user", sizes.users, width, padding_idx=PADDING)] if config.user_id else []
    profile = [SparseFeature(f"profile_{column}", size, width, padding_idx=PADDING) for column, size in enumerate(sizes.profile)]
    films = [SparseFeature("item", sizes.items, width, padding_idx=PADDING)]
    lists = [SequenceFeature("genres", sizes.genres, width, padding_idx=PADDING)]
    lists += [SequenceFeature(name, sizes.items, width, shared_with="item", padding_idx=PADDING) for name in ("liked", "disliked")]
    counts = [SparseFeature(name, RATE_STEPS + 1, width) for name in ("length", "rate")] if config.like_rate else []
    return [*users, *profile, *counts, *films, *lists]


def _model(config: ClickNetworkConfig, features: "list[SparseFeature | SequenceFeature]") -> nn.Module:
    from torch_rechub.models.ranking import DCN, AutoInt, DeepFM

    mlp = {"dims": list(config.hidden_sizes), "dropout": config.dropout}
    if config.model == "deepfm":
        found: nn.Module = DeepFM(features, features, mlp)
    elif config.model == "dcn":
        found = DCN(features, CROSS_LAYERS, mlp)
    elif config.model == "autoint":
        found = AutoInt(features, None, num_layers=CROSS_LAYERS, num_heads=2, mlp_params=mlp)
    else:
        found = XDeepFM(features, mlp)
    return found


class XDeepFM(nn.Module):
    """xDeepFM (Lian et al., KDD 2018, eq. 11): linear, compressed interactions and an MLP, summed; composed of the library's layers."""

    def __init__(self, features: "list[SparseFeature | SequenceFeature]", mlp: dict[str, object]) -> None:
        from torch_rechub.basic.layers import CIN, LR, MLP, EmbeddingLayer

        super().__init__()
        self.features = features
        width = sum(feature.embed_dim for feature in features)
        self.embedding, self.linear = EmbeddingLayer(features), LR(width)
        self.interactions, self.mlp = CIN(len(features), list(CIN_SIZES)), MLP(width, **mlp)

    def forward(self, fields: "Mapping[str, Tensor]") -> Tensor:
        embedded = self.embedding(fields, self.features, squeeze_dim=False)
        flat = embedded.flatten(start_dim=1)
        return torch.sigmoid((self.linear(flat) + self.interactions(embedded) + self.mlp(flat)).squeeze(1))
