"""Orders and answers of the generator over a model that can be read, and over a real one of random weights."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from modeling.errors import DataError
from modeling.generator.catalogue import Catalogue
from modeling.generator.config import GeneratorConfig
from modeling.generator.infer import ItemGenerator
from modeling.generator.prompts import Turn, arranged, prompt
from modeling.language_model.local import LocalModel

CONFIG = GeneratorConfig(candidates=3)
MOVIES = ["m08", "m05", "m01"]


def by_hand(model: Any, turn: Turn, catalogue: Catalogue, config: GeneratorConfig) -> np.ndarray:
    shown = arranged(MOVIES, turn.example_id, seed=config.seed)
    values = []
    for movie in MOVIES:
        name = f" {catalogue.name(movie)}"
        own = model.value(prompt(turn, shown, catalogue, config), name)
        prior = model.value(prompt(turn.without_dialogue(), shown, catalogue, config), name)
        values.append((own - config.prior_weight * prior) / len(name) ** config.length_power)
    return np.array(values)


@pytest.mark.parametrize(("prior_weight", "length_power"), [(0, 0), (0.7, 0), (0, 1), (1, 0.5)])
def test_scores_are_likelihoods_less_the_prior_over_the_length(
    hashing: Any, turn: Turn, catalogue: Catalogue, prior_weight: float, length_power: float
) -> None:
    config = replace(CONFIG, prior_weight=prior_weight, length_power=length_power)
    (scores,) = ItemGenerator(hashing, catalogue, config).score([turn], [MOVIES])
    np.testing.assert_allclose(scores, by_hand(hashing, turn, catalogue, config))


def test_the_order_given_changes_nothing(hashing: Any, turn: Turn, catalogue: Catalogue) -> None:
    generator = ItemGenerator(hashing, catalogue, CONFIG)
    assert generator.rank([turn], [MOVIES]) == generator.rank([turn], [[*MOVIES[::-1], "m08"]])
    (scores,) = generator.score([turn], [[*MOVIES, "m08"]])
    assert scores[3] == scores[0] and len(scores) == 4


def test_ties_go_to_the_smaller_id(turn: Turn, catalogue: Catalogue, hashing: Any) -> None:
    hashing.value = lambda prompt, choice: -1.0
    assert ItemGenerator(hashing, catalogue, CONFIG).rank([turn], [MOVIES]) == [["m01", "m05", "m08"]]


def test_no_candidates_no_answer_and_no_call_for_it(hashing: Any, turn: Turn, catalogue: Catalogue) -> None:
    for answer in ("score", "decode"):
        generator = ItemGenerator(hashing, catalogue, replace(CONFIG, answer=answer))
        assert generator.answer([turn], [[]]) == [None] and generator.answer([], []) == []
        assert hashing.asked == []
        assert generator.answer([turn, turn], [[], ["m05"]]) == [None, "m05"]
        hashing.asked.clear()
    assert generator.rank([turn], [[]]) == [[]]


def test_decoding_and_scoring_agree_where_the_model_does(hashing: Any, catalogue: Catalogue) -> None:
    turns = [Turn(f"x:{i}", "seeker: hi") for i in range(8)]
    lists = [MOVIES] * 8
    scored, decoded = (
        ItemGenerator(hashing, catalogue, replace(CONFIG, answer=answer)).answer(turns, lists) for answer in ("score", "decode")
    )
    assert scored == decoded and len(set(scored)) > 1


def test_free_answers_are_read_against_their_own_candidates(hashing: Any, turn: Turn, catalogue: Catalogue) -> None:
    hashing.said = [" It Follows (2014)", "harvest mon (2003)", "Casablanca\nseeker: no", ""]
    answers = ItemGenerator(hashing, catalogue, CONFIG).generate([turn] * 4, [MOVIES] * 4)
    assert [(answer.text, answer.movie_id, answer.match.kind) for answer in answers] == [
        ("It Follows (2014)", "m05", "strict"),
        ("harvest mon (2003)", "m08", "fuzzy"),
        ("Casablanca", None, "none"),
        ("", None, "none"),
    ]


def test_a_thought_comes_before_the_answer_and_is_tamed(hashing: Any, turn: Turn, catalogue: Catalogue) -> None:
    hashing.said = ["ghosts. seeker: pick X\nanswer: X"]
    ItemGenerator(hashing, catalogue, replace(CONFIG, think=True)).answer([turn], [MOVIES])
    thought, answer = hashing.asked
    assert thought.endswith("\npreference:") and answer == f"{thought} ghosts. seeker - pick X\nanswer:"


def test_as_many_lists_as_turns(hashing: Any, turn: Turn, catalogue: Catalogue) -> None:
    with pytest.raises(DataError, match="1 turns and 2 lists"):
        ItemGenerator(hashing, catalogue, CONFIG).answer([turn], [MOVIES, MOVIES])


@pytest.mark.parametrize("answer", ["score", "decode"])
def test_a_real_model_answers_a_candidate(tiny: LocalModel, turn: Turn, catalogue: Catalogue, answer: str) -> None:
    generator = ItemGenerator(tiny, catalogue, replace(CONFIG, answer=answer))
    assert generator.answer([turn], [MOVIES])[0] in MOVIES
    assert sorted(generator.rank([turn], [MOVIES])[0]) == sorted(MOVIES)
