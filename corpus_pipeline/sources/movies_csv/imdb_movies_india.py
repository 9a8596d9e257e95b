"""Indian films from IMDb pages: cp1252, no ids, years as '-2019' (a spreadsheet ate the brackets), votes '6,466' or '$5.16M'.

One row has a blank name and is quarantined. A record's id is a hash of title, year, running time and people.
"""

from pathlib import Path

from corpus_pipeline.sources.reading import Read
from corpus_pipeline.sources.tabular import Cell, Credit, Layout, TabularDump, read_dump

DUMP = TabularDump(
    source="imdb_india",
    files=("IMDb Movies India.csv",),
    layout=Layout(encoding="cp1252"),
    columns={
        "title": Cell("Name"),
        "year": Cell("Year", "year"),
        "runtime_minutes": Cell("Duration", "minutes"),
        "genres": Cell("Genre", "comma_list"),
        "imdb_rating": Cell("Rating", "real"),
        "imdb_vote_count": Cell("Votes", "count"),
        "countries": Cell("['India']", "sql"),
    },
    credits=(
        Credit("director", "Director"),
        Credit("actor", 'cleaned([film."Actor 1", film."Actor 2", film."Actor 3"])', "sql"),
    ),
)


def read_imdb_india(archive: Path, scratch: Path) -> Read:
    """Films of the archive imdb_movies_india."""
    return read_dump(DUMP, archive, scratch)
