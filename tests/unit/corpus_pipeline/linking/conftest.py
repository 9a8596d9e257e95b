"""A made-up catalogue to link to: a remake, a series, namesakes, short titles, people, genres. Fixtures only."""

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pytest

from corpus_pipeline.linking.link import Linker
from corpus_pipeline.linking.title_index import CATALOGUE_COLUMNS, TitleIndex, build_index
from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import CREDITS, MOVIE_GENRES, MOVIE_IDS, MOVIES, PEOPLE, TITLES
from corpus_pipeline.schema.types import Table
from corpus_pipeline.transform.text import name_key, title_key

Tables = Mapping[Table, pa.Table]
Film = tuple[str, tuple[str, ...], int | None, float, str | None]

# movie_id suffix, titles (the first is primary, the others alternative), year, popularity score, IMDb id
FILMS: tuple[Film, ...] = (
    ("01", ("The Copper Lighthouse",), 1962, 4.0, "tt9000001"),
    ("02", ("The Copper Lighthouse",), 2004, 5.5, "tt9000002"),
    ("03", ("Vortex Riders: The Salt Engine",), 1999, 5.8, "tt9000003"),
    ("04", ("Vortex Riders: Return to Umber",), 2002, 5.9, "tt9000004"),
    ("05", ("Vortex Riders 3",), 2006, 5.2, "tt9000005"),
    ("06", ("Plum",), 2011, 5.0, "tt9000006"),
    ("07", ("A Plum",), 1931, 4.9, "tt9000007"),
    ("08", ("Grandmother Was a Cartographer", "Großmutter zeichnete Karten"), 2010, 4.4, "tt9000008"),
    ("09", ("Ox",), 1988, 4.0, "tt9000009"),
    ("10", ("Harbour & Hound",), 1975, 3.0, None),
    ("11", ("Twelve Orchards", "12 Orchards"), 1957, 4.8, "tt9000011"),
    ("12", ("Mirrorwise",), 1990, 3.0, "tt9000012"),
    ("13", ("Mirrorwise",), 1997, 3.0, "tt9000013"),
    ("14", ("Nobody Voted Here",), None, 0.0, "tt9000014"),
    ("15", ("Lords of the Northern Glass",), 2001, 5.6, "tt9000015"),
    ("16", ("Quillback: Chapter 4 - Ashes",), 2014, 5.1, "tt9000016"),
    ("17", ("Quillback",), 2008, 5.3, "tt9000017"),
    ("18", ("Quillback 2",), 2010, 5.0, "tt9000018"),
    ("19", ("Window",), 1996, 4.6, "tt9000019"),
    ("20", ("?!",), 1968, 2.0, None),
)
PEOPLE_OF = {"Odalys Brentwick": ("01",), "Tamsin Vole": ("13", "03"), "Mononym": ("17",)}
GENRES_OF = {"01": ("Drama",), "02": ("Drama", "Mystery"), "03": ("Action", "Sci-Fi"), "19": ("Western",)}


def movie_id(suffix: str) -> str:
    return f"mq0000000000{suffix}"


def table_of(declared: Table, rows: list[dict[str, Any]]) -> pa.Table:
    """`rows` as the columns of `declared` that an index reads."""
    columns = CATALOGUE_COLUMNS[declared]
    schema = pa.schema([arrow_schema(declared).field(name) for name in columns])
    return pa.Table.from_pylist([{name: row[name] for name in columns} for row in rows], schema=schema)


def tables_of(films: tuple[Film, ...]) -> dict[Table, pa.Table]:
    """A catalogue without people and genres."""
    movies = [
        {"movie_id": movie_id(s), "title": titles[0], "year": year, "kind": "movie", "popularity_score": score}
        for s, titles, year, score, _ in films
    ]
    titles = [
        {"movie_id": movie_id(s), "title": title, "title_key": title_key(title), "title_kind": "alternative" if place else "primary"}
        for s, spelled, *_ in films
        for place, title in enumerate(spelled)
    ]
    ids = [{"movie_id": movie_id(s), "authority": "imdb", "authority_id": code} for s, *_, code in films if code]
    found = {MOVIES: table_of(MOVIES, movies), TITLES: table_of(TITLES, titles), MOVIE_IDS: table_of(MOVIE_IDS, ids)}
    return found | {table: table_of(table, []) for table in (PEOPLE, CREDITS, MOVIE_GENRES)}


@pytest.fixture(scope="session")
def catalogue_tables() -> Tables:
    """Every table of CATALOGUE_COLUMNS, of the films of FILMS."""
    people = [{"person_id": f"pp{place}", "name_key": name_key(name)} for place, name in enumerate(PEOPLE_OF)]
    credits_of = [{"movie_id": movie_id(s), "person_id": f"pp{place}"} for place, films in enumerate(PEOPLE_OF.values()) for s in films]
    genres = [{"movie_id": movie_id(s), "genre": genre} for s, named in GENRES_OF.items() for genre in named]
    return tables_of(FILMS) | {
        PEOPLE: table_of(PEOPLE, people),
        CREDITS: table_of(CREDITS, credits_of),
        MOVIE_GENRES: table_of(MOVIE_GENRES, genres),
    }


@pytest.fixture(scope="session")
def films() -> Callable[..., Tables]:
    """Tables of a catalogue of its own: per film its suffix, titles (the first is primary), year, popularity score and IMDb id."""
    return lambda *made: tables_of(made)


@pytest.fixture(scope="session")
def index(catalogue_tables: Tables) -> TitleIndex:
    return build_index(catalogue_tables)


@pytest.fixture(scope="session")
def linker(index: TitleIndex) -> Linker:
    """With the weights that ship."""
    return Linker(index)


@pytest.fixture(scope="session")
def asked() -> Callable[..., pa.Table]:
    """Rows (surface, year, imdb_id) as a table like core_dialogue_movies of data set 'starter'."""

    def table(*rows: tuple[str | None, int | None, str | None], dataset: str = "starter") -> pa.Table:
        return pa.table(
            {
                "dataset": pa.array([dataset] * len(rows), pa.string()),
                "source_movie_id": pa.array([f"{number:03}" for number in range(len(rows))], pa.string()),
                "surface": pa.array([row[0] for row in rows], pa.string()),
                "mention_year": pa.array([row[1] for row in rows], pa.int32()),
                "imdb_id": pa.array([row[2] for row in rows], pa.string()),
            }
        )

    return table
