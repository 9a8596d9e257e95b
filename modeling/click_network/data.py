"""The rows of click prediction as arrays, their sizes and their batches. No weights, no model; torch only where a batch is made.

Windows are held as arrays, 18 bytes an entry: 970,000 rows with 30 recent and 30 retrieved entries take about 0.55 GiB.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from modeling.click_network.config import ClickNetworkConfig
from modeling.errors import DataError

if TYPE_CHECKING:
    import torch

PADDING = 0  # no user, no item, no genre

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.int8]
PER_FILM = ("genres", "vectors")


@dataclass(frozen=True, slots=True, eq=False)
class ClickRows:
    """n questions "does this user like this film", each with what was known before it was answered.

    `users` [n], 0 for one that training has not seen; `profile` [n, p], categories; `items` [n], from 1; `liked` bool [n].
    `recent` [n, h]: films of the last interactions, latest first, `recent_liked` 1 where liked. `retrieved` [n, k]: films of the
    history most similar to the target, most similar first, with `retrieved_liked`, `retrieved_similarity` and `retrieved_age`, how
    many interactions before the target (at least 1). Padding is item 0, and what stands beside it is not read.
    `counts` [n, 2]: length of the history, and how many of it were liked. `genres` [items + 1, g]: genre indices from 1, 0 padding.
    `vectors` [items + 1, d]: frozen vectors of the films. `extra` [n, e]: further numbers, NaN where not known. These two are read by
    the retrieval network alone.
    """

    users: Ints
    profile: Ints
    items: Ints
    liked: npt.NDArray[np.bool_]
    recent: Ints
    recent_liked: Flags
    retrieved: Ints
    retrieved_liked: Flags
    retrieved_similarity: Floats
    retrieved_age: Ints
    counts: Floats
    genres: Ints
    vectors: Floats | None = None
    extra: Floats | None = None

    def __post_init__(self) -> None:
        """DataError names every array whose shape or indices do not fit the others."""
        problems = list(_problems(self))
        if problems:
            raise DataError("rows of click prediction: " + "; ".join(problems))

    def __len__(self) -> int:
        return len(self.items)

    def take(self, rows: npt.NDArray[np.integer]) -> "ClickRows":
        """Some of the rows, in the order given; what is known of films is shared."""
        own = {name: value[rows] for name, value in _arrays(self) if name not in PER_FILM}
        return dataclasses.replace(self, **own)


@dataclass(frozen=True, slots=True)
class Sizes:
    """What decides the shapes of a network: highest index + 1 of each kind, and widths of the numeric inputs."""

    users: int
    profile: tuple[int, ...]
    items: int
    genres: int
    genre_columns: int
    vector: int
    extra: int


def sizes_of(rows: ClickRows) -> Sizes:
    """The sizes that the training rows need."""
    profile = tuple(int(column.max(initial=0)) + 1 for column in rows.profile.T)
    vector = 0 if rows.vectors is None else rows.vectors.shape[1]
    extra = 0 if rows.extra is None else rows.extra.shape[1]
    return Sizes(
        users=int(rows.users.max(initial=0)) + 1,
        profile=profile,
        items=len(rows.genres),
        genres=int(rows.genres.max(initial=0)) + 1,
        genre_columns=rows.genres.shape[1],
        vector=vector,
        extra=extra,
    )


def check_fit(rows: ClickRows, sizes: Sizes) -> None:
    """DataError when a network of these sizes cannot read the rows; a category that training has not seen becomes 0 in the batch."""
    seen = sizes_of(rows)
    wrong = [
        f"{name} is {mine!r}, expected {own!r}"
        for name, mine, own in (
            ("number of films + 1", seen.items, sizes.items),
            ("profile columns", len(seen.profile), len(sizes.profile)),
            ("width of the vectors", seen.vector, sizes.vector),
            ("width of extra", seen.extra, sizes.extra),
        )
        if mine != own
    ]
    if wrong:
        raise DataError("reading click rows: " + "; ".join(wrong) + "; build them as the training rows were built")


def batch_of(rows: ClickRows, chosen: npt.NDArray[np.integer], config: ClickNetworkConfig, sizes: Sizes) -> "dict[str, torch.Tensor]":
    """The tensors of some rows: windows cut to the config's lengths, unseen users and categories as 0."""
    import torch

    profile = rows.profile[chosen]
    found: dict[str, npt.NDArray[np.generic]] = {
        "users": _known(rows.users[chosen] * np.int32(config.user_id), sizes.users),
        "profile": _known(profile, np.array(sizes.profile, np.int32)),
        "items": rows.items[chosen],
        "counts": rows.counts[chosen],
    }
    for name, width in (("recent", config.history_length), ("retrieved", config.retrieved_count)):
        found |= {key: value[:, :width][chosen] for key, value in _arrays(rows) if key.startswith(name)}
    if rows.extra is not None:
        found["extra"] = rows.extra[chosen]
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in found.items()}


def _known(codes: Ints, size: int | Ints) -> Ints:
    return np.where(codes < size, codes, np.int32(PADDING))


def _arrays(rows: ClickRows) -> "Iterator[tuple[str, npt.NDArray[np.generic]]]":
    """The arrays that are there, by name."""
    for field in dataclasses.fields(rows):
        value = getattr(rows, field.name)
        if value is not None:
            yield field.name, value


def _problems(rows: ClickRows) -> Iterator[str]:
    count, films = len(rows.items), len(rows.genres)
    for name, value in _arrays(rows):
        expected = films if name in PER_FILM else count
        if len(value) != expected:
            yield f"{name} has {len(value)} rows, expected {expected}"
    for name in ("recent_liked", "retrieved_liked", "retrieved_similarity", "retrieved_age"):
        like = getattr(rows, name.split("_")[0]).shape
        if getattr(rows, name).shape != like:
            yield f"{name} has shape {getattr(rows, name).shape}, expected {like}"
    if rows.counts.shape[1:] != (2,):
        yield f"counts has shape {rows.counts.shape}, expected [rows, 2]"
    yield from _index_problems(rows, films)


def _index_problems(rows: ClickRows, films: int) -> Iterator[str]:
    for name, low, beyond in (("items", 1, films), ("recent", 0, films), ("retrieved", 0, films), ("users", 0, None), ("profile", 0, None)):
        value = getattr(rows, name)
        if value.size and (value.min() < low or (beyond is not None and value.max() >= beyond)):
            limit = "" if beyond is None else f" and below {beyond}, the rows of genres"
            yield f"{name} holds {value.min()} to {value.max()}, expected at least {low}{limit}"
