"""Slots: stand-ins of one group, age and popularity; offsets and truth of turns with other films; no dependence on rows' order."""

import random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_pipeline.linking.gold import GOLD_COLUMNS, Gold, film_group, text_group
from corpus_pipeline.linking.slots import LIKE_POPULARITY, Film, StandIns, filled_slots
from corpus_pipeline.transform.text import title_key

WORDS = ("Copper", "Salt", "Plum", "Harbour", "Vortex", "Umber", "Orchard", "Lantern", "Gravel", "Willow")
FILMS = [
    Film(f"m{n:03}", f"{WORDS[n % 10]} {WORDS[n // 10 % 10]} {WORDS[n * 7 % 9]} {n}", 1950 + n * 13 % 70, 2 + n % 40 / 10)
    for n in range(400)
]
BY_ID = {film.movie_id: film for film in FILMS}


def _rows(names: str, rows: Any) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(names.split(), row, strict=True)) for row in rows])


def _movies(films: list[Film]) -> pa.Table:
    types = [("movie_id", pa.string()), ("title", pa.string()), ("year", pa.int32()), ("popularity_score", pa.float64())]
    return pa.Table.from_pylist([dict(zip(dict(types), film, strict=True)) for film in films], schema=pa.schema(types))


def _age(film: Film, year: int) -> int | None:
    return None if film.year is None else sum(year - film.year > edge for edge in (1, 5, 20))


def _group(film: Film) -> str:
    return film_group(film.movie_id, "")


STAND_INS = StandIns(_movies(FILMS))


@given(st.sampled_from(FILMS), st.integers(0, 1000), st.sampled_from([1975, 2018, 2035]))
def test_a_stand_in_is_another_film_of_the_group_and_age(film: Film, seed: int, year: int) -> None:
    found = STAND_INS.stand_in(film, year, random.Random(seed))
    alike = [
        f for f in FILMS if f != film and _group(f) == _group(film) and _age(f, year) == _age(film, year) and (f.year or 0) <= year + 1
    ]
    if found is None:
        assert not alike
        return
    assert found in alike
    near = min(abs(f.popularity - film.popularity) for f in alike)
    assert abs(found.popularity - film.popularity) <= max(near, LIKE_POPULARITY) + 1e-9


def test_all_films_near_enough_are_drawn_alike() -> None:
    group = [film for film in FILMS if _group(film) == "train"][:5]
    films = [film._replace(year=2000, popularity=4 + place / 10) for place, film in enumerate(group)]
    stand_ins = StandIns(_movies([*films, group[0]._replace(movie_id="m0", popularity=0.9, year=2000)]))
    drawn = [stand_ins.stand_in(films[2], 2018, random.Random(seed)) for seed in range(900)]
    assert {film: pytest.approx(1 / 4, abs=0.06) for film in (films[0], films[1], films[3], films[4])} == {
        film: drawn.count(film) / 900 for film in drawn
    }


def test_the_nearest_film_stands_in_where_none_is_near() -> None:
    films = [film for film in FILMS if _group(film) == "tune"][:3]
    low, own, high = (film._replace(year=None, popularity=score) for film, score in zip(films, (2.0, 4.0, 5.0), strict=True))
    dated = low._replace(movie_id="other", year=1990)
    stand_ins = StandIns(_movies([high, dated, own, low]))
    assert stand_ins.stand_in(own, 2018, random.Random(0)) == high
    assert stand_ins.stand_in(own._replace(popularity=3.0), 2018, random.Random(0)) == low
    assert StandIns(_movies([own, dated])).stand_in(own, 2018, random.Random(0)) is None


# dialogue, data set, split, text with titles in [brackets], source ids of the titles; an id 'm...' is a known film's
TURNS = (
    ("redial:1", "redial", "train", f"I liked [{FILMS[10].title}] and [{FILMS[50].title}] a lot", ("m010", "m050")),
    ("redial:1", "redial", "train", "No thanks", ()),
    ("redial:1", "redial", "train", f"[Unheard Melody], then [{FILMS[10].title}]!", ("x1", "m010")),
    ("redial:1", "redial", "train", "[Unheard Melody] or [Nobody Knows]", ("x1", "x2")),
    ("redial:2", "redial", "test", f"[{FILMS[7].title}]", ("m007",)),
    ("inspired:1", "inspired", "train", f"have you seen [{FILMS[30].title.lower()}]?", ("m030",)),
    ("inspired:1", "inspired", "train", f"[{FILMS[30].title}] (1999) was good", ("m030",)),
    ("inspired:1", "inspired", "train", "I mean that one", ("m030",)),
)
KNOWN = ("m010", "m050", "m007", "m030")


