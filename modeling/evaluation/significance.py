"""Is a difference between two models more than chance: paired randomisation clustered by dialogue, Holm's correction.

The unit that is exchanged is the dialogue: its pairs share a history and a taste, so flipping pairs would count the same
evidence several times. Intervals of single models live in `protocols`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from modeling.errors import EvaluationError
from modeling.evaluation.metrics import METRICS
from modeling.evaluation.pairs import Pairs, groups_of
from modeling.seeding import numpy_generator

EXACT_UP_TO = 14  # clusters with a difference: 2^14 = 16,384 sign patterns are enumerated, more are sampled
SIGNS_PER_CHUNK = 1 << 22  # float64 signs held at once: 32 MB
RELATIVE_TOLERANCE = 1e-12  # sums that are equal on paper must count as equal

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Two-sided p-value, and whether every sign pattern was enumerated."""

    p_value: float
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """`model` against `reference` on one metric: difference of the means over pairs, raw and Holm-adjusted p-value."""

    dataset: str
    candidate_set: str
    model: str
    reference: str
    condition: str
    metric: str
    k: int
    difference: float
    p_value: float
    holm_p_value: float
    is_exact: bool
    dialogue_count: int
    pair_count: int


def paired_randomisation(differences: Values, *, samples: int = 10_000, seed: int = 13) -> PairedTest:
    """Fisher's paired randomisation test on per-dialogue sums of differences [dialogues].

    Under the null hypothesis the two models' names are exchangeable in every dialogue, so each sum may change its sign;
    p = share of sign patterns whose |total| reaches the observed one (Fisher 1935; Smucker et al. 2007 for retrieval).
    Dialogues without a difference drop out, their sign changes nothing. Up to 14 remaining dialogues are enumerated;
    otherwise p = (1 + hits) / (1 + samples), which is never 0 (Phipson & Smyth 2010).
    """
    moved = differences[differences != 0]
    observed = abs(moved.sum()) - RELATIVE_TOLERANCE * np.abs(moved).sum()
    if len(moved) <= EXACT_UP_TO:
        patterns = np.arange(1 << len(moved))[:, None] >> np.arange(len(moved)) & 1
        return PairedTest(float(np.mean(np.abs((1.0 - 2.0 * patterns) @ moved) >= observed)), True)
    hits = sum(int(np.count_nonzero(np.abs(totals) >= observed)) for totals in _sampled_totals(moved, samples, seed))
    return PairedTest((1 + hits) / (1 + samples), False)


def _sampled_totals(moved: Values, samples: int, seed: int) -> Iterator[Values]:
    generator = numpy_generator(seed, "signs of the paired randomisation test")
    size = max(1, SIGNS_PER_CHUNK // len(moved))
    for start in range(0, samples, size):
        signs = generator.integers(0, 2, size=(min(size, samples - start), len(moved)), dtype=np.int8)
        yield (1.0 - 2.0 * signs) @ moved


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment (Holm 1979): p of order i times (m - i + 1), made monotone, at most 1; in the order given."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for position, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - position) * p_values[index]))
        adjusted[index] = running
    return adjusted


def compare(
    ranks: pa.Table,
    *,
    metric: str,
    k: int,
    reference: str,
    condition: str = "new",
    samples: int = 10_000,
    seed: int = 13,
) -> list[Comparison]:
    """Every other model against `reference`, per data set and candidate set, each of these one Holm family.

    `ranks`: rows of eval_recommendation_ranks. EvaluationError when the reference is missing beside another model, or
    when two models were not ranked on the same pairs. Conditions without pairs give no row.
    """
    found: list[Comparison] = []
    for (dataset, candidate_set), members in groupby(groups_of(ranks), key=lambda each: each[0][:2]):
        models = {group.model: pairs.of(condition) for group, pairs in members}
        if reference not in models:
            raise EvaluationError(
                f"comparing models on {dataset}, {candidate_set}: the reference {reference!r} was not ranked there; "
                f"expected one of {sorted(models)}"
            )
        base = models[reference]
        family = [
            Comparison(dataset, candidate_set, model, reference, condition, metric, k, *_test(pairs, base, (metric, k), samples, seed))
            for model, pairs in models.items()
            if model != reference and len(pairs.ranks)
        ]
        found += _corrected(family)
    return found


def _test(pairs: Pairs, base: Pairs, cell: tuple[str, int], samples: int, seed: int) -> tuple[float, float, float, bool, int, int]:
    """Difference, p-value, the same again before correction, exactness, dialogues, pairs."""
    if not pairs.keys.equals(base.keys):
        raise EvaluationError(
            f"comparing models: one was ranked on {len(pairs.ranks)} (turn, target) pairs, the reference on {len(base.ranks)} or "
            "on others; expected the same pairs: rank both again"
        )
    metric, k = cell
    differences = METRICS[metric](pairs.ranks, k) - METRICS[metric](base.ranks, k)
    test = paired_randomisation(pairs.per_dialogue(differences[:, None])[:, 0], samples=samples, seed=seed)
    return float(differences.mean()), test.p_value, test.p_value, test.is_exact, pairs.dialogue_count, len(pairs.ranks)


def _corrected(family: Sequence[Comparison]) -> list[Comparison]:
    adjusted = holm([test.p_value for test in family])
    return [replace(test, holm_p_value=p) for test, p in zip(family, adjusted, strict=True)]
