"""One data set of interactions as click prediction reads it: histories as arrays, rows by split, facts of items and users as texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assets_defs.film_facts import film_facts
from corpus_pipeline.release import Release
from corpus_pipeline.schema import tables as t
from corpus_pipeline.schema.fields import BOOK_DATASETS, BOOKS_WITH_ZEROS

if TYPE_CHECKING:
    from modeling.click_network.rows import Known
    from modeling.joint_representation.histories import Histories

Positions = npt.NDArray[np.int64]
PROFILE = ("gender", "age", "occupation")
_FROM_CORPUS = ("genres", "directors", "cast", "keywords", "plot")


@dataclass(frozen=True, slots=True, eq=False)
class ClickData:
    """Items and users in order of their ids; entries of `histories` in the order of core_interactions; `rows`: set_click's.

    `places` int64 [rows]: the flattened position of each row's target.
    """

    dataset: str
    items: pa.Table
    users: pa.Table
    histories: "Histories"
    ratings: pa.ChunkedArray
    rows: pa.Table
    places: Positions

    @property
    def item_ids(self) -> list[str]:
        """Row i of every item matrix belongs to the i-th."""
        found: list[str] = self.items["item_id"].to_pylist()
        return found

    @property
    def kind(self) -> str:
        """What prompts call an item."""
        return "book" if self.dataset in BOOK_DATASETS else "film"

    def of_split(self, split: str) -> Positions:
        """Ascending flattened positions of the targets of a split."""
        return np.sort(self.places[_is(self.rows["split"], split)])

    def numbers(self, targets: Positions) -> Positions:
        """Row numbers in `rows` of ascending targets."""
        order = np.argsort(self.places, kind="stable")
        found: Positions = order[np.searchsorted(self.places[order], targets)]
        return found

    def owners(self, targets: Positions) -> Positions:
        """User rows of targets."""
        return np.searchsorted(self.histories.offsets, targets, side="right") - 1


def click_data(release: Release, set_click: pa.Table, dataset: str) -> ClickData:
    """The data set `dataset` of a release; `set_click`: that table."""
    from modeling.joint_representation.histories import Histories

    def own(table: pa.Table) -> pa.Table:
        return table.filter(pc.equal(table["dataset"], dataset)).combine_chunks()

    items, users = own(release.table(t.INTERACTION_ITEMS)), own(release.table(t.INTERACTION_USERS))
    entries, rows = own(release.table(t.INTERACTIONS)), own(set_click)
    counts = np.bincount(_places(entries["user_id"], users["user_id"]), minlength=users.num_rows)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    item_rows = _places(entries["item_id"], items["item_id"]).astype(np.int32)
    histories = Histories(offsets, item_rows, entries["is_liked"].to_numpy(zero_copy_only=False).astype(bool))
    places = offsets[_places(rows["user_id"], users["user_id"])] + rows["history_position"].to_numpy()
    return ClickData(dataset, items, users, histories, entries["rating"], rows, places)


def training_edges(data: ClickData) -> tuple[Positions, Positions]:
    """User rows and item rows of the training rows that are edges: the only interactions that a graph may know."""
    return edges_of(data, data.of_split("train"))


def edges_of(data: ClickData, targets: Positions) -> tuple[Positions, Positions]:
    """User rows and item rows of ascending `targets` that are liked or, where zeros are kept as the released code keeps them, rated 0."""
    is_edge = data.histories.liked
    if data.dataset == BOOKS_WITH_ZEROS:
        is_edge = is_edge | _is(data.ratings, 0.0)
    chosen = targets[is_edge[targets]]
    return data.owners(chosen), data.histories.items[chosen].astype(np.int64)


def item_facts(release: Release, data: ClickData) -> list[dict[str, Any]]:
    """What is known of each item: the corpus' facts where the crosswalk has a film, else the data set's own."""
    movies = [movie for movie in data.items["movie_id"].to_pylist() if movie]
    known = {row["movie_id"]: row for row in film_facts(release, movies).to_pylist()} if movies else {}
    return [_facts(row, known.get(row["movie_id"])) for row in data.items.to_pylist()]


def _facts(item: Mapping[str, Any], film: Mapping[str, Any] | None) -> dict[str, Any]:
    own = {name: item[name] for name in ("title", "year", "creators", "publisher")} | {"genres": item["item_genres"]}
    return own if film is None else {**own, "creators": None, **{name: film[name] for name in _FROM_CORPUS if film[name]}}


def title_of(facts: Mapping[str, Any]) -> str:
    """'Title (Year)', or the title alone."""
    return f"{facts['title']} ({facts['year']})" if facts["year"] else str(facts["title"])


def known_of(data: ClickData, learned: Positions, vectors: npt.NDArray[np.float32] | None) -> "Known":
    """What networks know of users and items; a user with none of the `learned` targets is 0. `vectors` [items, d]."""
    from modeling.click_network.rows import Known

    seen = np.zeros(data.users.num_rows, bool)
    seen[data.owners(learned)] = True
    users = np.where(seen, np.cumsum(seen), 0).astype(np.int32)
    profile = np.column_stack([_codes(data.users[name].to_pylist()) for name in PROFILE])
    padded = None if vectors is None else np.concatenate([np.zeros((1, vectors.shape[1]), np.float32), vectors])
    return Known(users, profile, _genres(data.items["item_genres"].to_pylist()), padded)


def user_profiles(data: ClickData) -> list[dict[str, str | None]]:
    """What prompts tell of each user row."""
    rows = data.users.select(["gender", "age", "occupation", "location"]).to_pylist()
    return [{"gender": row["gender"], "age": row["age"], "job": row["occupation"], "location": row["location"]} for row in rows]


def sampled_targets(data: ClickData, split: str, count: int) -> Positions:
    """At most `count` targets of a split, drawn by a hash of the user and position: never the first rows of a time-ordered file."""
    from corpus_pipeline.splits import hash_share

    rows = data.rows.filter(pc.equal(data.rows["split"], split))
    keys = [f"{data.dataset}/{user}/{place}" for user, place in _pairs(rows, "user_id", "history_position")]
    order = sorted(range(len(keys)), key=lambda row: (hash_share(f"judged click rows/{keys[row]}"), keys[row]))
    return np.sort(data.places[_is(data.rows["split"], split)][order[:count]])


def _pairs(rows: pa.Table, *names: str) -> Any:
    return zip(*(rows[name].to_pylist() for name in names), strict=True)


def _is(column: pa.ChunkedArray, value: str | float) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = pc.equal(column, value).to_numpy(zero_copy_only=False)
    return found


def _places(values: pa.ChunkedArray, among: pa.ChunkedArray) -> Positions:
    found: Positions = pc.index_in(values, among.combine_chunks()).to_numpy(zero_copy_only=False).astype(np.int64)
    return found


def _codes(values: Sequence[str | None]) -> npt.NDArray[np.int32]:
    """1 for the first distinct value in order, and so on; 0 for none."""
    places = {value: place for place, value in enumerate(sorted({value for value in values if value}), 1)}
    return np.array([places.get(value, 0) if value else 0 for value in values], np.int32)


def _genres(lists: Sequence[Sequence[str]]) -> npt.NDArray[np.int32]:
    """[items + 1, g]: genre indices from 1, row 0 for padding."""
    names = {name: place for place, name in enumerate(sorted({name for own in lists for name in own}), 1)}
    width = max(1, max(map(len, lists), default=1))
    found = np.zeros((len(lists) + 1, width), np.int32)
    for row, own in enumerate(lists, 1):
        found[row, : len(own)] = [names[name] for name in own]
    return found
