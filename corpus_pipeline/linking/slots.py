"""Slots: the places of films in training dialogues, filled with other films of like popularity and age.

What belongs here: which film stands in for which, and the turns written with it. A data set names a few thousand films, so a
linker trained on its turns alone learns their titles; here the talk, the popularity and the recency of films stay what they
are while titles vary. How the new title is typed is `gold`'s concern.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_pipeline.linking.gold import GOLD_COLUMNS, YEAR_AFTER, Gold, collected_in, film_group, gold_texts
from corpus_pipeline.store import connect

LIKE_POPULARITY = 0.25  # of popularity_score: a factor of 1.8 in what it counts
AGES = (1, 5, 20)  # years since release at which talk of a film changes: running, recent, of one's own time
KNOWN_POPULARITY = 1.0  # nearly half of the catalogue lies below, and 2 mentions in 1,000: not worth hashing it into groups
_NO_AGE = len(AGES) + 1
_FUTURE = -1

_FILMS = f"""
    SELECT movie_id, title, year, popularity_score FROM core_movies
    WHERE popularity_score >= {KNOWN_POPULARITY}
    ORDER BY popularity_score, movie_id
"""
_TURNS = """
    SELECT dialogue_id, turn_index, speaker, text
    FROM core_dialogue_turns JOIN core_dialogues USING (dialogue_id)
    WHERE split = 'train' AND (dialogue_id, turn_index) IN (
        SELECT (dialogue_id, turn_index) FROM core_mentions JOIN truth USING (dataset, source_movie_id)
        WHERE span_start IS NOT NULL AND movie_id IS NOT NULL
    )
    ORDER BY dialogue_id, turn_index
"""
_MENTIONS = """
    SELECT dialogue_id, turn_index, mention_index, dataset, source_movie_id, span_start, span_end, movie_id, year, popularity_score
    FROM core_mentions
    LEFT JOIN truth USING (dataset, source_movie_id)
    LEFT JOIN core_movies USING (movie_id)
    WHERE dialogue_id IN (SELECT dialogue_id FROM core_dialogues WHERE split = 'train')
    ORDER BY dialogue_id, turn_index, coalesce(span_start, 2147483647), mention_index
