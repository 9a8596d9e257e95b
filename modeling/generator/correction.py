"""Which correction of likelihoods to use: prior weight and power of the length, chosen on questions of the validation split."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from modeling.errors import DataError
from modeling.generator.config import GeneratorConfig
from modeling.generator.data import Question
from modeling.generator.infer import Evidence, ItemGenerator

PRIOR_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
LENGTH_POWERS = (0.0, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Trial:
    """One pair of settings on the questions: share of truths that come first, mean of 1 / rank."""

    prior_weight: float
    length_power: float
    success: float
    reciprocal_rank: float


def correction_trials(
    generator: ItemGenerator,
    asked: Sequence[Question],
    *,
    prior_weights: Sequence[float] = PRIOR_WEIGHTS,
    length_powers: Sequence[float] = LENGTH_POWERS,
) -> list[Trial]:
    """Every pair of settings, best mean reciprocal rank first, ties to the smaller values. The model is asked twice per question.

    The rank of the truth says more than whether it is first: a few hundred questions do not tell shares of a tenth apart.
    DataError without questions.
    """
    if not asked:
        raise DataError("choosing a correction: no question was given; pass the linked new targets of split 'valid'")
    lists = [question.candidates for question in asked]
    found = generator.evidence([question.turn for question in asked], lists, with_prior=True)
    trials = [_trial(found, asked, weight, power) for weight, power in product(prior_weights, length_powers)]
    return sorted(trials, key=lambda trial: (-trial.reciprocal_rank, trial.prior_weight, trial.length_power))


def corrected(config: GeneratorConfig, trial: Trial) -> GeneratorConfig:
    """The config with the settings of a trial."""
    return replace(config, prior_weight=trial.prior_weight, length_power=trial.length_power)


def _trial(found: Sequence[Evidence], asked: Sequence[Question], weight: float, power: float) -> Trial:
    ranks = [_rank(each.scores(weight, power).tolist(), question) for each, question in zip(found, asked, strict=True)]
    return Trial(weight, power, float(np.mean([rank == 1 for rank in ranks])), float(np.mean([1 / rank for rank in ranks])))


def _rank(scores: Sequence[float], question: Question) -> int:
    """1-based rank of the truth, ties by id as everywhere."""
    order = sorted(zip(question.candidates, scores, strict=True), key=lambda pair: (-pair[1], pair[0]))
    return [movie for movie, _ in order].index(question.truth) + 1
