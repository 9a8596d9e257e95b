"""Fixtures only: made-up source records in the declared schema, and the build of them."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import MOVIE_RECORDS
from corpus_pipeline.transform.movies import build_movies

RANKS = {source: number for number, source in enumerate(("first", "second", "third", "fourth", "fifth", "svod_netflix", "omdb_org"), 1)}
Record = dict[str, Any]
Build = Callable[..., dict[str, pa.Table]]


@pytest.fixture
def record() -> Callable[..., Record]:
    """record('first', 'a1', 'Title', 1999, directors=['A B'], actors=[...], **columns) with every other column null."""

    def make(source: str, record_id: str, title: str, year: int | None = None, **columns: Any) -> Record:
        people = [
            {"name": name, "role": role, "position": place, "character": None, "imdb_person_id": None}
            for role in ("director", "writer", "actor")
            for place, name in enumerate(columns.pop(f"{role}s", []), 1)
        ]
        alternatives = [{"title": name, "language": None, "region": None} for name in columns.pop("aliases", [])]
        row: Record = dict.fromkeys(MOVIE_RECORDS.column_names)
        row |= {"source": source, "record_id": record_id, "file": f"{source}.csv", "line": 1, "title": title, "year": year}
        return row | {"people": people or None, "alternative_titles": alternatives or None} | columns

    return make


@pytest.fixture
def as_records() -> Callable[[list[Record]], pa.Table]:
    """Rows as a MOVIE_RECORDS table."""
    return lambda rows: pa.Table.from_pylist(rows, schema=arrow_schema(MOVIE_RECORDS))


@pytest.fixture
def build(as_records: Callable[[list[Record]], pa.Table]) -> Build:
    """build(rows, **options): the core tables of made-up rows, with `RANKS` unless other ranks are given."""

    def run(rows: list[Record], **options: Any) -> dict[str, pa.Table]:
        return dict(build_movies(as_records(rows), **({"source_ranks": RANKS} | options)))

    return run


@pytest.fixture
def placed(build: Build) -> Callable[[list[Record]], dict[str, tuple[str, str]]]:
    """record_id -> (record_id of the record that founded its film, merge reason)."""

    def run(rows: list[Record]) -> dict[str, tuple[str, str]]:
        merges = build(rows)["core_movie_merges"].to_pylist()
        founders = {row["movie_id"]: row["record_id"] for row in merges if row["merge_reason"] == "new_movie"}
        return {row["record_id"]: (founders[row["movie_id"]], row["merge_reason"]) for row in merges}

    return run
