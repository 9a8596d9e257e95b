"""One round of the loop up to the update: draw candidate sets, have them ranked, reward the lists. Nothing is learned in here.

A ranker that cannot leave its candidates earns nothing from a set without a target, whatever it answers; such a set is not asked about.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from modeling.errors import BudgetError, DataError
from modeling.generator.prompts import Turn
from modeling.preference_retriever.candidate_sets import Support, log_probabilities, sample, support_of, supported
from modeling.preference_retriever.config import PreferenceConfig
from modeling.preference_retriever.data import Turns
from modeling.preference_retriever.network import Policy
from modeling.ranker.protocol import RankedSet, Ranker
from modeling.seeding import numpy_generator

TURNS_AT_ONCE = 256
CALLS_AT_ONCE = 64
UNASKED = "unasked"  # of a set that the budget did not reach
Numbers = npt.NDArray[np.float64]
Tell = Callable[[int, int], None]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Draws:
    """Sets of n turns: their `support`, `sets` of places in it [n, sets, K], `films` the same as columns of the films (-1: none), and
    `sampling`, the log-probabilities [n, sets] in nats under the policy that drew them."""

    support: Support
    sets: Tensor
    films: npt.NDArray[np.int64]
    sampling: Tensor


def draw(policy: Policy, turns: Turns, config: PreferenceConfig, *, purpose: str) -> Draws:
    """`config.set_count` sets of each turn; the same seed and purpose draw the same sets."""
    parts = []
    with torch.no_grad():
        for start in range(0, max(1, len(turns)), TURNS_AT_ONCE):
            rows = turns.take(range(start, min(start + TURNS_AT_ONCE, len(turns))))
            generator = numpy_generator(config.seed, f"sets of {purpose}, from turn {start}")
            parts.append(_drawn(policy.scores(rows), rows, config, generator))
    films, known, sets, sampling = (torch.cat(part) for part in zip(*parts, strict=True))
    return Draws(Support(films, known), sets, columns_of(films, sets).numpy(), sampling)


def _drawn(scores: Tensor, turns: Turns, config: PreferenceConfig, generator: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    support = support_of(scores, config.support)
    support = _with_truths(support, scores, turns) if config.forced_truth else support
    own = supported(scores, support)
    shape = {"set_count": config.set_count, "size": config.candidates}
    sets = sample(own, **shape, temperature=config.temperature, generator=generator)
    sets = _forced(sets, support, turns) if config.forced_truth else sets
    return support.films, support.known, sets, log_probabilities(own, sets, temperature=config.temperature)


def columns_of(films: Tensor, sets: Tensor) -> Tensor:
    """Places of a support [n, sets, K] as columns of the films, -1 for none."""
    wide = films[:, None, :].expand(-1, sets.shape[1], -1)
    return torch.gather(wide, 2, sets.clamp(min=0)).masked_fill(sets < 0, -1)


def _with_truths(support: Support, scores: Tensor, turns: Turns) -> Support:
    """The last place of a support goes to the first target that could be offered and is not there."""
    films = support.films.clone()
    for row, targets in enumerate(turns.targets):
        offered = [column for column in targets if scores[row, column] > -torch.inf]
        if offered and not set(offered) & set(films[row].tolist()):
            films[row, -1] = offered[0]
    return Support(films, support.known)


def _forced(sets: Tensor, support: Support, turns: Turns) -> Tensor:
    """The last film of each turn's last set makes room for a target that no film of the set is."""
    forced = sets.clone()
    for row, targets in enumerate(turns.targets):
        places = [place for place, film in enumerate(support.films[row].tolist()) if film in targets and bool(support.known[row, place])]
        if places and not set(places) & set(forced[row, -1].tolist()):
            forced[row, -1, -1] = places[0]
    return forced


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a ranker made of sets: `rewards` [n, sets] nDCG of its lists; `answers` by (turn, set), missing where nothing was asked."""

    rewards: Numbers
    answers: Mapping[tuple[int, int], RankedSet]
    failures: Mapping[str, int]
    asked_count: int
    is_complete: bool


def shown(films: Sequence[int], turns: Turns, order: Mapping[int, int]) -> list[str]:
    """The movie ids of a set in the retriever's order: what `order` gives each column, ascending."""
    return [turns.films[column] for column in sorted((c for c in films if c >= 0), key=order.__getitem__)]


