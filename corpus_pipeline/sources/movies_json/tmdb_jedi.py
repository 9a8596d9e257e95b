"""TMDB films a box-office project collected, one JSON document a film: `<tmdb id>.json`. Casts of at most ten with characters.

An empty string is TMDB's way of saying nothing (22 dates, 62 overviews, 313 IMDb ids), as is a running time of 0 (185).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corpus_pipeline.sources.movies_json.documents import Cells, file_per_film, read_films
from corpus_pipeline.sources.movies_json.tmdb import film_id, form
from corpus_pipeline.sources.movies_json.values import UNUSABLE, credits, imdb_id, integer, joined, minutes, plots, real, text, texts, year
from corpus_pipeline.sources.reading import Read

SOURCE = "tmdb_jedi"


def read(archive: Path, scratch: Path) -> Read:
    """Films of the archive (or folder) tmdb_jedi; `scratch` is not needed. SourceError when it holds no JSON document."""
    return read_films(SOURCE, file_per_film(SOURCE, archive, json.loads, failure="not_json"), _cells)


def _cells(film: Mapping[str, Any]) -> Cells:
    tmdb_id, genres, runtime = film_id(film, "tmdb_id"), texts(film.get("genres")), minutes(film.get("runtime"))
    return {
        "record_id": tmdb_id if tmdb_id is UNUSABLE or tmdb_id is None else str(tmdb_id),
        "tmdb_id": tmdb_id,
        "imdb_id": imdb_id(film.get("imdb_id")),
        "title": text(film.get("title")),
        "year": year(film.get("release_date")),
        "runtime_minutes": runtime,
        "kind": form(genres, runtime, is_video=False),
        "tmdb_rating": real(film.get("vote_average")),
        "tmdb_vote_count": integer(film.get("vote_count")),
        "genres": genres,
        "people": joined(credits(texts([film.get("director")]), "director"), _cast(film.get("cast"))),
        "plots": plots(film.get("overview"), "en"),
    }


def _cast(cast: object) -> Any:
    if not isinstance(cast, list) or not all(isinstance(member, dict) for member in cast):
        return None if cast is None else UNUSABLE
    names, characters = [text(member.get("name")) for member in cast], [text(member.get("character")) for member in cast]
    return UNUSABLE if UNUSABLE in names or UNUSABLE in characters else credits(names, "actor", characters)
