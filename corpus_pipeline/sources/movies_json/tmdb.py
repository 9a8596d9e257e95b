"""What TMDB's documents have in common, whoever collected them: ids, genre ids, the form of a film."""

from collections.abc import Mapping
from typing import Any

from corpus_pipeline.sources.movies_csv.imdb_flatiron import TMDB_GENRES
from corpus_pipeline.sources.movies_json.values import UNUSABLE, DocumentError, integer

GENRES = TMDB_GENRES | {10762: "Kids", 10769: "Foreign"}  # the second was retired by TMDB, the first is for series


def film_id(film: Mapping[str, Any], key: str) -> Any:
    """TMDB's movie id. DocumentError (tv_not_movie) for a series, which counts its ids apart: only those have a first air date."""
    if "first_air_date" in film and "release_date" not in film:
        raise DocumentError("tv_not_movie")
    number = integer(film.get(key))
    return UNUSABLE if isinstance(number, int) and number < 1 else number


def genre_names(value: object) -> Any:
    """Names of a list of genre ids; an id that is not known stays a number, None when there are none."""
    if not isinstance(value, list) or not all(isinstance(number, int) for number in value):
        return None if value is None else UNUSABLE
    return list(dict.fromkeys(GENRES.get(number, str(number)) for number in value)) or None


def form(genres: Any, runtime_minutes: Any, *, is_video: Any) -> str | None:
    """The kind of a film: TMDB's own word for it first, then its length (a short is under 40 minutes), None when unknown."""
    if isinstance(genres, list) and "TV Movie" in genres:
        return "tv_movie"
    if is_video is True:
        return "video"
    if not isinstance(runtime_minutes, int) or runtime_minutes < 1:
        return None
    return "short" if runtime_minutes < 40 else "movie"
