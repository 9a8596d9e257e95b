"""Matching of misspelled titles by the libraries people use for it: the peers a linker's speed and accuracy are measured against.

    python tests/bench/linking_peers.py RELEASE_FOLDER [--queries 2000] [--scan 200] [--thefuzz 5] [--seed 7]

Needs the extra `bench` and a release; without a folder it only says so. The titles are the distinct `core_titles.title_key` of the
release, the queries keys with one or two random edits that left no title. Every peer runs in a process of its own, so that its peak of
memory holds the interpreter, the titles and itself, on two threads where the library has threads; `fit` is the time to index the
titles, `queries/s` the rest. The scans read every title for every query, so they answer only the first ones. An edit can bring a
title nearer to another one than to its own, so an accuracy of 1 is out of reach over many queries.
"""

import argparse
import logging
import random
import string
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from corpus_pipeline import store

THREADS = 2
CANDIDATES = 50  # of a title by TF-IDF, for the edit similarity to choose among
SCAN_CHUNK = 64  # queries a call: twice the rate of 16; 64 rows of 400,000 float32 scores are 102 MB
SHORTEST = 4  # characters of a title that is misspelled: two edits leave nothing to recognise in a shorter one

# Splink. The windows are (start in the title, start in the query), four characters each, from the end where negative: the same place,
# then one place on or back, for an insertion or a deletion before it. They keep the true title of 96 % of 2,000 queries, at 789 pairs each.
WINDOWS = ((1, 1), (-4, -4), (5, 5), (-8, -8), (3, 3), (2, 3), (3, 2), (2, 1), (1, 2))
# Jaro-Winkler thresholds and the share of 10,000 misspellings of another seed at each, the rest last (m). Twice as many thresholds gave
# 0.10 less accuracy, since 10 million random pairs (u) hold a handful of a narrow level or none; Levenshtein levels beside these gave 0.007
# more on 300 queries, in three times the time.
SIMILARITIES = (0.98, 0.96, 0.94, 0.92, 0.9, 0.86, 0.8)
SIMILARITY_SHARES = (0.353, 0.282, 0.162, 0.089, 0.047, 0.042, 0.019, 0.006)
YEAR_SHARES = (0.98, 0.01, 0.01)  # exact, within one, neither; the queries carry the true year, a fact the model may know
RANDOM_PAIRS = 1e7


@dataclass(frozen=True)
class Peer:
    """What one library answered: a title or None for each query, in their order; seconds; peak resident memory of its process (MiB)."""

    name: str
    answers: list[str | None]
    fit_seconds: float
    query_seconds: float
    peak_rss_mib: float


class Misspelled(NamedTuple):
    """Queries and, beside each, the title it was made from."""

    queries: list[str]
    truths: list[str]


class Years(NamedTuple):
    """The years of the films of each title, ascending, and the year given with each query, None where it is not known."""

    known: Mapping[str, Sequence[int]]
    given: Sequence[int | None]


def titles_of(release: Path) -> dict[str, list[int]]:
    """The distinct title keys of a release, sorted, each with the known years of its films, ascending."""
    folder = release / "tables"
    with store.connect({"titles": folder / "core_titles.parquet", "movies": folder / "core_movies.parquet"}) as con:
        rows = con.execute(
            """
            SELECT title_key, coalesce(list(DISTINCT year ORDER BY year) FILTER (year IS NOT NULL), [])
            FROM titles JOIN movies USING (movie_id) WHERE title_key <> '' GROUP BY title_key ORDER BY title_key
            """
        ).fetchall()
    return dict(rows)


def misspelled_queries(keys: Sequence[str], count: int, seed: int) -> Misspelled:
    """`count` titles of four characters or more after one or two random edits, none of them a title itself."""
    rng, titles = random.Random(seed), set(keys)
    drawn, found = [key for key in keys if len(key) >= SHORTEST], Misspelled([], [])
    while len(found.queries) < count:
        truth = query = rng.choice(drawn)
        for _ in range(rng.choice((1, 2))):
            query = _edited(query, rng)
        query = " ".join(query.split())  # as in a title key, no space is doubled or at an end
        if query and query not in titles:
            found.queries.append(query)
            found.truths.append(truth)
    return found


def _edited(text: str, rng: random.Random) -> str:
    """One insertion, deletion or substitution at a random place, or a swap of two neighbours; new letters are a to z."""
    kind, letter = rng.choice(("insert", "delete", "substitute", "swap")), rng.choice(string.ascii_lowercase)
    at = rng.randrange(len(text) - (kind == "swap"))
    before, here, after = text[:at], text[at], text[at + 1 :]
    made = {
        "insert": letter + here + after,
        "delete": after,
        "substitute": letter + after,
        "swap": after[:1] + here + after[1:],
    }
    return before + made[kind]


