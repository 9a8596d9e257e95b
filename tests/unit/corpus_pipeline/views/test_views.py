"""Every view has the columns it declares, is described in the database, reads no file, and answers by hand-counted rows."""

import re
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from corpus_pipeline.schema.tables import RELEASED
from corpus_pipeline.views import VIEWS, View, create_views

REMAKE, ENGINE, PLUM, OX = (f"mq00000000000{number}" for number in range(2, 6))


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_has_the_columns_it_declares(corpus: duckdb.DuckDBPyConnection, view: View) -> None:
    found = corpus.execute(f"SELECT * FROM {view.name}")
    assert [column[0] for column in found.description] == list(view.columns)
    assert found.fetchall()


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_is_described_in_the_database(corpus: duckdb.DuckDBPyConnection, view: View) -> None:
    comment = corpus.execute("SELECT comment FROM duckdb_views() WHERE view_name = ?", [view.name]).fetchone()
    assert comment == (view.description,)
    described = corpus.execute("SELECT column_name, comment FROM duckdb_columns() WHERE table_name = ? ORDER BY column_index", [view.name])
    assert dict(described.fetchall()) == dict(view.columns)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_reads_no_file_and_shadows_no_table(view: View) -> None:
    assert not re.search(r"read_\w+\(|parquet|\.csv|from '", view.sql, re.IGNORECASE)
    assert view.name not in {table.name for table in RELEASED}


def test_creating_the_views_again_changes_nothing(corpus: duckdb.DuckDBPyConnection) -> None:
    before = corpus.execute("SELECT * FROM movie_cards ORDER BY movie_id").fetchall()
    create_views(corpus)
    assert corpus.execute("SELECT * FROM movie_cards ORDER BY movie_id").fetchall() == before


