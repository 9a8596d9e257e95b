"""IMDb films up to 2005 as the R package ggplot2movies gives them: no ids, articles moved behind, genres as 0/1 columns.

The package keeps them in an R binary, `data/movies.rda`; that file is read too, by way of CSV.
"""

from pathlib import Path

from corpus_pipeline.errors import SourceError
from corpus_pipeline.sources.reading import Read
from corpus_pipeline.sources.tabular import Cell, TabularDump, read_dump

GENRES = ("Action", "Animation", "Comedy", "Drama", "Documentary", "Romance", "Short")
R_DATA = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"RDX", b"RDA")  # compressed by gzip, bzip2 or xz, or not at all

DUMP = TabularDump(
    source="imdb_ggplot2movies",
    files=("movies.csv",),
    columns={
        "title": Cell("title", "moved_article"),
        "year": Cell("year", "year"),
        "runtime_minutes": Cell("length", "minutes"),
        "kind": Cell("CASE WHEN film.\"Short\" = '1' THEN 'short' END", "sql"),
        "imdb_rating": Cell("rating", "real"),
        "imdb_vote_count": Cell("votes", "count"),
        "genres": Cell("cleaned([" + ", ".join(f"CASE WHEN film.\"{g}\" = '1' THEN '{g}' END" for g in GENRES) + "])", "sql"),
    },
)


def read_imdb_ggplot2movies(archive: Path, scratch: Path) -> Read:
    """Films of the archive ggplot2movies, or of the package's own movies.rda."""
    return read_dump(DUMP, _csv_of(archive, scratch) if archive.suffix == ".rda" else archive, scratch)


def _csv_of(binary: Path, scratch: Path) -> Path:
    import rdata

    with binary.open("rb") as handle:
        if not handle.read(8).startswith(R_DATA):  # rdata would only warn and guess
            raise SourceError(f"reading {binary.name}: it does not start as an R data file; it may be an error page, fetch it again")
    try:
        frame = rdata.read_rda(binary)["movies"]
    except (OSError, KeyError, ValueError, NotImplementedError) as error:
        raise SourceError(f"reading {binary.name}: {error!r}; expected an R data file with a table `movies`; fetch it again") from error
    path = scratch / "movies.csv"
    frame.to_csv(path, index=False)
    return path
