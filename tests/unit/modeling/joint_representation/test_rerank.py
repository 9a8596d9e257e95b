"""Both mixes against slow references in exact arithmetic and plain lists."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modeling.errors import ConfigError
from modeling.joint_representation.histories import Histories
from modeling.joint_representation.rerank import rerank_code, rerank_paper
from modeling.joint_representation.retrieval import Retrieved

GAMMAS = {"1/2": Fraction(1, 2), "2/3": Fraction(2, 3), "4/5": Fraction(4, 5), "0": Fraction(0), "1": Fraction(1)}


def slow_paper(similar: list[int], history: list[int], count: int, gamma: Fraction, beta: int, variant: str) -> list[int]:
    def position(k: int) -> Fraction:
        return Fraction(1) if k == 1 else Fraction(1, k**beta if variant == "power" else k * beta)

    similar, recent = [entry for entry in similar[:count] if entry >= 0], history[::-1][:count]
    scores: dict[int, Fraction] = {}
    for weight, channel in ((gamma, similar), (1 - gamma, recent)):
        for k, entry in enumerate(channel, 1):
            scores[entry] = scores.get(entry, Fraction(0)) + weight * position(k)
    order = {entry: place for place, entry in enumerate(dict.fromkeys([*similar, *recent]))}
    return sorted(scores, key=lambda entry: (-scores[entry], order[entry]))[:count]


def slow_code(similar: list[int], history: list[int], count: int) -> list[int]:
    kept = sorted((entry for entry in similar[:count] if entry >= 0), reverse=True)[: 2 * count // 3]
    recent = [entry for entry in history[::-1] if entry not in kept][: count - 2 * count // 3]
    return kept + recent[::-1]


@st.composite
def cases(draw: st.DrawFn) -> tuple[Histories, np.ndarray, Retrieved, list[list[int]], list[list[int]], int]:
    lengths = draw(st.lists(st.integers(1, 15), min_size=1, max_size=4))
    total, count, width = sum(lengths), draw(st.integers(1, 9)), draw(st.integers(1, 12))
    offsets = np.cumsum([0, *lengths]).astype(np.int64)
    histories = Histories(offsets, np.zeros(total, np.int32), np.ones(total, bool))
    targets = np.array(draw(st.lists(st.integers(0, total - 1), unique=True, min_size=1).map(sorted)))
    pasts = [list(range(int(offsets[offsets <= target][-1]), int(target))) for target in targets]
    shown = [draw(st.permutations(past))[: draw(st.integers(0, width))] for past in pasts]
    entries = np.array([list(row) + [-1] * (width - len(row)) for row in shown], np.int32)
    return histories, targets, Retrieved(entries, np.zeros(entries.shape, np.float32)), [list(row) for row in shown], pasts, count


def listed(row: np.ndarray) -> list[int]:
    """The entries of a row, whose padding must be at its end."""
    there: list[int] = row[row >= 0].tolist()
    assert row.tolist() == there + [-1] * (len(row) - len(there))
    return there


@settings(max_examples=200, deadline=None)
@given(cases(), st.sampled_from(sorted(GAMMAS)), st.sampled_from([1, 2, 3]), st.sampled_from(["power", "product"]))
def test_paper_against_fractions(case, gamma, beta, variant) -> None:  # type: ignore[no-untyped-def]
    histories, targets, retrieved, shown, pasts, count = case
    exact = GAMMAS[gamma]
    found = rerank_paper(retrieved, histories, targets, count=count, gamma=float(exact), beta=beta, print_variant=variant)
    assert found.entries.shape == (len(targets), count) and found.entries.dtype == np.int32
    for row, similar, past in zip(found.entries, shown, pasts, strict=True):
        assert listed(row) == slow_paper(similar, past, count, exact, beta, variant)


@settings(max_examples=200, deadline=None)
@given(cases())
def test_code_against_lists(case) -> None:  # type: ignore[no-untyped-def]
    histories, targets, retrieved, shown, pasts, count = case
    found = rerank_code(retrieved, histories, targets, count=count)
    for row, similar, past in zip(found.entries, shown, pasts, strict=True):
        assert listed(row) == slow_code(similar, past, count)


def apart() -> tuple[Histories, np.ndarray, Retrieved]:
    """A history of 100; the 30 most similar are its oldest, entry 0 the most similar: no entry is in both channels."""
    histories = Histories(np.array([0, 101]), np.zeros(101, np.int32), np.ones(101, bool))
    return histories, np.array([100]), Retrieved(np.arange(30, dtype=np.int32)[None], np.zeros((1, 30), np.float32))


@pytest.mark.parametrize("count", [3, 6, 15, 30])
def test_two_similar_to_one_recent(count: int) -> None:
    histories, targets, retrieved = apart()
    row = rerank_paper(retrieved, histories, targets, count=count).entries[0].tolist()
    assert sorted(row) == [*range(2 * count // 3), *range(100 - count // 3, 100)]
    assert row[:3] == [0, 1, 99]  # 2/3, then 1/3 twice: the tie goes to similarity


def test_the_code_keeps_the_latest_of_the_similar_where_the_paper_keeps_the_most_similar() -> None:
    histories, targets, retrieved = apart()
    assert rerank_code(retrieved, histories, targets, count=6).entries[0].tolist() == [5, 4, 3, 2, 98, 99]
    assert sorted(rerank_paper(retrieved, histories, targets, count=6).entries[0].tolist()) == [0, 1, 2, 3, 98, 99]


def test_the_two_prints_differ() -> None:
    histories, targets, retrieved = apart()
    rows = [
        rerank_paper(retrieved, histories, targets, count=6, gamma=0.5, beta=2, print_variant=variant).entries[0].tolist()
        for variant in ("power", "product")
    ]
    assert rows[0] == rows[1] == [0, 99, 1, 98, 2, 97]  # equal weights interleave the channels either way
    shifted = rerank_paper(retrieved, histories, targets, count=6, gamma=0.8, beta=2, print_variant="product").entries[0].tolist()
    assert shifted != rerank_paper(retrieved, histories, targets, count=6, gamma=0.8, beta=2).entries[0].tolist()


@pytest.mark.parametrize("settings_", [{"gamma": 1.5}, {"beta": 0}, {"print_variant": "print"}])
def test_settings_out_of_range(settings_: dict[str, object]) -> None:
    histories, targets, retrieved = apart()
    with pytest.raises(ConfigError, match=next(iter(settings_))):
        rerank_paper(retrieved, histories, targets, count=3, **settings_)  # type: ignore[arg-type]
