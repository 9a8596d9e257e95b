"""Text search over every film of a workspace: what building costs, what is lost against exact search, and how long a query takes.

    python tests/bench/text_search.py [WORKSPACE] [--sample 40000] [--queries 200] [--precision bfloat16] [--cache FOLDER]

Encodes a random sample of the films in float32 (the truth) and as asked, and learns stand-ins from half of it. Recall@50 is the
share of the truth's first 50 that the index under test has among its first 50, for two kinds of validation queries: the end of a
dialogue, and a sentence of facts of a film that was recommended, without its title. Recall over all films is a line through
the recalls of smaller samples, over the logarithm of their size. Minutes are CPU seconds of the sample over two cores, scaled
by word pieces: other work on the machine does not count, but waiting does not either.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets_defs.film_facts import chosen_films, film_facts
from assets_defs.profile import PROFILES, load_profile
from assets_defs.workspace import Workspace, open_workspace
from corpus_pipeline import release, store
from corpus_pipeline.schema import tables as t
from modeling.dense_retriever.index import FilmIndex
from modeling.documents import documents_of
from modeling.text_encoder import encoder, static
from modeling.text_encoder.config import TextEncoderConfig
from modeling.text_encoder.infer import encode

CORES, DEPTH, SEED = 2, 50, 7
BARS = {"minutes for all films (at most)": 20.0, "recall@50": 0.95, "p95 of a search, ms (at most)": 60.0}
_ASKED = """
    SELECT example_id, context_text, movie_id FROM set_recommendation JOIN set_recommendation_targets USING (example_id)
    WHERE split = 'valid' AND movie_id IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY example_id ORDER BY target_index) = 1 ORDER BY example_id
"""


def say(name: str, **numbers: Any) -> None:
    """One JSON line."""
    sys.stdout.write(json.dumps({"measured": name, **numbers}) + "\n")
    sys.stdout.flush()


def cpu(work: Callable[[], Any]) -> tuple[Any, float]:
    """What `work` gives and its CPU seconds."""
    started = time.process_time()
    return work(), time.process_time() - started


def films(workspace: Workspace) -> tuple[pa.Table, list[str]]:
    """The facts of every film of the workspace's release, and its document."""
    found = release.current(workspace.releases)
    rows = film_facts(found, chosen_films(found, most_popular=10**9))
    return rows, documents_of(rows)


def word_pieces(documents: list[str], config: TextEncoderConfig) -> np.ndarray:
    """Word pieces of each document that the encoder reads."""
    tokenizer = encoder.words_of(config).tokenizer
    blocks = (documents[start : start + 10_000] for start in range(0, len(documents), 10_000))
    lengths = [map(len, tokenizer(block, truncation=True, max_length=config.max_tokens)["input_ids"]) for block in blocks]
    return np.fromiter((length for block in lengths for length in block), np.int64, len(documents))


def queries(workspace: Workspace, rows: pa.Table, count: int) -> dict[str, list[str]]:
    """Two kinds of validation queries: the end of the dialogue, and a sentence of facts as a teacher would write it."""
    tables = {table.name: workspace.table(table) for table in (t.SET_RECOMMENDATION, t.SET_RECOMMENDATION_TARGETS)}
    with store.connect(tables, threads=1) as con:
        asked = con.execute(_ASKED).to_arrow_table().to_pylist()
    generator = np.random.default_rng(SEED)
    chosen = [asked[i] for i in sorted(generator.choice(len(asked), min(count, len(asked)), replace=False))]
    places = pc.index_in(pa.array([row["movie_id"] for row in chosen]), rows["movie_id"].combine_chunks())
    facts = rows.take(places).to_pylist()
    return {"dialogue": [row["context_text"][-400:] for row in chosen], "facts": [facts_query(film, generator) for film in facts]}


def facts_query(film: dict[str, Any], generator: np.random.Generator) -> str:
    """'a crime thriller film from the 1990s with A and B about heist': no title."""
    people = (film["directors"][:1] + film["cast"][:2])[: 1 + int(generator.integers(2))]
    parts = ["a", " ".join(film["genres"][:2]).lower(), "film"]
    parts += [f"from the {film['year'] // 10 * 10}s"] if film["year"] else []
    parts += ["with " + " and ".join(people)] if people and generator.random() < 0.7 else []
    parts += ["about " + " and ".join(film["keywords"][:2])] if film["keywords"] and generator.random() < 0.7 else []
    return " ".join(part for part in parts if part)


