"""How good each candidate is, from 0 to 1: title similarity * agreement of years * popularity as a prior. Nothing is decided here."""

import pyarrow as pa

from corpus_pipeline.linking.settings import LinkSettings
from corpus_pipeline.store import connect

# A series' first film among those at most ten times less popular than its most popular one.
_SCORED = """
    WITH compared AS (
        SELECT *, abs(query_year - year) AS year_gap,
            max(popularity_score) OVER (PARTITION BY query_id, form) - popularity_score <= 1 AS is_comparable
        FROM candidates
    ), placed AS (
        SELECT *, form = 'subtitle' AND year_gap IS NULL
            AND year IS DISTINCT FROM min(year) FILTER (is_comparable) OVER (PARTITION BY query_id, form) AS is_later_part
        FROM compared
    ), weighed AS (
        SELECT *,
            similarity * CASE form WHEN 'subtitle' THEN $subtitle WHEN 'extra_subtitle' THEN $extra_subtitle ELSE 1 END
                * CASE WHEN is_later_part THEN $later_part ELSE 1 END
                * CASE WHEN is_alternative THEN $alternative ELSE 1 END AS title_score,
            CASE WHEN year_gap = 0 THEN 1 WHEN year_gap = 1 THEN $near_year WHEN year_gap <= $far_gap THEN $far_year
                WHEN year_gap IS NULL THEN $unknown_year ELSE $other_year END AS year_score,
            1 - $prior_weight * (1 - least(1, popularity_score / $full_prior)) AS prior_score
        FROM placed
    )
    SELECT query_id, movie_id, form, year_gap,
        CASE WHEN form = 'authority_id' THEN 1 ELSE round(title_score * year_score * prior_score, 6) END::DOUBLE AS score
    FROM weighed
    QUALIFY row_number() OVER (PARTITION BY query_id, movie_id ORDER BY score DESC, form) = 1
    ORDER BY query_id, score DESC, movie_id
"""


def score_candidates(candidates: pa.Table, settings: LinkSettings) -> pa.Table:
    """query_id, movie_id, form, year_gap, score: one row per (query, film), best first, ties by movie_id."""
    weights = {
        "subtitle": settings.subtitle_similarity,
        "extra_subtitle": settings.extra_subtitle_similarity,
        "later_part": settings.later_part_factor,
        "alternative": settings.alternative_similarity,
        "near_year": settings.near_year,
        "far_year": settings.far_year,
        "far_gap": settings.far_year_gap,
        "other_year": settings.other_year,
        "unknown_year": settings.unknown_year,
        "prior_weight": settings.prior_weight,
        "full_prior": settings.full_prior_popularity,
    }
    with connect({"candidates": candidates}) as con:
        return con.execute(_SCORED, weights).to_arrow_table()
