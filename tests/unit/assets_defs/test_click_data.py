"""One data set of a release as arrays: against a look-up row by row; no label of a test row is in the graph."""

import dataclasses
from collections import Counter
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest

from assets_defs.click_data import (
    ClickData,
    click_data,
    item_facts,
    known_of,
    sampled_targets,
    title_of,
    training_edges,
    user_profiles,
)
from corpus_pipeline.release import Release
from corpus_pipeline.schema.types import Table
from tests.factories import click, good_corpus, interaction, movie_id, table_of

USERS = [f"u{number:02d}" for number in range(24)]
NAMES = ("bookcrossing", "bookcrossing_implicit", "movielens_1m")
PROFILES = {"u00": ("f", 25, "artist"), "u01": ("m", 25, None)}
ITEMS = [str(number) for number in range(21, 41)]


class Tables:
    """A release that is a mapping of tables."""

    def __init__(self, tables: dict[str, pa.Table]) -> None:
        self.tables = tables

    def table(self, table: Table) -> pa.Table:
        return self.tables[table.name]


def interactions_of(dataset: str) -> list[dict[str, Any]]:
    """Users of 5 to 9 interactions, likes and items by chance; every other item is rated 0 where it is not liked."""
    generator = np.random.default_rng(4)
    rows = []
    for user in USERS:
        for place, item in enumerate(generator.permutation(ITEMS)[: generator.integers(5, 10)]):
            is_liked = bool(generator.random() < 0.6)
            rating = 5.0 if is_liked else 3.0 * (int(item) % 2)
            rows.append(interaction(dataset, user, place, item_id=str(item), is_liked=is_liked, rating=rating))
    return rows


