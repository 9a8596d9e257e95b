"""The linker's faces: all titles of the data sets, their mentions, or one title typed by a person.

How it works, in order: the authority's id where the data set gives one; equal titles, weighed by year and popularity; for
what is still open, nearly equal titles behind trigram blocks. When unsure it abstains and says why.
"""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from corpus_pipeline.linking.candidates import (
    Names,
    authority_candidates,
    exact_candidates,
    fuzzy_candidates,
    names_of,
    queries_of,
)
from corpus_pipeline.linking.decide import DECISION_COLUMNS, decide
from corpus_pipeline.linking.scoring import score_candidates
from corpus_pipeline.linking.settings import LinkSettings
from corpus_pipeline.schema.tables import LINK_DIALOGUE_MOVIES, LINK_MENTIONS, MOVIE_IDS, MOVIES, TITLES
from corpus_pipeline.schema.types import Table
from corpus_pipeline.store import conform, connect

# What linking reads of the catalogue; the other columns, plots among them, are most of its bytes.
CATALOGUE_COLUMNS: dict[Table, tuple[str, ...]] = {
    MOVIES: ("movie_id", "year", "popularity_score"),
    TITLES: ("movie_id", "title", "title_key", "title_kind"),
    MOVIE_IDS: ("movie_id", "authority", "authority_id"),
}
_MENTIONS = """
    SELECT dialogue_id, turn_index, mention_index, dataset, link.* EXCLUDE (dataset, source_movie_id)
    FROM mentions
    LEFT JOIN link USING (dataset, source_movie_id)
    ORDER BY dialogue_id, turn_index, mention_index
"""


@dataclass(frozen=True, slots=True)
class Link:
    """What a title was linked to: the decision columns of `link_dialogue_movies`."""

    movie_id: str | None
    link_status: str
    link_rule: str
    link_score: float | None
    runner_up_movie_id: str | None
    runner_up_score: float | None
    link_reason: str | None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The films that can be linked to, indexed once and in memory; build it with `catalogue_of`."""

    names: Names
    settings: LinkSettings

    def link_text(self, title: str, year: int | None = None) -> Link:
        """The film a title (without its year) means; any string is allowed."""
        safe = title.encode("utf-8", "replace").decode("utf-8")
        asked = pa.table(
            {
                "dataset": pa.array([None], pa.string()),
                "surface": [safe],
                "mention_year": pa.array([year], pa.int32()),
                "imdb_id": pa.array([None], pa.string()),
            }
        )
        row = self.link_all(asked).to_pylist()[0]
        return Link(**{name: row[name] for name in DECISION_COLUMNS})

    def link_all(self, titles: pa.Table) -> pa.Table:
        """One decision (query_id, DECISION_COLUMNS) per row of `titles` (dataset, surface, mention_year, imdb_id), in its order."""
        queries = queries_of(titles, self.settings)
        known = authority_candidates(queries, self.names)
        found = pa.concat_tables([known, exact_candidates(_unknown(queries, known), self.names, self.settings)])
        decisions = self._decide(queries, found)
        unspelled = _unspelled(queries, decisions, found)
        if not unspelled.num_rows:
            return decisions
        fuzzy = fuzzy_candidates(unspelled, self.names, self.settings)
        return self._decide(queries, pa.concat_tables([found, fuzzy])) if fuzzy.num_rows else decisions

    def _decide(self, queries: pa.Table, found: pa.Table) -> pa.Table:
        return decide(queries, score_candidates(found, self.settings), self.settings)


def catalogue_of(
    core_movies: pa.Table, core_titles: pa.Table, core_movie_ids: pa.Table, *, settings: LinkSettings | None = None
) -> Catalogue:
    """Index the catalogue for linking; LinkError when it has no title."""
    return Catalogue(names_of(core_movies, core_titles, core_movie_ids), settings or LinkSettings())


def link_titles(
    titles: pa.Table,
    *,
    core_movies: pa.Table,
    core_titles: pa.Table,
    core_movie_ids: pa.Table,
    settings: LinkSettings | None = None,
) -> pa.Table:
    """Link `titles` (columns of core_dialogue_movies) to films; returns table `link_dialogue_movies`, sorted by its key."""
    ordered = titles.sort_by([("dataset", "ascending"), ("source_movie_id", "ascending")])
    decisions = catalogue_of(core_movies, core_titles, core_movie_ids=core_movie_ids, settings=settings).link_all(ordered)
    columns = {name: ordered[name] for name in ("dataset", "source_movie_id")} | {name: decisions[name] for name in DECISION_COLUMNS}
    return conform(pa.table(columns), LINK_DIALOGUE_MOVIES)


def link_mentions(mentions: pa.Table, link_dialogue_movies: pa.Table) -> pa.Table:
    """Carry each data set movie's link to its mentions; ContractError when a mention's movie was never offered to the linker."""
    with connect({"mentions": mentions, "link": link_dialogue_movies}) as con:
        return conform(con.execute(_MENTIONS).to_arrow_table(), LINK_MENTIONS)


def _unknown(queries: pa.Table, known: pa.Table) -> pa.Table:
    return queries.filter(pc.invert(pc.is_in(queries["query_id"], known["query_id"].combine_chunks())))


def _unspelled(queries: pa.Table, decisions: pa.Table, found: pa.Table) -> pa.Table:
    """The queries still open whose title no film has: a title that exists under another year is no misspelling of a third one."""
    spelled = found.filter(pc.equal(found["form"], "exact"))["query_id"].combine_chunks()
    still_open = decisions.filter(pc.equal(decisions["link_status"], "abstained"))["query_id"].combine_chunks()
    unspelled = pc.and_not(pc.is_in(queries["query_id"], still_open), pc.is_in(queries["query_id"], spelled))
    return queries.filter(unspelled)
