"""The bipartite graph of users and items: edges, negatives, and the normalised adjacency in compressed rows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from modeling.errors import DataError

if TYPE_CHECKING:
    import torch

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Pairs that were observed, each once, by user and then item: `users`, `items` int64 [n]. Make them with `edges_of`."""

    users: Indices
    items: Indices
    user_count: int
    item_count: int

    @property
    def keys(self) -> Indices:
        """Int64 [n], ascending: user * item_count + item."""
        return self.users * self.item_count + self.items


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """One side's vertices: `indices` int32 of their neighbours end to end, `offsets` int32 [n + 1], `scale` float32 [n, 1], D^-1/2."""

    indices: "torch.Tensor"
    offsets: "torch.Tensor"
    scale: "torch.Tensor"


def edges_of(users: Indices, items: Indices, *, user_count: int, item_count: int) -> Edges:
    """Edges from rows of any order, repeated pairs counted once; DataError for none, or for an index that is out of range."""
    if len(users) == 0 or len(users) != len(items):
        raise DataError(f"building the graph: {len(users)} users and {len(items)} items; expected the same number, at least one")
    for name, values, count in (("user", users, user_count), ("item", items, item_count)):
        if values.min() < 0 or values.max() >= count:
            raise DataError(f"building the graph: {name} indices from {values.min()} to {values.max()}; expected 0 to {count - 1}")
    keys = np.unique(users.astype(np.int64) * item_count + items.astype(np.int64))
    return Edges(keys // item_count, keys % item_count, user_count, item_count)


def is_edge(edges: Edges, users: Indices, items: Indices) -> npt.NDArray[np.bool_]:
    """Which of the pairs are edges, by search in the sorted keys."""
    keys, wanted = edges.keys, users * edges.item_count + items
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    found: npt.NDArray[np.bool_] = keys[places] == wanted
    return found


def draw_negatives(edges: Edges, users: Indices, generator: np.random.Generator) -> Indices:
    """For each of `users` an item drawn uniformly from those it has no edge to; no user may have an edge to every item."""
    drawn: Indices = generator.integers(edges.item_count, size=len(users))
    wrong = np.flatnonzero(is_edge(edges, users, drawn))
    while len(wrong):
        drawn[wrong] = generator.integers(edges.item_count, size=len(wrong))
        wrong = wrong[is_edge(edges, users[wrong], drawn[wrong])]
    return drawn


def adjacency(edges: Edges) -> tuple[Neighbours, Neighbours]:
    """D^-1/2 A D^-1/2 (He et al. 2020, equation 3) in compressed rows: users with their items, items with their users."""
    import torch

    by_user, by_item = (np.bincount(ends, minlength=n) for ends, n in ((edges.users, edges.user_count), (edges.items, edges.item_count)))
    order = np.argsort(edges.items, kind="stable")

    def rows(degrees: Indices, columns: Indices) -> Neighbours:
        offsets = np.concatenate([[0], np.cumsum(degrees)]).astype(np.int32)
        scale = 1 / np.sqrt(np.maximum(degrees, 1))  # the row of a vertex without edge is empty whatever its scale
        return Neighbours(*map(torch.from_numpy, (columns.astype(np.int32), offsets, scale.astype(np.float32)[:, None])))

    return rows(by_user, edges.items), rows(by_item, edges.users[order])
