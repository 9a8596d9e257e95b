"""Films named together: counted in training dialogues, the dialogue of a turn left out of its own counts."""

from modeling.query_expert.companions import Companions
from modeling.query_expert.data import Turn


def turn(dialogue: str, *films: str, split: str = "train", truths: tuple[str, ...] = ()) -> Turn:
    return Turn(f"{dialogue}#1", dialogue, split, "", films, truths)


TURNS = [turn("d1", "a", "b"), turn("d1", "a", "b", truths=("c",)), turn("d2", "a", "c"), turn("d3", "a", "b"), turn("d4", "b", "x", "c")]


def test_training_dialogues_alone_are_counted_each_once() -> None:
    found = Companions.of([*TURNS, turn("d5", "a", "z", split="valid"), turn("d6", "a", "z", split="test")])
    assert found.together["a"] == {"b": 2, "c": 2} and found.named == {"a": 3, "b": 3, "c": 3, "x": 1}


def test_what_stands_beside_a_history() -> None:
    found = Companions.of(TURNS)
    assert found.beside(["a"], but="", at_most=5) == ("b", "c")  # equals by id
    assert found.beside(["a", "b"], but="", at_most=5) == ("c", "x")
    assert found.beside(["a", "a"], but="", at_most=1) == ("b",)
    assert found.beside([], but="", at_most=5) == found.beside(["unknown"], but="", at_most=5) == ()


def test_a_dialogue_says_nothing_about_itself() -> None:
    found = Companions.of(TURNS)
    assert found.beside(["b"], but="d4", at_most=5) == ("a", "c")  # x is named in d4 alone
    assert found.are_together("b", "x", but="d1") and not found.are_together("b", "x", but="d4")
    without = Companions.of([one for one in TURNS if one.dialogue_id != "d1"])
    for history in (["a"], ["b"], ["a", "b"], ["c"]):
        assert found.beside(history, but="d1", at_most=5) == without.beside(history, but="", at_most=5)


def test_a_film_that_everybody_names_counts_less() -> None:
    everywhere = [turn(f"e{number}", "hit", "other") for number in range(40)]
    found = Companions.of([*everywhere, turn("d1", "a", "hit", "rare"), turn("d2", "a", "hit")])
    assert found.beside(["a"], but="", at_most=2) == ("rare", "hit")


def test_turns_are_shown_with_their_companions() -> None:
    shown = Companions.of(TURNS).shown([turn("d9", "a", split="test")], 1)
    assert shown[0].companions == ("b",) and shown[0].before == ("a",)
