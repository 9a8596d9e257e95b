"""Test points of He et al. 2023 (CIKM), taken over exactly: which turns are predicted, what the targets are, which are new.

Files: `data/<data set>/test.jsonl` (one point per line: `rec` and `prev_entity` are entity ids) and `entity2id.json`
(entity to id). The points are joined to our turns; a target's movie is one of the turn's own mentions where its name
fits, otherwise a new data set movie under the entity's URI. Published results by model are not read here.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus_pipeline.errors import SourceError
from corpus_pipeline.sources.dialogues.records import RecordError, content, read_json_lines, take
from corpus_pipeline.sources.reading import FileCount, Quarantine
from corpus_pipeline.transform.dialogues import Dialogue, DialogueMovie
from corpus_pipeline.transform.examples import Example, Target, align, entity_movie, protocol_name

TESTED = ("inspired", "redial")
PREFIX = "test_"

Locate = Callable[[str, str], tuple[Dialogue, int] | None]
"""(dialogue, turn) in the protocol's ids to our dialogue and turn index; None when we have no such turn."""


@dataclass(slots=True)
class Protocol:
    """The test examples, the movies that had to be added for them, and the accounting of the files."""

    examples: list[Example] = field(default_factory=list)
    movies: list[DialogueMovie] = field(default_factory=list)
    counts: tuple[FileCount, ...] = ()


def has_points(protocol: Path | None, dataset: str) -> bool:
    """Whether the folder holds test points of this data set (the text of Reddit's is not published with the code)."""
    return protocol is not None and (protocol / "data" / dataset / "test.jsonl").is_file()


def read_entities(protocol: Path, dataset: str) -> dict[str, Any]:
    """`entity2id.json`: DBpedia URI to id, or 'Title (Year)' to IMDb id for Reddit. SourceError when it is not an object."""
    name = f"data/{dataset}/entity2id.json"
    data = content(protocol, name)
    try:
        entities = json.loads(data or b"")
    except ValueError as error:
        raise SourceError(f"reading {name} below {protocol}: not JSON ({error}); expected an object of entities; fetch it again") from error
    if not isinstance(entities, dict):
        raise SourceError(f"reading {name} below {protocol}: saw a {type(entities).__name__}; expected an object; fetch it again")
    return entities


def read_examples(protocol: Path, dataset: str, quarantine: Quarantine, *, locate: Locate, names: Mapping[str, str]) -> Protocol:
    """The published test points of `dataset` as examples in file order.

    `names`: title by our movie id, for aligning. Rejected: unknown entity or turn, a turn of the seeker, a second point
    for one turn.
    """
    file = f"he2023/{dataset}/test.jsonl"
    entities = {number: entity for entity, number in read_entities(protocol, dataset).items()}
    taken: set[str] = set()
    added: dict[str, DialogueMovie] = {}

    def parse(_: int, record: Any) -> Example:
        example, movies = _example(record, entities, locate, names)
        if example.example_id in taken:
            raise RecordError("duplicate_turn")
        taken.add(example.example_id)
        added.update({movie.source_movie_id: movie for movie in movies})
        return example

    examples, count = read_json_lines(content(protocol, f"data/{dataset}/test.jsonl") or b"", file, quarantine, parse)
    return Protocol(examples, list(added.values()), (count, FileCount(f"he2023/{dataset}/entity2id.json", 1, 1, 0)))


def _example(record: Any, entities: Mapping[Any, str], locate: Locate, names: Mapping[str, str]) -> tuple[Example, list[DialogueMovie]]:
    targets, earlier = _entities(record, "rec", entities), _entities(record, "prev_entity", entities)
    if not targets:
        raise RecordError("no_target")
    dialogue, index = _place(record, locate)
    mentioned = {protocol_name(entity) for entity in earlier}
    ids = align(targets, dialogue.turns[index], names)
    added = [entity_movie(entity) for entity, movie in zip(targets, ids, strict=True) if movie is None]
    rows = [
        Target(movie or entity_movie(entity).source_movie_id, protocol_name(entity), protocol_name(entity) not in mentioned)
        for entity, movie in zip(targets, ids, strict=True)
    ]
    return Example(dialogue.dialogue_id, index, tuple(rows)), added


def _entities(record: Any, name: str, entities: Mapping[Any, str]) -> list[str]:
    numbers = take(record, name, list)
    try:
        return [entities[number] for number in numbers]
    except (KeyError, TypeError) as error:
        raise RecordError("unknown_entity") from error


def _place(record: Any, locate: Locate) -> tuple[Dialogue, int]:
    turn = record.get("turn_id")
    found = locate(take(record, "dialog_id", str).removeprefix(PREFIX), str(turn).removeprefix(PREFIX))
    if found is None:
        raise RecordError("unknown_turn")
    dialogue, index = found
    if dialogue.turns[index].speaker != "recommender":
        raise RecordError("not_a_recommender_turn")
    return found
