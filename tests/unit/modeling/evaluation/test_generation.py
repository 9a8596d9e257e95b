"""Shares of a generator on made-up answers that can be counted by hand."""

from typing import Any

import pyarrow as pa
import pytest

from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import EVAL_ANSWERS, EVAL_GENERATION, EVAL_RANKS, SET_RECOMMENDATION, SET_RECOMMENDATION_TARGETS
from modeling.errors import EvaluationError
from modeling.evaluation.generation import answer_rows, generation_table, stage_ranks
from modeling.evaluation.significance import compare


def examples(count: int) -> pa.Table:
    """Two turns a dialogue."""
    rows = [
        {
            "example_id": f"x:{i}",
            "dialogue_id": f"d{i // 2}",
            "dataset": "inspired",
            "split": "valid",
            "history_movie_ids": [],
            "context_text": "",
        }
        for i in range(count)
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(SET_RECOMMENDATION))


def targets(*movies: str | None, new: bool = True) -> pa.Table:
    rows = [{"example_id": f"x:{i}", "target_index": 0, "movie_id": movie, "is_new": new} for i, movie in enumerate(movies)]
    return pa.Table.from_pylist(rows, schema=arrow_schema(SET_RECOMMENDATION_TARGETS))


def answers(retrieved: list[str], ranked: list[str], *movies: str | None, forced: bool = False, k: int = 3, **over: Any) -> pa.Table:
    """Lists as words of one letter a film."""
    lists = {f"x:{i}": list(word) for i, word in enumerate(retrieved)}
    orders = {(f"x:{i}", 0): list(word) for i, word in enumerate(ranked)}
    return answer_rows(
        examples(len(movies)),
        targets(*movies, new=over.get("new", True)),
        retrieved=lists,
        ranked=orders,
        model_name=over.get("model", "g"),
        candidate_count=k,
        is_forced=forced,
    )


FREE = (["abcz", "abcz", "abcz", "abcz"], ["cab", "bca", "abc", "cba"])


def test_rows_conform_and_only_the_first_k_films_are_retrieved() -> None:
    table = answers(*FREE, "c", "c", "z", None)
    assert table.schema.equals(arrow_schema(EVAL_ANSWERS))
    assert table["answer_rank"].to_pylist() == [1, 2, None, None]
    assert table["is_retrieved"].to_pylist() == [True, True, False, False]


def test_shares() -> None:
    """Retrieved 2 of 4; first 1 of 4, 1 of the 2 retrieved; with the truth forced in first 3 of 4."""
    forced = answers(FREE[0], ["cabz", "bcaz", "zabc", "qabc"], "c", "c", "z", "q", forced=True)
    table = generation_table(pa.concat_tables([answers(*FREE, "c", "c", "z", "q"), forced]), bootstrap_samples=200, seed=1)
    assert table.schema.equals(arrow_schema(EVAL_GENERATION))
    rows = {row["metric"]: row for row in table.to_pylist()}
    assert {name: (row["value"], row["count"]) for name, row in rows.items()} == {
        "item_success": (0.75, 4),
        "overall_success": (0.25, 4),
        "retrieval_recall": (0.5, 4),
        "success_given_retrieved": (0.5, 2),
    }
    assert all(row["ci_low"] <= row["value"] <= row["ci_high"] for row in rows.values())
    assert (rows["retrieval_recall"]["ci_low"], rows["retrieval_recall"]["ci_high"]) == (0.0, 1.0)  # one dialogue has both hits


def test_repeated_targets_do_not_count_and_groups_stay_apart() -> None:
    table = pa.concat_tables([answers(*FREE, "c", "c", "a", "a"), answers(*FREE, "c", "c", "a", "a", model="h", k=2)])
    made = generation_table(
        pa.concat_tables([table, answers(*FREE, "c", "c", "c", "c", new=False, model="r")]), bootstrap_samples=20, seed=1
    )
    assert set(made["model"].to_pylist()) == {"g", "h"}
    recall = {row["model"]: row["value"] for row in made.to_pylist() if row["metric"] == "retrieval_recall"}
    assert recall == {"g": 1.0, "h": 0.5}


def test_nothing_retrieved_leaves_out_the_conditional_share() -> None:
    made = generation_table(answers(["abc"], ["abc"], "z"), bootstrap_samples=20, seed=1)
    assert {row["metric"]: row["value"] for row in made.to_pylist()} == {"overall_success": 0.0, "retrieval_recall": 0.0}


def test_models_are_compared_by_the_tests_at_hand() -> None:
    both = pa.concat_tables(
        [answers(*FREE, "c", "b", "a", "c", model="good"), answers(FREE[0], ["abc"] * 4, "c", "b", "a", "c", model="poor")]
    )
    ranks = stage_ranks(both)
    assert ranks.schema.equals(arrow_schema(EVAL_RANKS))
    (found,) = [each for each in compare(ranks, metric="recall", k=1, reference="poor") if each.candidate_set == "overall_success"]
    assert (found.difference, found.pair_count, found.dialogue_count) == (0.75, 4, 2)


def test_a_target_without_a_list_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="target 0 of 'x:1' has no example, retrieved list or order"):
        answers(["abc"], ["abc"], "a", "a")
