"""Pseudo-queries as rows: written once by a teacher, read by whoever trains on them. How a teacher decides is in `teacher`."""

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import SET_PSEUDO_QUERIES
from modeling.errors import DataError
from modeling.language_model.data import Example
from modeling.query_expert.config import QueryExpertConfig
from modeling.query_expert.data import Turn, seen
from modeling.query_expert.facts import FilmFacts
from modeling.query_expert.leak import insist_on_training
from modeling.query_expert.prompts import student_prompt
from modeling.query_expert.teacher import Teacher


def pseudo_query_rows(turns: Sequence[Turn], targets: pa.Table, teacher: Teacher, facts: Mapping[str, FilmFacts]) -> pa.Table:
    """Rows of set_pseudo_queries: one per new linked target with facts whose query can be free of its title, sorted by key.

    `targets`: rows of set_recommendation_targets. DataError for a turn of split 'test'.
    """
    insist_on_training((turn.split for turn in turns), doing="writing pseudo-queries")
    known = {turn.example_id: turn for turn in turns}
    rows = []
    for target in targets.select(["example_id", "target_index", "movie_id", "is_new"]).to_pylist():
        turn, truth = known.get(target["example_id"]), target["movie_id"]
        if turn is None or not target["is_new"] or truth not in facts:
            continue
        taught = teacher.teach(turn, truth)
        if taught.text:
            told = {"pseudo_query": taught.text, "concept_count": len(taught.concepts), "movie_id": truth}
            rows.append({"example_id": turn.example_id, "target_index": target["target_index"], "split": turn.split, **told})
    dataset = {turn.example_id: turn.dialogue_id.partition(":")[0] for turn in turns}
    table = pa.Table.from_pylist([{**row, "dataset": dataset[row["example_id"]]} for row in rows], schema=arrow_schema(SET_PSEUDO_QUERIES))
    return table.sort_by([(name, "ascending") for name in SET_PSEUDO_QUERIES.key])


def student_examples(
    turns: Sequence[Turn], queries: pa.Table, facts: Mapping[str, FilmFacts], config: QueryExpertConfig, *, split: str
) -> list[Example]:
    """A student prompt with its pseudo-query for each row of `split`, in the order of the rows; DataError for a row without turn."""
    known = {turn.example_id: turn for turn in turns}
    rows = [row for row in queries.select(["example_id", "split", "pseudo_query"]).to_pylist() if row["split"] == split]
    insist_on_training((split,), doing="training the query expert")
    if missing := sorted({row["example_id"] for row in rows} - set(known)):
        raise DataError(f"training the query expert: {len(missing)} pseudo-queries have no turn ({missing[0]} first); pass their turns")
    return [_example(known[row["example_id"]], row["pseudo_query"], facts, config) for row in rows]


def _example(turn: Turn, query: str, facts: Mapping[str, FilmFacts], config: QueryExpertConfig) -> Example:
    return Example(student_prompt(seen(turn, facts), config), f" {query}")


def prompt_texts(turns: Iterable[Turn], facts: Mapping[str, FilmFacts], config: QueryExpertConfig) -> list[str]:
    """The student prompts of turns, for a base model whose vocabulary has to hold their words."""
    return [student_prompt(seen(turn, facts), config) for turn in turns]
