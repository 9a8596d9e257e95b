"""What the query expert knows of a film, read from a table. No dialogue and no query is in here."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from modeling.documents import CAST_AT_MOST, DIRECTORS_AT_MOST
from modeling.errors import DataError

COLUMNS = ("movie_id", "title", "year", "genres", "directors", "cast", "keywords", "plot")
OTHER_TITLES = "titles"  # optional column: every title a film goes by
_ASCII_WORD = re.compile("[a-z0-9]+")
_ARTICLES = ("the", "a", "an")


@dataclass(frozen=True, slots=True)
class FilmFacts:
    """One film. Lists are in order of importance; `titles` are its other titles, in any language."""

    movie_id: str
    title: str
    year: int | None = None
    genres: tuple[str, ...] = ()
    directors: tuple[str, ...] = ()
    cast: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    plot: str = ""
    titles: tuple[str, ...] = ()

    @property
    def decade(self) -> str | None:
        """'1990s', or None when the year is not known."""
        return None if self.year is None else f"{self.year // 10 * 10}s"


def facts_of(rows: pa.Table) -> dict[str, FilmFacts]:
    """The facts of each film by id, from a table with the columns `COLUMNS` and perhaps 'titles'; DataError names those it lacks."""
    missing = [name for name in COLUMNS if name not in rows.column_names]
    if missing:
        raise DataError(f"reading film facts: columns {', '.join(missing)} are missing; expected {', '.join(COLUMNS)}; select them")
    names = [*COLUMNS, *([OTHER_TITLES] if OTHER_TITLES in rows.column_names else [])]
    return {row["movie_id"]: _facts(row) for row in rows.select(names).to_pylist()}


def words_key(text: str) -> str:
    """Letters and digits of `text` in words between single spaces: marks, case and apostrophes gone. Equal looks, equal keys."""
    bare = text.translate(_DROPPED)
    if bare.isascii():  # most texts, ten times as fast
        return " ".join(_ASCII_WORD.findall(bare.lower()))
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", bare).casefold())
    kept = (character for character in folded if unicodedata.category(character)[0] != "M" and unicodedata.category(character) != "Cf")
    return " ".join("".join(character if character.isalnum() else " " for character in kept).split())


def title_key(title: str) -> str:
    """`words_key` without one leading article, when something follows it."""
    first, _, rest = words_key(title.replace("&", " and ")).partition(" ")
    return rest if rest and first in _ARTICLES else f"{first} {rest}".strip()


def contains_words(text_key: str, part_key: str) -> bool:
    """Whether the words of `part_key` stand in a row in `text_key`; an empty part is nowhere."""
    return bool(part_key) and f" {part_key} " in f" {text_key} "


def known(names: Sequence[str | None] | None) -> tuple[str, ...]:
    """Names that are there, each once, in their order."""
    return tuple(dict.fromkeys(name for name in names or () if name and name.strip()))


def _facts(row: dict[str, object]) -> FilmFacts:
    # No more people than a film's document names: a query for others would find nothing.
    most = {"directors": DIRECTORS_AT_MOST, "cast": CAST_AT_MOST}
    names = ("genres", "directors", "cast", "keywords", OTHER_TITLES)
    lists = {name: known(row.get(name))[: most.get(name)] for name in names}  # type: ignore[arg-type]
    year = row["year"]
    return FilmFacts(
        movie_id=str(row["movie_id"]), title=str(row["title"] or ""), year=year if isinstance(year, int) else None,
        plot=str(row["plot"] or ""), **lists,
    )  # fmt: skip


_DROPPED = dict.fromkeys(map(ord, "'`´‘’‛ʹʻʼʽˈ′＇"))
