"""Amazon reviews: fields and defects, the published filter against a plain one, bad files."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus_pipeline.errors import SourceError
from corpus_pipeline.sources.interactions.amazon import PUBLISHED, Scope, read_amazon_movies
from corpus_pipeline.sources.reading import Read
from tests.unit.corpus_pipeline.sources.interactions.accounting import accepted, check, histories, items, refused, rows, users

ANY = Scope((1, 200), (1, 200), 5_000, None)
META = [
    {"asin": "B1", "title": "Heat &amp; Dust", "brand": "Ivory", "category": ["Movies &amp; TV", "Movies", "Movies"]},
    {"asin": "B2", "title": "", "categories": [["Movies & TV", "TV"], ["Movies & TV", "Movies"]]},
]
QUICK = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


def review(user: str, item: str, stars: Any = 5.0, time: Any = 100) -> dict[str, Any]:
    return {"overall": stars, "verified": True, "reviewerID": user, "asin": item, "reviewText": "a\nb", "unixReviewTime": time}


def read_lines(
    folder: Path, reviews: list[Any], scope: Scope = ANY, *, meta: list[Any] = META, name: str = "Movies_and_TV.json.gz"
) -> Read:
    files = {}
    for file, records in ((name, reviews), ("meta_Movies_and_TV.json.gz", meta)):
        packed = b"\n".join(record if isinstance(record, bytes) else json.dumps(record).encode() for record in records)
        (folder / file).write_bytes(gzip.compress(packed + b"\n"))
        files[f"interactions/amazon_movies/{file}"] = folder / file
    return read_amazon_movies(files, scope)


@pytest.mark.parametrize("name", ["Movies_and_TV.json.gz", "Movies_and_TV_5.json.gz"])
def test_fields(tmp_path: Path, name: str) -> None:
    read = read_lines(tmp_path, [review("A", "B1", 4.0, 9), review("A", "B2", 3, 5), review("C", "B3", 1.0, 0)], name=name)
    check(read, "amazon_movies")
    told = [(row["user_id"], row["item_id"], row["is_liked"], row["rating"], row["interacted_at"]) for row in rows(read)]
    assert told == [("A", "B2", False, 3, 5), ("A", "B1", True, 4, 9), ("C", "B3", False, 1, 0)]
    named = {item: (row["title"], row["item_genres"], row["publisher"]) for item, row in items(read).items()}
    assert named == {
        "B1": ("Heat & Dust", ["Movies & TV", "Movies"], "Ivory"),
        "B2": ("B2", ["Movies & TV", "TV", "Movies"], None),
        "B3": ("B3", [], None),
    }
    assert set(users(read)) == {"A", "C"}
    assert refused(read) == {}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "bad_json"),
        (b'{"asin": "\\ud800"}', "bad_json"),
        (b'{"asin": "\xff"}', "bad_utf8"),
        (b"3", "missing_id"),
        (review("", "B1"), "missing_id"),
        ({"reviewerID": 7, "asin": "B1", "overall": 5, "unixReviewTime": 1}, "missing_id"),
        (review("A", "B9", 6.0), "bad_rating"),
        (review("A", "B9", "5"), "bad_rating"),
        (review("A", "B9", None), "bad_rating"),
        (review("A", "B9", 5, -1), "bad_time"),
        (review("A", "B9", 5, 1.5), "bad_time"),
        (review("A", "B9", 5, 1e12), "bad_time"),
        (review("A", "B9", 5, "100"), "bad_time"),
        (review("A", "B1", 2, 99), "duplicate_pair"),
    ],
)
def test_defects(tmp_path: Path, line: Any, reason: str) -> None:
    read = read_lines(tmp_path, [review("A", "B1"), line])
    check(read, "amazon_movies")
    assert refused(read) == {reason: 1, "out_of_scope": 1}  # the other product has no review
    assert [(row["item_id"], row["rating"]) for row in rows(read)] == [("B1", 5)]


def plainly_cut(pairs: set[tuple[str, str]], scope: Scope) -> set[tuple[str, str]]:
    while True:
        of_user, of_item = Counter(user for user, _ in pairs), Counter(item for _, item in pairs)
        within = {
            (user, item)
            for user, item in pairs
            if scope.user_reviews[0] <= of_user[user] <= scope.user_reviews[1]
            and scope.item_reviews[0] <= of_item[item] <= scope.item_reviews[1]
        }
        if within == pairs:
            frequent = sorted(of_item, key=lambda item: (-of_item[item], item))[: scope.items]
            return {pair for pair in pairs if pair[1] in frequent}
        pairs = within


@QUICK
@given(
    pairs=st.sets(st.tuples(st.sampled_from([f"A{i}" for i in range(6)]), st.sampled_from([f"B{i}" for i in range(8)])), min_size=1),
    scope=st.builds(
        Scope, st.sampled_from([(1, 5), (2, 4), (3, 9)]), st.sampled_from([(1, 9), (2, 4)]), st.sampled_from([2, 4, 100]), st.none()
    ),
)
def test_scope_as_a_plain_reader_cuts_it(pairs: set[tuple[str, str]], scope: Scope, tmp_path: Path) -> None:
    expected = plainly_cut(pairs, scope)
    reviews = [review(user, item, 5.0, number) for number, (user, item) in enumerate(sorted(pairs))]
    if not expected:
        with pytest.raises(SourceError, match="no review is left"):
            read_lines(tmp_path, reviews, scope)
        return
    read = read_lines(tmp_path, reviews, scope)
    check(read, "amazon_movies")
    assert {(row["user_id"], row["item_id"]) for row in rows(read)} == expected
    assert set(items(read)) == {item for _, item in expected}
    assert accepted(read, "/Movies_and_TV.json.gz") == len(expected)


def test_the_published_scope_is_the_default(tmp_path: Path) -> None:
    assert Scope((11, 200), (10, 200), 5_000, 3) == PUBLISHED
    with pytest.raises(SourceError, match="no review is left"):
        read_lines(tmp_path, [review("A", "B1")], PUBLISHED)
    reviews = [review(f"A{i}", f"B{(i + j) % 12}", 5.0, j) for i in range(12) for j in range(11)]
    meta = [{"asin": f"B{i}", "category": ["Movies & TV", "Genre", "Comedy"]} for i in range(12)]
    assert len(rows(read_lines(tmp_path, [*reviews, review("lonely", "B1")], PUBLISHED, meta=meta))) == 132


@pytest.mark.parametrize(
    ("product", "is_known"),
    [
        ({"category": ["Movies & TV", "Genre", "Comedy"]}, True),
        ({"category": [], "categories": [["Movies & TV", "Genre", "Comedy"]]}, True),
        ({"categories": [["Movies & TV", "TV"], ["Movies & TV", "Genre", "Comedy"]]}, False),
        ({"category": ["Movies & TV", "Comedy"]}, False),
        ({"category": ["Movies & TV", "Studio", "Old", "Comedy"]}, False),
        ({"category": "Comedy"}, False),
        ({}, False),
    ],
)
def test_a_product_of_unknown_category_is_out_of_scope(tmp_path: Path, product: dict[str, Any], is_known: bool) -> None:
    scope = Scope((1, 200), (1, 200), 5_000)
    meta = [{"asin": "B1", **product}, {"asin": "B2", "category": ["Movies & TV", "Genre", "War"]}]
    read = read_lines(tmp_path, [review("A", "B1"), review("A", "B2"), review("A", "B3")], scope, meta=meta)
    check(read, "amazon_movies")
    assert set(items(read)) == ({"B1", "B2"} if is_known else {"B2"}) == {row["item_id"] for row in rows(read)}


def test_order_is_that_of_time(tmp_path: Path) -> None:
    read = read_lines(tmp_path, [review("A", f"B{i}", 5.0, time) for i, time in enumerate([3, 1, 2, 1])])
    assert histories(read) == {"A": ["B1", "B3", "B2", "B0"]}


JSON_LINES = st.one_of(
    st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")),
    st.dictionaries(
        st.sampled_from(["reviewerID", "asin", "overall", "unixReviewTime", "title", "category", "categories", "brand"]),
        st.recursive(
            st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(st.characters(codec="utf-8"), max_size=4),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=3), inner, max_size=2)
            ),
            max_leaves=4,
        ),
    ),
)


@QUICK
@given(garbage=st.lists(JSON_LINES, max_size=20))
def test_garbage_costs_its_own_lines(garbage: list[Any], tmp_path: Path) -> None:
    good = [review("A", "B1"), review("A", "B2"), review("C", "B1")]
    read = read_lines(tmp_path, [*good, *garbage], meta=[*META, *garbage])
    check(read, "amazon_movies")
    assert {("A", "B1"), ("A", "B2"), ("C", "B1")} <= {(row["user_id"], row["item_id"]) for row in rows(read)}
    assert items(read)["B1"]["title"] == "Heat & Dust"


def test_bad_files(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is a record of amazon_movies"):
        read_lines(tmp_path, [b"<html>"])
    with pytest.raises(SourceError, match=r"expected meta_Movies_and_TV.json.gz"):
        (tmp_path / "Movies_and_TV.json.gz").write_bytes(gzip.compress(json.dumps(review("A", "B1")).encode()))
        read_amazon_movies({"Movies_and_TV.json.gz": tmp_path / "Movies_and_TV.json.gz"}, ANY)
