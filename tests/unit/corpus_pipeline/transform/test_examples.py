"""Recommendation examples: the protocol's names, alignment with our mentions, our own rule."""

import pytest

from corpus_pipeline.transform.dialogues import Dialogue, DialogueMovie, Mention, Turn
from corpus_pipeline.transform.examples import (
    Target,
    align,
    context_text,
    entity_movie,
    example_tables,
    examples_by_rule,
    protocol_name,
    title_name,
)

URI = "<http://dbpedia.org/resource/{}>"


@pytest.mark.parametrize(
    ("entity", "name"),
    [
        ("River_(1985_film)", "River"),
        ("The_River-Boat", "The River Boat"),
        ("Up/Down", "Down"),  # their code splits at every slash
        ("(12)_Boats", "Boats"),
    ],
)
def test_protocol_name(entity: str, name: str) -> None:
    assert protocol_name(URI.format(entity)) == name


def test_title_name_keeps_the_slash() -> None:
    assert title_name("Up/Down (Director's Cut)") == "Up/Down"


def test_entity_movie_reads_title_and_year_off_the_uri() -> None:
    assert entity_movie(URI.format("River_(1985_film)")) == DialogueMovie("http://dbpedia.org/resource/River_(1985_film)", "River", 1985)
    assert entity_movie(URI.format("River_(franchise)")).surface == "River"


def _turn(*movies: str) -> Turn:
    return Turn("recommender", "", None, tuple(Mention(movie) for movie in movies))


def test_align_by_name_whatever_the_order() -> None:
    names = {"1": "The River", "2": "Boats & Oars"}
    assert align([URI.format("Boats_and_Oars"), URI.format("River_(1985_film)")], _turn("1", "2"), names) == ["2", None]
    assert align([URI.format("Boats_and_Oars"), URI.format("The_River")], _turn("1", "2"), names) == ["2", "1"]


def test_align_takes_a_title_inside_the_name_only_when_no_title_is_equal() -> None:
    names = {"1": "Oars", "2": "Black/Oars", "3": "Kite"}
    assert align([URI.format("Black/Oars")], _turn("1", "2"), names) == ["2"]
    assert align([URI.format("Black/Oars")], _turn("1", "3"), names) == ["1"]
    assert align([URI.format("Lamp")], _turn("1", "3"), names) == [None]


def test_align_takes_whole_words_of_a_name_and_the_longest_title() -> None:
    assert align([URI.format("Coarse_Oars")], _turn("1"), {"1": "Oar"}) == [None]
    assert align([URI.format("Coarse_Black_Oars")], _turn("1", "2"), {"1": "Oars", "2": "Black Oars"}) == ["2"]


def test_align_gives_each_movie_once() -> None:
    names = {"1": "Oars", "2": "Oars"}
    assert align([URI.format("Oars"), URI.format("Oars_(1999_film)"), URI.format("Oars_(2020_film)")], _turn("1", "2"), names) == [
        "1",
        "2",
        None,
    ]


DIALOGUE = Dialogue(
    "starter:1",
    "starter",
    "train",
    (
        Turn("recommender", "Kite?", None, (Mention("k"),)),
        Turn("seeker", "No,\nboats", None, (Mention("b"),)),
        Turn("recommender", "Boats, oars, oars", None, (Mention("b99"), Mention("o"), Mention("o"))),
        Turn("seeker", "ok"),
        Turn("recommender", "bye"),
    ),
)
MOVIES = [DialogueMovie("k", "Kite"), DialogueMovie("b", "Boats", 1950), DialogueMovie("b99", "Boats", 1999), DialogueMovie("o", "Oars")]


def test_rule_takes_recommender_turns_with_a_mention_and_compares_names() -> None:
    first, second = examples_by_rule([DIALOGUE], MOVIES)
    assert (first.example_id, first.targets) == ("starter:1#0", (Target("k", "Kite", True),))
    # the remake has the same name, so it is no new target; a movie named twice is one target
    assert (second.example_id, second.targets) == ("starter:1#2", (Target("b99", "Boats", False), Target("o", "Oars", True)))


def test_context_is_one_line_per_turn() -> None:
    assert context_text(DIALOGUE.turns[:2]) == "recommender: Kite?\nseeker: No, boats"
    assert context_text(()) == ""


def test_example_tables() -> None:
    tables = example_tables([DIALOGUE], examples_by_rule([DIALOGUE], MOVIES))
    assert tables["core_recommendation_turns"].to_pylist()[0] == {
        "example_id": "starter:1#0",
        "dialogue_id": "starter:1",
        "turn_index": 0,
        "dataset": "starter",
        "split": "train",
        "context_text": "",
    }
    assert tables["core_recommendation_targets"].column("source_movie_id").to_pylist() == ["k", "b99", "o"]
    assert tables["core_recommendation_targets"].column("target_index").to_pylist() == [0, 0, 1]