def clicks_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with three interactions before them, whole users in an order that is not that of their ids; half of them train."""
    order = {user: place for place, user in enumerate(np.random.default_rng(9).permutation(USERS))}
    chosen = sorted((row for row in rows if row["history_position"] >= 3), key=lambda r: (order[r["user_id"]], r["history_position"]))
    return [click(("train", "train", "valid", "test")[order[row["user_id"]] // 6], index, row) for index, row in enumerate(chosen)]


def item(dataset: str, number: str) -> dict[str, Any]:
    return {
        "dataset": dataset, "item_id": number, "title": f"Own {number}", "year": 1980 if number != "22" else None,
        "creators": ["Somebody"], "item_genres": ["War", "Comedy"][: int(number) % 3], "publisher": None,
        "movie_id": movie_id(1) if (dataset, number) == ("movielens_1m", "21") else None,
    }  # fmt: skip


def user(dataset: str, name: str) -> dict[str, Any]:
    gender, age, occupation = PROFILES.get(name, (None, None, None))
    return {"dataset": dataset, "user_id": name, "gender": gender, "age": None if age is None else str(age), "occupation": occupation} | {
        "location": None
    }


@pytest.fixture(scope="module")
def release() -> Release:
    """Data sets of the same users and items, of which one is asked for."""
    own = {
        "core_interactions": [row for name in NAMES for row in interactions_of(name)],
        "core_interaction_items": [item(name, number) for name in NAMES for number in ITEMS],
        "core_interaction_users": [user(name, one) for name in NAMES for one in USERS],
    }
    return cast(Release, Tables({**good_corpus(), **{name: table_of(name, rows) for name, rows in own.items()}}))


def rows_of_set() -> pa.Table:
    return table_of("set_click", [row for name in NAMES for row in clicks_of(interactions_of(name))])


@pytest.fixture(scope="module")
def data(release: Release) -> ClickData:
    return click_data(release, rows_of_set(), "movielens_1m")


def test_every_row_points_at_its_own_interaction(data: ClickData) -> None:
    users = data.users["user_id"].to_pylist()
    for number, row in enumerate(data.rows.to_pylist()):
        place = data.places[number]
        assert row["dataset"] == "movielens_1m"
        assert data.item_ids[data.histories.items[place]] == row["item_id"]
        assert data.histories.liked[place] == row["is_liked"]
        start = data.histories.offsets[users.index(row["user_id"])]
        assert place - start == row["history_position"]


def test_histories_are_the_interactions_in_their_order(data: ClickData) -> None:
    expected = [(row["item_id"], row["is_liked"]) for row in interactions_of("movielens_1m")]
    assert [(data.item_ids[i], bool(liked)) for i, liked in zip(data.histories.items, data.histories.liked, strict=True)] == expected
    assert np.diff(data.histories.offsets).tolist() == list(Counter(row["user_id"] for row in interactions_of("movielens_1m")).values())
    assert len(data.ratings) == len(expected)
    users = data.users["user_id"].to_pylist()
    owners = [users[row] for row in data.owners(np.arange(len(expected)))]
    assert owners == [row["user_id"] for row in interactions_of("movielens_1m")]


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_targets_of_a_split_lead_back_to_their_rows_and_users(data: ClickData, split: str) -> None:
    targets = data.of_split(split)
    assert len(targets) and (np.diff(targets) > 0).all()
    rows = data.rows.take(pa.array(data.numbers(targets)))
    assert set(rows["split"].to_pylist()) == {split} and rows.num_rows == data.rows["split"].to_pylist().count(split)
    assert rows["user_id"].to_pylist() == data.users.take(pa.array(data.owners(targets)))["user_id"].to_pylist()
    assert rows["is_liked"].to_pylist() == data.histories.liked[targets].tolist()


def test_the_graph_knows_the_liked_training_rows_and_nothing_else(data: ClickData) -> None:
    users, items = training_edges(data)
    found = {(data.users["user_id"][int(u)].as_py(), data.item_ids[i]) for u, i in zip(users, items, strict=True)}
    rows = data.rows.to_pylist()
    assert found == {(row["user_id"], row["item_id"]) for row in rows if row["split"] == "train" and row["is_liked"]}
    assert len(found) == len(users) and found
    assert not found & {(row["user_id"], row["item_id"]) for row in rows if row["split"] != "train"}


@pytest.mark.parametrize("dataset", NAMES)
def test_what_is_rated_0_is_an_edge_in_the_code_compatible_form_alone(dataset: str, release: Release) -> None:
    found = click_data(release, rows_of_set(), dataset)
    known = {(row["user_id"], row["history_position"]): row for row in interactions_of(dataset)}
    trained = [known[row["user_id"], row["history_position"]] for row in found.rows.to_pylist() if row["split"] == "train"]
    zeros = {(row["user_id"], row["item_id"]) for row in trained if row["rating"] == 0}
    liked = {(row["user_id"], row["item_id"]) for row in trained if row["is_liked"]}
    users, items = training_edges(found)
    edges = [(found.users["user_id"][int(u)].as_py(), found.item_ids[i]) for u, i in zip(users, items, strict=True)]
    assert zeros and len(edges) == len(set(edges))
    assert set(edges) == (liked | zeros if dataset == "bookcrossing_implicit" else liked)


def test_labels_of_held_out_rows_change_nothing_that_the_graph_reads(data: ClickData) -> None:
    liked = data.histories.liked.copy()
    held_out = np.concatenate([data.of_split("valid"), data.of_split("test")])
    liked[held_out] ^= True
    other = dataclasses.replace(data, histories=dataclasses.replace(data.histories, liked=liked))
    for ours, theirs in zip(training_edges(data), training_edges(other), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    liked[data.of_split("train")[0]] ^= True
    assert len(training_edges(other)[0]) != len(training_edges(data)[0])  # a label of training is read


def test_a_user_without_training_rows_is_nobody(data: ClickData) -> None:
    known = known_of(data, data.of_split("train"), None)
    trained = {row["user_id"] for row in data.rows.to_pylist() if row["split"] == "train"}
    codes = dict(zip(data.users["user_id"].to_pylist(), known.users.tolist(), strict=True))
    assert {name for name, code in codes.items() if code} == trained
    assert sorted(codes[name] for name in trained) == list(range(1, len(trained) + 1))
    assert known.vectors is None
    first = data.of_split("train")[:1]
    assert known_of(data, first, None).users.nonzero()[0].tolist() == data.owners(first).tolist()  # rows that are not learned name nobody


def test_profiles_and_genres_are_counted_from_one(data: ClickData) -> None:
    known = known_of(data, data.of_split("train"), None)
    assert known.profile[:3].tolist() == [[1, 1, 1], [2, 1, 0], [0, 0, 0]]
    assert known.genres.shape == (len(ITEMS) + 1, 2) and not known.genres[0].any()
    names = {"Comedy": 1, "War": 2}
    expected = [[names[name] for name in genres] for genres in data.items["item_genres"].to_pylist()]
    assert [row[row > 0].tolist() for row in known.genres[1:]] == expected


def test_vectors_stand_one_row_lower_under_a_row_of_zeros(data: ClickData) -> None:
    vectors = np.random.default_rng(0).standard_normal((len(ITEMS), 3)).astype(np.float32)
    known = known_of(data, data.of_split("train"), vectors)
    assert known.vectors is not None and not known.vectors[0].any()
    np.testing.assert_array_equal(known.vectors[1:], vectors)


def test_facts_are_the_corpus_own_where_the_crosswalk_has_a_film(data: ClickData, release: Release) -> None:
    facts = dict(zip(data.item_ids, item_facts(release, data), strict=True))
    film = facts["21"]
    assert (film["title"], film["year"], film["creators"]) == ("Own 21", 1980, None)
    assert film["directors"] == ["Ann 2"] and film["plot"] == "A lantern is lost, take 1." and film["genres"] == ["Drama"]
    assert facts["23"] == {"title": "Own 23", "year": 1980, "creators": ["Somebody"], "publisher": None, "genres": ["War", "Comedy"]}


@pytest.mark.parametrize("dataset", ["bookcrossing", "bookcrossing_implicit"])
def test_facts_where_no_item_is_a_film(dataset: str, release: Release) -> None:
    books = click_data(release, rows_of_set(), dataset)
    assert (books.kind, {fact["creators"][0] for fact in item_facts(release, books)}) == ("book", {"Somebody"})


def test_titles_and_profiles_as_prompts_tell_them(data: ClickData) -> None:
    assert data.kind == "film"
    assert [title_of({"title": "Heat", "year": year}) for year in (1995, None)] == ["Heat (1995)", "Heat"]
    assert user_profiles(data)[:2] == [
        {"gender": "f", "age": "25", "job": "artist", "location": None},
        {"gender": "m", "age": "25", "job": None, "location": None},
    ]


def test_sampled_targets_are_a_part_that_grows(data: ClickData) -> None:
    whole = data.of_split("train")
    drawn = [set(sampled_targets(data, "train", count).tolist()) for count in (0, 3, 10, 10**6)]
    assert [len(part) for part in drawn] == [0, 3, 10, len(whole)]
    assert drawn[1] < drawn[2] < drawn[3] == set(whole.tolist())
    assert (np.diff(sampled_targets(data, "train", 10)) > 0).all()


def test_sampled_targets_do_not_depend_on_the_order_of_the_rows_nor_are_they_the_first(data: ClickData) -> None:
    backwards = np.arange(data.rows.num_rows)[::-1]
    turned = dataclasses.replace(data, rows=data.rows.take(pa.array(backwards)), places=data.places[backwards])
    drawn = sampled_targets(data, "train", 12)
    np.testing.assert_array_equal(sampled_targets(turned, "train", 12), drawn)
    first = data.places[[row == "train" for row in data.rows["split"].to_pylist()]][:12]
    assert set(drawn.tolist()) != set(first.tolist())


def test_other_data_sets_draw_other_rows(data: ClickData, release: Release) -> None:
    books = click_data(release, rows_of_set(), "bookcrossing")
    np.testing.assert_array_equal(books.places, data.places)  # the same interactions by another name
    assert sampled_targets(books, "train", 12).tolist() != sampled_targets(data, "train", 12).tolist()
