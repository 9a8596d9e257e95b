"""Link or abstain: rule, floor and margin of the best candidate of each query. No candidate is found or scored here."""

import pyarrow as pa

from corpus_pipeline.linking.settings import LinkSettings
from corpus_pipeline.store import connect

DECISION_COLUMNS = ("movie_id", "link_status", "link_rule", "link_score", "runner_up_movie_id", "runner_up_score", "link_reason")

# An abstention names its best candidate in the reason, for whoever reviews it.
_DECIDED = """
    WITH ranked AS (
        SELECT *, row_number() OVER (PARTITION BY query_id ORDER BY score DESC, movie_id) AS place FROM scored
    ), best AS (
        SELECT ranked.*, second.movie_id AS runner_up_movie_id, second.score AS runner_up_score
        FROM ranked
        LEFT JOIN ranked AS second ON second.query_id = ranked.query_id AND second.place = 2
        WHERE ranked.place = 1
    ), judged AS (
        SELECT *,
            CASE
                WHEN form = 'authority_id' THEN 'authority_id'
                WHEN form = 'exact' AND year_gap = 0 THEN 'exact_title_year'
                WHEN form = 'exact' AND year_gap = 1 THEN 'exact_title_near_year'
                WHEN form = 'exact' THEN 'exact_title'
                WHEN year_gap IS NULL THEN 'fuzzy_title'
                ELSE 'fuzzy_title_year'
            END AS rule,
            CASE
                WHEN form = 'authority_id' THEN NULL
                WHEN year_gap > $far_gap OR (form <> 'exact' AND year_gap > 1) OR (form = 'extra_subtitle' AND year_gap IS DISTINCT FROM 0)
                    THEN 'year_disagrees'
                WHEN score < CASE
                    WHEN form = 'exact' AND year_gap > 1 THEN $far_floor
                    WHEN form = 'exact' THEN $exact_floor
                    WHEN form = 'fuzzy' THEN $fuzzy_floor
                    WHEN year_gap = 0 THEN $exact_floor
                    ELSE $inexact_floor
                END THEN 'low_score'
                WHEN score - runner_up_score < $margin THEN 'ambiguous'
            END AS doubt
        FROM best
    )
    SELECT
        query_id,
        CASE WHEN doubt IS NULL THEN judged.movie_id END AS movie_id,
        CASE WHEN doubt IS NULL AND judged.movie_id IS NOT NULL THEN 'linked' ELSE 'abstained' END AS link_status,
        CASE WHEN doubt IS NULL AND judged.movie_id IS NOT NULL THEN rule ELSE 'abstain' END AS link_rule,
        score AS link_score, runner_up_movie_id, runner_up_score,
        CASE
            WHEN doubt IS NOT NULL THEN doubt || ': best candidate ' || judged.movie_id
            WHEN judged.movie_id IS NULL AND imdb_id IS NOT NULL THEN 'unknown_authority_id'
            WHEN judged.movie_id IS NULL THEN 'no_candidate'
        END AS link_reason
    FROM queries
    LEFT JOIN judged USING (query_id)
    ORDER BY query_id
"""


def decide(queries: pa.Table, scored: pa.Table, settings: LinkSettings) -> pa.Table:
    """One row per query: query_id and DECISION_COLUMNS.

    A reason begins with its code: no_candidate, unknown_authority_id, year_disagrees, low_score or ambiguous.
    """
    limits = {
        "far_gap": settings.far_year_gap,
        "far_floor": settings.exact_far_year_floor,
        "exact_floor": settings.exact_floor,
        "inexact_floor": settings.inexact_floor,
        "fuzzy_floor": settings.fuzzy_floor,
        "margin": settings.margin,
    }
    with connect({"queries": queries, "scored": scored}) as con:
        return con.execute(_DECIDED, limits).to_arrow_table()
