"""Identity: every rule and every veto on literal rows; stability, order and planted truth on generated ones."""

import hashlib
import random

import pytest


def test_imdb_id_joins_whatever_the_titles(record, placed) -> None:
    rows = [record("first", "a", "Solaris", 1972, imdb_id="tt0000001"), record("second", "b", "Solyaris", 1971, imdb_id="tt0000001")]
    assert placed(rows) == {"a": ("a", "new_movie"), "b": ("a", "imdb_id")}


def test_movie_id_is_the_hash_of_the_founding_record(record, build) -> None:
    (merge,) = build([record("first", "a", "Solaris")])["core_movie_merges"].to_pylist()
    assert merge["movie_id"] == "mq" + hashlib.sha256(b"first:a").hexdigest()[:12]


def test_tmdb_id_joins_and_brings_its_imdb_id(record, placed) -> None:
    rows = [
        record("first", "a", "Alpha", 2000, tmdb_id=7),
        record("second", "b", "Beta", 2005, tmdb_id=7, imdb_id="tt0000001"),
        record("third", "c", "Gamma", 2009, imdb_id="tt0000001"),
    ]
    assert placed(rows) == {"a": ("a", "new_movie"), "b": ("a", "tmdb_id"), "c": ("a", "imdb_id")}


@pytest.mark.parametrize(("column", "value"), [("tmdb_id", 7), ("wikidata_id", "Q7")])
def test_an_id_that_would_put_two_imdb_ids_in_one_film_is_refused(record, placed, column, value) -> None:
    rows = [
        record("first", "a", "Alpha", 2000, imdb_id="tt0000001", **{column: value}),
        record("second", "b", "Alpha", 2000, imdb_id="tt0000002", **{column: value}),
    ]
    assert placed(rows)["b"] == ("b", "new_movie")


def test_two_imdb_ids_of_one_source_cannot_enter_a_film_through_one_tmdb_id(record, placed) -> None:
    rows = [
        record("first", "a", "Alpha", 2000, tmdb_id=7),
        record("second", "b", "Alpha", 2000, tmdb_id=7, imdb_id="tt0000001"),
        record("second", "c", "Alpha", 2000, tmdb_id=7, imdb_id="tt0000002"),
    ]
    assert placed(rows) == {"a": ("a", "new_movie"), "b": ("a", "tmdb_id"), "c": ("c", "new_movie")}


def test_an_id_held_by_two_films_joins_neither(record, placed) -> None:
    rows = [
        record("first", "a", "Alpha", 2000, imdb_id="tt0000001", tmdb_id=7),
        record("first", "b", "Beta", 2001, imdb_id="tt0000002", tmdb_id=7),
        record("second", "c", "Gamma", 2002, tmdb_id=7),
    ]
    assert placed(rows)["c"] == ("c", "new_movie")


def test_wikidata_id_joins(record, placed) -> None:
    rows = [record("first", "a", "Alpha", 2000, wikidata_id="Q1"), record("second", "b", "Beta", 1990, wikidata_id="Q1")]
    assert placed(rows)["b"] == ("a", "wikidata_id")


def test_records_of_one_source_with_one_id_collapse(record, placed) -> None:
    rows = [
        record("first", "a", "Alpha", 2000, imdb_id="tt0000001", tmdb_id=7),
        record("first", "b", "Alpha Cut", 2001, imdb_id="tt0000001"),
        record("first", "c", "Alfa", 2000, tmdb_id=7),
    ]
    assert placed(rows) == {"a": ("a", "new_movie"), "b": ("a", "same_source"), "c": ("a", "same_source")}


def test_twins_without_ids_collapse_only_with_equal_facts(record, placed) -> None:
    rows = [
        record("first", "a", "Alpha", 2000, runtime_minutes=90),
        record("first", "b", "The Alpha", 2000, runtime_minutes=90),
        record("first", "c", "Alpha", 2000, runtime_minutes=91),
        record("first", "d", "Omega", 2000),
        record("first", "e", "Omega", 2000),
    ]
    assert [placed(rows)[key][0] for key in "abcde"] == ["a", "a", "c", "d", "e"]


