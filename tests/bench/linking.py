"""The linker beside its peers on the films of a release: misspelled titles, plain titles, raw dialogue text, memory.

    python tests/bench/linking.py [WORKSPACE_OR_RELEASE] [--queries 2000] [--scan 200]

Everything in one run on one machine, so that ratios mean something. Peers are `linking_peers.py` and need the extra `bench`.
"""

import argparse
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, is_dataclass
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parent))
from linking_peers import Peer, misspelled_queries, peak_mib, peers, table, titles_of, true_years

from assets_defs.profile import PROFILES, load_profile
from assets_defs.workspace import Workspace, open_workspace
from corpus_pipeline import release
from corpus_pipeline.errors import ReleaseError
from corpus_pipeline.linking.link import Linker
from corpus_pipeline.linking.settings import DEFAULT
from corpus_pipeline.linking.spelling import alike
from corpus_pipeline.linking.title_index import open_index
from corpus_pipeline.linking.words import link_key
from corpus_pipeline.schema import tables as t

CORES = 2
SEED = 7
EXACT, TURNS = 200_000, 20_000
PEERS = ("sklearn", "sparse_dot_topn", "splink", "thefuzz")
BARS = {
    "misspelled titles, times the best trigram pipeline": 5.0,
    "plain titles with their years, a second": 100_000,
    "turns of raw dialogue, a second": 2_000,
    "memory of the loaded index, MiB (at most)": 600,
}


def found_by_spelling(folder: Path, release_id: str, queries: list[str]) -> list[str | None]:
    """The key that each query is most nearly spelled like: look-up alone, without years and popularity."""
    index = open_index(folder, release_id=release_id)
    found = alike([link_key(query) for query in queries], index.spelling, DEFAULT)
    first = np.concatenate([[True], found.query[1:] != found.query[:-1]])[: len(found.query)]
    keys = index.spelling.keys.take(found.key[first])
    best = dict(zip(found.query[first].tolist(), keys, strict=True))
    return [best.get(number) for number in range(len(queries))]


def _part(work: tuple[str, str, list[str]]) -> tuple[list[str | None], float]:
    """(answers, peak resident memory of the process in MiB)."""
    folder, release_id, queries = work
    return found_by_spelling(Path(folder), release_id, queries), peak_mib()


