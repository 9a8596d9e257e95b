"""The loop against its start: means, gains and tests by hand, who is in a family, what clusters, and what lists expose."""

from collections.abc import Sequence
from math import log1p, log2
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from corpus_pipeline.schema import tables as t
from corpus_pipeline.schema.render import arrow_schema
from modeling.errors import EvaluationError
from modeling.evaluation.preference import OWN_ORDER, bucket_of, exposure, loop_rows
from modeling.evaluation.significance import holm, paired_randomisation

Ranks = Sequence[int | None]
Rows = list[dict[str, Any]]


def ranks_of(stage: str, ranks: Ranks, *, before: Ranks | None = None, **shared: Any) -> pa.Table:
    """Two pairs a dialogue, one turn each; `before`: places in the retriever's own order, beyond every cut-off unless told."""
    own = {"dataset": "a", "split": "valid", "retriever": "rar", "ranker": "base", "seed": 0, **shared}
    retrieval = [40] * len(ranks) if before is None else before
    rows = [
        {
            **own, "stage": stage, "example_id": f"{own['dataset']}:{own['split']}{place // 2}#1", "target_index": place % 2,
            "dialogue_id": f"{own['dataset']}:{own['split']}{place // 2}", "retrieval_rank": first, "rank": rank,
        }
        for place, (rank, first) in enumerate(zip(ranks, retrieval, strict=True))
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=arrow_schema(t.EVAL_PREFERENCE_RANKS))


def told(*parts: pa.Table, named: dict[str, int] | None = None, samples: int = 200) -> Rows:
    """Every target is the film that its place in the dialogue says: f0 and f1."""
    ranks = pa.concat_tables(parts)
    keys = zip(ranks["example_id"].to_pylist(), ranks["target_index"].to_pylist(), strict=True)
    truths = {(example, target): f"f{target}" for example, target in keys}
    return loop_rows(ranks, named or {}, truths, samples=samples, seed=13)


def the(rows: Rows, setting: str, metric: str, *, dataset: str = "a", retriever: str = "rar", ranker: str = "base") -> dict[str, Any]:
    wanted = {"setting": setting, "metric": metric, "dataset": dataset, "retriever": retriever, "ranker": ranker}
    (row,) = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    return row


SFT: Ranks = [1, 3, None, 11, 2, 20, 7, None]
RL: Ranks = [1, 1, 3, 1, 2, 6, 1, None]


@pytest.mark.parametrize(
    ("count", "bucket"),
    [(0, "0"), (1, "1-2"), (2, "1-2"), (3, "3-9"), (9, "3-9"), (10, "10-49"), (49, "10-49"), (50, "50+"), (10**6, "50+")],
)
def test_buckets(count: int, bucket: str) -> None:
    assert bucket_of(count) == bucket


def test_means_by_hand() -> None:
    rows = told(ranks_of("sft", SFT), ranks_of("rl", RL))
    at_ten = [1 + 1 / 2 + 1 / log2(3) + 1 / 3, 4 + 1 / 2 + 1 / log2(3) + 1 / log2(7)]
    for stage, gain in zip(("sft", "rl"), at_ten, strict=True):
        row = the(rows, f"{stage}, valid", "ndcg@10")
        assert (row["value"], row["count"]) == (pytest.approx(gain / 8), 8)
        assert row["ci_low"] <= row["value"] <= row["ci_high"] and row["ci_low"] < row["ci_high"]
    expected = {"ndcg@5": (1.5 + 1 / log2(3)) / 8, "recall@1": 1 / 8, "recall@5": 3 / 8, "recall@10": 4 / 8, "recall@20": 6 / 8}
    assert {name: the(rows, "sft, valid", name)["value"] for name in expected} == pytest.approx(expected)


def test_gains_are_of_means_and_relative() -> None:
    rows = told(ranks_of("sft", SFT), ranks_of("rl", RL))
    before, after = 1.5 + 1 / log2(3) + 1 / 3, 4.5 + 1 / log2(3) + 1 / log2(7)
    assert the(rows, "rl over sft, valid", "ndcg@10 gain")["value"] == pytest.approx(after / before - 1)
    assert the(rows, "rl over sft, valid", "ndcg@5 gain")["value"] == pytest.approx((4.5 + 1 / log2(3)) / (1.5 + 1 / log2(3)) - 1)
    gain = the(rows, "rl over sft, valid", "recall@10 gain")
    assert gain["value"] == pytest.approx(7 / 4 - 1) and gain["ci_low"] < gain["value"] < gain["ci_high"] and gain["count"] == 8


def test_the_interval_of_a_gain_is_that_of_pairs() -> None:
    """A list that is twice as good in every dialogue gains 1 whichever are drawn: both stages are drawn together."""
    rows = told(ranks_of("sft", [3, 3, 3, None, 3, 3, None, None]), ranks_of("rl", [1, 1, 1, None, 1, 1, None, None]))
    gain = the(rows, "rl over sft, valid", "ndcg@10 gain")
    assert (gain["value"], gain["ci_low"], gain["ci_high"]) == (1, 1, 1)
    mean = the(rows, "rl, valid", "ndcg@10")
    assert mean["ci_low"] < mean["ci_high"]