@pytest.mark.parametrize(
    ("film", "other"),
    [
        ({"title": "The Alpha & Co."}, {"title": "alpha and co"}),
        ({"title": "Alfa", "original_title": "Alpha"}, {"title": "Alpha"}),
        ({"title": "Alfa", "aliases": ["Alpha"]}, {"title": "Beta", "original_title": "ALPHA"}),
    ],
)
def test_any_title_with_the_same_year_joins(record, placed, film, other) -> None:
    assert placed([record("first", "a", year=2000, **film), record("second", "b", year=2000, **other)])["b"] == ("a", "title_year")


def test_a_year_that_a_later_record_added_counts(record, placed) -> None:
    rows = [
        record("first", "a", "Alpha", 2000, imdb_id="tt0000001"),
        record("second", "b", "Alpha", 2002, imdb_id="tt0000001"),
        record("third", "c", "Alpha", 2002),
    ]
    assert placed(rows)["c"] == ("a", "title_year")


@pytest.mark.parametrize(
    ("film", "other", "expected"),
    [
        ({}, {}, ("b", "new_movie")),
        ({"runtime_minutes": 100}, {"runtime_minutes": 103}, ("a", "title_near_year_runtime")),
        ({"runtime_minutes": 100}, {"runtime_minutes": 104}, ("b", "new_movie")),
        ({"actors": ["Ana Bél"]}, {"actors": ["ana bel", "C D"]}, ("a", "title_near_year_people")),
        ({"actors": ["Ana Bél"]}, {"actors": ["C D"]}, ("b", "new_movie")),
    ],
)
def test_a_year_apart_needs_running_time_or_a_person(record, placed, film, other, expected) -> None:
    assert placed([record("first", "a", "Alpha", 2000, **film), record("second", "b", "Alpha", 2001, **other)])["b"] == expected


def test_two_years_apart_never_joins(record, placed) -> None:
    rows = [record(s, i, "Alpha", y, directors=["D"], runtime_minutes=90) for s, i, y in (("first", "a", 2000), ("second", "b", 2002))]
    assert placed(rows)["b"] == ("b", "new_movie")


@pytest.mark.parametrize("year", [2000, 2001])
def test_a_director_conflict_vetoes_titles(record, placed, year) -> None:
    film = record("first", "a", "Alpha", 2000, directors=["Ann One"], actors=["Shared Star"], runtime_minutes=90)
    other = record("second", "b", "Alpha", year, directors=["Bob Two"], actors=["Shared Star"], runtime_minutes=90)
    assert placed([film, other])["b"] == ("b", "new_movie")


def test_a_director_conflict_does_not_veto_ids(record, placed) -> None:
    rows = [record(s, i, "Alpha", 2000, imdb_id="tt0000001", directors=[d]) for s, i, d in (("first", "a", "A"), ("second", "b", "B"))]
    assert placed(rows)["b"] == ("a", "imdb_id")


@pytest.mark.parametrize("ids", [("imdb_id", "tt0000001", "tt0000002"), ("tmdb_id", 1, 2), ("wikidata_id", "Q1", "Q2")])
def test_different_ids_of_one_authority_veto_titles(record, placed, ids) -> None:
    column, one, two = ids
    rows = [record("first", "a", "Alpha", 2000, **{column: one}), record("second", "b", "Alpha", 2000, **{column: two})]
    assert placed(rows)["b"] == ("b", "new_movie")


def test_equally_good_candidates_leave_the_record_apart(record, placed) -> None:
    rows = [record("first", i, "Alpha", 2000, imdb_id=f"tt000000{i}") for i in "12"] + [record("second", "b", "Alpha", 2000)]
    assert placed(rows)["b"] == ("b", "new_movie")


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [({"directors": ["Ann One"]}, "title_year_people"), ({"runtime_minutes": 90}, "title_year")],
)
def test_better_evidence_chooses_among_candidates(record, placed, evidence, reason) -> None:
    rows = [
        record("first", "1", "Alpha", 2000, imdb_id="tt0000001", runtime_minutes=120),
        record("first", "2", "Alpha", 2000, imdb_id="tt0000002", **({"runtime_minutes": 20} | evidence)),
        record("second", "b", "Alpha", 2000, **evidence),
    ]
    assert placed(rows)["b"] == ("2", reason)


def test_a_displayed_title_outranks_an_alias(record, placed) -> None:
    rows = [
        record("first", "1", "Beta", 2000, imdb_id="tt0000001", aliases=["Alpha"]),
        record("first", "2", "Alpha", 2000, imdb_id="tt0000002"),
        record("second", "b", "Alpha", 2000),
    ]
    assert placed(rows)["b"] == ("2", "title_year")


