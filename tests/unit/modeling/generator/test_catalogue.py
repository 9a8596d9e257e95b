"""Names are distinct, stable and short; lines hold what fits."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.errors import DataError
from modeling.generator.catalogue import TITLE_CHARACTERS, Catalogue, Film
from modeling.generator.matching import name_key


def test_names(catalogue: Catalogue) -> None:
    names = [catalogue.name(movie) for movie in catalogue.ids]
    assert names[:5] == ["The Lantern (1999)", "The Lantern (1999, no. 2)", "It (2017)", "It", "It Follows (2014)"]


def test_a_name_does_not_depend_on_the_order_of_rows(catalogue: Catalogue) -> None:
    from tests.unit.modeling.generator.conftest import FILMS

    turned = Catalogue(reversed(FILMS))
    assert [turned.name(movie) for movie in turned.ids] == [catalogue.name(movie) for movie in catalogue.ids]


def test_a_title_that_looks_like_a_number_of_ours_takes_no_name_of_another() -> None:
    films = [Film("a", "X (1999, no. 2)"), Film("b", "X", 1999), Film("c", "x", 1999), Film("d", None, 1999), Film("e", "\u200b", 1999)]
    made = Catalogue(films)
    assert [made.name(movie) for movie in "abcde"] == [
        "X (1999, no. 2)",
        "X (1999)",
        "x (1999, no. 3)",
        "untitled film (1999)",
        "untitled film (1999, no. 2)",
    ]


@given(st.lists(st.tuples(st.text(max_size=80), st.one_of(st.none(), st.integers(1888, 2030))), max_size=12))
def test_names_are_distinct_single_lines(titles: list[tuple[str, int | None]]) -> None:
    made = Catalogue(Film(f"m{place:02}", title, year) for place, (title, year) in enumerate(titles))
    names = [made.name(movie) for movie in made.ids]
    assert len({name_key(name) for name in names}) == len(names)
    for name in names:
        assert name and "\n" not in name and ";" not in name and len(name) <= TITLE_CHARACTERS + len(" (1999, no. 12)")


def test_lines_hold_whole_details_as_far_as_they_fit(catalogue: Catalogue) -> None:
    details = ("genres", "lead", "director")
    assert catalogue.line("m01", details, 60) == "The Lantern (1999); Drama, Mystery; Ada Quill; Bo Marsh"
    assert catalogue.line("m01", details, 46) == "The Lantern (1999); Drama, Mystery; Ada Quill"
    assert catalogue.line("m01", details, 30) == "The Lantern (1999); Ada Quill"
    assert catalogue.line("m01", details, 5) == "The Lantern (1999)"
    assert catalogue.line("m01", (), 60) == "The Lantern (1999)"
    assert catalogue.line("m01", ("plot",), 28) == "The Lantern (1999); A lamp"
    assert catalogue.line("m04", details, 60) == "It"


def test_equal_films_are_known_by_title_key_and_year(catalogue: Catalogue) -> None:
    assert catalogue.identity("m01") == catalogue.identity("m02") != catalogue.identity("m03")


def test_from_table_reads_the_documents_columns() -> None:
    row = {"movie_id": "a", "title": "X", "year": None, "genres": ["G"], "directors": ["", "D"], "cast": None, "plot": None}
    rows = pa.Table.from_pylist([row])
    assert Catalogue.from_table(rows).line("a", ("genres", "lead", "director"), 60) == "X; G; D"
    with pytest.raises(DataError, match="columns cast, plot are missing"):
        Catalogue.from_table(rows.drop_columns(["cast", "plot"]))
    with pytest.raises(DataError, match="2 rows, 1 distinct"):
        Catalogue.from_table(pa.concat_tables([rows, rows]))


def test_an_unknown_film_is_named_in_the_error(catalogue: Catalogue) -> None:
    for ask in (catalogue.name, catalogue.identity):
        with pytest.raises(DataError, match="film 'zz'"):
            ask("zz")
    assert "zz" not in catalogue and "m01" in catalogue
