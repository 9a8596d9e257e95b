"""The command line's promises: exit codes, JSON on everything, one clear message per mistake."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assets_defs.cli import NOTHING, WRONG, app

RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MARQUEE_HOME", str(tmp_path))
    monkeypatch.setenv("MARQUEE_PROFILE", "starter")
    return tmp_path


COMMANDS = [
    ["releases"],
    ["rollback"],
    ["verify"],
    ["sql", "SELECT 1"],
    ["link", "--text", "Heat"],
    ["lineage", "explain", "eval_recommendation"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_without_a_release_every_reader_says_what_to_run(command: list[str]) -> None:
    result = RUNNER.invoke(app, [*command, "--json"])
    assert result.exit_code == NOTHING, result.output
    assert "marquee build" in json.loads(result.stdout)["message"]


@pytest.mark.parametrize(
    ("command", "part"),
    [
        (["releases", "--profile", "startr"], "did you mean 'starter'"),
        (["build", "--until", "models"], "raw, core, link"),
        (["lineage", "explain", "core_movie"], "core_movies"),
        (["recommend", "nowhere.json"], "nowhere.json"),
    ],
)
def test_wrong_requests_name_the_repair(command: list[str], part: str) -> None:
    result = RUNNER.invoke(app, [*command, "--json"])
    assert result.exit_code == WRONG, result.output
    assert part in json.loads(result.stdout)["message"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"turns": 3}', '{"turns": ["hello"]}', '{"turns": [{"text": 3}]}', "\x00"])
def test_bad_dialogue_on_standard_input(text: str) -> None:
    result = RUNNER.invoke(app, ["recommend", "-", "--json"], input=text)
    assert result.exit_code == WRONG
    assert "dialogue" in json.loads(result.stdout)["message"]


def test_every_command_has_json() -> None:
    for command in app.registered_commands:
        assert command.callback is not None
        help_text = RUNNER.invoke(app, [command.callback.__name__, "--help"], terminal_width=200).output
        assert "--json" in help_text, command.callback.__name__


def test_doctor_lists_findings() -> None:
    result = RUNNER.invoke(app, ["doctor", "--json"])
    subjects = {finding["subject"] for finding in json.loads(result.stdout)}
    assert {"python", "free disk", "mirror", "duckdb", "torch", "release"} <= subjects
