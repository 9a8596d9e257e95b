"""What film an answer in free text names: among candidates strictly or nearly, or in a set of known titles. No model is in here."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_APOSTROPHES = re.compile("['`´‘’ʼ′]")
_LISTED = re.compile(r"^(?:[-*•]|\d{1,3}[.)])\s+")
_YEAR = re.compile(r" (?:1[89]|20)\d\d( no \d+)?$")
_ARTICLES = ("the ", "an ", "a ")


@dataclass(frozen=True, slots=True)
class Match:
    """`place` among the names, -1 for none; `kind` 'strict' (name and year), 'title' (no year, only one such title), 'fuzzy' or 'none'."""

    place: int
    kind: str
    ratio: float


def name_key(text: str) -> str:
    """Letters and digits of a title or name in small letters without accents, words apart by one space, no leading article.

    The rules of the corpus's title_key, but a text of nothing but signs has the key of its stripped self in small letters.
    """
    bare = _APOSTROPHES.sub("", unicodedata.normalize("NFKD", text)).casefold().replace("&", " and ")
    kept = "".join(_letter_or_space(mark) for mark in unicodedata.normalize("NFKD", bare) if not unicodedata.combining(mark))
    key = " ".join(kept.split())
    for article in _ARTICLES:
        if key.startswith(article):
            return key[len(article) :]
    return key or " ".join(text.casefold().split())


def first_name(answer: str) -> str:
    """The part of a free answer that can be a name: its first line that is not empty, no bullet, nothing after a semicolon."""
    line = next((line.strip() for line in answer.splitlines() if line.strip()), "")
    return _LISTED.sub("", line).split(";")[0].strip(" \"'*")


def match(answer: str, names: Sequence[str], *, fuzzy_ratio: float = 0.9) -> Match:
    """The one of `names` ('Title (Year)', distinct) that a free answer means; the nearest counts from a similarity of `fuzzy_ratio`.

    Similarity is difflib's ratio of the keys, twice the matching characters over all characters; of equal ones the first counts.
    """
    key, keys = name_key(first_name(answer)), [name_key(name) for name in names]
    if key in keys:
        return Match(keys.index(key), "strict", 1.0)
    titled = [place for place, known in enumerate(keys) if key and _YEAR.sub("", known) == key]
    if len(titled) == 1:
        return Match(titled[0], "title", 1.0)
    place, ratio = _nearest(key, keys, fuzzy_ratio)
    return Match(place, "fuzzy", ratio) if place >= 0 else Match(-1, "none", ratio)


class TitleSet:
    """Titles that exist. An answer is in it by title and year; without a year, by the title alone."""

    def __init__(self, titles: Iterable[tuple[str, int | None]]) -> None:
        """`titles`: (title, year) pairs; every spelling of a film may be one."""
        self._keys: set[str] = set()
        for title, year in titles:
            if key := name_key(title):
                self._keys.update((key, f"{key} {year}") if year is not None else (key,))

    def __contains__(self, answer: str) -> bool:
        return name_key(first_name(answer)) in self._keys

    def __len__(self) -> int:
        return len(self._keys)


def _letter_or_space(mark: str) -> str:
    return mark if mark.isalnum() or unicodedata.category(mark)[0] == "M" else " "


def _nearest(key: str, keys: Sequence[str], least: float) -> tuple[int, float]:
    """(place, ratio) of the first of the most similar keys, place -1 when none reaches `least`; bounds are looked at first."""
    compared = difflib.SequenceMatcher(b=key, autojunk=False)
    best, found = -1, 0.0
    for place, known in enumerate(keys):
        compared.set_seq1(known)
        if key and compared.real_quick_ratio() >= least and compared.quick_ratio() >= least and compared.ratio() > found:
            best, found = place, compared.ratio()
    return (best, found) if found >= least else (-1, found)
