"""The command line's promises: exit codes, JSON on everything, one clear message per mistake."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assets_defs.cli import app
from assets_defs.command import NOTHING, WRONG, emit

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
    ["verify", "r0"],
    ["rollback", "r0"],
    ["check"],
    ["sql", "SELECT 1"],
    ["link", "--text", "Heat"],
    ["review"],
    ["review", "--csv"],
    ["lineage", "explain", "eval_recommendation"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_without_a_release_every_reader_says_what_to_run(command: list[str]) -> None:
    result = RUNNER.invoke(app, [*command, "--json"])
    assert result.exit_code == NOTHING, result.output
    assert "marquee build" in json.loads(result.stdout)["message"]


@pytest.mark.parametrize(
    ("command", "part"),
    [
        (["releases", "--profile", "startr"], "did you mean 'starter'"),
        (["build", "--until", "models"], "raw, core, link"),
        (["build", "eval_clik"], "eval_click"),
        (["lineage", "explain", "core_movie"], "core_movies"),
        (["lineage", "explain", "core_movies@heat"], "no partition 'heat'"),
        (["lineage", "explain", "core_movie_records@heat"], "it has starter"),
        (["recommend", "nowhere.json"], "nowhere.json"),
        (["link"], "exactly one of --text, --title and --file"),
        (["link", "--text", "Heat", "--title", "Heat"], "exactly one of --text, --title and --file"),
        (["link", "--text", "", "--file", "nowhere.txt"], "exactly one of --text, --title and --file"),
        (["link", "--text", "Heat", "--title", "Heat", "--file", "nowhere.txt"], "exactly one of --text, --title and --file"),
        (["link", "--file", "nowhere.txt"], "nowhere.txt: cannot be read"),
    ],
)
def test_wrong_requests_name_the_repair(command: list[str], part: str) -> None:
    result = RUNNER.invoke(app, [*command, "--json"])
    assert result.exit_code == WRONG, result.output
    assert part in json.loads(result.stdout)["message"]


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"turns": 3}', '{"turns": ["hello"]}', '{"turns": [{"text": 3}]}', "\x00",
        '{"turns": [{"speaker": "alien", "text": "hello"}]}',
    ],
)  # fmt: skip
def test_bad_dialogue_on_standard_input(text: str) -> None:
    result = RUNNER.invoke(app, ["recommend", "-", "--json"], input=text)
    assert result.exit_code == WRONG
    assert '{"turns": [{"speaker"' in json.loads(result.stdout)["message"]


@pytest.mark.parametrize("command", ["build", "evaluate"])
def test_a_home_that_cannot_be_written_is_said_so(command: str, empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty_home / "file").write_text("")
    monkeypatch.setenv("MARQUEE_HOME", str(empty_home / "file"))
    result = RUNNER.invoke(app, [command, "--json"])
    assert result.exit_code == WRONG, result.output
    assert "MARQUEE_HOME" in json.loads(result.stdout)["message"]


def test_questions_leave_no_folder_behind(empty_home: Path) -> None:
    for command in COMMANDS:
        RUNNER.invoke(app, command)
    assert list(empty_home.iterdir()) == []


def test_every_command_has_json() -> None:
    callbacks = [[command.callback] for command in app.registered_commands]
    names = [[callback.__name__] for (callback,) in callbacks if callback is not None] + [["lineage", "explain"]]
    assert len(names) == 14
    for name in names:
        help_text = RUNNER.invoke(app, [*name, "--help"], terminal_width=200).output
        assert "--json" in help_text and "--profile" in help_text, name


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")], {"a": (1.5, float("nan"))}])
def test_numbers_that_json_does_not_know_become_null(value: object, capsys: pytest.CaptureFixture[str]) -> None:
    emit(value, True, lambda: None)
    printed = capsys.readouterr().out
    assert "null" in printed and "N" not in printed
    json.loads(printed)


def test_doctor_lists_findings() -> None:
    result = RUNNER.invoke(app, ["doctor", "--json"])
    subjects = {finding["subject"] for finding in json.loads(result.stdout)}
    assert {"python", "free disk", "mirror", "duckdb", "torch", "release"} <= subjects
    assert not [name for name in subjects if "extra" in name]
