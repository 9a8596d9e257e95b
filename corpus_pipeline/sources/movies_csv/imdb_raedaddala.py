"""IMDb pages of 1920 to 2025, scraped, one CSV a year: up to 600 films each with plot, cast, writers and directors.

Titles carry their rank ('12. Wolf'); votes are '1.2M'; running times '1h 28m'; lists are Python literals; the id is in the
page's URL; genres mix IMDb's with its interests ('Hand-Drawn Animation'). Header spellings such as 'grossWorldWWide' stay.
"""

from pathlib import Path

from corpus_pipeline.sources.reading import Read
from corpus_pipeline.sources.tabular import Cell, Credit, TabularDump, Text, read_dump

DUMP = TabularDump(
    source="imdb_raedaddala",
    files=("merged_movies_data_*.csv",),
    columns={
        "record_id": Cell("Movie Link", "imdb_id"),
        "imdb_id": Cell("Movie Link", "imdb_id"),
        "title": Cell("Title", "rank_prefix"),
        "year": Cell("Year", "year"),
        "runtime_minutes": Cell("Duration", "minutes"),
        "imdb_rating": Cell("Rating", "real"),
        "imdb_vote_count": Cell("Votes", "count"),
        "genres": Cell("genres", "python_list"),
        "countries": Cell("countries_origin", "python_list"),
        "languages": Cell("Languages", "python_list"),
    },
    credits=(
        Credit("director", "directors", "python_list"),
        Credit("writer", "writers", "python_list"),
        Credit("actor", "stars", "python_list"),
    ),
    plots=(Text("description", language="en"),),
)


def read_imdb_raedaddala(archive: Path, scratch: Path) -> Read:
    """Films of the archive imdb_raedaddala."""
    return read_dump(DUMP, archive, scratch)
