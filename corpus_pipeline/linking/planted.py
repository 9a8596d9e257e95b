"""Planted titles: titles that stand alone, as a data set would list them, with the film that each means.

What belongs here: which films are listed, with which year, and which of them a linker shall not find. How a title is typed is
decided in `typed`. Data sets list their titles with care, so a linker trained on those alone never meets a doubtful one.
"""

import random
from collections.abc import Mapping
from typing import Any, NamedTuple

import pyarrow as pa

from corpus_pipeline.linking.gold import collected_in, film_group, gold_texts
from corpus_pipeline.linking.slots import Film, StandIns
from corpus_pipeline.linking.typed import PLANTED, Habits
from corpus_pipeline.store import connect

YEAR_GIVEN = 0.5  # ReDial and INSPIRED give nine years in ten: too few titles without one to learn from
YEAR_OFF = 0.1  # of the years given: festivals and countries differ by one
WITHHELD = 0.06  # as many titles of the data sets name no film of the catalogue; only withholding films can show what that looks like
PLANTED_TITLES = pa.schema(
    [
        ("surface", pa.string()),
        ("mention_year", pa.int32()),
        ("movie_id", pa.string()),
        ("as_of", pa.int32()),
        ("kinds", pa.list_(pa.string())),
        ("is_withheld", pa.bool_()),
        ("group", pa.string()),
    ]
)
_LISTED = "listed"  # name of the data set that the planted titles make
_HABITS = Habits(  # those of PLANTED, without year and marks, which a list keeps apart; case as people have it
    year_speakers=0,
    careless_speakers=0,
    careful_misspelled=PLANTED.misspelled,
    second_edit=PLANTED.second_edit,
    no_article=PLANTED.no_article,
    numeral=PLANTED.numeral,
    no_subtitle=PLANTED.no_subtitle,
    quoting_speakers=0,
    markup_speakers=0,
)
_NAMED = """
    SELECT dataset, truth.movie_id AS movie_id, title, year, popularity_score
    FROM truth JOIN core_movies USING (movie_id)
    ORDER BY dataset, source_movie_id
"""
_CATALOGUED = """
    SELECT dataset, surface, mention_year, movie_id
    FROM core_dialogue_movies JOIN truth USING (dataset, source_movie_id)
    ORDER BY dataset, source_movie_id
"""


class _Listed(NamedTuple):
    """A film on the list, and the year of the people who list it."""

    film: Film
    as_of: int


def planted_titles(tables: Mapping[str, pa.Table], truth: pa.Table, *, seed: int, count: int) -> pa.Table:
    """`count` titles (schema PLANTED_TITLES) typed on purpose, and after them those of the data sets as they are.

    `tables` and `truth` as for `gold.gold_texts`. A planted title is that of a film which stands in (`StandIns.stand_in`) for
    one that the data sets name, so popularity, age and group are theirs. `mention_year` is given in half of them, off by one in
    a tenth of those (kind 'year_off'). Other kinds are those of `gold.gold_texts`, 'catalogued' for titles as they are. A film
    `is_withheld` where the linker shall be told that the catalogue lacks it; `movie_id` is null where it does lack it. None is
    planted where the data sets name no film. `group`: see `gold.film_group`.
    """
    with connect({name: tables[name] for name in ("core_movies", "core_dialogue_movies")} | {"truth": truth}) as con:
        named = con.execute(_NAMED).to_arrow_table().to_pylist()
        catalogued = con.execute(_CATALOGUED).to_arrow_table().to_pylist()
    listed = _drawn(named, StandIns(tables["core_movies"]), seed, count if named else 0)
    rows = _typed(tables, listed, seed) + [_as_it_is(row) for row in catalogued]
    return pa.Table.from_pylist(rows, schema=PLANTED_TITLES)


def _drawn(named: list[dict[str, Any]], films: StandIns, seed: int, count: int) -> list[_Listed]:
    listed = []
    for place in range(count):
        rng = random.Random(f"{seed}:listed:{place}")  # noqa: S311
        row = rng.choice(named)
        film = Film(row["movie_id"], row["title"], row["year"], row["popularity_score"])
        year = collected_in(row["dataset"])
        listed.append(_Listed(films.stand_in(film, year, rng) or film, year))
    return listed


def _typed(tables: Mapping[str, pa.Table], listed: list[_Listed], seed: int) -> list[dict[str, Any]]:
    """The rows of `listed`: each is written as a dialogue of one turn, which is a title and nothing else."""
    said = _dialogues(listed)
    truth = pa.table({name: said["core_dialogue_movies"][name] for name in ("dataset", "source_movie_id")})
    truth = truth.append_column("movie_id", truth["source_movie_id"])
    gold = gold_texts({**tables, **said}, truth, seed=seed, habits=_HABITS, catalogued=(_LISTED,))
    rows = []
    for place, (text, mention) in enumerate(zip(gold.texts["text"].to_pylist(), gold.mentions.to_pylist(), strict=True)):
        rng = random.Random(f"{seed}:year:{place}")  # noqa: S311
        year, kind = _year(listed[place].film.year, rng)
        kinds = [known for known in mention["kinds"] if known != "no_year"] + [kind]
        shared = {name: mention[name] for name in ("movie_id", "group")}
        is_withheld = rng.random() < WITHHELD
        rows.append(
            {"surface": text, "mention_year": year, "as_of": listed[place].as_of, "kinds": kinds, "is_withheld": is_withheld, **shared}
        )
    return rows


def _dialogues(listed: list[_Listed]) -> dict[str, pa.Table]:
    """The tables that `gold_texts` reads about dialogues; their ids sort as `listed` does."""
    said = [(f"{place:09}", row.film) for place, row in enumerate(listed)]
    films = sorted({film for _, film in said})
    common = {"dialogue_id": pa.array([name for name, _ in said], pa.string()), "dataset": pa.array([_LISTED] * len(said), pa.string())}
    turn = {"dialogue_id": common["dialogue_id"], "turn_index": pa.array([0] * len(said), pa.int32())}
    spans = {"span_start": turn["turn_index"], "span_end": pa.array([len(film.title) for _, film in said], pa.int32())}
    ids = pa.array([film.movie_id for _, film in said], pa.string())
    titles = pa.array([film.title for _, film in said], pa.string())
    named = {
        "dataset": pa.array([_LISTED] * len(films), pa.string()),
        "source_movie_id": pa.array([film.movie_id for film in films], pa.string()),
        "surface": pa.array([film.title for film in films], pa.string()),
        "mention_year": pa.array([film.year for film in films], pa.int32()),
    }
    return {
        "core_dialogues": pa.table({**common, "split": pa.array(["train"] * len(said), pa.string())}),
        "core_dialogue_turns": pa.table({**turn, "speaker": common["dataset"], "text": titles}),
        "core_mentions": pa.table({**common, **turn, "mention_index": turn["turn_index"], "source_movie_id": ids, **spans}),
        "core_dialogue_movies": pa.table(named),
    }


def _year(year: int | None, rng: random.Random) -> tuple[int | None, str]:
    if year is None or rng.random() >= YEAR_GIVEN:
        return None, "no_year"
    if rng.random() < YEAR_OFF:
        return year + rng.choice((-1, 1)), "year_off"
    return year, "with_year"


def _as_it_is(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "surface": row["surface"],
        "mention_year": row["mention_year"],
        "movie_id": row["movie_id"],
        "as_of": collected_in(row["dataset"]),
        "kinds": ["catalogued"],
        "is_withheld": False,
        "group": film_group(row["movie_id"], row["surface"]),
    }
