"""The reader of the hand-written queries, and what the shipped file promises: real turns, no title, sober lengths."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_pipeline.errors import ContractError, SourceError
from corpus_pipeline.sources import starter
from corpus_pipeline.sources.dialogues.starter import read_starter
from corpus_pipeline.sources.starter.queries import FILE, SCHEMA, read_queries
from corpus_pipeline.transform.text import name_key, title_key

FOLDER = Path(starter.__file__).parent
GOOD = {"dialogue_id": "s0001", "turn_index": 1, "query": "A long crime film about two tired men"}
CORE = read_starter(FOLDER).tables
FILMS = {film["film_id"]: film for film in map(json.loads, (FOLDER / "films.jsonl").read_text(encoding="utf-8").splitlines())}
NAMES = {row["source_movie_id"]: row["surface"] for row in CORE["core_dialogue_movies"].to_pylist()}
SPLITS = dict(zip(*(CORE["core_dialogues"][name].to_pylist() for name in ("dialogue_id", "split")), strict=True))
TEXTS = {(row["dialogue_id"], row["turn_index"]): row["text"] for row in CORE["core_dialogue_turns"].to_pylist()}
EXAMPLES = {(row["dialogue_id"], row["turn_index"]) for row in CORE["core_recommendation_turns"].to_pylist()}
QUERIES = read_queries().to_pylist()
Place = tuple[str, int]


def write(folder: Path, *lines: Any) -> Path:
    (folder / FILE).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder


def titles(row: dict[str, Any]) -> set[str]:
    """Keys of everything that the film of a mention is called: in the turn, in its data set and in the catalogue."""
    film = FILMS.get(row["source_movie_id"], {})
    surface = TEXTS[row["dialogue_id"], row["turn_index"]][row["span_start"] : row["span_end"]]
    names = [surface, NAMES[row["source_movie_id"]], film.get("title"), film.get("original_title"), *film.get("alternative_titles", [])]
    return {title_key(name) for name in names if name}


def titles_by(mentions: list[dict[str, Any]]) -> dict[Place, set[str]]:
    named: dict[Place, set[str]] = {}
    for row in mentions:
        named.setdefault((row["dialogue_id"], row["turn_index"]), set()).update(titles(row))
    return named


TITLES = titles_by(CORE["core_mentions"].to_pylist())


def names_a_title(query: str, keys: set[str]) -> list[str]:
    return sorted(key for key in keys if f" {key} " in f" {name_key(query)} ")


def test_a_file_becomes_rows_with_the_ids_of_the_core_tables(tmp_path: Path) -> None:
    table = read_queries(write(tmp_path, GOOD, {**GOOD, "turn_index": 3}))
    assert table.schema == SCHEMA
    assert [(row["dialogue_id"], row["turn_index"]) for row in table.to_pylist()] == [("starter:s0001", 1), ("starter:s0001", 3)]


def test_an_empty_file_is_an_empty_table(tmp_path: Path) -> None:
    assert read_queries(write(tmp_path)).num_rows == 0


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=FILE):
        read_queries(tmp_path)


def test_a_file_without_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("<html>\n")
    with pytest.raises(SourceError, match="none of its 1 lines is JSON"):
        read_queries(tmp_path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"dialogue_id": ""}, "bad_id"),
        ({"dialogue_id": " s0001"}, "bad_id"),
        ({"dialogue_id": 1}, "bad_type"),
        ({"turn_index": -1}, "bad_turn_index"),
        ({"turn_index": 2**31}, "bad_turn_index"),
        ({"turn_index": True}, "bad_type"),
        ({"turn_index": 1.0}, "bad_type"),
        ({"query": ""}, "untidy_query"),
        ({"query": "two  spaces"}, "untidy_query"),
        ({"query": "line\nbreak"}, "untidy_query"),
        ({"note": "x"}, "unknown_field"),
    ],
)
def test_a_bad_field_is_told_with_its_line(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ContractError, match=f"1 problems: line 2: {reason};"):
        read_queries(write(tmp_path, GOOD, {**GOOD, "turn_index": 3, **change}))


@pytest.mark.parametrize("second", [1, 0])
def test_a_turn_twice_or_out_of_order_is_refused(tmp_path: Path, second: int) -> None:
    with pytest.raises(ContractError, match=rf"\('starter:s0001', {second}\) comes after \('starter:s0001', 1\)"):
        read_queries(write(tmp_path, GOOD, {**GOOD, "turn_index": second}))


def test_every_problem_is_counted_and_the_first_ones_are_listed(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"12 problems: (line \d+: untidy_query; ){9}line 11: untidy_query; expected"):
        read_queries(write(tmp_path, GOOD, *[{**GOOD, "query": " "}] * 12))


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda v: st.dictionaries(st.text(), v), max_leaves=6)
)
def test_any_json_value_is_read_or_refused_on_purpose(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    with pytest.raises(ContractError, match="line 2: "):
        read_queries(write(tmp_path_factory.mktemp("queries"), GOOD, value))


def test_there_are_enough_of_them_and_every_dialogue_with_a_recommendation_has_one() -> None:
    assert len(QUERIES) >= 200
    assert {row["dialogue_id"] for row in QUERIES} == {dialogue for dialogue, _ in EXAMPLES}


def test_every_test_turn_has_a_query() -> None:
    written = {(row["dialogue_id"], row["turn_index"]) for row in QUERIES}
    assert {place for place in EXAMPLES if SPLITS[place[0]] == "test"} <= written


def test_each_query_is_for_a_recommender_turn_that_names_a_film() -> None:
    assert [row for row in QUERIES if (row["dialogue_id"], row["turn_index"]) not in EXAMPLES] == []


def test_no_query_names_a_film_of_its_turn() -> None:
    told = [(row, names_a_title(row["query"], TITLES[row["dialogue_id"], row["turn_index"]])) for row in QUERIES]
    assert [(row, found) for row, found in told if found] == []


def test_no_query_names_a_film_of_its_dialogue() -> None:
    by_dialogue: dict[str, set[str]] = {}
    for (dialogue, _), keys in TITLES.items():
        by_dialogue.setdefault(dialogue, set()).update(keys)
    told = [(row, names_a_title(row["query"], by_dialogue[row["dialogue_id"]])) for row in QUERIES]
    assert [(row, found) for row, found in told if found] == []


@pytest.mark.parametrize("query", ["a crime film like HEAT", "The Departed, but longer", "something such as 'heat'"])
def test_a_title_in_a_query_would_be_seen(query: str) -> None:
    assert names_a_title(query, TITLES["starter:s0001", 1] | TITLES["starter:s0001", 3])


def test_a_title_inside_another_word_is_no_title() -> None:
    assert names_a_title("theatre and heated talk", TITLES["starter:s0001", 1]) == []


def test_queries_are_short_sentences_in_plain_letters() -> None:
    assert [row for row in QUERIES if not 6 <= len(row["query"].split()) <= 25] == []
    assert [row for row in QUERIES if not re.fullmatch(r"[A-Z][\w ,.:;?'’-]+", row["query"]) or row["query"].endswith(".")] == []


def test_no_two_queries_are_the_same_and_they_do_not_all_begin_alike() -> None:
    assert [query for query, count in Counter(name_key(row["query"]) for row in QUERIES).items() if count > 1] == []
    openings = Counter(" ".join(row["query"].split()[:2]).lower() for row in QUERIES)
    assert openings.most_common(1)[0][1] <= len(QUERIES) / 10
