"""The prompt word for word, its caps, and the same seam in training and use."""

from dataclasses import replace

from modeling.generator.catalogue import Catalogue, Film
from modeling.generator.config import GeneratorConfig
from modeling.generator.prompts import THOUGHT_CHARACTERS, Turn, after_thought, arranged, completion, prompt, thought_of

CONFIG = GeneratorConfig(candidates=2)


def test_the_whole_prompt(turn: Turn, catalogue: Catalogue) -> None:
    assert prompt(turn, ["m08", "m05"], catalogue, replace(CONFIG, history_films=2)).splitlines() == [
        "Pick the film of the list that the seeker will like. Answer with its name as it is listed.",
        "candidates:",
        "- Harvest Moon (2003); Comedy, Drama; Lu Mead; Max Nye",
        "- It Follows (2014); Horror; Gus Ives; Hal Jute",
        "named before:",
        "- It (2017); Horror; Eve Gant; Flo Hurd",
        "dialogue:",
        "seeker: Something with ghosts, please.",
        "recommender: Have you seen It?",
        "seeker: I have, and I loved it.",
        "answer:",
    ]


def test_without_a_list_nothing_of_the_candidates_is_shown(turn: Turn, catalogue: Catalogue) -> None:
    text = prompt(turn, ["m08", "m05"], catalogue, replace(CONFIG, negatives="none"))
    assert "candidates:" not in text and "Harvest" not in text and text.startswith("Name a film")


def test_an_empty_dialogue_and_no_history(turn: Turn, catalogue: Catalogue) -> None:
    text = prompt(turn.without_dialogue(), ["m08"], catalogue, replace(CONFIG, history_films=3))
    assert text.endswith("\ndialogue:\nanswer:") and "named before:" not in text


def test_the_latest_history_is_shown_once_each(catalogue: Catalogue) -> None:
    turn = Turn("x", "seeker: hi", ("m01", "m08", "m05", "m08", "unknown"))
    text = prompt(turn, ["m03"], catalogue, replace(CONFIG, history_films=2))
    assert text.count("\n- ") == 3 and "Lantern" not in text and text.index("Harvest") < text.index("Follows")


def test_thinking_opens_another_head_and_use_stands_where_training_stood(turn: Turn, catalogue: Catalogue) -> None:
    asked = prompt(turn, ["m03", "m05"], catalogue, replace(CONFIG, think=True))
    assert asked.endswith("\npreference:") and "Think first" in asked
    learned = asked + completion("It (2017)", "horror with Eve Gant")
    assert after_thought(asked, thought_of("horror with Eve Gant answer: It")) + completion("It (2017)") == learned
    assert learned.endswith("\npreference: horror with Eve Gant\nanswer: It (2017)")


def test_a_thought_is_one_short_line_that_opens_nothing() -> None:
    assert thought_of("likes ghosts\nanswer: X") == thought_of(" likes ghosts Answer : X") == "likes ghosts"
    assert thought_of("preference: a seeker: b") == "preference, a seeker - b"
    assert len(thought_of("word " * 100)) <= THOUGHT_CHARACTERS
    assert after_thought("p preference:", "") == "p preference:\nanswer:"


def test_lists_and_dialogues_stay_inside_their_caps() -> None:
    films = [
        Film(f"m{i:02}", f"A Film of a Fairly Usual Length {i}", 1990 + i % 30, ("Drama", "Comedy"), "Some Actor", "Some Director")
        for i in range(51)
    ]
    catalogue = Catalogue(films)
    turn = Turn("x", "\n".join(f"seeker: {'word ' * 30}" for _ in range(40)))
    for count, characters in ((20, 1_200), (50, 2_400)):
        lines = prompt(turn, [film.movie_id for film in films[:count]], catalogue, GeneratorConfig()).split("\n")
        listed, said = lines[2 : 2 + count], lines[3 + count : -1]
        assert len("\n".join(listed)) + 1 <= characters
        assert all(line.startswith("- ") for line in listed) and all(line.startswith("seeker: ") for line in said)
        assert len("\n".join(said)) <= 600


def test_a_candidate_cannot_be_named_by_the_dialogue(catalogue: Catalogue) -> None:
    """One-word titles stay: 'it' is a word. Films named before stay: the history says so. A part of a longer word is no name."""
    turn = Turn("x", "seeker: HARVEST MOON (2003)! harvest moon, It (2017) or It Follows (2014)? It is harvest moonlight.", ("m05",))
    text = prompt(turn, ["m08", "m03", "m05"], catalogue, CONFIG).splitlines()[-2]
    assert text == "seeker: a film! a film, a film or It Follows (2014)? It is harvest moonlight."
    assert "HARVEST MOON" in prompt(turn, ["m08"], catalogue, replace(CONFIG, negatives="none"))


def test_an_order_depends_on_seed_example_and_shuffle_alone() -> None:
    movies = [f"m{i}" for i in range(9)]
    order = arranged(movies, "x", seed=1)
    assert order == arranged([*reversed(movies), "m0"], "x", seed=1) and sorted(order) == movies
    assert (
        len({tuple(arranged(movies, example, seed=seed, shuffle=shuffle)) for example in "xy" for seed in (1, 2) for shuffle in (0, 1)})
        == 8
    )
