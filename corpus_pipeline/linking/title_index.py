"""The index of a catalogue: every title, part of a title and abbreviation by its key, films and people as arrays.

It is built once per catalogue, rests beside the release as mapped arrays, and is opened only for the release it was built
for. What belongs here: building, saving, opening. Looking up is in `candidates`, spelling blocks are in `spelling`.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus_pipeline.errors import LinkError
from corpus_pipeline.linking.arrays import Groups, Texts, load, save
from corpus_pipeline.linking.facts import UNRELEASED, VERSION, read_facts, write_facts
from corpus_pipeline.linking.spelling import Spelling, spelling_of
from corpus_pipeline.linking.words import ACRONYM_AUDIENCE, ARTICLES, Array, initials, link_key, sequence_hashes, words_of
from corpus_pipeline.schema.fields import GENRES, KINDS
from corpus_pipeline.schema.tables import CREDITS, MOVIE_GENRES, MOVIE_IDS, MOVIES, PEOPLE, TITLES
from corpus_pipeline.schema.types import Table
from corpus_pipeline.store import connect
from corpus_pipeline.transform.text import register_text_functions

# What the index reads of the catalogue; the other columns, plots among them, are most of its bytes.
CATALOGUE_COLUMNS: dict[Table, tuple[str, ...]] = {
    MOVIES: ("movie_id", "title", "year", "kind", "popularity_score"),
    TITLES: ("movie_id", "title", "title_key", "title_kind"),
    MOVIE_IDS: ("movie_id", "authority", "authority_id"),
    PEOPLE: ("person_id", "name_key"),
    CREDITS: ("movie_id", "person_id"),
    MOVIE_GENRES: ("movie_id", "genre"),
}
PART, ALTERNATIVE, ARTICLE, ACRONYM, LOOSE = 1, 2, 4, 8, 16  # bits of a name's flags
COMMON = 1e-6  # of all words: once in a million, as 'hideout'; the 26,000 words above it are spelled right
PART_AUDIENCE = 3.0  # about 1,000 votes: a misspelled part of an unknown title is more often something else

# What sets a subtitle off: a colon, a long dash, a dash between spaces, a bracket.
MARK = r"\s*(?::|–|—|\s-\s|\s\()\s*"
_HEAD, _TAIL = f"^(.+?){MARK}", f".*{MARK}(.+?)\\)?$"

_FILMS = """
    SELECT row_number() OVER (ORDER BY movie_id) - 1 AS film, movie_id, title, coalesce(year, 0) AS year, kind, popularity_score,
        coalesce(genres, 0) AS genres
    FROM core_movies
    LEFT JOIN (SELECT movie_id, bit_or(1::UINTEGER << (list_position($genres, genre) - 1)) AS genres FROM core_genres GROUP BY ALL)
        USING (movie_id)
    ORDER BY movie_id
"""

# 'John Wick 3' for 'John Wick: Chapter 3 - Parabellum': the number that a title has behind its mark. Places in a series that
# no title tells are not guessed: by year, 'Alien 2' would be 'Alien: Covenant'.
_SERIES = f"""
    SELECT movie_id, regexp_extract(title, '{_HEAD}', 1) || ' ' || number AS part
    FROM (
        SELECT movie_id, title,
            regexp_extract(title, '{MARK}(?:[Cc]hapter|[Pp]art|[Ee]pisode|[Vv]ol\\.?|[Vv]olume|[Bb]ook)?\\s*(\\d+|[IVX]+)\\b', 1) AS number
        FROM core_movies
        WHERE popularity_score >= $audience AND regexp_matches(title, '\\S{MARK}')
    )
    WHERE number <> '' AND regexp_matches(title, '{_HEAD}')
