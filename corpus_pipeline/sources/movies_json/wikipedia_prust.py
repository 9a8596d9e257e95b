"""American films of 1900 to 2023 from Wikipedia's lists by year, one JSON list per decade: `movies-1950s.json`.

A film is linked to a page (1,733 are not), but a page is no identity: 155 are shared by several films, and some links lead
to a section of another page, which names no film and is left out. So a record's id is a hash of page, title and year,
with the cast where there is no page. 18 films that agree in all of it come twice.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from corpus_pipeline.sources.movies_json.documents import Cells, files_of_films, read_films
from corpus_pipeline.sources.movies_json.values import UNUSABLE, credits, plots, text, texts, year
from corpus_pipeline.sources.reading import Read

SOURCE = "wikipedia_prust"


def read(archive: Path, scratch: Path) -> Read:
    """Films of the archive (or folder) wikipedia_prust; `scratch` is not needed. SourceError when a decade is not a JSON list."""
    return read_films(SOURCE, files_of_films(SOURCE, archive, "movies-*.json"), _cells)


def _cells(film: Mapping[str, Any]) -> Cells:
    page, title, cast, genres = text(film.get("href")), text(film.get("title")), texts(film.get("cast")), texts(film.get("genres"))
    film_year = year(film.get("year"))
    return {
        "record_id": _record_id(page, title, film_year, cast),
        "title": title,
        "year": film_year,
        "kind": "short" if isinstance(genres, list) and "Short" in genres else None,
        "wikipedia_page": _page(page),
        "genres": genres,
        "people": credits(cast, "actor"),
        "plots": plots(film.get("extract"), "en"),
    }


def _record_id(page: Any, title: Any, film_year: Any, cast: Any) -> str:
    """32 hexadecimal digits; the same film in the same place of the list keeps them when texts or genres are edited."""
    identity = f"{page}|{title}|{film_year}" if isinstance(page, str) else f"|{title}|{film_year}|{cast}"
    return hashlib.md5(identity.encode(), usedforsecurity=False).hexdigest()


def _page(link: Any) -> Any:
    if not isinstance(link, str):
        return link
    page = unquote(link, errors="replace")
    return None if "#" in link or "\ufffd" in page else text(page) or UNUSABLE
