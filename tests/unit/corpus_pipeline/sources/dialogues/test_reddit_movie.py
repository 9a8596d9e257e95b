"""Reddit-Movie's reader on a made-up file in the published format."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from corpus_pipeline.errors import SourceError
from corpus_pipeline.sources.dialogues.reddit_movie import read_reddit_movie
from corpus_pipeline.sources.reading import Read

COLUMNS = (
    "conv_id", "turn_id", "turn_order", "user_id", "is_seeker", "utc_time", "upvotes",
    "processed", "raw", "context_processed", "context_raw", "context_turn_ids",
)  # fmt: skip


def turn(conv: str, order: int, text: str, *, is_seeker: bool, **changed: Any) -> dict[str, Any]:
    role = "USER" if is_seeker else "SYSTEM"
    values = (conv, f"t{order}", order, "u1" if is_seeker else "u2", is_seeker, 1641234238, None, repr([role, text]), "", "[]", "[]", "[]")
    return dict(zip(COLUMNS, values, strict=True)) | changed


def written(folder: Path, split: str, *rows: dict[str, Any]) -> Path:
    with (folder / f"{split}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    (folder / "id2name.json").write_text(json.dumps({"tt0000001": "Paper Boats (1999)", "tt0000002": "Kite (2001)", "tt0000009": None}))
    return folder


def rows(read: Read, table: str) -> list[dict[str, Any]]:
    return read.tables[table].to_pylist()


def test_rows_of_a_conversation_become_a_dialogue(tmp_path: Path) -> None:
    read = read_reddit_movie(
        written(
            tmp_path,
            "train",
            turn("c_0/2", 2, "Thanks\n&amp; bye", is_seeker=True),
            turn("c_0/2", 0, "Like tt0000001, with 'quotes' &gt; none", is_seeker=True),
            turn("c_0/2", 1, "tt0000002 or tt0000009", is_seeker=False),
        )
    )
    turns = rows(read, "core_dialogue_turns")
    assert [(t["speaker"], t["text"], t["source_turn_id"]) for t in turns] == [
        ("seeker", "Like Paper Boats, with 'quotes' > none", "t0"),
        ("recommender", "Kite or tt0000009", "t1"),
        ("seeker", "Thanks\n& bye", "t2"),
    ]
    mentions = [(m["turn_index"], m["source_movie_id"], m["is_recommended"]) for m in rows(read, "core_mentions")]
    assert mentions == [(0, "tt0000001", False), (1, "tt0000002", True), (1, "tt0000009", True)]
    assert turns[1]["text"][slice(*[rows(read, "core_mentions")[1][k] for k in ("span_start", "span_end")])] == "Kite"
    (dialogue,) = rows(read, "core_dialogues")
    assert (dialogue["dialogue_id"], dialogue["split"], dialogue["seeker_id"]) == ("reddit_movie:c_0/2", "train", "u1")
    movies = [(m["source_movie_id"], m["surface"], m["mention_year"], m["imdb_id"]) for m in rows(read, "core_dialogue_movies")]
    assert movies == [
        ("tt0000001", "Paper Boats", 1999, "tt0000001"),
        ("tt0000002", "Kite", 2001, "tt0000002"),
        ("tt0000009", "tt0000009", None, "tt0000009"),
    ]
    assert [t["source_movie_id"] for t in rows(read, "core_recommendation_targets")] == ["tt0000002", "tt0000009"]


def test_json_lines_hold_the_same_records(tmp_path: Path) -> None:
    record = turn("c", 0, "tt0000001?", is_seeker=True)
    plain = read_reddit_movie(written(tmp_path, "test", record))
    (tmp_path / "test.csv").unlink()
    (tmp_path / "test.jsonl").write_text(json.dumps(record) + "\n" + json.dumps(record | {"turn_order": 1, "processed": ["USER", "more"]}))
    read = read_reddit_movie(tmp_path)
    assert rows(read, "core_mentions") == rows(plain, "core_mentions")
    assert rows(read, "core_dialogue_turns")[0]["text"] == "Paper Boats? more"


def test_bad_rows_are_quarantined(tmp_path: Path) -> None:
    good = turn("c", 0, "x", is_seeker=True)
    bad = [
        (good, "duplicate_turn"),
        (good | {"turn_order": "-1"}, "bad_turn_order"),
        (good | {"turn_order": 1, "is_seeker": "maybe"}, "unknown_speaker"),
        (good | {"turn_order": 1, "processed": "[1]"}, "bad_processed"),
        (good | {"turn_order": 1, "processed": "__import__('os')"}, "bad_processed"),
        (good | {"turn_order": 1, "processed": "['USER', 3]"}, "bad_processed"),
        (good | {"conv_id": " "}, "missing_field"),
        (turn("t", 0, "x", is_seeker=True), "duplicate_dialogue"),
    ]
    written(tmp_path, "test", turn("t", 0, "x", is_seeker=True))
    read = read_reddit_movie(written(tmp_path, "train", good, *[row for row, _ in bad]))
    assert read.rejects.column("reason").to_pylist() == [reason for _, reason in bad]
    assert {c.file: (c.read, c.accepted) for c in read.counts} == {"test.csv": (1, 1), "train.csv": (9, 1), "id2name.json": (1, 1)}


def test_bytes_that_are_no_utf8_and_torn_records(tmp_path: Path) -> None:
    written(
        tmp_path, "train", turn("c", 0, "fine", is_seeker=True), turn("d", 0, "odd", is_seeker=True), turn("e", 0, "torn", is_seeker=True)
    )
    path = tmp_path / "train.csv"
    path.write_bytes(path.read_bytes().replace(b"'odd'", b"'\xff'").replace(b"torn']\",,[],[],[]", b"torn']\",,[],[],[],[],extra"))
    read = read_reddit_movie(tmp_path)
    assert read.rejects.column("reason").to_pylist() == ["bad_processed", "wrong_column_count"]


def test_candidates_without_dialogues(tmp_path: Path) -> None:
    data = tmp_path / "data" / "reddit"
    data.mkdir(parents=True)
    (data / "entity2id.json").write_text(json.dumps({"Oars (2005)": "tt0000005"}))
    read = read_reddit_movie(None, tmp_path)
    assert [(m["source_movie_id"], m["surface"], m["mention_year"]) for m in rows(read, "core_dialogue_movies")] == [
        ("tt0000005", "Oars", 2005)
    ]
    assert rows(read, "core_dialogues") == []


def test_files_that_are_something_else(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="expected one of"):
        read_reddit_movie(tmp_path)
    (tmp_path / "train.csv").write_text("<html>")
    with pytest.raises(SourceError, match="columns"):
        read_reddit_movie(tmp_path)
    (tmp_path / "id2name.json").write_text("[]")
    with pytest.raises(SourceError, match="saw a list"):
        read_reddit_movie(tmp_path)
