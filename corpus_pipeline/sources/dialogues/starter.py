"""The dialogues that ship with the project: `dialogues.jsonl`, one dialogue per line, written by hand, checked field by field.

    {"dialogue_id": "s0001", "outcome": "accepted" | "rejected" | "open", "turns": [
        {"speaker": "seeker" | "recommender", "text": "...", "mentions": [
            {"start": 10, "end": 14, "surface": "Heat", "year": 1995 | null, "movie": "heat-1995" | null,
             "recommended": true, "accepted": true | null, "liked": true | null}]}]}

`movie` is a `film_id` of the starter catalogue, or null for a film that is not in it.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from corpus_pipeline.schema.fields import FIRST_YEAR, LAST_YEAR, SPEAKERS
from corpus_pipeline.sources.dialogues.records import RecordError, content, no_file, read_json_lines, take
from corpus_pipeline.sources.reading import Quarantine, Read
from corpus_pipeline.splits import starter_split
from corpus_pipeline.transform.dialogues import Dialogue, DialogueMovie, Mention, Turn, dialogue_tables, merge_turns
from corpus_pipeline.transform.examples import example_tables, examples_by_rule

DATASET = "starter"
FILE = "dialogues.jsonl"
OUTCOMES = ("accepted", "rejected", "open")

Named = tuple[str, str, int | None]
"""(source_movie_id, surface, year) of one mention."""


def read_starter(folder: Path) -> Read:
    """The six core tables of the starter dialogues. One bad field quarantines its dialogue, with the reason."""
    data = content(folder, FILE)
    if data is None:
        raise no_file(folder, (FILE,), DATASET)
    quarantine = Quarantine(DATASET)
    taken: set[str] = set()

    def parse(_: int, record: Any) -> tuple[Dialogue, list[Named]]:
        dialogue, named = _dialogue(record)
        if dialogue.dialogue_id in taken:
            raise RecordError("duplicate_id")
        taken.add(dialogue.dialogue_id)
        return dialogue, named

    accepted, count = read_json_lines(data, FILE, quarantine, parse)
    dialogues = [dialogue for dialogue, _ in accepted]
    movies = _movies(named for _, mentions in accepted for named in mentions)
    tables = dialogue_tables(DATASET, dialogues, movies) | example_tables(dialogues, examples_by_rule(dialogues, movies))
    return Read(tables, quarantine.table(), (count,))


def _dialogue(record: Any) -> tuple[Dialogue, list[Named]]:
    number, outcome = take(record, "dialogue_id", str).strip(), take(record, "outcome", str)
    if not number:
        raise RecordError("missing_field")
    if outcome not in OUTCOMES:
        raise RecordError("unknown_outcome")
    turns = [_turn(turn) for turn in take(record, "turns", list)]
    if not turns:
        raise RecordError("empty_dialogue")
    dialogue_id = f"{DATASET}:{number}"
    merged = merge_turns(turn for turn, _ in turns)
    return Dialogue(dialogue_id, DATASET, starter_split(dialogue_id), merged, outcome=outcome), [n for _, named in turns for n in named]


def _turn(record: Any) -> tuple[Turn, list[Named]]:
    speaker, text = take(record, "speaker", str), take(record, "text", str)
    if speaker not in SPEAKERS:
        raise RecordError("unknown_speaker")
    if not text.strip():
        raise RecordError("empty_text")
    found = sorted((_mention(mention, text) for mention in take(record, "mentions", list)), key=lambda pair: pair[0].start or 0)
    mentions = tuple(mention for mention, _ in found)
    if any((later.start or 0) < (earlier.end or 0) for earlier, later in pairwise(mentions)):
        raise RecordError("spans_overlap")
    return Turn(speaker, text, None, mentions), [named for _, named in found]


def _mention(record: Any, text: str) -> tuple[Mention, Named]:
    start, end, surface = take(record, "start", int), take(record, "end", int), take(record, "surface", str)
    if not 0 <= start < end <= len(text):
        raise RecordError("span_outside_text")
    if text[start:end] != surface:
        raise RecordError("surface_mismatch")
    year, movie = _year(record), _movie(record)
    source_id = movie or (surface if year is None else f"{surface} ({year})")
    is_recommended, is_accepted = take(record, "recommended", bool), _flag(record, "accepted")
    if is_accepted is not None and not is_recommended:
        raise RecordError("accepted_without_recommendation")
    return Mention(source_id, start, end, is_recommended, is_accepted, _flag(record, "liked")), (source_id, surface, year)


def _year(record: Any) -> int | None:
    if take(record, "year", object) is None:
        return None
    year = take(record, "year", int)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise RecordError("year_out_of_range")
    return year


def _movie(record: Any) -> str | None:
    if take(record, "movie", object) is None:
        return None
    movie = take(record, "movie", str)
    if not movie.strip():
        raise RecordError("empty_movie")
    return movie


def _flag(record: Any, name: str) -> bool | None:
    return None if take(record, name, object) is None else take(record, name, bool)


def _movies(named: Iterable[Named]) -> list[DialogueMovie]:
    """One movie per id, under the (surface, year) that mentions use most; of equally frequent ones the smallest, a year before none."""
    counted = Counter(named)
    ordered = sorted(counted, key=lambda key: (key[0], -counted[key], key[2] is None, key[1:2], key[2] or 0))
    return [DialogueMovie(movie, surface, year) for movie, surface, year in ordered]
