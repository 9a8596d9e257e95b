"""Time of a LightGCN epoch at MovieLens-1M's size: ours (CSR) against an edge list and against a square COO matrix, in one run.

    python tests/bench/lightgcn.py [--data ../shared/data/interactions/ml-1m] [--batches 8] [--epochs 0] [--both] [--threads 2]

Liked films only; the first four fifths of each user's are the graph, the rest validation. All three propagate the whole graph for
every batch of 2,048 triples, start from the same weights and read the same triples; they take turns, batch by batch, so that other work
on the machine slows all; `cpu_ratio`, from processor seconds, hardly feels it at `--threads 1`. 'edge_list' gathers and scatters one
row per edge, as message passing does; 'coo' is torch.sparse.mm with its own gradient, as the authors' code does and several times
faster. An epoch's seconds are the median batch times their number. `--epochs` then trains ours that long and prints recall@20 after
each epoch; `--both` the edge list too (minutes an epoch). Where the file is missing, a random graph of the same size stands in.
"""

import argparse
import itertools
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch
from pyarrow import csv
from torch import Tensor

from modeling.joint_representation.config import LightGCNConfig
from modeling.joint_representation.graph import Edges, edges_of
from modeling.joint_representation.network import LightGCN
from modeling.joint_representation.train import epoch_triples, recall_at, training_step
from modeling.seeding import torch_generator

FILE = "ml1m_sequences_liked.tsv"


class SquareMatrix:
    """Both blocks in one (users + items) x (users + items) COO matrix; autograd keeps and differentiates every layer."""

    def __init__(self, edges: Edges) -> None:
        users, items = torch.from_numpy(edges.users), torch.from_numpy(edges.items) + edges.user_count
        places = torch.cat([torch.stack([users, items]), torch.stack([items, users])], dim=1)
        degrees = torch.bincount(places[0], minlength=edges.user_count + edges.item_count)
        weights = (degrees[places[0]].double() * degrees[places[1]]).rsqrt().float()
        self.matrix = torch.sparse_coo_tensor(places, weights, (len(degrees), len(degrees)), check_invariants=False).coalesce()

    def mean_of_layers(self, users: Tensor, items: Tensor, layers: int) -> tuple[Tensor, Tensor]:
        found = [torch.cat([users, items])]
        for _ in range(layers):
            found.append(torch.sparse.mm(self.matrix, found[-1]))
        mean = torch.stack(found).mean(0)
        return mean[: len(users)], mean[len(users) :]


def real(path: Path) -> tuple[Edges, Edges]:
    rows = csv.read_csv(path, parse_options=csv.ParseOptions(delimiter="\t")).sort_by([("user_id", "ascending"), ("position", "ascending")])
    liked = rows["liked"].to_numpy() == 1
    users, items = (np.unique(rows[name].to_numpy()[liked], return_inverse=True)[1] for name in ("user_id", "movie_id"))
    counts = np.bincount(users)
    place = np.arange(len(users)) - np.repeat(np.cumsum(counts) - counts, counts)
    early = place < 0.8 * counts[users]
    size = {"user_count": len(counts), "item_count": int(items.max()) + 1}
    return edges_of(users[early], items[early], **size), edges_of(users[~early], items[~early], **size)


def drawn() -> tuple[Edges, Edges]:
    generator = np.random.default_rng(0)
    users = (6038 * generator.random(700_000) ** 1.5).astype(np.int64)
    items = (3533 * generator.random(700_000) ** 2.5).astype(np.int64)
    whole = edges_of(users, items, user_count=6038, item_count=3533)
    early = generator.random(len(whole.users)) < 0.8
    return edges_of(whole.users[early], whole.items[early], user_count=6038, item_count=3533), edges_of(
        whole.users[~early], whole.items[~early], user_count=6038, item_count=3533
    )


def started(name: str, edges: Edges) -> tuple[LightGCN, torch.optim.Optimizer]:
    config = LightGCNConfig(propagation="edge_list" if name == "edge_list" else "csr")
    network = LightGCN(config, edges, generator=torch_generator(0, "weights"))
    if name == "coo":
        network._graph = SquareMatrix(edges)  # type: ignore[assignment]
    return network, torch.optim.Adam(network.parameters(), lr=config.learning_rate, fused=True)


def compare(edges: Edges, wanted: Edges, batches: int) -> None:
    positives = np.arange(len(edges.users))
    runs = {name: started(name, edges) for name in ("csr", "edge_list", "coo")}
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    processor: dict[str, list[float]] = {name: [] for name in runs}
    for triples in itertools.islice(epoch_triples(edges, positives, LightGCNConfig(), 0), batches):
        for name, (network, optimizer) in runs.items():
            begun, worked = time.perf_counter(), time.process_time()
            training_step(network, optimizer, triples)
            seconds[name].append(time.perf_counter() - begun)
            processor[name].append(time.process_time() - worked)
    steps = -(-len(edges.users) // LightGCNConfig().batch_size)
    epoch = {name: statistics.median(found) * steps for name, found in seconds.items()}
    with torch.inference_mode():
        vectors = {name: network.propagated()[1] for name, (network, _) in runs.items()}
    for name, (network, _) in runs.items():
        line = {"propagation": name, "batch_ms": round(1000 * epoch[name] / steps, 1), "epoch_s": round(epoch[name], 1)}
        line |= {
            "times_ours": round(epoch[name] / epoch["csr"], 2),
            "cpu_ratio": round(statistics.median(processor[name]) / statistics.median(processor["csr"]), 2),
            "largest_difference": float((vectors[name] - vectors["csr"]).abs().max()),
        }
        sys.stdout.write(json.dumps(line | {f"recall@20 after {batches} batches": round(recall_at(network, edges, wanted), 5)}) + "\n")
        sys.stdout.flush()


def train(name: str, edges: Edges, wanted: Edges, epochs: int) -> None:
    network, optimizer = started(name, edges)
    for epoch in range(epochs):
        begun, losses = time.perf_counter(), []
        for triples in epoch_triples(edges, np.arange(len(edges.users)), network.config, epoch):
            losses.append(training_step(network, optimizer, triples))
        line = {"propagation": name, "epoch": epoch + 1, "seconds": round(time.perf_counter() - begun, 1)}
        line |= {"loss": round(statistics.fmean(losses), 4), "recall@20": round(recall_at(network, edges, wanted), 5)}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/interactions/ml-1m"))
    parser.add_argument("--batches", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=0)
    parser.add_argument("--both", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    path = arguments.data / FILE
    edges, wanted = real(path) if path.exists() else drawn()
    sizes = {"users": edges.user_count, "items": edges.item_count, "edges": len(edges.users)}
    sys.stdout.write(json.dumps({"data": str(path) if path.exists() else "drawn", **sizes, "threads": arguments.threads}) + "\n")
    compare(edges, wanted, arguments.batches)
    for name in ("csr", "edge_list") if arguments.both else ("csr",):
        train(name, edges, wanted, arguments.epochs)


if __name__ == "__main__":
    main()
