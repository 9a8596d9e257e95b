"""Hearing films in free text: what counts as evidence, which namesake is meant, and that no text breaks it."""

from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from corpus_pipeline.linking.spot import LONGEST, Spotter, spans_of


@pytest.fixture(scope="session")
def spotter(catalogue_tables: dict[str, pa.Table]) -> Spotter:
    return Spotter(catalogue_tables["core_movies"], catalogue_tables["core_titles"])


def heard(spotter: Spotter, text: str) -> list[str]:
    return [movie_id[-2:] for movie_id in spotter.movies(text)]


@pytest.mark.parametrize(
    ("text", "suffixes"),
    [
        ("I saw Twelve Orchards and Plum.", ["11", "06"]),
        ("Plum, then Twelve Orchards, then Plum again", ["11", "06"]),  # the first word of a sentence is always capitalised
        ("We liked Plum, then Twelve Orchards, then Plum again", ["06", "11"]),  # each once, in order
        ("Twelve Orchards is lovely", ["11"]),  # but two such words in a row are a name
        ("i saw twelve orchards and plum", []),
        ("i saw “twelve orchards” and *plum*", ["11", "06"]),
        ('i saw "plum', []),  # a quote that is not closed
        ('i saw "plum once', []),
        ("i saw plum (2011)", ["06"]),
        ("i saw plum, 2011", ["06"]),
        ("I saw Ox and Mirrorwise", []),  # single words need a large audience
        ("I saw \"Ox\" and 'Mirrorwise'", ["09", "12"]),
        ("I saw Ox (1988)", ["09"]),
        ("I know Nobody Voted Here", []),
        ("I know *Nobody Voted Here*", ["14"]),
        ("I know Harbour & Hound", ["10"]),
        ("Großmutter zeichnete Karten", ["08"]),
    ],
)
def test_a_film_is_heard_on_evidence(spotter: Spotter, text: str, suffixes: list[str]) -> None:
    assert heard(spotter, text) == suffixes


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ("The Copper Lighthouse", "02"),  # the larger audience
        ("The Copper Lighthouse (1962)", "01"),
        ("The Copper Lighthouse (1963)", "01"),  # one year off
        ("the copper lighthouse [2004]", "02"),
        ("I liked A Plum (1931)", "07"),
    ],
)
def test_a_year_beside_it_decides_between_namesakes(spotter: Spotter, text: str, suffix: str) -> None:
    assert heard(spotter, text) == [suffix]


def test_the_nearest_year_decides(films: Callable[..., dict[str, pa.Table]]) -> None:
    tables = films((("Umber Road",), 2000, None), (("Umber Road",), 2001, None))
    twins = Spotter(tables["core_movies"], tables["core_titles"])
    assert [heard(twins, f"umber road ({year})") for year in (1999, 2000, 2001, 2002)] == [["00"], ["00"], ["01"], ["01"]]


def test_of_two_namesakes_of_a_year_the_larger_audience_decides(films: Callable[..., dict[str, pa.Table]]) -> None:
    tables = films((("Umber Road",), 2000, None), (("Umber Road",), 2000, None))
    movies = tables["core_movies"].drop_columns(["popularity_score"]).append_column("popularity_score", pa.array([3.0, 5.0]))
    assert heard(Spotter(movies, tables["core_titles"]), "umber road (2000)") == ["01"]


def test_the_longest_title_wins_then_the_first(films: Callable[..., dict[str, pa.Table]]) -> None:
    titles = ("Salt Engine", "Engine Returns", "The Salt Engine Returns", "Engine Works")
    tables = films(*(((title,), 2000, None) for title in titles))
    nested = Spotter(tables["core_movies"], tables["core_titles"])
    assert heard(nested, "I saw The Salt Engine Returns") == ["02"]
    assert heard(nested, "I saw Salt Engine Works") == ["00"]
    assert heard(nested, "I saw Engine Returns and Salt Engine") == ["01", "00"]


def test_runs_are_of_at_most_so_many_words_and_stop_at_a_sentence() -> None:
    assert max(span.word_count for span in spans_of("one " * 30)) == LONGEST
    crossing = [span.key for span in spans_of("a b c d. e f g h i") if "d e" in span.key]
    assert max(len(key.split()) for key in crossing) == 4


def test_nothing_to_hear(spotter: Spotter) -> None:
    assert spotter.movies("") == spotter.movies("?! ...") == []


@given(st.text(alphabet="Plum Ox\"'“”*_.(1988)\n\ud800é", max_size=40))
@example("\ud800")
@example("'; DROP TABLE titles; --")
@example("\x00Plum\x00")
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_heard_without_error_and_alike(spotter: Spotter, text: str) -> None:
    found = spotter.movies(text)
    assert len(set(found)) == len(found)
    assert found == spotter.movies(text)