def true_years(known: Mapping[str, Sequence[int]], truths: Sequence[str], seed: int) -> Years:
    """A film of each true title drawn at random, and its year."""
    rng = random.Random(seed)
    return Years(known, [rng.choice(known[truth]) if known[truth] else None for truth in truths])


def peak_mib() -> float:
    """The highest resident memory of this process so far; unlike `ru_maxrss` it does not start from the parent's."""
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024


def _peer(name: str, answers: list[str | None], started: float, fitted: float) -> Peer:
    return Peer(name, answers, fitted - started, time.perf_counter() - fitted, peak_mib())


def tfidf(keys: list[str], queries: list[str], analyzer: str = "char_wb") -> Peer:
    """The 50 nearest titles by TF-IDF of their trigrams, and of these the one of the highest edit similarity."""
    from rapidfuzz import fuzz, process
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sparse_dot_topn import sp_matmul_topn

    started = time.perf_counter()
    weights = TfidfVectorizer(analyzer=analyzer, ngram_range=(3, 3), lowercase=False, dtype=np.float32)
    columns = weights.fit_transform(keys).T.tocsr()
    fitted = time.perf_counter()
    near = sp_matmul_topn(weights.transform(queries), columns, top_n=CANDIDATES, sort=True, n_threads=THREADS)
    answers: list[str | None] = []
    for query, first, last in zip(queries, near.indptr, near.indptr[1:], strict=False):
        best = process.extractOne(query, [keys[i] for i in near.indices[first:last]], scorer=fuzz.ratio)
        answers.append(best[0] if best else None)
    return _peer(f"sklearn tf-idf ({analyzer}) + sparse_dot_topn + rapidfuzz", answers, started, fitted)


def rapidfuzz_scan(keys: list[str], queries: list[str]) -> Peer:
    """The highest edit similarity to any title; `cdist` does about ten times as many queries a second as `extractOne`."""
    from rapidfuzz import fuzz, process

    started = time.perf_counter()
    answers: list[str | None] = []
    for first in range(0, len(queries), SCAN_CHUNK):
        chunk = queries[first : first + SCAN_CHUNK]
        scores = process.cdist(chunk, keys, scorer=fuzz.ratio, dtype=np.float32, workers=THREADS)
        answers += [keys[best] for best in scores.argmax(axis=1)]
    return _peer("rapidfuzz cdist", answers, started, started)


def thefuzz_scan(keys: list[str], queries: list[str], scorer: str = "ratio") -> Peer:
    """The highest score of any title; `WRatio` is what the library takes where no scorer is named."""
    from thefuzz import fuzz, process

    started = time.perf_counter()
    answers: list[str | None] = []
    for query in queries:
        best = process.extractOne(query, keys, scorer=getattr(fuzz, scorer))
        answers.append(best[0] if best else None)
    return _peer(f"thefuzz extractOne ({scorer})", answers, started, started)


def splink(keys: list[str], queries: list[str], years: Years | None = None) -> Peer:
    """The title of the highest match weight among those that share four characters, by spelling and, where `years` are given, year."""
    from splink import DuckDBAPI, Linker

    logging.getLogger("splink").setLevel(logging.ERROR)
    started = time.perf_counter()
    with store.connect(_records(keys, queries, years), threads=THREADS) as con:
        settings = _settings(len(keys), years is not None)
        linker = Linker(["keys", "queries"], settings, DuckDBAPI(connection=con), set_up_basic_logging=False)
        linker.training.estimate_u_using_random_sampling(max_pairs=RANDOM_PAIRS, seed=1)
        fitted = time.perf_counter()
        pairs = linker.inference.predict().physical_name
        rows = con.execute(
            f"SELECT unique_id_r, first(title_l ORDER BY match_weight DESC, title_l) FROM {pairs} GROUP BY unique_id_r"
        ).fetchall()
    best = dict(rows)
    answers = [best.get(number) for number in range(len(queries))]
    return _peer(f"splink ({'title and year' if years else 'title'})", answers, started, fitted)


def _records(keys: list[str], queries: list[str], years: Years | None) -> dict[str, "pa.Table | Path"]:
    """The two tables to link; with years a title is there once for each year it was used."""
    if years is None:
        return {"keys": _numbered(keys), "queries": _numbered(queries)}
    used: list[tuple[str, int | None]] = [(key, year) for key in keys for year in (years.known[key] or (None,))]
    titles, their_years = zip(*used, strict=True)
    return {"keys": _numbered(titles, their_years), "queries": _numbered(queries, years.given)}


