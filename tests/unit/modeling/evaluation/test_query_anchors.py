"""The shipped figures of query quality load and hold what their source prints; a broken file lists every problem."""

from pathlib import Path

import pytest

from modeling.errors import EvaluationError
from modeling.evaluation.query_anchors import load_query_anchors
from modeling.evaluation.query_quality import OVERLAPS

HEAD = "sources: {s: Somewhere}\nanchors:\n"
GOOD = "- {query_mode: raw, source: s, reference_count: 20, values: {bleu_1: 0.1}}\n"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "query_anchors.yaml"
    path.write_text(text)
    return path


def test_the_shipped_figures_are_those_of_the_paper() -> None:
    found = {anchor.query_mode: anchor for anchor in load_query_anchors()}
    assert list(found) == ["raw", "direct", "expert"]
    assert [found[mode].values["bleu_1"] for mode in found] == [0.0505, 0.0423, 0.0527]
    assert [found[mode].values["rouge_1"] for mode in found] == [0.1334, 0.1122, 0.1742]
    assert all(tuple(anchor.values) == OVERLAPS and anchor.reference_count == 200 for anchor in found.values())
    assert all(anchor.source.startswith("ReGeS") for anchor in found.values())


def test_higher_orders_of_bleu_are_never_higher() -> None:
    for anchor in load_query_anchors():
        orders = [anchor.values[name] for name in ("bleu_1", "bleu_2", "bleu_3")]
        assert orders == sorted(orders, reverse=True)


def test_a_good_file_loads_with_the_source_spelled_out(tmp_path: Path) -> None:
    (anchor,) = load_query_anchors(write(tmp_path, HEAD + GOOD))
    assert (anchor.query_mode, anchor.source, anchor.reference_count, anchor.values) == ("raw", "Somewhere", 20, {"bleu_1": 0.1})


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("query_mode: raw", "query_mode: tuned", "query_mode is 'tuned'"),
        ("source: s", "source: t", "source is 't'"),
        ("source: s", "source: [s]", r"source is \['s'\]"),
        ("source: s, ", "", "source is missing"),
        ("source:", "sourc:", r"unknown key 'sourc'; nearest: \['source'\]"),
        ("20", "0", "reference_count is 0"),
        ("20", "true", "reference_count is True"),
        ("20", "many", "reference_count is 'many'"),
        ("bleu_1", "bleu_9", "'bleu_9' is no metric"),
        ("0.1}", "10}", "bleu_1 is 10"),
        ("0.1}", "high}", "bleu_1 is 'high'"),
        ("{bleu_1: 0.1}", "{}", "values are empty"),
        ("{bleu_1: 0.1}", "0.1", "values are empty"),
    ],
)
def test_a_broken_anchor_is_named(tmp_path: Path, old: str, new: str, problem: str) -> None:
    with pytest.raises(EvaluationError, match=problem):
        load_query_anchors(write(tmp_path, HEAD + GOOD.replace(old, new)))


def test_every_problem_is_listed(tmp_path: Path) -> None:
    broken = GOOD.replace("raw", "tuned") + GOOD.replace("20", "0")
    with pytest.raises(EvaluationError, match=r"2 problems(.|\n)*anchor 1 \(tuned\)(.|\n)*anchor 2 \(raw\)"):
        load_query_anchors(write(tmp_path, HEAD + broken))


@pytest.mark.parametrize("text", ["", "- 1\n", HEAD, "anchors: [word]\n"])
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(EvaluationError, match=r"query_anchors\.yaml"):
        load_query_anchors(write(tmp_path, text))
