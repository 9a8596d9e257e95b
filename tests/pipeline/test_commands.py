"""Every command on a finished build, for people and for scripts, and what it says when asked for something wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assets_defs import cli, gate
from assets_defs import command as command_line
from assets_defs.build import Done
from assets_defs.profile import Profile
from assets_defs.workspace import Workspace
from corpus_pipeline import release

Build = tuple[Workspace, Done]
RUNNER = CliRunner()
DIALOGUE = '{"turns": [{"speaker": "seeker", "text": "I loved Heat (1995)"}]}'
COMMANDS = {
    "build": "up to date",
    "check": "Gate: passed",
    "releases": "502",
    "verify": "every one as published",
    "lineage explain eval_recommendation": "films.jsonl",
    "lineage explain core_movie_records": "core_movie_records@starter",
    "sql": "Heat",
    "link --title heat": "Heat (1995)",
    "link --text=Heat(1995)": "Heat (1995)",
    "review": "link_decisions.csv",
    "evaluate": "lrurec_text",
    "recommend -": "heard: Heat (1995)",
    "recommend - --retriever rar+dialogue --round 2 --choose ranker": "rar+dialogue after",
    "recommend - --retriever dense --round 0 --choose retrieval": "pipeline, dense",
    "search robots -k 3": "502 films",
}
QUESTION = ["SELECT title FROM movie_cards WHERE title = 'Heat'"]


@pytest.fixture(autouse=True)
def small(small_profile: Profile, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands find the session's build fresh: it was made with this profile."""
    monkeypatch.setattr(command_line, "choose_profile", lambda wanted: (small_profile, "the tests' own"))


def run(*words: str, stdin: str = "") -> tuple[int, str]:
    result = RUNNER.invoke(cli.app, words, input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout


def document(*words: str, stdin: str = "", code: int = 0) -> Any:
    seen, printed = run(*words, "--json", stdin=stdin)
    assert seen == code, printed
    return json.loads(printed)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_answers_people_and_scripts(built: Build, command: str) -> None:
    words = [*command.split(), *(QUESTION if command == "sql" else [])]
    code, printed = run(*words, stdin=DIALOGUE)
    assert code == 0 and COMMANDS[command] in printed
    assert document(*words, stdin=DIALOGUE)


def test_a_chat_remembers_what_was_said_and_explains_itself(built: Build) -> None:
    said = "I loved Heat (1995)\n/why\nsomething older\n/new\n/why\n\nhello\n/quit\nnever read\n"
    code, printed = run("chat", "-k", "2", stdin=said)
    assert code == 0
    first, *_ = printed.split("query:")
    assert "heard: Heat (1995)" in first and "Candidates in order of retrieval" in printed
    assert printed.count("heard: Heat (1995)") == 2, "the second answer still knows what the first was about"
    assert "nothing was recommended yet" in printed and "heard: no film" in printed


def test_a_chat_for_scripts_is_a_document_a_line(built: Build) -> None:
    code, printed = run("chat", "-k", "1", "--choose", "retrieval", "--json", stdin="I loved Heat (1995)\nhello\n")
    documents = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    assert code == 0 and [len(one["recommendations"]) for one in documents] == [1, 1]


def test_an_explained_recommendation_shows_query_candidates_and_reasons(built: Build) -> None:
    code, printed = run("recommend", "-", "-k", "2", "--explain", "--include-mentioned", stdin=DIALOGUE)
    assert code == 0 and "query:" in printed and "Candidates in order of retrieval" in printed and "1. " in printed


def test_a_recommendation_names_its_release_and_model(built: Build) -> None:
    space, _ = built
    found = document("recommend", "-", "-k", "3", stdin=DIALOGUE)
    assert found["release"] == release.current(space.releases).release_id
    assert found["model"].startswith("pipeline, reranker@")
    assert all(set(film) == {"rank", "score", "movie_id", "title", "year"} for film in found["recommendations"])
    assert len(found["recommendations"]) == 3


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT 1/0 AS a, 'NaN'::DOUBLE AS b", [{"a": None, "b": None}]),
        ("SELECT 1 AS a, 2 AS a, 3 AS a_2", [{"a": 1, "a_2": 2, "a_2_2": 3}]),
        ("PIVOT core_dialogues ON split IN ('test') USING count(*) GROUP BY dataset", [{"dataset": "starter", "test": 41}]),
        ("SELECT count(DISTINCT len(vector)) AS n FROM model_text_embeddings", [{"n": 1}]),
        ("FROM range(1)", [{"range": 0}]),
    ],
)
def test_answers_are_whole_documents(built: Build, query: str, rows: list[Any]) -> None:
    assert document("sql", query) == rows


@pytest.mark.parametrize(
    "query", ["", "-", ";", "SELECT 1; SELECT 2", "DELETE FROM eval_recommendation", "CREATE TEMP TABLE x AS SELECT 1", "USE memory"]
)
def test_what_is_not_one_question_is_refused(built: Build, query: str) -> None:
    assert "could not be answered" in document("sql", query, code=command_line.WRONG)["message"]


def test_titles_are_shown_with_their_brackets(built: Build) -> None:
    assert "[rec] [/x]" in run("sql", "SELECT '[rec] [/x]' AS title")[1]


def test_a_negative_limit_is_a_wrong_request(built: Build) -> None:
    assert run("sql", "SELECT 1", "--limit", "-1")[0] == command_line.WRONG


@pytest.mark.parametrize("command", ["verify", "rollback"])
@pytest.mark.parametrize("wanted", ["r000000000000", "nonesuch", "..", "../releases", "/tmp", "current.json"])
def test_an_unknown_release_is_a_wrong_request(built: Build, command: str, wanted: str) -> None:
    space, _ = built
    before = release.pointer(space.releases)
    assert "no release" in document(command, wanted, code=command_line.WRONG)["message"]
    assert release.pointer(space.releases) == before


def test_a_damaged_pointer_does_not_hide_the_releases(copy: Workspace) -> None:
    here = release.current(copy.releases).release_id
    (copy.releases / release.POINTER).write_text("{half")
    assert document("releases") == [{**document("releases")[0], "release": here, "current": False}]
    assert document("rollback", here) == {"current": here}
    assert document("releases")[0]["current"]


def test_a_refusal_names_expectation_bounds_and_rows(copy: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = gate.expectations(copy)
    raised = tuple(e.bounded(10**9, None) if e.name == "core_movies.row_floor" else e for e in kept)
    monkeypatch.setattr(gate, "expectations", lambda space: raised)
    code, printed = run("check")
    assert code == command_line.NO
    assert "core_movies.row_floor" in printed and "at least 1,000,000,000" in printed and "Gate: refused" in printed
