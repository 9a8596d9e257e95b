"""TMDB films of 2000 to 2024, one CSV a year. Lists are Python literals; free text holds bare carriage returns unquoted.

A carriage return is made a space before the records are split (411 of them broke 87 records for readers that end lines
there). A rating of a film without votes (21,814) is dropped by the common rule.
"""

from pathlib import Path

from corpus_pipeline.sources.reading import Read
from corpus_pipeline.sources.tabular import Cell, TabularDump, Text, read_dump

DUMP = TabularDump(
    source="tmdb_jirving",
    files=("final_tmdb_data_*.csv",),
    columns={
        "record_id": Cell("id", "integer"),
        "tmdb_id": Cell("id", "integer"),
        "imdb_id": Cell("imdb_id", "imdb_id"),
        "title": Cell("title"),
        "original_title": Cell("original_title"),
        "year": Cell("release_date", "year"),
        "runtime_minutes": Cell("runtime", "minutes"),
        "is_adult": Cell("adult", "flag"),
        "kind": Cell(
            "CASE WHEN clean(film.genres) LIKE '%''TV Movie''%' THEN 'tv_movie' WHEN clean(film.video) = 'True' THEN 'video' "
            "WHEN try_cast(film.runtime AS DOUBLE) BETWEEN 1 AND 39 THEN 'short' ELSE 'movie' END",
            "sql",
        ),
        "tmdb_rating": Cell("vote_average", "real"),
        "tmdb_vote_count": Cell("vote_count", "count"),
        "genres": Cell("genres", "python_names"),
        "countries": Cell("production_countries", "python_names"),
        "languages": Cell(
            "cleaned(once(list_prepend(clean(film.original_language), regexp_extract_all(film.spoken_languages, "
            "'''iso_639_1'': ''([a-z]{2})''', 1))))",
            "sql",
        ),
    },
    plots=(Text("overview", language="en"),),
)


def read_tmdb_jirving(archive: Path, scratch: Path) -> Read:
    """TMDB films of the archive tmdb_jirving."""
    return read_dump(DUMP, archive, scratch)
