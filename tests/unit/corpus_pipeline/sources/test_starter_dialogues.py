"""The dialogues that ship with the project: all of them readable, tied to the starter films, and as varied as they are meant to be.

The reader itself is tested with made-up rows beside the other dialogue readers. Here only the shipped file is looked at.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from rapidfuzz import fuzz

from corpus_pipeline.sources import starter
from corpus_pipeline.sources.dialogues.starter import read_starter
from corpus_pipeline.sources.reading import Read

FOLDER = Path(starter.__file__).parent
ARTICLE = re.compile(r"^(the|a|an)\s+", re.IGNORECASE)
NOT_A_WORD = re.compile(r"[^\w½]+")
COMMON_WORDS = ("up", "it", "her", "us", "go", "once", "big", "room", "ran")


@dataclass(frozen=True)
class Said:
    """A mention with what a check needs to know about where it stands."""

    dialogue: str
    speaker: str
    movie: str | None
    surface: str
    year: int | None
    recommended: bool
    accepted: bool | None
    liked: bool | None


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


DIALOGUES = lines("dialogues.jsonl")
FILMS = {film["film_id"]: film for film in lines("films.jsonl")}
SAID = [
    Said(d["dialogue_id"], t["speaker"], *(m[f] for f in ("movie", "surface", "year", "recommended", "accepted", "liked")))
    for d in DIALOGUES
    for t in d["turns"]
    for m in t["mentions"]
]
KNOWN = [(said, FILMS[said.movie]) for said in SAID if said.movie in FILMS]


def folded(title: str) -> str:
    """Lower case, no accents, no punctuation, no leading article: what is left when only the typing differs."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", title) if not unicodedata.combining(c))
    return ARTICLE.sub("", NOT_A_WORD.sub(" ", plain.replace("'", "")).strip().lower())


def titles(film: dict[str, Any]) -> set[str]:
    return {folded(title) for title in (film["title"], film["original_title"], *film["alternative_titles"]) if title}


def is_misspelt(said: Said, film: dict[str, Any]) -> bool:
    """Close to the film's title and yet none of its titles; short titles are left out, any word is close to them."""
    typed = folded(said.surface)
    return len(typed) > 5 and typed not in titles(film) and fuzz.ratio(typed, folded(film["title"])) >= 80


def without_mentions(turn: dict[str, Any]) -> str:
    text = turn["text"]
    for mention in sorted(turn["mentions"], key=lambda m: m["start"], reverse=True):
        text = text[: mention["start"]] + "\n" + text[mention["end"] :]
    return str(text)


def by_dialogue() -> dict[str, list[Said]]:
    return {dialogue: list(said) for dialogue, said in groupby(SAID, key=lambda said: said.dialogue)}


@pytest.fixture(scope="module")
def read() -> Read:
    return read_starter(FOLDER)


def test_the_reader_quarantines_nothing(read: Read) -> None:
    assert read.rejects.to_pylist() == []
    assert [(c.read, c.accepted, c.quarantined) for c in read.counts] == [(len(DIALOGUES), len(DIALOGUES), 0)]
    assert read.tables["core_mentions"].num_rows == len(SAID)


def test_there_are_enough_of_everything(read: Read) -> None:
    assert len(DIALOGUES) >= 160
    assert len(SAID) >= 700
    assert len({said.movie for said in SAID if said.movie}) >= 300
    assert sum(said.recommended for said in SAID) >= 300
    assert read.tables["core_recommendation_targets"].num_rows >= 300


def test_every_split_has_dialogues_to_work_with(read: Read) -> None:
    splits = Counter(read.tables["core_dialogues"].column("split").to_pylist())
    assert splits["train"] >= 100
    assert splits["valid"] >= 15
    assert splits["test"] >= 25


def test_every_named_film_is_in_the_catalogue() -> None:
    assert {said.movie for said in SAID if said.movie} <= set(FILMS)


def test_a_film_outside_the_catalogue_is_no_film_of_it() -> None:
    known = {(title, film["year"]) for film in FILMS.values() for title in titles(film)}
    names = {title for title, _ in known}
    inside = [
        s for s in SAID if s.movie is None and ((folded(s.surface), s.year) in known or (s.year is None and folded(s.surface) in names))
    ]
    assert inside == []


def test_dialogues_have_four_to_twelve_turns_and_both_speakers(read: Read) -> None:
    counts = read.tables["core_dialogues"].column("turn_count").to_pylist()
    assert (min(counts) >= 4, max(counts) <= 12) == (True, True)
    assert len(set(counts)) >= 6
    assert all({turn["speaker"] for turn in d["turns"]} == {"seeker", "recommender"} for d in DIALOGUES)


