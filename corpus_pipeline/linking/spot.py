"""Spots films in what a person types, by exact titles only: enough to hear a history in a dialogue.

Every run of up to ten words is looked up among all titles at once. A run counts only on evidence: quotes, a year beside it,
or capitals together with an audience; without evidence a common phrase would always be some film's title.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from corpus_pipeline.schema.fields import FIRST_YEAR, LAST_YEAR
from corpus_pipeline.store import connect
from corpus_pipeline.transform.text import title_key

LONGEST = 10  # words; 99.7 % of titles of films with an audience are no longer
AUDIENCE = 3.0  # popularity_score of about 1,000 votes: below it, an unquoted phrase is more often a phrase than a film
WORD_AUDIENCE = 4.5  # about 30,000 votes for a single capitalised word, which is more often a name
_WORD = re.compile(r"[^\W_]+(?:['’&.:-][^\W_]+)*", re.UNICODE)
_YEAR_AFTER = re.compile(r"\s*[,(\[]*\s*((?:18|19|20)\d\d)\b")
_QUOTES = "\"'“”‘’*_«»"
_LOOKUP = """
    SELECT t.title_key, m.movie_id, m.year, m.popularity_score
    FROM keys JOIN titles t USING (title_key) JOIN movies m USING (movie_id)
    QUALIFY row_number() OVER (PARTITION BY t.title_key, m.year ORDER BY m.popularity_score DESC, m.movie_id) = 1
    ORDER BY t.title_key, m.popularity_score DESC, m.movie_id
"""


@dataclass(frozen=True, slots=True)
class Span:
    """A run of words in a text: [start, end) in characters, its title key, the year that follows, how strong the evidence is."""

    start: int
    end: int
    key: str
    year: int | None
    is_quoted: bool
    is_capitalised: bool
    word_count: int


@dataclass(frozen=True, slots=True)
class Spotter:
    """The titles of a release, ready to be looked up."""

    movies_table: pa.Table
    titles_table: pa.Table

    def movies(self, text: str) -> list[str]:
        """Ids of the films named in `text`, in order, each once; any string is allowed."""
        spans = list(spans_of(text))
        films = self._films({span.key for span in spans})
        chosen: list[tuple[int, int, str]] = []
        for span in sorted(spans, key=lambda s: (-s.word_count, s.start)):
            movie_id = decide(span, films.get(span.key, ()))
            if movie_id and all(span.end <= start or span.start >= end for start, end, _ in chosen):
                chosen.append((span.start, span.end, movie_id))
        return list(dict.fromkeys(movie_id for _, _, movie_id in sorted(chosen)))

    def _films(self, keys: set[str]) -> dict[str, list[tuple[str, int | None, float]]]:
        rows = pa.table({"title_key": sorted(keys)}, schema=pa.schema([("title_key", pa.string())]))
        with connect({"keys": rows, "titles": self.titles_table, "movies": self.movies_table}) as con:
            found: dict[str, list[tuple[str, int | None, float]]] = {}
            for key, movie_id, year, popularity in con.execute(_LOOKUP).fetchall():
                found.setdefault(key, []).append((movie_id, year, popularity))
        return found


def spans_of(text: str) -> Iterator[Span]:
    """Every run of 1 to `LONGEST` words of the text."""
    safe = text.encode("utf-8", "replace").decode("utf-8")
    words = list(_WORD.finditer(safe))
    for first in range(len(words)):
        for last in range(first, min(first + LONGEST, len(words))):
            start, end = words[first].start(), words[last].end()
            surface = safe[start:end]
            if any(mark in surface for mark in ".!?\n") and last - first > 3:
                break  # a title seldom runs over the end of a sentence
            yield Span(start, end, title_key(surface), _year_after(safe, end), *_evidence(safe, start, end), last - first + 1)


def _year_after(text: str, end: int) -> int | None:
    found = _YEAR_AFTER.match(text, end)
    year = int(found[1]) if found else None
    return year if year is not None and FIRST_YEAR <= year <= LAST_YEAR else None


def _evidence(text: str, start: int, end: int) -> tuple[bool, bool]:
    """(in quotes, capitalised first and last word and not merely the first word of a sentence)."""
    quoted = start > 0 and end < len(text) and text[start - 1] in _QUOTES and text[end] in _QUOTES
    words = text[start:end].split()
    before = text[:start].rstrip()
    opens_sentence = not before or before[-1] in ".!?:\n"
    capitals = words[0][0].isupper() and (words[-1][0].isupper() or words[-1][0].isdigit())
    return quoted, capitals and not (opens_sentence and len(words) == 1)


def decide(span: Span, films: "list[Any] | tuple[Any, ...]") -> str | None:
    """The film a span means, or None: the given year decides, else the largest audience with enough evidence."""
    if not films:
        return None
    if span.year is not None:
        dated = [film for film in films if film[1] is not None and abs(film[1] - span.year) <= 1]
        if dated:
            return str(min(dated, key=lambda film: (abs(film[1] - span.year), -film[2], film[0]))[0])
    movie_id, _, popularity = films[0]
    if span.is_quoted:
        return str(movie_id)
    needed = WORD_AUDIENCE if span.word_count == 1 else AUDIENCE
    return str(movie_id) if span.is_capitalised and popularity >= needed else None
