"""The product of title, year and prior, computed by hand."""

import pyarrow as pa
import pytest

from corpus_pipeline.linking.candidates import CANDIDATES
from corpus_pipeline.linking.scoring import score_candidates
from corpus_pipeline.linking.settings import LinkSettings


def _candidate(**changed: object) -> dict[str, object]:
    usual = {"query_id": 0, "movie_id": "mqa", "form": "exact", "similarity": 1.0, "is_alternative": False}
    return usual | {"query_year": 2000, "year": 2000, "popularity_score": 7.0} | changed


def _scores(*rows: dict[str, object]) -> list[tuple[str, float]]:
    scored = score_candidates(pa.Table.from_pylist(list(rows), schema=CANDIDATES), LinkSettings())
    return [(row["movie_id"], row["score"]) for row in scored.to_pylist()]


@pytest.mark.parametrize(
    ("changed", "score"),
    [
        ({}, 1.0),
        ({"form": "authority_id", "popularity_score": 0.0, "year": 1900}, 1.0),
        ({"similarity": 0.98}, 0.98),
        ({"is_alternative": True}, 0.90),
        ({"form": "extra_subtitle"}, 0.75),
        ({"form": "subtitle"}, 0.88),
        ({"form": "fuzzy", "similarity": 0.9}, 0.9),
        ({"year": 2001}, 0.92),
        ({"year": 1997}, 0.80),
        ({"year": 1996}, 0.40),
        ({"year": None}, 0.90),
        ({"query_year": None}, 0.90),
        ({"popularity_score": 3.5}, 0.8),  # 1 - 0.4 * (1 - 3.5 / 7)
        ({"popularity_score": 0.0}, 0.6),
        ({"popularity_score": 9.0}, 1.0),
        ({"is_alternative": True, "year": 2001, "popularity_score": 0.0}, 0.4968),  # 0.90 * 0.92 * 0.6
    ],
)
def test_a_score_is_title_times_year_times_prior(changed: dict[str, object], score: float) -> None:
    assert _scores(_candidate(**changed)) == [("mqa", pytest.approx(score, abs=1e-9))]


def test_a_film_found_twice_keeps_its_better_score() -> None:
    assert _scores(_candidate(form="fuzzy", similarity=0.89), _candidate(form="subtitle"), _candidate(is_alternative=True)) == [
        ("mqa", 0.9)
    ]


def test_equal_scores_are_ordered_by_id() -> None:
    assert [movie for movie, _ in _scores(_candidate(movie_id="mqb"), _candidate(movie_id="mqa"))] == ["mqa", "mqb"]


def test_only_the_first_of_the_comparably_popular_films_stands_for_the_series() -> None:
    part = {"form": "subtitle", "query_year": None}
    scores = dict(
        _scores(
            _candidate(movie_id="mqobscure", year=1980, popularity_score=2.0, **part),
            _candidate(movie_id="mqfirst", year=1990, popularity_score=6.5, **part),
            _candidate(movie_id="mqsecond", year=1994, popularity_score=7.0, **part),
        )
    )
    assert scores["mqfirst"] == pytest.approx(0.88 * 0.9 * (1 - 0.4 * 0.5 / 7), abs=1e-6)
    assert scores["mqsecond"] == pytest.approx(0.88 * 0.9 * 0.96, abs=1e-6)
    assert max(scores, key=lambda movie: scores[movie]) == "mqfirst"


def test_a_dated_series_name_means_the_film_of_that_year() -> None:
    part = {"form": "subtitle", "query_year": 1994}
    scores = dict(_scores(_candidate(movie_id="mqfirst", year=1990, **part), _candidate(movie_id="mqsecond", year=1994, **part)))
    assert scores == {"mqfirst": pytest.approx(0.88 * 0.40), "mqsecond": pytest.approx(0.88)}
