"""MovieLens films with their IMDb and TMDB links: the copied 25M files and the official layout (ml-25m, ml-32m, ml-latest).

A title holds its year, moves its article behind ('Lion King, The (1994)') and brackets further titles, some with 'a.k.a.'.
The copy is unquoted, spells ', ' as ';', and lets eight titles keep their bare commas; the title column absorbs those.
IMDb ids are numbers without 'tt' whose leading zeros count; 107 films have no link.
"""

from pathlib import Path

from corpus_pipeline.sources.cells import PARSERS
from corpus_pipeline.sources.reading import Read
from corpus_pipeline.sources.tabular import Cell, Companion, Layout, TabularDump, Text, read_dump


def _dump(source: str, title: str, layout: Layout) -> TabularDump:
    """`title` is the SQL of the title cell with its commas."""
    return TabularDump(
        source=source,
        files=("movies.csv",),
        key="movieId",
        layout=layout,
        columns={
            "record_id": Cell("movieId", "integer"),
            "movielens_id": Cell("movieId", "integer"),
            "imdb_id": Cell("links.imdbId", "imdb_id"),
            "tmdb_id": Cell("links.tmdbId", "integer"),
            "title": Cell(PARSERS["title_before_brackets"](title), "sql"),
            "year": Cell(PARSERS["year_in_brackets"](title), "sql"),
            "genres": Cell("CASE WHEN clean(film.genres) <> '(no genres listed)' THEN cleaned(string_split(film.genres, '|')) END", "sql"),
        },
        alternative_titles=(Text(PARSERS["titles_in_brackets"](title), "sql"),),
        companions={"links": Companion(("links.csv",), "movieId", columns=("imdbId", "tmdbId"), layout=Layout())},
    )


COPIED = _dump("movielens_25m", "replace(clean(film.title), ';', ', ')", Layout(quote="", absorbing="title"))
OFFICIAL = _dump("movielens_official", "clean(film.title)", Layout())


def read_movielens_25m(archive: Path, scratch: Path) -> Read:
    """Films of the archive movielens_25m."""
    return read_dump(COPIED, archive, scratch)


def read_movielens_official(archive: Path, scratch: Path) -> Read:
    """Films of an official MovieLens zip or folder with movies.csv and links.csv; ratings and tags are not films."""
    return read_dump(OFFICIAL, archive, scratch)
