"""Viewers made up from the starter dialogues: verdicts, order, the test split, and the shipped files."""

import json
from pathlib import Path
from typing import Any

import pytest

from corpus_pipeline.errors import SourceError
from corpus_pipeline.schema.tables import INTERACTIONS
from corpus_pipeline.sources.interactions import starter
from corpus_pipeline.sources.interactions.starter import VIEWERS, read_starter_interactions, viewer_of
from corpus_pipeline.sources.reading import Read
from corpus_pipeline.sources.registry import SHIPPED
from corpus_pipeline.splits import starter_split
from tests.unit.corpus_pipeline.sources.interactions.accounting import check, histories, items, rows, users

FILES = ("dialogues.jsonl", "films.jsonl")
TRAIN = [number for number in (f"s{i:04d}" for i in range(50)) if starter_split(f"starter:{number}") == "train"]
TEST = next(number for number in (f"s{i:04d}" for i in range(50)) if starter_split(f"starter:{number}") == "test")


def mention(film: str | None, accepted: bool | None, liked: bool | None) -> dict[str, Any]:
    return {"start": 0, "end": 4, "surface": "Kite", "year": None, "movie": film, "recommended": True, "accepted": accepted, "liked": liked}


def dialogue(number: str, *mentions: dict[str, Any]) -> dict[str, Any]:
    turns = [{"speaker": ("recommender", "seeker")[i % 2], "text": "Kite", "mentions": [told]} for i, told in enumerate(mentions)]
    return {"dialogue_id": number, "outcome": "open", "turns": turns}


def film(name: str) -> dict[str, Any]:
    return {
        "film_id": name,
        "title": name.title(),
        "year": 1999,
        "genres": ["Drama"],
        "directors": ["Ada", "Bea"],
        "writers": [],
        "cast": ["Cy"],
    }


def read_made_up(folder: Path, *dialogues: dict[str, Any]) -> Read:
    for name, records in zip(FILES, (dialogues, [film("kite"), film("oars"), film("unseen")]), strict=True):
        (folder / name).write_text("\n".join(map(json.dumps, records)) + "\n", encoding="utf-8")
    return read_starter_interactions({name: folder / name for name in FILES})


def test_verdicts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starter, "VIEWERS", 1)
    read = read_made_up(
        tmp_path,
        dialogue(
            TRAIN[0], mention("kite", True, None), mention("oars", True, False), mention("unseen", None, None), mention(None, True, True)
        ),
        dialogue(TRAIN[1], mention("kite", False, None), mention("outside", True, True)),
        dialogue(TEST, mention("unseen", True, True), mention("oars", True, True)),
    )
    check(read, "starter")
    assert [(row["item_id"], row["is_liked"]) for row in rows(read)] == [("oars", False), ("kite", False)]
    assert {row["rating"] for row in rows(read)} == {row["interacted_at"] for row in rows(read)} == {None}
    assert items(read)["kite"] | {"movie_id": None} == {
        "dataset": "starter", "item_id": "kite", "title": "Kite", "year": 1999, "creators": ["Ada", "Bea"], "item_genres": ["Drama"],
        "publisher": None, "movie_id": None,
    }  # fmt: skip
    assert set(items(read)) == {"kite", "oars", "unseen"}
    assert set(users(read)) == {"viewer_00"}


def test_a_broken_dialogue_is_quarantined(tmp_path: Path) -> None:
    read = read_made_up(tmp_path, dialogue(TRAIN[0], mention("kite", True, None)), {"dialogue_id": TRAIN[1]})
    check(read, "starter")
    assert [(row["file"], row["line"], row["reason"]) for row in read.rejects.to_pylist()] == [("dialogues.jsonl", 2, "missing_field")]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"\['films.jsonl'\] missing"):
        read_starter_interactions({"dialogues.jsonl": SHIPPED / "dialogues.jsonl"})


def test_shipped_files_make_useful_histories() -> None:
    read = read_starter_interactions({name: SHIPPED / name for name in FILES})
    check(read, "starter")
    lengths = sorted(map(len, histories(read).values()))
    assert len(lengths) == VIEWERS
    assert lengths[0] >= 5
    assert (lengths[VIEWERS // 2], lengths[-1], read.tables[INTERACTIONS.name].num_rows) == (12, 26, 288)  # as the README says
    assert 0.6 < sum(row["is_liked"] for row in rows(read)) / len(rows(read)) < 0.8


def test_viewers_are_fixed_by_the_id() -> None:
    assert [viewer_of(f"starter:s{i:04d}") for i in (1, 2, 3)] == [viewer_of(f"starter:s{i:04d}") for i in (1, 2, 3)]
    assert {viewer_of(f"starter:s{i:04d}") for i in range(1_000)} == {f"viewer_{i:02d}" for i in range(VIEWERS)}
