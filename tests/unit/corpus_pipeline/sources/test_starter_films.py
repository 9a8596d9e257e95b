"""The hand-written starter catalogue holds what its README promises."""

import json
import re
from collections import Counter
from importlib.resources import files
from typing import Any

import pytest

from corpus_pipeline.schema.fields import FIRST_YEAR, GENRES, KINDS, LAST_YEAR

FIELDS = {
    "film_id", "title", "original_title", "alternative_titles", "year", "runtime_minutes", "kind", "genres", "directors",
    "writers", "cast", "countries", "languages", "synopsis", "imdb_id", "popularity",
}  # fmt: skip
# Every decade from the 1920s on, and the genres a seeker asks for, have at least this many films.
DECADES = range(1920, 2030, 10)
ASKED_GENRES = {"Action", "Animation", "Comedy", "Documentary", "Drama", "Horror", "Musical", "Romance", "Sci-Fi", "Short", "Western"}
LEAST = 5


def load() -> list[dict[str, Any]]:
    text = files("corpus_pipeline.sources.starter").joinpath("films.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


FILMS = load()
EACH_FILM = pytest.mark.parametrize("film", FILMS, ids=[film["film_id"] for film in FILMS])


def repeated(values: list[Any]) -> list[Any]:
    return [value for value, count in Counter(values).items() if count > 1]


def test_has_at_least_400_films_in_order() -> None:
    assert len(FILMS) >= 400
    assert [(film["year"], film["film_id"]) for film in FILMS] == sorted((film["year"], film["film_id"]) for film in FILMS)


def test_ids_and_dated_titles_are_unique() -> None:
    assert repeated([film["film_id"] for film in FILMS]) == []
    assert repeated([film["imdb_id"] for film in FILMS if film["imdb_id"]]) == []
    assert repeated([(film["title"].casefold(), film["year"]) for film in FILMS]) == []
    assert repeated([film["synopsis"] for film in FILMS]) == []


def test_covers_the_decades_and_genres() -> None:
    decades = Counter(film["year"] // 10 * 10 for film in FILMS)
    genres = Counter(genre for film in FILMS for genre in film["genres"])
    assert [decade for decade in DECADES if decades[decade] < LEAST] == []
    assert sorted(genre for genre in ASKED_GENRES if genres[genre] < LEAST) == []
    assert len({country for film in FILMS for country in film["countries"]}) >= 25


@pytest.mark.parametrize("title", ["A Star Is Born", "King Kong", "Suspiria", "Dune", "The Thing", "Oldboy", "Carrie", "It", "Psycho"])
def test_remakes_stand_beside_their_originals(title: str) -> None:
    assert len({film["year"] for film in FILMS if film["title"] == title}) >= 2


@EACH_FILM
def test_identity_is_well_formed(film: dict[str, Any]) -> None:
    assert set(film) == FIELDS
    assert re.fullmatch(rf"[a-z0-9]+(-[a-z0-9]+)*-{film['year']}", film["film_id"])
    assert FIRST_YEAR <= film["year"] <= LAST_YEAR
    assert film["imdb_id"] is None or re.fullmatch(r"tt\d{7,8}", film["imdb_id"])


@EACH_FILM
def test_values_are_in_their_vocabularies(film: dict[str, Any]) -> None:
    assert film["kind"] in KINDS
    assert film["genres"] and set(film["genres"]) <= set(GENRES)
    assert ("Short" in film["genres"]) == (film["kind"] == "short")
    assert 1 <= film["runtime_minutes"] <= (45 if film["kind"] == "short" else 300)
    assert film["popularity"] in {1, 2, 3, 4, 5}
    assert all(re.fullmatch("[a-z]{2}", language) for language in film["languages"])


@EACH_FILM
def test_texts_are_clean(film: dict[str, Any]) -> None:
    lists = ("alternative_titles", "genres", "directors", "writers", "cast", "countries", "languages")
    assert all(repeated(film[name]) == [] for name in lists)
    texts = [film["title"], film["original_title"], film["synopsis"], *(text for name in lists for text in film[name])]
    assert all(text and text == " ".join(text.split()) for text in texts)
    assert film["directors"] and film["countries"]
    assert film["title"] not in film["alternative_titles"]


@EACH_FILM
def test_synopsis_is_two_or_three_sentences(film: dict[str, Any]) -> None:
    assert 120 <= len(film["synopsis"]) <= 450
    assert film["synopsis"].endswith(".")
    assert 2 <= len(re.findall(r"[.!?](?=\s|$)", film["synopsis"])) <= 5