def _numbered(titles: Sequence[str], years: Sequence[int | None] | None = None) -> pa.Table:
    columns = {"unique_id": pa.array(range(len(titles)), pa.int64()), "title": pa.array(titles, pa.string())}
    return pa.table(columns | ({"year": pa.array(years, pa.int32())} if years else {}))


def _settings(titles: int, with_year: bool) -> Any:
    from splink import SettingsCreator
    from splink.blocking_rule_library import CustomRule

    rules = [f"substr(l.title, {left}, 4) = substr(r.title, {right}, 4)" for left, right in WINDOWS]
    return SettingsCreator(
        link_type="link_only",
        comparisons=_comparisons(with_year),
        blocking_rules_to_generate_predictions=[CustomRule(rule) for rule in rules],
        probability_two_random_records_match=1 / titles,
    )


def _comparisons(with_year: bool) -> list[Any]:
    from splink import comparison_level_library as level
    from splink.comparison_library import CustomComparison

    spelling: list[Any] = [level.NullLevel("title"), *(level.JaroWinklerLevel("title", least) for least in SIMILARITIES), level.ElseLevel()]
    chosen = [CustomComparison(spelling, "title").configure(m_probabilities=list(SIMILARITY_SHARES))]
    if with_year:
        near = level.AbsoluteDifferenceLevel("year", 1)
        year: list[Any] = [level.NullLevel("year"), level.ExactMatchLevel("year"), near, level.ElseLevel()]
        chosen.append(CustomComparison(year, "year").configure(m_probabilities=list(YEAR_SHARES)))
    return chosen


def alone(work: Callable[[list[str], list[str]], Peer], keys: list[str], queries: list[str]) -> Peer:
    """`work` in a fresh process of its own, so that no other peer's memory is in its peak."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, keys, queries).result()


def peers(keys: list[str], queries: list[str], years: Years | None = None, *, scan: int = 200, thefuzz: int = 5) -> list[Peer]:
    """Every peer, one after another; the scans answer the first `scan` and `thefuzz` queries only, and the year is used where given."""
    runs: list[tuple[Callable[[list[str], list[str]], Peer], int]] = [
        (partial(tfidf, analyzer="char_wb"), len(queries)),
        (partial(tfidf, analyzer="char"), len(queries)),
        (splink, len(queries)),
        *([(partial(splink, years=years), len(queries))] if years else []),
        (rapidfuzz_scan, scan),
        (partial(thefuzz_scan, scorer="ratio"), thefuzz),
        (partial(thefuzz_scan, scorer="WRatio"), thefuzz),
    ]
    return [alone(work, keys, queries[:count]) for work, count in runs]


def table(rows: Sequence[Peer], truths: Sequence[str]) -> str:
    """One line a row, with its rate as a multiple of the first row's; `truths` are the titles of the queries, in their order."""
    width = max(len(row.name) for row in rows)
    lines = [f"{'':{width}}  queries  queries/s  of first  top-1 accuracy   fit s  peak RSS MiB"]
    rates = [len(row.answers) / row.query_seconds for row in rows]
    for row, rate in zip(rows, rates, strict=True):
        right = sum(answer == truth for answer, truth in zip(row.answers, truths, strict=False))  # a scan answers the first ones
        figures = f"{len(row.answers):7,}  {rate:9,.1f}  {rate / rates[0]:8.3f}  {right / len(row.answers):14.3f}"
        lines.append(f"{row.name:{width}}  {figures}  {row.fit_seconds:6.1f}  {row.peak_rss_mib:12,.0f}")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description="Misspelled titles looked up by other libraries: speed, accuracy, memory.")
    parser.add_argument("release", type=Path, nargs="?", help="folder of a release, the one that has tables/")
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--scan", type=int, default=200, help="queries of the rapidfuzz scan")
    parser.add_argument("--thefuzz", type=int, default=5, help="queries of the thefuzz scans")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    if options.release is None:
        print("left out: this bench needs the folder of a release and the extra `bench`")  # no error, so that the other benches still run
        return
    known = titles_of(options.release)
    keys = list(known)
    asked = misspelled_queries(keys, options.queries, options.seed)
    years = true_years(known, asked.truths, options.seed)
    print(f"{len(keys):,} titles, {len(asked.queries):,} misspelled, seed {options.seed}, {THREADS} threads", flush=True)
    print(table(peers(keys, asked.queries, years, scan=options.scan, thefuzz=options.thefuzz), asked.truths))


if __name__ == "__main__":
    main(sys.argv[1:])
