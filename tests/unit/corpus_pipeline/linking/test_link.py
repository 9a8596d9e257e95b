"""The linker end to end on a made-up catalogue, with the weights that ship: clear cases, reasons, what must not matter."""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from corpus_pipeline.errors import ContractError, LinkError
from corpus_pipeline.linking import link
from corpus_pipeline.linking.decide import TEXT_LINKS
from corpus_pipeline.linking.gold import COLLECTED
from corpus_pipeline.linking.link import Linker, link_dialogue_movies, link_mentions
from corpus_pipeline.linking.title_index import build_index
from corpus_pipeline.linking.weights import Scorer
from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import LINK_DIALOGUE_MOVIES, LINK_MENTIONS, MENTIONS
from corpus_pipeline.schema.types import Table

Tables = Mapping[Table, pa.Table]
Asked = Callable[..., pa.Table]
Films = Callable[..., Tables]
Row = dict[str, Any]


def _linear(weights: Mapping[str, float], bias: float, threshold: float = 0.5) -> Scorer:
    """A scorer that adds up features, weighed by hand."""
    names = list(weights)
    matrix = np.array([[weight] for weight in weights.values()], np.float32)
    layers = [(matrix, np.array([bias], np.float32))]
    return Scorer(names, np.zeros(len(names)), np.ones(len(names)), layers, 1.0, 0.0, threshold, 0.1, 0.2)


def _ends(links: pa.Table) -> list[str | None]:
    return [code and code[-2:] for code in links["movie_id"].to_pylist()]


# --- titles


@pytest.mark.parametrize(
    ("title", "year", "suffix", "rule"),
    [
        ("The Copper Lighthouse", 1962, "01", "exact_title_year"),
        ("copper lighthouse", 2004, "02", "exact_title_year"),
        ("The Copper Lighthouse", 2005, "02", "exact_title_near_year"),
        ("Harbour and Hound", 1975, "10", "exact_title_year"),
        ("12 Orchards", 1957, "11", "exact_title_year"),
        ("Vortex Riders III", 2006, "05", "exact_title_year"),
        ("Vortex Riders: Return to Umber", 2002, "04", "exact_title_year"),
        ("Return to Umber", 2002, "04", "part_of_title"),
        ("Grossmutter zeichnete Karten", 2010, "08", "exact_title_year"),
        ("Grandmother Was a Cartografer", 2010, "08", "fuzzy_title_year"),
        ("Grandmother Was a Cartografer", 2011, "08", "fuzzy_title_year"),
        ("Grandmother Was a Cartographer", None, "08", "exact_title"),
        ("Mirrorwise", 1997, "13", "exact_title_year"),
        ("Quillback 2", None, "18", "exact_title"),
        ("Quillback", 2008, "17", "exact_title_year"),
    ],
)
def test_a_title_is_linked_by_the_rule_that_fits(
    linker: Linker, asked: Asked, title: str, year: int | None, suffix: str, rule: str
) -> None:
    row = linker.link_titles(asked((title, year, None))).to_pylist()[0]
    assert (row["movie_id"], row["link_rule"], row["link_status"]) == (f"mq0000000000{suffix}", rule, "linked")
    assert row["link_reason"] is None
    assert (row["runner_up_score"] or 0) < row["link_score"] <= 1


@pytest.mark.parametrize(
    ("title", "year", "code"),
    [
        ("Never Filmed at All", 1999, "no_candidate"),
        ("", None, "no_candidate"),
        (None, None, "no_candidate"),
        ("?!", 1968, "no_candidate"),
        ("Oxx", 1988, "no_candidate"),  # too short to be a misspelling of anything
        ("The Copper Lighthouse", 1983, "year_disagrees"),
        ("Mirrorwise", None, "ambiguous"),
    ],
)
def test_the_linker_abstains_with_a_reason(linker: Linker, asked: Asked, title: str | None, year: int | None, code: str) -> None:
    row = linker.link_titles(asked((title, year, None))).to_pylist()[0]
    assert (row["movie_id"], row["link_status"], row["link_rule"]) == (None, "abstained", "abstain")
    assert row["link_reason"].split(":")[0] == code


