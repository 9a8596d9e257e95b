"""Turns as the loop reads them: histories, dialogue vectors, which films may be offered, and the targets. No weights, no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from modeling.errors import DataError

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Turns:
    """n turns over `films` (movie ids ascending). `histories` movie ids in order; `features` float32 [n, f], the dialogues' vectors;
    `allowed` bool [data sets, films]; `dataset_rows` [n] its row of each turn; `targets` columns of the new films to be predicted
    that may be offered, `target_counts` [n] how many there are with those that may not (they are missed).
    A film named twice is one target, and each that may not be offered counts, as in `modeling.evaluation.metrics.per_turn`."""

    example_ids: Sequence[str]
    films: Sequence[str]
    histories: Sequence[Sequence[str]]
    features: npt.NDArray[np.float32]
    allowed: npt.NDArray[np.bool_]
    dataset_rows: Indices
    targets: Sequence[tuple[int, ...]]
    target_counts: Indices
    named_too: bool = False

    def __len__(self) -> int:
        return len(self.example_ids)

    def take(self, rows: Sequence[int] | Indices) -> "Turns":
        """The turns of the given rows, in their order."""
        chosen = np.asarray(rows, np.int64)
        return Turns(
            [self.example_ids[row] for row in chosen],
            self.films,
            [self.histories[row] for row in chosen],
            self.features[chosen],
            self.allowed,
            self.dataset_rows[chosen],
            [self.targets[row] for row in chosen],
            self.target_counts[chosen],
            self.named_too,
        )

    def excluded(self) -> npt.NDArray[np.bool_]:
        """bool [n, films]: films of another data set and, unless `named_too`, films named before, which no set may hold."""
        left_out = ~self.allowed[self.dataset_rows]
        if self.named_too:
            return left_out
        column = {film: place for place, film in enumerate(self.films)}
        for row, history in enumerate(self.histories):
            left_out[row, [column[film] for film in history if film in column]] = True
        return left_out


def turns_of(examples: pa.Table, targets: pa.Table, features: npt.NDArray[np.float32], catalogues: Mapping[str, Sequence[str]]) -> Turns:
    """Turns of rows of set_recommendation and set_recommendation_targets that have a new target; others teach and measure nothing.

    `features` float32 [rows, f]; `catalogues`: the films of each data set. DataError for a data set without a catalogue.
    """
    datasets = sorted(catalogues)
    unknown = sorted(set(examples["dataset"].to_pylist()) - set(datasets))
    if unknown:
        raise DataError(f"preparing turns: no films are given for {unknown}; expected a catalogue for each data set")
    films = tuple(sorted({film for own in catalogues.values() for film in own}))  # a tuple: `Places` looks it up once
    column = {film: place for place, film in enumerate(films)}
    wanted: dict[str, list[str | None]] = {}
    for example, film, new in zip(*(targets[name].to_pylist() for name in ("example_id", "movie_id", "is_new")), strict=True):
        if new:
            wanted.setdefault(example, []).append(film)
    ids = examples["example_id"].to_pylist()
    rows = [row for row, example in enumerate(ids) if example in wanted]
    allowed = np.zeros((len(datasets), len(films)), bool)
    for place, dataset in enumerate(datasets):
        allowed[place, [column[film] for film in catalogues[dataset]]] = True
    names, histories = examples["dataset"].to_pylist(), examples["history_movie_ids"].to_pylist()
    own = {dataset: frozenset(catalogues[dataset]) for dataset in datasets}
    offered = [[film for film in wanted[ids[row]] if film in own[names[row]] and film not in histories[row]] for row in rows]
    return Turns(
        [ids[row] for row in rows],
        films,
        [histories[row] for row in rows],
        features[rows],
        allowed,
        np.array([datasets.index(names[row]) for row in rows], np.int64),
        [tuple(sorted({column[film] for film in found})) for found in offered],
        np.array([len(wanted[ids[row]]) - len(found) + len(set(found)) for row, found in zip(rows, offered, strict=True)], np.int64),
    )