def test_only_the_recommender_recommends() -> None:
    assert [said for said in SAID if said.recommended and said.speaker != "recommender"] == []


def test_the_outcome_agrees_with_the_mentions() -> None:
    outcomes = Counter(d["outcome"] for d in DIALOGUES)
    assert (outcomes["accepted"] >= 100, outcomes["rejected"] >= 20, outcomes["open"] >= 20) == (True, True, True)
    accepted = {said.dialogue for said in SAID if said.accepted}
    assert accepted == {d["dialogue_id"] for d in DIALOGUES if d["outcome"] == "accepted"}


def test_no_line_is_said_twice() -> None:
    said = Counter(folded(turn["text"]) for d in DIALOGUES for turn in d["turns"])
    assert [text for text, count in said.items() if count > 1 and len(text.split()) > 3] == []


VARIETIES: dict[str, tuple[int, Callable[[], list[Said]]]] = {
    "misspelt title": (8, lambda: [s for s, film in KNOWN if is_misspelt(s, film)]),
    "lower case title": (60, lambda: [s for s in SAID if s.surface == s.surface.lower() != s.surface.upper()]),
    "title in capitals": (5, lambda: [s for s in SAID if len(s.surface) > 4 and s.surface == s.surface.upper() != s.surface.lower()]),
    "missing article": (
        8,
        lambda: [
            s
            for s, film in KNOWN
            if ARTICLE.match(film["title"]) and folded(s.surface) == folded(film["title"]) and not ARTICLE.match(s.surface)
        ],
    ),
    "year given": (80, lambda: [s for s in SAID if s.year is not None]),
    "year not given": (500, lambda: [s for s in SAID if s.year is None]),
    "year wrong by one": (8, lambda: [s for s, film in KNOWN if s.year is not None and abs(s.year - film["year"]) == 1]),
    "title of three letters or fewer": (25, lambda: [s for s in SAID if len(s.surface) <= 3]),
    "title in another language": (
        5,
        lambda: [
            s
            for s, film in KNOWN
            if film["original_title"] and folded(s.surface) == folded(film["original_title"]) != folded(film["title"])
        ],
    ),
    "letter beyond ASCII": (8, lambda: [s for s in SAID if not s.surface.isascii()]),
    "film outside the catalogue": (80, lambda: [s for s in SAID if s.movie is None]),
    "liked film": (80, lambda: [s for s in SAID if s.liked]),
    "disliked film": (30, lambda: [s for s in SAID if s.liked is False]),
    "accepted recommendation": (120, lambda: [s for s in SAID if s.accepted]),
    "rejected recommendation": (80, lambda: [s for s in SAID if s.accepted is False]),
    "open recommendation": (150, lambda: [s for s in SAID if s.recommended and s.accepted is None]),
}


@pytest.mark.parametrize("variety", VARIETIES)
def test_mentions_vary(variety: str) -> None:
    floor, found = VARIETIES[variety]
    assert len(found()) >= floor


def test_some_years_are_wrong_by_one_but_none_by_more() -> None:
    assert [(s, film["year"]) for s, film in KNOWN if s.year is not None and abs(s.year - film["year"]) > 1] == []


def test_remakes_share_titles_and_both_are_named() -> None:
    named: dict[str, set[str]] = {}
    for _, film in KNOWN:
        named.setdefault(folded(film["title"]), set()).add(film["film_id"])
    assert sum(len(films) > 1 for films in named.values()) >= 15


def test_some_dialogues_name_no_film_and_some_name_one_repeatedly() -> None:
    talked = by_dialogue()
    assert sum(d["dialogue_id"] not in talked for d in DIALOGUES) >= 4
    assert sum(max(Counter(s.movie or s.surface for s in said).values()) > 1 for said in talked.values()) >= 50


def test_a_rejection_is_often_followed_by_something_better() -> None:
    answers = [[s.accepted for s in said if s.accepted is not None] for said in by_dialogue().values()]
    assert sum(False in flags and True in flags[flags.index(False) :] for flags in answers) >= 20


@pytest.mark.parametrize("word", COMMON_WORDS)
def test_words_that_are_titles_are_also_ordinary_words(word: str) -> None:
    ordinary = [t for d in DIALOGUES for t in d["turns"] if re.search(rf"(?<!\w){word}(?!\w)", without_mentions(t), re.IGNORECASE)]
    assert ordinary


def test_typing_varies() -> None:
    texts = [turn["text"] for d in DIALOGUES for turn in d["turns"]]
    assert sum(any(unicodedata.category(c) == "So" for c in text) for text in texts) >= 8
    assert sum(text == text.lower() for text in texts) >= 100
    assert sum('"' in text for text in texts) >= 12
    assert sum(text.upper() == text and len(text) > 8 for text in texts) >= 3
