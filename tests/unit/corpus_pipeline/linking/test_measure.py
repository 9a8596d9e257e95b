"""Measures of links against gold, counted by hand on a handful of texts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from corpus_pipeline.linking.decide import TEXT_LINKS
from corpus_pipeline.linking.gold import MENTIONS, TEXTS, Gold
from corpus_pipeline.linking.measure import Outcomes, best_ids, curve, false_links, metrics, outcomes

Row = dict[str, Any]
GROUPS = ("test", "test", "tune", "test")  # of the texts
SAID = ("one two three", "four five", "six", "seven eight nine ten")


def mention(text: int, place: tuple[int, int] | None, film: str | None, **over: Any) -> Row:
    start, end = place or (None, None)
    row = {"text_id": text, "mention_index": 0, "span_start": start, "span_end": end, "movie_id": film, "is_known": True, "group": "test"}
    return {**row, "kinds": ["exact"] if place else ["no_span"], **over}


def link(text: int, place: tuple[int, int], film: str, score: float, *, linked: bool = True) -> Row:
    return {
        "text_index": text, "span_start": place[0], "span_end": place[1], "surface": "x", "link_score": score,
        "movie_id": film if linked else None, "link_status": "linked" if linked else "abstained",
        "link_reason": None if linked else f"ambiguous: best candidate {film}",
    }  # fmt: skip


def gold(*mentions: Row) -> Gold:
    texts = [{"text_id": n, "text": text, "group": group} for n, (text, group) in enumerate(zip(SAID, GROUPS, strict=True))]
    return Gold(pa.Table.from_pylist(texts, schema=TEXTS), pa.Table.from_pylist(list(mentions), schema=MENTIONS))


def links(*rows: Row) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=TEXT_LINKS)


def measured(mentions: Sequence[Row], told: Sequence[Row], groups: Sequence[str] = ("test",), texts: Sequence[int] = range(4)) -> Outcomes:
    return outcomes(gold(*mentions), links(*told), groups=groups, texts=np.array(texts))


def value(found: Outcomes, metric: str, part: str = "all") -> float:
    (row,) = [row for row in metrics(found) if (row["slice"], row["metric"]) == (part, metric)]
    assert isinstance(row["value"], float)
    return row["value"]


@pytest.mark.parametrize(
    ("place", "film", "is_right", "is_exact", "is_met"),
    [
        ((4, 9), "m1", True, True, True),
        ((0, 9), "m1", True, True, True),  # an article more
        ((4, 9), "m2", False, True, True),
        ((4, 8), "m1", True, False, True),
        ((5, 12), "m2", False, False, True),
        ((0, 4), "m1", False, False, False),
        ((9, 12), "m1", False, False, False),
    ],
)
def test_a_link_is_about_the_mention_it_shares_characters_with(
    place: tuple[int, int], film: str, is_right: bool, is_exact: bool, is_met: bool
) -> None:
    found = measured([mention(0, (4, 9), "m1")], [link(0, place, film, 0.9)])
    assert (found.is_right.tolist(), found.is_exact.tolist(), (found.mention > 0).tolist()) == ([is_right], [is_exact], [is_met])


def test_across_two_mentions_the_one_of_the_same_film_counts() -> None:
    found = measured([mention(0, (0, 3), "m1"), mention(0, (5, 9), "m2", kinds=["lower"])], [link(0, (0, 9), "m2", 0.9)])
    assert (found.is_right.tolist(), found.kinds) == ([True], [["lower"]])


def test_a_mention_without_a_place_is_met_by_its_film_anywhere_in_its_text() -> None:
    told = [link(0, (0, 3), "m1", 0.9), link(0, (4, 9), "m2", 0.8), link(1, (0, 4), "m1", 0.7)]
    found = measured([mention(0, None, "m1")], told)
    assert found.is_right.tolist() == [True, False, False]
    assert found.spanned.tolist() == [False]


def test_only_the_asked_groups_count() -> None:
    mentions = [mention(0, (0, 3), "m1"), mention(0, (4, 9), "m2", group="train"), mention(2, (0, 3), "m3", group="tune")]
    told = [
        link(0, (0, 3), "m1", 0.9),
        link(0, (4, 9), "m2", 0.8),
        link(2, (0, 3), "m3", 0.7),
        link(1, (0, 4), "m4", 0.6),
        link(2, (1, 2), "m5", 0.5),
    ]
    assert measured(mentions, told).score.tolist() == [0.9, 0.6]  # outside every mention the text's group decides
    assert measured(mentions, told, groups=["tune"]).score.tolist() == [0.7, 0.5]
    assert measured(mentions, told, groups=["tune"]).is_right.tolist() == [True, False]
    assert measured(mentions, told, texts=[1, 2]).score.tolist() == [0.6]
    assert [len(measured(mentions, told, groups=groups).wanted) for groups in (["test"], ["test", "train"], ["valid"])] == [1, 2, 0]


def test_where_gold_does_not_know_nothing_counts() -> None:
    mentions = [mention(0, (0, 3), None, is_known=False), mention(1, (0, 4), None, kinds=["not_in_catalogue"])]
    found = measured(mentions, [link(0, (0, 3), "m1", 0.9), link(1, (0, 4), "m1", 0.8)])
    assert (found.score.tolist(), found.is_right.tolist(), found.wanted) == ([0.8], [False], [])
    assert value(found, "precision", "not_in_catalogue") == 0


def test_the_best_film_of_an_abstention_counts_for_the_film_and_not_for_the_links() -> None:
    told = links(link(0, (0, 3), "m1", 0.4, linked=False), link(0, (4, 7), "m2", 0.9))
    assert best_ids(told).to_pylist() == ["m1", "m2"]
    found = outcomes(gold(mention(0, (0, 3), "m1")), told, groups=["test"], texts=np.arange(4))
    assert (value(found, "film_accuracy"), value(found, "recall")) == (1, 0)


MENTIONED = [
    mention(0, (0, 3), "m1", kinds=["exact", "no_year"]),
    mention(0, (4, 9), "m2", kinds=["lower", "no_year"]),
    mention(1, (0, 4), "m3", kinds=["exact", "remake"]),
    mention(3, None, "m4"),
    mention(3, (6, 11), "m5", kinds=["misspelled"]),
]
TOLD = [
    link(0, (0, 3), "m1", 0.95),  # right
    link(0, (4, 9), "m9", 0.90),  # wrong film
    link(1, (0, 4), "m3", 0.85, linked=False),  # right, abstained from
    link(3, (0, 5), "m4", 0.80),  # right, at an unknown place
    link(3, (12, 16), "m5", 0.75),  # outside every mention
]


def test_end_to_end() -> None:
    found = measured(MENTIONED, TOLD)
    assert value(found, "precision") == pytest.approx(2 / 4)
    assert value(found, "recall") == pytest.approx(2 / 5)
    assert value(found, "f1") == pytest.approx(2 * 0.5 * 0.4 / 0.9)
    assert value(found, "coverage") == pytest.approx(3 / 5)


def test_detection_does_not_ask_for_the_film_nor_count_unknown_places() -> None:
    found = measured(MENTIONED, TOLD)
    assert value(found, "detection_precision") == pytest.approx(2 / 3)
    assert value(found, "detection_recall") == pytest.approx(2 / 4)
    assert value(found, "detection_f1") == pytest.approx(2 * (2 / 3) * 0.5 / (2 / 3 + 0.5))
    assert value(found, "film_accuracy") == pytest.approx(2 / 3)


def test_slices_hold_their_own_mentions_alone() -> None:
    found = measured(MENTIONED, TOLD)
    assert {part: value(found, "recall", part) for part in ("exact", "lower", "no_year", "remake", "no_span", "misspelled")} == {
        "exact": 0.5, "lower": 0, "no_year": 0.5, "remake": 0, "no_span": 1, "misspelled": 0,
    }  # fmt: skip
    assert value(found, "precision", "no_year") == 0.5
    assert (value(found, "film_accuracy", "exact"), value(found, "film_accuracy", "lower")) == (1, 0)
    names = {(row["slice"], row["metric"]) for row in metrics(found)}
    assert len(names) == len(metrics(found)) and ("quoted", "recall") not in names


def test_the_second_right_link_of_a_mention_counts_neither_way() -> None:
    mentions, told = [mention(0, (0, 7), "m1")], [link(0, (0, 3), "m1", 0.9), link(0, (4, 7), "m1", 0.8)]
    found = measured(mentions, told)
    assert (value(found, "precision"), value(found, "recall")) == (1, 1)
    assert [points.tolist() for points in curve(found)] == [[1], [1], [0.9]]
    wrong = measured(mentions, [link(0, (0, 3), "m2", 0.9), link(0, (4, 7), "m3", 0.8)])
    assert value(wrong, "precision") == 0 and len(curve(wrong)[0]) == 2


def test_the_curve_falls_with_the_threshold_and_counts_abstentions() -> None:
    found = measured(MENTIONED, TOLD)
    recall, precision, score = curve(found)
    assert recall == pytest.approx([0.2, 0.2, 0.4, 0.6, 0.6])
    assert precision == pytest.approx([1, 1 / 2, 2 / 3, 3 / 4, 3 / 5])
    assert score == pytest.approx([0.95, 0.90, 0.85, 0.80, 0.75])
    assert value(found, "highest_recall") == pytest.approx(0.6)
    assert value(found, "precision_at_recall_0.80") == 0
    easy = measured(MENTIONED[:1], [*TOLD[:1], link(0, (4, 9), "m9", 0.99)])
    assert value(easy, "precision_at_recall_0.90") == pytest.approx(1 / 2)


def test_order_of_the_links_changes_nothing() -> None:
    there, back = measured(MENTIONED, TOLD), measured(MENTIONED, TOLD[::-1])
    assert metrics(there) == metrics(back)


def test_without_links_or_mentions_every_measure_is_zero() -> None:
    for found in (measured(MENTIONED, []), measured([], TOLD), measured([], [])):
        assert all(row["value"] == 0 for row in metrics(found))


def test_false_links_are_told_per_thousand_words_of_texts_that_name_nothing() -> None:
    told = [link(1, (0, 4), "m1", 0.9), link(2, (0, 3), "m1", 0.9, linked=False), link(0, (0, 3), "m1", 0.9)]
    marked = gold(mention(0, (0, 3), "m1"), mention(3, None, None, is_known=False))
    assert false_links(marked, links(*told), np.arange(4)) == pytest.approx((1000 / 3, 3))
    assert false_links(marked, links(*told), np.array([2])) == (0, 1)
    assert false_links(marked, links(*told), np.array([0])) == (0, 0)
