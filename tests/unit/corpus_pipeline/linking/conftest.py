"""A made-up catalogue to link to: a remake, a series, a namesake, short titles."""

from collections.abc import Callable

import pyarrow as pa
import pytest

from corpus_pipeline.linking.link import Catalogue, catalogue_of
from corpus_pipeline.transform.text import title_key

# movie_id suffix, titles (the first is primary, the others alternative), year, log10 votes, IMDb id
FILMS: tuple[tuple[str, tuple[str, ...], int | None, float, str | None], ...] = (
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
)


def movie_id(suffix: str) -> str:
    return f"mq0000000000{suffix}"


@pytest.fixture(scope="session")
def catalogue_tables() -> dict[str, pa.Table]:
    movies = [{"movie_id": movie_id(s), "title": t[0], "year": y, "popularity_score": p} for s, t, y, p, _ in FILMS]
    titles = [
        {"movie_id": movie_id(s), "title": title, "title_key": title_key(title), "title_kind": "alternative" if place else "primary"}
        for s, spelled, *_ in FILMS
        for place, title in enumerate(spelled)
    ]
    ids = [{"movie_id": movie_id(s), "authority": "imdb", "authority_id": i, "source": "made_up"} for s, *_, i in FILMS if i]
    return {
        "core_movies": pa.Table.from_pylist(movies),
        "core_titles": pa.Table.from_pylist(titles),
        "core_movie_ids": pa.Table.from_pylist(ids),
    }


@pytest.fixture(scope="session")
def catalogue(catalogue_tables: dict[str, pa.Table]) -> Catalogue:
    return catalogue_of(catalogue_tables["core_movies"], catalogue_tables["core_titles"], core_movie_ids=catalogue_tables["core_movie_ids"])


@pytest.fixture(scope="session")
def films() -> Callable[..., dict[str, pa.Table]]:
    """Tables of a catalogue of its own: per film its titles (the first is primary), year and IMDb id; ids count from 0."""

    def tables(*made: tuple[tuple[str, ...], int | None, str | None]) -> dict[str, pa.Table]:
        ids = [f"mq{number:012}" for number in range(len(made))]
        titles = [
            {"movie_id": i, "title": title, "title_key": title_key(title), "title_kind": "alternative" if place else "primary"}
            for i, (spelled, *_) in zip(ids, made, strict=True)
            for place, title in enumerate(spelled)
        ]
        authorities = [("imdb", imdb_id, i) for i, (*_, imdb_id) in zip(ids, made, strict=True) if imdb_id]
        columns = zip(*authorities, strict=True) if authorities else ((), (), ())
        years = pa.array([year for _, year, _ in made], pa.int32())
        return {
            "core_movies": pa.table({"movie_id": ids, "year": years, "popularity_score": pa.array([4.0] * len(ids), pa.float64())}),
            "core_titles": pa.Table.from_pylist(titles),
            "core_movie_ids": pa.table(
                {name: pa.array(c, pa.string()) for name, c in zip(("authority", "authority_id", "movie_id"), columns, strict=True)}
            ),
        }

    return tables


@pytest.fixture(scope="session")
def asked() -> Callable[..., pa.Table]:
    """Rows (surface, year, imdb_id) as a table like core_dialogue_movies of data set 'starter'."""

    def table(*rows: tuple[str, int | None, str | None], dataset: str = "starter") -> pa.Table:
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
