"""The deterministic teacher: which concepts it finds, how it says them, and that no title of the true film is among them."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.errors import DataError
from modeling.query_expert.companions import Companions
from modeling.query_expert.config import TeacherConfig
from modeling.query_expert.data import Turn
from modeling.query_expert.facts import FilmFacts, contains_words, title_key, words_key
from modeling.query_expert.leak import Taboo
from modeling.query_expert.teacher import LIKED, OWN, PERSON, SAID, Concept, Teacher, guarded, sentence

CONTEXT = "seeker: I want a scary film by Otto Lind\nrecommender: Harbour Light?\nseeker: Loved the foggy lighthouse scenes"


NOBODY = Companions.of([])


def turn(said: str, *before: str, truths: tuple[str, ...] = (), companions: tuple[str, ...] = (), dialogue: str = "now") -> Turn:
    return Turn("e", dialogue, "train", said, before, truths, companions)


def test_the_sentence(facts: Mapping[str, FilmFacts]) -> None:
    taught = Teacher(facts, NOBODY, TeacherConfig()).teach(turn(CONTEXT, "m3", "m1"), "m2")
    assert taught.text == (
        "a horror, mystery film from the 1990s like Harbour Light (1994) with Otto Lind, Ada Brook, Jun Park "
        "about Harbour Light foggy lighthouse scenes"
    )
    assert [concept.source for concept in taught.concepts] == [SAID, LIKED, LIKED, LIKED, SAID, LIKED, LIKED, *[SAID] * 5]


def test_a_companion_is_no_film_named_before_no_truth_and_of_another_title(facts: Mapping[str, FilmFacts]) -> None:
    known = {**facts, "m6": FilmFacts("m6", "Glass Tide: Low Water", 2003)}
    together = Companions.of([turn("", "m2", "m6", "m5", "unknown", "m3", dialogue="d1")])
    teacher = Teacher(known, together, TeacherConfig(companions=2))
    asked = turn("", "m1", truths=("m2", "m5"), companions=("m6", "m4", "m5", "unknown", "m3"))
    assert "like Harbour Light (1994) and Paper Moons (2011) with" in teacher.teach(asked, "m2").text


def test_a_companion_that_only_this_dialogue_names_with_the_truth_is_none(facts: Mapping[str, FilmFacts]) -> None:
    talk = [turn("", "m1", "m2", "m3", dialogue="d1"), turn("", "m2", "m5", dialogue="d2")]
    asked = turn("", "m1", companions=("m3", "m5"), dialogue="d1")
    assert "Paper Moons" not in Teacher(facts, Companions.of(talk), TeacherConfig()).teach(asked, "m2").text
    elsewhere = turn("", "m1", companions=("m3", "m5"), dialogue="d3")
    assert "Paper Moons" in Teacher(facts, Companions.of(talk), TeacherConfig()).teach(elsewhere, "m2").text


def test_without_any_film_before_the_film_speaks(facts: Mapping[str, FilmFacts]) -> None:
    taught = Teacher(facts, NOBODY, TeacherConfig()).teach(turn("seeker: hello"), "m3")
    assert taught.text == "a comedy film from the 2010s with Mina Vell, Lea Storm"
    assert {concept.source for concept in taught.concepts} == {OWN}


def test_words_of_the_films_own_text_come_first(facts: Mapping[str, FilmFacts]) -> None:
    talk = "seeker: tide whales ships storms"
    config = TeacherConfig(genres=0, decade=False, likes=0, people=0, said_words=2)
    assert Teacher(facts, NOBODY, config).teach(turn(talk), "m2").text == "a film about tide storms"


def test_titles_that_are_words_of_the_sentence_or_years(facts: Mapping[str, FilmFacts]) -> None:
    teacher = Teacher(facts, NOBODY, TeacherConfig())
    assert teacher.teach(turn("seeker: ghosts", "m1"), "m4").text == "Harbour Light (1994), Jun Park, Ada Brook, ghosts"
    taught = teacher.teach(turn("seeker: horror of 1999", "m3"), "m5")
    assert taught.text == "a sci-fi film from the 1990s like Paper Moons (2011) with Lea Storm, Mina Vell"


def test_a_film_without_a_free_query_has_none() -> None:
    assert guarded([Concept(PERSON, "With Him", OWN)], Taboo.of(FilmFacts("m", "With")), 30).text == ""
    assert guarded([], Taboo.of(FilmFacts("m", "Fog")), 30).text == ""


def test_a_long_query_loses_its_last_concepts(facts: Mapping[str, FilmFacts]) -> None:
    text = Teacher(facts, NOBODY, TeacherConfig(words=9)).teach(turn(CONTEXT, "m1"), "m2").text
    assert text == "a horror, mystery film from the 1990s"


def test_a_film_without_facts_is_refused(facts: Mapping[str, FilmFacts]) -> None:
    with pytest.raises(DataError, match="film m9 has no facts"):
        Teacher(facts, NOBODY, TeacherConfig()).teach(turn(""), "m9")


def test_articles() -> None:
    assert sentence([Concept("genre", "action", OWN)]) == "an action film"
    assert sentence([]) == "a film"


WORDS = (
    "heat",
    "Heat",
    "with",
    "film",
    "a",
    "It",
    "2012",
    "horror",
    "Horror",
    "like",
    "the",
    "Storm",
    "é",
    "&",
    "-",
    "II",
    "1990s",
    "about",
)
names = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
films = st.builds(
    FilmFacts,
    movie_id=st.just("x"), title=names, year=st.none() | st.sampled_from([1990, 1999, 2012]), genres=st.tuples(names, names),
    directors=st.tuples(names), cast=st.tuples(names, names), keywords=st.tuples(names), plot=names, titles=st.tuples(names),
)  # fmt: skip


@given(films, st.lists(films, max_size=3), st.lists(names, max_size=4))
def test_no_title_is_ever_said(film: FilmFacts, others: list[FilmFacts], said: list[str]) -> None:
    facts = {"truth": film, **{f"m{number}": other for number, other in enumerate(others)}}
    before = [movie for movie in facts if movie != "truth"]
    context = "\n".join(f"seeker: {text}" for text in said)
    together = Companions.of([turn("", "truth", *before, dialogue="d1")])
    taught = Teacher(facts, together, TeacherConfig()).teach(turn(context, *before[:1], companions=tuple(before)), "truth")
    key = words_key(taught.text.replace("&", " and "))
    assert not any(contains_words(key, title_key(title)) for title in (film.title, *film.titles))
    assert len(taught.text.split()) <= TeacherConfig().words and "\n" not in taught.text
