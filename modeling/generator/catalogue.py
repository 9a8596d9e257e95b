"""Films as a prompt names them: one distinct name each, and a short line of facts. Nothing of a dialogue is in here.

A title is text by others: it goes through `plain`, and a name is what the model may answer, so no two films share one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from modeling.errors import DataError
from modeling.generator.heads import without_heads
from modeling.generator.matching import name_key
from modeling.prompt_text import plain

COLUMNS = ("movie_id", "title", "year", "genres", "directors", "cast", "plot")
TITLE_CHARACTERS = 48  # longer ones are a hundredth of all titles; 50 whole titles of such a length still fit beside a dialogue
DETAIL_CHARACTERS = {"genres": 24, "lead": 24, "director": 24, "plot": 400}
GENRES_AT_MOST = 2
UNTITLED = "untitled film"

Identity = tuple[str, int | None]  # title key, year


@dataclass(frozen=True, slots=True)
class Film:
    """The facts of one film, as they came."""

    movie_id: str
    title: str | None
    year: int | None = None
    genres: tuple[str, ...] = ()
    lead: str | None = None
    director: str | None = None
    plot: str | None = None


class Catalogue:
    """Films by id, each with a name of its own.

    A name is 'Title (Year)'; of films whose names would have the same key, the later ids get 'Title (Year, no. 2)' and so on.
    Names depend on the whole catalogue, not on the list they are shown in: training and use see the same ones.
    """

    def __init__(self, films: Iterable[Film]) -> None:
        """DataError when an id occurs twice."""
        ordered = sorted(films, key=lambda film: film.movie_id)
        self._films = {film.movie_id: film for film in ordered}
        if len(self._films) < len(ordered):
            raise DataError(f"naming films: {len(ordered)} rows, {len(self._films)} distinct movie_id; expected one row per film")
        self._names = _names(ordered)
        self._identity = {film.movie_id: (name_key(film.title or ""), film.year) for film in ordered}

    @classmethod
    def from_table(cls, rows: pa.Table) -> "Catalogue":
        """From rows with the columns `COLUMNS`; DataError names the columns they lack."""
        missing = [name for name in COLUMNS if name not in rows.column_names]
        if missing:
            raise DataError(f"naming films: columns {', '.join(missing)} are missing; expected {', '.join(COLUMNS)}; select them")
        return cls(_film(row) for row in rows.select(COLUMNS).to_pylist())

    def __contains__(self, movie_id: object) -> bool:
        return movie_id in self._films

    @property
    def ids(self) -> list[str]:
        """All movie ids, ascending."""
        return list(self._films)

    def name(self, movie_id: str) -> str:
        """What the prompt calls the film and the model answers; DataError for a film that is not in the catalogue."""
        self._insist_on(movie_id)
        return self._names[movie_id]

    def identity(self, movie_id: str) -> Identity:
        """Films equal in it are taken for the same film told twice."""
        self._insist_on(movie_id)
        return self._identity[movie_id]

    def line(self, movie_id: str, details: Sequence[str], characters: int) -> str:
        """'Name; detail; detail' of at most `characters`, details whole or left out; the name is never cut."""
        self._insist_on(movie_id)
        line = self._names[movie_id]
        for detail in details:
            text = _detail(self._films[movie_id], detail)
            room = characters - len(line) - 2
            if detail == "plot":
                text = plain(text, room)  # the one detail that may be cut
            if text and len(text) <= room:
                line = f"{line}; {text}"
        return line

    def _insist_on(self, movie_id: str) -> None:
        if movie_id not in self._films:
            raise DataError(f"naming film {movie_id!r}: the catalogue has {len(self._films)} films and not this one; add its row of facts")


def _film(row: Mapping[str, Any]) -> Film:
    lead, director = (next((name for name in row[role] or () if name), None) for role in ("cast", "directors"))
    genres = tuple(genre for genre in row["genres"] or () if genre)
    return Film(row["movie_id"], row["title"], row["year"], genres=genres, lead=lead, director=director, plot=row["plot"])


def _names(films: Sequence[Film]) -> dict[str, str]:
    taken: set[str] = set()
    names: dict[str, str] = {}
    for film in films:
        number, name = 1, _name(film, 1)
        while name_key(name) in taken:
            number += 1
            name = _name(film, number)
        taken.add(name_key(name))
        names[film.movie_id] = name
    return names


def _name(film: Film, number: int) -> str:
    title = _one_part(film.title, TITLE_CHARACTERS) or UNTITLED
    marks = [str(film.year)] if film.year is not None else []
    marks += [f"no. {number}"] if number > 1 else []
    return f"{title} ({', '.join(marks)})" if marks else title


def _detail(film: Film, detail: str) -> str:
    texts = {"genres": ", ".join(film.genres[:GENRES_AT_MOST]), "lead": film.lead, "director": film.director, "plot": film.plot}
    return _one_part(texts[detail], DETAIL_CHARACTERS[detail])


def _one_part(text: str | None, characters: int) -> str:
    """Plain text without a head and without the sign that parts a name from its details."""
    return without_heads(plain(text, characters)).replace(";", ",")