@pytest.fixture
def draft(corpus: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """The corpus, to be changed: it is put back afterwards."""
    corpus.begin()
    yield corpus
    corpus.rollback()


def _one(corpus: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    (row,) = corpus.execute(sql).to_arrow_table().to_pylist()
    return dict(row)


def test_a_movie_card_gathers_people_genres_and_ids(corpus: duckdb.DuckDBPyConnection) -> None:
    card = _one(corpus, "SELECT * FROM movie_cards WHERE imdb_id = 'tt9000001'")
    assert (card["directors"], card["writers"], card["top_cast"]) == (["Ada Quill"], None, ["Ben Orchard", "Cal Dune"])
    assert (card["genres"], card["tmdb_id"], card["movielens_id"]) == (["Drama"], "51", None)
    engine = _one(corpus, "SELECT * FROM movie_cards WHERE imdb_id = 'tt9000003'")
    assert engine["top_cast"] == ["Cal Dune", "Ben Orchard"]  # as billed, not by name


def test_genres_are_counted_by_decade(corpus: duckdb.DuckDBPyConnection) -> None:
    assert corpus.execute("SELECT * FROM genre_decades ORDER BY ALL").fetchall() == [
        # films, mean rating, mentions; the film without a year is left out
        ("Drama", 1960, 1, 7.0, 0),
        ("Drama", 2000, 1, 5.5, 2),
        ("Sci-Fi", 1990, 1, 8.0, 2),
        ("Short", 2010, 1, None, 2),
        ("Thriller", 2000, 1, 5.5, 2),
    ]


def test_a_film_without_anything_still_has_a_card(corpus: duckdb.DuckDBPyConnection) -> None:
    card = _one(corpus, "SELECT * FROM movie_cards WHERE title = 'Ox'")
    assert (card["genres"], card["directors"], card["imdb_id"], card["year"]) == (None, None, None, None)
    assert corpus.execute("SELECT count(*) FROM movie_cards").fetchone() == (5,)


def test_source_coverage_is_counted_by_film(corpus: duckdb.DuckDBPyConnection) -> None:
    assert corpus.execute("SELECT * FROM source_coverage ORDER BY source").fetchall() == [
        ("alpha", 3, 3, 1, 2, 1),
        ("beta", 3, 3, 1, 2, 2),
        ("gamma", 1, 1, 1, 1, 0),
    ]


def test_mention_statistics_count_labels(corpus: duckdb.DuckDBPyConnection) -> None:
    found = corpus.execute("SELECT movie_id, split, * EXCLUDE (movie_id, title, year, dataset, split) FROM mention_statistics ORDER BY ALL")
    assert found.fetchall() == [
        # mentions, dialogues, recommended, accepted, liked, disliked
        (REMAKE, "train", 2, 2, 1, 1, 1, 0),
        (ENGINE, "train", 2, 2, 1, 0, 1, 1),
        (PLUM, "test", 1, 1, 1, 1, 0, 0),
        (PLUM, "train", 1, 1, 1, 0, 0, 0),
    ]


def test_a_pair_is_counted_once_and_its_lift_is_against_independence(corpus: duckdb.DuckDBPyConnection) -> None:
    found = corpus.execute("SELECT movie_id, other_movie_id, split, dialogue_count, lift_ratio FROM co_mention_pairs ORDER BY ALL")
    assert found.fetchall() == [
        (REMAKE, ENGINE, "train", 2, 1.0),  # 2 of 2 dialogues name both: 2 * 2 / (2 * 2)
        (REMAKE, PLUM, "train", 1, 1.0),  # 1 * 2 / (2 * 1)
        (ENGINE, PLUM, "train", 1, 1.0),
    ]


def test_the_review_queue_stands_in_its_order_with_the_films_in_question(draft: duckdb.DuckDBPyConnection) -> None:
    draft.execute("UPDATE link_review_queue SET runner_up_movie_id = ?, runner_up_score = 0.3 WHERE source_movie_id = 'c'", [ENGINE])
    draft.execute("UPDATE link_review_queue SET best_movie_id = NULL WHERE source_movie_id = 'b'")
    found = draft.execute("SELECT review_rank, surface, best_title, best_year, runner_up_title, runner_up_year FROM review_queue")
    assert found.fetchall() == [
        (1, "Plum", "Plum", 2011, "Vortex Riders: The Salt Engine", 1999),
        (2, "Vortex Riders", None, None, None, None),
        (3, "Quince", "Ox", None, None, None),
    ]


def test_unlinked_mentions_say_why(corpus: duckdb.DuckDBPyConnection) -> None:
    row = _one(corpus, "SELECT * FROM unlinked_mentions")
    assert (row["surface"], row["link_reason"], row["text"]) == ("Quince", f"low_score: best candidate {OX}", "Vortex Riders, and Quince.")


def test_a_transcript_keeps_the_order_of_turns_and_mentions(corpus: duckdb.DuckDBPyConnection) -> None:
    row = _one(corpus, "SELECT * FROM dialogue_transcripts WHERE dialogue_id = 'starter:1'")
    assert row["transcript"].splitlines() == [
        "seeker: I loved Vortex Riders.",
        "recommender: Then see The Copper Lighthouse, or Plum.",
        "seeker: I will.",
    ]
    assert row["titles"] == ["Vortex Riders: The Salt Engine", "The Copper Lighthouse", "Plum"]


def test_data_set_statistics_count_each_split(corpus: duckdb.DuckDBPyConnection) -> None:
    found = corpus.execute("SELECT * FROM dataset_statistics ORDER BY split").fetchall()
    assert found == [("starter", "test", 1, 2, 1, 1.0, 1, 1), ("starter", "train", 2, 5, 6, pytest.approx(5 / 6), 3, 2)]


def test_recommendation_examples_keep_unlinked_targets(corpus: duckdb.DuckDBPyConnection) -> None:
    row = _one(corpus, "SELECT * FROM recommendation_examples WHERE example_id = 'starter:2#1'")
    assert (row["target_names"], row["target_movie_ids"], row["new_target_count"]) == (["vortex riders", "quince"], [ENGINE, None], 2)


def test_targets_of_an_example_stand_in_their_order_and_old_ones_are_not_new(draft: duckdb.DuckDBPyConnection) -> None:
    draft.execute("UPDATE core_recommendation_targets SET target_index = 9, is_new = false WHERE source_movie_id = 'b'")
    row = _one(draft, "SELECT * FROM recommendation_examples WHERE example_id = 'starter:2#1'")
    assert (row["target_names"], row["target_movie_ids"], row["new_target_count"]) == (["quince", "vortex riders"], [None, ENGINE], 1)


def test_link_rules_are_counted_by_title_and_mention(corpus: duckdb.DuckDBPyConnection) -> None:
    found = corpus.execute("SELECT link_rule, reason_code, title_count, mention_count FROM link_rule_statistics ORDER BY link_rule")
    assert found.fetchall() == [("abstain", "low_score", 1, 1), ("exact_title_year", None, 2, 4), ("fuzzy_title", None, 1, 2)]


def test_interactions_are_counted_by_data_set(corpus: duckdb.DuckDBPyConnection) -> None:
    assert corpus.execute("SELECT * FROM interaction_statistics ORDER BY dataset").fetchall() == [
        # users, items, interactions, liked, median of a user, with a film, first, last; the item nobody met is not counted
        ("movielens_small", 2, 1, 2, 0.5, 1.0, 1.0, 100, 200),
        ("starter", 3, 2, 5, 0.6, 2.0, 0.6, None, None),
    ]


def test_an_item_keeps_its_ratings_beside_its_film(corpus: duckdb.DuckDBPyConnection) -> None:
    found = corpus.execute("SELECT * EXCLUDE (dataset) FROM item_ratings ORDER BY item_id").fetchall()
    assert found == [
        ("7", "Plum", 2011, PLUM, "Plum", 2011, 2, 1, 3.75),
        ("ox", "Ox", None, OX, "Ox", None, 0, 0, None),
        ("quince", "Quince", 2001, None, None, None, 2, 1, None),
        ("remake", "The Copper Lighthouse", 2004, REMAKE, "The Copper Lighthouse", 2004, 3, 2, None),
    ]
