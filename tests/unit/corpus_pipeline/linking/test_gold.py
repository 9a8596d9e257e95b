"""Gold: true films by ids and by links, offsets after retyping, groups by film, independence of rows from each other."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from corpus_pipeline.linking.gold import GOLD_COLUMNS, Gold, film_group, gold_texts, text_group, truth_of
from corpus_pipeline.linking.typed import HABITS
from corpus_pipeline.transform.text import title_key

PLAIN = replace(
    HABITS, lower_speakers=0, upper_speakers=0, year_speakers=0, careless_misspelled=0, careful_misspelled=0,
    no_article=0, numeral=0, no_subtitle=0, quoting_speakers=0, markup_speakers=0,
)  # fmt: skip
FILMS = (
    ("m1", "The Copper Lighthouse", 1962, 4.0),
    ("m2", "The Copper Lighthouse", 2004, 5.5),
    ("m3", "Vortex Riders: The Salt Engine", 1999, 5.8),
    ("m4", "Vortex Riders: Return to Umber", 2002, 4.9),
    ("m6", "Plum", 2011, 5.0),
    ("m7", "Harbour & Hound", None, 3.0),
)
NAMED = (  # dataset, source_movie_id, surface, mention_year
    ("redial", "1", "The Copper Lighthouse", 2004),
    ("redial", "2", "Vortex Riders: The Salt Engine", 1999),
    ("redial", "3", "Plum", 2011),
    ("redial", "4", "Unheard Melody", 1988),
    ("redial", "5", "Harbour & Hound", 1975),
    ("redial", "6", "Vortex Riders: Return to Umber", 2002),
    ("inspired", "Plum (2011)", "Plum", 2011),
)


def _rows(names: str, rows: Any) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(names.split(), row, strict=True)) for row in rows])


def _movies() -> pa.Table:
    return _rows("movie_id title year popularity_score", FILMS)


def _titles() -> pa.Table:
    return _rows("movie_id title_key", [(movie, title_key(title)) for movie, title, *_ in FILMS])


def _truth(ids: Mapping[str, str], links: Mapping[str, tuple[str | None, str]]) -> dict[tuple[str, str], str | None]:
    """Truth of NAMED, given IMDb ids of ReDial's movies and links (movie_id, rule) of any data set's."""
    crosswalk = _rows("movie_id authority authority_id", [(f"m{n}", "imdb", f"tt{n}") for n in range(1, 8)])
    linked = [(*row[:2], *links.get(row[1], (None, "abstain"))) for row in NAMED]
    found = truth_of(
        _rows("dataset source_movie_id surface mention_year", NAMED),
        crosswalk,
        _rows("dataset source_movie_id imdb_id", [("redial", movie, imdb) for movie, imdb in ids.items()]),
        _rows("dataset source_movie_id movie_id link_rule", linked),
        core_movies=_movies(),
        core_titles=_titles(),
    )
    return {(row["dataset"], row["source_movie_id"]): row["movie_id"] for row in found.to_pylist()}


@pytest.mark.parametrize(
    ("movie", "imdb_id", "link", "expected"),
    [
        ("1", "tt2", (None, "abstain"), {("redial", "1"): "m2"}),
        ("1", "tt1", ("m2", "exact_title_year"), {}),  # the id leads to the film of another year
        ("3", "tt3", ("m6", "exact_title_year"), {}),  # the id leads to a film of another title
        ("3", "tt3", ("m3", "fuzzy_title"), {("redial", "3"): "m3"}),  # but the link says the same
        ("4", "tt99", (None, "abstain"), {("redial", "4"): None}),
        ("3", "tt99", ("m6", "exact_title_year"), {}),  # the catalogue has a film that fits, so the id is doubted
        ("5", "tt7", (None, "abstain"), {("redial", "5"): "m7"}),  # a film without a year fits any
    ],
)
def test_an_id_is_believed_where_the_title_fits(
    movie: str, imdb_id: str, link: tuple[str | None, str], expected: dict[tuple[str, str], str | None]
) -> None:
    assert _truth({movie: imdb_id}, {movie: link}) == expected


@pytest.mark.parametrize(
    ("rule", "is_known"), [("exact_title_year", True), ("authority_id", True), ("exact_title", False), ("fuzzy_title_year", False)]
)
def test_a_data_set_without_ids_is_judged_by_links_that_had_a_year_or_an_id(rule: str, is_known: bool) -> None:
    found = _truth({"4": "tt99"}, {"Plum (2011)": ("m6", rule), "1": ("m2", "exact_title_year")})
    assert found == {("redial", "4"): None} | ({("inspired", "Plum (2011)"): "m6"} if is_known else {})


# dialogue, data set, speaker, text with titles in [brackets], and whose they are
TURNS = (
    ("redial:1", "redial", "seeker", "I liked [The Copper Lighthouse] and [Plum] a lot", ("1", "3")),
    ("redial:1", "redial", "recommender", "Then try [Vortex Riders: The Salt Engine]!", ("2",)),
    ("redial:1", "redial", "seeker", "No thanks", ()),
    ("redial:2", "redial", "seeker", "[Unheard Melody] or [Harbour & Hound]", ("4", "5")),
    ("inspired:1", "inspired", "seeker", "have you seen [plum] (2011)?", ("Plum (2011)",)),
    ("inspired:1", "inspired", "seeker", "I mean that one", ("Plum (2011)",)),
)


def _tables(turns: Any = TURNS) -> dict[str, pa.Table]:
    said, mentions, seen = [], [], []
    for dialogue, dataset, speaker, marked, movies in turns:
        turn = sum(d == dialogue for d, *_ in said)
        pieces, text = marked.replace("]", "[").split("["), ""
        spans = []
        for number, piece in enumerate(pieces):
            spans += [(len(text), len(text) + len(piece))] if number % 2 else []
            text += piece
        said.append((dialogue, turn, speaker, text))
        seen += [(dialogue, dataset, "train")] if turn == 0 else []
        spans = spans or [(None, None)] * len(movies)
        rows = enumerate(zip(movies, spans, strict=True))
        mentions += [(dialogue, turn, number, dataset, movie, *span) for number, (movie, span) in rows]
    columns = {name: " ".join(names) for name, names in GOLD_COLUMNS.items()}
    return {
        "core_dialogues": _rows(columns["core_dialogues"], seen),
        "core_dialogue_turns": _rows(columns["core_dialogue_turns"], said),
        "core_dialogue_movies": _rows(columns["core_dialogue_movies"], NAMED),
        "core_mentions": _rows(columns["core_mentions"], mentions),
        "core_movies": _movies(),
        "core_titles": _titles(),
    }


TRUTH = _rows(
    "dataset source_movie_id movie_id",
    [("redial", "1", "m2"), ("redial", "2", "m3"), ("redial", "3", "m6"), ("redial", "4", None), ("redial", "6", "m4"),
     ("inspired", "Plum (2011)", "m6")],
)  # fmt: skip


def _written(gold: Gold) -> list[tuple[str | None, int | None, list[str]]]:
    """What stands at each mention's span, its year and kinds."""
    texts = gold.texts["text"].to_pylist()
    rows = gold.mentions.to_pylist()
    return [
        (None if r["span_start"] is None else texts[r["text_id"]][r["span_start"] : r["span_end"]], r["year_given"], r["kinds"])
        for r in rows
    ]


