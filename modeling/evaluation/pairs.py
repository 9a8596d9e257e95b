"""Rows of eval_recommendation_ranks as arrays: one group per (dataset, model, candidate set), cut by condition. No metric here."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from modeling.errors import EvaluationError

CONDITIONS = ("new", "repeated", "all")
GROUP = ("dataset", "candidate_set", "model")


class Group(NamedTuple):
    """Who was ranked where."""

    dataset: str
    candidate_set: str
    model: str


@dataclass(frozen=True, slots=True)
class Pairs:
    """The (turn, target) pairs of one group, sorted by (example, target), each array [n].

    `ranks`: 1-based, NaN where not ranked; `dialogues`, `turns`: dense codes from 0 in order of id; `keys`: example and
    target, by which the pairs of two models are matched.
    """

    ranks: npt.NDArray[np.float64]
    is_new: npt.NDArray[np.bool_]
    dialogues: npt.NDArray[np.int64]
    turns: npt.NDArray[np.int64]
    keys: pa.Table

    @property
    def dialogue_count(self) -> int:
        return int(self.dialogues.max()) + 1 if len(self.dialogues) else 0

    def of(self, condition: str) -> "Pairs":
        """The pairs of one condition, dialogues and turns numbered anew so that each has a pair."""
        if condition not in CONDITIONS:
            raise EvaluationError(f"choosing pairs: condition {condition!r} is unknown; expected one of {CONDITIONS}")
        chosen = self.is_new == (condition == "new") if condition != "all" else np.ones_like(self.is_new)
        keys = self.keys.filter(pa.array(chosen))
        return Pairs(self.ranks[chosen], self.is_new[chosen], _codes(self.dialogues[chosen]), _codes(self.turns[chosen]), keys)

    def per_dialogue(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Sums of the rows of `values` [n, m] over each dialogue, [dialogues, m]."""
        sums = np.zeros((self.dialogue_count, values.shape[1]))
        np.add.at(sums, self.dialogues, values)
        return sums


def groups_of(ranks: pa.Table) -> Iterator[tuple[Group, Pairs]]:
    """Every group of eval_recommendation_ranks with its pairs, in order of (dataset, candidate set, model)."""
    groups = ranks.group_by(list(GROUP)).aggregate([]).sort_by([(name, "ascending") for name in GROUP])
    for group in (Group(**row) for row in groups.select(GROUP).to_pylist()):
        chosen = pc.and_(pc.equal(ranks["dataset"], group.dataset), pc.equal(ranks["candidate_set"], group.candidate_set))
        yield group, _pairs(ranks.filter(pc.and_(chosen, pc.equal(ranks["model"], group.model))))


def _pairs(rows: pa.Table) -> Pairs:
    rows = rows.sort_by([("example_id", "ascending"), ("target_index", "ascending")])
    ranks = np.asarray(pc.fill_null(rows["rank"].cast(pa.float64()), np.nan))
    return Pairs(
        ranks,
        np.asarray(rows["is_new"]),
        _codes(rows["dialogue_id"]),
        _codes(rows["example_id"]),
        rows.select(["example_id", "target_index"]),
    )


def _codes(values: Any) -> npt.NDArray[np.int64]:
    codes: npt.NDArray[np.int64] = np.unique(np.asarray(values), return_inverse=True)[1]
    return codes.astype(np.int64)
