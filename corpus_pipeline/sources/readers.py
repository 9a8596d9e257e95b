"""Which reader reads which source: a plain dict for films, one function each for dialogues and interactions. No reading is done here."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from corpus_pipeline.errors import SourceError
from corpus_pipeline.sources.movies_csv import (
    ggplot2movies,
    imdb_basics,
    imdb_flatiron,
    imdb_movies_india,
    imdb_official,
    imdb_raedaddala,
    movielens,
    omdb_org,
    svod_catalog,
    timdb_bollywood,
    tmdb_jirving,
)
from corpus_pipeline.sources.movies_json import tmdb_jedi, tmdb_jphmf_2015, wikipedia_prust
from corpus_pipeline.sources.reading import Read
from corpus_pipeline.sources.starter import catalog

MovieReader = Callable[[Path, Path], Read]
"""(archive, empty scratch directory) to movie records."""

MOVIE_READERS: dict[str, MovieReader] = {
    "imdb_basics_2000_2024": imdb_basics.read_imdb_basics_2000_2024,
    "tmdb_jirving": tmdb_jirving.read_tmdb_jirving,
    "imdb_basics_2010_2019": imdb_basics.read_imdb_basics_2010_2019,
    "movielens_25m": movielens.read_movielens_25m,
    "imdb_raedaddala": imdb_raedaddala.read_imdb_raedaddala,
    "tmdb_jedi": tmdb_jedi.read,
    "tmdb_flatiron": imdb_flatiron.read_tmdb_flatiron,
    "tmdb_jphmf_2015": tmdb_jphmf_2015.read,
    "omdb_org": omdb_org.read_omdb_org,
    "timdb_bollywood": timdb_bollywood.read_timdb_bollywood,
    "wikipedia_prust": wikipedia_prust.read,
    "imdb_ggplot2movies": ggplot2movies.read_imdb_ggplot2movies,
    "imdb_india": imdb_movies_india.read_imdb_india,
    "svod_netflix": svod_catalog.read_svod_netflix,
    "svod_amazon": svod_catalog.read_svod_amazon,
    "svod_disney": svod_catalog.read_svod_disney,
    "imdb_official": imdb_official.read_imdb_official,
    "movielens_official": movielens.read_movielens_official,
    "omdb_official": omdb_org.read_omdb_official,
    "starter": catalog.read,
}


def read_dialogues(dataset: str, files: Mapping[str, Path]) -> Read:
    """The six core tables of a dialogue data set from its registered files (mirror name to place).

    Files below `he2023/data` are the published test points; the others are the data set itself.
    """
    from corpus_pipeline.sources.dialogues import inspired, reddit_movie, redial, starter

    points = [path for path in files.values() if path.parent.parent.name == "data" and path.parent.name in ("inspired", "redial", "reddit")]
    protocol = points[0].parents[2] if points else None
    own = [str(path.parent) for path in files.values() if path not in points]
    folder = Path(os.path.commonpath(own)) if own else None
    if dataset == "reddit_movie":
        return reddit_movie.read_reddit_movie(folder, protocol)
    if folder is None:
        raise SourceError(f"reading {dataset}: none of the data set's own files is there, only {sorted(files)}; fetch the source first")
    if dataset == "starter":
        return starter.read_starter(folder)
    read = {"inspired": inspired.read_inspired, "redial": redial.read_redial}
    if dataset not in read:
        raise SourceError(f"reading {dataset}: there is no reader for it; known: {sorted([*read, 'reddit_movie', 'starter'])}")
    return read[dataset](folder, protocol)


def read_interactions(dataset: str, files: Mapping[str, Path]) -> Read:
    """The three core tables of a data set of interactions from its registered files (mirror name to place)."""
    from corpus_pipeline.sources.interactions import amazon, bookcrossing, movielens, starter

    read: dict[str, Callable[[Mapping[str, Path]], Read]] = {
        "amazon_movies": amazon.read_amazon_movies,
        "bookcrossing": bookcrossing.read_bookcrossing,
        "bookcrossing_implicit": bookcrossing.read_bookcrossing_implicit,
        "movielens_1m": movielens.read_movielens_1m,
        "movielens_small": movielens.read_movielens_small,
        "starter": starter.read_starter_interactions,
    }
    if dataset not in read:
        raise SourceError(f"reading {dataset}: there is no reader for its interactions; known: {sorted(read)}")
    return read[dataset](files)
