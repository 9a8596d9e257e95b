"""The fast reader of Python literals agrees with `ast.literal_eval` on everything, good or bad."""

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from corpus_pipeline.sources.archive import members
from corpus_pipeline.sources.movies_json import python_literal
from corpus_pipeline.sources.movies_json.python_literal import parse

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3))


def python2(value: Any) -> str:
    """What Python 2's repr writes: ASCII with a `u` before each string."""
    if isinstance(value, str):
        return "u" + ascii(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(python2, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{python2(key)}: {python2(inner)}" for key, inner in value.items()) + "}"
    return repr(value)


@given(st.dictionaries(st.text(max_size=6), VALUES, max_size=4))
@example({"a": 'It\'s "quoted" \\ and\nbroken', "b": "\U0001f3ac é\x7f\x00", "c": "\ud83c"})
def test_any_dict_comes_back(value: dict[str, Any]) -> None:
    for text in (python2(value), repr(value)):
        assert repr(parse(text)) == repr(value)


@given(st.text(alphabet="{}[]()u'\"\\:, 01eE.-+TrueNonxb#\n", max_size=14).map(lambda inside: "{" + inside + "}"))
@example("{'a': true}")
@example("{'a': NaN}")
@example("{'a': 1e5}")
@example("{'a': (1, 2)}")
@example("{'a': 'b' u'c',}")
@example("{b'a': 0x1f}")
@example("{'a': '''b'''}")
@example("{'\\ud83d\\ude00': '\\N{BULLET}'}")
@example("{'a': Tru'e'}")
def test_it_reads_exactly_what_python_reads(text: str) -> None:
    try:
        expected = repr(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError):
        with pytest.raises(ValueError, match="reading a Python literal"):
            parse(text)
    else:
        assert repr(parse(text)) == expected


@pytest.mark.parametrize("text", ["", "<html>", "{'a': open('x')}", "__import__('os')", "[" * 5000, "{'a': 1} {'b': 2}", "{'a': \0}"])
def test_what_is_no_literal(text: str) -> None:
    with pytest.raises(ValueError, match="expected a literal"):
        parse(text)


@pytest.mark.real
def test_real_files_are_read_the_fast_way_and_equal(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow: list[str] = []
    monkeypatch.setattr(python_literal, "_judged", slow.append)
    for name, content in members(mirror / "movies" / "tmdb_jphmf_2015.tar.zst"):
        if name.endswith(".json"):
            text = content.decode()
            assert repr(parse(text)) == repr(ast.literal_eval(text)), name
    assert slow == []
