"""Dialogues as every data set's reader hands them over, and the four tables made of them.

What belongs here: the record types, the rules shared by all data sets (turns are merged messages, titles lose their
year, spans point into the text) and the tables. What does not: the file format of any one data set.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from corpus_pipeline.schema import tables
from corpus_pipeline.schema.fields import FIRST_YEAR, LAST_YEAR
from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.types import Table

_YEAR = re.compile(r"^(?P<title>.*?\S)\s*\(\s*(?:(?P<year>\d{4})(?:\s+film)?)?\s*\)?\s*$", re.DOTALL)
_ENCODED = {"%3F": "?", "%22": '"'}  # the only percent escapes in ReDial's titles; '100%' must survive
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Mention:
    """A movie named in a turn. `start` and `end` are character offsets in the turn's text, both None when unknown."""

    source_movie_id: str
    start: int | None = None
    end: int | None = None
    is_recommended: bool | None = None
    is_accepted: bool | None = None
    is_liked: bool | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker said before the other one did. `source_id` is the data set's own id, if it has one."""

    speaker: str
    text: str
    source_id: str | None = None
    mentions: tuple[Mention, ...] = ()


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One dialogue of one data set; `dialogue_id` already carries the data set's name."""

    dialogue_id: str
    dataset: str
    split: str
    turns: tuple[Turn, ...]
    seeker_id: str | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class DialogueMovie:
    """A movie as one data set names it: its own id, the title without its year, the year if given."""

    source_movie_id: str
    surface: str
    year: int | None = None
    imdb_id: str | None = None


def split_title(name: str) -> tuple[str, int | None]:
    """('Heat', 1995) of 'Heat  (1995)'; also 'Heat ()', 'Heat (1995 film)' and a cut 'Heat (1995'. The year may be None.

    Percent escapes of '?' and '"' are decoded and white space is collapsed. A number that cannot be a year stays in the title.
    """
    for code, character in _ENCODED.items():
        name = name.replace(code, character)
    clean = _SPACE.sub(" ", name).strip()
    match = _YEAR.match(clean)
    if match is None:
        return clean, None
    year = int(match["year"]) if match["year"] else None
    return (match["title"], year) if year is None or FIRST_YEAR <= year <= LAST_YEAR else (clean, None)


def dialogue_movie(source_movie_id: str, name: str, imdb_id: str | None = None) -> DialogueMovie:
    """The movie called `name` ('Title (Year)' in any of the data sets' spellings) under the data set's own id."""
    surface, year = split_title(name)
    return DialogueMovie(source_movie_id, surface, year, imdb_id)


def find_span(text: str, title: str, start: int = 0) -> tuple[int, int] | None:
    """Where `title` occurs in `text` as whole words, whatever its case, from `start` on; None when it does not.

    Case is folded by the regular expression engine, not by `str.lower`: lower-casing can change a text's length.
    """
    if not title.strip():
        return None
    match = re.compile(rf"(?<!\w){re.escape(title)}(?!\w)", re.IGNORECASE).search(text, start)
    return match.span() if match else None


def merge_turns(messages: Iterable[Turn]) -> tuple[Turn, ...]:
    """Consecutive messages of one speaker become one turn: texts joined by a space, ids by '+', spans moved along."""
    merged: list[Turn] = []
    for message in messages:
        if merged and merged[-1].speaker == message.speaker:
            merged[-1] = _joined(merged[-1], message)
        else:
            merged.append(message)
    return tuple(merged)


def _joined(first: Turn, second: Turn) -> Turn:
    gap = " " if first.text and second.text else ""
    ids = [name for name in (first.source_id, second.source_id) if name is not None]
    return Turn(
        first.speaker,
        first.text + gap + second.text,
        "+".join(ids) if ids else None,
        first.mentions + tuple(_moved(mention, len(first.text) + len(gap)) for mention in second.mentions),
    )


def _moved(mention: Mention, by: int) -> Mention:
    if mention.start is None or mention.end is None:
        return mention
    return replace(mention, start=mention.start + by, end=mention.end + by)


def dialogue_tables(dataset: str, dialogues: Sequence[Dialogue], movies: Iterable[DialogueMovie]) -> dict[str, pa.Table]:
    """core_dialogues, core_dialogue_turns, core_dialogue_movies and core_mentions of one data set, each sorted by its key.

    A dialogue without any movie is a dialogue like the others; it has no rows in core_mentions. Of two movies under one
    id the first stays.
    """
    known: dict[str, DialogueMovie] = {}
    for movie in movies:
        known.setdefault(movie.source_movie_id, movie)
    return {
        tables.DIALOGUES.name: table_of(tables.DIALOGUES, [_dialogue_row(d) for d in dialogues]),
        tables.DIALOGUE_TURNS.name: table_of(tables.DIALOGUE_TURNS, [row for d in dialogues for row in _turn_rows(d)]),
        tables.DIALOGUE_MOVIES.name: table_of(tables.DIALOGUE_MOVIES, [_movie_row(dataset, movie) for movie in known.values()]),
        tables.MENTIONS.name: table_of(tables.MENTIONS, [row for d in dialogues for row in _mention_rows(d)]),
    }


def table_of(table: Table, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """`rows`, tuples in the declared column order, as the declared table sorted by its key."""
    schema = arrow_schema(table)
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema).sort_by([(name, "ascending") for name in table.key])


def movie_names(movies: Iterable[DialogueMovie]) -> Mapping[str, str]:
    """Title without year by the data set's own id."""
    return {movie.source_movie_id: movie.surface for movie in movies}


def _dialogue_row(dialogue: Dialogue) -> tuple[Any, ...]:
    return dialogue.dialogue_id, dialogue.dataset, dialogue.split, len(dialogue.turns), dialogue.seeker_id, dialogue.outcome


def _turn_rows(dialogue: Dialogue) -> list[tuple[Any, ...]]:
    return [(dialogue.dialogue_id, index, turn.speaker, turn.text, turn.source_id) for index, turn in enumerate(dialogue.turns)]


def _movie_row(dataset: str, movie: DialogueMovie) -> tuple[Any, ...]:
    return dataset, movie.source_movie_id, movie.surface, movie.year, movie.imdb_id


def _mention_rows(dialogue: Dialogue) -> list[tuple[Any, ...]]:
    return [
        (*(dialogue.dialogue_id, turn_index, index, dialogue.dataset, m.source_movie_id), *_facts(m))
        for turn_index, turn in enumerate(dialogue.turns)
        for index, m in enumerate(turn.mentions)
    ]


def _facts(m: Mention) -> tuple[Any, ...]:
    return m.start, m.end, m.is_recommended, m.is_accepted, m.is_liked
