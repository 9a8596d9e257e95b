"""Text linked by hand: files read line by line, what a reader is told of a mention, and `marquee link` on a small release."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from assets_defs.cli import app
from assets_defs.command import NO, NOTHING, WRONG
from assets_defs.errors import LineageError
from assets_defs.linking import ID_KEY, TEXT_KEY, index_of, link_lines, link_title, linker_of, read_lines, show_links, weights_of
from assets_defs.profile import PROFILES, load_profile
from assets_defs.workspace import Workspace
from corpus_pipeline import release, store
from corpus_pipeline.errors import ConfigError, LinkError, ReleaseError
from corpus_pipeline.linking.title_index import save_index
from corpus_pipeline.linking.weights import SHIPPED
from corpus_pipeline.schema import tables as t
from corpus_pipeline.schema.render import arrow_schema
from tests import catalogues
from tests.catalogues import Film
from tests.factories import movie_id

RUNNER = CliRunner()
FILMS = (
    Film("The Copper Lighthouse", 1962, 5.0),
    Film("The Copper Lighthouse", 2004, 5.0),
    Film("Vortex Riders: The Salt [rec] Engine", 1999, 5.8),
)
OLD, NEW, SALT = (movie_id(number) for number in range(1, 4))
SAID = "Last night I watched Vortex Riders: The Salt [rec] Engine (1999) again"
MENTION_KEYS = {
    "span", "surface", "year_given", "status", "movie_id", "best", "probability", "runner_up", "runner_up_probability", "rule", "reason",
}  # fmt: skip


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace whose current release has no rows and the index of FILMS."""
    root = tmp_path_factory.mktemp("home") / "starter"
    paths = {table.name: root / "tables" / f"{table.name}.parquet" for table in t.RELEASED}
    for table in t.RELEASED:
        store.write_table(arrow_schema(table).empty_table(), table, paths[table.name])
    save_index(catalogues.index_of(*FILMS), root / "index")
    verdict = {"passed": True, "fingerprints": {name: store.sha256(path) for name, path in paths.items()}, "results": []}
    published: dict[str, Any] = {"profile": "starter", "created_at": "2026-01-31", "parents": {}}
    release.publish(root / "releases", paths, verdict=verdict, index=root / "index", **published)
    return Workspace(root, load_profile(PROFILES / "starter.yaml"), None)


