"""How good a linking is: its coverage, its agreement with ids that others assigned, and what blocking can reach at best."""

from dataclasses import dataclass

import pyarrow as pa

from corpus_pipeline.linking.candidates import Names, blocked_keys, queries_of
from corpus_pipeline.linking.settings import LinkSettings
from corpus_pipeline.store import connect

_COMPARED = """
    WITH known AS (
        SELECT authority_id AS imdb_id, min(movie_id) AS true_movie_id FROM movie_ids WHERE authority = 'imdb' GROUP BY authority_id
    )
    SELECT dataset, source_movie_id, links.movie_id, truth.imdb_id AS true_imdb_id, true_movie_id, link_rule, link_score,
        coalesce(mention_count, 0) AS mention_count
    FROM links
    LEFT JOIN counts USING (dataset, source_movie_id)
    LEFT JOIN truth USING (dataset, source_movie_id)
    LEFT JOIN known ON known.imdb_id = truth.imdb_id
    ORDER BY mention_count DESC, dataset, source_movie_id
"""

_SHARES = """
    SELECT count(*), coalesce(sum(mention_count), 0),
        coalesce(avg((movie_id IS NOT NULL)::INT), 0),
        coalesce(sum(mention_count) FILTER (movie_id IS NOT NULL) / nullif(sum(mention_count), 0), 0),
        count(*) FILTER (movie_id IS NOT NULL AND true_movie_id IS NOT NULL),
        coalesce(avg((movie_id = true_movie_id)::INT) FILTER (movie_id IS NOT NULL AND true_movie_id IS NOT NULL), 0),
        coalesce(
            sum(mention_count) FILTER (movie_id = true_movie_id)
                / nullif(sum(mention_count) FILTER (movie_id IS NOT NULL AND true_movie_id IS NOT NULL), 0), 0
        )
    FROM compared
"""

# Rows of `titles` are numbered as `queries_of` numbers them.
_CEILING = """
    WITH wanted AS (
        SELECT query_id, movie_id FROM numbered WHERE movie_id IS NOT NULL
    ), reached AS (
        SELECT DISTINCT query_id, movie_id FROM blocked JOIN names USING (key) WHERE NOT is_part
    )
    SELECT coalesce(avg((reached.movie_id IS NOT NULL)::INT), 0) FROM wanted LEFT JOIN reached USING (query_id, movie_id)
"""


@dataclass(frozen=True, slots=True)
class LinkAgreement:
    """Coverage and agreement of a linking, by titles and weighted by mentions.

    `compared_count` titles are linked and have a true id that the catalogue knows; agreement is their share linked to the
    true film. `disagreements` (columns of `links` that matter, true ids, mention_count) has the most mentioned first.
    """

    title_count: int
    mention_count: int
    linked_share: float
    linked_mention_share: float
    compared_count: int
    agreement_share: float
    agreement_mention_share: float
    disagreements: pa.Table


def agreement(links: pa.Table, truth: pa.Table, movie_ids: pa.Table, *, mention_counts: pa.Table | None = None) -> LinkAgreement:
    """Compare `link_dialogue_movies` rows with `truth` (dataset, source_movie_id, imdb_id) through the crosswalk `movie_ids`.

    `mention_counts` (dataset, source_movie_id, mention_count) weighs the titles, one that it lacks with 0; without it each
    weighs 1. Every row of `links` counts for coverage by title, so give only the data sets to be judged.
    """
    ones = links.select(["dataset", "source_movie_id"]).append_column("mention_count", pa.array([1] * links.num_rows, pa.int64()))
    counts = ones if mention_counts is None else mention_counts
    with connect({"links": links, "truth": truth, "movie_ids": movie_ids, "counts": counts}) as con:
        con.register("compared", con.execute(_COMPARED).to_arrow_table())
        (shares,) = con.execute(_SHARES).fetchall()
        wrong = con.execute("SELECT * FROM compared WHERE movie_id <> true_movie_id").to_arrow_table()
    titles, mentions, linked, linked_mentions, compared, agreed, agreed_mentions = shares
    return LinkAgreement(titles, int(mentions), linked, linked_mentions, compared, agreed, agreed_mentions, wrong)


def recall_ceiling(titles: pa.Table, names: Names, settings: LinkSettings) -> float:
    """Share of `titles` (columns of core_dialogue_movies, and the true movie_id) whose film the fuzzy blocks propose at all.

    No similarity threshold can lift recall of fuzzy linking above it. Titles without a true film do not count.
    """
    queries = queries_of(titles, settings)
    numbered = pa.table({"query_id": queries["query_id"], "movie_id": titles["movie_id"]})
    with connect({"numbered": numbered, "blocked": blocked_keys(queries, names, settings), "names": names.names}) as con:
        ((share,),) = con.execute(_CEILING).fetchall()
    return float(share)