def test_the_article_tells_namesakes_apart(linker: Linker, asked: Asked) -> None:
    rows = linker.link_titles(asked(("Plum", None, None), ("A Plum", None, None))).to_pylist()
    chance = [{row["movie_id"]: row["link_score"], row["runner_up_movie_id"]: row["runner_up_score"]} for row in rows]
    assert chance[0]["mq000000000006"] > chance[0]["mq000000000007"]
    assert chance[1]["mq000000000007"] > chance[1]["mq000000000006"]


def test_the_runner_up_is_the_namesake(linker: Linker, asked: Asked) -> None:
    row = linker.link_titles(asked(("The Copper Lighthouse", 2004, None))).to_pylist()[0]
    assert row["runner_up_movie_id"] == "mq000000000001"


def test_an_imdb_id_beats_the_title(linker: Linker, asked: Asked) -> None:
    titles = asked(("Ox", 1988, "tt9000012"), ("", None, "tt9000009"), ("Ox", 1988, "tt7777777"), ("Harbour & Hound", 1975, "tt7777777"))
    links = linker.link_titles(titles)
    assert _ends(links) == ["12", "09", None, "10"]
    assert links["link_rule"].to_pylist() == ["authority_id", "authority_id", "abstain", "exact_title_year"]
    # 'Ox' of the catalogue has another IMDb id, so it is another film; 'Harbour & Hound' has none, so it may be this one.
    assert links["link_reason"].to_pylist()[2] == "unknown_authority_id"


@pytest.mark.parametrize("dataset", COLLECTED)
def test_a_film_from_after_the_dialogues_is_not_meant(linker: Linker, films: Films, asked: Asked, dataset: str) -> None:
    """A film of the next year may be spoken of before it is shown; one of the year after that may not."""
    year = COLLECTED[dataset]
    made = build_index(
        films(("01", ("Harrow",), 1950, 3.0, None), ("02", ("Harrow",), year + 1, 5.0, None), ("03", ("Harrow",), year + 2, 6, None))
    )
    row = Linker(made, linker.weights).link_titles(asked(("Harrow", None, None), dataset=dataset)).to_pylist()[0]
    best = row["movie_id"] or row["link_reason"][-14:]
    assert {best, row["runner_up_movie_id"]} == {"mq000000000001", "mq000000000002"}
    later = Linker(made, linker.weights).link_titles(asked(("Harrow", year + 2, None), dataset="starter"))
    assert _ends(later) == ["03"]


def test_equal_films_are_ordered_by_id(linker: Linker, films: Films, asked: Asked) -> None:
    twins = build_index(films(("05", ("Twin Harrow",), 2000, 3.0, None), ("03", ("Twin Harrow",), 2000, 3.0, None)))
    row = Linker(twins, linker.weights).link_titles(asked(("Twin Harrow", 2000, None))).to_pylist()[0]
    assert row["link_reason"] == "ambiguous: best candidate mq000000000003"
    assert row["runner_up_movie_id"] == "mq000000000005"
    assert row["runner_up_score"] == row["link_score"] <= 0.5


def test_no_title_depends_on_the_others(linker: Linker, asked: Asked) -> None:
    rows = [("Plum", 2011, None), ("", None, None), ("Mirorwise", 1997, None), ("Ox", 1988, "tt9000012"), ("lotng", None, None)]
    rows += [("Vortex Riders 4", None, None), ("Plum: Ox", None, None), ("no such film", 2000, None)]
    together = linker.link_titles(asked(*rows)).to_pylist()
    assert [_rounded(row) for row in linker.link_titles(asked(*rows[::-1])).to_pylist()][::-1] == list(map(_rounded, together))
    for row, expected in zip(rows, together, strict=True):
        assert _rounded(linker.link_titles(asked(row)).to_pylist()[0]) == _rounded(expected)


def _rounded(row: Row) -> Row:
    """Sums of 32-bit numbers differ in their last digits with the size of a batch."""
    return {name: pytest.approx(value, abs=2e-5) if isinstance(value, float) else value for name, value in row.items()}


# --- tables