def ours(found: release.Release, queries: list[str]) -> Peer:
    """Our row of the table: as many processes as cores over one mapped index, as a Dagster partition each would be."""
    with ProcessPoolExecutor(CORES, mp_context=get_context("spawn")) as pool:
        started = time.perf_counter()
        list(pool.map(_part, [(str(found.title_index), found.release_id, queries[:20])] * CORES))
        fit = time.perf_counter() - started
        shares = [queries[place::CORES] for place in range(CORES)]
        started = time.perf_counter()
        parts = list(pool.map(_part, [(str(found.title_index), found.release_id, share) for share in shares]))
        seconds = time.perf_counter() - started
    answers: list[str | None] = [None] * len(queries)
    for place, (part, _) in enumerate(parts):
        answers[place::CORES] = part
    return Peer("marquee (the index was built with the release)", answers, fit, seconds, max(peak for _, peak in parts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("release", nargs="?", type=Path, default=None)
    parser.add_argument("--queries", type=int, default=2_000)
    parser.add_argument("--scan", type=int, default=200)
    asked = parser.parse_args()
    found = _release(asked.release)
    if found is None:
        print("no release of the standard profile: give its folder, or run `marquee build` first")
        return
    rates = {**paths(found), **_apart(memory, found)}
    missing = [name for name in PEERS if find_spec(name) is None]
    if missing:
        print(f"no peers: {missing} are not installed; `pip install -e '.[bench]'`")
    else:
        rates |= compare(found, asked.queries, asked.scan)
    print()
    for name in (bar for bar in BARS if bar in rates):
        print(f"{name:<55} {rates[name]:>12,.1f}   bar {BARS[name]:,.0f}")


def _release(folder: Path | None) -> release.Release | None:
    """The release in `folder`, else the current one of the standard profile, if there is one with an index."""
    try:
        found = release.open_release(folder.parent, folder.name) if folder else release.current(_workspace().releases)
    except ReleaseError:
        return None
    return found if found.manifest.title_index else None


def _workspace() -> Workspace:
    return open_workspace(load_profile(PROFILES / "standard.yaml"))


def _apart(work: Callable[[release.Release], dict[str, float]], found: release.Release) -> dict[str, float]:
    """`work` in a process of its own, so that what others left in memory does not count."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, found).result()


def compare(found: release.Release, count: int, scan: int) -> dict[str, float]:
    """The table of misspelled titles."""
    known = titles_of(found.path)
    keys = sorted(known)
    asked = misspelled_queries(keys, count, SEED)
    mine = ours(found, asked.queries)
    others = peers(keys, asked.queries, true_years(known, asked.truths, SEED), scan=scan)
    truths = [link_key(truth) for truth in asked.truths]
    rows = [mine, *(Peer(p.name, [a and link_key(a) for a in p.answers], p.fit_seconds, p.query_seconds, p.peak_rss_mib) for p in others)]
    print(table(rows, truths))
    best = max(len(p.answers) / p.query_seconds for p in others if "tf-idf" in p.name)
    same = range(scan)
    scanned = next(p for p in others if "cdist" in p.name)
    ours_right = sum(link_key(asked.truths[place]) == mine.answers[place] for place in same)
    scan_right = sum(link_key(asked.truths[place]) == link_key(scanned.answers[place] or "") for place in same)
    shares = f"marquee {ours_right / scan:.4f}, rapidfuzz ratio over all keys {scan_right / scan:.4f}"
    print(f"top-1 on the {scan} queries of the full scan: {shares}")
    return {"misspelled titles, times the best trigram pipeline": len(asked.queries) / mine.query_seconds / best}


def paths(found: release.Release) -> dict[str, float]:
    """Plain titles and raw text, whole way from strings to decisions, one process; the second of two runs counts."""
    linker = Linker(open_index(found.title_index, release_id=found.release_id))
    films = found.columns(t.MOVIES, ("title", "year")).slice(0, EXACT)
    nothing = pa.nulls(len(films), pa.string())
    titles = pa.table({"dataset": nothing, "surface": films["title"], "mention_year": films["year"], "imdb_id": nothing})
    turns = found.columns(t.DIALOGUE_TURNS, ("dialogue_id", "text")).slice(0, TURNS)
    texts, dialogues = turns["text"].to_pylist(), turns["dialogue_id"].to_pylist()
    return {
        "plain titles with their years, a second": _rate(lambda: linker.link_titles(titles), len(titles)),
        "turns of raw dialogue, a second": _rate(lambda: linker.link_texts(texts, dialogues=dialogues), len(texts)),
    }


def _rate(work: Callable[[], object], size: int) -> float:
    work()
    started = time.perf_counter()
    work()
    return size / (time.perf_counter() - started)


def memory(found: release.Release) -> dict[str, float]:
    """How much resident memory opening the index and reading every page of it adds."""
    before = resident_mib()
    index = open_index(found.title_index, release_id=found.release_id)
    for array in vars_of(index):
        np.asarray(array).view(np.uint8).max() if array.nbytes else None
    return {"memory of the loaded index, MiB (at most)": resident_mib() - before}


def vars_of(thing: object) -> Iterator[np.ndarray[Any, Any]]:
    """Every array below a dataclass."""
    if isinstance(thing, np.ndarray):
        yield thing
    elif is_dataclass(thing):
        for field in fields(thing):
            yield from vars_of(getattr(thing, field.name))


def resident_mib() -> float:
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", str(CORES))
    main()