def test_the_test_is_the_randomisation_of_dialogues() -> None:
    gain = [0.0 if rank is None or rank > 10 else 1 / log2(rank + 1) for rank in (*SFT, *RL)]
    sums = (np.array(gain[8:]) - np.array(gain[:8])).reshape(4, 2).sum(axis=1)
    found = the(told(ranks_of("sft", SFT), ranks_of("rl", RL)), "rl over sft, valid", "p")
    assert found["value"] == paired_randomisation(sums).p_value < 1
    assert (found["ci_low"], found["ci_high"], found["count"]) == (None, None, 8)
    cancelled = told(ranks_of("sft", [1, None] * 4), ranks_of("rl", [None, 1] * 4))
    assert the(cancelled, "rl over sft, valid", "p")["value"] == 1


def test_no_gain_is_told_over_nothing() -> None:
    rows = told(ranks_of("sft", [None, 7] * 4), ranks_of("rl", [1, 7] * 4))
    assert not [row for row in rows if row["metric"] == "ndcg@5 gain" and row["ranker"] == "base"]
    assert the(rows, "rl over sft, valid", "ndcg@10 gain")["value"] == pytest.approx(3)
    assert the(rows, "rl over sft, valid", "p")["value"] == 2 / 2**4


def test_the_order_of_the_rows_does_not_matter() -> None:
    after = ranks_of("rl", RL)
    rows, turned = (told(ranks_of("sft", SFT), part) for part in (after, after.take(list(range(8))[::-1])))
    assert [row["value"] for row in turned] == pytest.approx([row["value"] for row in rows])


def test_the_retriever_s_own_order_is_told_once() -> None:
    """Two rankers stand behind one retriever."""
    own: Ranks = [1, None, None, None, None, None, None, None]
    parts = [ranks_of(stage, RL, before=own, ranker=ranker) for stage in ("sft", "rl") for ranker in ("base", "oracle")]
    rows = told(*parts)
    alone = the(rows, "rl, valid", "ndcg@10", ranker=OWN_ORDER)
    assert (alone["value"], alone["count"]) == (1 / 8, 8)
    for ranker in ("base", "oracle"):
        assert the(rows, "rl, valid", "recall@10", ranker=ranker)["value"] == 7 / 8
    key = t.EVAL_PREFERENCE_RETRIEVER.key
    assert len({tuple(row[name] for name in key) for row in rows}) == len(rows)


def test_splits_and_data_sets_are_told_apart_and_together() -> None:
    hits = {("a", "valid"): 8, ("a", "test"): 4, ("b", "valid"): 2, ("b", "test"): 0}
    parts = [
        ranks_of(stage, [1] * count + [None] * (8 - count), dataset=dataset, split=split)
        for (dataset, split), count in hits.items()
        for stage in ("sft", "rl")
    ]
    rows = told(*parts)
    expected = {
        ("valid", "a"): 8 / 8, ("test", "a"): 4 / 8, ("valid+test", "a"): 12 / 16, ("valid", "b"): 2 / 8, ("test", "b"): 0.0,
        ("valid+test", "b"): 2 / 16, ("valid", "all"): 10 / 16, ("test", "all"): 4 / 16, ("valid+test", "all"): 14 / 32,
    }  # fmt: skip
    found = {key: the(rows, f"rl, {key[0]}", "recall@1", dataset=key[1])["value"] for key in expected}
    assert found == expected
    assert the(rows, "rl, valid+test", "recall@1", dataset="all")["count"] == 32
    assert len({(row["setting"], row["dataset"]) for row in rows if row["metric"] == "recall@1"}) == 2 * len(expected)


def test_seeds_are_pooled() -> None:
    rows = told(*(ranks_of(stage, ranks, seed=seed) for seed, ranks in ((0, SFT), (1, RL)) for stage in ("sft", "rl")))
    found = the(rows, "rl, valid", "recall@10")
    assert (found["value"], found["count"]) == ((4 + 7) / 16, 16)


def test_more_seeds_of_a_dialogue_are_no_more_evidence() -> None:
    """The same lists of five seeds: neither an interval nor a p is any smaller."""
    one, five = (told(*(ranks_of(*stage, seed=seed) for seed in range(n) for stage in (("sft", SFT), ("rl", RL)))) for n in (1, 5))
    for setting, metric in (("rl, valid", "ndcg@10"), ("rl over sft, valid", "ndcg@10 gain"), ("rl over sft, valid", "p")):
        first, last = (the(rows, setting, metric) for rows in (one, five))
        assert (last["count"], last["value"]) == (40, pytest.approx(first["value"]))
        ends = ("ci_low", "ci_high") if metric != "p" else ()
        assert [last[end] for end in ends] == pytest.approx([first[end] for end in ends])
    assert the(one, "rl over sft, valid", "p")["value"] == 2 / 2**4  # all four dialogues gain


