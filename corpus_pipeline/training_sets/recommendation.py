"""Recommendation examples in corpus ids: what was mentioned before a turn, and what the recommender names in it."""

import pyarrow as pa

from corpus_pipeline.schema.tables import SET_RECOMMENDATION, SET_RECOMMENDATION_TARGETS
from corpus_pipeline.store import conform, connect

_EXAMPLES = """
WITH earlier AS (
    SELECT t.example_id, l.movie_id, min((m.turn_index::BIGINT << 32) + m.mention_index) AS place
    FROM turns AS t
    JOIN mentions AS m ON m.dialogue_id = t.dialogue_id AND m.turn_index < t.turn_index
    JOIN link_mentions AS l
        ON l.dialogue_id = m.dialogue_id AND l.turn_index = m.turn_index AND l.mention_index = m.mention_index
    WHERE l.movie_id IS NOT NULL
    GROUP BY ALL
),
histories AS (
    SELECT example_id, list(movie_id ORDER BY place) AS movie_ids
    FROM earlier
    GROUP BY ALL
)
SELECT
    t.example_id,
    t.dialogue_id,
    t.dataset,
    t.split,
    coalesce(h.movie_ids, CAST([] AS VARCHAR[])) AS history_movie_ids,
    t.context_text
FROM turns AS t
LEFT JOIN histories AS h USING (example_id)
ORDER BY t.example_id
"""
_TARGETS = """
SELECT t.example_id, t.target_index, l.movie_id, t.is_new
FROM targets AS t
LEFT JOIN link_dialogue_movies AS l USING (dataset, source_movie_id)
ORDER BY t.example_id, t.target_index
"""


def build_recommendation(
    turns: pa.Table, targets: pa.Table, *, mentions: pa.Table, link_mentions: pa.Table, link_dialogue_movies: pa.Table
) -> tuple[pa.Table, pa.Table]:
    """`set_recommendation` and `set_recommendation_targets` for every split.

    `turns`: core_recommendation_turns. The history is the distinct linked movies of strictly earlier turns, oldest
    first; it is empty, not null, when there are none. A target without a link stays, with a null movie.
    """
    views = {
        "turns": turns,
        "targets": targets,
        "mentions": mentions,
        "link_mentions": link_mentions,
        "link_dialogue_movies": link_dialogue_movies,
    }
    with connect(views) as con:
        examples = con.execute(_EXAMPLES).to_arrow_table()
        linked = con.execute(_TARGETS).to_arrow_table()
    return conform(examples, SET_RECOMMENDATION), conform(linked, SET_RECOMMENDATION_TARGETS)
