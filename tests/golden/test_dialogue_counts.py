"""Counts of the real dialogue data sets, among them the test sets of He et al. 2023 exactly."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from corpus_pipeline.sources.dialogues.inspired import read_inspired
from corpus_pipeline.sources.dialogues.reddit_movie import read_reddit_movie
from corpus_pipeline.sources.dialogues.redial import read_redial, read_redial_imdb_ids
from corpus_pipeline.sources.reading import Read
from corpus_pipeline.store import connect

GOLDEN = json.loads(Path(__file__).with_name("dialogue_counts.json").read_text())
pytestmark = pytest.mark.real


def counts(read: Read) -> dict[str, Any]:
    with connect(dict(read.tables)) as con:
        dialogues = con.execute("SELECT split, count(*) FROM core_dialogues GROUP BY ALL").fetchall()
        examples = con.execute(
            "SELECT split, count(DISTINCT example_id), count(*), count(*) FILTER (WHERE is_new) "
            "FROM core_recommendation_turns JOIN core_recommendation_targets USING (example_id) GROUP BY ALL"
        ).fetchall()
    return {
        "dialogues": dict(dialogues),
        "turns": read.tables["core_dialogue_turns"].num_rows,
        "mentions": read.tables["core_mentions"].num_rows,
        "examples": {split: {"turns": turns, "targets": targets, "new": new} for split, turns, targets, new in examples},
        "rejected": dict(Counter(read.rejects.column("reason").to_pylist())),
    }


def orphans(read: Read) -> int:
    """Targets and mentions whose data set movie is not declared, and spans that do not show its title."""
    query = """
        SELECT count(*) FROM (
            SELECT source_movie_id FROM core_mentions UNION ALL SELECT source_movie_id FROM core_recommendation_targets
        ) ANTI JOIN core_dialogue_movies USING (source_movie_id)
        UNION ALL
        SELECT count(*) FROM core_mentions
        JOIN core_dialogue_turns USING (dialogue_id, turn_index) JOIN core_dialogue_movies USING (source_movie_id)
        WHERE lower(text[span_start + 1 : span_end]) <> lower(surface)
    """
    with connect(dict(read.tables)) as con:
        return sum(number for (number,) in con.execute(query).fetchall())


def test_inspired(mirror: Path) -> None:
    read = read_inspired(mirror / "dialogues" / "inspired", mirror / "dialogues" / "he2023")
    assert counts(read) == GOLDEN["inspired"]
    assert orphans(read) == 0


def test_redial(mirror: Path) -> None:
    read = read_redial(mirror / "dialogues" / "redial", mirror / "dialogues" / "he2023")
    assert counts(read) == GOLDEN["redial"]
    assert orphans(read) == 0
    assert read.tables["core_dialogue_movies"].num_rows == 6_924
    assert read.tables["core_dialogue_movies"]["imdb_id"].null_count == 6_924


def test_redial_imdb_ids(mirror: Path) -> None:
    assert read_redial_imdb_ids(mirror / "dialogues" / "redial" / "ievalm_redial_id2info.json").num_rows == 6_583


def test_reddit_candidates(mirror: Path) -> None:
    movies = read_reddit_movie(None, mirror / "dialogues" / "he2023").tables["core_dialogue_movies"]
    assert movies.num_rows == 7_506
    assert movies["mention_year"].null_count == 0