"""

# Titles of other languages and markets give no parts: many call a film 'James Bond: ...' that is not about its namesake.
_NAMES = f"""
    WITH parts AS (
        SELECT movie_id, regexp_extract(title, '{_HEAD}', 1) AS head, regexp_extract(title, '{_TAIL}', 1) AS tail,
            unnest([head, tail, head || ' ' || tail]) AS part
        FROM core_titles
        WHERE title_kind <> 'alternative' AND regexp_matches(title, '\\S{MARK}')
    ), everything AS (
        SELECT title_key AS key, title AS spelling, movie_id, CASE title_kind WHEN 'alternative' THEN {ALTERNATIVE} ELSE 0 END AS flags
        FROM core_titles
        UNION ALL
        SELECT title_key(part), part, movie_id, {PART} FROM parts WHERE part <> ''
        UNION ALL
        SELECT title_key(part), part, movie_id, {LOOSE} FROM series
        UNION ALL
        SELECT regexp_replace(title_key, ' (the|a|an)\\b', '', 'g'), core_titles.title, movie_id, {LOOSE}
        FROM core_titles JOIN core_movies USING (movie_id)
        WHERE popularity_score >= $audience AND title_kind <> 'alternative' AND regexp_matches(title_key, ' (the|a|an) ')
    )
    SELECT key, spelling, film, flags, popularity_score AS popularity FROM everything JOIN films USING (movie_id)
    WHERE key <> ''
    ORDER BY popularity_score DESC, film, flags, spelling
"""
_PEOPLE = """
    SELECT name_key AS key, list(film ORDER BY film) AS films
    FROM (SELECT DISTINCT person_id, film FROM core_credits JOIN films USING (movie_id)) JOIN core_people USING (person_id)
    WHERE name_key LIKE '% %'
    GROUP BY name_key
    ORDER BY name_key
"""
_IDS = """
    SELECT try_cast(authority_id[3:] AS BIGINT) AS number, film FROM core_movie_ids JOIN films USING (movie_id)
    WHERE authority = 'imdb' AND number IS NOT NULL ORDER BY ALL