def test_without_habits_texts_stay_and_slices_are_named() -> None:
    gold = gold_texts(_tables(), TRUTH, habits=PLAIN)
    assert gold.texts["text_id"].to_pylist() == list(range(6))
    assert gold.texts["text"].to_pylist()[2] == "I liked The Copper Lighthouse and Plum a lot"
    assert _written(gold) == [
        ("plum", 2011, ["lower", "with_year", "short"]),
        (None, None, ["no_span", "short", "no_year"]),
        ("The Copper Lighthouse", None, ["exact", "remake", "no_year"]),
        ("Plum", None, ["exact", "short", "no_year"]),
        ("Vortex Riders: The Salt Engine", None, ["exact", "no_year"]),
        ("Unheard Melody", None, ["exact", "no_year", "not_in_catalogue"]),
        ("Harbour & Hound", None, ["exact", "no_year"]),
    ]
    assert gold.mentions["movie_id"].to_pylist() == ["m6", "m6", "m2", "m6", "m3", None, None]
    assert gold.mentions["is_known"].to_pylist() == [True] * 6 + [False]


def test_replaced_titles_shift_what_follows() -> None:
    shouted = replace(PLAIN, upper_speakers=1, year_speakers=1, year_given=1, no_article=1, markup_speakers=1)
    gold = gold_texts(_tables(), TRUTH, habits=shouted)
    titles = [title for title, _, _ in _written(gold)]
    assert titles[2:] == ["COPPER LIGHTHOUSE", "PLUM", "VORTEX RIDERS: THE SALT ENGINE", "UNHEARD MELODY", "HARBOUR & HOUND"]
    assert gold.mentions["year_given"].to_pylist() == [2011, None, 2004, 2011, 1999, 1988, 1975]
    first = gold.texts["text"][2].as_py()
    assert first.startswith("I liked ") and first.endswith(" a lot") and "2004" in first and "2011" in first
    assert gold.texts["text"][0].as_py() == "have you seen plum (2011)?"


