"""INSPIRED (Hayati et al. 2020): utterances as unquoted TSV, or dialogues as JSON lines in UniCRS form.

Per split the original TSV is preferred; it has the labels. The UniCRS form has no dialogue ids and no labels: dialogue k
is called `<split>_k`. Movies were linked automatically by the authors and are noisy ('Given that' as `Given (2017)`):
they are kept as they are, and a title that is not in the text gets no span.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus_pipeline.errors import SourceError
from corpus_pipeline.sources.dialogues import he2023
from corpus_pipeline.sources.dialogues.records import RecordError, content, no_file, read_json_lines, read_records, take
from corpus_pipeline.sources.reading import FileCount, Quarantine, Read
from corpus_pipeline.transform.dialogues import (
    Dialogue,
    DialogueMovie,
    Mention,
    Turn,
    dialogue_movie,
    dialogue_tables,
    find_span,
    merge_turns,
    movie_names,
    split_title,
)
from corpus_pipeline.transform.examples import example_tables, examples_by_rule

DATASET = "inspired"
SPLIT_FILES = {  # test first: a dialogue that came again in a later file is quarantined there
    "test": ("test.tsv", "unicrs_dbpedia/test_data_dbpedia.jsonl"),
    "valid": ("dev.tsv", "unicrs_dbpedia/valid_data_dbpedia.jsonl"),
    "train": ("train.tsv", "unicrs_dbpedia/train_data_dbpedia.jsonl"),
}
COLUMNS = ("dialog_id", "utt_id", "speaker", "text", "movies", "fine_label")
_SPEAKERS = {"SEEKER": "seeker", "RECOMMENDER": "recommender"}
_QUOTATION_MARK = "QUOTATION_MARK"  # the published files write it out, mostly without a space to the word beside it
_NO_LABEL = ("", "nan")
_SEPARATOR = re.compile(r";|(?<=\(\d{4}\)),")  # a comma separates only behind a year: titles have commas too


@dataclass(frozen=True, slots=True)
class _Utterance:
    dialog_id: str
    label: str
    turn: Turn


@dataclass(slots=True)
class _Inspired:
    """What has been read so far."""

    quarantine: Quarantine = field(default_factory=lambda: Quarantine(DATASET))
    dialogues: list[Dialogue] = field(default_factory=list)
    counts: list[FileCount] = field(default_factory=list)


def read_inspired(folder: Path, protocol: Path | None = None) -> Read:
    """The six core tables of INSPIRED. `protocol`: folder of He et al. 2023; their points become the test examples.

    The outcome is `fine_label`. `is_accepted` stays null: the label belongs to the film of a trailer whose id is not
    resolved by the published files.
    """
    state = _Inspired()
    for split in SPLIT_FILES:
        _read_split(folder, split, state)
    if not state.counts:
        raise no_file(folder, [file for files in SPLIT_FILES.values() for file in files], DATASET)
    movies = _movies(state.dialogues)
    points = _test_points(protocol, state, movie_names(movies))
    by_rule = [dialogue for dialogue in state.dialogues if points is None or dialogue.split != "test"]
    found = points or he2023.Protocol()
    examples = found.examples + examples_by_rule(by_rule, movies)
    tables = dialogue_tables(DATASET, state.dialogues, movies + found.movies) | example_tables(state.dialogues, examples)
    return Read(tables, state.quarantine.table(), (*state.counts, *found.counts))


def _read_split(folder: Path, split: str, state: _Inspired) -> None:
    tsv, unicrs = SPLIT_FILES[split]
    data = content(folder, tsv)
    if data is not None:
        dialogues, count = _read_tsv(data, tsv, split, state)
    elif (data := content(folder, unicrs) or content(folder, unicrs.rsplit("/", 1)[-1])) is not None:
        file = unicrs.rsplit("/", 1)[-1]
        dialogues, count = read_json_lines(data, file, state.quarantine, lambda number, record: _unicrs_dialogue(number, record, split))
    else:
        return
    state.dialogues += dialogues
    state.counts.append(count)


def _read_tsv(data: bytes, file: str, split: str, state: _Inspired) -> tuple[list[Dialogue], FileCount]:
    header, *lines = data.split(b"\n")
    names = header.decode("utf-8-sig", "replace").rstrip("\r").split("\t")
    if missing := [name for name in COLUMNS if name not in names]:
        raise SourceError(f"reading {file}: columns {missing} are missing, saw {names[:20]}; expected INSPIRED's TSV; fetch it again")
    taken = {dialogue.dialogue_id for dialogue in state.dialogues}
    rows = [(number, line) for number, line in enumerate(lines, 2) if line.strip()]
    utterances, count = read_records(rows, file, state.quarantine, lambda _, line: _utterance(line, names, taken))
    return list(_dialogues(utterances, split)), count


def _utterance(line: bytes, names: Sequence[str], taken: set[str]) -> _Utterance:
    try:
        fields = line.decode("utf-8").rstrip("\r").split("\t")
    except UnicodeDecodeError as error:
        raise RecordError("bad_utf8") from error
    if len(fields) != len(names):
        raise RecordError("wrong_column_count")
    row = dict(zip(names, fields, strict=True))
    if not row["dialog_id"]:
        raise RecordError("missing_field")
    if f"{DATASET}:{row['dialog_id']}" in taken:
        raise RecordError("duplicate_dialogue")
    turn = _turn(row["speaker"], row["text"], [row["movies"]], row["utt_id"])
    return _Utterance(row["dialog_id"], row["fine_label"], turn)


def _dialogues(utterances: Iterable[_Utterance], split: str) -> Iterator[Dialogue]:
    grouped: dict[str, list[_Utterance]] = {}
    for utterance in utterances:
        grouped.setdefault(utterance.dialog_id, []).append(utterance)
    for dialog_id, rows in grouped.items():
        outcome = next((row.label for row in rows if row.label not in _NO_LABEL), None)
        yield Dialogue(f"{DATASET}:{dialog_id}", DATASET, split, merge_turns(row.turn for row in rows), outcome=outcome)


def _unicrs_dialogue(number: int, record: Any, split: str) -> Dialogue:
    if not isinstance(record, list) or not record:
        raise RecordError("empty_dialogue" if record == [] else "bad_type")
    turns = [
        _turn(take(turn, "role", str), take(turn, "text", str), take(turn, "movie", list), str(index)) for index, turn in enumerate(record)
    ]
    return Dialogue(f"{DATASET}:{split}_{number - 1}", DATASET, split, merge_turns(turns))


def _turn(role: str, text: str, movies: Sequence[Any], source_id: str) -> Turn:
    if role not in _SPEAKERS:
        raise RecordError("unknown_speaker")
    if not all(isinstance(movie, str) for movie in movies):
        raise RecordError("bad_type")
    text = text.replace(_QUOTATION_MARK, '"')
    named = [movie.strip() for listed in movies for movie in _SEPARATOR.split(listed) if movie.strip()]
    mentions = _mentions(text, named, is_recommended=role == "RECOMMENDER")
    return Turn(_SPEAKERS[role], text, source_id, mentions)


def _mentions(text: str, movies: Sequence[str], *, is_recommended: bool) -> tuple[Mention, ...]:
    """One mention per listed movie; a movie listed twice is looked for behind its first span."""
    mentions, searched = [], dict.fromkeys(movies, 0)
    for movie in movies:
        span = find_span(text, split_title(movie)[0], searched[movie])
        searched[movie] = span[1] if span else searched[movie]
        start, end = span or (None, None)
        mentions.append(Mention(movie, start, end, is_recommended))
    return tuple(mentions)


def _movies(dialogues: Iterable[Dialogue]) -> list[DialogueMovie]:
    ids = dict.fromkeys(m.source_movie_id for dialogue in dialogues for turn in dialogue.turns for m in turn.mentions)
    return [dialogue_movie(movie, movie) for movie in ids]


def _test_points(protocol: Path | None, state: _Inspired, names: Mapping[str, str]) -> he2023.Protocol | None:
    if protocol is None or not he2023.has_points(protocol, DATASET):
        return None
    tests = [dialogue for dialogue in state.dialogues if dialogue.split == "test"]

    def locate(dialogue: str, turn: str) -> tuple[Dialogue, int] | None:
        if not (dialogue.isdecimal() and turn.isdecimal()) or int(dialogue) >= len(tests):
            return None
        found = tests[int(dialogue)]
        return (found, int(turn)) if int(turn) < len(found.turns) else None

    return he2023.read_examples(protocol, DATASET, state.quarantine, locate=locate, names=names)
