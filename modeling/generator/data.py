"""From recommendation turns to what the generator learns from: truth and negatives in one list, prompt and completion. No model is in here.

A truth is never among its own negatives, under no id: other targets of the turn and films of the same title key and year
are left out. Where the truth stands depends on a seed and the example, never on its rank.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from modeling.errors import DataError
from modeling.generator.catalogue import Catalogue, Identity
from modeling.generator.config import GeneratorConfig
from modeling.generator.prompts import Turn, arranged, completion, prompt
from modeling.language_model.data import Example
from modeling.seeding import numpy_generator

TURN_COLUMNS = ("example_id", "split", "history_movie_ids", "context_text")
TARGET_COLUMNS = ("example_id", "target_index", "movie_id", "is_new")
SUMMARY_COLUMN = "summary"  # of the targets, with `think`: a line on what the seeker likes, by a teacher

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """One (turn, target) pair: `candidates` hold the truth and the negatives in the order of the prompt."""

    turn: Turn
    target_index: int
    truth: str
    candidates: tuple[str, ...]
    summary: str | None = None
    shuffle: int = 0


def turns_of(rows: pa.Table) -> list[Turn]:
    """Rows of set_recommendation as turns, in the order given."""
    chosen = rows.select(["example_id", "context_text", "history_movie_ids"]).to_pylist()
    return [Turn(row["example_id"], row["context_text"], tuple(row["history_movie_ids"])) for row in chosen]


def training_examples(
    turns: pa.Table,
    targets: pa.Table,
    mined: Mapping[str, Sequence[str]],
    catalogue: Catalogue,
    config: GeneratorConfig,
    *,
    pool: Sequence[str],
) -> list[Example]:
    """Prompt and completion of every pair `questions` makes, sorted by example and target; DataError for a test row or no pair."""
    if pc.any(pc.equal(turns["split"], "test")).as_py():
        raise DataError("training the generator: the turns hold rows of split 'test'; expected train and valid only: filter them")
    asked = questions(turns, targets, mined, catalogue, config, pool=pool)
    if not asked:
        raise DataError(
            f"training the generator: none of {targets.num_rows} targets of {turns.num_rows} turns is a film of the catalogue"
            f"{' that was not named before' if config.only_new else ''}; check the linker's coverage"
        )
    return [_example(question, catalogue, config) for question in asked]


def questions(
    turns: pa.Table,
    targets: pa.Table,
    mined: Mapping[str, Sequence[str]],
    catalogue: Catalogue,
    config: GeneratorConfig,
    *,
    pool: Sequence[str],
) -> list[Question]:
    """Every linked target with the truth forced into its list, for training and for the success with the truth forced in.

    `turns`, `targets`: rows of set_recommendation and set_recommendation_targets, the targets with a column 'summary' when
    `think` asks for it. `mined`: retrieved films by example, best first. 'hard' takes the first `candidates` of them that
    are no target; too few are filled up from `pool`, drawn by seed and example, from which 'random' takes all. DataError for
    missing columns or a target without turn.
    """
    _insist_on_columns(turns, TURN_COLUMNS, "turns")
    _insist_on_columns(targets, (*TARGET_COLUMNS, SUMMARY_COLUMN) if config.think else TARGET_COLUMNS, "targets")
    known = {turn.example_id: turn for turn in turns_of(turns)}
    drawable = sorted(movie for movie in set(pool) if movie in catalogue)
    asked: list[Question] = []
    filled = 0
    for rows in _by_example(targets):
        turn = _turn_of(rows[0]["example_id"], known)
        negatives, drawn = _negatives(turn, [row["movie_id"] for row in rows], mined, catalogue, config, drawable)
        filled += drawn > 0
        asked += _of_turn(turn, rows, negatives, catalogue, config)
    if config.negatives == "hard" and filled:
        logger.info("filled up the negatives of %d turns with random films: fewer than %d were mined", filled, config.candidates)
    return asked


def _of_turn(
    turn: Turn, rows: Sequence[Mapping[str, Any]], negatives: Sequence[str], catalogue: Catalogue, config: GeneratorConfig
) -> Iterator[Question]:
    for row in rows:
        truth = row["movie_id"]
        if isinstance(truth, str) and truth in catalogue and (row["is_new"] or not config.only_new):
            for shuffle in range(config.shuffles):
                listed = arranged([truth, *negatives], turn.example_id, seed=config.seed, shuffle=shuffle)
                yield Question(turn, row["target_index"], truth, tuple(listed), _summary(row, config), shuffle)


def _negatives(
    turn: Turn,
    truths: Sequence[str | None],
    mined: Mapping[str, Sequence[str]],
    catalogue: Catalogue,
    config: GeneratorConfig,
    drawable: Sequence[str],
) -> tuple[list[str], int]:
    """Negatives of one turn, and how many of them were drawn. A film named before is none: the dialogue gives it away."""
    if config.negatives == "none":
        return [], 0
    taken = {catalogue.identity(movie) for movie in (*truths, *turn.history) if movie is not None and movie in catalogue}
    mined_here = mined.get(turn.example_id, ()) if config.negatives == "hard" else ()
    chosen = _first_free(mined_here, taken, config.candidates, catalogue)
    order = numpy_generator(config.seed, f"negatives of {turn.example_id}").permutation(len(drawable))
    drawn = _first_free((drawable[place] for place in order), taken, config.candidates - len(chosen), catalogue)
    return [*chosen, *drawn], len(drawn)


def _first_free(movies: Iterable[str], taken: set[Identity], count: int, catalogue: Catalogue) -> list[str]:
    """The first `count` films of the catalogue that are no taken film under any id, fewer when there are no more; they are taken then."""
    free: list[str] = []
    for movie in movies:
        if len(free) >= count:
            break
        if movie in catalogue and catalogue.identity(movie) not in taken:
            taken.add(catalogue.identity(movie))
            free.append(movie)
    return free


def _example(question: Question, catalogue: Catalogue, config: GeneratorConfig) -> Example:
    name = catalogue.name(question.truth)
    return Example(prompt(question.turn, question.candidates, catalogue, config), completion(name, question.summary))


def _summary(row: Mapping[str, Any], config: GeneratorConfig) -> str | None:
    return str(row[SUMMARY_COLUMN] or "") if config.think else None


def _by_example(targets: pa.Table) -> Iterator[list[dict[str, Any]]]:
    """The targets of each example, examples by id, targets by index."""
    rows = targets.sort_by([("example_id", "ascending"), ("target_index", "ascending")]).to_pylist()
    start = 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or rows[end]["example_id"] != rows[start]["example_id"]:
            yield rows[start:end]
            start = end


def _turn_of(example_id: object, known: Mapping[str, Turn]) -> Turn:
    turn = known.get(str(example_id))
    if turn is None:
        raise DataError(
            f"preparing the generator: target of {example_id!r} has no turn among {len(known)}; pass targets of these turns only"
        )
    return turn


def _insist_on_columns(rows: pa.Table, expected: Sequence[str], what: str) -> None:
    missing = [name for name in expected if name not in rows.column_names]
    if missing:
        raise DataError(f"preparing the generator: the {what} lack columns {', '.join(missing)}; expected {', '.join(expected)}")