@dataclass(frozen=True)
class Vectors:
    """Vectors of the sample and the CPU seconds that they took."""

    matrix: np.ndarray
    cpu_s: float


@dataclass(frozen=True)
class Sample:
    """Some films of all, encoded exactly and as asked."""

    rows: np.ndarray
    texts: list[str]
    exact: TextEncoderConfig
    tried: TextEncoderConfig
    truth: Vectors
    found: Vectors


def embedded(texts: list[str], config: TextEncoderConfig, folder: Path) -> Vectors:
    """Vectors of the sample, encoded on one thread or read back from an earlier run."""
    import torch

    path = folder / f"sample_{len(texts)}_{config.precision}.npz"
    if not path.exists():
        torch.set_num_threads(1)
        encoder.load(config)
        matrix, seconds = cpu(lambda: encode(texts, config))
        np.savez(path, matrix=matrix, cpu_s=seconds)
    with np.load(path) as kept:
        return Vectors(kept["matrix"], float(kept["cpu_s"]))


def recall(truth: np.ndarray, found: np.ndarray) -> float:
    """Mean share of the truth's first DEPTH rows among the first DEPTH found; both are scores [queries, films]."""
    first, second = (np.argsort(-scores, axis=1, kind="stable")[:, :DEPTH] for scores in (truth, found))
    return float(np.mean([len(set(a) & set(b)) / DEPTH for a, b in zip(first.tolist(), second.tolist(), strict=True)]))


