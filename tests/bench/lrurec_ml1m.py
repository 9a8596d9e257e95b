"""LRURec on MovieLens-1M as its paper measures it: leave-last-out, full ranking, against the published recall@10 and nDCG@10.

    python tests/bench/lrurec_ml1m.py OUT [--data ../shared/data/interactions/ml-1m] [--epochs 150] [--threads 2] [--so-far]

Reads `ml1m_sequences_liked.tsv` (user_id, position in time order, movie_id, liked). Per user the last film is the test target, the
one before it the validation target, the rest is trained on; a sequence longer than 200 is cut into windows, as the authors' code
does, so that every interaction is learned from. Films seen before are not ranked. The best epoch of the validation's recall@10 is
tested once, with the validation film in the history. OUT keeps the checkpoint: a run that was stopped continues, and one that has
ended is only told again; `--so-far` tests the best epoch of a run that has not ended, and trains nothing. Prints one line of JSON an
epoch, then the figures beside the paper's.
"""

import argparse
import itertools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from modeling.artifacts import MANIFEST_NAME
from modeling.evaluation.metrics import ndcg, recall
from modeling.evaluation.protocols import rank_targets
from modeling.lrurec import infer
from modeling.lrurec.checkpoint import read_weights
from modeling.lrurec.config import LRURecConfig
from modeling.lrurec.data import vocabulary_of
from modeling.lrurec.network import LRURecNetwork
from modeling.lrurec.train import Progress, train
from modeling.seeding import torch_generator

PUBLISHED = {"recall@10": 0.32636, "ndcg@10": 0.19298, "recall@20": 0.43313, "ndcg@20": 0.21990}  # Yue et al., WSDM 2024, table 2
LENGTH = 200
FILE = "ml1m_sequences_liked.tsv"


def sequences_of(folder: Path) -> list[list[str]]:
    """Every user's films in time order."""
    rows = csv.read_csv(folder / FILE, parse_options=csv.ParseOptions(delimiter="\t"))
    rows = rows.sort_by([("user_id", "ascending"), ("position", "ascending")])
    users, films = rows["user_id"].to_numpy(), [str(film) for film in rows["movie_id"].to_pylist()]
    cuts = [0, *(np.flatnonzero(np.diff(users)) + 1).tolist(), len(films)]
    return [films[start:end] for start, end in itertools.pairwise(cuts)]


def windows_of(films: list[str]) -> list[list[str]]:
    """The sequence itself, or windows of 200 from its end; a rest in front that is shorter is a window of its own."""
    ends = range(len(films), 0, -LENGTH)
    return [films[max(0, end - LENGTH) : end] for end in ends if end - max(0, end - LENGTH) > 1]


def training_rows(users: list[list[str]]) -> pa.Table:
    """Rows of set_sequences."""
    found = [window for films in users for window in windows_of(films[:-2])]
    marks = [[True] * len(window) for window in found]
    columns: dict[str, list[Any]] = {"dialogue_id": [f"{place:06d}" for place in range(len(found))], "split": ["train"] * len(found)}
    return pa.table({**columns, "sequence_movie_ids": found, "is_target": marks})


def asked(users: list[list[str]], split: str) -> tuple[pa.Table, pa.Table]:
    """Rows of set_recommendation and set_recommendation_targets: the film before the last for 'valid', the last for 'test'."""
    cut = -2 if split == "valid" else -1
    names = [f"{place:06d}" for place in range(len(users))]
    examples: dict[str, list[Any]] = {
        "example_id": names,
        "dialogue_id": names,
        "dataset": ["ml-1m"] * len(users),
        "split": [split] * len(users),
    }
    examples |= {"history_movie_ids": [films[:cut] for films in users]}
    count = len(users)
    targets: dict[str, list[Any]] = {"example_id": names, "target_index": [0] * count, "is_new": [True] * count}
    targets |= {"movie_id": [films[cut] for films in users]}
    return pa.table(examples), pa.table(targets)


def told(started: float) -> Callable[[Progress], None]:
    def tell(progress: Progress) -> None:
        line = {"epoch": progress.epoch, "loss": round(progress.loss, 4), **{k: round(v, 4) for k, v in progress.metrics.items()}}
        sys.stdout.write(json.dumps(line | {"best": progress.best_epoch, "seconds": round(time.monotonic() - started)}) + "\n")
        sys.stdout.flush()

    return tell


def best_so_far(out: Path, users: list[list[str]]) -> infer.LRURecModel:
    """The best epoch of a run that has not ended."""
    config, vocabulary = config_of(1, 0), vocabulary_of(training_rows(users))
    network = LRURecNetwork(config, item_count=len(vocabulary), feature_size=0, generator=torch_generator(0, "overwritten"))
    read_weights(out / infer.WEIGHTS_NAME, network)
    return infer.LRURecModel(network, vocabulary)


def config_of(epochs: int, patience: int) -> LRURecConfig:
    """The published recipe; dropout 0.2 is the paper's for dense data."""
    return LRURecConfig(max_length=LENGTH, max_epochs=epochs, patience_epochs=patience)


def test_figures(model: infer.LRURecModel, users: list[list[str]]) -> dict[str, dict[str, float]]:
    """Ours, the paper's, and the ratio."""
    found = rank_targets(model, *asked(users, "test"), candidates=model.movie_ids, model_name="lrurec", candidate_set="ml-1m")
    ranks = found["rank"].to_numpy(zero_copy_only=False).astype(float)
    ours = {f"{name}@{k}": float(metric(ranks, k).mean()) for name, metric in (("recall", recall), ("ndcg", ndcg)) for k in (10, 20)}
    return {name: {"ours": ours[name], "paper": paper, "ratio": ours[name] / paper} for name, paper in PUBLISHED.items()}


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder of the run; one that was stopped continues in it")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/interactions/ml-1m"))
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--so-far", action="store_true")
    parser.add_argument("--patience", type=int, default=40, help="epochs without a better validation; the authors wait 10 x 500 steps")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    users = sequences_of(arguments.data)
    if not arguments.so_far and not (arguments.out / MANIFEST_NAME).exists():
        config = config_of(arguments.epochs, arguments.patience)
        histories, targets = asked(users, "valid")
        train(
            training_rows(users), config, arguments.out,
            validation_histories=histories, validation_targets=targets, progress=told(time.monotonic()),
        )  # fmt: skip
    model = best_so_far(arguments.out, users) if arguments.so_far else infer.load(arguments.out)
    for name, figures in test_figures(model, users).items():
        sys.stdout.write(json.dumps({"metric": name, **{k: round(v, 4) for k, v in figures.items()}}) + "\n")


if __name__ == "__main__":
    main()
