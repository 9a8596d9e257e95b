"""Joining items to films, against a plain look-up in Python, and on cases counted by hand."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_pipeline.errors import ContractError
from corpus_pipeline.schema import tables as t
from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.transform.interactions import join_interactions

Rows = list[dict[str, Any]]


def table_of(table: t.Table, rows: Rows) -> pa.Table:
    return pa.Table.from_pylist([{name: row.get(name) for name in table.column_names} for row in rows], schema=arrow_schema(table))


def item(dataset: str, item_id: str) -> dict[str, Any]:
    return {"dataset": dataset, "item_id": item_id, "title": f"Lantern {item_id}", "creators": [], "item_genres": []}


def record(dataset: str, *item_ids: str) -> dict[str, pa.Table]:
    """A data set of one user who met every item, and one reject."""
    rows = [
        {"dataset": dataset, "user_id": "u", "history_position": at, "item_id": item_id, "is_liked": True}
        for at, item_id in enumerate(item_ids)
    ]
    refused = {"source": dataset, "file": "f", "line": 1, "reason": "bad_rating", "raw_text": "x", "record_count": 1}
    return {
        t.INTERACTION_ITEMS.name: table_of(t.INTERACTION_ITEMS, [item(dataset, item_id) for item_id in item_ids]),
        t.INTERACTION_USERS.name: table_of(t.INTERACTION_USERS, [{"dataset": dataset, "user_id": "u"}]),
        t.INTERACTIONS.name: table_of(t.INTERACTIONS, rows),
        t.INTERACTIONS_REJECTED.name: table_of(t.INTERACTIONS_REJECTED, [refused]),
    }


def crosswalk(*rows: tuple[str, str, str]) -> pa.Table:
    return table_of(t.MOVIE_IDS, [{"authority": a, "authority_id": i, "movie_id": m, "source": "s"} for a, i, m in rows])


def merges(*rows: tuple[str, str, str]) -> pa.Table:
    return table_of(t.MOVIE_MERGES, [{"source": s, "record_id": r, "movie_id": m, "merge_reason": "new_movie"} for s, r, m in rows])


def films(tables: dict[str, pa.Table]) -> dict[tuple[str, str], str | None]:
    return {(row["dataset"], row["item_id"]): row["movie_id"] for row in tables[t.INTERACTION_ITEMS.name].to_pylist()}


def test_each_data_set_is_joined_by_its_own_authority() -> None:
    records = [
        record("starter", "1", "kite"),
        record("movielens_1m", "1", "2"),
        record("movielens_small", "1"),
        record("bookcrossing", "1"),
    ]
    joined, several = join_interactions(
        records,
        movie_ids=crosswalk(("movielens", "1", "mq_toys"), ("imdb", "2", "mq_wrong"), ("tmdb", "1", "mq_wrong")),
        merges=merges(("starter", "kite", "mq_kite"), ("movielens_25m", "2", "mq_wrong"), ("alpha", "1", "mq_wrong")),
    )
    assert films(joined) == {
        ("starter", "1"): None,
        ("starter", "kite"): "mq_kite",
        ("movielens_1m", "1"): "mq_toys",
        ("movielens_1m", "2"): None,
        ("movielens_small", "1"): "mq_toys",
        ("bookcrossing", "1"): None,
    }
    assert several == {}


def test_of_several_films_the_smallest_id_is_taken_and_told() -> None:
    rows = (("movielens", "1", "mq_b"), ("movielens", "1", "mq_a"), ("movielens", "2", "mq_c"))
    joined, several = join_interactions([record("movielens_1m", "1", "2")], movie_ids=crosswalk(*rows), merges=merges())
    assert films(joined) == {("movielens_1m", "1"): "mq_a", ("movielens_1m", "2"): "mq_c"}
    assert several == {"movielens_1m": 1}


def test_one_film_told_by_two_sources_is_one_film() -> None:
    ids = table_of(t.MOVIE_IDS, [{"authority": "movielens", "authority_id": "1", "movie_id": "mq_a", "source": s} for s in ("x", "y")])
    joined, several = join_interactions([record("movielens_1m", "1")], movie_ids=ids, merges=merges())
    assert joined[t.INTERACTION_ITEMS.name].num_rows == 1
    assert several == {}


def test_no_row_of_any_table_is_added_or_lost() -> None:
    records = [record("starter", "b", "a"), record("bookcrossing", "1")]
    joined, _ = join_interactions(records, movie_ids=crosswalk(), merges=merges())
    assert {name: table.num_rows for name, table in joined.items()} == {
        t.INTERACTION_ITEMS.name: 3, t.INTERACTION_USERS.name: 2, t.INTERACTIONS.name: 3, t.INTERACTIONS_REJECTED.name: 2,
    }  # fmt: skip
    assert all(joined[table.name].schema == arrow_schema(table) for table in (t.INTERACTION_ITEMS, t.INTERACTIONS))


def test_a_profile_without_data_sets_has_empty_tables() -> None:
    joined, several = join_interactions([], movie_ids=crosswalk(), merges=merges())
    assert [table.num_rows for table in joined.values()] == [0, 0, 0, 0]
    assert several == {}


def test_a_table_that_is_not_the_declared_one_is_refused() -> None:
    bad = record("starter", "a")
    bad[t.INTERACTIONS.name] = bad[t.INTERACTIONS.name].drop_columns(["rating"])
    with pytest.raises(ContractError, match="rating"):
        join_interactions([bad], movie_ids=crosswalk(), merges=merges())


_IDS = st.sets(st.sampled_from(["1", "2", "3", "01", "kite"]), min_size=1)
_KNOWN = st.sets(st.tuples(st.sampled_from(["movielens", "imdb"]), st.sampled_from(["1", "2", "3", "01"]), st.sampled_from("abc")))
_MERGED = st.sets(st.tuples(st.sampled_from(["starter", "alpha"]), st.sampled_from(["1", "kite"]), st.sampled_from("abc")))


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(["movielens_1m", "movielens_small", "starter", "amazon_movies"]), _IDS), _KNOWN, _MERGED)
def test_the_join_is_a_look_up(datasets: dict[str, set[str]], known: set[tuple[str, str, str]], merged: set[tuple[str, str, str]]) -> None:
    joined, several = join_interactions(
        [record(name, *ids) for name, ids in datasets.items()], movie_ids=crosswalk(*known), merges=merges(*merged)
    )
    told: dict[tuple[str, str], list[str]] = {}
    for name, ids in datasets.items():
        asked = {"movielens_1m": (known, "movielens"), "movielens_small": (known, "movielens"), "starter": (merged, "starter")}
        rows, authority = asked.get(name, (set(), ""))
        told |= {(name, i): sorted(film for who, key, film in rows if who == authority and key == i) for i in ids}
    assert films(joined) == {key: found[0] if found else None for key, found in told.items()}
    assert several == {name: n for name in datasets if (n := sum(len(f) > 1 for (d, _), f in told.items() if d == name))}
