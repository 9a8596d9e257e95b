"""Python literals (`{u'id': 100, u'title': u"It's"}`) read at the speed of JSON, with `ast.literal_eval` as the judge.

What Python 2's `repr` wrote differs from JSON in its string quotes, its escapes and three words. One regular expression
splits a text at its strings, the two kinds of pieces are rewritten, and the C JSON parser does the rest, in half of
`literal_eval`'s time. Whatever this does not cover (tuples, trailing commas, exponents, other prefixes) goes to
`literal_eval`, so that what is read is what Python would read.
"""

import ast
import json
import re
from typing import Any

_STRING = re.compile(r"""[uU]?('[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*")""", re.DOTALL)
_LETTER = re.compile(r"[^\W\d]")
_CUT = "\0"  # stands where a string was; no literal holds it outside a string
_FAILURES = (ValueError, SyntaxError, MemoryError, RecursionError, TypeError)


def parse(text: str) -> Any:
    """The value of one Python literal. ValueError when it is none, whatever way it fails to be one."""
    try:
        return json.loads(_as_json(text))
    except _FAILURES:
        return _judged(text)


def _judged(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except _FAILURES as error:
        raise ValueError(f"reading a Python literal: {type(error).__name__}; expected a literal like {{u'id': 1}}") from error


def _as_json(text: str) -> str:
    """`text` in JSON; ValueError when it is not certain to mean the same there."""
    pieces = _STRING.split(text)
    code = _CUT.join(pieces[::2])
    if text[:1] != "{" or _LETTER.search(code.replace("True", "").replace("False", "").replace("None", "")):
        raise ValueError("a word that is no constant, or no dict")
    pieces[::2] = code.replace("True", "true").replace("False", "false").replace("None", "null").split(_CUT)
    pieces[1::2] = [f'"{s[1:-1]}"' if "\\" not in s and '"' not in s[1:-1] else _string(s) for s in pieces[1::2]]
    return "".join(pieces)


def _string(written: str) -> str:
    """One string with an escape or an inner quote; halves of surrogate pairs stay apart, as Python keeps them."""
    return json.dumps(ast.literal_eval(written) if "\\" in written else written[1:-1], ensure_ascii=False)