def ask(
    ranker: Ranker,
    sets: npt.NDArray[np.int64],
    turns: Turns,
    said: Mapping[str, Turn],
    *,
    orders: Sequence[Mapping[int, int]],
    cutoff: int,
    call_budget: int | None = None,
    tell: Tell | None = None,
) -> Feedback:
    """Have every set of columns [n, sets, K] ranked that can earn something, and reward its list.

    `said`: the turns as prompts tell them, by example id; `orders`: each turn's columns in the retriever's order. The budget ends the
    work before the call beyond it; turns it did not reach earn 0 with all sets alike, so they are ties. DataError for a budget of 0.
    """
    wanted = list(_asked_about(ranker, sets, turns))
    if call_budget == 0 and wanted:
        raise DataError(
            f"asking the ranker about {len(sets)} turns: the budget is 0 calls, {len(wanted)} are needed; raise ranker_call_budget"
        )
    allowed = wanted if call_budget is None else _whole_turns(wanted, call_budget)
    answers: dict[tuple[int, int], RankedSet] = {}
    for start in range(0, len(allowed), CALLS_AT_ONCE):
        part = allowed[start : start + CALLS_AT_ONCE]
        lists = [shown(sets[row, place].tolist(), turns, orders[row]) for row, place in part]
        try:
            found = ranker.rank([said[turns.example_ids[row]] for row, _ in part], lists)
        except BudgetError as error:
            logger.warning("the round ends here: %s", error)
            break
        answers.update(zip(part, found, strict=True))
        if tell is not None:
            tell(len(answers), len(allowed))
    return _rewarded(answers, wanted, sets.shape[:2], turns, cutoff)


def _asked_about(ranker: Ranker, sets: npt.NDArray[np.int64], turns: Turns) -> "list[tuple[int, int]]":
    return [
        (row, place)
        for row in range(sets.shape[0])
        for place in range(sets.shape[1])
        if not ranker.is_constrained or set(turns.targets[row]) & set(sets[row, place].tolist())
    ]


def _whole_turns(wanted: Sequence[tuple[int, int]], budget: int) -> list[tuple[int, int]]:
    """The first calls of the budget, cut before the turn that would not be asked about whole."""
    if len(wanted) <= budget:
        return list(wanted)
    return [call for call in wanted[:budget] if call[0] != wanted[budget][0]]


def _rewarded(
    answers: Mapping[tuple[int, int], RankedSet], wanted: Sequence[tuple[int, int]], shape: tuple[int, ...], turns: Turns, cutoff: int
) -> Feedback:
    rewards, failures = np.zeros(shape), dict[str, int]()
    unfinished = {row for row, place in wanted if (row, place) not in answers}
    for (row, place), answer in answers.items():
        if row not in unfinished:
            rewards[row, place] = list_reward(answer.order, turns, row, cutoff)
        if answer.failure:
            failures[answer.failure] = failures.get(answer.failure, 0) + 1
    left = len(wanted) - len(answers)
    return Feedback(rewards, answers, failures | ({UNASKED: left} if left else {}), len(answers), not left)


def list_reward(order: Sequence[str], turns: Turns, row: int, cutoff: int) -> float:
    """nDCG at `cutoff` of one list against all new targets of its turn, from 0 to 1 (Järvelin & Kekäläinen 2002)."""
    targets = {turns.films[column] for column in turns.targets[row]}
    gain = sum(1.0 / np.log2(place + 2) for place, film in enumerate(order[:cutoff]) if film in targets)
    ideal = sum(1.0 / np.log2(place + 2) for place in range(min(int(turns.target_counts[row]), cutoff)))
    return float(gain / ideal)


def offer(policy: Policy, turns: Turns, count: int) -> npt.NDArray[np.int64]:
    """Columns [n, count] of the films of highest score, best first, ties by the smaller column, -1 where the films run out."""
    parts = []
    with torch.no_grad():
        for start in range(0, len(turns), TURNS_AT_ONCE):
            rows = turns.take(range(start, min(start + TURNS_AT_ONCE, len(turns))))
            scores = policy.scores(rows).numpy()
            best = np.argsort(-scores, axis=1, kind="stable")[:, :count]
            parts.append(np.where(np.isfinite(np.take_along_axis(scores, best, axis=1)), best, -1))
    return np.concatenate(parts) if parts else np.empty((0, count), np.int64)


def places_in(columns: npt.NDArray[np.int64]) -> list[dict[int, int]]:
    """Each turn's columns [n, m] as column -> place: the retriever's order, for `ask`."""
    return [{column: place for place, column in enumerate(row) if column >= 0} for row in columns.tolist()]
