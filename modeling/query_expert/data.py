"""What the query expert learns from: recommendation rows and film facts to turns, and turns to prompts with pseudo-queries.

Only rows of the splits train and valid ever get a pseudo-query. Turns without one (for inference) may be of any split.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from modeling.errors import DataError
from modeling.language_model.data import Example
from modeling.query_expert.config import QueryExpertConfig
from modeling.query_expert.facts import FilmFacts
from modeling.query_expert.leak import insist_on_training
from modeling.query_expert.prompts import Seen, student_prompt

if TYPE_CHECKING:
    from modeling.query_expert.teacher import Teacher

_ROW_COLUMNS = ("example_id", "dialogue_id", "split", "history_movie_ids", "context_text")
_TARGET_COLUMNS = ("example_id", "target_index", "movie_id", "is_new")


@dataclass(frozen=True, slots=True)
class Turn:
    """A recommendation turn: what was said, films named before (oldest first), the linked new films that were right, and films that
    training dialogues name beside those named before (best first; see `companions`)."""

    example_id: str
    dialogue_id: str
    split: str
    context_text: str
    before: tuple[str, ...]
    truths: tuple[str, ...] = ()
    companions: tuple[str, ...] = ()


def turns_of(rows: pa.Table, targets: pa.Table | None = None) -> list[Turn]:
    """One turn per row of set_recommendation, in the order of the rows; `targets` are rows of set_recommendation_targets.

    Truths are targets that are new and linked, each once, in order. DataError names missing columns.
    """
    _require(rows, _ROW_COLUMNS)
    truths: dict[str, list[str]] = defaultdict(list)
    if targets is not None:
        _require(targets, _TARGET_COLUMNS)
        for target in targets.select(_TARGET_COLUMNS).sort_by([("example_id", "ascending"), ("target_index", "ascending")]).to_pylist():
            if target["is_new"] and target["movie_id"] is not None:
                truths[target["example_id"]].append(target["movie_id"])
    return [
        Turn(
            row["example_id"], row["dialogue_id"], row["split"], row["context_text"],
            tuple(row["history_movie_ids"]), tuple(dict.fromkeys(truths[row["example_id"]])),
        )
        for row in rows.select(_ROW_COLUMNS).to_pylist()
    ]  # fmt: skip


def pairs_of(turns: Sequence[Turn], facts: Mapping[str, FilmFacts]) -> list[tuple[Turn, str]]:
    """(turn, true film) for each truth that has facts: several truths of a turn are a pair each."""
    return [(turn, truth) for turn in turns for truth in turn.truths if truth in facts]


def examples_of(
    turns: Sequence[Turn],
    teacher: "Teacher",
    facts: Mapping[str, FilmFacts],
    config: QueryExpertConfig,
    *,
    queries: Sequence[str] | None = None,
) -> list[Example]:
    """A student prompt with its pseudo-query per pair of `pairs_of`; a pair without a query free of its title is left out.

    `queries`: another teacher's, one per pair, '' where it has none, in whose place `teacher` writes; see `llm_teacher`.
    DataError when a turn is of a split that may have no pseudo-query, such as test.
    """
    insist_on_training((turn.split for turn in turns), doing="writing pseudo-queries")
    examples = []
    pairs = pairs_of(turns, facts)
    for (turn, truth), given in zip(pairs, queries or [""] * len(pairs), strict=True):
        if query := given or teacher.teach(turn, truth).text:
            examples.append(Example(student_prompt(seen(turn, facts), config), f" {query}"))
    return examples


def seen(turn: Turn, facts: Mapping[str, FilmFacts]) -> Seen:
    """What of a turn a prompt can show; films without facts are left out."""
    before, companions = ([facts[movie] for movie in movies if movie in facts] for movies in (turn.before, turn.companions))
    return Seen(turn.context_text, before, companions)


def _require(rows: pa.Table, columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in rows.column_names]
    if missing:
        raise DataError(f"reading recommendation turns: columns {', '.join(missing)} are missing; expected {', '.join(columns)}")
