"""TMDB films of late 2014 as a search project saved them: one file a film, named `.json` but written by Python 2's `repr`.

The films of `movie_list/` lie in `movies/` again (3,342 with other vote counts); the first by name stays. Casts and crews are
TMDB person ids, which name nobody, and are not read. Two `.DS_Store` files are quarantined as not_a_data_file.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corpus_pipeline.sources.movies_json.documents import Cells, file_per_film, read_films
from corpus_pipeline.sources.movies_json.python_literal import parse
from corpus_pipeline.sources.movies_json.tmdb import film_id, form, genre_names
from corpus_pipeline.sources.movies_json.values import UNUSABLE, flag, integer, plots, real, text, texts, year
from corpus_pipeline.sources.reading import Read

SOURCE = "tmdb_jphmf_2015"


def read(archive: Path, scratch: Path) -> Read:
    """Films of the archive (or folder) tmdb_jphmf_2015; `scratch` is not needed. SourceError when it holds no document."""
    return read_films(SOURCE, file_per_film(SOURCE, archive, parse, failure="not_a_literal"), _cells)


def _cells(film: Mapping[str, Any]) -> Cells:
    tmdb_id, genres = film_id(film, "id"), genre_names(film.get("genre_ids"))
    return {
        "record_id": tmdb_id if tmdb_id is UNUSABLE or tmdb_id is None else str(tmdb_id),
        "tmdb_id": tmdb_id,
        "title": text(film.get("title")),
        "original_title": text(film.get("original_title")),
        "year": year(film.get("release_date")),
        "kind": form(genres, None, is_video=film.get("video")),
        "is_adult": flag(film.get("adult")),
        "tmdb_rating": real(film.get("vote_average")),
        "tmdb_vote_count": integer(film.get("vote_count")),
        "genres": genres,
        "languages": texts([film.get("original_language")]),
        "plots": plots(film.get("overview"), "en"),
    }