def test_every_title_has_one_row_sorted_by_key(linker: Linker, asked: Asked) -> None:
    titles = asked(("Ox", 1988, None), ("Plum", 2011, None), ("nothing like it", None, None))
    links = link_dialogue_movies(titles.take(pa.array([2, 0, 1])), linker)
    assert links.schema == arrow_schema(LINK_DIALOGUE_MOVIES)
    assert links["source_movie_id"].to_pylist() == ["000", "001", "002"]
    assert _ends(links) == ["09", "06", None]
    assert links == link_dialogue_movies(titles, linker)


def test_no_title_gives_an_empty_table(linker: Linker, asked: Asked) -> None:
    assert link_dialogue_movies(asked(), linker) == arrow_schema(LINK_DIALOGUE_MOVIES).empty_table()


def test_mentions_carry_the_link_of_their_movie(linker: Linker, asked: Asked) -> None:
    links = link_dialogue_movies(asked(("Ox", 1988, None), ("nothing like it", None, None)), linker)
    mentions = _mentions([("starter:1", 0, 0, "001"), ("starter:1", 2, 0, "000"), ("starter:0", 1, 0, "000")])
    linked = link_mentions(mentions, links)
    assert linked.schema == arrow_schema(LINK_MENTIONS)
    assert [(row["dialogue_id"], row["turn_index"], row["movie_id"]) for row in linked.to_pylist()] == [
        ("starter:0", 1, "mq000000000009"),
        ("starter:1", 0, None),
        ("starter:1", 2, "mq000000000009"),
    ]


def test_a_mention_that_was_never_offered_is_an_error(linker: Linker, asked: Asked) -> None:
    links = link_dialogue_movies(asked(("Ox", 1988, None)), linker)
    with pytest.raises(ContractError, match="link_status"):
        link_mentions(_mentions([("starter:1", 0, 0, "999")]), links)


def _mentions(rows: list[tuple[str, int, int, str]]) -> pa.Table:
    named = [{"dialogue_id": d, "turn_index": t, "mention_index": m, "dataset": "starter", "source_movie_id": s} for d, t, m, s in rows]
    return pa.Table.from_pylist(named, schema=arrow_schema(MENTIONS))


# --- texts


@pytest.mark.parametrize(
    ("text", "surface", "suffix"),
    [
        ("I loved The Copper Lighthouse (1962)!", "The Copper Lighthouse", "01"),
        ("have you seen copper lighthouse from 2004?", "copper lighthouse", "02"),
        ("have you seen the 2004 Copper Lighthouse?", "Copper Lighthouse", "02"),
        ('We watched "Vortex Riders: Return to Umber" last night.', "Vortex Riders: Return to Umber", "04"),
        ("We watched “Vortex Riders: Return to Umber” last night.", "Vortex Riders: Return to Umber", "04"),
        ("I saw <b>Vortex Riders 3</b> yesterday", "Vortex Riders 3", "05"),
        ("I saw *Vortex Riders III* yesterday", "Vortex Riders III", "05"),
        ("I saw Vortex Riders Part III (2006) yesterday", "Vortex Riders Part III", "05"),
        ("I liked [Grandmother Was a Cartographer](2010)", "Grandmother Was a Cartographer", "08"),
        ("Have you seen Grandmother Was a Cartografer (2010)?", "Grandmother Was a Cartografer", "08"),
        ("Have you seen Twelve Orchards?", "Twelve Orchards", "11"),
        ("Have you seen 12 orchards?", "12 orchards", "11"),
        ("A Plum (1931) was ok", "A Plum", "07"),
        ("I loved the first one, but have you seen the second Quillback?", "second Quillback", "18"),
        ("Hi!\nI saw Grandmother\u00a0Was a Cartographer…", "Grandmother\u00a0Was a Cartographer", "08"),
    ],
)
def test_a_film_is_found_where_it_is_named(linker: Linker, text: str, surface: str, suffix: str) -> None:
    rows = linker.link_texts([text]).to_pylist()
    assert [(row["surface"], row["movie_id"]) for row in rows] == [(surface, f"mq0000000000{suffix}")]
    assert text[rows[0]["span_start"] : rows[0]["span_end"]] == surface
    assert rows[0]["link_status"] == "linked"


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("I loved Plum (2011)", 2011),
        ("I loved Plum, 2011, a lot", 2011),
        ("I loved Plum from 2011", 2011),
        ("that 2011 Plum was good", 2011),
        ("I loved Plum", None),
        ("In 2011, I loved Plum", None),
        ("I loved Plum. And 20111 others", None),
        ("I loved Plum 1066", None),
        ("I loved Plum 2O11", None),
    ],
)
def test_the_year_beside_a_title_is_read(linker: Linker, text: str, year: int | None) -> None:
    told = replace(linker, weights=replace(linker.weights, text=_linear({"similarity": 2.0}, 0.0)))
    assert [row["year_given"] for row in told.link_texts([text]).to_pylist() if row["surface"] == "Plum"] == [year]