def test_a_source_lists_a_film_once(record, placed) -> None:
    rows = [
        record("first", "a", "Alpha", 2000, imdb_id="tt0000001"),
        record("second", "b", "Alpha", 2000, imdb_id="tt0000001"),
        record("second", "c", "Alpha", 2000),
    ]
    assert placed(rows)["c"] == ("c", "new_movie")


def test_two_records_that_claim_a_film_equally_stay_apart(record, placed) -> None:
    rows = [record("first", "a", "Alpha", 2000), record("second", "b", "Alpha", 2000), record("second", "c", "Alpha", 2000)]
    assert placed(rows) == {"a": ("a", "new_movie"), "b": ("b", "new_movie"), "c": ("c", "new_movie")}


def test_a_catalogue_year_finds_a_film_but_does_not_make_it_findable(record, placed) -> None:
    rows = [
        record("first", "a", "Alpha", 2000, directors=["Ann One"]),
        record("svod_netflix", "n", "Alpha", 2001, directors=["Ann One"]),
        record("omdb_org", "o", "Alpha", 2002, directors=["Ann One"]),
    ]
    assert placed(rows) == {"a": ("a", "new_movie"), "n": ("a", "title_near_year_people"), "o": ("o", "new_movie")}


def _corpus(record, *, films: int, seed: int):
    """`films` films told by five sources with corrupted titles, years and running times; record_id is '<film>-<source>'."""
    chance = random.Random(seed)
    words = ["river", "stone", "glass", "night", "letter", "garden", "winter", "orange", "mirror", "harbour"]
    rows = []
    for film in range(films):
        title, year, runtime = f"The {' '.join(chance.sample(words, 3))}".title(), chance.randint(1950, 2020), chance.randint(60, 180)
        director = f"Director {film % 97}"
        for place, source in enumerate(("first", "second", "third", "fourth", "fifth")):
            if chance.random() < 0.3:
                continue
            told = chance.choice([title, title.upper(), title.removeprefix("The "), title.replace(" ", "-"), title + "!"])
            rows.append(
                record(
                    source,
                    f"{film}-{source}",
                    told,
                    year + chance.choice([0, 0, 0, 0, 1]),
                    runtime_minutes=runtime + chance.choice([-2, 0, 0, 1]) if chance.random() < 0.8 else None,
                    directors=[director] if chance.random() < 0.6 else [],
                    imdb_id=f"tt{film:07}" if place < 3 and chance.random() < 0.6 else None,
                    tmdb_id=film + 1 if place > 1 and chance.random() < 0.4 else None,
                )
            )
    return rows


def _movie_of(tables) -> dict[str, str]:
    return {f"{row['source']}:{row['record_id']}": row["movie_id"] for row in tables["core_movie_merges"].to_pylist()}


@pytest.mark.parametrize("seed", [1, 2])
def test_adding_a_later_source_moves_no_record(record, build, seed) -> None:
    rows = _corpus(record, films=300, seed=seed)
    sources = ("first", "second", "third", "fourth", "fifth")
    whole = _movie_of(build(rows))
    for count in range(1, len(sources)):
        part = _movie_of(build([row for row in rows if row["source"] in sources[:count]]))
        assert part.items() <= whole.items()


def test_input_order_is_irrelevant(record, build) -> None:
    rows = _corpus(record, films=200, seed=3)
    shuffled = random.Random(0).sample(rows, len(rows))
    one, two = build(rows), build(shuffled)
    assert all(one[name].equals(two[name]) for name in one)


def test_planted_corruption_is_recovered_above_the_floor(record, build) -> None:
    """Pairwise precision and recall of record pairs against the planted films."""
    movie_of = _movie_of(build(_corpus(record, films=600, seed=4)))
    true_film = {key: key.split(":")[1].split("-")[0] for key in movie_of}
    same_film, same_movie = _pairs(true_film), _pairs(movie_of)
    assert len(same_film & same_movie) / len(same_movie) >= 0.995
    assert len(same_film & same_movie) / len(same_film) >= 0.85


def _pairs(label: dict[str, str]) -> set[tuple[str, str]]:
    members: dict[str, list[str]] = {}
    for key in sorted(label):
        members.setdefault(label[key], []).append(key)
    return {(one, two) for keys in members.values() for place, one in enumerate(keys) for two in keys[place + 1 :]}
