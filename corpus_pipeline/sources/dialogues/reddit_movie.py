"""Reddit-Movie (He et al. 2023, data sets `ZhankuiHe/reddit_movie_{small,large}_v1`): one turn per record, movies as IMDb ids.

Format, from the published data set card: `{train,valid,test}.csv` (or the same records as `.jsonl`) with the columns
below, and `id2name.json`, IMDb id to 'Title (Year)'. `processed` is a Python literal `['USER' | 'SYSTEM', text]` whose
text has IMDb ids where movies were recognised. A `conv_id` is one path through a thread, so a first post occurs in
several conversations; that is how the authors count them. May contain toxic text; research use only.
"""

import ast
import html
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus_pipeline.errors import SourceError
from corpus_pipeline.sources.dialogues.he2023 import read_entities
from corpus_pipeline.sources.dialogues.records import RecordError, content, csv_rows, no_file, read_json_lines, read_records, take_utf8
from corpus_pipeline.sources.reading import FileCount, Quarantine, Read
from corpus_pipeline.transform.dialogues import Dialogue, DialogueMovie, Mention, Turn, dialogue_movie, dialogue_tables, merge_turns
from corpus_pipeline.transform.examples import example_tables, examples_by_rule

DATASET = "reddit_movie"
SPLITS = ("test", "valid", "train")  # test first: a turn that came again in a later file is quarantined there
NAMES = "id2name.json"
COLUMNS = ("conv_id", "turn_id", "turn_order", "user_id", "is_seeker", "processed")
_IMDB_ID = re.compile(r"\btt\d{7,9}\b")
_FLAGS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class _Row:
    conv_id: str
    order: int
    user_id: str
    turn: Turn


def read_reddit_movie(folder: Path | None, protocol: Path | None = None) -> Read:
    """The six core tables of Reddit-Movie. Without `folder` there are no dialogues, only the movies that `protocol` names.

    `protocol`: folder of He et al. 2023, whose `entity2id.json` holds their 7,506 candidates; their test text is not
    published with it, so test examples are built by our rule. Every movie carries its IMDb id.
    """
    quarantine = Quarantine(DATASET)
    names, counts = _names(folder, protocol)
    dialogues: list[Dialogue] = []
    if folder is not None:
        for split in SPLITS:
            rows, count = _read_rows(folder, split, quarantine, names, {d.dialogue_id for d in dialogues})
            dialogues += _dialogues(rows, split)
            counts += count
    if folder is not None and not dialogues:
        raise no_file(folder, [f"{split}.{kind}" for split in SPLITS for kind in ("csv", "jsonl")], DATASET)
    movies = _movies(dialogues, names)
    tables = dialogue_tables(DATASET, dialogues, movies) | example_tables(dialogues, examples_by_rule(dialogues, movies))
    return Read(tables, quarantine.table(), tuple(counts))


def _names(folder: Path | None, protocol: Path | None) -> tuple[dict[str, str], list[FileCount]]:
    names: dict[str, str] = {}
    counts = []
    if protocol is not None and (protocol / "data" / "reddit" / "entity2id.json").is_file():
        names |= {str(imdb_id): name for name, imdb_id in read_entities(protocol, "reddit").items()}
        counts.append(FileCount("he2023/reddit/entity2id.json", 1, 1, 0))
    data = content(folder, NAMES) if folder is not None else None
    if data is not None:
        names |= _id2name(data)
        counts.append(FileCount(NAMES, 1, 1, 0))
    return names, counts


def _id2name(data: bytes) -> dict[str, str]:
    try:
        names = json.loads(data)
    except ValueError as error:
        raise SourceError(f"reading {NAMES}: not JSON ({error}); expected an object of IMDb id to title; fetch it again") from error
    if not isinstance(names, dict):
        raise SourceError(f"reading {NAMES}: saw a {type(names).__name__}; expected an object of IMDb id to title; fetch it again")
    return {movie: name for movie, name in names.items() if isinstance(name, str) and name.strip()}


