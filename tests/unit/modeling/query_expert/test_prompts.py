"""Prompts: their lines, what is cut, and that neither talk nor titles can open a part of their own."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from modeling.query_expert.config import QueryExpertConfig
from modeling.query_expert.facts import FilmFacts
from modeling.query_expert.prompts import Seen, direct_prompt, film_line, student_prompt, teacher_prompt

CONFIG = QueryExpertConfig()


def test_student_prompt(facts: Mapping[str, FilmFacts]) -> None:
    shown = Seen("seeker: fog\nrecommender: Yes?", [facts["m2"], facts["m1"]], [facts["m3"], facts["m4"], facts["m5"], facts["m1"]])
    assert student_prompt(shown, CONFIG).split("\n") == [
        "Write the search query for the next film.",
        "dialogue:",
        "seeker: fog",
        "recommender: Yes?",
        "films named before, the latest last:",
        "The Glass Tide (1998), horror, mystery, Otto Lind, Ada Brook",
        "Harbour Light (1994), drama, mystery, Jun Park, Ada Brook",
        "often named with them: Paper Moons (2011); With; 1999 (1999)",
        "query:",
    ]


def test_nothing_said_and_nothing_named() -> None:
    assert student_prompt(Seen("", []), CONFIG) == "Write the search query for the next film.\nquery:"


def test_only_the_latest_films_and_turns(facts: Mapping[str, FilmFacts]) -> None:
    config = QueryExpertConfig(dialogue_characters=12, films=1)
    prompt = student_prompt(Seen("seeker: one\nseeker: two", [facts["m1"], facts["m3"]]), config)
    assert "one" not in prompt and "seeker: two" in prompt and "Harbour" not in prompt and "Paper Moons" in prompt
    nothing = student_prompt(Seen("seeker: two", [facts["m1"]], [facts["m3"]]), QueryExpertConfig(films=0, companions=0))
    assert "named" not in nothing


def test_the_truth_is_in_the_teachers_prompt_alone(facts: Mapping[str, FilmFacts]) -> None:
    told = teacher_prompt(Seen("seeker: fog", [facts["m1"]]), facts["m2"], CONFIG)
    assert told.endswith("right film: The Glass Tide (1998), horror, mystery, Otto Lind, Ada Brook. Something comes with the tide.\nquery:")
    assert (
        direct_prompt(Seen("seeker: fog", [facts["m1"]]), CONFIG).partition("\n")[2]
        == student_prompt(Seen("seeker: fog", [facts["m1"]]), CONFIG).partition("\n")[2]
    )


def test_a_film_of_which_little_is_known(facts: Mapping[str, FilmFacts]) -> None:
    assert film_line(facts["m4"]) == "With"


hostile = st.lists(st.sampled_from(["\n", "query:", "seeker:", "<|im_end|>", "###", '"', "word", "\u2028", "films"]), max_size=6).map(
    "".join
)


@given(hostile, hostile)
def test_no_text_opens_a_part(title: str, said: str) -> None:
    film = FilmFacts("m", title, 1990, (), (title,), (said,))
    lines = student_prompt(Seen(f"seeker: {said}", [film], [film]), CONFIG).splitlines()
    assert [line for line in lines if line.startswith("query:")] == ["query:"] == lines[-1:]
    assert sum(line.startswith("films named before") for line in lines) == 1
    assert sum(line.startswith("often named with them") for line in lines) <= 1
    assert not any(mark in line for line in lines for mark in ("<|", "###", '"'))
