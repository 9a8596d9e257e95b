"""Planted titles: films alike those that data sets name, years and withheld films in their shares, data sets' titles as they are."""

from collections import Counter
from typing import Any

import pyarrow as pa
import pytest

from corpus_pipeline.linking.gold import film_group
from corpus_pipeline.linking.planted import PLANTED_TITLES, WITHHELD, planted_titles
from corpus_pipeline.transform.text import title_key

WORDS = ("Copper", "Salt", "Plum", "Harbour", "Vortex", "Umber", "Orchard", "Lantern", "Gravel", "Willow")
FILMS = [
    (f"m{n:03}", f"The {WORDS[n % 10]} {WORDS[n // 10 % 10]} of {WORDS[n * 7 % 9]}", 2000 + n % 17, (5.0 if n % 2 else 2.0))
    for n in range(300)
]
BY_ID = {film[0]: film for film in FILMS}
NAMED = (
    ("redial", "1", FILMS[1][1], 2001, "m001"),
    ("inspired", "2", FILMS[3][1], None, "m003"),
    ("redial", "3", "Unheard Melody", 1988, None),
)


def _rows(names: str, rows: Any) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(names.split(), row, strict=True)) for row in rows])


def _tables() -> dict[str, pa.Table]:
    unknown = ("redial", "4", "Nobody Knows", 1999)
    return {
        "core_dialogue_movies": _rows("dataset source_movie_id surface mention_year", [*(row[:4] for row in NAMED), unknown]),
        "core_movies": _rows("movie_id title year popularity_score", FILMS),
        "core_titles": _rows("movie_id title_key", [(movie, title_key(title)) for movie, title, *_ in FILMS]),
    }


TRUTH = _rows("dataset source_movie_id movie_id", [(*row[:2], row[4]) for row in NAMED])


def _planted(count: int, seed: int = 1) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = planted_titles(_tables(), TRUTH, seed=seed, count=count).to_pylist()
    return rows[:count]


def test_titles_of_data_sets_come_last_and_as_they_are() -> None:
    found = planted_titles(_tables(), TRUTH, seed=1, count=2)
    assert found.schema == PLANTED_TITLES
    shared = {"kinds": ["catalogued"], "is_withheld": False}
    expected = [
        {"surface": title, "mention_year": year, "movie_id": movie, "as_of": {"redial": 2018, "inspired": 2020}[dataset]}
        | {**shared, "group": film_group(movie, title)}
        for dataset, _, title, year, movie in (NAMED[1], NAMED[0], NAMED[2])
    ]
    assert found.to_pylist()[2:] == expected


def test_planted_films_are_alike_those_named() -> None:
    rows = _planted(400)
    assert {BY_ID[row["movie_id"]][3] for row in rows} == {5.0}
    assert {row["group"] for row in rows} == {film_group("m001", ""), film_group("m003", "")}
    assert all(row["group"] == film_group(row["movie_id"], "") for row in rows)
    assert {row["as_of"] for row in rows} == {2018, 2020}
    assert not {"m001", "m003"} & {row["movie_id"] for row in rows} or film_group("m001", "") == film_group("m003", "")


def test_shares_of_years_and_of_withheld_films() -> None:
    rows = _planted(3000)
    kinds = Counter(kind for row in rows for kind in row["kinds"])
    assert kinds["no_year"] / 3000 == pytest.approx(0.5, abs=0.03)
    assert kinds["year_off"] / (kinds["year_off"] + kinds["with_year"]) == pytest.approx(0.1, abs=0.03)
    assert sum(row["is_withheld"] for row in rows) / 3000 == pytest.approx(WITHHELD, abs=0.03)
    for row in rows:
        year = BY_ID[row["movie_id"]][2]
        (kind,) = {"no_year", "with_year", "year_off"} & set(row["kinds"])
        given = {"no_year": (None,), "with_year": (year,), "year_off": (year - 1, year + 1)}[kind]
        assert row["mention_year"] in given


def test_titles_are_typed_as_their_kinds_say() -> None:
    rows = _planted(300)
    exact = [row for row in rows if "exact" in row["kinds"]]
    assert exact and all(row["surface"] == BY_ID[row["movie_id"]][1] for row in exact)
    typed = [row for row in rows if {"misspelled", "no_article"} & set(row["kinds"])]
    assert len(typed) > 100 and all(row["surface"].lower() != BY_ID[row["movie_id"]][1].lower() for row in typed)


def test_rows_are_fixed_by_seed_and_place() -> None:
    backwards = {name: table.take(pa.array(range(table.num_rows)[::-1], pa.int64())) for name, table in _tables().items()}
    assert planted_titles(backwards, TRUTH.take([2, 1, 0]), seed=1, count=20) == planted_titles(_tables(), TRUTH, seed=1, count=20)
    assert _planted(20) == _planted(40)[:20] != _planted(20, seed=2)


def test_nothing_is_planted_where_no_film_is_named() -> None:
    assert planted_titles(_tables(), TRUTH.slice(0, 0), seed=1, count=5).num_rows == 0