@pytest.fixture
def home(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The command line's workspace is that of `space`, and nothing in it changes."""
    monkeypatch.setenv("MARQUEE_HOME", str(space.root.parent))
    monkeypatch.setenv("MARQUEE_PROFILE", "starter")
    before = sorted(space.root.rglob("*"))
    yield
    assert sorted(space.root.rglob("*")) == before


def told(space: Workspace, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    return list(link_lines(space, list(rows)))


def test_a_mention_is_told_with_its_film_and_where_it_comes_from(space: Workspace) -> None:
    (answer,) = told(space, {TEXT_KEY: SAID})
    (mention,) = answer["mentions"]
    assert set(mention) == MENTION_KEYS
    start, end = mention["span"]
    assert mention["surface"] == SAID[start:end] == "Vortex Riders: The Salt [rec] Engine"
    assert (mention["year_given"], mention["status"], mention["movie_id"]) == (1999, "linked", SALT)
    assert mention["best"] == {"movie_id": SALT, "title": FILMS[2].title, "year": 1999}
    assert (mention["rule"], mention["reason"], mention["runner_up"]) == ("exact_title_year", None, None)
    assert 0.5 < mention["probability"] <= 1
    assert answer["release"] == release.current(space.releases).release_id
    assert answer["weights"] == weights_of(space).run
    json.dumps(answer)


def test_an_abstention_names_its_best_film_and_a_short_reason(space: Workspace) -> None:
    (answer,) = told(space, {TEXT_KEY: "I watched The Copper Lighthouse last night"})
    (mention,) = answer["mentions"]
    assert (mention["status"], mention["movie_id"], mention["rule"]) == ("abstained", None, "abstain")
    assert mention["best"]["movie_id"] in (OLD, NEW) and mention["runner_up"]["movie_id"] in (OLD, NEW)
    assert mention["best"] != mention["runner_up"]
    assert mention["probability"] >= mention["runner_up_probability"]
    assert mention["reason"] in ("ambiguous", "low_probability")


def test_rows_keep_their_own_fields_and_their_order(space: Workspace) -> None:
    rows: list[dict[str, Any]] = [
        {ID_KEY: 7, TEXT_KEY: "nothing of the kind"},
        {ID_KEY: "b", TEXT_KEY: SAID, "dialogue_id": "d"},
        {TEXT_KEY: ""},
    ]
    answers = told(space, *rows)
    assert [{name: answer[name] for name in row} for answer, row in zip(answers, rows, strict=True)] == rows
    assert [len(answer["mentions"]) for answer in answers] == [0, 1, 0]
    assert told(space) == []


def test_texts_of_one_dialogue_bear_on_each_other_and_others_do_not(space: Workspace) -> None:
    dated, bare = {TEXT_KEY: "I watched The Copper Lighthouse (1962)"}, {TEXT_KEY: "I love The Copper Lighthouse"}

    def probability_of_the_old(*rows: dict[str, Any]) -> float:
        (mention,) = told(space, *rows)[-1]["mentions"]
        best, second = (mention[name] for name in ("best", "runner_up"))
        return float(mention["probability"] if best["movie_id"] == OLD else mention["runner_up_probability"] if second else 0)

    alone = probability_of_the_old(bare)
    assert probability_of_the_old({TEXT_KEY: "x"}, dated, bare) == alone
    assert probability_of_the_old({**dated, "dialogue_id": "d"}, {**bare, "dialogue_id": "e"}) == alone
    assert probability_of_the_old({**dated, "dialogue_id": "d"}, {**bare, "dialogue_id": "d"}) != alone


def test_a_title_that_stands_alone(space: Workspace) -> None:
    answer = link_title(space, "Copper Lighthouse (2004)")
    (mention,) = answer["mentions"]
    assert set(mention) == MENTION_KEYS and answer["text"] == "Copper Lighthouse (2004)"
    assert (mention["movie_id"], mention["surface"], mention["span"], mention["year_given"]) == (NEW, "Copper Lighthouse", [0, 17], 2004)
    (unknown,) = link_title(space, "Zzyzx Qqvw")["mentions"]
    assert (unknown["best"], unknown["status"], unknown["probability"], unknown["reason"]) == (None, "abstained", None, "no_candidate")
    for typed in ("", " ", "\ud800", "(1999)"):
        assert link_title(space, typed)["mentions"][0]["movie_id"] is None


def test_people_see_tables_with_titles_as_they_are(space: Workspace) -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    for text in (SAID, "nothing of the kind"):
        show_links(console, told(space, {TEXT_KEY: text})[0])
    shown = console.export_text()
    assert "The Salt [rec] Engine (1999)" in shown and "no film found" in shown
    assert shown.count(f"weights {weights_of(space).run}") == 2


def test_weights_are_those_of_the_profile(space: Workspace, tmp_path: Path) -> None:
    content = json.loads(SHIPPED.read_text())
    content["trained"]["run"] = "of my own"
    (tmp_path / "own.json").write_text(json.dumps(content))
    own = Workspace(space.root, space.profile.model_copy(update={"link_weights": str(tmp_path / "own.json")}), None)
    assert told(own, {TEXT_KEY: "x"})[0]["weights"] == "of my own" != weights_of(space).run
    (tmp_path / "own.json").write_text("{}")
    with pytest.raises(LinkError, match=r"own\.json.*weights\.json of a `model_link_scorer` run"):
        told(own, {TEXT_KEY: "x"})


def test_an_index_of_another_release_is_refused(space: Workspace, tmp_path: Path) -> None:
    found = release.current(space.releases)
    assert linker_of(space, found).index.release_id == found.release_id
    renamed = release.Release(found.path, release.Manifest(**{**_fields(found.manifest), "release_id": "rffffffffffff"}), found.verdict)
    with pytest.raises(LinkError, match=f"{found.release_id}.*rffffffffffff"):
        linker_of(space, renamed)
    without = release.Release(found.path, release.Manifest(**{**_fields(found.manifest), "title_index": ""}), found.verdict)
    with pytest.raises(ReleaseError, match="without a title index"):
        linker_of(space, without)


def _fields(manifest: release.Manifest) -> dict[str, Any]:
    return {name: getattr(manifest, name) for name in manifest.__slots__}


def test_an_unbuilt_index_says_what_to_run(space: Workspace) -> None:
    with pytest.raises(LineageError, match=r"link_index.*marquee build"):
        index_of(space)


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"", []),
        (b"one", ["one"]),
        (b"one\ntwo\n", ["one", "two"]),
        (b"one\n\ntwo", ["one", "", "two"]),
        (b"\n", [""]),
        ("caf\u00e9\n".encode(), ["caf\u00e9"]),
        ("one\u2028still one\n".encode(), ["one\u2028still one"]),
        (b"\xff\xfe broken\n", ["\ufffd\ufffd broken"]),
        (b'{"text": "no document"}\n', ['{"text": "no document"}']),
    ],
)
def test_a_text_file_has_one_text_per_line(tmp_path: Path, content: bytes, texts: list[str]) -> None:
    (tmp_path / "said.txt").write_bytes(content)
    assert read_lines(tmp_path / "said.txt") == [{TEXT_KEY: text} for text in texts]


