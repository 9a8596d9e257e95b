"""Seconds and memory of retrieval inside users' own histories at MovieLens-1M's size: every entry with a past is a target.

    python tests/bench/history_retrieval.py [--data ../shared/data/interactions/ml-1m] [--threads 2] [--users 6040]

Reads the histories of `ml1m_sequences_liked.tsv`, or draws as many of the same lengths where it is not there; the item vectors are
random, 384 numbers each. Targets are the entries with at least five before them. Prints one line of JSON.
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
from pyarrow import csv

from modeling.joint_representation.histories import Histories, Positions
from modeling.joint_representation.retrieval import retrieve

FILE = "ml1m_sequences_liked.tsv"
ITEMS, DIMENSIONS, COUNT, WINDOW, PAST = 3706, 384, 30, 200, 5


def real(path: Path, users: int) -> Histories:
    rows = csv.read_csv(path, parse_options=csv.ParseOptions(delimiter="\t")).sort_by([("user_id", "ascending"), ("position", "ascending")])
    everybody = rows["user_id"].to_numpy()
    offsets = np.concatenate([[0], np.flatnonzero(np.diff(everybody)) + 1, [len(everybody)]])[: users + 1]
    items = np.unique(rows["movie_id"].to_numpy(), return_inverse=True)[1].astype(np.int32)
    return Histories(offsets, items[: offsets[-1]], rows["liked"].to_numpy()[: offsets[-1]] == 1)


def drawn(users: int) -> Histories:
    """Lengths log-normal from 20 to 2,314, with a mean near 165 as in the data set."""
    generator = np.random.default_rng(0)
    lengths = np.clip(generator.lognormal(4.6, 1.0, users), 20, 2314).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    items = (ITEMS * generator.random(offsets[-1]) ** 3).astype(np.int32)  # few items are popular
    return Histories(offsets, items, generator.random(offsets[-1]) < 0.575)


def targets_of(histories: Histories) -> Positions:
    past = np.arange(len(histories.items)) - np.repeat(histories.offsets[:-1], np.diff(histories.offsets))
    return np.flatnonzero(past >= PAST)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/interactions/ml-1m"))
    parser.add_argument("--users", type=int, default=6040)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    path = arguments.data / FILE
    histories = real(path, arguments.users) if path.exists() else drawn(arguments.users)
    vectors = np.random.default_rng(1).standard_normal((int(histories.items.max()) + 1, DIMENSIONS), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    targets = targets_of(histories)
    started = time.perf_counter()
    found = retrieve(histories, targets, vectors, count=COUNT, window=WINDOW, threads=arguments.threads)
    seconds = time.perf_counter() - started
    line = {"data": str(path) if path.exists() else "drawn", "users": len(histories.offsets) - 1, "targets": len(targets)}
    line |= {"items": len(vectors), "threads": arguments.threads, "seconds": round(seconds, 2), "rows_per_s": round(len(targets) / seconds)}
    line |= {"found": int((found.entries >= 0).sum()), "peak_rss_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)}
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
