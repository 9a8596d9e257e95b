"""The named parsers: upstream spellings in, typed values out, null for what cannot be read."""

import ast
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_pipeline.sources.cells import MACROS, PARSERS, parsed
from corpus_pipeline.store import connect

BLANKS = "".join(letter for letter in map(chr, range(0x10000)) if unicodedata.category(letter) == "Zs")  # what DuckDB's trim takes away


@pytest.fixture(scope="module")
def con() -> Any:
    with connect() as connection:
        connection.execute(MACROS)
        yield connection


def value(con: Any, parser: str, text: str | None) -> Any:
    return con.execute(f"SELECT {parsed(parser, 'cell')} FROM (SELECT CAST(? AS VARCHAR) AS cell)", [text]).fetchone()[0]


@pytest.mark.parametrize(
    ("parser", "text", "want"),
    [
        ("text", "  \u00a0Fog \t", "Fog"),
        ("text", " ", None),
        ("integer", "862", 862),
        ("integer", "862.0", 862),
        ("integer", "8a", None),
        ("real", "7.5", 7.5),
        ("real", "seven", None),
        ("year", "1999", 1999),
        ("year", "-2019", 2019),
        ("year", "2001.0", 2001),
        ("year", "1988-10-21", 1988),
        ("year", "March 4, 1950", 1950),
        ("year", "199", None),
        ("year", "12345", None),
        ("minutes", "175.0", 175),
        ("minutes", "99 min", 99),
        ("minutes", "1h 28m", 88),
        ("minutes", "2h", 120),
        ("minutes", "45m", 45),
        ("minutes", "1 Season", None),
        ("count", "6,466", 6466),
        ("count", "1.2M", 1_200_000),
        ("count", "180K", 180_000),
        ("count", "88417", 88417),
        ("count", "$5.16M", None),
        ("flag", "True", True),
        ("flag", "0", False),
        ("flag", "maybe", None),
        ("imdb_id", "tt0012345", "tt0012345"),
        ("imdb_id", "0012345", "tt0012345"),
        ("imdb_id", "12345", "tt0012345"),
        ("imdb_id", "tt12345678", "tt12345678"),
        ("imdb_id", "https://www.imdb.com/title/tt0012345/?ref_=x", "tt0012345"),
        ("imdb_id", "nm0012345", None),
        ("imdb_id", "0", None),
        ("wikidata_id", "Q42", "Q42"),
        ("wikidata_id", "42", None),
        ("wikipedia_page", "https://en.wikipedia.org/wiki/Caf%C3%A9_(film)", "Café_(film)"),
        ("one", "a", ["a"]),
        ("comma_list", "Drama, War,,", ["Drama", "War"]),
        ("comma_list", " , ", None),
        ("pipe_list", "Ann|Bo|", ["Ann", "Bo"]),
        ("semicolon_list", "a; b", ["a", "b"]),
        ("moved_article", "Fog, The", "The Fog"),
        ("moved_article", "Ombre, L'", "L'Ombre"),
        ("moved_article", "Good, Bad", "Good, Bad"),
        ("rank_prefix", "12. Wolf", "Wolf"),
        ("rank_prefix", "7. 12. Night", "12. Night"),
        ("rank_prefix", "2012", "2012"),
    ],
)
def test_spellings(con: Any, parser: str, text: str, want: Any) -> None:
    assert value(con, parser, text) == want