def _tables() -> dict[str, pa.Table]:
    dialogues: dict[str, tuple[str, str, str]] = {}
    said: list[Any] = []
    mentions: list[Any] = []
    for dialogue, dataset, split, marked, movies in TURNS:
        turn = sum(row[0] == dialogue for row in said)
        dialogues[dialogue] = (dialogue, dataset, split)
        pieces = marked.replace("]", "[").split("[")
        starts = [sum(map(len, pieces[:place])) for place in range(len(pieces) + 1)]
        spans: list[Any] = [(starts[place], starts[place + 1]) for place in range(1, len(pieces), 2)] or [(None, None)] * len(movies)
        said.append((dialogue, turn, "seeker", "".join(pieces)))
        mentions += [(dialogue, turn, n, dataset, movie, *span) for n, (movie, span) in enumerate(zip(movies, spans, strict=True))]
    named = [("redial", n, BY_ID[n].title, BY_ID[n].year) for n in KNOWN] + [("inspired", "m030", FILMS[30].title, FILMS[30].year)]
    columns = {name: " ".join(names) for name, names in GOLD_COLUMNS.items()}
    return {
        "core_dialogues": _rows(columns["core_dialogues"], dialogues.values()),
        "core_dialogue_turns": _rows(columns["core_dialogue_turns"], said),
        "core_dialogue_movies": _rows(
            columns["core_dialogue_movies"], [*named, ("redial", "x1", "Unheard Melody", 1988), ("redial", "x2", "Nobody Knows", None)]
        ),
        "core_mentions": _rows(columns["core_mentions"], mentions),
        "core_movies": _movies(FILMS),
        "core_titles": _rows("movie_id title_key", [(film.movie_id, title_key(film.title)) for film in FILMS]),
    }


TRUTH = _rows(
    "dataset source_movie_id movie_id", [("redial", n, n) for n in KNOWN] + [("inspired", "m030", "m030"), ("redial", "x1", None)]
)


def _places(gold: Gold) -> list[tuple[str, int]]:
    return list(zip(gold.texts["dialogue_id"].to_pylist(), gold.texts["turn_index"].to_pylist(), strict=True))


def test_only_training_turns_with_a_slot_are_written() -> None:
    gold = filled_slots(_tables(), TRUTH, seed=3)
    assert _places(gold) == [("slots3/inspired:1", 0), ("slots3/redial:1", 0), ("slots3/redial:1", 2)]
    assert gold.texts["split"].to_pylist() == ["train"] * 3
    assert gold.texts["group"].to_pylist() == [text_group(name) for name in ("inspired:1", "redial:1", "redial:1")]


@pytest.mark.parametrize("seed", range(6))
def test_the_new_film_stands_where_the_mention_says(seed: int) -> None:
    gold = filled_slots(_tables(), TRUTH, seed=seed)
    texts = gold.texts["text"].to_pylist()
    rows = gold.mentions.to_pylist()
    assert [row["source_movie_id"] == "x1" for row in rows] == [False, False, False, True, False]
    for row, old in zip(rows, ("m030", "m010", "m050", None, "m010"), strict=True):
        if old is None:
            assert (row["movie_id"], row["is_known"]) == (None, True)
            continue
        new = BY_ID[row["movie_id"]]
        assert row["source_movie_id"] == f"film:{new.movie_id}" and new != BY_ID[old]
        assert row["group"] == film_group(old, "") and row["is_known"]
        assert row["year_given"] in (None, new.year)
        words = texts[row["text_id"]][row["span_start"] : row["span_end"]]
        assert (words != new.title) == bool({"lower", "upper", "numeral", "misspelled", "acronym"} & set(row["kinds"]))
    assert texts[0].startswith("have you seen ") and texts[0].endswith("?")
    assert texts[1].startswith("I liked ") and " and " in texts[1] and texts[1].endswith(" a lot")


def test_titles_of_typed_data_sets_are_typed_anew() -> None:
    found = [filled_slots(_tables(), TRUTH, seed=seed).mentions["kinds"][0].as_py() for seed in range(40)]
    assert any("exact" in kinds for kinds in found) and any("lower" in kinds for kinds in found)


def test_turns_whose_spans_overlap_are_left_out() -> None:
    tables = _tables()
    mentions = tables["core_mentions"].to_pylist()
    mentions[1]["span_start"] = mentions[0]["span_end"] - 1
    tables["core_mentions"] = pa.Table.from_pylist(mentions)
    assert _places(filled_slots(tables, TRUTH, seed=3)) == [("slots3/inspired:1", 0), ("slots3/redial:1", 2)]


def test_mentions_without_a_span_stay_without() -> None:
    tables = _tables()
    mentions = tables["core_mentions"].to_pylist()
    mentions[1] |= {"span_start": None, "span_end": None}
    tables["core_mentions"] = pa.Table.from_pylist(mentions)
    row = filled_slots(tables, TRUTH, seed=3).mentions.to_pylist()[2]
    assert (row["source_movie_id"], row["movie_id"], row["span_start"]) == ("m050", "m050", None)


def test_no_row_depends_on_others_or_on_their_order() -> None:
    tables = _tables()
    gold = filled_slots(tables, TRUTH, seed=3)
    backwards = {name: table.take(pa.array(range(table.num_rows)[::-1], pa.int64())) for name, table in tables.items()}
    assert gold == filled_slots(backwards, TRUTH, seed=3)
    alone = {**tables, "core_mentions": tables["core_mentions"].slice(3, 1)}  # of the third turn, the first mention is left out
    fewer = filled_slots(alone, TRUTH, seed=3)
    assert fewer.mentions["movie_id"].to_pylist() == gold.mentions["movie_id"].to_pylist()[-1:]
    assert len({tuple(filled_slots(tables, TRUTH, seed=seed).texts["text"].to_pylist()) for seed in range(4)}) == 4


def test_without_slots_there_is_no_text() -> None:
    gold = filled_slots(_tables(), TRUTH.slice(0, 0), seed=0)
    assert (gold.texts.num_rows, gold.mentions.num_rows) == (0, 0)