"""


@dataclass(frozen=True, slots=True)
class Films:
    """One entry per film, sorted by id. `year` int16, 0 when unknown; `genres` uint32, bit g for `GENRES[g]`; `kind` indexes `KINDS`.

    `has_imdb_id` bool: a film whose IMDb id is known is not the film of another one.
    """

    movie_id: Array
    titles: Texts
    year: Array
    popularity: Array
    kind: Array
    genres: Array
    has_imdb_id: Array

    def __len__(self) -> int:
        return len(self.movie_id)

    def ids(self, films: Array) -> pa.Array:
        """The movie_id of each of `films`."""
        width = self.movie_id.dtype.itemsize
        every = pa.Array.from_buffers(pa.binary(width), len(self), [None, pa.py_buffer(self.movie_id)])
        return every.take(pa.array(films)).cast(pa.binary()).cast(pa.string())

    def describe(self, movie_id: str | None) -> dict[str, Any] | None:
        """{movie_id, title, year} of a film; None for None, and for an id that is not in the catalogue."""
        code = (movie_id or "").encode()
        place = int(np.searchsorted(self.movie_id, code)) if movie_id else len(self)
        if place >= len(self) or self.movie_id[place] != code:
            return None
        return {"movie_id": movie_id, "title": self.titles.take(np.array([place]))[0], "year": int(self.year[place]) or None}


@dataclass(frozen=True, slots=True)
class TitleIndex:
    """All that linking knows of a catalogue.

    `names`: the names of each key, the most popular film first; a member is a row of `name_film` (int32), `name_flags`
    (uint8: PART, ALTERNATIVE, ARTICLE, ACRONYM, LOOSE: its number in a series, or an article inside left out) and
    `name_spelled` (uint64: hash of the words as the title has them, a leading article aside).
    Key k of `spelling` is group k of `names`. `rarity` float32: Zipf frequency of a key's rarest word in English, 0 to 8.
    `word_hash` uint64 sorted: the words of all keys, and in how many keys each is (`word_keys` int32). `english` uint64
    sorted: the common words of English, which are no misspellings of others.
    `people`: the films of each person's name. `imdb_number` int64 sorted, and its `imdb_film` int32.
    """

    facts: Mapping[str, Any]
    films: Films
    names: Groups
    name_film: Array
    name_flags: Array
    name_spelled: Array
    rarity: Array
    word_hash: Array
    word_keys: Array
    english: Array
    spelling: Spelling
    people: Groups
    imdb_number: Array
    imdb_film: Array

    @property
    def release_id(self) -> str:
        return str(self.facts["release_id"])


def build_index(catalogue: Mapping[Table, pa.Table], *, release_id: str = UNRELEASED) -> TitleIndex:
    """Index `catalogue` (tables and columns of CATALOGUE_COLUMNS); LinkError when no title belongs to a film, or a key is empty."""
    _insist_on_titles(catalogue)
    with connect({table.name: rows for table, rows in catalogue.items()}) as con:
        register_text_functions(con)
        con.register("films", films := con.execute(_FILMS, {"genres": list(GENRES)}).to_arrow_table())
        audience = {"audience": PART_AUDIENCE}
        con.register("series", con.execute(_SERIES, audience).to_arrow_table())
        names = con.execute(_NAMES, audience).to_arrow_table()
        people = con.execute(_PEOPLE).to_arrow_table()
        ids = con.execute(_IDS).to_arrow_table()
    if not pc.any(pc.equal(pc.bit_wise_and(names["flags"], LOOSE), 0)).as_py():  # those are made of core_movies alone
        raise LinkError(
            f"indexing the catalogue: no title of core_titles ({catalogue[TITLES].num_rows} rows) belongs to a film of core_movies "
            f"({catalogue[MOVIES].num_rows} rows); give tables of one and the same build"
        )
    groups, columns, keys = _names(names)
    eligible = np.zeros(len(keys), bool)
    flags, audience = columns["flags"][groups.members], films["popularity_score"].to_numpy()[columns["film"][groups.members]]
    whole = ((flags & ACRONYM) == 0) & (((flags & PART) == 0) | (audience >= PART_AUDIENCE))
    eligible[np.repeat(np.arange(len(keys)), groups.sizes(np.arange(len(keys))))[whole]] = True
    has_id = np.zeros(films.num_rows, bool)
    has_id[_numpy(ids["film"])] = True
    return TitleIndex(
        {"version": VERSION, "release_id": release_id, "films": films.num_rows, "names": len(columns["film"]), "keys": len(keys)},
        _films(films, has_id),
        groups, columns["film"], columns["flags"], columns["spelled"],
        *_vocabulary(keys),
        spelling_of(keys, eligible),
        _people(people),
        _numpy(ids["number"]), _numpy(ids["film"]).astype(np.int32),
    )  # fmt: skip


def _insist_on_titles(catalogue: Mapping[Table, pa.Table]) -> None:
    """The gate refuses such tables too; an index must not depend on who calls it."""
    titles = catalogue[TITLES]
    empty = pc.sum(pc.equal(pc.utf8_trim_whitespace(titles["title"]), "")).as_py() or 0
    distinct = titles.group_by(["movie_id", "title"]).aggregate([]).num_rows
    if empty or distinct < titles.num_rows:
        raise LinkError(
            f"indexing the catalogue: core_titles has {empty} empty titles and {titles.num_rows - distinct} duplicates of "
            "(movie_id, title); expected none, as in every table that the gate passed: run `marquee check`"
        )


def _numpy(column: pa.ChunkedArray) -> Array:
    return np.asarray(column.to_numpy())


def _films(films: pa.Table, has_imdb_id: Array) -> Films:
    kinds = pc.index_in(films["kind"], value_set=pa.array(KINDS))
    return Films(
        np.array(films["movie_id"].to_pylist(), "S"),
        Texts.of(films["title"].to_pylist()),
        _numpy(films["year"]).astype(np.int16),
        _numpy(films["popularity_score"]).astype(np.float32),
        _numpy(kinds).astype(np.uint8),
        _numpy(films["genres"]).astype(np.uint32),
        has_imdb_id,
    )


def _names(names: pa.Table) -> tuple[Groups, dict[str, Array], list[str]]:
    """(names by key, their columns, the keys' strings in the order of the groups)."""
    strings = names["key"].to_pylist()
    film, flags = _numpy(names["film"]).astype(np.int32), _numpy(names["flags"]).astype(np.uint8)
    words = words_of(strings)
    counts, kept = key_words(words, len(strings))
    hashed = np.flatnonzero(counts)
    hashes = sequence_hashes(kept, counts[hashed])
    spelled, is_led = _spellings(names["spelling"].to_pylist())
    flags |= np.where(is_led, ARTICLE, 0).astype(np.uint8)
    short = acronyms([strings[row] for row in hashed.tolist()], _numpy(names["popularity"])[hashed])
    rows = np.concatenate([hashed, hashed[short.rows]])
    hashes = np.concatenate([hashes, short.hashes])
    marks = np.concatenate([flags[hashed], flags[hashed[short.rows]] | ACRONYM])
    texts = [link_key(strings[row]) for row in hashed.tolist()] + short.texts
    order = _first_of_each(hashes, film[rows], marks, spelled[rows])
    groups = Groups.of(hashes[order], np.arange(len(order)))
    firsts = order[groups.members[groups.starts[:-1]]]
    columns = {"film": film[rows][order], "flags": marks[order], "spelled": spelled[rows][order]}
    return groups, columns, [texts[first] for first in firsts.tolist()]


def key_words(words: Any, texts: int) -> tuple[Array, Array]:
    """(words of each text's key, their hashes): words that stand for nothing are left out, unless the text has no others."""
    meaning = np.bincount(words.text[words.hash != 0], minlength=texts)
    kept = (words.hash != 0) | (meaning[words.text] == 0)
    return np.bincount(words.text[kept], minlength=texts), np.where(words.hash == 0, words.spelled, words.hash)[kept]


def _spellings(spellings: list[str]) -> tuple[Array, Array]:
    """(hash of each spelling's words as they are written, a leading article aside, 0 for none; whether there is such an article)."""
    words = words_of(spellings)
    counts = np.bincount(words.text, minlength=len(spellings))
    firsts = np.cumsum(counts) - counts
    led = np.zeros(len(spellings), bool)
    led[counts > 1] = is_article(words.spelled[firsts[counts > 1]])
    kept = np.ones(len(words), bool)
    kept[firsts[led]] = False
    some = np.flatnonzero(counts)
    hashes = np.zeros(len(spellings), np.uint64)
    hashes[some] = sequence_hashes(words.spelled[kept], (counts - led)[some])
    return hashes, led


def is_article(spelled: Array) -> Array:
    """Which word hashes are those of the articles that keys lose."""
    return np.isin(spelled, words_of([" ".join(ARTICLES)]).spelled)


@dataclass(frozen=True, slots=True)
class Acronyms:
    """n acronyms: `rows` int64 of the names they abbreviate, `hashes` uint64 of their one word, `texts`."""

    rows: Array
    hashes: Array
    texts: list[str]


def acronyms(keys: list[str], popularity: Array) -> Acronyms:
    """'lotr' for 'lord of the rings': first letters of the keys of three to six words that films with an audience have."""
    known = ((row, initials(keys[row])) for row in np.flatnonzero(popularity >= ACRONYM_AUDIENCE).tolist())
    found = [(row, short) for row, short in known if short]
    texts = [short for _, short in found]
    return Acronyms(np.array([row for row, _ in found], np.int64), words_of(texts).hash, texts)


def _first_of_each(*columns: Array) -> Array:
    """Rows without those that equal an earlier one in every column, in their order."""
    order = np.lexsort(columns[::-1])
    differs = np.zeros(len(order), bool)
    differs[:1] = True
    for column in columns:
        differs[1:] |= column[order][1:] != column[order][:-1]
    return np.sort(np.minimum.reduceat(order, np.flatnonzero(differs))) if len(order) else order


def _people(people: pa.Table) -> Groups:
    words = words_of(people["key"].to_pylist())
    counts = np.bincount(words.text, minlength=people.num_rows)
    films = people["films"].combine_chunks()
    hashes = sequence_hashes(words.spelled, counts) if people.num_rows else np.zeros(0, np.uint64)
    return Groups.of(np.repeat(hashes, np.diff(films.offsets.to_numpy())), films.flatten().to_numpy())


def _vocabulary(keys: list[str]) -> tuple[Array, Array, Array, Array]:
    """(rarity of each key, the words' hashes, how many keys each word is in, hashes of common English words)."""
    from wordfreq import get_frequency_dict

    frequencies, counts = get_frequency_dict("en"), Counter(word for key in keys for word in set(key.split()))
    zipf = {word: max(0.0, 9 + math.log10(frequencies.get(word, 1e-9))) for word in counts}
    rarity = np.array([min(map(zipf.__getitem__, key.split())) for key in keys], np.float32)
    hashes = words_of(list(counts)).spelled
    order = np.argsort(hashes)
    common = words_of([word for word, frequency in frequencies.items() if frequency >= COMMON]).spelled
    return rarity, hashes[order], np.fromiter(counts.values(), np.int32, len(counts))[order], np.unique(common)


_FILM_ARRAYS = ("movie_id", "year", "popularity", "kind", "genres", "has_imdb_id")


def save_index(index: TitleIndex, folder: Path) -> list[Path]:
    """The index as files in `folder`; returns them."""
    arrays = {f"film_{name}": getattr(index.films, name) for name in _FILM_ARRAYS}
    for name, texts in (("film_title", index.films.titles), ("key", index.spelling.keys)):
        arrays |= {f"{name}_data": texts.data, f"{name}_offsets": texts.offsets}
    for name, groups in _groups(index).items():
        arrays |= {f"{name}_hashes": groups.hashes, f"{name}_starts": groups.starts, f"{name}_members": groups.members}
    arrays |= {name: getattr(index, name) for name in _ARRAYS} | {"letters": index.spelling.letters}
    save(folder, arrays)
    write_facts(folder, index.facts)
    return sorted(folder.iterdir())


_ARRAYS = ("name_film", "name_flags", "name_spelled", "rarity", "word_hash", "word_keys", "english", "imdb_number", "imdb_film")
_GROUPS = ("names", "people", "segments", "grams")


def _groups(index: TitleIndex) -> dict[str, Groups]:
    return dict(zip(_GROUPS, (index.names, index.people, index.spelling.segments, index.spelling.grams), strict=True))


def open_index(folder: Path, *, release_id: str) -> TitleIndex:
    """The index in `folder`, mapped; LinkError when it is missing, damaged, of another layout or of another release than `release_id`."""
    try:
        facts = read_facts(folder, release_id=release_id)
        films = Films(**load_films(folder))
        groups = {name: Groups(*load(folder, [f"{name}_hashes", f"{name}_starts", f"{name}_members"]).values()) for name in _GROUPS}
        spelling = Spelling(_texts(folder, "key"), load(folder, ["letters"])["letters"], groups["segments"], groups["grams"])
        arrays = load(folder, _ARRAYS)
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        if isinstance(error, LinkError):
            raise
        raise LinkError(
            f"opening the title index in {folder}: {type(error).__name__}: {error}; expected the files that the release was "
            "published with: run `marquee verify`, then `marquee build`"
        ) from error
    return TitleIndex(facts, films, names=groups["names"], people=groups["people"], spelling=spelling, **arrays)


def load_films(folder: Path) -> dict[str, Any]:
    arrays = load(folder, [f"film_{name}" for name in _FILM_ARRAYS])
    return {"titles": _texts(folder, "film_title")} | {name.removeprefix("film_"): array for name, array in arrays.items()}


def _texts(folder: Path, name: str) -> Texts:
    return Texts(*load(folder, [f"{name}_data", f"{name}_offsets"]).values())
