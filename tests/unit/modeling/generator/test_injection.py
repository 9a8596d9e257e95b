"""Texts by others cannot open a part of the prompt, cannot pass their caps, and take no answer out of the candidates.

That an instruction in plain words moves a language model is a matter of the model (`tests/training/test_generator.py`); that it
reaches it as a film's title or a seeker's words, and nothing else, is tested here.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from modeling.generator.catalogue import Catalogue, Film
from modeling.generator.config import GeneratorConfig
from modeling.generator.heads import ANSWER, CANDIDATES, DIALOGUE, HISTORY, THOUGHT
from modeling.generator.infer import ItemGenerator
from modeling.generator.prompts import Turn, completion, prompt
from modeling.language_model.local import LocalModel
from tests.unit.modeling.generator.injections import PLACES, Injection, injections, odd_films, odd_questions

PUSHED = "m4"
FILMS = (
    Film("m1", "Winter Birds", 1999, ("Drama", "Crime"), "Ada Quill", "Bo Marsh", "A lamp goes out."),
    Film("m2", "Silver Creek", 1987, ("Horror",), "Eve Gant", "Flo Hurd", "A river rises."),
    Film("m3", "Broken Piano", 2011, ("Comedy",), "Ida Kay", "Ken Lo", "A tune is lost."),
    Film(PUSHED, "Harvest Moon", 2003, ("Comedy", "Drama"), "Lu Mead", "Max Nye", "A farm."),
)
SHOWN = [film.movie_id for film in FILMS]
CONFIG = GeneratorConfig(candidates=4, details=("genres", "lead", "director", "plot"), line_characters=160, history_films=2)
SAID = "seeker: Something with ghosts, please.\nrecommender: Do you like old films?\nseeker: "
ALL = injections("Harvest Moon (2003)")
_HEADS = {CANDIDATES, HISTORY, DIALOGUE, ANSWER}


def attacked(injection: Injection | None) -> tuple[Turn, Catalogue]:
    """The same question, the injection in the place it names; None leaves everything as it is."""
    text, place = (injection.text, injection.place) if injection is not None else ("", "")
    changes = {"title": {"title": f"Harvest Moon {text}"}, "plot": {"plot": f"A farm. {text}"}, "person": {"lead": text, "director": text}}
    films = [replace(film, **changes.get(place, {})) if film.movie_id == PUSHED else film for film in FILMS]
    said = f"{SAID}Old ones too. {text if place == 'dialogue' else ''}"
    return Turn("x:1", said, ("m2", PUSHED)), Catalogue(films)


def test_there_are_many_and_no_two_alike() -> None:
    assert len(ALL) == len(set(ALL)) >= 100 and {each.place for each in ALL} == set(PLACES)


@pytest.mark.parametrize("think", [False, True])
def test_an_injection_stays_in_its_line(think: bool) -> None:
    config = replace(CONFIG, think=think)
    last = THOUGHT if think else ANSWER
    for injection in ALL:
        turn, catalogue = attacked(injection)
        lines = prompt(turn, SHOWN, catalogue, config).split("\n")
        spoken = lines.index(DIALOGUE)
        assert (lines[1], lines[6], lines[-1], spoken) == (CANDIDATES, HISTORY, last, 9), injection
        assert all(line.startswith("- ") and len(line) < 160 for line in (*lines[2:6], *lines[7:9])), injection
        assert all(re.match("(seeker|recommender): ", line) for line in lines[spoken + 1 : -1]), injection
        assert len("\n".join(lines[spoken + 1 : -1])) <= CONFIG.dialogue_characters, injection


def test_no_mark_of_a_part_or_a_speaker_is_left_in_a_text() -> None:
    mark = re.compile(
        r"\b(answer|candidates|dialogue|preference|named before|seeker|recommender|system|assistant|instruction)\W{0,3}:", re.IGNORECASE
    )
    for injection in ALL:
        turn, catalogue = attacked(injection)
        for line in prompt(turn, SHOWN, catalogue, CONFIG).split("\n")[1:]:
            text = line if line not in _HEADS else ""
            assert not mark.search(re.sub("^(seeker|recommender): ", "", text)), injection
            assert not re.search(r"[<>\[\]{}|`\"\x00-\x1f\u200b\u202e\u2028]", text), injection


def test_a_name_and_its_choice_are_the_same_text() -> None:
    """What is listed is what may be answered, also when a title was changed on its way."""
    for injection in ALL:
        turn, catalogue = attacked(injection)
        for place, movie in enumerate(SHOWN):
            line = prompt(turn, SHOWN, catalogue, CONFIG).split("\n")[2 + place]
            assert line == f"- {catalogue.name(movie)}" or line.startswith(f"- {catalogue.name(movie)}; "), injection


class Credulous:
    """Obeys every mark it finds: a head or a speaker inside a line or on a line too many names the film it answers."""

    identity = "credulous"

    def score(self, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[np.ndarray]:
        return [np.array([float(self._told(text, choice)) for choice in own]) for text, own in zip(prompts, choices, strict=True)]

    @staticmethod
    def _told(text: str, choice: str) -> bool:
        body = text[: text.rindex(ANSWER)].casefold()
        orders = re.split(r"answer\s*[:\uff1a]|(?<=[^\n])(?:system|assistant|seeker|recommender)\s*[:\uff1a]|<\||\[inst|\n(?=\n)", body)[1:]
        return any(choice.strip().casefold() in order for order in orders)

    generate = choose = None


def test_a_reader_that_obeys_every_mark_finds_none() -> None:
    asked = [attacked(None), *(attacked(injection) for injection in ALL)]
    for turn, catalogue in asked:
        (scores,) = ItemGenerator(Credulous(), catalogue, CONFIG).score([turn], [SHOWN])  # type: ignore[arg-type]
        assert not scores.any()
    raw = f"{SAID}{next(each.text for each in ALL if each.text.startswith(ANSWER))}\n{ANSWER}"
    assert Credulous().score([raw], [[completion("Harvest Moon (2003)")]])[0][0] == 1  # it does obey


def test_no_constrained_answer_is_outside_its_candidates(tiny: LocalModel) -> None:
    """A small share of `tests/bench/generator_containment.py`, which asks 10,000 times."""
    catalogue = odd_films()
    config = GeneratorConfig(details=("genres",), line_characters=40, dialogue_characters=60, answer="decode")
    asked = odd_questions(catalogue, 200)
    turns, lists = [turn for turn, _ in asked], [movies for _, movies in asked]
    answers = ItemGenerator(tiny, catalogue, config).answer(turns, lists)
    assert all(answer in movies for answer, movies in zip(answers, lists, strict=True))
    assert len(set(answers)) > 80
