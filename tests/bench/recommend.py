"""How long an answer takes once everything is loaded: the whole way by what orders the candidates, and retrieval alone.

`python tests/bench/recommend.py` reads the workspace of the profile that applies, after `marquee build`. Dialogues are those of the
validation split; answers of language models are not taken from the cache. Prints p50 and p95 in milliseconds.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from assets_defs.profile import choose_profile
from assets_defs.recommend import Assistant
from assets_defs.turns import of_split, sampled
from assets_defs.workspace import Workspace, open_workspace
from corpus_pipeline import store
from corpus_pipeline.schema import tables as t
from modeling.recommender import Conversation, Recommender


class Fresh(Workspace):
    """The workspace with an answer cache of its own, empty at the start: no part is timed with what another one was answered."""

    @cached_property
    def _folder(self) -> Path:
        return Path(tempfile.mkdtemp(prefix="bench-"))

    @property
    def answer_cache(self) -> Path:
        return self._folder / "answers.sqlite"


def conversations(space: Workspace, count: int) -> list[Conversation]:
    rows = of_split(store.read_table(space.table(t.SET_RECOMMENDATION), t.SET_RECOMMENDATION), "valid")
    chosen = sampled(rows, count, purpose="bench").to_pylist()
    return [Conversation(row["context_text"], tuple(row["history_movie_ids"])) for row in chosen]


def timed(answer: Callable[[Conversation], object], said: list[Conversation], warm_up: int = 3) -> tuple[float, float]:
    """(p50, p95) in milliseconds; the first answers load what is loaded lazily and do not count."""
    for one in said[:warm_up]:
        answer(one)
    taken = []
    for one in said[warm_up:]:
        started = time.perf_counter()
        answer(one)
        taken.append(1000 * (time.perf_counter() - started))
    return float(np.percentile(taken, 50)), float(np.percentile(taken, 95))


def retrieval_alone(recommender: Recommender, query: Callable[[Conversation], str]) -> Callable[[Conversation], object]:
    """Encoding, every retriever and the pool, without chooser, the query at hand."""
    bare = replace(recommender, write=query, choose=None)
    return lambda said: bare.recommend(said, k=20)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--dialogues", type=int, default=43)
    asked.add_argument("--only-retrieval", action="store_true")
    given = asked.parse_args()
    count, only_retrieval = given.dialogues, given.only_retrieval
    found = open_workspace(choose_profile()[0])
    said = conversations(found, count)

    def recommender(chooser: str) -> Recommender:
        return Assistant(Fresh(found.root, found.profile, found.mirror), chooser).recommender

    alone = recommender("retrieval")
    print(f"{'part':40} {'p50 ms':>8} {'p95 ms':>8}   ({len(said) - 3} dialogues, {len(alone.films):,} films)")
    tell("query expert alone", timed(alone.write, said))
    written = {one.context_text: alone.write(one) for one in said}
    tell("retrieval alone, written query", timed(retrieval_alone(alone, lambda one: written[one.context_text]), said))
    tell("retrieval alone, the dialogue as query", timed(retrieval_alone(alone, lambda one: one.context_text), said))
    if only_retrieval:
        return
    for chooser in ("retrieval", "reranker", "generator"):
        tell(f"the whole way, {chooser}", timed(partial(recommender(chooser).recommend, k=10), said))


def tell(part: str, taken: tuple[float, float]) -> None:
    print(f"{part:40} {taken[0]:8.0f} {taken[1]:8.0f}")


if __name__ == "__main__":
    main()