def recall_of_all(truth: np.ndarray, found: np.ndarray, times: float) -> float:
    """`recall`, had the corpus `times` as many films.

    More films lie closer together, and rounding misorders more of them: what is lost grows about linearly with the logarithm
    of their number. The line goes through a sixteenth, a quarter and all of the sample.
    """
    generator, films = np.random.default_rng(SEED), truth.shape[1]
    sizes = [films // 16, films // 4, films]
    lost = []
    for size in sizes:
        draws = [generator.choice(films, size, replace=False) for _ in range(max(1, 4 * (size < films)))]
        lost.append(1 - np.mean([recall(truth[:, rows], found[:, rows]) for rows in map(np.sort, draws)]))
    slope, level = np.polyfit(np.log(sizes), lost, 1)
    return float(1 - level - slope * np.log(films * times))


def latency(sample: Sample, total: int, texts: list[str]) -> float:
    """Tells how long one query takes against `total` films; the 95th percentile in ms of searching alone, on two threads.

    The vectors are the sample's, repeated with noise: only their number costs time.
    """
    import torch

    generator = np.random.default_rng(SEED)
    matrix = sample.found.matrix[generator.integers(0, len(sample.texts), total)]
    for start in range(0, total, 20_000):
        matrix[start : start + 20_000] += 0.01 * generator.normal(size=matrix[start : start + 20_000].shape).astype(np.float32)
    index = FilmIndex.of([f"{number:07}" for number in range(total)], matrix, encoder="bench", release_id="bench")
    spent = {threads: _one_by_one(index, texts, sample.tried, threads) for threads in (2, 1)}
    torch.set_num_threads(2)
    vectors = encode(texts, sample.tried)
    started = time.perf_counter()
    index.search(vectors, DEPTH)
    say("all queries at once, without encoding", queries=len(texts), a_second=round(len(texts) / (time.perf_counter() - started)))
    return spent[2]


def _one_by_one(index: FilmIndex, texts: list[str], config: TextEncoderConfig, threads: int) -> float:
    import torch

    torch.set_num_threads(threads)
    spent = []
    for text in texts:
        clock = [time.perf_counter()]
        query = encode([text], config)
        clock.append(time.perf_counter())
        index.search(query, DEPTH)
        clock.append(time.perf_counter())
        spent.append(np.diff(clock) * 1000)
    encoding, searching = np.array(spent[3:]).T  # the first ones load and warm up
    timed = {"search": searching, "with_encoding": encoding + searching}
    told = {f"{name}_p{at}_ms": round(float(np.percentile(values, at)), 1) for name, values in timed.items() for at in (50, 95)}
    say("one query at a time", threads=threads, films=len(index.ids), load=round(os.getloadavg()[0], 1), **told)
    return told["search_p95_ms"]


def costs(sample: "Sample", documents: list[str], written: float) -> float:
    """Tells what encoding everything takes in either precision; minutes as asked."""
    lengths = word_pieces(documents, sample.exact)
    read = round(float(lengths.mean()), 1), round(float((lengths >= sample.exact.max_tokens).mean()), 3)
    say("documents", films=len(documents), cpu_s=round(written, 1), word_pieces_mean=read[0], at_cut=read[1])
    minutes = 0.0
    for config, vectors in ((sample.exact, sample.truth), (sample.tried, sample.found)):
        minutes = (vectors.cpu_s * lengths.sum() / lengths[sample.rows].sum() + written) / CORES / 60
        say(
            "encoding",
            precision=config.precision,
            sample=len(sample.rows),
            cpu_s=round(vectors.cpu_s, 1),
            minutes_for_all=round(minutes, 1),
        )
    return minutes


def stand_ins(sample: "Sample", films_in_all: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the sample that nothing was learned from, and their stand-ins."""
    order = np.random.default_rng(SEED).permutation(len(sample.texts))
    learn, rest = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
    learned, seconds = cpu(lambda: static.distil([sample.texts[i] for i in learn], sample.truth.matrix[learn], sample.exact))
    vectors, encoding = cpu(lambda: learned.encode([sample.texts[i] for i in rest]))
    say("stand-ins", learned_from=len(learn), learning_cpu_s=round(seconds, 1), cpu_s_for_all=round(encoding * films_in_all / len(rest), 1))
    return rest, vectors


def losses(sample: "Sample", asked: dict[str, list[str]], films_in_all: int) -> float:
    """Tells recall@50 against exact float32 search for each kind of query; the lowest as asked."""
    rest, cheap = stand_ins(sample, films_in_all)
    times, lowest = films_in_all / len(sample.texts), 1.0
    exact = {kind: encode(questions, sample.exact) for kind, questions in asked.items()}
    tried = {kind: encode(questions, sample.tried) for kind, questions in asked.items()}
    for kind in asked:
        wanted, found = exact[kind] @ sample.truth.matrix.T, tried[kind] @ sample.found.matrix.T
        whole = recall_of_all(wanted, found, times)
        lowest = min(lowest, whole)
        say("recall@50", queries=kind, precision=sample.tried.precision, in_sample=round(recall(wanted, found), 4), of_all=round(whole, 4))
        say("recall@50", queries=kind, precision="stand-ins", in_sample=round(recall(wanted[:, rest], exact[kind] @ cheap.T), 4))
    return lowest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workspace", nargs="?", type=Path, help="a standard workspace folder; the usual one when left out")
    parser.add_argument("--sample", type=int, default=40_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--cache", type=Path, help="where the sample's vectors are kept between runs")
    arguments = parser.parse_args()
    usual = open_workspace(load_profile(PROFILES / "standard.yaml"))
    workspace = replace(usual, root=arguments.workspace) if arguments.workspace else usual
    folder = arguments.cache or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)

    (rows, documents), written = cpu(lambda: films(workspace))
    chosen = np.sort(np.random.default_rng(SEED).choice(len(documents), min(arguments.sample, len(documents)), replace=False))
    texts = [documents[row] for row in chosen]
    exact = TextEncoderConfig(processes=1, batch_size=32)
    tried = replace(exact, precision=arguments.precision)
    sample = Sample(chosen, texts, exact, tried, embedded(texts, exact, folder), embedded(texts, tried, folder))
    asked = queries(workspace, rows, arguments.queries)
    reached = (costs(sample, documents, written), losses(sample, asked, len(documents)), latency(sample, len(documents), asked["facts"]))
    for (name, bar), value in zip(BARS.items(), reached, strict=True):
        say(name, bar=bar, reached=round(value, 4), ok=bool(value >= bar if name == "recall@50" else value <= bar))


if __name__ == "__main__":
    main()