def test_talk_without_a_film_links_nothing(linker: Linker) -> None:
    texts = ["hi, how are you today?", "the window was open all night", "thanks, bye!", "ok (1999)", "2004"]
    links = linker.link_texts(texts)
    assert set(links["link_status"].to_pylist()) <= {"abstained"}


def test_capitals_quotes_and_a_year_make_a_film_likelier(linker: Linker) -> None:
    texts = ["i opened the window", "I watched Window yesterday", 'I watched "Window" (1996) yesterday']
    score = dict(zip(*(linker.link_texts(texts)[name].to_pylist() for name in ("text_index", "link_score")), strict=True))
    assert score.get(0, 0.0) < score[1] < score[2]


def test_namesakes_without_a_year_are_ambiguous(linker: Linker) -> None:
    row = linker.link_texts(["I saw Mirrorwise"]).to_pylist()[0]
    assert (row["movie_id"], row["link_status"]) == (None, "abstained")
    assert row["link_reason"].startswith("ambiguous: best candidate mq0000000000")
    assert {row["runner_up_movie_id"], row["link_reason"][-14:]} == {"mq000000000012", "mq000000000013"}


def test_only_the_year_in_which_it_was_said_and_the_next_are_looked_at(linker: Linker) -> None:
    texts = ["I saw Plum (2011)"] * 3
    assert _ends(linker.link_texts(texts, as_of=[2010, 2011, 2009]))[:2] == ["06", "06"]
    assert "06" not in _ends(linker.link_texts(texts, as_of=2009))


def _credits_decide(linker: Linker) -> Linker:
    """The shipped cues, with a scorer that believes in people: two namesakes are alike in all other features."""
    return replace(linker, weights=replace(linker.weights, text=_linear({"similarity": 1.0, "is_credited": 3.0}, 0.0)))


def test_a_person_named_before_tells_namesakes_apart(linker: Linker) -> None:
    believer, turn = _credits_decide(linker), "I saw Mirrorwise"
    assert _ends(believer.link_texts([turn])) == [None]
    assert _ends(believer.link_texts([f"{turn} with Tamsin Vole"])) == ["13"]
    assert _ends(believer.link_texts(["I like Tamsin Vole", turn], dialogues=["a", "a"])) == ["13"]
    assert _ends(believer.link_texts(["I like Tamsin Vole", turn], dialogues=["a", "b"])) == [None]
    assert _ends(believer.link_texts([turn, "I like Tamsin Vole"], dialogues=["a", "a"])) == [None]  # not yet named
    assert _ends(believer.link_texts(["I like Tamsin Vole", turn])) == [None]


def test_a_film_named_with_its_year_tells_what_is_meant_elsewhere_in_the_dialogue(linker: Linker) -> None:
    scorer = _linear({"similarity": 1.0, "named_elsewhere": 3.0}, 0.0)
    believer = replace(linker, weights=replace(linker.weights, text=scorer))
    texts = ["I saw Mirrorwise", "you mean Mirrorwise (1990)?"]
    assert _ends(believer.link_texts(texts, dialogues=[7, 7]))[0] == "12"
    assert _ends(believer.link_texts(texts, dialogues=[7, 8]))[0] is None


TURNS = [
    "I saw Mirrorwise", "", "who is Odalys Brentwick?", "The Copper Lighthouse, with her", "Quillback 2 and Quillback", "Mirrorwise (1990)",
    'a "Vortx Riders 3', "Plum (2011), Ox (1988)", "\n\n", "so long",
]  # fmt: skip
DIALOGUES = ["a", "b", "b", "b", "c", "a", "d", "d", "e", "a"]


