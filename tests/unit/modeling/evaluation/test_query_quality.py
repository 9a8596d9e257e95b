"""Overlap and closeness of queries against answers worked out by hand and against the formulas counted anew."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from modeling.errors import EvaluationError
from modeling.evaluation.query_quality import (
    BINS,
    OVERLAPS,
    QUANTILES,
    bleu,
    cosine_measures,
    cosines,
    histogram,
    overlap_measures,
    rouge,
)

REFERENCES = ["a quiet film about trains", "horror without blood"]
WORDS = st.lists(st.sampled_from("abcde"), min_size=1, max_size=7).map(" ".join)
PAIRS = st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=6)
SHARES = arrays(np.float64, st.integers(1, 30), elements=st.floats(-1, 1))


def grams(text: str, order: int) -> Counter[tuple[str, ...]]:
    words = text.split()
    return Counter(tuple(words[i : i + order]) for i in range(len(words) - order + 1))


def corpus_bleu(pairs: list[tuple[str, str]], order: int) -> float | None:
    """Papineni et al. 2002, equations 1 to 3 with one reference; None where an order has no match or no n-gram."""
    logs = []
    for n in range(1, order + 1):
        matched = sum((grams(query, n) & grams(reference, n)).total() for query, reference in pairs)
        counted = sum(grams(query, n).total() for query, _ in pairs)
        if not matched:
            return None
        logs.append(math.log(matched / counted))
    length, wanted = (sum(len(text.split()) for text in texts) for texts in zip(*pairs, strict=True))
    return math.exp(sum(logs) / order + min(0.0, 1 - wanted / length))


def f1(query: str, reference: str, order: int) -> float:
    matched = (grams(query, order) & grams(reference, order)).total()
    return 2 * matched / (grams(query, order).total() + grams(reference, order).total()) if matched else 0.0


def longest_common(query: str, reference: str) -> int:
    """Length of the longest common subsequence of words, by the textbook recursion over rows."""
    row = [0] * (len(reference.split()) + 1)
    for word in query.split():
        last = row
        row = [0]
        for j, other in enumerate(reference.split()):
            row.append(last[j] + 1 if word == other else max(row[j], last[j + 1]))
    return row[-1]


def test_the_same_texts_overlap_wholly() -> None:
    assert bleu(REFERENCES, REFERENCES) == pytest.approx({"bleu_1": 1, "bleu_2": 1, "bleu_3": 1})
    assert {name: values.tolist() for name, values in rouge(REFERENCES, REFERENCES).items()} == {
        "rouge_1": [1, 1],
        "rouge_2": [1, 1],
        "rouge_l": [1, 1],
    }


def test_bleu_by_hand() -> None:
    """4 of 6 words, 2 of 5 pairs of words, no triple of 4 (half a match); as long as the reference, so no penalty."""
    found = bleu(["the cat ate a mat today"], ["the cat sat on a mat"])
    assert found == pytest.approx({"bleu_1": 4 / 6, "bleu_2": (4 / 6 * 2 / 5) ** (1 / 2), "bleu_3": (4 / 6 * 2 / 5 * 0.5 / 4) ** (1 / 3)})


def test_a_short_query_is_penalised() -> None:
    assert bleu(["quiet film"], ["a quiet film about trains"])["bleu_1"] == pytest.approx(math.exp(1 - 5 / 2))


def test_rouge_by_hand() -> None:
    """Of 4 and 6 words 3 are common, one pair of 3 and 5, and 'the cat mat' in this order."""
    found = rouge(["the cat likes mat"], ["the cat sat on a mat"])
    assert {name: values.tolist() for name, values in found.items()} == {
        "rouge_1": [pytest.approx(2 * 3 / 10)],
        "rouge_2": [pytest.approx(2 * 1 / 8)],
        "rouge_l": [pytest.approx(2 * 3 / 10)],
    }


def test_case_does_not_count() -> None:
    assert bleu([text.upper() for text in REFERENCES], REFERENCES)["bleu_3"] == pytest.approx(1)
    assert rouge([text.upper() for text in REFERENCES], REFERENCES)["rouge_l"].tolist() == [1, 1]


@given(PAIRS)
def test_bleu_is_the_formula(pairs: list[tuple[str, str]]) -> None:
    queries, references = map(list, zip(*pairs, strict=True))
    found = bleu(queries, references)
    for name, order in (("bleu_1", 1), ("bleu_2", 2), ("bleu_3", 3)):
        wanted = corpus_bleu(pairs, order)
        assert 0 <= found[name] <= 1
        assert wanted is None or found[name] == pytest.approx(wanted)


@settings(deadline=None)  # the first call loads rouge_score
@given(PAIRS)
def test_rouge_is_the_formula(pairs: list[tuple[str, str]]) -> None:
    queries, references = map(list, zip(*pairs, strict=True))
    found = rouge(queries, references)
    assert found["rouge_1"] == pytest.approx([f1(query, reference, 1) for query, reference in pairs])
    assert found["rouge_2"] == pytest.approx([f1(query, reference, 2) for query, reference in pairs])
    lengths = [len(query.split()) + len(reference.split()) for query, reference in pairs]
    assert found["rouge_l"] == pytest.approx([2 * longest_common(*pair) / length for pair, length in zip(pairs, lengths, strict=True)])


def test_measures_come_per_mode_on_the_same_references() -> None:
    found = overlap_measures({"raw": ["nothing in common here", "x"], "expert": REFERENCES}, REFERENCES)
    assert [(measure.query_mode, measure.metric) for measure in found] == [(mode, name) for mode in ("raw", "expert") for name in OVERLAPS]
    assert {measure.value for measure in found if measure.query_mode == "raw"} == {0.0}
    assert [measure.value for measure in found if measure.query_mode == "expert"] == pytest.approx([1.0] * len(OVERLAPS))
    assert {measure.count for measure in found} == {2}


def test_rouge_of_a_mode_is_the_mean_over_queries() -> None:
    found = {measure.metric: measure.value for measure in overlap_measures({"expert": [REFERENCES[0], "x"]}, REFERENCES)}
    assert found["rouge_1"] == pytest.approx(0.5)


def test_an_empty_query_counts_and_scores_nothing() -> None:
    found = {measure.metric: measure.value for measure in overlap_measures({"direct": ["", ""]}, REFERENCES)}
    assert found == dict.fromkeys(OVERLAPS, 0.0)


def test_nothing_to_compare_gives_no_measure() -> None:
    assert overlap_measures({"raw": []}, []) == []
    assert bleu([], []) == {"bleu_1": 0.0, "bleu_2": 0.0, "bleu_3": 0.0}
    assert {name: values.shape for name, values in rouge([], []).items()} == {"rouge_1": (0,), "rouge_2": (0,), "rouge_l": (0,)}


def test_texts_that_do_not_pair_up_are_refused() -> None:
    with pytest.raises(EvaluationError, match=r"\(expert\): 1 queries and 2 references"):
        overlap_measures({"raw": REFERENCES, "expert": REFERENCES[:1]}, REFERENCES)


def test_an_empty_reference_is_refused() -> None:
    with pytest.raises(EvaluationError, match="reference 1 is empty"):
        overlap_measures({"raw": REFERENCES}, [REFERENCES[0], " "])


def test_cosines_by_hand() -> None:
    queries = np.array([[1, 0], [3, 4], [0, 2], [1, 1]], dtype=np.float32)
    films = np.array([[5, 0], [4, 3], [0, -1], [1, -1]], dtype=np.float32)
    assert cosines(queries, films).tolist() == pytest.approx([1, 24 / 25, -1, 0])


def test_cosines_stay_within_one() -> None:
    vectors = np.random.default_rng(1).normal(size=(500, 7))
    assert cosines(vectors, 3 * vectors).max() <= 1
    assert cosines(vectors, -vectors).min() >= -1


@pytest.mark.parametrize("films", [np.ones((2, 3)), np.ones((3, 2)), np.ones(2)])
def test_vectors_of_other_shapes_are_refused(films: np.ndarray) -> None:
    with pytest.raises(EvaluationError, match=r"\(2, 2\)"):
        cosines(np.ones((2, 2)), films)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_vector_without_direction_is_named(value: float) -> None:
    films = np.ones((3, 2))
    films[1] = value
    with pytest.raises(EvaluationError, match="film vector 1 is zero or not finite"):
        cosines(np.ones((3, 2)), films)


def test_the_distribution_by_hand() -> None:
    found = {m.metric: (m.value, m.count) for m in cosine_measures({"raw": np.linspace(0, 1, 101)})}
    assert list(found) == ["cosine_mean", "cosine_p05", "cosine_p25", "cosine_p50", "cosine_p75", "cosine_p90", "cosine_p95", "cosine_p99"]
    assert [value for value, _ in found.values()] == pytest.approx([0.5, *QUANTILES])
    assert {count for _, count in found.values()} == {101}


def test_the_histogram_by_hand() -> None:
    found = histogram({"raw": np.array([0.01, 0.02, 0.06]), "expert": np.array([0.16, 1.0])})
    raw = [(round(b.low, 9), round(b.high, 9), b.count) for b in found if b.query_mode == "raw"]
    assert raw[:3] == [(0.0, 0.05, 2), (0.05, 0.1, 1), (0.1, 0.15, 0)]
    expert = [b for b in found if b.query_mode == "expert"]
    assert [(b.count, b.share) for b in expert if b.count] == [(1, 0.5), (1, 0.5)]
    assert (len(raw), len(expert), expert[-1].high) == (BINS // 2, BINS // 2, 1.0)


@given(SHARES, SHARES)
def test_every_value_is_in_one_bin_and_modes_share_the_bins(raw: np.ndarray, expert: np.ndarray) -> None:
    found = histogram({"raw": raw, "expert": expert})
    bins = {mode: [b for b in found if b.query_mode == mode] for mode in ("raw", "expert")}
    assert {mode: sum(b.count for b in some) for mode, some in bins.items()} == {"raw": len(raw), "expert": len(expert)}
    assert [(b.low, b.high) for b in bins["raw"]] == [(b.low, b.high) for b in bins["expert"]]
    assert [sum(b.share for b in some) for some in bins.values()] == pytest.approx([1, 1])
    assert found[0].low <= min(raw.min(), expert.min()) and max(raw.max(), expert.max()) <= found[-1].high


def test_a_mode_without_pairs_has_no_rows() -> None:
    empty = {"raw": np.array([]), "expert": np.array([0.5])}
    assert {m.query_mode for m in cosine_measures(empty)} == {b.query_mode for b in histogram(empty)} == {"expert"}
    assert (cosine_measures({"raw": np.array([])}), histogram({})) == ([], [])


@pytest.mark.parametrize("value", [1.5, -2.0, np.nan])
def test_what_is_no_cosine_is_refused(value: float) -> None:
    with pytest.raises(EvaluationError, match="'raw' queries: one is"):
        histogram({"raw": np.array([0.1, value])})
    with pytest.raises(EvaluationError, match="'raw' queries: one is"):
        cosine_measures({"raw": np.array([0.1, value])})
