"""What a retriever reads of a film: one row of facts to one line of text. No model and no number is in here.

A text is the key of its vector, so any change of wording is a new `DOCUMENT_VERSION`.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

import pyarrow as pa

from modeling.errors import DataError

DOCUMENT_VERSION = 1
COLUMNS = ("title", "year", "genres", "directors", "cast", "plot")
GENRES_AT_MOST = 5
DIRECTORS_AT_MOST = 3  # an anthology of twenty directors would push its own plot out of the encoder's window
CAST_AT_MOST = 5
PLOT_CHARACTERS = 400  # about 90 word pieces, more than an encoder limited to 64 or 96 has room for

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Soft hyphen, zero-width space, byte order mark, direction marks. The joiners U+200C and U+200D stay: some scripts spell with them.
_INVISIBLE = re.compile(r"[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")


def document(
    title: str | None,
    year: int | None = None,
    *,
    genres: Sequence[str | None] | None = None,
    directors: Sequence[str | None] | None = None,
    cast: Sequence[str | None] | None = None,
    plot: str | None = None,
) -> str:
    """'Title (Year). Genres. Directed by ... . With ... . Plot', without the parts that are not known."""
    name = _clean(title)
    parts = (
        _sentence(f"{name} ({year})" if year is not None else name),
        _listing("", genres, GENRES_AT_MOST),
        _listing("Directed by ", directors, DIRECTORS_AT_MOST),
        _listing("With ", cast, CAST_AT_MOST),
        cut_at_word(_clean(plot), PLOT_CHARACTERS),
    )
    return " ".join(part for part in parts if part).strip()


def documents_of(rows: pa.Table) -> list[str]:
    """The document of each row of a table with the columns `COLUMNS`; DataError names the columns it lacks."""
    missing = [name for name in COLUMNS if name not in rows.column_names]
    if missing:
        raise DataError(f"writing film documents: columns {', '.join(missing)} are missing; expected {', '.join(COLUMNS)}; select them")
    return list(_documents(rows))


def cut_at_word(text: str, characters: int) -> str:
    """The longest start of `text` of at most `characters` that ends with a whole word; cut anywhere if the first word is longer."""
    if len(text) <= characters:
        return text
    start, space, _ = text[: characters + 1].rpartition(" ")
    return start.rstrip() if space else text[:characters]


def _documents(rows: pa.Table) -> Iterator[str]:
    columns = [rows[name].to_pylist() for name in COLUMNS]
    for title, year, genres, directors, cast, plot in zip(*columns, strict=True):
        yield document(title, year, genres=genres, directors=directors, cast=cast, plot=plot)


def _listing(opening: str, names: Sequence[str | None] | None, at_most: int) -> str:
    cleaned = [name for name in map(_clean, names or ()) if name][:at_most]
    return _sentence(opening + ", ".join(cleaned)) if cleaned else ""


def _sentence(text: str) -> str:
    return text if not text or text[-1] in ".!?…" else f"{text}."


def _clean(text: str | None) -> str:
    """One line in normal form C, so that equal looks give equal texts and one cached vector."""
    visible = _INVISIBLE.sub("", _CONTROL.sub(" ", text or ""))
    return " ".join(unicodedata.normalize("NFC", visible).split())
