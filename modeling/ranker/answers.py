"""From the text of a language model to an order of films: which titles it lists, and which films they name. No model is called here.

The text is untrusted. Any text can be read, none can raise, and none can name a film that is neither a candidate nor linked.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from modeling.generator.matching import match
from modeling.prompt_text import plain
from modeling.ranker.protocol import RankedSet

TITLE_CHARACTERS = 200  # of one title; a longer line is prose, and comparing it with every name would take long

_MARK = re.compile(r"^\s*(?:[-*•]\s+|\d{1,4}[.)](?!\d)\s*)+(?=\S)")
_SECOND = re.compile(r"\s*2[.)]")
_BOLD = re.compile(r"\*\*|__")
_AFTER_YEAR = re.compile(r"(\((?:1[89]|20)\d\d[^()]{0,12}\)).*")  # what is said of a film after 'Title (Year)' is not asked for
_SEMICOLON, _COMMA = re.compile(";"), re.compile(r",(?![^()]{0,40}\))")  # no comma within brackets: 'Title (1999, no. 2)'
_QUOTED = re.compile(r"^'(.+)'(?=$| \()")  # quotes are all alike in a plain text
_EDGES = " ,*_"
_FENCE = "```"


@dataclass(frozen=True, slots=True)
class ParsedList:
    """The titles of an answer, in its order, and how many more there were; `has_text` is false where there was nothing to see."""

    titles: tuple[str, ...]
    surplus: int = 0
    has_text: bool = True


def read_list(text: str, *, titles_at_most: int) -> ParsedList:
    """The titles of a list in free text: one a line, or JSON, or a single line parted by semicolons or commas.

    Numbers, bullets, quotes and bold are taken off, and so is what follows 'Title (Year)'. Where most lines have a number or a bullet
    the others are prose and not read. JSON is a list of strings, or an object that holds one list of strings.
    """
    parts = _in_json(text)
    titles = [title for part in (_written(text) if parts is None else parts) if (title := _title(part))]
    kept = tuple(titles[:titles_at_most])
    return ParsedList(kept, len(titles) - len(kept), bool(plain(text, TITLE_CHARACTERS)))


def resolve(
    parsed: ParsedList, candidate_names: Sequence[str], movies: Sequence[str], link: Callable[[str], str | None], fuzzy_ratio: float
) -> RankedSet:
    """The films that the titles name, the first mention of each: a candidate that matches, or else what `link` says.

    `candidate_names` are the distinct names of the candidates `movies`, aligned; `link` gives the movie id of a title, None for none.
    """
    if parsed.surplus:
        return RankedSet((), title_count=len(parsed.titles) + parsed.surplus, failure="too_many")
    if not parsed.has_text:
        return RankedSet((), failure="nothing")
    named = [_film(title, candidate_names, movies, link, fuzzy_ratio) for title in parsed.titles]
    known = [movie for movie in named if movie is not None]
    order = tuple(dict.fromkeys(known))
    return RankedSet(
        order,
        title_count=len(named),
        outside_count=len(set(order) - set(movies)),
        unmatched_count=len(named) - len(known),
        duplicate_count=len(known) - len(order),
        failure="" if order else "nonsense",
    )


def _film(title: str, names: Sequence[str], movies: Sequence[str], link: Callable[[str], str | None], fuzzy_ratio: float) -> str | None:
    place = match(title, names, fuzzy_ratio=fuzzy_ratio).place
    return movies[place] if place >= 0 else link(title)


def _in_json(text: str) -> list[str] | None:
    """The strings of a JSON list, or of the only list of a JSON object; None for any other text."""
    try:
        value = json.loads("\n".join(_lines(text)))
    except (ValueError, RecursionError):
        return None
    lists = [each for each in value.values() if isinstance(each, list)] if isinstance(value, dict) else [value]
    is_one = len(lists) == 1 and isinstance(lists[0], list) and all(isinstance(each, str) for each in lists[0])
    return lists[0] if is_one else None


def _written(text: str) -> list[str]:
    lines = _lines(text)
    return _apart(lines[0]) if len(lines) == 1 else [line.split(";")[0] for line in _without_prose(lines)]


def _lines(text: str) -> list[str]:
    """The lines in which something stands, without the fences of code and without bold."""
    lines = (_BOLD.sub("", line).strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith(_FENCE)]


def _apart(line: str) -> list[str]:
    """The parts of a line; a number or bullet before the first part alone makes it one title, whatever commas are in it."""
    parts = (_SEMICOLON if ";" in line else _COMMA).split(line)
    is_one = _MARK.match(line) and not any(map(_MARK.match, parts[1:]))
    return [line.split(";", maxsplit=1)[0]] if is_one else parts


def _without_prose(lines: Sequence[str]) -> list[str]:
    """The lines with a number or a bullet where most have one; a list that begins with 2 has its first title before that."""
    marked = [line for line in lines if _MARK.match(line)]
    if 2 * len(marked) <= len(lines):
        return list(lines)
    is_begun = _SECOND.match(marked[0]) and not _MARK.match(lines[0])
    return [lines[0], *marked] if is_begun else marked


def _title(part: str) -> str:
    bare = _MARK.sub("", plain(_BOLD.sub("", part), TITLE_CHARACTERS)).strip(_EDGES)
    return _AFTER_YEAR.sub(r"\1", _QUOTED.sub(r"\1", bare)).strip(_EDGES)
