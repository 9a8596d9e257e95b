"""Made-up catalogues to link to: the tables that a title index is built from. No title of a real film."""

from functools import cache
from typing import Any, NamedTuple

import pyarrow as pa

from corpus_pipeline.linking.title_index import CATALOGUE_COLUMNS, TitleIndex, build_index
from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.types import Table
from corpus_pipeline.transform.text import name_key, title_key
from tests.factories import movie_id, person_id


class Film(NamedTuple):
    """`popularity`: log10 of about the votes. `others`: titles besides the primary one. `people`: names credited on it."""

    title: str
    year: int | None = 2000
    popularity: float = 4.0
    others: tuple[str, ...] = ()
    imdb_id: str | None = None
    people: tuple[str, ...] = ()


def catalogue(*films: Film) -> dict[Table, pa.Table]:
    """Tables and columns of CATALOGUE_COLUMNS; the films' ids are `movie_id(1)`, `movie_id(2)` and so on."""
    rows: dict[str, list[dict[str, Any]]] = {table.name: [] for table in CATALOGUE_COLUMNS}
    people = {name: person_id(number) for number, name in enumerate(sorted({name for film in films for name in film.people}))}
    rows["core_people"] = [{"person_id": code, "name_key": name_key(name)} for name, code in people.items()]
    for number, film in enumerate(films, 1):
        own = {"movie_id": movie_id(number)}
        rows["core_movies"].append({**own, "title": film.title, "year": film.year, "kind": "movie", "popularity_score": film.popularity})
        for kind, title in [("primary", film.title), *(("alternative", other) for other in film.others)]:
            rows["core_titles"].append({**own, "title": title, "title_key": title_key(title), "title_kind": kind})
        rows["core_credits"] += [{**own, "person_id": people[name]} for name in film.people]
        if film.imdb_id:
            rows["core_movie_ids"].append({**own, "authority": "imdb", "authority_id": film.imdb_id})
    return {table: _table(table, columns, rows[table.name]) for table, columns in CATALOGUE_COLUMNS.items()}


def _table(table: Table, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> pa.Table:
    declared = arrow_schema(table)
    return pa.Table.from_pylist(rows, schema=pa.schema([declared.field(name) for name in columns]))


@cache
def index_of(*films: Film) -> TitleIndex:
    """The index of such a catalogue; the same films have one index for all tests."""
    return build_index(catalogue(*films))
