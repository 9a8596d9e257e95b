"""Milliseconds to retrieve 20 films out of a whole corpus with a text-mode LRURec, without the text encoder, by several ways.

    python tests/bench/corpus_retrieval.py [--films 355000] [--requests 200]

A made-up network (D 64) and made-up texts; the films' projected vectors [films, 64] lie in memory. One request is a history of five
films: hidden state, inner product with every film, the 20 best without the five. Each way runs with one and with two threads; all of
them take turns, request by request, so that other work on the machine slows all. Milliseconds by the wall clock at p50 and p95, of the
processor at p50, and `of_limit`: the share of the measured bandwidth of a copy, by one thread, at which the vectors are read.
`same` is the share of the requests looked at whose list is the full sort's. All but bfloat16 are exact up to float32's rounding. The
vectors lie in numpy's memory, which asks for huge pages, but for the way that says otherwise.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from modeling.dense_retriever.index import FilmIndex
from modeling.lrurec.config import LRURecConfig
from modeling.lrurec.data import encode_histories, pack_histories
from modeling.lrurec.network import LRURecNetwork
from modeling.seeding import torch_generator

SIZE, TEXT, K, NAMED, BAR_MS = 64, 384, 20, 5, 10.0
RESCORED = 10 * K  # films that bfloat16 proposes
BLOCK = 128
Way = Callable[[Tensor, list[int]], Sequence[int]]


class Corpus:
    """The network, the vectors and every way to search them."""

    def __init__(self, count: int) -> None:
        config = LRURecConfig(mode="text", embedding_size=SIZE)
        self.network = LRURecNetwork(config, item_count=0, feature_size=TEXT, generator=torch_generator(0, "weights"))
        with torch.inference_mode():
            parts = [
                torch.randn(min(5000, count - start), TEXT, generator=torch_generator(start, "texts")) for start in range(0, count, 5000)
            ]
            self.vectors = torch.cat([self.network.item_vectors(part) for part in parts])
        self.ids = tuple(f"mq{row:012x}" for row in range(count))
        self.in_torch, self.half = self.vectors, self.vectors.bfloat16()
        self.vectors = torch.from_numpy(np.array(self.in_torch.numpy()))
        self.index = FilmIndex(self.ids, self.vectors.numpy(), encoder="made up", release_id="made up")

    def hidden(self, history: list[int]) -> Tensor:
        batch = pack_histories(encode_histories([[row + 1 for row in history]]), max_length=self.network.config.max_length)
        return self.network.hidden(batch, self.vectors)[torch.from_numpy(batch.last_rows)][0]

    def by_sort(self, hidden: Tensor, history: list[int]) -> Sequence[int]:
        scores = (self.vectors.double() @ hidden.double()).numpy()
        scores[history] = -np.inf
        return np.argsort(-scores, kind="stable")[:K].tolist()

    def by_topk(self, hidden: Tensor, history: list[int]) -> Sequence[int]:
        scores = self.vectors @ hidden
        scores[history] = -torch.inf
        return torch.topk(scores, K).indices.tolist()

    def by_torch_memory(self, hidden: Tensor, history: list[int]) -> Sequence[int]:
        scores = self.in_torch @ hidden
        scores[history] = -torch.inf
        return torch.topk(scores, K).indices.tolist()

    def by_argpartition(self, hidden: Tensor, history: list[int]) -> Sequence[int]:
        scores = -(self.vectors @ hidden).numpy()
        scores[history] = np.inf
        best = np.argpartition(scores, K)[:K]
        return best[np.argsort(scores[best], kind="stable")].tolist()

    def by_bfloat16(self, hidden: Tensor, history: list[int]) -> Sequence[int]:
        scores = (hidden.bfloat16()[None] @ self.half.t())[0]
        scores[history] = -torch.inf
        proposed = torch.topk(scores, RESCORED).indices
        return proposed[torch.topk(self.vectors[proposed] @ hidden, K).indices].tolist()

    def by_blocks(self, hidden: Tensor, history: list[int]) -> Sequence[int]:
        """The k best lie in the k blocks of largest maximum; stable sorts keep ties in order of rows."""
        count = len(self.vectors)
        scores = torch.full((-(-count // BLOCK) * BLOCK,), -torch.inf)
        torch.mv(self.vectors, hidden, out=scores[:count])
        scores[history] = -torch.inf
        blocks = scores.view(-1, BLOCK)
        chosen = torch.sort(blocks.amax(dim=1), descending=True, stable=True).indices[:K].sort().values
        places = torch.sort(blocks[chosen].flatten(), descending=True, stable=True).indices[:K]
        return (chosen[places // BLOCK] * BLOCK + places % BLOCK).tolist()

    def by_film_index(self, hidden: Tensor, history: list[int]) -> Sequence[int]:
        films, _ = self.index.search(hidden[None].numpy(), K, exclude=[[self.ids[row] for row in history]])
        return [int(film[2:], 16) for film in films[0]]


def bandwidth(vectors: Tensor) -> float:
    """Bytes read and written a second by one thread copying the vectors, the best of several."""
    torch.set_num_threads(1)
    target, seconds = torch.empty_like(vectors), []
    for _ in range(15):
        started = time.process_time()
        target.copy_(vectors)
        seconds.append(time.process_time() - started)
    return 2 * vectors.nbytes / min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=355_000)
    parser.add_argument("--requests", type=int, default=200)
    arguments = parser.parse_args()
    corpus = Corpus(arguments.films)
    generator = np.random.default_rng(0)
    histories = [generator.choice(arguments.films, NAMED, replace=False).tolist() for _ in range(arguments.requests)]
    limit = bandwidth(corpus.vectors)
    ways: dict[str, Way | None] = {
        "hidden state alone": None,
        "float32, torch.topk": corpus.by_topk,
        "float32, argpartition": corpus.by_argpartition,
        "float32 in torch's memory, torch.topk": corpus.by_torch_memory,
        f"bfloat16, {RESCORED} rescored": corpus.by_bfloat16,
        "float32, block maxima": corpus.by_blocks,
        "faiss, scored again (FilmIndex)": corpus.by_film_index,
    }
    with torch.inference_mode():
        for threads in (1, 2):
            torch.set_num_threads(threads)
            for line in measured(corpus, ways, histories[: len(histories) // threads]):
                told = {"films": arguments.films, "k": K, "threads": threads, **line}
                if line["way"] != "hidden state alone":
                    read = corpus.half.nbytes if "bfloat16" in str(line["way"]) else corpus.vectors.nbytes
                    share = round(1e3 * read / limit / float(line["cpu_ms"]), 2)
                    told |= {"bytes_read": read, "limit_ms": round(1e3 * read / limit, 2), "of_limit": share}
                    told |= {"passed": line["p95_ms"] < BAR_MS}
                sys.stdout.write(json.dumps(told | {"copy_gb_s": round(limit / 1e9, 1)}) + "\n")


def measured(corpus: Corpus, ways: dict[str, Way | None], histories: list[list[int]]) -> list[dict[str, float | str]]:
    spent = np.empty((len(ways), len(histories), 2))
    same = np.zeros(len(ways))
    for number, history in enumerate([histories[0], *histories]):  # the first one twice: it warms up
        expected = corpus.by_sort(corpus.hidden(history), history) if number % 10 == 1 else None
        for place, way in enumerate(ways.values()):
            started, cpu_started = time.perf_counter(), time.process_time()
            hidden = corpus.hidden(history)
            found = way(hidden, history) if way else []
            spent[place, max(number - 1, 0)] = time.perf_counter() - started, time.process_time() - cpu_started
            same[place] += expected is not None and list(found) == list(expected)
    checked = len(range(1, len(histories) + 1, 10))
    p50, p95 = np.quantile(1e3 * spent[..., 0], [0.5, 0.95], axis=1).round(2).tolist()
    cpu, equal = np.median(1e3 * spent[..., 1], axis=1).round(2).tolist(), (same / checked).round(3).tolist()
    columns = zip(ways, p50, p95, cpu, equal, strict=True)
    return [dict(zip(("way", "p50_ms", "p95_ms", "cpu_ms", "same"), line, strict=True)) for line in columns]


if __name__ == "__main__":
    main()
