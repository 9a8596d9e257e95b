"""Many texts to vectors: order, worker processes, cache. What a transformer does with one batch is in `encoder`.

Batches are fixed by the texts alone (sorted by length, then text) and finish in that order. What is cached after a kill is
therefore a whole number of batches, and the rest is batched as it would have been: the vectors come out the same.
"""

import multiprocessing
import os
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path

import numpy as np

from modeling.documents import DOCUMENT_VERSION
from modeling.errors import DataError, EncoderError
from modeling.text_encoder import encoder
from modeling.text_encoder.cache import Vector, VectorCache
from modeling.text_encoder.config import TextEncoderConfig
from modeling.text_encoder.embeddings import ItemEmbeddings, Matrix

Progress = Callable[[int, int], None]
ALONE_AT_MOST = 256  # a worker takes some 8 s to import torch and load weights, about what 256 texts take
SHARD_TEXTS = 2000  # half a minute of work is the most that a kill costs; 3 MB a file
_BATCHES_PER_SPAN = 8  # one message to a worker and back


def encode(texts: Sequence[str], config: TextEncoderConfig, *, progress: Progress | None = None) -> Matrix:
    """Vectors (n, d) float32, row i of `texts[i]`. The same text gets the same vector within 1e-5 in any company.

    `progress` is told texts done and all texts. DataError without a text; EncoderError when the encoder is not there.
    """
    if not texts:
        raise DataError("encoding texts: no text was given; expected at least one")
    rows: list[Vector | None] = [None] * len(texts)
    done = 0
    with closing(_spans_encoded(texts, config)) as spans:
        for indices, vectors in spans:
            for index, vector in zip(indices, vectors, strict=True):
                rows[index] = vector
            done += len(indices)
            if progress:
                progress(done, len(texts))
    return np.stack([row for row in rows if row is not None])


def embed_items(
    ids: Sequence[str],
    texts: Sequence[str],
    config: TextEncoderConfig,
    *,
    cache_dir: Path,
    progress: Progress | None = None,
    shard_texts: int = SHARD_TEXTS,
) -> ItemEmbeddings:
    """One vector per item, by `encode_cached`.

    DataError when ids repeat, none is given, or there is not one text per id; EncoderError when the encoder is not there or a
    worker process died.
    """
    if not ids or len(ids) != len(texts) or len(set(ids)) != len(ids):
        raise DataError(f"encoding items: {len(ids)} ids, {len(set(ids))} distinct, {len(texts)} texts; expected one text per distinct id")
    matrix = encode_cached(texts, config, cache_dir=cache_dir, progress=progress, shard_texts=shard_texts)
    return ItemEmbeddings(tuple(ids), matrix, f"{encoder.signature(config)} document={DOCUMENT_VERSION}")


def encode_cached(
    texts: Sequence[str], config: TextEncoderConfig, *, cache_dir: Path, progress: Progress | None = None, shard_texts: int = SHARD_TEXTS
) -> Matrix:
    """`encode` for texts that will come again: those in the cache need no encoder, new ones are cached every `shard_texts`.

    `progress` is told distinct texts done, those found in the cache included, and all. DataError without a text.
    """
    if not texts:
        raise DataError("encoding texts: no text was given; expected at least one")
    cache = VectorCache(cache_dir, encoder.signature(config))
    keys = [cache.key(text) for text in texts]
    text_of = dict(zip(keys, texts, strict=True))
    vectors = cache.find(keys)
    tell = progress or (lambda _done, _total: None)
    tell(len(vectors), len(text_of))
    missing = {key: text for key, text in text_of.items() if key not in vectors}
    with closing(_cached_spans(missing, config, cache, shard_texts)) as spans:  # closed at once also when `progress` raises
        for added in spans:
            vectors.update(added)
            tell(len(vectors), len(text_of))
    return np.stack([vectors[key] for key in keys])


def _cached_spans(
    missing: dict[bytes, str], config: TextEncoderConfig, cache: VectorCache, shard_texts: int
) -> Generator[dict[bytes, Vector], None, None]:
    """Encode `missing`, put it into the cache shard by shard, also when interrupted, and tell each span."""
    keys, pending = list(missing), dict[bytes, Vector]()
    try:
        for indices, vectors in _spans_encoded(list(missing.values()), config):
            span = {keys[index]: vector for index, vector in zip(indices, vectors, strict=True)}
            pending.update(span)
            if len(pending) >= shard_texts:
                cache.add(pending)
                pending.clear()
            yield span
    finally:
        cache.add(pending)


def _spans_encoded(texts: Sequence[str], config: TextEncoderConfig) -> Generator[tuple[list[int], Matrix], None, None]:
    """Row numbers and vectors, a span of batches at a time, always in the same order."""
    spans = _spans(texts, config)
    # A daemonic process may not have children; another machine's work is not done faster by processes of ours.
    is_alone = len(texts) <= ALONE_AT_MOST or config.processes == 1 or config.base_url or multiprocessing.current_process().daemon
    batches = [[texts[index] for index in span] for span in spans]
    encoded = (_encode_span(config, batch) for batch in batches) if is_alone else _by_workers(batches, config)
    yield from zip(spans, encoded, strict=True)


def _spans(texts: Sequence[str], config: TextEncoderConfig) -> list[list[int]]:
    """Texts of like length together, so that little is padding; longest first, so that memory peaks at once."""
    order = sorted(range(len(texts)), key=lambda index: (-len(texts[index]), texts[index]))
    size = config.batch_size * _BATCHES_PER_SPAN
    return [order[start : start + size] for start in range(0, len(order), size)]


def _encode_span(config: TextEncoderConfig, texts: list[str]) -> Matrix:
    return encoder.load(config).encode(texts)


def _by_workers(batches: list[list[str]], config: TextEncoderConfig) -> Generator[Matrix, None, None]:
    # spawn: a fork of a process that has run torch or DuckDB inherits their locks without their threads
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(config.processes, len(batches)), mp_context=context, initializer=_start_worker)
    try:
        yield from pool.map(_encode_span, [config] * len(batches), batches)
    except BrokenProcessPool as error:
        raise EncoderError(
            f"encoding texts: one of {config.processes} worker processes died, often for lack of memory; "
            "run again (finished texts are cached), with fewer processes if it repeats"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    import torch

    torch.set_num_threads(1)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """A killed parent cannot end its workers, and they would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
