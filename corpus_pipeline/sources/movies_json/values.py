"""What a value of a JSON document means: parsers from an untrusted value to one cell of a movie record.

Every parser takes whatever the document holds and gives the cell, None where the document says nothing, or UNUSABLE
where it says something that cannot be read. Only text that no table can hold raises (`DocumentError`). No source is named here.
"""

import math
import re
from collections.abc import Sequence
from datetime import date
from typing import Any

BLANK = " \t\n\r\xa0"
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LARGEST = 2**63 - 1  # of a 64-bit column
_IMDB_ID = re.compile(r"(?:tt)?0*([1-9][0-9]{0,9})")
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})-([0-9]{2}))?")


class DocumentError(ValueError):
    """A document that cannot be accepted. Internal: `documents` turns it into a quarantined row with `reason`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Unusable:
    """The type of UNUSABLE, the mark of a filled cell that cannot be read."""

    def __repr__(self) -> str:
        return "UNUSABLE"


UNUSABLE = _Unusable()


def text(value: object) -> Any:
    """A string without blanks around it; None when empty. DocumentError (bad_encoding) when it holds half a surrogate pair."""
    if value is None:
        return None
    if not isinstance(value, str):
        return UNUSABLE
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise DocumentError("bad_encoding") from None
    return value.strip(BLANK) or None


def integer(value: object) -> Any:
    """A whole number, also when written 175.0 or '175'; None when null or blank."""
    if value is None or (isinstance(value, str) and not value.strip(BLANK)):
        return None
    if isinstance(value, str) and value.isascii() and value.strip(BLANK).isdigit():
        value = int(value) if len(value) < 20 else _LARGEST + 1
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    is_usable = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST
    return value if is_usable else UNUSABLE


def real(value: object) -> Any:
    """A finite number; None when null."""
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST
    return float(value) if is_number and isinstance(value, int | float) and math.isfinite(value) else UNUSABLE


def flag(value: object) -> Any:
    """A boolean; None when null."""
    return value if value is None or isinstance(value, bool) else UNUSABLE


def minutes(value: object) -> Any:
    """Running time in minutes; None when 0, which is how TMDB writes that it does not know."""
    return integer(value) or None


def year(value: object) -> Any:
    """The year of a number, of '2014' or of a real date '2014-11-03'; None when null or blank."""
    if not isinstance(value, str):
        return integer(value)
    found = _DATE.fullmatch(value.strip(BLANK))
    if found is None:
        return UNUSABLE if value.strip(BLANK) else None
    try:
        return date(int(found[1]), int(found[2] or 1), int(found[3] or 1)).year
    except ValueError:
        return UNUSABLE


def imdb_id(value: object) -> Any:
    """'tt' and at least seven digits, from 'tt0063540', '63540' or 63540; None when null or blank."""
    written = str(value) if isinstance(value, int) and not isinstance(value, bool) else text(value)
    if written is None or written is UNUSABLE:
        return written
    found = _IMDB_ID.fullmatch(written)
    return f"tt{found[1]:0>7}" if found else UNUSABLE


def texts(value: object) -> Any:
    """The distinct strings of a list in their order; None when there are none. One that is no string spoils the list."""
    if value is None:
        return None
    if not isinstance(value, list):
        return UNUSABLE
    found = [text(each) for each in value]
    return UNUSABLE if UNUSABLE in found else list(dict.fromkeys(filter(None, found))) or None


def joined(*lists: Any) -> Any:
    """Several list cells as one; UNUSABLE when any is, None when all are empty."""
    return UNUSABLE if UNUSABLE in lists else [each for cells in lists for each in cells or ()] or None


def credits(names: Any, role: str, characters: Sequence[Any] = ()) -> Any:
    """Credits of one role in billing order from 1, for a list cell of names; a name without a letter is none.

    Where a name comes twice the first stays, with its character. `characters` runs along `names` or is empty.
    """
    if names is None or names is UNUSABLE:
        return names
    played: dict[str, Any] = {}
    for name, character in zip(names, characters or [None] * len(names), strict=True):
        if name and any(map(str.isalpha, name)):
            played.setdefault(name, character)
    return [_credit(name, role, i, character) for i, (name, character) in enumerate(played.items(), 1)] or None


def _credit(name: str, role: str, position: int, character: Any) -> dict[str, Any]:
    return {"name": name, "role": role, "position": position, "character": character, "imdb_person_id": None}


def plots(value: object, language: str) -> Any:
    """One plot text as the list of plots."""
    found = text(value)
    return [{"text": found, "language": language}] if isinstance(found, str) else found
