"""How good a linking is: its coverage, its agreement with ids that others assigned, and what blocking can reach at best."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from corpus_pipeline.linking.settings import BlockSettings
from corpus_pipeline.linking.spelling import alike
from corpus_pipeline.linking.title_index import TitleIndex
from corpus_pipeline.linking.typed import misspell
from corpus_pipeline.store import connect

MANY = 1_000_000  # keys per query: none is cut off
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


def recall_ceiling(queries: Sequence[str], truths: Sequence[str], index: TitleIndex, settings: BlockSettings) -> float:
    """Share of misspelled `queries` (link keys) whose true key the blocks propose at all: no threshold lifts fuzzy linking above it."""
    everything = replace(settings, keys_per_query=MANY)
    found = alike(queries, index.spelling, everything)
    proposed = zip(found.query.tolist(), index.spelling.keys.take(found.key), strict=True)
    reached = {query for query, key in proposed if key == truths[query]}
    return len(reached) / max(len(queries), 1)


def misspelled_titles(index: TitleIndex, *, count: int, seed: int) -> list[tuple[str, str]]:
    """(misspelled text, true key) of up to `count` keys of the index that fuzzy look-up can propose, with one or two random edits."""
    rng = random.Random(seed)  # noqa: S311
    places = np.unique(index.spelling.segments.members)
    chosen = rng.sample(places.tolist(), min(count, len(places)))
    return [(misspell(key, rng, rng.choice((1, 2))), key) for key in index.spelling.keys.take(np.array(chosen, np.int64))]
