"""TMDB films as a teaching data set re-saved them: an index column without a name, genres as lists of TMDB genre ids.

1,020 rows repeat the id of an earlier row and are quarantined as duplicate_id. The IMDb half of the archive is `imdb_basics`.
"""

from pathlib import Path

from corpus_pipeline.sources.reading import Read
from corpus_pipeline.sources.tabular import Cell, TabularDump, read_dump

TMDB_GENRES = {
    12: "Adventure", 14: "Fantasy", 16: "Animation", 18: "Drama", 27: "Horror", 28: "Action", 35: "Comedy", 36: "History",
    37: "Western", 53: "Thriller", 80: "Crime", 99: "Documentary", 878: "Science Fiction", 9648: "Mystery", 10402: "Music",
    10749: "Romance", 10751: "Family", 10752: "War", 10770: "TV Movie",
}  # fmt: skip
_GENRE_MAP = "MAP {" + ", ".join(f"'{number}': '{name}'" for number, name in TMDB_GENRES.items()) + "}"

DUMP = TabularDump(
    source="tmdb_flatiron",
    files=("tmdb.movies.csv",),
    columns={
        "record_id": Cell("id", "integer"),
        "tmdb_id": Cell("id", "integer"),
        "title": Cell("title"),
        "original_title": Cell("original_title"),
        "year": Cell("release_date", "year"),
        "tmdb_rating": Cell("vote_average", "real"),
        "tmdb_vote_count": Cell("vote_count", "count"),
        "languages": Cell("original_language", "one"),
        "genres": Cell(
            f"cleaned(list_transform(regexp_extract_all(film.genre_ids, '[0-9]+'), lambda g: coalesce({_GENRE_MAP}[g], g)))", "sql"
        ),
    },
)


def read_tmdb_flatiron(archive: Path, scratch: Path) -> Read:
    """TMDB films of the archive imdb_flatiron."""
    return read_dump(DUMP, archive, scratch)
