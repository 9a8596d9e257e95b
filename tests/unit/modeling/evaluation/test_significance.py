"""Paired randomisation against scipy and by hand; Holm on a worked example; families and errors of `compare`."""

import numpy as np
import pyarrow as pa
import pytest

from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import EVAL_RANKS
from modeling.errors import EvaluationError
from modeling.evaluation.significance import compare, holm, paired_randomisation


def test_three_dialogues_by_hand() -> None:
    """Of the 8 sign patterns of 3, 2, 1 only + + + and - - - reach 6."""
    test = paired_randomisation(np.array([3.0, 2.0, 1.0]))
    assert (test.p_value, test.is_exact) == (0.25, True)


def test_sums_that_are_equal_on_paper_count_as_equal() -> None:
    """All four dialogues are lost, so 2 of 16 patterns are as extreme, although 0.1 and 0.3 have no exact binary form."""
    assert paired_randomisation(np.array([-0.5, -0.5, -0.3, -0.1])).p_value == 2 / 16


def test_equal_models_differ_by_chance_alone() -> None:
    assert paired_randomisation(np.zeros(5)).p_value == 1.0


def test_dialogues_without_difference_change_nothing() -> None:
    moved = np.array([0.5, -0.1, 0.7, 0.2])
    assert paired_randomisation(np.concatenate([moved, np.zeros(500)])) == paired_randomisation(moved)


@pytest.mark.parametrize("seed", range(6))
def test_exact_p_equals_scipy(seed: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    generator = np.random.default_rng(seed)
    first, second = generator.integers(0, 5, (2, 9)) / 4  # coarse values: many patterns tie with the observed one
    second[0] = first[0] + 0.25
    if first.sum() == second.sum():
        second[0] += 0.25
    expected = stats.permutation_test((first, second), lambda a, b: np.sum(a - b), permutation_type="samples", n_resamples=np.inf)
    assert paired_randomisation(first - second).p_value == pytest.approx(expected.pvalue, abs=1e-9)


def test_sampled_p_is_near_the_exact_one_and_repeatable() -> None:
    """15 dialogues are sampled; the exact p of 15 equal differences with two against is enumerable: 2 * 121 / 2^15."""
    moved = np.array([1.0] * 13 + [-1.0] * 2)
    test = paired_randomisation(moved, samples=40_000, seed=1)
    assert not test.is_exact
    assert test.p_value == pytest.approx(2 * (1 + 15 + 105) / 2**15, abs=0.0021)  # 5 standard errors
    assert test == paired_randomisation(moved, samples=40_000, seed=1)


def test_sampled_p_is_never_zero() -> None:
    assert paired_randomisation(np.ones(100), samples=99).p_value == 0.01


def test_holm_worked_example() -> None:
    """0.01 * 4, 0.02 * 3, 0.03 * 2, 0.04 * 1, the last raised to the one before."""
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.6, 0.4]) == pytest.approx([0.8, 0.8])
    assert holm([0.7, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def ranks_of(model: str, ranks: list[int | None], *, dataset: str = "inspired", new: bool = True) -> pa.Table:
    """Two pairs per dialogue, one turn each."""
    rows = [
        {
            "dataset": dataset, "model": model, "candidate_set": "dataset_items", "example_id": f"{dataset}:{i // 2}#1",
            "target_index": i % 2, "dialogue_id": f"{dataset}:{i // 2}", "is_new": new, "rank": rank,
        }
        for i, rank in enumerate(ranks)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=arrow_schema(EVAL_RANKS))


GOOD, POOR = [1] * 12, [None] * 12


def test_compare_by_hand() -> None:
    """Six dialogues, all won: p = 2 / 2^6; the equal model has p = 1; Holm doubles the smaller."""
    table = pa.concat_tables([ranks_of("good", GOOD), ranks_of("base", POOR), ranks_of("same", POOR)])
    good, same = compare(table, metric="recall", k=10, reference="base")
    assert (good.model, good.difference, good.p_value, good.holm_p_value) == ("good", 1.0, 2 / 64, 4 / 64)
    assert (good.dialogue_count, good.pair_count, good.is_exact) == (6, 12, True)
    assert (same.model, same.difference, same.p_value, same.holm_p_value) == ("same", 0.0, 1.0, 1.0)


def test_pairs_of_a_dialogue_are_flipped_together() -> None:
    """Wins and losses that cancel inside a dialogue are no evidence."""
    table = pa.concat_tables([ranks_of("a", [1, None] * 6), ranks_of("b", [None, 1] * 6)])
    assert compare(table, metric="recall", k=10, reference="b")[0].p_value == 1.0


def test_each_data_set_is_its_own_family() -> None:
    parts = [
        ranks_of(model, ranks, dataset=dataset) for dataset in ("inspired", "redial") for model, ranks in (("good", GOOD), ("base", POOR))
    ]
    found = compare(pa.concat_tables(parts), metric="mrr", k=5, reference="base")
    assert [(test.dataset, test.holm_p_value) for test in found] == [("inspired", 2 / 64), ("redial", 2 / 64)]


def test_conditions_without_pairs_give_no_row() -> None:
    table = pa.concat_tables([ranks_of("a", GOOD), ranks_of("b", POOR)])
    assert compare(table, metric="recall", k=1, reference="b", condition="repeated") == []


def test_a_missing_reference_is_named() -> None:
    with pytest.raises(EvaluationError, match=r"'base' was not ranked there; expected one of \['good'\]"):
        compare(ranks_of("good", GOOD), metric="recall", k=1, reference="base")


def test_models_ranked_on_other_pairs_are_refused() -> None:
    with pytest.raises(EvaluationError, match=r"ranked on 12 .* the reference on 10"):
        compare(pa.concat_tables([ranks_of("a", GOOD), ranks_of("b", POOR[:10])]), metric="recall", k=1, reference="b")


def test_models_ranked_on_as_many_other_pairs_are_refused() -> None:
    first = ranks_of("b", POOR)
    place = first.column_names.index("example_id")
    other = first.set_column(place, first.schema.field(place), pa.array([f"{name}0" for name in first["example_id"].to_pylist()]))
    with pytest.raises(EvaluationError, match=r"ranked on 12 .* the reference on 12 or on others"):
        compare(pa.concat_tables([ranks_of("a", GOOD), other]), metric="recall", k=1, reference="b")


def test_an_unknown_condition_is_refused() -> None:
    with pytest.raises(EvaluationError, match="'seen' is unknown"):
        compare(ranks_of("a", GOOD), metric="recall", k=1, reference="a", condition="seen")
