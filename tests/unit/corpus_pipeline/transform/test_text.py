"""Keys and normal forms: literal answers, and the SQL functions against the Python ones."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_pipeline.transform import text

TEXTS = st.one_of(
    st.text(max_size=30),
    st.text("abzAZ09 .,'`&!-_~\n\t\x00\x1f", max_size=20),
    st.text("aøłæœđßﬁ½éİıÅñ·’‘\u0301\u200b\u00a0\ufeff&; ", max_size=12),
    st.sampled_from(["The ", "A ", "an ", "the", "&amp;", "&amp;lt;", "&#39;", ""]).flatmap(
        lambda head: st.text(max_size=8).map(head.__add__)
    ),
)


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    text.register_text_functions(connection)
    return connection


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("The Lion & the King's Mouse", "lion and the kings mouse"),
        ("Amélie", "amelie"),
        ("A", "a"),
        ("The The", "the"),
        ("An Ær\u00f8 Story", "aero story"),
        ("WALL·E", "wall e"),
        ("Straße", "strasse"),
        ("İstanbul", "istanbul"),
        ("Don’t  Look__Now!", "dont look now"),
        ("...", "..."),
        (" !? ", "!?"),
        ("कल", "कल"),
        ("काल", "काल"),
    ],
)
def test_title_key(title: str, key: str) -> None:
    assert text.title_key(title) == key


def test_name_key_keeps_a_leading_article() -> None:
    assert text.name_key("The Rókk") == "the rokk"


@given(TEXTS.filter(bool))
def test_keys_are_never_empty_and_survive_case_and_padding(title: str) -> None:
    assert text.title_key(title)
    assert text.name_key(title)
    assert text.name_key(text.name_key(title)) == text.name_key(title) or not any(map(str.isalnum, text.name_key(title)))


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_sql_functions_equal_python(con: duckdb.DuckDBPyConnection, title: str) -> None:
    sql = f"SELECT {text.title_key_sql('t')}, {text.name_key_sql('t')}, clean_text(t) FROM (SELECT $1::VARCHAR AS t)"
    assert con.execute(sql, [title]).fetchone() == (text.title_key(title), text.name_key(title), text.clean_text(title))


def test_sql_functions_keep_null(con: duckdb.DuckDBPyConnection) -> None:
    assert con.execute("SELECT title_key(NULL), name_key(NULL), clean_text(NULL)").fetchone() == (None, None, None)


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("Heat (1995)", ("Heat", 1995)),
        ("Heat  (1995) ", ("Heat", 1995)),
        ("(500) Days (2009)", ("(500) Days", 2009)),
        ("What%3F (2001)", ("What%3F", 2001)),
        ("Blade 2049", ("Blade 2049", None)),
        ("Number (9999)", ("Number (9999)", None)),
        ("(1995)", ("(1995)", None)),
        ("", ("", None)),
    ],
)
def test_split_title_year(given_text: str, expected: tuple[str, int | None]) -> None:
    assert text.split_title_year(given_text) == expected


@pytest.mark.parametrize(
    ("title", "moved"),
    [
        ("Lion King, The", "The Lion King"),
        ("Avventura, L'", "L'Avventura"),
        ("Anima sola, Un'", "Un'Anima sola"),
        ("Good, the Bad and the Ugly, The", "The Good, the Bad and the Ugly"),
        ("Heat", "Heat"),
        ("Red, White, Blue", "Red, White, Blue"),
        (", The", ", The"),
    ],
)
def test_move_article(title: str, moved: str) -> None:
    assert text.move_article(title) == moved


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("&amp;quot;Hi&amp;quot;", '"Hi"'),
        (" a\x00b\x85 ", "ab"),
        ("two\nlines", "two\nlines"),
        ("A & B", "A & B"),
    ],
)
def test_clean_text(raw: str, clean: str) -> None:
    assert text.clean_text(raw) == clean
