"""The shipped anchors load and hold the figures of their sources; a broken file lists every problem."""

from pathlib import Path

import pytest

from modeling.errors import EvaluationError
from modeling.evaluation.anchors import load_anchors

HEAD = "sources: {s: Somewhere}\ncandidates: {c: a list}\nanchors:\n"
GOOD = "- {model: M, dataset: redial, protocol: r4, condition: new, kind: stored, source: s, candidates: c, values: {recall@10: 0.2}}\n"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "anchors.yaml"
    path.write_text(text)
    return path


def test_shipped_llm_anchors() -> None:
    found = {(a.model, a.dataset): a for a in load_anchors() if a.protocol == "r4"}
    assert {model for model, _ in found} == {"GPT-4", "GPT-3.5", "Vicuna-13B", "Baize-v2-13B"}
    assert len(found) == 12
    gpt4 = found["GPT-4", "inspired"]
    assert gpt4.values["recall@10"] == (0.185, 0.185)
    assert gpt4.half_widths == {"recall@10": 0.053, "ndcg@10": 0.038}
    cells = {"recall@1", "recall@5", "recall@10", "recall@20", "ndcg@5", "ndcg@10", "ndcg@20"}
    assert all(set(anchor.values) == cells and anchor.condition == "new" for anchor in found.values())


def test_llm_anchors_grow_with_the_cutoff() -> None:
    for anchor in load_anchors():
        for metric in ("recall", "ndcg"):
            cells = sorted((int(cell.split("@")[1]), value) for cell, value in anchor.values.items() if cell.startswith(metric))
            assert [value for _, value in cells] == sorted(value for _, value in cells)


def test_shipped_unicrs_shows_the_published_figure_and_the_reruns() -> None:
    found = [(a.kind, a.values["recall@1"]) for a in load_anchors() if (a.model, a.dataset) == ("UniCRS", "inspired")]
    assert ("published", (0.094, 0.094)) in found
    assert ("re-measured", (0.041, 0.041)) in found


def test_a_range_keeps_both_ends() -> None:
    (issue,) = [a for a in load_anchors() if a.source.startswith("issue 8")]
    assert issue.values["recall@50"] == (0.374, 0.380)


def test_a_good_file_loads_with_the_source_spelled_out(tmp_path: Path) -> None:
    (anchor,) = load_anchors(write(tmp_path, HEAD + GOOD))
    assert (anchor.model, anchor.source, anchor.candidates, anchor.note) == ("M", "Somewhere", "a list", "")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("dataset: redial", "dataset: netflix", "dataset is 'netflix'"),
        ("kind: stored", "kind: rumour", "kind is 'rumour'"),
        ("source: s", "source: t", "source is 't'"),
        ("protocol: r4, ", "", "protocol is missing"),
        ("protocol", "protocoll", r"unknown key 'protocoll'; nearest: \['protocol'\]"),
        ("recall@10", "recall@3", "'recall@3' is no metric"),
        ("0.2}", "20}", "recall@10 is 20"),
        ("0.2}", "[0.3, 0.2]}", r"recall@10 is \[0.3, 0.2\]"),
        ("0.2}", "high}", "recall@10 is 'high'"),
        ("{recall@10: 0.2}", "{}", "values are empty"),
        ("{recall@10: 0.2}", "{recall@10: 0.2}, half_widths: {ndcg@10: 0.1}", "half width of ndcg@10 without its value"),
    ],
)
def test_a_broken_anchor_is_named(tmp_path: Path, old: str, new: str, problem: str) -> None:
    with pytest.raises(EvaluationError, match=problem):
        load_anchors(write(tmp_path, HEAD + GOOD.replace(old, new)))


def test_every_problem_is_listed(tmp_path: Path) -> None:
    broken = GOOD.replace("redial", "netflix") + GOOD.replace("stored", "rumour")
    with pytest.raises(EvaluationError, match=r"2 problems(.|\n)*anchor 1 \(M\)(.|\n)*anchor 2 \(M\)"):
        load_anchors(write(tmp_path, HEAD + broken))


@pytest.mark.parametrize("text", ["", "- 1\n", HEAD, "anchors: [word]\n"])
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(EvaluationError, match=r"anchors\.yaml"):
        load_anchors(write(tmp_path, text))
