"""ReDial (Li et al. 2018): conversations as JSON lines, movies as '@<id>' tokens, one list of movies.

Read from loose files or from the official `redial_dataset.zip`. Where `train_data.jsonl` is missing, the parts of the
training set that other projects republished are read instead. Test conversations are read first: a conversation that
came again, in whichever file, is quarantined, so none can be both trained on and tested.
"""

import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpus_pipeline.errors import SourceError
from corpus_pipeline.sources.dialogues import he2023
from corpus_pipeline.sources.dialogues.records import (
    RecordError,
    content,
    csv_rows,
    id_table,
    no_file,
    read_json_lines,
    read_records,
    take,
    take_utf8,
)
from corpus_pipeline.sources.reading import FileCount, Quarantine, Read
from corpus_pipeline.splits import carve_valid
from corpus_pipeline.transform.dialogues import (
    Dialogue,
    DialogueMovie,
    Mention,
    Turn,
    dialogue_movie,
    dialogue_tables,
    merge_turns,
    movie_names,
)
from corpus_pipeline.transform.examples import example_tables, examples_by_rule

DATASET = "redial"
ARCHIVE = "redial_dataset.zip"
TEST, TRAIN, MOVIES = "test_data.jsonl", "train_data.jsonl", "movies_with_mentions.csv"
TRAIN_PARTS = ("train_data_partial.jsonl", "train_extra_ievalm_valid_data.jsonl")
ID_TO_INFO = "ievalm_redial_id2info.json"

_TOKEN = re.compile(r"@(\d+)")


def read_redial(folder: Path, protocol: Path | None = None) -> Read:
    """The six core tables of ReDial. `protocol`: folder of He et al. 2023; their points become the test examples.

    `imdb_id` stays null on purpose: the ids that exist (`read_redial_imdb_ids`) are what the linker is checked against.
    """
    quarantine = Quarantine(DATASET)
    movies, movie_counts = _read_movies(folder, quarantine)
    dialogues, named, counts = _read_conversations(folder, quarantine, movies)
    if not counts:
        raise no_file(folder, (ARCHIVE, TEST, TRAIN, *TRAIN_PARTS), DATASET)
    known = list((named | movies).values())
    points = _test_points(protocol, quarantine, dialogues, movie_names(known))
    by_rule = [dialogue for dialogue in dialogues if points is None or dialogue.split != "test"]
    found = points or he2023.Protocol()
    examples = found.examples + examples_by_rule(by_rule, known)
    tables = dialogue_tables(DATASET, dialogues, known + found.movies) | example_tables(dialogues, examples)
    return Read(tables, quarantine.table(), (*counts, *movie_counts, *found.counts))


def read_redial_imdb_ids(path: Path) -> pa.Table:
    """IMDb ids of ReDial's movies from iEvaLM's `ievalm_redial_id2info.json`: (source_movie_id, imdb_id), for evaluation only."""
    try:
        info = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SourceError(f"reading {path.name}: {error}; expected an object by ReDial movie id; fetch it again") from error
    return id_table((movie, row["imdb_id"]) for movie, row in info.items() if str(row.get("imdb_id") or "").startswith("tt"))


def _read_movies(folder: Path, quarantine: Quarantine) -> tuple[dict[str, DialogueMovie], tuple[FileCount, ...]]:
    data = content(folder, MOVIES, archive=ARCHIVE)
    if data is None:
        return {}, ()
    taken: set[str] = set()

    def parse(_: int, row: dict[str, Any]) -> DialogueMovie:
        number, name = take_utf8(row, "movieId").strip(), take_utf8(row, "movieName")
        if not number.isdecimal() or not name.strip():
            raise RecordError("bad_movie")
        if number in taken:
            raise RecordError("duplicate_movie")
        taken.add(number)
        return dialogue_movie(number, name)

    movies, count = read_records(csv_rows(data, MOVIES, ("movieId", "movieName")), MOVIES, quarantine, parse)
    return {movie.source_movie_id: movie for movie in movies}, (count,)


def _read_conversations(
    folder: Path, quarantine: Quarantine, movies: Mapping[str, DialogueMovie]
) -> tuple[list[Dialogue], dict[str, DialogueMovie], tuple[FileCount, ...]]:
    conversations = _Conversations(movies)
    dialogues: list[Dialogue] = []
    counts = []
    for file, data in _files(folder):
        parse = conversations.parse_test if file == TEST else conversations.parse_train
        accepted, count = read_json_lines(data, file, quarantine, parse)
        dialogues += accepted
        counts.append(count)
    return dialogues, conversations.named, tuple(counts)


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    complete = content(folder, TRAIN, archive=ARCHIVE)
    found = [(TEST, content(folder, TEST, archive=ARCHIVE)), (TRAIN, complete)]
    found += [(part, content(folder, part)) for part in TRAIN_PARTS if complete is None]
    return ((file, data) for file, data in found if data is not None)