@pytest.mark.parametrize(
    ("text", "title", "year", "others"),
    [
        ("Fog, The (1994)", "The Fog", 1994, None),
        ("Fog (a.k.a. Mist) (1994)", "Fog", 1994, ["Mist"]),
        ("City of Fog, The (Cité de brume, La) (1995)", "The City of Fog", 1995, ["La Cité de brume"]),
        ("Fog (Nebel) (Foggy Tale, A) (1980)", "Fog", 1980, ["Nebel", "A Foggy Tale"]),
        ("Fog (2006-2007)", "Fog", 2006, None),
        ("(50) Shades of Fog (2009) ", "(50) Shades of Fog", 2009, None),
        ("Red Fog", "Red Fog", None, None),
        ("1984 (1956)", "1984", 1956, None),
        ("(1999)", "", 1999, None),
    ],
)
def test_movielens_titles(con: Any, text: str, title: str, year: int | None, others: list[str] | None) -> None:
    assert value(con, "title_before_brackets", text) == (title or None)
    assert value(con, "year_in_brackets", text) == year
    assert value(con, "titles_in_brackets", text) == others


@pytest.mark.parametrize(
    "words",
    [
        ["Drama"],
        ["A", "B's"],
        ['Say "hi"'],
        ["both ' and \""],
        ["back\\slash"],
        ["tab\tnew\nline"],
        ["caf\xe9 \u200b!"],
        ["x\xa0y"],
        ["a', 'b"],
    ],
)
def test_python_lists_read_as_python_reads_them(con: Any, words: list[str]) -> None:
    assert value(con, "python_list", repr(words)) == ast.literal_eval(repr(words))


def test_an_empty_python_list_is_null(con: Any) -> None:
    assert value(con, "python_list", "[]") is None
    assert value(con, "python_names", "[]") is None


@settings(max_examples=150, deadline=None)
@given(
    words=st.lists(
        st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1), max_size=4
    )
)
def test_any_python_list_reads_as_python_reads_it(con: Any, words: list[str]) -> None:
    want = [word.strip(BLANKS) for word in ast.literal_eval(repr(words))]
    assert (value(con, "python_list", repr(words)) or []) == [word for word in want if word]


@settings(max_examples=100, deadline=None)
@given(names=st.lists(st.text(st.sampled_from("ab '\"\\\n{}[]:,é"), min_size=1, max_size=8), max_size=3))
def test_names_of_python_dicts_read_as_python_reads_them(con: Any, names: list[str]) -> None:
    cell = repr([{"id": 18, "name": name, "logo": None} for name in names])
    want = [row["name"].strip(" ") for row in ast.literal_eval(cell)]
    assert (value(con, "python_names", cell) or []) == [name for name in want if name]


@settings(max_examples=150, deadline=None)
@given(parser=st.sampled_from(sorted(set(PARSERS) - {"sql"})), text=st.text(max_size=30))
def test_no_text_makes_a_parser_fail(con: Any, parser: str, text: str) -> None:
    value(con, parser, text.replace("\x00", ""))


def test_credits_keep_billing_order_and_drop_what_is_no_name(con: Any) -> None:
    rows = con.execute("SELECT named_credits(['Ann', '7', 'Bo', 'Ann'], 'actor'), id_credits(['nm0000002', 'x'], 'writer')").fetchone()
    assert [(p["name"], p["role"], p["position"]) for p in rows[0]] == [("Ann", "actor", 1), ("Bo", "actor", 2)]
    assert [(p["name"], p["imdb_person_id"], p["position"]) for p in rows[1]] == [(None, "nm0000002", 1)]


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.sampled_from(" \t\n\r\xa0\u3000aé"), max_size=6))
def test_clean_is_trimmed_by_looking_at_both_ends(con: Any, text: str) -> None:
    clean, trimmed = con.execute("SELECT clean(x), trimmed(x) FROM (SELECT CAST(? AS VARCHAR) AS x)", [text]).fetchone()
    assert clean == trimmed == (text.strip(" \t\n\r\xa0") or None)


@settings(max_examples=100, deadline=None)
@given(text=st.text(st.sampled_from(" \t\xa0\u3000aé"), max_size=6))
def test_a_single_text_is_a_cleaned_list_of_one(con: Any, text: str) -> None:
    single, cleaned = con.execute("SELECT single(clean(x)), cleaned([clean(x)]) FROM (SELECT CAST(? AS VARCHAR) AS x)", [text]).fetchone()
    assert single == cleaned
