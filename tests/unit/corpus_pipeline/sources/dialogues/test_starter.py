"""The starter dialogues: every field checked, every defect with its reason."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from corpus_pipeline.errors import SourceError
from corpus_pipeline.sources.dialogues.starter import read_starter
from corpus_pipeline.sources.reading import Read

MENTION = {
    "start": 4,
    "end": 8,
    "surface": "Kite",
    "year": 1999,
    "movie": "kite-1999",
    "recommended": True,
    "accepted": False,
    "liked": None,
}
GOOD: dict[str, Any] = {
    "dialogue_id": "s0001",
    "outcome": "rejected",
    "turns": [
        {"speaker": "seeker", "text": "Hello", "mentions": []},
        {"speaker": "recommender", "text": "Try Kite", "mentions": [MENTION]},
    ],
}


def read_lines(folder: Path, *lines: Any) -> Read:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder / "dialogues.jsonl").write_text(text, encoding="utf-8")
    return read_starter(folder)


def changed(*path: Any, value: Any) -> dict[str, Any]:
    record = copy.deepcopy(GOOD) | {"dialogue_id": "s0002"}
    place: Any = record
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return record


def test_a_good_dialogue(tmp_path: Path) -> None:
    read = read_lines(tmp_path, GOOD)
    (dialogue,) = read.tables["core_dialogues"].to_pylist()
    assert (dialogue["dialogue_id"], dialogue["outcome"], dialogue["turn_count"]) == ("starter:s0001", "rejected", 2)
    (mention,) = read.tables["core_mentions"].to_pylist()
    assert (mention["source_movie_id"], mention["span_start"], mention["span_end"]) == ("kite-1999", 4, 8)
    assert (mention["is_recommended"], mention["is_accepted"], mention["is_liked"]) == (True, False, None)
    (target,) = read.tables["core_recommendation_targets"].to_pylist()
    assert (target["example_id"], target["source_movie_id"], target["is_new"]) == ("starter:s0001#1", "kite-1999", True)
    assert [(c.read, c.accepted, c.quarantined) for c in read.counts] == [(1, 1, 0)]


AT = ("turns", 1, "mentions", 0)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "bad_json"),
        ("3", "not_an_object"),
        ({"dialogue_id": "x"}, "missing_field"),
        (changed("dialogue_id", value=" "), "missing_field"),
        (changed("dialogue_id", value="s0001"), "duplicate_id"),
        (changed("dialogue_id", value=7), "bad_type"),
        (changed("outcome", value="maybe"), "unknown_outcome"),
        (changed("turns", value=[]), "empty_dialogue"),
        (changed("turns", 0, "speaker", value="wizard"), "unknown_speaker"),
        (changed("turns", 0, "text", value=" "), "empty_text"),
        (changed("turns", 0, value="x"), "not_an_object"),
        (changed(*AT, "start", value=True), "bad_type"),
        (changed(*AT, "start", value=-1), "span_outside_text"),
        (changed(*AT, "end", value=9), "span_outside_text"),
        (changed(*AT, "end", value=4), "span_outside_text"),
        (changed(*AT, "surface", value="kite"), "surface_mismatch"),
        (changed(*AT, "year", value="1999"), "bad_type"),
        (changed(*AT, "year", value=99), "year_out_of_range"),
        (changed(*AT, "movie", value=""), "empty_movie"),
        (changed(*AT, "recommended", value=None), "bad_type"),
        (changed(*AT, "recommended", value=False), "accepted_without_recommendation"),
        (changed(*AT, "liked", value="yes"), "bad_type"),
        (changed(*AT[:3], value=[MENTION, MENTION | {"start": 6, "surface": "te"}]), "spans_overlap"),
    ],
)
def test_defects(tmp_path: Path, line: Any, reason: str) -> None:
    read = read_lines(tmp_path, GOOD, line)
    assert read.rejects.column("reason").to_pylist() == [reason]
    assert read.rejects.column("line").to_pylist() == [2]
    assert read.tables["core_dialogues"].num_rows == 1


def test_films_outside_the_catalogue_and_the_most_used_spelling(tmp_path: Path) -> None:
    turns = [
        {
            "speaker": "seeker",
            "text": text,
            "mentions": [MENTION | {"start": 0, "end": len(text), "surface": text, "year": year, "movie": movie, "accepted": None}],
        }
        for text, year, movie in [
            ("kite", None, "kite-1999"),
            ("The Kite", 1999, "kite-1999"),
            ("The Kite", 1999, "kite-1999"),
            ("Oars", None, None),
            ("Oars", 2001, None),
        ]
    ]
    read = read_lines(tmp_path, GOOD | {"turns": turns})
    movies = [(m["source_movie_id"], m["surface"], m["mention_year"]) for m in read.tables["core_dialogue_movies"].to_pylist()]
    assert movies == [("Oars", "Oars", None), ("Oars (2001)", "Oars", 2001), ("kite-1999", "The Kite", 1999)]


def test_mentions_are_ordered_by_place_and_moved_when_turns_merge(tmp_path: Path) -> None:
    second = {"speaker": "recommender", "text": "Oars, Kite", "mentions": [
        MENTION | {"start": 6, "end": 10}, MENTION | {"start": 0, "end": 4, "surface": "Oars", "movie": None},
    ]}  # fmt: skip
    read = read_lines(tmp_path, GOOD | {"turns": [GOOD["turns"][1], second]})
    (turn,) = read.tables["core_dialogue_turns"].to_pylist()
    spans = [turn["text"][m["span_start"] : m["span_end"]] for m in read.tables["core_mentions"].to_pylist()]
    assert (turn["text"], spans) == ("Try Kite Oars, Kite", ["Kite", "Oars", "Kite"])


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"dialogues\.jsonl"):
        read_starter(tmp_path)
