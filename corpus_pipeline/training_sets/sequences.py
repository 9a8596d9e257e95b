"""Item sequences for sequential retrievers (LRURec in RAR): the linked movies of a dialogue in order of first mention."""

import pyarrow as pa

from corpus_pipeline.schema.tables import SET_SEQUENCES
from corpus_pipeline.store import conform, connect

_QUERY = """
WITH first_mentions AS (
    SELECT
        m.dialogue_id,
        l.movie_id,
        min((m.turn_index::BIGINT << 32) + m.mention_index) AS place,
        arg_min(t.speaker, (m.turn_index::BIGINT << 32) + m.mention_index) = 'recommender' AS is_target
    FROM mentions AS m
    JOIN links AS l USING (dialogue_id, turn_index, mention_index)
    JOIN turns AS t USING (dialogue_id, turn_index)
    WHERE l.movie_id IS NOT NULL
    GROUP BY ALL
)
SELECT
    d.dialogue_id,
    d.dataset,
    d.split,
    list(f.movie_id ORDER BY f.place) AS sequence_movie_ids,
    list(f.is_target ORDER BY f.place) AS is_target
FROM first_mentions AS f
JOIN dialogues AS d USING (dialogue_id)
WHERE d.split IN ('train', 'valid')
GROUP BY ALL
ORDER BY d.dialogue_id
"""


def build_sequences(mentions: pa.Table, dialogues: pa.Table, links: pa.Table, *, turns: pa.Table) -> pa.Table:
    """`set_sequences`: one row per training or validation dialogue with at least one linked movie; no test dialogue.

    `links` is link_mentions. A position is a target when the recommender named the movie first. Two mentions linked to
    one movie are one position.
    """
    with connect({"mentions": mentions, "dialogues": dialogues, "links": links, "turns": turns}) as con:
        return conform(con.execute(_QUERY).to_arrow_table(), SET_SEQUENCES)
