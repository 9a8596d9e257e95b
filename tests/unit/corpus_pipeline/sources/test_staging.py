"""A source staged to Parquet: every table and the rejects where they were asked for, the accounting in words."""

from pathlib import Path

from corpus_pipeline.schema.tables import INTERACTION_ITEMS, INTERACTION_USERS, INTERACTIONS, INTERACTIONS_REJECTED
from corpus_pipeline.sources.registry import SHIPPED
from corpus_pipeline.sources.staging import stage_interactions
from corpus_pipeline.store import read_table


def test_interactions(tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n1,Toy Story (1995),Comedy\n")
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n2,1,3.5,30\n10,1,2.0,40\n10,1,7.0,50\n")
    files = {f"interactions/ml-latest-small/{name}": tmp_path / name for name in ("movies.csv", "ratings.csv")}
    places = {
        t: tmp_path / "staged" / f"{t.name}.parquet" for t in (INTERACTION_ITEMS, INTERACTION_USERS, INTERACTIONS, INTERACTIONS_REJECTED)
    }
    staged = stage_interactions("movielens_small", files, places)
    assert (staged.source, staged.files, staged.rows, dict(staged.reasons)) == (
        "movielens_small",
        tuple(places.values()),
        2,
        {"bad_rating": 1},
    )
    assert read_table(places[INTERACTIONS], INTERACTIONS)["user_id"].to_pylist() == ["10", "2"]
    assert read_table(places[INTERACTION_USERS], INTERACTION_USERS).num_rows == 2
    assert read_table(places[INTERACTION_ITEMS], INTERACTION_ITEMS)["title"].to_pylist() == ["Toy Story"]
    assert read_table(places[INTERACTIONS_REJECTED], INTERACTIONS_REJECTED)["raw_text"].to_pylist() == ["10,1,7.0,50"]
    assert "| interactions/ml-latest-small/ratings.csv | 3 | 2 | 1 |" in staged.markdown()


def test_what_is_shipped_is_staged_to_the_same_bytes_every_time(tmp_path: Path) -> None:
    files = {name: SHIPPED / name for name in ("dialogues.jsonl", "films.jsonl")}
    for run in ("first", "second"):
        places = {t: tmp_path / run / t.name for t in (INTERACTION_ITEMS, INTERACTION_USERS, INTERACTIONS, INTERACTIONS_REJECTED)}
        stage_interactions("starter", files, places)
    assert all(path.read_bytes() == (tmp_path / "second" / path.name).read_bytes() for path in (tmp_path / "first").iterdir())