@pytest.mark.parametrize("suffix", ["jsonl", "ndjson"])
def test_json_lines_keep_what_is_asked_for(tmp_path: Path, suffix: str) -> None:
    rows: list[dict[str, Any]] = [{"text": "one", "dialogue_id": "d", "id": 3}, {"text": "", "id": None}, {"text": "two"}]
    path = tmp_path / f"said.{suffix}"
    path.write_text("".join(json.dumps({**row, "other": 1}) + "\n" for row in rows))
    assert read_lines(path) == rows


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("{", "no JSON document"),
        ("", "no JSON document"),
        ("[]", 'an object with a string "text"'),
        ('"one"', 'an object with a string "text"'),
        ('{"text": 3}', 'an object with a string "text"'),
        ('{"said": "x"}', 'an object with a string "text"'),
    ],
)
def test_a_bad_line_is_named_by_its_number(tmp_path: Path, line: str, part: str) -> None:
    path = tmp_path / "said.jsonl"
    path.write_text('{"text": "fine"}\n' + line + '\n{"text": "fine"}\n')
    with pytest.raises(ConfigError, match=f"said.jsonl, line 2: .*{part}"):
        read_lines(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.txt", tmp_path):
        with pytest.raises(ConfigError, match=f"{path}: cannot be read"):
            read_lines(path)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r")).filter(bool)))
@settings(max_examples=50)
def test_any_text_can_be_handed_over_as_json_lines(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    for is_plain in (False, True):
        path.write_text("".join(json.dumps({TEXT_KEY: text}, ensure_ascii=is_plain) + "\n" for text in texts), encoding="utf-8")
        assert read_lines(path) == [{TEXT_KEY: text} for text in texts]


def link(*arguments: str) -> Any:
    return RUNNER.invoke(app, ["link", *arguments])


@pytest.mark.usefixtures("home")
def test_link_answers_with_one_document(space: Workspace) -> None:
    result = link("--text", SAID, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == told(space, {TEXT_KEY: SAID})[0]
    result = link("--title", "Copper Lighthouse (2004)", "--json")
    assert json.loads(result.stdout)["mentions"][0]["movie_id"] == NEW


@pytest.mark.usefixtures("home")
def test_link_shows_people_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assets_defs.cli_links.out.width", 240)
    result = link("--text", SAID)
    assert result.exit_code == 0 and "Salt [rec] Engine" in result.stdout
    assert "no film found" in link("--text", "").stdout
    assert link("--title", "").exit_code == 0


@pytest.mark.usefixtures("home")
def test_link_reads_files_line_by_line(space: Workspace, tmp_path: Path) -> None:
    (tmp_path / "said.txt").write_text(f"nothing :heart: [b]\n{SAID}\n")
    result = link("--file", str(tmp_path / "said.txt"), "--json")
    assert result.exit_code == 0, result.output
    assert [json.loads(line) for line in result.stdout.splitlines()] == told(space, {TEXT_KEY: "nothing :heart: [b]"}, {TEXT_KEY: SAID})
    plain = link("--file", str(tmp_path / "said.txt")).stdout.splitlines()
    assert [line.split("\t")[:4] for line in plain] == [["2", "21-57", "Vortex Riders: The Salt [rec] Engine", SALT]]


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("suffix", ["txt", "jsonl"])
def test_an_empty_file_has_nothing_to_link(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"said.{suffix}").write_text("")
    result = link("--file", str(tmp_path / f"said.{suffix}"), "--json")
    assert (result.exit_code, result.stdout) == (0, "")


@pytest.mark.usefixtures("home")
def test_link_refuses_a_bad_file_and_a_damaged_release(space: Workspace, tmp_path: Path) -> None:
    (tmp_path / "said.jsonl").write_text('{"text": "x"}\n{\n')
    result = link("--file", str(tmp_path / "said.jsonl"), "--json")
    assert result.exit_code == WRONG and "line 2" in json.loads(result.stdout)["message"]
    facts = release.current(space.releases).title_index / "index.json"
    kept = facts.read_bytes()
    facts.write_text("{")
    result = link("--text", "x", "--json")
    facts.write_bytes(kept)
    assert result.exit_code == NO and "marquee build" in json.loads(result.stdout)["message"]


def test_without_a_release_there_is_nothing_to_link_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARQUEE_HOME", str(tmp_path))
    monkeypatch.setenv("MARQUEE_PROFILE", "starter")
    (tmp_path / "said.txt").write_text("x\n")
    for arguments in (["--title", "x"], ["--file", str(tmp_path / "said.txt")]):
        assert link(*arguments).exit_code == NOTHING


@pytest.mark.usefixtures("home")
def test_half_characters_are_answered_too(tmp_path: Path) -> None:
    """JSON and shells can hand over halves of surrogate pairs, which no terminal can print."""
    (tmp_path / "said.jsonl").write_text(json.dumps({"text": f"\ud800 {SAID}", "id": "\udfff"}) + "\n")
    for arguments in (["--text", f"\ud800 {SAID}"], ["--title", "\ud800 Copper Lighthouse"], ["--file", str(tmp_path / "said.jsonl")]):
        for as_json in ([], ["--json"]):
            result = link(*arguments, *as_json)
            assert result.exit_code == 0, result.exception
            assert as_json == [] or json.loads(result.stdout)["mentions"]