def test_a_subtitle_is_left_out_of_the_best_known_film_only() -> None:
    turns = [("redial:1", "redial", "seeker", "[Vortex Riders: The Salt Engine] [Vortex Riders: Return to Umber]", ("2", "6"))]
    gold = gold_texts(_tables(turns), TRUTH, habits=replace(PLAIN, no_subtitle=1))
    assert [title for title, _, _ in _written(gold)] == ["Vortex Riders", "Vortex Riders: Return to Umber"]


def test_words_that_are_another_films_title_are_named() -> None:
    named = _rows("movie_id title year popularity_score", [*FILMS, ("m9", "Vortex Riders", 1950, 0.5)])
    keyed = pa.concat_tables([_titles(), _rows("movie_id title_key", [("m9", "vortex riders")])])
    tables = {**_tables(TURNS[:2]), "core_movies": named, "core_titles": keyed}
    gold = gold_texts(tables, TRUTH, habits=replace(PLAIN, no_subtitle=1))
    assert _written(gold)[-1] == ("Vortex Riders", None, ["no_subtitle", "other_film", "no_year"])


def test_overlapping_spans_leave_the_turn_alone() -> None:
    tables = _tables(TURNS[:1])
    mentions = tables["core_mentions"].to_pylist()
    mentions[1]["span_start"] = mentions[0]["span_start"] + 1
    tables["core_mentions"] = pa.Table.from_pylist(mentions)
    gold = gold_texts(tables, TRUTH, habits=replace(PLAIN, upper_speakers=1))
    assert gold.texts["text"].to_pylist() == ["I liked The Copper Lighthouse and Plum a lot"]
    assert gold.mentions["span_start"].null_count == 2


def test_no_row_depends_on_others_or_on_their_order() -> None:
    tables = _tables()
    backwards = {name: table.take(pa.array(range(table.num_rows)[::-1], pa.int64())) for name, table in tables.items()}
    gold = gold_texts(tables, TRUTH)
    assert gold == gold_texts(backwards, TRUTH)
    alone = gold_texts(_tables(TURNS[3:4]), TRUTH)
    assert alone.texts["text"][0] == gold.texts["text"][5]
    assert any(gold_texts(tables, TRUTH, seed=seed) != gold for seed in range(3))


def test_groups_keep_films_together_in_their_shares() -> None:
    assert film_group("m1", "Plum") == film_group("m1", "Something Else")
    assert film_group(None, "The Plum") == film_group(None, "plum")
    for found in ([film_group(f"m{n}", "") for n in range(4000)], [text_group(f"d{n}") for n in range(4000)]):
        assert {g: pytest.approx(found.count(g) / 4000, abs=0.03) for g in ("train", "tune", "test")} == {
            "train": 0.6,
            "tune": 0.2,
            "test": 0.2,
        }
    gold = gold_texts(_tables(), TRUTH)
    groups = {(row["movie_id"], row["group"]) for row in gold.mentions.to_pylist() if row["movie_id"]}
    assert len(groups) == len({movie for movie, _ in groups})
