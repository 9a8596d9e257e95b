"""How often an answer names a film that is not there: outside its candidates, outside the corpus, outside a data set's films.

What an answer means is decided in `generator.matching`. The ratio of ReGeS is 'outside the candidates' (a selector's
definition), that of He et al. 2023 is 'outside the titles known'; they are not comparable, so each has its name.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from modeling.errors import EvaluationError
from modeling.generator.matching import match

STRICT, FUZZY = "candidates", "candidates_fuzzy"


@dataclass(frozen=True, slots=True)
class Outside:
    """`outside_count` of `answer_count` answers are outside `reference`; 95 % interval after Wilson (1927)."""

    answered: str
    reference: str
    answer_count: int
    outside_count: int
    ratio: float
    low: float
    high: float


def hallucinations(
    answers: Sequence[str],
    candidates: Sequence[Sequence[str]],
    *,
    answered: str,
    known: Mapping[str, Container[str]],
    fuzzy_ratio: float = 0.9,
) -> list[Outside]:
    """One count per reference: 'candidates', 'candidates_fuzzy', then each of `known` (say 'corpus', 'vocabulary': a `TitleSet`).

    `answers`: texts; `candidates`: the names each could choose from; `answered` says how ('constrained', 'unconstrained').
    Strictly among the candidates is one with the same title and year, or without a year the only one of its title.
    An empty answer is outside of everything. EvaluationError when there is no answer, or not one list per answer.
    """
    if not answers or len(answers) != len(candidates):
        raise EvaluationError(
            f"counting hallucinations: {len(answers)} answers, {len(candidates)} lists of candidates; expected some, and as many"
        )
    kinds = [match(answer, names, fuzzy_ratio=fuzzy_ratio).kind for answer, names in zip(answers, candidates, strict=True)]
    outside = {STRICT: sum(kind not in ("strict", "title") for kind in kinds), FUZZY: kinds.count("none")}
    outside |= {name: sum(answer not in titles for answer in answers) for name, titles in known.items()}
    return [_count(answered, reference, len(answers), count) for reference, count in outside.items()]


def _count(answered: str, reference: str, answers: int, outside: int) -> Outside:
    from scipy.stats import binomtest

    interval = binomtest(outside, answers).proportion_ci(method="wilson")
    return Outside(answered, reference, answers, outside, outside / answers, float(interval.low), float(interval.high))
