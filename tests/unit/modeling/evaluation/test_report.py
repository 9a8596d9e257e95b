"""The report on made-up ranks: every figure in its place, anchors marked, differences marked when ranks are given."""

import pyarrow as pa
import pytest

from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import EVAL_RANKS
from modeling.evaluation.protocols import metrics_table
from modeling.evaluation.report import markdown


def ranks_of(model: str, rank: int, *, dataset: str, candidate_set: str, turns: int = 8) -> pa.Table:
    """Eight dialogues, each with a new target at `rank` and a repeated one at rank 1."""
    rows = [
        {
            "dataset": dataset, "model": model, "candidate_set": candidate_set, "example_id": f"{i}#1", "target_index": t,
            "dialogue_id": f"{i}", "is_new": t == 0, "rank": (rank, 1)[t],
        }
        for i in range(turns)
        for t in (0, 1)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=arrow_schema(EVAL_RANKS))


@pytest.fixture(scope="module")
def ranks() -> pa.Table:
    models = {"popularity": 40, "last_item_neighbours": 3, "lrurec": 1}
    sets = [("inspired", "dataset_items"), ("inspired", "corpus"), ("starter", "dataset_items")]
    return pa.concat_tables([ranks_of(model, rank, dataset=d, candidate_set=c) for d, c in sets for model, rank in models.items()])


@pytest.fixture(scope="module")
def metrics(ranks: pa.Table) -> pa.Table:
    return metrics_table(ranks, bootstrap_samples=20, seed=1)


def section(text: str, title: str) -> str:
    return text.split(title, 1)[1].split("\n## ", 1)[0]


def test_models_stand_best_first_with_their_intervals(metrics: pa.Table) -> None:
    table = section(markdown(metrics), "## starter")
    assert "| **lrurec** | 1.000 [1.000, 1.000] | 1.000 [1.000, 1.000] | 1.000 [1.000, 1.000] | 1.000 [1.000, 1.000] |" in table
    assert "| **last_item_neighbours** | 0.000 [.000, .000] | 1.000 [1.000, 1.000] | 1.000 [1.000, 1.000] | 0.500 [.500, .500] |" in table
    assert table.index("**lrurec**") < table.index("**last_item_neighbours**") < table.index("**popularity**")


def test_conditions_and_candidate_sets_stay_apart(metrics: pa.Table) -> None:
    text = section(markdown(metrics), "## inspired")
    titles = [line for line in text.splitlines() if line.startswith("### ") and "pairs" in line]
    assert titles == [
        "### New films, among the data set's own films (8 pairs)",
        "### New films, among all films with a text vector (8 pairs)",
        "### Films mentioned before, among the data set's own films (8 pairs)",
        "### Films mentioned before, among all films with a text vector (8 pairs)",
    ]


def test_anchors_stand_once_beside_the_comparable_table(metrics: pa.Table) -> None:
    text = markdown(metrics)
    row = "| GPT-4 (He et al. 2023, r4) | 0.066 | 0.185 ± .053 | – | 0.122 ± .038 |"
    assert text.count(row) == 1
    assert row in text.split("New films, among the data set's own films")[1].split("###")[0]
    assert "| UniCRS | R@1 0.094 | unstated | published |" in text
    assert "| GPT-4 | R@1 0.062 | new, r1 | stored |" in text


def test_a_data_set_without_anchors_has_none(metrics: pa.Table) -> None:
    assert "GPT-4" not in section(markdown(metrics), "## starter")
    assert "GPT-4" not in markdown(metrics, anchors=[])


def test_differences_are_told_against_the_best_baseline(metrics: pa.Table, ranks: pa.Table) -> None:
    """Eight dialogues all won: p = 2 / 2^8, twice that after Holm with two models compared."""
    text = section(markdown(metrics, ranks=ranks), "## starter")
    assert "against the best baseline, last_item_neighbours: lrurec +0.500 (p = 0.016) ▲; popularity -0.500 (p = 0.016) ▼." in text
    assert "1.000 [1.000, 1.000] ▲ |" in text
    assert "lrurec R@10 1.000, N@10 1.000; popularity R@10 0.000, N@10 0.000." in text  # new targets alone: the repeated one is hit


def test_a_difference_is_marked_when_it_survives_the_correction() -> None:
    """Six dialogues all won: p = 2 / 2^6 = 0.03 alone, 0.06 after Holm with two models compared."""
    models = {"popularity": 40, "last_item_neighbours": 3, "lrurec": 1}
    ranks = [ranks_of(model, rank, dataset="starter", candidate_set="corpus", turns=6) for model, rank in models.items()]
    for compared, mark in ((ranks, "(p = 0.062)."), (ranks[1:], "(p = 0.031) ▲.")):
        table = pa.concat_tables(compared)
        assert mark in markdown(metrics_table(table, bootstrap_samples=5, seed=1), ranks=table)


def test_without_ranks_nothing_is_marked(metrics: pa.Table) -> None:
    assert "▲" not in markdown(metrics) and "Per turn" not in markdown(metrics)


def test_without_a_baseline_nothing_is_tested(ranks: pa.Table) -> None:
    only = ranks.filter(pa.compute.equal(ranks["model"], "lrurec"))
    text = markdown(metrics_table(only, bootstrap_samples=5, seed=1), ranks=only)
    assert "best baseline" not in text and "Per turn" in text


def test_every_table_row_has_as_many_cells_as_its_head(metrics: pa.Table, ranks: pa.Table) -> None:
    lines = [line for line in markdown(metrics, ranks=ranks).splitlines() if line.startswith("|")]
    assert {line.count("|") for line in lines} == {6}
