"""Floors, margin, rules and reasons, on scores written by hand."""

import pyarrow as pa
import pytest

from corpus_pipeline.linking.decide import decide
from corpus_pipeline.linking.settings import LinkSettings

_SCORED = pa.schema(
    [("query_id", pa.int64()), ("movie_id", pa.string()), ("form", pa.string()), ("year_gap", pa.int32()), ("score", pa.float64())]
)


def _decided(*scored: tuple[str, str, int | None, float], imdb_id: str | None = None) -> dict[str, object]:
    queries = pa.table({"query_id": pa.array([0], pa.int64()), "imdb_id": pa.array([imdb_id], pa.string())})
    rows = [{"query_id": 0, "movie_id": m, "form": f, "year_gap": y, "score": s} for m, f, y, s in scored]
    return dict(decide(queries, pa.Table.from_pylist(rows, schema=_SCORED), LinkSettings()).to_pylist()[0])


@pytest.mark.parametrize(
    ("form", "gap", "score", "rule"),
    [
        ("authority_id", 40, 1.0, "authority_id"),
        ("exact", 0, 0.45, "exact_title_year"),
        ("exact", 1, 0.45, "exact_title_near_year"),
        ("exact", None, 0.45, "exact_title"),
        ("exact", 3, 0.72, "exact_title"),
        ("subtitle", 0, 0.45, "fuzzy_title_year"),
        ("subtitle", 1, 0.71, "fuzzy_title_year"),
        ("subtitle", None, 0.71, "fuzzy_title"),
        ("extra_subtitle", 0, 0.45, "fuzzy_title_year"),
        ("fuzzy", 1, 0.60, "fuzzy_title_year"),
        ("fuzzy", None, 0.60, "fuzzy_title"),
    ],
)
def test_a_candidate_on_its_floor_is_linked(form: str, gap: int | None, score: float, rule: str) -> None:
    row = _decided(("mqa", form, gap, score))
    assert (row["movie_id"], row["link_rule"], row["link_score"], row["link_reason"]) == ("mqa", rule, score, None)


@pytest.mark.parametrize(
    ("form", "gap", "score", "code"),
    [
        ("exact", 0, 0.4499, "low_score"),
        ("exact", 2, 0.7199, "low_score"),
        ("exact", 4, 0.99, "year_disagrees"),
        ("subtitle", None, 0.7099, "low_score"),
        ("subtitle", 2, 0.99, "year_disagrees"),
        ("extra_subtitle", 1, 0.99, "year_disagrees"),
        ("extra_subtitle", None, 0.99, "year_disagrees"),
        ("fuzzy", 0, 0.5999, "low_score"),
        ("fuzzy", 2, 0.99, "year_disagrees"),
    ],
)
def test_a_candidate_below_its_floor_is_named_but_not_linked(form: str, gap: int | None, score: float, code: str) -> None:
    row = _decided(("mqa", form, gap, score))
    assert (row["movie_id"], row["link_rule"], row["link_score"]) == (None, "abstain", score)
    assert row["link_reason"] == f"{code}: best candidate mqa"


def test_the_margin_is_measured_to_the_runner_up() -> None:
    near = _decided(("mqa", "exact", None, 0.8), ("mqb", "exact", None, 0.795))
    assert near["link_reason"] == "ambiguous: best candidate mqa"
    assert (near["runner_up_movie_id"], near["runner_up_score"]) == ("mqb", 0.795)
    assert _decided(("mqa", "exact", None, 0.8), ("mqb", "exact", None, 0.785))["movie_id"] == "mqa"


def test_without_candidates_the_reason_tells_whether_an_id_was_given() -> None:
    assert _decided()["link_reason"] == "no_candidate"
    assert _decided(imdb_id="tt9999999")["link_reason"] == "unknown_authority_id"
