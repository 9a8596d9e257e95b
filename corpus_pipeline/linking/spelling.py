"""Which titles are nearly spelled like a query: blocks of characters propose, an edit distance decides.

Two block schemes. A key cut into three segments must keep one of them whole, at most two places away, under two edits
(the pigeonhole argument of PASS-JOIN, Li, Deng, Wang and Feng, VLDB 2011); an edit that spans two segments can break it.
What segments leave unanswered is asked by its rarest trigrams, which survives more edits and costs more. A block with more
than a cap of members proposes nothing. Distances are optimal string alignment: a swap of neighbours is one edit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from corpus_pipeline.linking.arrays import Groups, Texts, distinct
from corpus_pipeline.linking.settings import BlockSettings
from corpus_pipeline.linking.words import Array, substring_hashes

SEGMENTS = 3
GRAM_MEMBERS = 4_000_000  # members of trigram blocks looked at together, about 200 MB
SHORTEST = 4  # characters of a key: below it every key is two edits from thousands of others
_LETTERS = {character: bit for bit, character in enumerate("abcdefghijklmnopqrstuvwxyz0123456789 ")}


@dataclass(frozen=True, slots=True)
class Spelling:
    """Blocks over `keys` (strings, k of them). `letters` uint64 (k): which characters a key has, one bit each."""

    keys: Texts
    letters: Array
    segments: Groups
    grams: Groups


@dataclass(frozen=True, slots=True)
class Alike:
    """Pairs found: `query` int64, `key` int64, `distance` float32 (edits), `similarity` float32 (normalised indel, 0 to 1)."""

    query: Array
    key: Array
    distance: Array
    similarity: Array


def spelling_of(keys: Sequence[str], eligible: Array) -> Spelling:
    """Index the `eligible` (bool) among `keys`; the others can never be proposed."""
    members = np.flatnonzero(eligible & (np.fromiter(map(len, keys), np.int64, len(keys)) >= SHORTEST))
    strings = [keys[member] for member in members.tolist()]
    pieces = [(members[rows], *_segment_hashes(codes)) for rows, codes in _by_length(strings)]
    hashes = np.concatenate([np.zeros(0, np.uint64), *(found for _, found, _ in pieces)])
    owners = np.concatenate([np.zeros(0, np.int64), *(np.tile(rows, count) for rows, _, count in pieces)])
    gram_hashes, gram_owners = _grams(strings)
    return Spelling(Texts.of(keys), _letters(keys), Groups.of(hashes, owners), Groups.of(gram_hashes, members[gram_owners]))


def alike(queries: Sequence[str], spelling: Spelling, settings: BlockSettings, *, thorough: bool = True) -> Alike:
    """Keys nearly spelled like each of `queries` (link keys), best first per query: fewest edits, then similarity, then place.

    Not `thorough`: segments alone are asked, the smaller ones, for stretches of text of which few are titles at all.
    """
    cap = settings.segment_cap if thorough else settings.text_segment_cap
    near = _near(queries, _segment_pairs(queries, spelling, settings, cap), spelling, settings)
    answered = np.zeros(len(queries), bool)
    answered[near.query] = True
    left = np.flatnonzero(~answered)
    if thorough and len(left):
        asked = [queries[row] for row in left.tolist()]
        far = _far(asked, _gram_pairs(asked, spelling, settings), spelling, settings)
        near = Alike(*(np.concatenate(pair) for pair in zip(_fields(near), (left[far.query], *_fields(far)[1:]), strict=True)))
    order = np.lexsort((near.key, -near.similarity, near.distance, near.query))
    kept = order[_rank_in_group(near.query[order]) < settings.keys_per_query]
    return Alike(*(field[kept] for field in _fields(near)))


def _fields(found: Alike) -> tuple[Array, ...]:
    return found.query, found.key, found.distance, found.similarity


def _by_length(strings: Sequence[str]) -> list[tuple[Array, Array]]:
    """(rows, characters uint32 (rows, length)) per length."""
    lengths = np.fromiter(map(len, strings), np.int64, len(strings))
    order = np.argsort(lengths, kind="stable")
    flat = np.frombuffer("".join([strings[row] for row in order.tolist()]).encode("utf-32-le", "surrogatepass"), np.uint32)
    found, place = [], 0
    for length, count in zip(*np.unique(lengths, return_counts=True), strict=True):
        rows = order[np.searchsorted(lengths[order], length) :][:count]
        found.append((rows, flat[place : place + length * count].reshape(count, length)))
        place += length * count
    return found


def _cuts(length: int) -> list[tuple[int, int]]:
    """(start, size) of each segment of a key of `length` characters."""
    bounds = [length * part // SEGMENTS for part in range(SEGMENTS + 1)]
    return [(start, end - start) for start, end in pairwise(bounds)]


def _salt(length: int, part: int) -> int:
    return length * SEGMENTS + part


def _segment_hashes(codes: Array) -> tuple[Array, int]:
    length = codes.shape[1]
    hashes = [substring_hashes(codes[:, start : start + size], _salt(length, part)) for part, (start, size) in enumerate(_cuts(length))]
    return np.concatenate(hashes), len(hashes)


def _segment_pairs(queries: Sequence[str], spelling: Spelling, settings: BlockSettings, cap: int) -> tuple[Array, Array]:
    """Pairs that share a segment at a place where at most `edits` edits can have moved it."""
    hashes, owners = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    for rows, codes in _by_length(queries):
        own = codes.shape[1]
        for length in range(max(SHORTEST, own - settings.edits), own + settings.edits + 1):
            gap = own - length
            for part, (start, size) in enumerate(_cuts(length)):
                first = max(0, start - (settings.edits - gap) // 2)
                last = min(own - size, start + (settings.edits + gap) // 2)
                found = [substring_hashes(codes[:, place : place + size], _salt(length, part)) for place in range(first, last + 1)]
                hashes += found
                owners += [rows] * len(found)
    query, key = _members(np.concatenate(owners), np.concatenate(hashes), spelling.segments, cap)
    letters = _letters(queries)
    close = np.bitwise_count(spelling.letters[key] ^ letters[query]) <= 2 * settings.edits  # one edit changes two bits at most
    return _distinct(query[close], key[close], len(spelling.keys))


def _members(owners: Array, hashes: Array, groups: Groups, cap: int) -> tuple[Array, Array]:
    order = np.argsort(hashes, kind="stable")  # neighbours in the index are neighbours in memory
    found = groups.find(hashes[order])
    known = np.flatnonzero(found >= 0)
    small = known[groups.sizes(found[known]) <= cap]
    places, members = groups.expand(found[small])
    return owners[order[small]][places], members


def _distinct(query: Array, key: Array, keys: int) -> tuple[Array, Array]:
    pairs = distinct(query.astype(np.int64) * keys + key)
    return pairs // keys, pairs % keys


def _gram_pairs(queries: Sequence[str], spelling: Spelling, settings: BlockSettings) -> tuple[Array, Array]:
    """The `gram_limit` keys of each query that share most of its rarest trigrams; one shared trigram is no evidence."""
    step = max(1, GRAM_MEMBERS // settings.gram_budget)
    parts = [_gram_pairs_of(queries[start : start + step], spelling, settings) for start in range(0, len(queries), step)]
    return np.concatenate([query + step * part for part, (query, _) in enumerate(parts)]), np.concatenate([key for _, key in parts])


def _gram_pairs_of(queries: Sequence[str], spelling: Spelling, settings: BlockSettings) -> tuple[Array, Array]:
    hashes, owners = _grams(queries)
    found = spelling.grams.find(hashes)
    known = np.flatnonzero(found >= 0)
    sizes = spelling.grams.sizes(found[known]).astype(np.int64)
    order = np.lexsort((hashes[known], sizes, owners[known]))
    spent = np.cumsum(sizes[order])
    before = spent - sizes[order]
    spent -= np.maximum.accumulate(np.where(_rank_in_group(owners[known][order]) == 0, before, 0))
    rarest = known[order[spent <= settings.gram_budget]]
    places, key = spelling.grams.expand(found[rarest])
    pairs, shared = np.unique(owners[rarest][places].astype(np.int64) * len(spelling.keys) + key, return_counts=True)
    pairs, shared = pairs[shared > 1], shared[shared > 1]
    query, key = pairs // len(spelling.keys), pairs % len(spelling.keys)
    order = np.lexsort((key, -shared, query))
    kept = order[_rank_in_group(query[order]) < settings.gram_limit]
    return query[kept], key[kept]


def _rank_in_group(sorted_groups: Array) -> Array:
    """0, 1, 2, ... within each run of equal values."""
    inside = np.arange(len(sorted_groups))
    firsts = np.concatenate([[True], sorted_groups[1:] != sorted_groups[:-1]])[: len(sorted_groups)]
    return inside - np.maximum.accumulate(np.where(firsts, inside, 0)) if len(inside) else inside


def _near(queries: Sequence[str], pairs: tuple[Array, Array], spelling: Spelling, settings: BlockSettings) -> Alike:
    """The pairs at most `edits` edits apart."""
    from rapidfuzz.distance import OSA

    distance = _compared(queries, pairs, spelling, OSA.distance, score_cutoff=settings.edits)
    kept = np.flatnonzero(distance <= settings.edits)
    query, key = pairs[0][kept], pairs[1][kept]
    return Alike(query, key, distance[kept], _similarity(queries, (query, key), spelling))


def _far(queries: Sequence[str], pairs: tuple[Array, Array], spelling: Spelling, settings: BlockSettings) -> Alike:
    """The pairs above the similarity floor."""
    from rapidfuzz.distance import OSA

    similarity = _similarity(queries, pairs, spelling)
    kept = np.flatnonzero(similarity >= settings.similarity_floor)
    query, key = pairs[0][kept], pairs[1][kept]
    return Alike(query, key, _compared(queries, (query, key), spelling, OSA.distance), similarity[kept])


def _similarity(queries: Sequence[str], pairs: tuple[Array, Array], spelling: Spelling) -> Array:
    from rapidfuzz import fuzz

    return _compared(queries, pairs, spelling, fuzz.ratio) / np.float32(100)


def _compared(
    queries: Sequence[str], pairs: tuple[Array, Array], spelling: Spelling, scorer: Any, *, score_cutoff: int | None = None
) -> Array:
    from rapidfuzz import process

    if not len(pairs[0]):
        return np.zeros(0, np.float32)
    asked = np.array(queries, object)[pairs[0]].tolist()
    return np.asarray(process.cpdist(asked, spelling.keys.take(pairs[1]), scorer=scorer, dtype=np.float32, score_cutoff=score_cutoff))


def _letters(strings: Sequence[str]) -> Array:
    """Which characters each string has: one bit for each of a to z, 0 to 9 and the space, shared bits for all others."""
    if not len(strings):
        return np.zeros(0, np.uint64)
    flat = np.frombuffer("\n".join([*strings, ""]).encode("utf-32-le", "surrogatepass"), np.uint32)
    bits = np.left_shift(np.uint64(1), (len(_LETTERS) + flat % 26).astype(np.uint64))
    table = np.zeros(128, np.uint64)
    for character, bit in _LETTERS.items():
        table[ord(character)] = 1 << bit
    known = (flat < 128) & (table[np.minimum(flat, 127)] > 0)
    bits = np.where(known, table[np.minimum(flat, 127)], np.where(flat == 10, np.uint64(0), bits))
    starts = np.concatenate([[0], np.cumsum(np.fromiter(map(len, strings), np.int64, len(strings)) + 1)[:-1]])
    return np.bitwise_or.reduceat(bits, starts)


def _grams(strings: Sequence[str]) -> tuple[Array, Array]:
    """(hash, owner) of each string's distinct trigrams, a space at each end so that word starts and ends are grams of their own."""
    if not len(strings):
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    flat = np.frombuffer("".join([f" {string} " for string in strings]).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    sizes = np.fromiter(map(len, strings), np.int64, len(strings)) + 2
    owners = np.repeat(np.arange(len(strings)), sizes)
    packed = (flat[:-2] << np.uint64(42)) | (flat[1:-1] << np.uint64(21)) | flat[2:]
    whole = owners[:-2] == owners[2:]
    gram, owner = packed[whole], owners[:-2][whole]
    order = np.lexsort((gram, owner))
    gram, owner = gram[order], owner[order]
    first = np.concatenate([[True], (gram[1:] != gram[:-1]) | (owner[1:] != owner[:-1])])[: len(gram)]
    return gram[first], owner[first]
