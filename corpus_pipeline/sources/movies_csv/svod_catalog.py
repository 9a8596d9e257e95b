"""Catalogues of three streaming services: films and series with plot, cast and directors. Their years are catalogue years.

Series are out_of_scope. 2,840 rows of the Netflix file hold only a genre cell and are not_a_record. Some Amazon people are
a number; names without a letter are dropped. The services use ids of their own; the header ' country' loses its space.
"""

from pathlib import Path

from corpus_pipeline.sources.reading import Read
from corpus_pipeline.sources.tabular import Cell, Credit, TabularDump, Text, read_dump


def _dump(source: str, file: str) -> TabularDump:
    return TabularDump(
        source=source,
        files=(file,),
        refuse={
            "not_a_record": "clean(film.show_id) IS NULL AND clean(film.title) IS NULL",
            "out_of_scope": "clean(film.type) = 'TV Show'",
        },
        columns={
            "record_id": Cell("show_id"),
            "title": Cell("title"),
            "year": Cell("release_year", "year"),
            "runtime_minutes": Cell("duration", "minutes"),
            "genres": Cell("genre", "comma_list"),
            "countries": Cell("country", "comma_list"),
        },
        credits=(Credit("director", "director"), Credit("actor", "cast")),
        plots=(Text("description", language="en"),),
    )


NETFLIX = _dump("svod_netflix", "netflixData.csv")
AMAZON = _dump("svod_amazon", "amazon_prime_titles.csv")
DISNEY = _dump("svod_disney", "disney_plus_titles.csv")


def read_svod_netflix(archive: Path, scratch: Path) -> Read:
    """Netflix films of the archive svod_catalog."""
    return read_dump(NETFLIX, archive, scratch)


def read_svod_amazon(archive: Path, scratch: Path) -> Read:
    """Amazon Prime films of the archive svod_catalog."""
    return read_dump(AMAZON, archive, scratch)


def read_svod_disney(archive: Path, scratch: Path) -> Read:
    """Disney+ films of the archive svod_catalog."""
    return read_dump(DISNEY, archive, scratch)
