"""`marquee review` on a small release: the queue, lines to sign, and decisions without effect."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from assets_defs import review
from assets_defs.cli import app
from assets_defs.command import NO, WRONG
from corpus_pipeline import release, store
from corpus_pipeline.linking.review import COLUMNS, load_decisions
from corpus_pipeline.schema import tables as t
from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.types import Table

RUNNER = CliRunner()
PLUM, OX = "mq000000000001", "mq000000000002"
HEAD = ",".join(COLUMNS)
MOVIES = [
    {
        "movie_id": movie_id, "title": title, "year": year, "kind": "movie", "is_adult": False, "popularity_score": 1.0,
        "sources": ["alpha"], "title_source": "alpha",
    }
    for movie_id, title, year in ((PLUM, "[Plum] :heart:", 2011), (OX, "Ox", None))
]  # fmt: skip
NAMED = [
    {"dataset": "redial", "source_movie_id": own, "surface": surface}
    for own, surface in (("1", 'A "Plum",\tor [two] :heart:'), ("2", "Nonesuch"), ("3", "Oxen"))
]
QUEUE = [
    {
        **NAMED[0], "review_rank": 1, "mention_year": 2010, "mention_count": 9, "link_status": "linked", "link_score": 0.5,
        "best_movie_id": PLUM, "runner_up_movie_id": OX, "runner_up_score": 0.25, "matter_score": 4.5,
    },
    {**NAMED[2], "review_rank": 3, "mention_count": 1, "link_status": "abstained", "link_score": 0.75, "best_movie_id": OX,
     "matter_score": 0.25, "link_reason": f"ambiguous: best candidate {OX}"},
    {**NAMED[1], "review_rank": 2, "mention_count": 2, "link_status": "abstained", "matter_score": 2.0, "link_reason": "no_candidate"},
]  # fmt: skip
DECIDED = [
    {"decision_line": 2, "dataset": "redial", "source_movie_id": "9", "movie_id": OX, "decision_status": "title_gone"},
    {"decision_line": 3, "surface": "Ox", "mention_year": 1988, "movie_id": "mq0000000000ff", "decision_status": "film_gone"},
    {"decision_line": 4, "dataset": "redial", "source_movie_id": "8", "movie_id": None, "decision_status": "applied"},
]

Publish = Callable[..., Path]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MARQUEE_HOME", str(tmp_path))
    monkeypatch.setenv("MARQUEE_PROFILE", "starter")
    monkeypatch.setattr(review, "today", lambda: date(2026, 1, 31))
    return tmp_path / "starter"


@pytest.fixture
def publish(home: Path) -> Publish:
    """Publish a release with these rows; returns the place of the decisions file."""

    def published(
        queue: list[dict[str, Any]] = QUEUE, decided: list[dict[str, Any]] = DECIDED, tables: tuple[Table, ...] = t.RELEASED
    ) -> Path:
        rows = {
            t.MOVIES: MOVIES,
            t.DIALOGUE_MOVIES: NAMED,
            t.LINK_REVIEW_QUEUE: queue,
            t.LINK_DECISIONS: [{"who": "Ada", "decided_on": "2026-01-30", **row} for row in decided],
        }
        paths = {table.name: home / "tables" / f"{table.name}.parquet" for table in tables}
        for table in tables:
            store.write_table(pa.Table.from_pylist(rows.get(table, []), schema=arrow_schema(table)), table, paths[table.name])
        verdict = {"passed": True, "fingerprints": {name: store.sha256(path) for name, path in paths.items()}, "results": []}
        release.publish(home / "releases", paths, verdict=verdict, profile="starter", created_at="2026-01-01T00:00:00+00:00", parents={})
        return home / "link_decisions.csv"

    return published


def asked(*words: str, code: int = 0) -> str:
    result = RUNNER.invoke(app, ["review", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.output
    return result.stdout


def test_a_document_holds_the_queue_in_its_order_and_the_decisions_without_effect(publish: Publish) -> None:
    path = publish()
    path.write_text(f"{HEAD}\nredial,9,,,{OX},Ada,2026-01-30,\nredial,8,,,,Ada,2026-01-30,\nredial,1,,,{PLUM},Ada,2026-01-30,\n")
    found = json.loads(asked("--json"))
    assert (found["uncertain"], found["decisions_file"], found["not_built"]) == (3, str(path), [4])
    assert [(row["review_rank"], row["best_title"], row["best_year"], row["runner_up_title"]) for row in found["queue"]] == [
        (1, "[Plum] :heart:", 2011, "Ox"), (2, None, None, None), (3, "Ox", None, None),
    ]  # fmt: skip
    assert [(row["decision_line"], row["decision_status"]) for row in found["gone"]] == [(2, "title_gone"), (3, "film_gone")]


def test_people_see_films_probabilities_and_how_to_decide(publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assets_defs.cli.out.width", 240)
    path = publish()
    path.write_text(f"{HEAD}\nredial,1,,,{PLUM},Ada,2026-01-30,\n")
    printed = asked()
    for part in (
        "3 of 3 uncertain links", f"[Plum] :heart: (2011) {PLUM}", "0.50", f"Ox (?) {OX}", "0.25", "linked, low_probability",
        "abstained, no_candidate", "abstained, ambiguous", "(2010)", str(path), "--csv", "to be built: lines 2",
        "no longer apply", "no data set names it so any more", "the film is not in the corpus",
    ):  # fmt: skip
        assert part in printed, part


def test_with_nothing_to_tell_nothing_more_is_told(publish: Publish) -> None:
    publish(queue=[], decided=[])
    printed = asked()
    assert "0 of 0 uncertain links" in printed
    assert "no longer apply" not in printed and "to be built" not in printed


@pytest.mark.parametrize(("limit", "rows"), [("1", 1), ("2", 2), ("3", 3), ("0", 3)])
def test_a_limit_takes_the_first(publish: Publish, limit: str, rows: int) -> None:
    publish()
    assert [row["review_rank"] for row in json.loads(asked("--json", "--limit", limit))["queue"]] == [1, 2, 3][:rows]
    assert len(asked("--csv", "--limit", limit).splitlines()) == rows + 1


def test_the_lines_are_a_decisions_file_once_they_are_signed(publish: Publish) -> None:
    path = publish()
    path.touch()  # as `>>` does before the command runs
    printed = asked("--csv")
    assert printed.startswith(HEAD + "\n")
    path.write_text(printed)
    assert "who decided is missing" in asked(code=NO) + asked("--json", code=NO)
    path.write_text(printed.replace(",,2026-01-31,", ",Ada,2026-01-31,"))
    read = load_decisions(path)
    assert [(d.source_movie_id, d.surface, d.year, d.movie_id) for d in read] == [
        ("1", 'A "Plum",\tor [two] :heart:', 2010, PLUM), ("2", "Nonesuch", None, None), ("3", "Oxen", None, OX),
    ]  # fmt: skip
    assert not asked("--csv").startswith(HEAD)


def test_a_release_from_before_reviews_says_what_to_run(publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("corpus_pipeline.release.views.create_views", lambda con: None)
    publish(tables=tuple(table for table in t.RELEASED if table is not t.LINK_DECISIONS))
    error = json.loads(asked("--json", code=NO))
    assert error["error"] == "ReleaseError" and "link_decisions" in error["message"] and "marquee build" in error["message"]


def test_a_negative_limit_is_a_wrong_request(publish: Publish) -> None:
    publish()
    asked("--limit", "-1", code=WRONG)
