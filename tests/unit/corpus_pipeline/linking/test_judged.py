"""Judged gold: readers' marks replace a data set's in dialogues they read, verdicts come on top, the rest stands."""

import itertools
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from corpus_pipeline.errors import LinkError
from corpus_pipeline.linking.gold import MENTIONS, TEXTS, Gold, film_group
from corpus_pipeline.linking.judged import judged_gold, load_judged, read_whole, reliable

PLACES, VERDICTS = "dialogue_id turn_index span_start span_end movie_id", "dialogue_id turn_index movie_id verdict"
FILM = re.compile(r"mq[0-9a-f]{12}")

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A folder with one judged file of these rows."""

    def written(columns: str, *rows: Iterable[object], name: str = "made_up") -> Path:
        lines = [columns.split(), *(map(str, row) for row in rows)]
        (tmp_path / f"{name}.tsv").write_text("".join("\t".join(line) + "\n" for line in lines))
        return tmp_path

    return written


SAID = (  # dialogue, turn, text
    ("inspired:1", 0, "Plum and Oxbow were fine"),
    ("inspired:1", 1, "the salt engine (1999), then"),
    ("redial:1", 0, "Nobody Knows It"),
    ("redial:1", 1, "and Oxbow"),
)


def gold() -> Gold:
    texts = [
        {"text_id": n, "dataset": code.split(":")[0], "split": "train", "dialogue_id": code, "turn_index": turn, "text": text,
         "speaker": "seeker", "group": "train"}
        for n, (code, turn, text) in enumerate(SAID)
    ]  # fmt: skip
    mentions = [
        {"text_id": 0, "mention_index": 0, "span_start": 9, "span_end": 14, "source_movie_id": "a", "movie_id": "m1", "is_known": True,
         "year_given": 1990, "kinds": ["exact"], "group": "train"},
        {"text_id": 1, "mention_index": 0, "span_start": 4, "span_end": 15, "source_movie_id": "b", "movie_id": "m2", "is_known": True,
         "year_given": 1999, "kinds": ["lower", "with_year"], "group": "train"},
        {"text_id": 2, "mention_index": 0, "span_start": 0, "span_end": 15, "source_movie_id": "c", "movie_id": None, "is_known": True,
         "kinds": ["not_in_catalogue"], "group": film_group(None, "Nobody Knows It")},
    ]  # fmt: skip
    return Gold(pa.Table.from_pylist(texts, schema=TEXTS), pa.Table.from_pylist(mentions, schema=MENTIONS))


def by_place(found: Gold) -> dict[tuple[int, int | None], dict[str, Any]]:
    return {(row["text_id"], row["span_start"]): row for row in found.mentions.to_pylist()}


def test_a_dialogue_that_was_read_has_the_readers_marks_alone(write: Write) -> None:
    read = [("inspired:1", 0, 0, 4, "m9"), ("inspired:1", 1, 4, 15, ""), ("inspired:1", 1, 24, 28, "?")]
    found = by_place(judged_gold(gold(), load_judged(write(PLACES, *read))))
    assert set(found) == {(0, 0), (1, 4), (1, 24), (2, 0)}
    outcome = {place: (row["movie_id"], row["is_known"]) for place, row in found.items()}
    assert outcome == {(0, 0): ("m9", True), (1, 4): (None, True), (1, 24): (None, False), (2, 0): (None, True)}
    assert [found[1, start]["mention_index"] for start in (4, 24)] == [0, 1]


def test_years_and_kinds_of_marks_in_the_same_place_are_kept(write: Write) -> None:
    found = by_place(judged_gold(gold(), load_judged(write(PLACES, ("inspired:1", 0, 0, 4, "m1"), ("inspired:1", 1, 4, 15, "m9")))))
    assert (found[1, 4]["year_given"], found[1, 4]["kinds"]) == (1999, ["lower", "with_year"])
    assert (found[0, 0]["year_given"], found[0, 0]["kinds"]) == (None, [])


@pytest.mark.parametrize(
    ("verdict", "movie_id", "is_known"), [("m7", "m7", True), ("m8", "m8", True), ("?", "m7", False), ("no", None, None)]
)
def test_a_verdict_adds_a_film_without_a_place(write: Write, verdict: str, movie_id: str | None, is_known: bool | None) -> None:
    found = by_place(judged_gold(gold(), load_judged(write(VERDICTS, ("redial:1", 1, "m7", verdict)))))
    assert {place for place in found if place[1] is not None} == {(0, 9), (1, 4), (2, 0)}
    added = found.get((3, None))
    assert (added and added["movie_id"]) == movie_id
    assert (added and added["is_known"]) == is_known
    assert added is None or added["kinds"] == ["judged"]


def test_groups_follow_films_and_what_is_written_where_the_catalogue_lacks_them(write: Write) -> None:
    """Otherwise all absent films are in one group, and links to them count in no other."""
    read = [("inspired:1", 0, 0, 4, "m9"), ("inspired:1", 0, 9, 14, ""), ("inspired:1", 1, 4, 15, "")]
    found = by_place(judged_gold(gold(), load_judged(write(PLACES, *read))))
    assert {place: row["group"] for place, row in found.items()} == {
        (0, 0): film_group("m9", ""),
        (0, 9): film_group(None, "Oxbow"),
        (1, 4): film_group(None, "salt engine"),
        (2, 0): film_group(None, "Nobody Knows It"),
    }


def test_what_is_not_in_the_gold_adds_nothing(write: Write) -> None:
    write(VERDICTS, ("redial:99", 0, "m7", "m7"), name="verdicts")
    judged = load_judged(write(PLACES, ("inspired:99", 0, 0, 4, "m9")))
    assert judged_gold(gold(), judged).mentions.sort_by("text_id") == gold().mentions
    assert judged_gold(gold(), {}).mentions.sort_by("text_id") == gold().mentions


def test_unreliable_marks_go_unless_the_dialogue_was_read(write: Write) -> None:
    write(VERDICTS, ("inspired:1", 0, "m7", "m7"), name="verdicts")  # a verdict is no reading
    assert read_whole(load_judged(write(PLACES)))["dialogue_id"].to_pylist() == []
    kept = reliable(gold(), read_whole(load_judged(write(PLACES))))
    assert (kept.texts["dialogue_id"].to_pylist(), kept.mentions["text_id"].to_pylist()) == (["redial:1"] * 2, [0])
    read = read_whole(load_judged(write(PLACES, ("inspired:1", 0, 0, 4, "m9"))))
    assert read["dialogue_id"].to_pylist() == ["inspired:1"]
    assert reliable(gold(), read).texts.num_rows == 4


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("dialogue_id\tturn_index\nredial:1\tx\n", "invalid value 'x'"),
        ("dialogue_id\tturn_index\nredial:1\n", "made_up.tsv"),
        ("", "made_up.tsv"),
        ("dialogue_id\tspan\nredial:1\t3\n", r"\['span'\] are unknown"),
    ],
)
def test_a_file_that_is_no_such_table_is_named(tmp_path: Path, content: str, part: str) -> None:
    (tmp_path / "made_up.tsv").write_text(content)
    with pytest.raises(LinkError, match=part) as caught:
        load_judged(tmp_path)
    assert "made_up.tsv" in str(caught.value)


def test_the_shipped_files_hold_places_and_films() -> None:
    judged = load_judged()
    assert {"inspired_train", "inspired_valid", "inspired_test", "redial_train", "redial_valid"} <= set(judged)
    for name, rows in judged.items():
        assert rows.num_rows > 100, name
        assert all(code.startswith(f"{name.split('_')[0]}:") for code in rows["dialogue_id"].to_pylist()), name
        films = rows["movie_id"].to_pylist()
        if "verdict" in rows.column_names:
            assert all(map(FILM.fullmatch, films)), name
            assert all(verdict in ("no", "?") or FILM.fullmatch(verdict) for verdict in rows["verdict"].to_pylist()), name
        else:
            assert all(film in ("", "?") or FILM.fullmatch(film) for film in films), name


def test_the_shipped_places_do_not_overlap() -> None:
    for name, rows in load_judged().items():
        places = sorted(zip(*(rows[c].to_pylist() for c in PLACES.split()[:-1]), strict=True)) if "span_start" in rows.column_names else []
        assert all(0 <= start < end for _, _, start, end in places), name
        pairs = itertools.pairwise(places)
        assert [(a, b) for a, b in pairs if a[:2] == b[:2] and a[3] > b[2]] == [], name