class _Conversations:
    """Parses conversations; remembers which ids were taken and which movies only a conversation names."""

    def __init__(self, movies: Mapping[str, DialogueMovie]) -> None:
        self.movies = movies
        self.named: dict[str, DialogueMovie] = {}
        self.taken: set[str] = set()

    def parse_test(self, _: int, record: Any) -> Dialogue:
        return self._dialogue(record, "test")

    def parse_train(self, _: int, record: Any) -> Dialogue:
        return self._dialogue(record, "train")

    def _dialogue(self, record: Any, published: str) -> Dialogue:
        number = take(record, "conversationId", object)
        if not isinstance(number, str | int) or not str(number).strip():
            raise RecordError("bad_type")
        number = str(number).strip()
        if number in self.taken:
            raise RecordError("duplicate_dialogue")
        answers = _answers(record)
        named = self._named(record)
        messages = [self._message(message, record, answers, named) for message in take(record, "messages", list)]
        if not messages:
            raise RecordError("empty_dialogue")
        self.taken.add(number)
        self.named |= {movie: row for movie, row in named.items() if movie not in self.movies}
        dialogue_id = f"{DATASET}:{number}"
        split = carve_valid(dialogue_id) if published == "train" else published
        return Dialogue(dialogue_id, DATASET, split, merge_turns(messages), seeker_id=str(record["initiatorWorkerId"]))

    def _named(self, record: Any) -> dict[str, DialogueMovie]:
        """Movies of this conversation by id. The list of movies has the last word; a null or missing name is looked up there."""
        mentions = take(record, "movieMentions", object) or {}
        if not isinstance(mentions, dict):
            raise RecordError("bad_type")
        return {movie: dialogue_movie(movie, name) for movie, name in mentions.items() if isinstance(name, str) and name.strip()}

    def _message(self, message: Any, record: Any, answers: Mapping[str, Any], named: Mapping[str, DialogueMovie]) -> Turn:
        speaker = _speaker(take(message, "senderWorkerId", int), record)
        source_id = message.get("messageId", message.get("turn_id"))
        text, spans = _resolved(take(message, "text", str), lambda movie: self.movies.get(movie) or named.get(movie))
        mentions = tuple(_mention(movie, start, end, speaker, answers.get(movie)) for movie, start, end in spans)
        return Turn(speaker, text, None if source_id is None else str(source_id), mentions)


def _speaker(sender: int, record: Any) -> str:
    seeker, recommender = take(record, "initiatorWorkerId", int), take(record, "respondentWorkerId", int)
    if seeker == recommender or sender not in (seeker, recommender):
        raise RecordError("unknown_speaker")
    return "seeker" if sender == seeker else "recommender"


def _answers(record: Any) -> dict[str, Any]:
    """What was said about each movie after the dialogue: the seeker's form, else the recommender's. An empty form is `[]`."""
    forms = [record.get("respondentQuestions") or {}, record.get("initiatorQuestions") or {}] if isinstance(record, dict) else []
    if not all(isinstance(form, dict) for form in forms):
        raise RecordError("bad_type")
    return {movie: answer for form in forms for movie, answer in form.items() if isinstance(answer, dict)}


def _resolved(raw: str, movie_of: Callable[[str], DialogueMovie | None]) -> tuple[str, list[tuple[str, int, int]]]:
    """The text with '@<id>' replaced by titles and HTML entities decoded, and (id, start, end) of each title in it.

    A token glued to a word gets a space. A token that no list resolves stays as it was typed: it names nothing.
    """
    text, spans, position = "", [], 0
    raw = raw.strip()
    for token in _TOKEN.finditer(raw):
        movie = movie_of(token[1])
        if movie is None:
            continue
        text += html.unescape(raw[position : token.start()])
        text += " " if text[-1:].isalnum() else ""
        spans.append((token[1], len(text), len(text) + len(movie.surface)))
        text += movie.surface + (" " if raw[token.end() : token.end() + 1].isalnum() else "")
        position = token.end()
    return text + html.unescape(raw[position:]), spans


def _mention(movie: str, start: int, end: int, speaker: str, answer: Any) -> Mention:
    is_liked = _said(answer, "liked")
    is_recommended = _said(answer, "suggested") if speaker == "recommender" else False
    return Mention(movie, start, end, is_recommended, is_liked if is_recommended else None, is_liked)


def _said(answer: Any, question: str) -> bool | None:
    value = answer.get(question) if isinstance(answer, dict) else None
    return bool(value) if value in (0, 1) else None  # 2 is 'did not say'


def _test_points(
    protocol: Path | None, quarantine: Quarantine, dialogues: list[Dialogue], names: Mapping[str, str]
) -> he2023.Protocol | None:
    if protocol is None or not he2023.has_points(protocol, DATASET):
        return None
    places = {
        (dialogue.dialogue_id.removeprefix(f"{DATASET}:"), message): (dialogue, index)
        for dialogue in dialogues
        if dialogue.split == "test"
        for index, turn in enumerate(dialogue.turns)
        for message in (turn.source_id or "").split("+")
    }
    return he2023.read_examples(protocol, DATASET, quarantine, locate=lambda d, t: places.get((d, t)), names=names)
