"""Ranks and the evaluation table on made-up dialogues small enough to rank by hand, and against naive loops."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import EVAL_METRICS, EVAL_RANKS, SET_RECOMMENDATION, SET_RECOMMENDATION_TARGETS
from modeling.errors import EvaluationError
from modeling.evaluation import protocols
from modeling.evaluation.protocols import metrics_table, rank_targets, resamples
from modeling.seeding import numpy_generator

MOVIES = ["a", "b", "c", "d", "e"]


class Fixed:
    """The same score per movie for every history."""

    def __init__(self, **scores: float) -> None:
        self.scores, self.batches = scores, []

    def score(self, histories: list[list[str]], candidates: Sequence[str]) -> np.ndarray:
        self.batches.append(len(histories))
        return np.tile(np.array([self.scores.get(movie, 0.0) for movie in candidates], dtype=np.float32), (len(histories), 1))


def examples(*histories: list[str], dataset: str = "inspired") -> pa.Table:
    rows = [
        {
            "example_id": f"{dataset}:{i}#1",
            "dialogue_id": f"{dataset}:{i}",
            "dataset": dataset,
            "split": "test",
            "history_movie_ids": history,
            "context_text": "",
        }
        for i, history in enumerate(histories)
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(SET_RECOMMENDATION))


def targets(*rows: tuple[int, int, str | None, bool], dataset: str = "inspired") -> pa.Table:
    """(example, target index, movie, is new)."""
    made = [{"example_id": f"{dataset}:{i}#1", "target_index": t, "movie_id": movie, "is_new": new} for i, t, movie, new in rows]
    return pa.Table.from_pylist(made, schema=arrow_schema(SET_RECOMMENDATION_TARGETS))


def ranked(model: Any, examples_: pa.Table, targets_: pa.Table, **over: Any) -> pa.Table:
    return rank_targets(model, examples_, targets_, **{"candidates": MOVIES, "model_name": "m", "candidate_set": "dataset_items", **over})


SCORES = Fixed(a=5, b=4, c=3, d=2, e=1)


def test_table_conforms_and_is_sorted_by_key() -> None:
    table = ranked(SCORES, examples([], ["a"]), targets((1, 0, "b", True), (0, 1, "c", True), (0, 0, "a", True)))
    assert table.schema.equals(arrow_schema(EVAL_RANKS))
    assert table["example_id"].to_pylist() == ["inspired:0#1", "inspired:0#1", "inspired:1#1"]
    assert table["dialogue_id"].to_pylist() == ["inspired:0", "inspired:0", "inspired:1"]
    assert table["rank"].to_pylist() == [1, 3, 1]
    assert set(table["model"].to_pylist()) == {"m"}


def test_data_sets_may_be_ranked_together_and_come_out_sorted() -> None:
    both = pa.concat_tables([examples([], dataset="redial"), examples(["a"])])
    table = ranked(SCORES, both, pa.concat_tables([targets((0, 0, "b", True), dataset="redial"), targets((0, 0, "b", True))]))
    assert table["dataset"].to_pylist() == ["inspired", "redial"]
    assert table["rank"].to_pylist() == [1, 2]


def test_mentioned_movies_leave_the_ranking_of_new_targets_only() -> None:
    """History a, b: new target c is first of c, d, e; repeated target b is second of all five."""
    table = ranked(SCORES, examples(["a", "b"]), targets((0, 0, "c", True), (0, 1, "b", False)))
    assert table["rank"].to_pylist() == [1, 2]


def test_mentioned_movies_stay_on_request() -> None:
    table = ranked(SCORES, examples(["a", "b"]), targets((0, 0, "c", True)), exclude_mentioned=False)
    assert table["rank"].to_pylist() == [3]


def test_other_targets_of_the_turn_stay_in_the_ranking() -> None:
    assert ranked(SCORES, examples([]), targets((0, 0, "a", True), (0, 1, "b", True)))["rank"].to_pylist() == [1, 2]


def test_ties_break_by_movie_id_whatever_the_order_of_candidates() -> None:
    table = ranked(Fixed(), examples([]), targets((0, 0, "c", True), (0, 1, "a", True)), candidates=["e", "c", "a", "d", "b", "c"])
    assert table["rank"].to_pylist() == [3, 1]


def test_a_mentioned_movie_of_equal_score_is_not_ahead() -> None:
    assert ranked(Fixed(), examples(["a"]), targets((0, 0, "c", True)))["rank"].to_pylist() == [2]


@pytest.mark.parametrize("movie", [None, "unknown"])
def test_unlinked_and_foreign_targets_have_no_rank(movie: str | None) -> None:
    assert ranked(SCORES, examples([]), targets((0, 0, movie, True)))["rank"].to_pylist() == [None]


def test_a_new_target_found_in_the_history_has_no_rank() -> None:
    assert ranked(SCORES, examples(["a"]), targets((0, 0, "a", True)))["rank"].to_pylist() == [None]


@pytest.mark.parametrize("score", [float("nan"), float("-inf")])
def test_a_target_that_cannot_be_scored_has_no_rank_and_hinders_nobody(score: float) -> None:
    table = ranked(Fixed(a=score, b=1), examples([]), targets((0, 0, "a", True), (0, 1, "b", True)))
    assert table["rank"].to_pylist() == [None, 1]


def test_history_movies_outside_the_candidates_are_ignored() -> None:
    assert ranked(SCORES, examples(["zz", "a"]), targets((0, 0, "b", True)))["rank"].to_pylist() == [1]


def test_no_targets_and_no_candidates() -> None:
    assert ranked(SCORES, examples([]), targets()).num_rows == 0
    assert ranked(SCORES, examples([]), targets((0, 0, "a", True)), candidates=[])["rank"].to_pylist() == [None]


def test_examples_without_target_are_not_scored() -> None:
    model = Fixed()
    ranked(model, examples([], [], []), targets((1, 0, "a", True)))
    assert model.batches == [1]


def test_a_target_without_example_is_refused() -> None:
    with pytest.raises(EvaluationError, match=r"1 targets belong to no given example.*inspired:7#1"):
        ranked(SCORES, examples([]), targets((7, 0, "a", True)))


def test_an_example_given_twice_is_refused() -> None:
    with pytest.raises(EvaluationError, match="occurs twice"):
        ranked(SCORES, pa.concat_tables([examples([]), examples([])]), targets((0, 0, "a", True)))


def test_scores_of_a_wrong_shape_are_refused() -> None:
    class Narrow:
        def score(self, histories: list[list[str]], candidates: Sequence[str]) -> np.ndarray:
            return np.zeros((len(histories), 2))

    with pytest.raises(EvaluationError, match=r"\[1, 2\] for 1 turns and 5 candidates"):
        ranked(Narrow(), examples([]), targets((0, 0, "a", True)))


class Noisy:
    """Coarse scores from the history, so that ties, NaN and -inf abound; independent of the batch."""

    def score(self, histories: list[list[str]], candidates: Sequence[str]) -> np.ndarray:
        rows = [np.random.default_rng([len(history), *map(ord, "".join(history))]).integers(0, 6, len(candidates)) for history in histories]
        scores = np.array(rows, dtype=np.float32)
        scores[scores == 0] = np.nan
        scores[scores == 1] = -np.inf
        return scores


def _naive_rank(scores: np.ndarray, names: list[str], movie: str | None, barred: set[str]) -> int | None:
    """Sort the list a user would see, and look where the target is."""
    shown = [(-score, name) for score, name in zip(scores, names, strict=True) if score > -np.inf and name not in barred]
    order = [name for _, name in sorted(shown)]
    return order.index(movie) + 1 if movie in order else None


def test_ranks_equal_a_sorted_list_on_random_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(3)
    names = [f"{i:02d}" for i in range(25)]
    pool = [*names, "zz"]
    histories = [[str(m) for m in generator.choice(pool, generator.integers(0, 5), replace=False)] for _ in range(500)]
    rows = [(i, t, str(generator.choice(pool)), bool(generator.random() < 0.7)) for i in range(500) for t in range(2)]
    rows = [(i, t, None if movie == "00" else movie, new) for i, t, movie, new in rows]
    monkeypatch.setattr(protocols, "SCORES_PER_BATCH", 25 * 37)  # several batches, the last one short
    table = ranked(Noisy(), examples(*histories), targets(*rows), candidates=names)
    found = {(row["example_id"], row["target_index"]): row["rank"] for row in table.to_pylist()}
    for i, t, movie, new in rows:
        barred = set(histories[i]) if new else set()
        assert found[f"inspired:{i}#1", t] == _naive_rank(Noisy().score([histories[i]], names)[0], names, movie, barred)


def ranks_table(rows: list[tuple[str, int, bool, int | None]], *, model: str = "m", dataset: str = "inspired") -> pa.Table:
    """(dialogue, target index, is new, rank); every dialogue has one turn."""
    made = [
        {
            "dataset": dataset, "model": model, "candidate_set": "dataset_items", "example_id": f"{dialogue}#1", "target_index": t,
            "dialogue_id": dialogue, "is_new": new, "rank": rank,
        }
        for dialogue, t, new, rank in rows
    ]  # fmt: skip
    return pa.Table.from_pylist(made, schema=arrow_schema(EVAL_RANKS))


def _row(table: pa.Table, condition: str, metric: str, k: int) -> dict[str, Any]:
    found = [row for row in table.to_pylist() if (row["condition"], row["metric"], row["k"]) == (condition, metric, k)]
    assert len(found) == 1
    return found[0]


def test_metrics_by_hand() -> None:
    rows = [("x", 0, True, 1), ("x", 1, True, 3), ("y", 0, True, None), ("y", 1, False, 2), ("z", 0, True, 12)]
    table = metrics_table(ranks_table(rows), bootstrap_samples=200, seed=5)
    assert table.schema.equals(arrow_schema(EVAL_METRICS))
    assert table.num_rows == 3 * 3 * 5
    assert (_row(table, "new", "recall", 10)["value"], _row(table, "new", "recall", 10)["pair_count"]) == (0.5, 4)
    assert _row(table, "new", "ndcg", 5)["value"] == pytest.approx((1 + 0.5) / 4)
    assert _row(table, "repeated", "mrr", 5)["value"] == 0.5
    assert _row(table, "all", "recall", 20)["value"] == 0.8


def test_a_condition_without_pairs_has_no_row() -> None:
    table = metrics_table(ranks_table([("x", 0, True, 1)]), bootstrap_samples=10, seed=5)
    assert set(table["condition"].to_pylist()) == {"new", "all"}


def test_no_ranks_give_an_empty_table() -> None:
    assert metrics_table(ranks_table([]), bootstrap_samples=10, seed=5).schema.equals(arrow_schema(EVAL_METRICS))


def _random_rows(seed: int, count: int = 40) -> list[tuple[str, int, bool, int | None]]:
    generator = np.random.default_rng(seed)
    return [
        (f"d{d:02d}", t, bool(generator.random() < 0.8), None if generator.random() < 0.2 else int(generator.integers(1, 60)))
        for d in range(count)
        for t in range(int(generator.integers(1, 6)))
    ]


def test_intervals_equal_a_loop_that_copies_dialogues() -> None:
    rows = _random_rows(4)
    table = metrics_table(ranks_table(rows), bootstrap_samples=60, seed=11)
    pairs = [row for row in rows if row[2]]
    dialogues = sorted({row[0] for row in pairs})
    weights = resamples(numpy_generator(11, "bootstrap of inspired, new"), len(dialogues), samples=60)
    means = []
    for drawn in weights:
        copies = [row for d, n in zip(dialogues, drawn, strict=True) for _ in range(n) for row in pairs if row[0] == d]
        hits = [float(rank is not None and rank <= 10) for *_, rank in copies]
        means.append(sum(hits) / len(hits))
    found = _row(table, "new", "recall", 10)
    assert (found["ci_low"], found["ci_high"]) == pytest.approx(tuple(np.percentile(means, (2.5, 97.5))), abs=1e-12)


def test_resamples_draw_as_many_dialogues_as_there_are() -> None:
    weights = resamples(np.random.default_rng(1), 7, samples=3000)
    assert weights.shape == (3000, 7)
    assert set(weights.sum(axis=1)) == {7}
    assert weights.mean(axis=0) == pytest.approx(np.ones(7), abs=0.1)  # 5 standard errors


def test_clustering_widens_the_interval() -> None:
    """Eight equal pairs per dialogue carry the evidence of one: the interval is as wide as with one pair each."""
    single = [(f"d{d}", 0, True, 1 if d % 2 else 30) for d in range(40)]
    eight = [(dialogue, t, new, rank) for dialogue, _, new, rank in single for t in range(8)]
    widths = [_row(metrics_table(ranks_table(rows), bootstrap_samples=500, seed=2), "new", "recall", 10) for rows in (single, eight)]
    assert (widths[0]["ci_low"], widths[0]["ci_high"]) == pytest.approx((widths[1]["ci_low"], widths[1]["ci_high"]))


def test_the_table_depends_neither_on_row_order_nor_on_other_models() -> None:
    rows = _random_rows(6)
    alone = metrics_table(ranks_table(rows), bootstrap_samples=50, seed=3)
    beside = pa.concat_tables([ranks_table(rows[::-1], model="other"), ranks_table(rows[::-1])])
    both = metrics_table(beside, bootstrap_samples=50, seed=3)
    assert both.filter(pa.compute.equal(both["model"], "m")).equals(alone)
    assert both.filter(pa.compute.equal(both["model"], "other"))["ci_low"].equals(alone["ci_low"])


def test_bootstrap_needs_a_sample() -> None:
    with pytest.raises(EvaluationError, match="0 bootstrap samples"):
        metrics_table(ranks_table([]), bootstrap_samples=0, seed=1)