"""
_TEXT, _INT = pa.string(), pa.int32()
_TURN_TYPES = {"dialogue_id": _TEXT, "turn_index": _INT, "speaker": _TEXT, "text": _TEXT}
_MENTION_TYPES = {
    "dialogue_id": _TEXT,
    "turn_index": _INT,
    "mention_index": _INT,
    "dataset": _TEXT,
    "source_movie_id": _TEXT,
    "span_start": _INT,
    "span_end": _INT,
}
_NAMED_TYPES = {"dataset": _TEXT, "source_movie_id": _TEXT, "surface": _TEXT, "mention_year": _INT}
_TRUTH_TYPES = {"dataset": _TEXT, "source_movie_id": _TEXT, "movie_id": _TEXT}


class Film(NamedTuple):
    """A film of the catalogue, as far as a stand-in must be like it."""

    movie_id: str
    title: str
    year: int | None
    popularity: float


class _Shelf(NamedTuple):
    """Films of one group and one age, by popularity: rows of the catalogue and their popularity_score."""

    rows: npt.NDArray[np.int64]
    popularity: npt.NDArray[np.float64]


class StandIns:
    """The films of a catalogue that may take another's place."""

    def __init__(self, core_movies: pa.Table) -> None:
        """`core_movies`: movie_id, title, year, popularity_score, in any order."""
        with connect({"core_movies": core_movies}) as con:
            films = con.execute(_FILMS).to_arrow_table()
        self._ids: list[str] = films["movie_id"].to_pylist()
        self._titles = films["title"].combine_chunks()
        self._years = films["year"].fill_null(0).to_numpy()
        self._popularity = films["popularity_score"].to_numpy()
        self._groups = np.array([film_group(movie_id, "") for movie_id in self._ids])
        self._shelves: dict[tuple[str, int, int], _Shelf] = {}

    def stand_in(self, film: Film, as_of: int, rng: random.Random) -> Film | None:
        """Another film of `film`'s group and of its age in the year `as_of`, drawn among those within LIKE_POPULARITY.

        The nearest in popularity where there is none so near; null where no other film of that group and age exists.
        """
        age = max(0, int(_ages(np.array([film.year or 0]), as_of)[0]))
        shelf = self._shelf(film_group(film.movie_id, ""), as_of, age)
        near = (film.popularity - LIKE_POPULARITY, film.popularity + LIKE_POPULARITY)
        low, high = int(np.searchsorted(shelf.popularity, near[0])), int(np.searchsorted(shelf.popularity, near[1], side="right"))
        for place in rng.sample(range(low, high), min(2, high - low)):  # the second where the first is the film itself
            if self._ids[shelf.rows[place]] != film.movie_id:
                return self._film(int(shelf.rows[place]))
        around = [place for place in (low - 1, high) if 0 <= place < len(shelf.rows)]
        nearest = min(around, key=lambda place: abs(shelf.popularity[place] - film.popularity), default=None)
        return None if nearest is None else self._film(int(shelf.rows[nearest]))

    def _shelf(self, group: str, as_of: int, age: int) -> _Shelf:
        if (group, as_of, age) not in self._shelves:
            rows = np.flatnonzero((self._groups == group) & (_ages(self._years, as_of) == age))
            self._shelves[group, as_of, age] = _Shelf(rows, self._popularity[rows])
        return self._shelves[group, as_of, age]

    def _film(self, row: int) -> Film:
        return Film(self._ids[row], self._titles[row].as_py(), int(self._years[row]) or None, float(self._popularity[row]))


@dataclass(frozen=True, slots=True)
class _Slot:
    """A mention with its place, and the film that fills it; `film` is null where the mention stays what it was."""

    mention: dict[str, Any]
    film: Film | None


def filled_slots(tables: Mapping[str, pa.Table], truth: pa.Table, *, seed: int) -> Gold:
    """Gold of the training turns that name a known film, with other films in its place.

    `tables` and `truth` as for `gold.gold_texts`. Every mention whose span and film are known is a slot, of all data sets alike,
    and is filled by `StandIns.stand_in`; its source_movie_id is then 'film:' and the new film's movie_id. Other mentions in
    those turns stay. Turns without a slot are left out, and those whose spans overlap or leave the text, or have a year written
    after them, which would be another film's. dialogue_id begins with 'slots<seed>/'; a text's group is that of the dialogue it
    is made from. A draw is fixed by `seed` and the mention's dialogue, turn and number.
    """
    with connect({**{name: tables[name].select(list(columns)) for name, columns in GOLD_COLUMNS.items()}, "truth": truth}) as con:
        turns = con.execute(_TURNS).to_arrow_table().to_pylist()
        mentions = con.execute(_MENTIONS).to_arrow_table().to_pylist()
    by_turn = {place: list(rows) for place, rows in groupby(mentions, key=lambda row: (row["dialogue_id"], row["turn_index"]))}
    films = StandIns(tables["core_movies"])
    texts, slots = [], []
    for turn in turns:
        found = by_turn[turn["dialogue_id"], turn["turn_index"]]
        if _is_clean(turn["text"], found):
            text, placed = _written(turn["text"], [_slot(mention, films, seed) for mention in found])
            texts.append({**turn, "text": text})
            slots += placed
    catalogued = set(tables["core_dialogues"]["dataset"].unique().to_pylist())
    gold = gold_texts({**tables, **_tables(tables, texts, slots)}, _truth(truth, slots), seed=seed, catalogued=catalogued)
    return _prefixed(gold, f"slots{seed}/")


