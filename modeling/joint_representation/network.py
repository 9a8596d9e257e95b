"""LightGCN (He et al., SIGIR 2020): embeddings, their propagation through the graph, and the BPR loss. No training loop here."""

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from modeling.joint_representation.config import LightGCNConfig
from modeling.joint_representation.graph import Edges, Neighbours, adjacency

INITIAL_DEVIATION = 0.1  # of the authors' code


class LightGCN(nn.Module):
    """Layer-0 embeddings `users` [users, d] and `items` [items, d]; everything else is the graph."""

    def __init__(self, config: LightGCNConfig, edges: Edges, *, generator: torch.Generator) -> None:
        super().__init__()
        self.config = config
        self.users = nn.Parameter(_initial(edges.user_count, config.dimensions, generator))
        self.items = nn.Parameter(_initial(edges.item_count, config.dimensions, generator))
        self._graph = _CSRGraph(edges) if config.propagation == "csr" else _EdgeList(edges)

    def propagated(self) -> tuple[Tensor, Tensor]:
        """Mean of the embeddings of layers 0 to L, users and items (equations 4 and 8 with equal weights)."""
        return self._graph.mean_of_layers(self.users, self.items, self.config.layers)

    def loss(self, users: Tensor, positives: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
        """BPR (equation 15), mean over triples, and the penalty on layer 0; index tensors int64 [batch]."""
        all_users, all_items = self.propagated()
        user, positive, negative = F.embedding(users, all_users), F.embedding(positives, all_items), F.embedding(negatives, all_items)
        bpr = F.softplus((user * (negative - positive)).sum(1)).mean()
        ego = (F.embedding(users, self.users), F.embedding(positives, self.items), F.embedding(negatives, self.items))
        penalty = sum((rows.square().sum() for rows in ego), torch.zeros(())) * (0.5 / len(users))
        return bpr, self.config.regularisation * penalty


def _initial(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    return torch.empty(rows, columns).normal_(0, INITIAL_DEVIATION, generator=generator)


class _CSRGraph:
    def __init__(self, edges: Edges) -> None:
        self.sides = adjacency(edges)

    def mean_of_layers(self, users: Tensor, items: Tensor, layers: int) -> tuple[Tensor, Tensor]:
        found = _Propagation.apply(users, items, *self.sides, layers)  # type: ignore[no-untyped-call]
        return cast("tuple[Tensor, Tensor]", found)


class _Propagation(torch.autograd.Function):
    """(I + A + ... + A^L) / (L + 1). A is symmetric, so the gradient is the same function of the gradient; no layer is kept for it."""

    @staticmethod
    def forward(ctx: Any, users: Tensor, items: Tensor, of_users: Neighbours, of_items: Neighbours, layers: int) -> tuple[Tensor, Tensor]:
        ctx.rest = (of_users, of_items, layers)
        return _mean_of_powers(users, items, of_users, of_items, layers)

    @staticmethod
    def backward(ctx: Any, users: Tensor, items: Tensor) -> tuple[Tensor | None, ...]:
        return (*_mean_of_powers(users, items, *ctx.rest), None, None, None)


def _mean_of_powers(users: Tensor, items: Tensor, of_users: Neighbours, of_items: Neighbours, layers: int) -> tuple[Tensor, Tensor]:
    """Horner's rule on embeddings scaled by D^-1/2, between which A is a plain sum of neighbours.

    Such a sum is what embedding_bag computes, from one thread in a third of the time that MKL takes for the CSR product.
    """
    start = users * of_users.scale, items * of_items.scale
    squares = of_users.scale.square(), of_items.scale.square()
    scaled = start
    for _ in range(layers - 1):
        scaled = (
            torch.addcmul(start[0], squares[0], _sum_of_neighbours(of_users, scaled[1])),
            torch.addcmul(start[1], squares[1], _sum_of_neighbours(of_items, scaled[0])),
        )
    if layers:  # the last step leaves the scaled space, whose way back would divide by a degree
        users = torch.addcmul(users, of_users.scale, _sum_of_neighbours(of_users, scaled[1]))
        items = torch.addcmul(items, of_items.scale, _sum_of_neighbours(of_items, scaled[0]))
    return users / (layers + 1), items / (layers + 1)


def _sum_of_neighbours(side: Neighbours, vectors: Tensor) -> Tensor:
    return F.embedding_bag(side.indices, vectors, side.offsets, mode="sum", include_last_offset=True)


class _EdgeList:
    """The reference: every edge's message is a row of its own, as libraries with message passing do it."""

    def __init__(self, edges: Edges) -> None:
        self.users, self.items = torch.from_numpy(edges.users), torch.from_numpy(edges.items)
        degrees = torch.bincount(self.users, minlength=edges.user_count), torch.bincount(self.items, minlength=edges.item_count)
        self.weights = (degrees[0][self.users].double() * degrees[1][self.items]).rsqrt().float()[:, None]

    def mean_of_layers(self, users: Tensor, items: Tensor, layers: int) -> tuple[Tensor, Tensor]:
        sums, layer = (users, items), (users, items)
        for _ in range(layers):
            layer = (
                torch.zeros_like(users).index_add(0, self.users, layer[1].index_select(0, self.items) * self.weights),
                torch.zeros_like(items).index_add(0, self.items, layer[0].index_select(0, self.users) * self.weights),
            )
            sums = (sums[0] + layer[0], sums[1] + layer[1])
        return sums[0] / (layers + 1), sums[1] / (layers + 1)
