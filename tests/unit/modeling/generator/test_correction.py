"""The chosen correction is the one that ranks the truths best."""

import zlib
from typing import Any

import pytest

from modeling.errors import DataError
from modeling.generator.catalogue import Catalogue
from modeling.generator.config import GeneratorConfig
from modeling.generator.correction import Trial, corrected, correction_trials
from modeling.generator.data import Question
from modeling.generator.infer import ItemGenerator
from modeling.generator.prompts import Turn

MOVIES = ("m01", "m05", "m08")


def test_a_popular_film_is_seen_through(hashing: Any, catalogue: Catalogue) -> None:
    """The model likes m08 by 5 nats whatever is said, and the truth by 1 when something is said: only the prior tells them apart."""
    truths = [MOVIES[number % 2] for number in range(6)]
    asked = [Question(Turn(f"x:{number}", f"seeker: {truth}"), 0, truth, MOVIES) for number, truth in enumerate(truths)]

    def value(prompt: str, choice: str) -> float:
        film = next(movie for movie in MOVIES if f" {catalogue.name(movie)}" == choice)
        return -20.0 + 5.0 * (film == "m08") + 1.0 * (f"seeker: {film}" in prompt)

    hashing.value = value
    generator = ItemGenerator(hashing, catalogue, GeneratorConfig(candidates=2))
    trials = correction_trials(generator, asked, prior_weights=(0, 1), length_powers=(0, 1))
    assert trials[0] == Trial(1, 0, 1.0, 1.0) and len(trials) == 4
    assert next(trial for trial in trials if (trial.prior_weight, trial.length_power) == (0, 0)).success == 0
    config = corrected(generator.config, trials[0])
    assert ItemGenerator(hashing, catalogue, config).answer([question.turn for question in asked], [MOVIES] * 6) == truths


def test_a_trial_counts_as_the_generator_ranks(hashing: Any, catalogue: Catalogue) -> None:
    asked = [Question(Turn(f"x:{number}", ""), 0, MOVIES[zlib.crc32(b"%d" % number) % 3], MOVIES) for number in range(30)]
    generator = ItemGenerator(hashing, catalogue, GeneratorConfig(candidates=2))
    for trial in correction_trials(generator, asked, prior_weights=(0, 0.5), length_powers=(0, 1)):
        ranked = ItemGenerator(hashing, catalogue, corrected(generator.config, trial)).rank([each.turn for each in asked], [MOVIES] * 30)
        assert trial.success == sum(order[0] == each.truth for order, each in zip(ranked, asked, strict=True)) / 30


def test_nothing_to_choose_by(hashing: Any, catalogue: Catalogue) -> None:
    with pytest.raises(DataError, match="no question was given"):
        correction_trials(ItemGenerator(hashing, catalogue, GeneratorConfig()), [])
