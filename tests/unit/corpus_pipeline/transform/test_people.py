"""People: ids, recovered names, and which source's credits survive."""

import hashlib

import pytest

RANKS = {
    name: number
    for number, name in enumerate(
        ("imdb_basics_2000_2024", "imdb_raedaddala", "tmdb_jedi", "timdb_bollywood", "imdb_india", "svod_netflix")
    )
}


@pytest.fixture
def cast(record, build):
    """cast(rows): (core_credits, core_people) as lists of dicts; a row is (source, film number, columns)."""

    def run(*rows, **options):
        made = [
            record(source, f"{source}-{film}", f"Film {film}", 2000, imdb_id=f"tt{film:07}", **columns) for source, film, columns in rows
        ]
        tables = build(made, source_ranks=RANKS, **options)
        return tables["core_credits"].to_pylist(), {row["person_id"]: row for row in tables["core_people"].to_pylist()}

    return run


def _ids(*numbers):
    return {"people": [_credit(None, place, f"nm{number:07}") for place, number in enumerate(numbers, 1)]}


def _credit(name, position, imdb_person_id=None, role="director"):
    return {"name": name, "role": role, "position": position, "character": None, "imdb_person_id": imdb_person_id}


def _pp(key: str) -> str:
    return "pp" + hashlib.sha256(key.encode()).hexdigest()[:12]


def _names(credits, people, *, movie=None):
    return [
        people[row["person_id"]]["name"] for row in sorted(credits, key=lambda row: row["position"]) if movie in (None, row["movie_id"])
    ]


def test_a_name_alone_is_a_person_by_its_key(cast) -> None:
    credits, people = cast(("imdb_india", 1, {"directors": ["Ánn One"]}), ("svod_netflix", 2, {"directors": ["Ann  ONE"]}))
    (person,) = people.values()
    assert (person["person_id"], person["name_key"], person["imdb_person_id"]) == (_pp("name:ann one"), "ann one", None)
    assert len(credits) == 2


def test_one_source_wins_each_role_whole(cast) -> None:
    credits, people = cast(
        ("imdb_raedaddala", 1, {"directors": ["Ann One"]}),
        ("tmdb_jedi", 1, {"directors": ["Bob Two"], "actors": ["Cid Three", "Dee Four"]}),
        ("svod_netflix", 1, {"actors": ["Eve Five"]}),
    )
    told = [(row["role"], row["position"], people[row["person_id"]]["name"], row["source"]) for row in credits]
    assert sorted(told) == [
        ("actor", 1, "Cid Three", "tmdb_jedi"),
        ("actor", 2, "Dee Four", "tmdb_jedi"),
        ("director", 1, "Ann One", "imdb_raedaddala"),
    ]


def test_fifteen_actors_stay_in_billing_order_and_repeats_close_up(cast) -> None:
    names = ["Actor A", "Actor A", *(f"Actor {letter}" for letter in "BCDEFGHIJKLMNOPQ")]
    credits, people = cast(("tmdb_jedi", 1, {"actors": names}))
    assert sorted(row["position"] for row in credits) == list(range(1, 16))
    assert _names(credits, people)[::14] == ["Actor A", "Actor O"]


def test_strings_that_name_nobody_are_left_out(cast) -> None:
    credits, people = cast(("svod_netflix", 1, {"directors": ["1", "N/A", " ", "Ann One"]}))
    assert _names(credits, people) == ["Ann One"]
    assert [row["position"] for row in credits] == [1]


def test_a_single_director_names_an_id_everywhere(cast) -> None:
    credits, people = cast(
        ("imdb_basics_2000_2024", 1, _ids(11)), ("imdb_raedaddala", 1, {"directors": ["Ann One"]}), ("imdb_basics_2000_2024", 2, _ids(11))
    )
    assert people == {
        _pp("imdb:nm0000011"): {"person_id": _pp("imdb:nm0000011"), "name": "Ann One", "name_key": "ann one", "imdb_person_id": "nm0000011"}
    }
    assert sorted(row["source"] for row in credits) == ["imdb_basics_2000_2024", "imdb_raedaddala"]


def test_ids_without_a_name_give_no_credit(cast) -> None:
    assert cast(("imdb_basics_2000_2024", 1, _ids(11))) == ([], {})


@pytest.mark.parametrize(("agreeing", "named"), [(2, True), (1, False)])
def test_two_thirds_must_agree(cast, agreeing, named) -> None:
    rows = [("imdb_basics_2000_2024", film, _ids(11)) for film in range(agreeing + 2)]
    rows += [("imdb_raedaddala", film, {"directors": ["Ann One"]}) for film in range(agreeing)]
    rows += [("imdb_raedaddala", agreeing, {"directors": ["Bob Two"]})]
    _, people = cast(*rows)
    assert (_pp("imdb:nm0000011") in people) is named


def test_elimination_names_the_second_director_and_then_the_third(cast) -> None:
    _, people = cast(
        ("imdb_basics_2000_2024", 1, _ids(11)),
        ("tmdb_jedi", 1, {"directors": ["Ann One"]}),
        ("imdb_basics_2000_2024", 2, _ids(12, 11)),
        ("imdb_raedaddala", 2, {"directors": ["Ann One", "Bob Two"]}),
        ("imdb_basics_2000_2024", 3, _ids(13, 12, 11)),
        ("imdb_raedaddala", 3, {"directors": ["Cid Three", "Ann One", "Bob Two"]}),
    )
    assert {row["imdb_person_id"]: row["name"] for row in people.values()} == {
        "nm0000011": "Ann One",
        "nm0000012": "Bob Two",
        "nm0000013": "Cid Three",
    }


def test_lists_of_different_length_name_nobody(cast) -> None:
    _, people = cast(("imdb_basics_2000_2024", 1, _ids(11, 12)), ("imdb_raedaddala", 1, {"directors": ["Ann One"]}))
    assert [row["imdb_person_id"] for row in people.values()] == [None]


def test_a_name_stated_beside_an_id_needs_no_vote(cast) -> None:
    credits, people = cast(
        ("timdb_bollywood", 1, {"people": [_credit("Ann One", 1, "nm0000011")]}),
        ("imdb_basics_2000_2024", 2, _ids(11)),
        ("imdb_india", 3, {"directors": ["Ann One"]}),
    )
    assert list(people) == [_pp("imdb:nm0000011")]
    assert len(credits) == 3


def test_a_name_of_two_ids_stays_a_name(cast) -> None:
    _, people = cast(
        ("timdb_bollywood", 1, {"people": [_credit("Ann One", 1, "nm0000011")]}),
        ("timdb_bollywood", 2, {"people": [_credit("Ann One", 1, "nm0000012")]}),
        ("imdb_india", 3, {"directors": ["Ann One"]}),
    )
    assert sorted(people) == sorted(map(_pp, ("imdb:nm0000011", "imdb:nm0000012", "name:ann one")))
