"""Data sets of interactions side by side, their films joined to the corpus through the crosswalk.

What belongs here: which authority's ids a data set's items carry, and the join. Reading the data sets is `sources`' business.
"""

from collections.abc import Iterable, Mapping

import pyarrow as pa

from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import INTERACTION_ITEMS, INTERACTION_USERS, INTERACTIONS, INTERACTIONS_REJECTED
from corpus_pipeline.store import conform, connect

TABLES = (INTERACTION_ITEMS, INTERACTION_USERS, INTERACTIONS, INTERACTIONS_REJECTED)

# A MovieLens id means the same film in every MovieLens data set. Books and products are in nobody's crosswalk.
_JOINED = """
WITH datasets(dataset, authority) AS (
    VALUES ('movielens_1m', 'movielens'), ('movielens_small', 'movielens'), ('starter', 'starter')
),
known AS (
    SELECT authority, authority_id AS item_id, movie_id FROM movie_ids WHERE authority = 'movielens'
    UNION ALL
    SELECT source, record_id, movie_id FROM merges WHERE source = 'starter'
),
films AS (
    SELECT dataset, item_id, min(movie_id) AS movie_id, count(DISTINCT movie_id) AS film_count
    FROM known JOIN datasets USING (authority)
    GROUP BY dataset, item_id
)
SELECT items.* REPLACE (films.movie_id AS movie_id), films.film_count
FROM items LEFT JOIN films USING (dataset, item_id)
ORDER BY dataset, item_id
"""


def join_interactions(
    records: Iterable[Mapping[str, pa.Table]], *, movie_ids: pa.Table, merges: pa.Table
) -> tuple[dict[str, pa.Table], dict[str, int]]:
    """The tables of all data sets under their declared names, rejects included, with each item's `movie_id`; and what was not clear.

    `records` holds, per data set, the TABLES as its reader gives them; `movie_ids` is core_movie_ids, `merges`
    core_movie_merges (the starter catalogue's own ids are record ids, not an authority's). Items that the crosswalk does not
    know, and books, have no film. Where it gives several films for an id, the smallest movie_id is taken; the second value
    says for how many items of which data set. No row is added or lost.
    """
    found = list(records)
    together = {
        table.name: pa.concat_tables([arrow_schema(table).empty_table(), *(conform(tables[table.name], table) for tables in found)])
        for table in TABLES
    }
    with connect({"items": together[INTERACTION_ITEMS.name], "movie_ids": movie_ids, "merges": merges}) as con:
        joined = con.execute(_JOINED).to_arrow_table()
        several = con.execute("SELECT dataset, count(*) FROM joined WHERE film_count > 1 GROUP BY dataset ORDER BY dataset").fetchall()
    return together | {INTERACTION_ITEMS.name: conform(joined.drop(["film_count"]), INTERACTION_ITEMS)}, dict(several)
