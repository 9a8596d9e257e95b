"""Link or abstain: thresholds, margins, reasons, overlaps and ties, with probabilities written by hand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from corpus_pipeline.linking.candidates import contexts
from corpus_pipeline.linking.consider import Considered, consider_texts, consider_titles
from corpus_pipeline.linking.decide import DECISION_COLUMNS, TEXT_LINKS, in_texts, of_titles
from corpus_pipeline.linking.evidence import Cues
from corpus_pipeline.linking.settings import DEFAULT
from corpus_pipeline.linking.title_index import TitleIndex, build_index
from corpus_pipeline.schema.fields import LAST_YEAR

Chances = Mapping[tuple[str, str], float]
Row = dict[str, Any]


@dataclass
class Oracle:
    """Stands for a scorer. `chances`: probability of (words of a stretch, end of the movie_id), 0 for those not told."""

    considered: Considered
    texts: list[str]
    index: TitleIndex
    chances: Chances
    threshold: float = 0.6
    margin: float = 0.1
    report: float = 0.2

    def probabilities(self, columns: Mapping[str, Any], stretch: Any) -> tuple[Any, Any]:
        pairs, words, spans = self.considered.pairs, self.considered.words, self.considered.spans
        ids = self.index.films.ids(pairs.film).to_pylist()
        start, end = words.start[spans.first[pairs.span]], words.end[spans.last[pairs.span] - 1]
        said = [self.texts[text][low:high] for text, low, high in zip(self.considered.text, start, end, strict=True)]
        found = np.array([self.chances.get((s.casefold(), i[-2:]), 0.0) for s, i in zip(said, ids, strict=True)], np.float64)
        assert len(found) == len(stretch)
        return found, np.bincount(stretch, found, int(stretch.max(initial=-1)) + 1)[stretch]


def _told(index: TitleIndex, text: str | list[str], chances: Chances, **over: Any) -> list[Row]:
    texts = [text] if isinstance(text, str) else text
    context = contexts(None, len(texts), np.full(len(texts), LAST_YEAR))
    considered = consider_texts(texts, context, index, Cues({}), DEFAULT)
    oracle: Any = Oracle(considered, texts, index, chances, **over)
    found = in_texts(considered, texts, index, oracle)
    assert found.schema == TEXT_LINKS
    return list(found.to_pylist())


def _one(index: TitleIndex, text: str, chances: Chances, **over: Any) -> Row:
    rows = _told(index, text, chances, **over)
    assert len(rows) == 1
    return rows[0]


def _titled(index: TitleIndex, title: str, chances: Chances, *, year: int = 0, imdb_id: str | None = None, **over: Any) -> Row:
    considered = consider_titles([title], np.array([year], np.int32), np.array([LAST_YEAR]), index, DEFAULT)
    kept: Any = Fixed(index, considered, title, chances, **over)
    return dict(of_titles(considered, [imdb_id], index, kept).to_pylist()[0])


class Fixed:
    """As `Oracle`, for titles: of_titles leaves films out before it asks, so they are told by their popularity, one for each."""

    def __init__(self, index: TitleIndex, considered: Considered, title: str, chances: Chances, **over: float) -> None:
        ids = index.films.ids(considered.pairs.film).to_pylist()
        self.of = {p: chances.get(("", i[-2:]), 0.0) for p, i in zip(considered.columns["popularity"].tolist(), ids, strict=True)}
        self.threshold, self.margin, self.report = over.get("threshold", 0.6), over.get("margin", 0.1), over.get("report", 0.2)

    def probabilities(self, columns: Mapping[str, Any], stretch: Any) -> tuple[Any, Any]:
        found = np.array([self.of[p] for p in columns["popularity"].tolist()], np.float64)
        return found, np.bincount(stretch, found, int(stretch.max(initial=-1)) + 1)[stretch]


# --- texts


def test_a_film_on_its_threshold_is_linked(index: TitleIndex) -> None:
    row = _one(index, "Plum", {("plum", "06"): 0.6})
    assert (row["link_status"], row["movie_id"], row["link_reason"]) == ("linked", "mq000000000006", None)
    assert (row["link_rule"], row["link_score"]) == ("exact_title", 0.6)


def test_below_the_threshold_the_best_candidate_is_named_but_not_linked(index: TitleIndex) -> None:
    row = _one(index, "Plum", {("plum", "06"): 0.5999})
    assert (row["link_status"], row["movie_id"], row["link_rule"]) == ("abstained", None, "abstain")
    assert row["link_reason"] == "low_probability: best candidate mq000000000006"
    assert row["link_score"] == 0.5999


def test_the_margin_is_measured_to_the_runner_up(index: TitleIndex) -> None:
    near = _one(index, "Plum", {("plum", "06"): 0.5, ("plum", "07"): 0.45}, threshold=0.4)
    assert (near["movie_id"], near["link_reason"]) == (None, "ambiguous: best candidate mq000000000006")
    assert (near["runner_up_movie_id"], near["runner_up_score"]) == ("mq000000000007", 0.45)
    assert _one(index, "Plum", {("plum", "06"): 0.5, ("plum", "07"): 0.39}, threshold=0.4)["movie_id"] == "mq000000000006"


def test_it_is_ambiguous_which_film_where_some_film_is_sure(index: TitleIndex) -> None:
    assert _one(index, "Plum", {("plum", "06"): 0.5, ("plum", "07"): 0.3})["link_reason"].startswith("ambiguous:")
    assert _one(index, "Plum", {("plum", "06"): 0.5, ("plum", "07"): 0.05})["link_reason"].startswith("low_probability:")


def test_another_year_beside_it_is_the_reason(index: TitleIndex) -> None:
    row = _one(index, "Plum (1955)", {("plum", "06"): 0.5, ("plum", "07"): 0.3})
    assert (row["link_reason"], row["year_given"]) == ("year_disagrees: best candidate mq000000000006", 1955)
    sure = _one(index, "Plum (1955)", {("plum", "06"): 0.9})
    assert (sure["movie_id"], sure["link_reason"]) == ("mq000000000006", None)


def test_only_stretches_that_may_name_a_film_are_told(index: TitleIndex) -> None:
    assert _told(index, "Plum", {("plum", "06"): 0.1, ("plum", "07"): 0.09}) == []
    assert len(_told(index, "Plum", {("plum", "06"): 0.1, ("plum", "07"): 0.1})) == 1
    assert _told(index, "Plum", {}, report=0.01) == []


def test_of_stretches_that_overlap_the_likelier_is_chosen(index: TitleIndex) -> None:
    text = "see Vortex Riders Return to Umber"
    longer, head, tail = ("vortex riders return to umber", "04"), ("vortex riders", "04"), ("return to umber", "04")
    assert [row["surface"] for row in _told(index, text, {longer: 0.7, head: 0.6, tail: 0.6})] == ["Vortex Riders Return to Umber"]
    assert [row["surface"] for row in _told(index, text, {longer: 0.6, head: 0.7, tail: 0.65})] == ["Vortex Riders", "Return to Umber"]
    assert [row["surface"] for row in _told(index, text, {longer: 0.6, tail: 0.61})] == ["Return to Umber"]


def test_equal_stretches_that_overlap_are_taken_from_the_left(index: TitleIndex) -> None:
    rows = _told(index, "Quillback 2 Plum", {("quillback", "17"): 0.5, ("quillback 2", "18"): 0.5, ("plum", "06"): 0.5})
    assert len(rows) == 2
    assert [row["span_start"] for row in rows] == [0, 12]


def test_links_come_in_the_order_of_texts_and_places(index: TitleIndex) -> None:
    chances = {("plum", "06"): 0.7, ("ox", "09"): 0.9, ("window", "19"): 0.8}
    rows = _told(index, ["Plum, Ox and Window", "", "Window, Plum"], chances)
    assert [(row["text_index"], row["surface"]) for row in rows] == [(0, "Plum"), (0, "Ox"), (0, "Window"), (2, "Window"), (2, "Plum")]


def test_an_article_belongs_to_the_film_that_has_one(index: TitleIndex) -> None:
    """'A Plum' has one, 'Plum' has none: the surface tells which film is meant."""
    assert _one(index, "see a Plum", {("plum", "07"): 0.7})["surface"] == "a Plum"
    assert _one(index, "see a Plum", {("plum", "06"): 0.7})["surface"] == "Plum"


def test_an_article_that_ends_the_title_before_is_not_told_twice(films: Callable[..., Any]) -> None:
    made = build_index(films(("01", ("Vitamin A",), 2000, 3.0, None), ("02", ("A Plum",), 1931, 3.0, None)))
    chances = {("vitamin a", "01"): 0.9, ("plum", "02"): 0.8}
    assert [row["surface"] for row in _told(made, "Vitamin A Plum", chances)] == ["Vitamin A", "Plum"]
    assert [row["surface"] for row in _told(made, "Vitamin A, a Plum", chances)] == ["Vitamin A", "a Plum"]


@pytest.mark.parametrize(
    ("text", "said", "suffix", "rule"),
    [
        ("Plum (2011)", "plum", "06", "exact_title_year"),
        ("Plum (2012)", "plum", "06", "exact_title_near_year"),
        ("Plum (2014)", "plum", "06", "exact_title"),
        ("Plum", "plum", "06", "exact_title"),
        ("The Salt Engine", "salt engine", "03", "part_of_title"),
        ("The Salt Engine (1999)", "salt engine", "03", "part_of_title"),
        ("LOTNG", "lotng", "15", "acronym"),
        ('"Grandmother Was a Cartografer"', "grandmother was a cartografer", "08", "fuzzy_title"),
        ('"Grandmother Was a Cartografer" (2010)', "grandmother was a cartografer", "08", "fuzzy_title_year"),
        ('"Grandmother Was a Cartografer" (2009)', "grandmother was a cartografer", "08", "fuzzy_title_year"),
        ('"Grandmother Was a Cartografer" (2005)', "grandmother was a cartografer", "08", "fuzzy_title"),
    ],
)
def test_the_rule_says_how_the_title_was_met(index: TitleIndex, text: str, said: str, suffix: str, rule: str) -> None:
    row = _one(index, text, {(said, suffix): 0.9})
    assert (row["movie_id"], row["link_rule"]) == (f"mq0000000000{suffix}", rule)


def test_equal_films_are_ordered_by_id(films: Callable[..., Any]) -> None:
    twins = build_index(films(("05", ("Twin",), 2000, 1.0, None), ("03", ("Twin",), 2000, 2.0, None), ("04", ("Twin",), 2000, 3.0, None)))
    chances = {("twin", suffix): 0.3 for suffix in ("03", "04", "05")}
    row = _one(twins, "Twin", chances)
    assert row["link_reason"] == "ambiguous: best candidate mq000000000003"
    assert row["runner_up_movie_id"] == "mq000000000004"
    bold = _one(twins, "Twin", chances, threshold=0.3, margin=0.0)
    assert (bold["movie_id"], bold["runner_up_movie_id"]) == ("mq000000000003", "mq000000000004")


def test_a_film_alone_has_no_runner_up(index: TitleIndex) -> None:
    row = _one(index, "Ox", {("ox", "09"): 0.9})
    assert (row["runner_up_movie_id"], row["runner_up_score"]) == (None, None)


def test_texts_without_any_candidate_give_no_rows(index: TitleIndex) -> None:
    assert _told(index, [], {}) == _told(index, ["", "nothing of the kind"], {}) == []


# --- titles


def test_an_imdb_id_beats_the_title(index: TitleIndex) -> None:
    row = _titled(index, "Ox", {("", "09"): 0.99}, imdb_id="tt9000012")
    assert row == {
        "movie_id": "mq000000000012", "link_status": "linked", "link_rule": "authority_id", "link_score": 1.0,
        "runner_up_movie_id": None, "runner_up_score": None, "link_reason": None,
    }  # fmt: skip


def test_an_unknown_id_leaves_the_films_without_one(index: TitleIndex) -> None:
    """A film that has another IMDb id is another film; one without may be this one."""
    assert _titled(index, "Ox", {("", "09"): 0.99}, imdb_id="tt7777777")["link_reason"] == "unknown_authority_id"
    found = _titled(index, "Harbour & Hound", {("", "10"): 0.9}, imdb_id="tt7777777")
    assert (found["movie_id"], found["link_rule"]) == ("mq000000000010", "exact_title")


@pytest.mark.parametrize("imdb_id", ["", "tt", "9000009", "ttx", "tt²", "tt-1", "tt" + "9" * 40, "\ud800"])
def test_what_is_no_id_is_an_unknown_one(index: TitleIndex, imdb_id: str) -> None:
    row = _titled(index, "Ox", {("", "09"): 0.99}, imdb_id=imdb_id)
    assert (row["link_status"], row["link_reason"]) == ("abstained", "unknown_authority_id")


def test_a_title_that_nothing_resembles_has_no_candidate(index: TitleIndex) -> None:
    row = _titled(index, "Never Filmed at All", {})
    assert {name: value for name, value in row.items() if value is not None} == {
        "link_status": "abstained",
        "link_rule": "abstain",
        "link_reason": "no_candidate",
    }


@pytest.mark.parametrize(
    ("title", "year", "suffix", "rule"),
    [
        ("The Copper Lighthouse", 1962, "01", "exact_title_year"),
        ("Copper Lighthouse", 1963, "01", "exact_title_near_year"),
        ("The Copper Lighthouse", 0, "02", "exact_title"),
        ("An Ox", 1988, "09", "exact_title_year"),
        ("Return to Umber", 2002, "04", "part_of_title"),
        ("Ox: The Long Night", 1988, "09", "part_of_title"),
        ("The Long Night: The Ox", 0, "09", "part_of_title"),
        ("The Copper Lighthuose", 2004, "02", "fuzzy_title_year"),
        ("Copper Lighthuose", 0, "02", "fuzzy_title"),
    ],
)
def test_the_rule_of_a_title(index: TitleIndex, title: str, year: int, suffix: str, rule: str) -> None:
    """A leading article is no part of a key: a title with another one, or none, is whole all the same."""
    row = _titled(index, title, {("", suffix): 0.9}, year=year)
    assert (row["movie_id"], row["link_rule"]) == (f"mq0000000000{suffix}", rule)


def test_a_title_is_told_however_unlikely(index: TitleIndex) -> None:
    row = _titled(index, "Plum", {("", "07"): 0.02, ("", "06"): 0.01})
    assert (row["link_reason"], row["link_score"]) == ("low_probability: best candidate mq000000000007", 0.02)
    assert (row["runner_up_movie_id"], row["runner_up_score"]) == ("mq000000000006", 0.01)


def test_decisions_have_one_row_per_title(index: TitleIndex) -> None:
    considered = consider_titles([], np.zeros(0, np.int32), np.zeros(0, np.int32), index, DEFAULT)
    anything: Any = Fixed(index, considered, "", {})
    empty = of_titles(considered, [], index, anything)
    assert (empty.num_rows, tuple(empty.column_names)) == (0, DECISION_COLUMNS)
    assert empty.schema.field("link_score").type == pa.float64()
