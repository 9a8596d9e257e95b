"""From scores to ranks, and from ranks to the evaluation table. Metrics live in `metrics`, tests of differences in `significance`.

The protocol is He et al. 2023 with corpus ids instead of names, and a full ranking instead of 20 generated titles:

* a pair is (recommender turn, target); other targets of the same turn stay in the ranking (per-pair convention);
* *new* targets (He et al.: 'recommendation') are ranked with the movies mentioned before the turn taken out, their r2/r4;
* *repeated* targets ('discussion') are ranked with the mentioned movies kept, their r1/r3, because taken out they cannot be hit.
  Copying the history scores high there (the repetition shortcut), so the two conditions are never averaged silently;
* a target that is unlinked, not a candidate, or without a finite score has no rank and counts as a miss. So does a new target
  whose movie is in the history under another name: a list without mentioned movies cannot show it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import EVAL_METRICS, EVAL_RANKS
from modeling.errors import EvaluationError
from modeling.evaluation.metrics import CUTOFFS, METRICS
from modeling.evaluation.pairs import CONDITIONS, Group, Pairs, groups_of
from modeling.seeding import numpy_generator

INTERVAL = (2.5, 97.5)  # percent
SCORES_PER_BATCH = 1 << 22  # a batch of scores, its masked copy and one row per target stay under about 100 MB

Indices = npt.NDArray[np.int64]
Scores = npt.NDArray[Any]


class Model(Protocol):
    """Anything that scores candidates given a history of movies alone."""

    def score(self, histories: list[list[str]], candidates: Sequence[str], /) -> Scores:
        """Floats [len(histories), len(candidates)]; higher is better; NaN or -inf: cannot be ranked."""


TurnScorer = Callable[[pa.Table, Sequence[str]], Scores]
"""Rows of set_recommendation and candidates -> floats [rows, candidates]; higher is better; NaN or -inf: cannot be ranked."""


def rank_targets(
    model: Model,
    examples: pa.Table,
    targets: pa.Table,
    *,
    candidates: Sequence[str],
    model_name: str,
    candidate_set: str,
    exclude_mentioned: bool = True,
) -> pa.Table:
    """`rank_turns` for a model that looks at the history alone."""

    def score(rows: pa.Table, movies: Sequence[str]) -> Scores:
        return model.score(rows["history_movie_ids"].combine_chunks().to_pylist(), movies)

    names = {"model_name": model_name, "candidate_set": candidate_set}
    return rank_turns(score, examples, targets, candidates=candidates, exclude_mentioned=exclude_mentioned, **names)


def rank_turns(
    score: TurnScorer,
    examples: pa.Table,
    targets: pa.Table,
    *,
    candidates: Sequence[str],
    model_name: str,
    candidate_set: str,
    exclude_mentioned: bool = True,
) -> pa.Table:
    """Rank every target among `candidates`; one row of eval_recommendation_ranks per target, sorted by key.

    `examples`: rows of set_recommendation; `targets`: rows of set_recommendation_targets of these examples; examples without
    target are not scored. rank = 1 + candidates with a higher score + candidates with the same score and a smaller movie_id.
    `exclude_mentioned` false keeps mentioned movies for new targets too. EvaluationError for a target without example or
    scores of a wrong shape. Cost: one call of `score` per about 4 M scores.
    """
    rows = _rows_of(examples, targets)
    movies = pa.array(sorted(set(candidates)), pa.string())
    used = examples.take(pa.array(np.unique(rows)))
    rows = np.searchsorted(np.unique(rows), rows)
    wanted = _column_of(targets["movie_id"], movies)
    keep = np.asarray(targets["is_new"]) & exclude_mentioned
    ranks = np.zeros(len(rows), dtype=np.int64)
    for start, scores, mentioned in _scored(score, used, movies):
        inside = np.flatnonzero((rows >= start) & (rows < start + len(scores)) & (wanted >= 0))
        for excluded in (False, True):  # the kept ranking first: masking changes the scores in place
            if excluded:
                scores[mentioned] = np.nan
            pairs = inside[keep[inside] == excluded]
            ranks[pairs] = _ranks(scores, rows[pairs] - start, wanted[pairs])
    return _rank_table(used.take(pa.array(rows)), targets, ranks, {"model": model_name, "candidate_set": candidate_set})


def _rows_of(examples: pa.Table, targets: pa.Table) -> Indices:
    ids = examples["example_id"].combine_chunks()
    if len(ids.unique()) != len(ids):
        raise EvaluationError("ranking targets: an example_id occurs twice among the examples; expected one row per example")
    found = pc.index_in(targets["example_id"], value_set=ids)
    if found.null_count:
        lost = targets["example_id"].filter(pc.is_null(found)).unique().to_pylist()
        raise EvaluationError(
            f"ranking targets: {found.null_count} targets belong to no given example (first: {lost[:3]}); "
            "pass the targets of exactly these examples"
        )
    return np.asarray(found, dtype=np.int64)


def _column_of(movie_ids: pa.ChunkedArray | pa.Array, movies: pa.Array) -> Indices:
    """Position of each movie among the sorted candidates; -1 for a null or a movie that is none."""
    found = pc.index_in(movie_ids, value_set=movies, skip_nulls=True)
    return np.asarray(pc.fill_null(found, -1), dtype=np.int64)


def _scored(score: TurnScorer, examples: pa.Table, movies: pa.Array) -> Iterator[tuple[int, Scores, tuple[Indices, Indices]]]:
    """Batches: first row, writable scores [rows, movies], and the (row, column) of every mentioned movie."""
    if not examples.num_rows or not len(movies):
        return
    names = movies.to_pylist()
    size = max(1, SCORES_PER_BATCH // len(names))
    for start in range(0, examples.num_rows, size):
        rows = examples.slice(start, size)
        part = rows["history_movie_ids"].combine_chunks()
        scores = np.array(score(rows, names))
        if scores.shape != (len(part), len(names)) or scores.dtype.kind != "f":
            raise EvaluationError(
                f"ranking targets: the model's scores are {scores.dtype} {list(scores.shape)} for {len(part)} turns and "
                f"{len(names)} candidates; expected floats {[len(part), len(names)]}"
            )
        columns = _column_of(pc.list_flatten(part), movies)
        parents = np.asarray(pc.list_parent_indices(part), dtype=np.int64)
        yield start, scores, (parents[columns >= 0], columns[columns >= 0])


def _ranks(scores: Scores, rows: Indices, columns: Indices) -> Indices:
    """1-based rank per pair, 0 where the target has no finite score. Movies are sorted by id, so a smaller column is a smaller id."""
    ranks = np.zeros(len(rows), dtype=np.int64)
    for pair, (row, column) in enumerate(zip(rows, columns, strict=True)):  # one row at a time stays in cache: 3x a gather of all rows
        own = scores[row, column]
        if own > -np.inf:
            ahead = np.count_nonzero(scores[row] > own) + np.count_nonzero(scores[row, :column] == own)
            ranks[pair] = 1 + ahead
    return ranks


def _rank_table(examples: pa.Table, targets: pa.Table, ranks: Indices, names: Mapping[str, str]) -> pa.Table:
    columns = {
        "dataset": examples["dataset"],
        "example_id": targets["example_id"],
        "target_index": targets["target_index"],
        "dialogue_id": examples["dialogue_id"],
        "is_new": targets["is_new"],
        "rank": pa.array(ranks, mask=ranks == 0),
        **{name: pa.repeat(value, targets.num_rows) for name, value in names.items()},
    }
    schema = arrow_schema(EVAL_RANKS)
    table = pa.table([columns[name] for name in schema.names], names=schema.names).cast(schema)
    return table.sort_by([(name, "ascending") for name in EVAL_RANKS.key])


def metrics_table(ranks: pa.Table, *, bootstrap_samples: int, seed: int) -> pa.Table:
    """The evaluation table of every (dataset, model, candidate set): means over pairs, 95 % percentile bootstrap intervals.

    Dialogues are resampled, not pairs: the pairs of a dialogue share its history, and taken as independent they give
    intervals that are too narrow (Field & Welsh 2007). All models of a data set see the same resamples. A condition
    without a single pair has no row.
    """
    if bootstrap_samples < 1:
        raise EvaluationError(f"computing intervals: {bootstrap_samples} bootstrap samples; expected at least 1")
    rows: list[dict[str, Any]] = []
    for group, everything in groups_of(ranks):
        for condition in CONDITIONS:
            pairs = everything.of(condition)
            if len(pairs.ranks):
                generator = numpy_generator(seed, f"bootstrap of {group.dataset}, {condition}")
                rows += _metric_rows(pairs, resamples(generator, pairs.dialogue_count, samples=bootstrap_samples), group, condition)
    table = pa.Table.from_pylist(rows, schema=arrow_schema(EVAL_METRICS))
    return table.sort_by([(name, "ascending") for name in EVAL_METRICS.key])


def resamples(generator: np.random.Generator, dialogue_count: int, *, samples: int) -> Indices:
    """How often each dialogue is drawn in each resample, [samples, dialogues]; each row sums to `dialogue_count`."""
    drawn = generator.integers(0, dialogue_count, size=(samples, dialogue_count))  # counted, 3x faster than numpy's multinomial
    drawn += dialogue_count * np.arange(samples)[:, None]
    return np.bincount(drawn.ravel(), minlength=samples * dialogue_count).reshape(samples, dialogue_count)


def _metric_rows(pairs: Pairs, weights: Indices, group: Group, condition: str) -> list[dict[str, Any]]:
    cells = [(metric, k) for metric in METRICS for k in CUTOFFS]
    values = np.stack([METRICS[metric](pairs.ranks, k) for metric, k in cells], axis=1)
    sums, counts = pairs.per_dialogue(values), pairs.per_dialogue(np.ones((len(values), 1)))
    drawn = weights.astype(np.float64)
    low, high = np.percentile((drawn @ sums) / (drawn @ counts), INTERVAL, axis=0)  # every dialogue has a pair: no division by 0
    mean = values.mean(axis=0)
    names = {"dataset": group.dataset, "model": group.model, "candidate_set": group.candidate_set, "condition": condition}
    return [
        {**names, "metric": metric, "k": k, "value": mean[i], "ci_low": low[i], "ci_high": high[i], "pair_count": len(values)}
        for i, (metric, k) in enumerate(cells)
    ]
