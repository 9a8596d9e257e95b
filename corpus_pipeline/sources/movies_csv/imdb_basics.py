"""IMDb title tables as two teaching projects cut them: films of 2000 to 2024 and of 2010 to 2019.

The slices name directors and writers by id only. The 2010-2019 slice went through a spreadsheet: an index column without
a name, running times as '175.0' (26 above 1,000 minutes, up to 51,420), years up to 2115; bounds in the schema null these.
"""

from pathlib import Path

from corpus_pipeline.sources.reading import Read
from corpus_pipeline.sources.tabular import Cell, Companion, Credit, Layout, TabularDump, read_dump

_CREW = (Credit("director", "crew.directors", are_ids=True), Credit("writer", "crew.writers", are_ids=True))

BASICS_2000_2024 = TabularDump(
    source="imdb_basics_2000_2024",
    layout=Layout(nulls=("", r"\N")),
    files=("title_basics_cleaned.csv",),
    key="tconst",
    columns={
        "record_id": Cell("tconst", "imdb_id"),
        "imdb_id": Cell("tconst", "imdb_id"),
        "title": Cell("primaryTitle"),
        "original_title": Cell("originalTitle"),
        "year": Cell("startYear", "year"),
        "runtime_minutes": Cell("runtimeMinutes", "minutes"),
        "is_adult": Cell("isAdult", "flag"),
        "kind": Cell("CASE clean(film.titleType) WHEN 'tvMovie' THEN 'tv_movie' ELSE clean(film.titleType) END", "sql"),
        "genres": Cell("genres", "comma_list"),
        "imdb_rating": Cell("ratings.averageRating", "real"),
        "imdb_vote_count": Cell("ratings.numVotes", "count"),
    },
    credits=_CREW,
    companions={
        "crew": Companion(("title_crew.csv",), "tconst", columns=("directors", "writers")),
        "ratings": Companion(("title_ratings_cleaned.csv",), "tconst", numbers=("averageRating", "numVotes")),
    },
)

BASICS_2010_2019 = TabularDump(
    source="imdb_basics_2010_2019",
    files=("imdb.title.basics.csv",),
    key="tconst",
    columns={
        "record_id": Cell("tconst", "imdb_id"),
        "imdb_id": Cell("tconst", "imdb_id"),
        "title": Cell("primary_title"),
        "original_title": Cell("original_title"),
        "year": Cell("start_year", "year"),
        "runtime_minutes": Cell("runtime_minutes", "minutes"),
        "genres": Cell("genres", "comma_list"),
        "imdb_rating": Cell("ratings.averagerating", "real"),
        "imdb_vote_count": Cell("ratings.numvotes", "count"),
    },
    credits=_CREW,
    companions={
        "crew": Companion(("imdb.title.crew.csv",), "tconst", columns=("directors", "writers")),
        "ratings": Companion(("imdb.title.ratings.csv",), "tconst", numbers=("averagerating", "numvotes")),
    },
)


def read_imdb_basics_2000_2024(archive: Path, scratch: Path) -> Read:
    """IMDb titles of 2000 to 2024 that TMDB knows or not, from the archive tmdb_jirving."""
    return read_dump(BASICS_2000_2024, archive, scratch)


def read_imdb_basics_2010_2019(archive: Path, scratch: Path) -> Read:
    """IMDb titles of 2010 to 2019, from the archive imdb_flatiron."""
    return read_dump(BASICS_2010_2019, archive, scratch)
