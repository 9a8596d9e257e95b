"""What the corpus index loses against exact vectors: recall@50 over every film of the workspace, on queries of validation turns.

`python tests/bench/corpus_recall.py` reads the workspace of the profile that applies, after `marquee build`. Each query's first 150
films are encoded again in float32 and put in order; told is the share of the 50 nearest among them that the index has among its own
first 50, and how deep in the index the deepest of them lay: far from 150, none was missed. Seconds of the build are in its record.
"""

import argparse

import numpy as np

from assets_defs.profile import choose_profile
from assets_defs.search import STEP, corpus_encoder, films_of
from assets_defs.turns import DIALOGUE_TOKENS, query_text
from assets_defs.workspace import Workspace, open_workspace
from corpus_pipeline import release, store
from corpus_pipeline.schema import tables as t
from modeling.dense_retriever.index import FilmIndex
from modeling.text_encoder.config import TextEncoderConfig
from modeling.text_encoder.encoder import signature
from modeling.text_encoder.infer import encode, encode_cached

POOL, DEPTH, SEED = 150, 50, 7


def queries(space: Workspace, mode: str, count: int) -> list[str]:
    rows = store.read_table(space.table(t.SET_QUERIES), t.SET_QUERIES).to_pylist()
    own = [row["query"] for row in rows if row["split"] == "valid" and row["query_mode"] == mode]
    chosen = np.random.default_rng(SEED).permutation(len(own))[:count]
    return [query_text(own[place]) for place in chosen]


def exact(config: TextEncoderConfig, **changed: object) -> TextEncoderConfig:
    return TextEncoderConfig.from_mapping({**config.to_mapping(), "precision": "float32", **changed})


def recalls(space: Workspace, index: FilmIndex, documents: dict[str, str], texts: list[str]) -> tuple[list[float], int]:
    """Recall of each query, and the deepest place in the index of a film that exact vectors have among their first."""
    config = corpus_encoder(space)
    asked = {"max_tokens": DIALOGUE_TOKENS, "batch_size": 1}
    pools, _ = index.search(encode(texts, TextEncoderConfig.from_mapping({**config.to_mapping(), **asked})), POOL)
    films = sorted({film for pool in pools for film in pool})
    vectors = encode_cached([documents[film] for film in films], exact(config), cache_dir=space.embedding_cache)
    row = {film: place for place, film in enumerate(films)}
    found, deepest = [], 0
    for pool, query in zip(pools, encode(texts, exact(config, **asked)), strict=True):
        first = np.argsort(-(vectors[[row[film] for film in pool]] @ query), kind="stable")[:DEPTH]
        found.append(float(np.mean(first < DEPTH)))
        deepest = max(deepest, int(first.max()) + 1)
    return found, deepest


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--queries", type=int, default=50)
    count = asked.parse_args().queries
    space = open_workspace(choose_profile()[0])
    current = release.current(space.releases)
    index = FilmIndex.load(space.artifact_of(STEP), encoder=signature(corpus_encoder(space)), release_id=current.release_id)
    films = films_of(current)
    documents = dict(zip(films.ids, films.documents, strict=True))
    print(f"{len(index.ids):,} films, {len(index.stand_ins):,} with stand-ins, built in {space.ledger.need(STEP).seconds:.0f} s")
    for mode in ("expert", "raw"):
        found, deepest = recalls(space, index, documents, queries(space, mode, count))
        told = f"mean {np.mean(found):.3f}, lowest {min(found):.2f}, deepest place {deepest} of {POOL}"
        print(f"recall@{DEPTH}, {mode} queries ({len(found)}): {told}")


if __name__ == "__main__":
    main()