def test_pairs_are_told_by_how_often_their_film_was_named() -> None:
    """f0 was named in four dialogues, f1 in none."""
    rows = told(ranks_of("sft", [3, 1] * 4), ranks_of("rl", [1, 3] * 4), named={"f0": 4, "f9": 99})
    often, never = (the(rows, f"rl over sft, valid, named {bucket} times", "ndcg@10 gain") for bucket in ("3-9", "0"))
    assert (often["value"], often["count"]) == (pytest.approx(1), 4) and (never["value"], never["count"]) == (pytest.approx(-1 / 2), 4)
    assert {row["setting"] for row in rows if ", named " in row["setting"]} == {
        f"rl over sft, {split}, named {bucket} times" for split in ("valid", "valid+test") for bucket in ("3-9", "0")
    }


def test_a_target_that_is_no_film_was_never_named() -> None:
    ranks = pa.concat_tables([ranks_of("sft", [1, 1]), ranks_of("rl", [1, 1])])
    truths = dict.fromkeys([("a:valid0#1", 0), ("a:valid0#1", 1)])
    rows = loop_rows(ranks, {"f0": 7}, truths, samples=20, seed=13)
    assert the(rows, "rl over sft, valid, named 0 times", "p")["count"] == 2


def test_only_claims_are_corrected() -> None:
    """A family is every retriever with every ranker of one split and data set; neither buckets nor the retrievers alone are in it."""
    better = {("rar", "base"): 8, ("rar", "oracle"): 4, ("dense", "base"): 6, ("dense", "oracle"): 0}
    parts = []
    for (retriever, ranker), count in better.items():
        shared = {"retriever": retriever, "ranker": ranker}
        parts += [ranks_of("sft", [9] * 16, **shared), ranks_of("rl", [1] * 2 * count + [9] * (16 - 2 * count), **shared)]
    rows = told(*parts)
    plain = [the(rows, "rl over sft, valid", "p", retriever=r, ranker=k)["value"] for r, k in better]
    corrected = [the(rows, "rl over sft, valid", "p (Holm)", retriever=r, ranker=k)["value"] for r, k in better]
    assert plain == [2 / 2**8, 2 / 2**4, 2 / 2**6, 1] and corrected == holm(plain) == [8 / 2**8, 4 / 2**4, 6 / 2**6, 1]
    told_so = {(row["setting"], row["ranker"]) for row in rows if row["metric"] == "p (Holm)"}
    assert told_so == {(f"rl over sft, {split}", ranker) for split in ("valid", "valid+test") for ranker in ("base", "oracle")}


def test_each_data_set_is_its_own_family() -> None:
    parts = [ranks_of(stage, ranks, dataset=name) for name in "ab" for stage, ranks in (("sft", [9] * 8), ("rl", [1] * 8))]
    rows = told(*parts)
    assert [the(rows, "rl over sft, valid", "p (Holm)", dataset=name)["value"] for name in ("a", "b", "all")] == [1 / 8, 1 / 8, 1 / 2**7]


@pytest.mark.parametrize("rows", [range(7), [0, 1, 2, 3, 4, 5, 6, 6]])
def test_stages_that_were_not_measured_on_the_same_pairs_are_refused(rows: Sequence[int]) -> None:
    with pytest.raises(EvaluationError, match=rf"8 and {len(rows)} pairs that are not the same; rank both again"):
        told(ranks_of("sft", SFT), ranks_of("rl", RL).take(list(rows)))


def test_stages_of_other_seeds_are_refused() -> None:
    with pytest.raises(EvaluationError, match="8 and 8 pairs that are not the same"):
        told(ranks_of("sft", SFT), ranks_of("rl", RL, seed=1))


def test_a_stage_without_its_start_has_means_alone() -> None:
    rows = told(ranks_of("sft", SFT), ranks_of("most_named", SFT, seed=3))
    assert {row["setting"] for row in rows} == {f"{stage}, {split}" for stage in ("sft", "most_named") for split in ("valid", "valid+test")}


# --- what lists show


def test_lists_that_show_all_films_alike() -> None:
    found = exposure([["a", "b"], ["c", "d"]], {}, 4)
    assert found == {"coverage": 1.0, "gini": pytest.approx(0, abs=1e-12), "mean log frequency": 0.0}


def test_lists_that_show_one_film_alone() -> None:
    """The most that a catalogue of 200 films can have is 199 / 200."""
    found = exposure([["a"]] * 9, {"a": 4}, 200)
    assert found == pytest.approx({"coverage": 1 / 200, "gini": 199 / 200, "mean log frequency": log1p(4)})


def test_exposure_by_hand() -> None:
    """Shown 3, 1, 0 and 0 times: (2 (4 * 3 + 3 * 1)) / (4 * 4) - 5 / 4."""
    found = exposure([["a", "b"], ["a"], ["a"], []], {"a": 1, "b": 7, "z": 99}, 4)
    assert found == pytest.approx({"coverage": 2 / 4, "gini": 30 / 16 - 5 / 4, "mean log frequency": (3 * log1p(1) + log1p(7)) / 4})


def test_no_list_shows_nothing() -> None:
    assert exposure([], {"a": 1}, 5) == {"coverage": 0.0, "gini": 0.0, "mean log frequency": 0.0}