def _by_text(links: pa.Table, order: list[int] | None = None) -> dict[int, list[Row]]:
    told: dict[int, list[Row]] = {}
    for row in links.to_pylist():
        place = row.pop("text_index")
        told.setdefault(order[place] if order else place, []).append(_rounded(row))
    return told


def test_a_text_is_linked_alike_in_any_batch(linker: Linker) -> None:
    expected = _by_text(linker.link_texts(TURNS))
    for place, turn in enumerate(TURNS):
        assert _by_text(linker.link_texts([turn])).get(0, []) == expected.get(place, [])
    order = random.Random(5).sample(range(len(TURNS)), len(TURNS))
    assert _by_text(linker.link_texts([TURNS[place] for place in order]), order) == expected


def test_a_text_depends_on_no_other_dialogue(linker: Linker, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = _by_text(linker.link_texts(TURNS, dialogues=DIALOGUES))
    order = sorted(range(len(TURNS)), key=lambda place: (DIALOGUES[place] != "d", DIALOGUES[place]))
    shuffled = linker.link_texts([TURNS[place] for place in order], dialogues=[DIALOGUES[place] for place in order])
    assert _by_text(shuffled, order) == expected
    for name in set(DIALOGUES):
        own = [place for place, other in enumerate(DIALOGUES) if other == name]
        alone = _by_text(linker.link_texts([TURNS[place] for place in own], dialogues=[0] * len(own)), own)
        assert alone == {place: rows for place, rows in expected.items() if place in own}
    monkeypatch.setattr(link, "BATCH_CHARACTERS", 5)  # a batch for each dialogue, whose turns lie apart
    assert _by_text(linker.link_texts(TURNS, dialogues=DIALOGUES)) == expected


def test_batches_hold_every_text_once_and_cut_no_dialogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "BATCH_CHARACTERS", 30)
    assert [rows.tolist() for rows in link._batches(["x" * 16] * 5, None)] == [[0, 1], [2, 3], [4]]
    batches = [rows.tolist() for rows in link._batches(TURNS, DIALOGUES)]
    assert len(batches) > 1
    assert sorted(row for batch in batches for row in batch) == list(range(len(TURNS)))
    for name in set(DIALOGUES):
        holding = [[row for row in batch if DIALOGUES[row] == name] for batch in batches]
        assert [rows for rows in holding if rows] == [[row for row, other in enumerate(DIALOGUES) if other == name]]


def test_no_text_gives_an_empty_table(linker: Linker) -> None:
    for links in (linker.link_texts([]), linker.link_texts([], dialogues=[]), linker.link_texts([""]), linker.link_texts(["", "\n"])):
        assert links == TEXT_LINKS.empty_table()


@pytest.mark.parametrize("dialogues", [[], ["a"], ["a", "a", "a"]])
def test_texts_and_dialogues_must_be_as_many(linker: Linker, dialogues: list[str]) -> None:
    with pytest.raises(LinkError, match=f"2 texts: {len(dialogues)} dialogues"):
        linker.link_texts(["Plum (2011)", "Ox (1988)"], dialogues=dialogues)


def test_lone_surrogates_neither_stop_the_linker_nor_move_places(linker: Linker) -> None:
    text = "\ud800 I saw Twelve\udfff Orchards (1957) \ud83d"
    rows = linker.link_texts([text]).to_pylist()
    assert [(row["span_start"], row["span_end"], row["movie_id"]) for row in rows] == [(8, 24, "mq000000000011")]
    assert rows[0]["surface"] == "Twelve? Orchards"  # no table can hold a lone surrogate


def test_a_catalogue_without_names_links_nothing(linker: Linker, films: Films, asked: Asked) -> None:
    nameless = Linker(build_index(films(("20", ("?!",), 1968, 2.0, None))), linker.weights)
    assert nameless.link_texts(['I saw "Mirrorwise" and ?!', ""]).num_rows == 0
    assert nameless.link_titles(asked(("?!", 1968, None)))["link_reason"].to_pylist() == ["no_candidate"]
