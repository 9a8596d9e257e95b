"""Rows to turns, turns to examples: which targets count, whose dialogues are counted, and who gets no pseudo-query."""

from collections.abc import Mapping

import pyarrow as pa
import pytest

from modeling.errors import DataError
from modeling.query_expert.companions import Companions
from modeling.query_expert.config import QueryExpertConfig, TeacherConfig
from modeling.query_expert.data import Turn, examples_of, pairs_of, seen, turns_of
from modeling.query_expert.facts import FilmFacts
from modeling.query_expert.prompts import Seen, student_prompt
from modeling.query_expert.teacher import Teacher


def test_turns(rows: pa.Table, targets: pa.Table) -> None:
    turns = turns_of(rows, targets)
    assert [(turn.example_id, turn.split, turn.before, turn.truths) for turn in turns] == [
        ("e1", "train", ("m1",), ("m5", "m2")),
        ("e2", "train", ("m1", "m2"), ("m3",)),
        ("e3", "valid", ("m3",), ("m1",)),
        ("e4", "test", ("m1",), ("m2",)),
    ]
    assert all(turn.truths == () for turn in turns_of(rows))
    with pytest.raises(DataError, match="context_text are missing"):
        turns_of(rows.drop_columns(["context_text"]))
    with pytest.raises(DataError, match="is_new are missing"):
        turns_of(rows, targets.drop_columns(["is_new"]))


def test_a_pair_for_each_truth(rows: pa.Table, targets: pa.Table, facts: Mapping[str, FilmFacts]) -> None:
    turns = [turn for turn in turns_of(rows, targets) if turn.split == "train"]
    config, teacher = QueryExpertConfig(), Teacher(facts, Companions.of(turns), TeacherConfig())
    assert [(turn.example_id, truth) for turn, truth in pairs_of(turns, facts)] == [("e1", "m5"), ("e1", "m2"), ("e2", "m3")]
    examples = examples_of(turns, teacher, facts, config)
    assert examples[0].prompt == examples[1].prompt == student_prompt(Seen(turns[0].context_text, [facts["m1"]]), config)
    assert examples[1].completion.startswith(" a horror, mystery film from the 1990s like Harbour Light (1994)")
    assert "1999" not in examples[0].completion and "Glass Tide" not in examples[1].completion
    assert len(examples_of(turns, teacher, {key: facts[key] for key in ("m1", "m3")}, config)) == 1


def test_a_prompt_shows_films_with_facts(facts: Mapping[str, FilmFacts]) -> None:
    turn = Turn("e", "d", "test", "seeker: hi", ("m1", "gone"), companions=("gone", "m3", "m2"))
    assert seen(turn, facts) == Seen("seeker: hi", [facts["m1"]], [facts["m3"], facts["m2"]])


def test_another_teachers_queries_go_first(rows: pa.Table, targets: pa.Table, facts: Mapping[str, FilmFacts]) -> None:
    turns = [turn for turn in turns_of(rows, targets) if turn.split == "train"]
    teacher = Teacher(facts, Companions.of([]), TeacherConfig())
    examples = examples_of(turns, teacher, facts, QueryExpertConfig(), queries=["given", "", "other"])
    assert examples[0].completion == " given" and examples[2].completion == " other"
    assert examples[1] == examples_of(turns, teacher, facts, QueryExpertConfig())[1]


def test_test_rows_get_no_pseudo_query(rows: pa.Table, targets: pa.Table, facts: Mapping[str, FilmFacts]) -> None:
    with pytest.raises(DataError, match="split test"):
        examples_of(turns_of(rows, targets), Teacher(facts, Companions.of([]), TeacherConfig()), facts, QueryExpertConfig())
