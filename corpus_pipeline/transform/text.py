"""Normal forms of titles, names and free text, in Python and as DuckDB functions with the same answers.

What belongs here: pure functions of one string. Which string wins, and which films are the same, is decided elsewhere.

The key of a title or name, in order: apostrophes and invisible characters dropped, NFKD, casefold, marks dropped, stroke
letters folded (ø as o, æ as ae), '&' as 'and', everything that is neither letter nor digit to a space, spaces collapsed;
for titles one leading 'the', 'a' or 'an' dropped when something follows it. Vowel signs of Indic scripts (marks of
combining class 0) are spelling, not decoration, and stay. A text without any letter or digit keeps its stripped self.
"""

import html
import re
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from corpus_pipeline.schema.fields import FIRST_YEAR, LAST_YEAR
from corpus_pipeline.schema.render import literal

if TYPE_CHECKING:
    import duckdb

_APOSTROPHES = "'`´‘’‛ʹʻʼʽˈ′＇"
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_DROPPED = dict.fromkeys(map(ord, _APOSTROPHES + _INVISIBLE))
# Letters that NFKD does not take apart although keyboards without them write the right-hand side.
_FOLDED = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})
_ARTICLES = ("the ", "an ", "a ")
_TRAILING_ARTICLES = "The An A Les Le La Une Un Der Die Das Ein Eine El Los Las Una Uno Il Lo I Gli O Os Det Den De Het Um Uma En Ett"
_TRAILING_ARTICLE = re.compile(
    rf"(?P<rest>.*\S),\s+(?P<article>{_TRAILING_ARTICLES.replace(' ', '|')}|(?:L|Un)['’])",
    re.DOTALL,
)
_TITLE_YEAR = re.compile(r"(?P<title>.*\S)\s*\((?P<year>\d{4})\)", re.DOTALL)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff]")
_WORDS = r"^[A-Za-z0-9]+( [A-Za-z0-9]+)*$"  # texts whose key is their lower case
# Texts that cleaning leaves as they are, for RE2: letters or visible ASCII at both ends, no control character, '&' only before a space.
_CLEAN = r"^[!-%'-~\pL](([^&\x00-\x1f\x7f-\x9f\x{feff}]|& )*[!-%'-~\pL])?$"


def title_key(title: str) -> str:
    """Key under which two spellings of a title are equal; never empty for a non-empty title."""
    key = _folded(title)
    for article in _ARTICLES:
        if key.startswith(article):
            return key[len(article) :]
    return key or title.strip() or title


def name_key(name: str) -> str:
    """Key under which two spellings of a person's name are equal; never empty for a non-empty name."""
    return _folded(name) or name.strip() or name


class _Folding(dict[int, str]):
    """What each character becomes, worked out when it is first met: no step of the key looks at a character's neighbours."""

    def __missing__(self, code: int) -> str:
        decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", chr(code).translate(_DROPPED)).casefold())
        bare = "".join(c for c in decomposed if not unicodedata.combining(c)).translate(_DROPPED).translate(_FOLDED)
        self[code] = "".join(map(_letter_or_space, bare.replace("&", " and ")))
        return self[code]


def _letter_or_space(character: str) -> str:
    return character if character.isalnum() or unicodedata.category(character)[0] == "M" else " "


_FOLDING = _Folding()


def fold_character(code: int) -> str:
    """What the key makes of one character: nothing, letters and digits, or spaces. A key is these in a row, spaces collapsed."""
    return _FOLDING[code]


def _folded(text: str) -> str:
    return " ".join(text.translate(_FOLDING).split())


def split_title_year(text: str) -> tuple[str, int | None]:
    """'Heat (1995)' as ('Heat', 1995); the text itself and None when no plausible year in brackets ends it."""
    stripped = text.strip()
    found = _TITLE_YEAR.fullmatch(stripped)
    if found is None or not FIRST_YEAR <= int(found["year"]) <= LAST_YEAR:
        return stripped, None
    return found["title"], int(found["year"])


def move_article(title: str) -> str:
    """'Lion King, The' as 'The Lion King'; other titles unchanged."""
    found = _TRAILING_ARTICLE.fullmatch(title)
    if found is None:
        return title
    article = found["article"]
    return article + ("" if article[-1] in "'’" else " ") + found["rest"]


def clean_text(text: str) -> str:
    """HTML entities decoded (twice: some sources encode twice), control characters out, ends stripped; newlines and tabs stay."""
    decoded = html.unescape(html.unescape(text)) if "&" in text else text
    return _CONTROLS.sub("", decoded).strip()


def clean_texts(texts: pa.Array) -> pa.Array:
    """`clean_text` of each of `texts` (no nulls); Python sees only those that are not clean already, one in a hundred."""
    dirty = pc.invert(pc.match_substring_regex(texts, _CLEAN))
    return pc.replace_with_mask(texts, dirty, pa.array(map(clean_text, texts.filter(dirty).to_pylist()), pa.string()))


def title_keys(titles: pa.Array) -> pa.Array:
    """`title_key` of each of `titles` (no nulls)."""
    return _keys(titles, title_key, lambda words: pc.replace_substring_regex(words, "^(the|an|a) ", ""))


def name_keys(names: pa.Array) -> pa.Array:
    """`name_key` of each of `names` (no nulls)."""
    return _keys(names, name_key, lambda words: words)


def _keys(texts: pa.Array, key: Callable[[str], str], of_words: Callable[[pa.Array], pa.Array]) -> pa.Array:
    words = pc.match_substring_regex(texts, _WORDS)
    others = pa.array(map(key, texts.filter(pc.invert(words)).to_pylist()), pa.string())
    return pc.replace_with_mask(of_words(pc.ascii_lower(texts)), pc.invert(words), others)


def register_text_functions(con: "duckdb.DuckDBPyConnection") -> None:
    """Give `con` the SQL functions `title_key`, `name_key` and `clean_text`.

    Texts of ASCII words between single spaces (two in three) stay inside DuckDB, on all its threads; the others go through Python.
    """
    from duckdb.func import ARROW

    for name, function in (("title_key", title_key), ("name_key", name_key), ("clean_text", clean_text)):
        con.create_function(f"{name}_python", _vectorised(function), ["VARCHAR"], "VARCHAR", type=ARROW)
    words = f"regexp_matches(t, {literal(_WORDS)})"
    con.execute(f"CREATE OR REPLACE MACRO name_key(t) AS CASE WHEN {words} THEN lower(t) ELSE name_key_python(t) END")
    con.execute(
        f"CREATE OR REPLACE MACRO title_key(t) AS CASE WHEN {words} "
        "THEN regexp_replace(lower(t), '^(the|an|a) ', '') ELSE title_key_python(t) END"
    )
    con.execute(
        f"CREATE OR REPLACE MACRO clean_text(t) AS CASE WHEN regexp_matches(t, {literal(_CLEAN)}) THEN t ELSE clean_text_python(t) END"
    )


def title_key_sql(expression: str) -> str:
    """SQL for the title key of `expression`, on a connection given to `register_text_functions`."""
    return f"title_key({expression})"


def name_key_sql(expression: str) -> str:
    """SQL for the name key of `expression`, on a connection given to `register_text_functions`."""
    return f"name_key({expression})"


def _vectorised(function: Callable[[str], str]) -> Callable[[pa.Array], pa.Array]:
    def over_array(texts: pa.Array) -> pa.Array:
        return pa.array([None if text is None else function(text) for text in texts.to_pylist()], pa.string())

    return over_array