def _ages(years: npt.NDArray[Any], year: int) -> npt.NDArray[np.int64]:
    """Place in AGES of films of `years` (0: none) seen from `year`, one of its own for no year; _FUTURE beyond the next year."""
    age = np.searchsorted(AGES, year - years)
    age[years == 0] = _NO_AGE
    age[years > year + 1] = _FUTURE
    return age


def _is_clean(text: str, mentions: list[dict[str, Any]]) -> bool:
    """Whether the spans, sorted by place, lie apart within `text`, and no year follows any."""
    spans = [(row["span_start"], row["span_end"]) for row in mentions if row["span_start"] is not None]
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    return edges == sorted(edges) and not any(YEAR_AFTER.match(text, end) for _, end in spans)


def _slot(mention: dict[str, Any], films: StandIns, seed: int) -> _Slot:
    if mention["span_start"] is None or mention["popularity_score"] is None:
        return _Slot(mention, None)
    rng = random.Random(f"{seed}:slot:{mention['dialogue_id']}:{mention['turn_index']}:{mention['mention_index']}")  # noqa: S311
    film = Film(mention["movie_id"], "", mention["year"], mention["popularity_score"])
    return _Slot(mention, films.stand_in(film, collected_in(mention["dataset"]), rng))


def _written(text: str, slots: list[_Slot]) -> tuple[str, list[_Slot]]:
    """`text` with the films of `slots`, which come sorted by place, and the slots with their new places and films' ids."""
    written, position, placed = "", 0, []
    for slot in slots:
        start, end = slot.mention["span_start"], slot.mention["span_end"]
        if start is None:
            placed.append(slot)
            continue
        written += text[position:start]
        title = slot.film.title if slot.film else text[start:end]
        source = {"source_movie_id": _source(slot.film)} if slot.film else {}
        mention = {**slot.mention, **source, "span_start": len(written), "span_end": len(written) + len(title)}
        placed.append(replace(slot, mention=mention))
        written, position = written + title, end
    return written + text[position:], placed


def _source(film: Film) -> str:
    return f"film:{film.movie_id}"


def _tables(tables: Mapping[str, pa.Table], texts: list[dict[str, Any]], slots: list[_Slot]) -> dict[str, pa.Table]:
    """The tables of the dialogues, about the new turns and films."""
    named = pa.Table.from_pylist(
        [{**key, "surface": film.title, "mention_year": film.year} for key, film in _new(slots)], schema=pa.schema(_NAMED_TYPES)
    )
    return {
        "core_dialogue_turns": pa.Table.from_pylist(texts, schema=pa.schema(_TURN_TYPES)),
        "core_mentions": pa.Table.from_pylist([slot.mention for slot in slots], schema=pa.schema(_MENTION_TYPES)),
        "core_dialogue_movies": _joined(tables["core_dialogue_movies"], named),
    }


def _truth(truth: pa.Table, slots: list[_Slot]) -> pa.Table:
    rows = [{**key, "movie_id": film.movie_id} for key, film in _new(slots)]
    return _joined(truth, pa.Table.from_pylist(rows, schema=pa.schema(_TRUTH_TYPES)))


def _joined(table: pa.Table, added: pa.Table) -> pa.Table:
    return pa.concat_tables([table.select(added.column_names).cast(added.schema), added])


def _new(slots: list[_Slot]) -> Iterator[tuple[dict[str, str], Film]]:
    """Each new film of each data set once, with its key among the data sets' movies."""
    found = {(slot.mention["dataset"], slot.film) for slot in slots if slot.film}
    return (
        ({"dataset": dataset, "source_movie_id": _source(film)}, film)
        for dataset, film in sorted(found, key=lambda row: (row[0], row[1].movie_id))
    )


def _prefixed(gold: Gold, prefix: str) -> Gold:
    place = gold.texts.schema.get_field_index("dialogue_id")
    ids = pa.array([prefix + dialogue_id for dialogue_id in gold.texts["dialogue_id"].to_pylist()], pa.string())
    return replace(gold, texts=gold.texts.set_column(place, gold.texts.schema.field(place), ids))