def _read_rows(
    folder: Path, split: str, quarantine: Quarantine, names: Mapping[str, str], taken: set[str]
) -> tuple[list[_Row], list[FileCount]]:
    seen: set[tuple[str, int]] = set()

    def parse(_: int, record: Any) -> _Row:
        row = _row(record, names)
        if f"{DATASET}:{row.conv_id}" in taken:
            raise RecordError("duplicate_dialogue")
        if (row.conv_id, row.order) in seen:
            raise RecordError("duplicate_turn")
        seen.add((row.conv_id, row.order))
        return row

    if (data := content(folder, f"{split}.csv")) is not None:
        rows, count = read_records(csv_rows(data, f"{split}.csv", COLUMNS), f"{split}.csv", quarantine, parse)
    elif (data := content(folder, f"{split}.jsonl")) is not None:
        rows, count = read_json_lines(data, f"{split}.jsonl", quarantine, parse)
    else:
        return [], []
    return rows, [count]


def _row(record: Any, names: Mapping[str, str]) -> _Row:
    conv_id, user_id = take_utf8(record, "conv_id").strip(), take_utf8(record, "user_id").strip()
    order, flag = str(record.get("turn_order")).strip(), str(record.get("is_seeker")).strip().lower()
    if not conv_id:
        raise RecordError("missing_field")
    if not order.isdecimal():
        raise RecordError("bad_turn_order")
    if flag not in _FLAGS:
        raise RecordError("unknown_speaker")
    speaker = "seeker" if _FLAGS[flag] else "recommender"
    text, mentions = _named(_said(record.get("processed")), names, is_recommended=not _FLAGS[flag])
    return _Row(conv_id, int(order), user_id, Turn(speaker, text, take_utf8(record, "turn_id"), mentions))


def _said(processed: Any) -> str:
    """The text of `['USER', text]`, given as a list or as its Python literal."""
    try:
        value = ast.literal_eval(processed) if isinstance(processed, str) else processed
        _, text = value
        text.encode("utf-8")
    except (ValueError, TypeError, SyntaxError, AttributeError, RecursionError, MemoryError) as error:
        raise RecordError("bad_processed") from error
    return str(text)


def _named(raw: str, names: Mapping[str, str], *, is_recommended: bool) -> tuple[str, tuple[Mention, ...]]:
    """The text with IMDb ids replaced by titles and entities decoded, and where they are. An id without a name stays."""
    text, mentions, position = "", [], 0
    raw = raw.strip()
    for found in _IMDB_ID.finditer(raw):
        movie = found[0]
        text += html.unescape(raw[position : found.start()])
        surface = dialogue_movie(movie, names.get(movie, movie)).surface
        mentions.append(Mention(movie, len(text), len(text) + len(surface), is_recommended))
        text += surface
        position = found.end()
    return text + html.unescape(raw[position:]), tuple(mentions)


def _dialogues(rows: Iterable[_Row], split: str) -> list[Dialogue]:
    grouped: dict[str, list[_Row]] = {}
    for row in rows:
        grouped.setdefault(row.conv_id, []).append(row)
    return [_dialogue(conv_id, sorted(turns, key=lambda row: row.order), split) for conv_id, turns in grouped.items()]


def _dialogue(conv_id: str, rows: list[_Row], split: str) -> Dialogue:
    seeker = next((row.user_id for row in rows if row.turn.speaker == "seeker" and row.user_id), None)
    return Dialogue(f"{DATASET}:{conv_id}", DATASET, split, merge_turns(row.turn for row in rows), seeker_id=seeker)


def _movies(dialogues: Iterable[Dialogue], names: Mapping[str, str]) -> list[DialogueMovie]:
    named = [m.source_movie_id for dialogue in dialogues for turn in dialogue.turns for m in turn.mentions]
    return [dialogue_movie(movie, names.get(movie, movie), imdb_id=movie) for movie in dict.fromkeys([*names, *named])]
