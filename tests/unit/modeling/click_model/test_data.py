"""Rows the click model learns from: which are drawn, in which order they are shown, and that a test row is none of them."""

import dataclasses

import pytest

from modeling.click_model.config import ClickModelConfig
from modeling.click_model.data import click_examples, drawn_rows, mixed_order, training_examples, validation_examples
from modeling.click_model.prompts import HistoryItem, Question, prompt
from modeling.errors import DataError
from modeling.language_model.data import Example, completion_ids
from modeling.language_model.local import LocalModel

HISTORY = [HistoryItem("First", True, 4.0), HistoryItem("Second", False, 2.0), HistoryItem("Third", True, 5.0)]
QUESTIONS = [Question(f"Film {row}", HISTORY, similar=(1, 2, 0), reranked=(2, 0, 1)) for row in range(40)]
SPLITS = ["train"] * 24 + ["valid"] * 8 + ["test"] * 8
LIKED = [row % 3 == 0 for row in range(40)]
CONFIG = ClickModelConfig(training_rows=6, mixed_pool=10, validation_rows=5)


def number(example: Example) -> int:
    return int(example.prompt.split('"Film ')[1].split('"')[0])


def test_examples_say_yes_or_no() -> None:
    assert click_examples(["a:", "b:"], [True, False]) == [Example("a:", " Yes"), Example("b:", " No")]
    with pytest.raises(DataError, match="2 rows of one column and 1 of another"):
        click_examples(["a", "b"], [True])


def test_a_prompt_and_its_answer_are_tokenised_apart(tiny: LocalModel) -> None:
    text = prompt(QUESTIONS[0], "high", CONFIG)
    assert text == text.strip()
    yes, no = completion_ids(tiny.tokenizer, [" Yes", " No"])
    assert tiny.tokenizer.decode(yes[:-1]) == " Yes" and yes[0] != tiny.tokenizer.eos_token_id and yes != no


def test_mixed_orders_are_interleaved() -> None:
    found = mixed_order({"high": ["h0", "h1"], "sequential": ["q0", "q1"], "simple": ["s0", "s1"]}, [True, False])
    assert [example.prompt for example in found] == ["h0", "q0", "s0", "h1", "q1", "s1"]
    assert [example.completion for example in found] == [" Yes"] * 3 + [" No"] * 3
    with pytest.raises(DataError):
        mixed_order({"high": ["h0"]}, [True, False])


def test_the_first_two_times_training_rows_are_used() -> None:
    found = training_examples(QUESTIONS, LIKED, SPLITS, CONFIG)
    rows = drawn_rows(LIKED, SPLITS, "train", 10, CONFIG)
    assert len(found) == 12 and [number(example) for example in found] == [row for row in rows[:4] for _ in range(3)]
    assert found[0].prompt == prompt(QUESTIONS[rows[0]], "high", CONFIG) and found[2].prompt == prompt(QUESTIONS[rows[0]], "simple", CONFIG)
    whole = training_examples(QUESTIONS, LIKED, SPLITS, dataclasses.replace(CONFIG, use_all_mixed=True))
    assert whole[:12] == found and len(whole) == 30
    cut = training_examples(QUESTIONS, LIKED, SPLITS, dataclasses.replace(CONFIG, training_rows=5))
    assert cut == found[:10]
    assert len(training_examples(QUESTIONS, LIKED, SPLITS, dataclasses.replace(CONFIG, mixed_pool=2))) == 6


def test_one_template_is_not_mixed() -> None:
    found = training_examples(QUESTIONS, LIKED, SPLITS, dataclasses.replace(CONFIG, training_templates=("simple",)))
    assert len(found) == len({number(example) for example in found}) == 6


def test_rows_are_of_their_split_and_their_seed() -> None:
    every = drawn_rows(LIKED, SPLITS, "train", 100, CONFIG)
    assert sorted(every) == list(range(24)) != every and drawn_rows(LIKED, SPLITS, "train", 5, CONFIG) == every[:5]
    assert drawn_rows(LIKED, SPLITS, "train", 100, dataclasses.replace(CONFIG, seed=1)) != every
    held_out = validation_examples(QUESTIONS, LIKED, SPLITS, CONFIG)
    assert len(held_out) == 5 and {number(example) for example in held_out} <= set(range(24, 32))
    assert all(example.completion == (" Yes" if LIKED[number(example)] else " No") for example in held_out)


@pytest.mark.parametrize("count", [4, 5, 100])
def test_balanced_rows(count: int) -> None:
    config = dataclasses.replace(CONFIG, balanced=True)
    rows = drawn_rows(LIKED, SPLITS, "train", count, config)
    assert sum(LIKED[row] for row in rows) * 2 == len(rows) == len(set(rows)) == {4: 4, 5: 4, 100: 16}[count]
    assert len(drawn_rows(LIKED, SPLITS, "valid", 100, config)) == 8  # what selection goes by is as it is


def test_rows_that_cannot_be_drawn() -> None:
    with pytest.raises(DataError, match="a test row trains and selects nothing"):
        drawn_rows(LIKED, SPLITS, "test", 3, CONFIG)
    with pytest.raises(DataError, match="none of 2 rows can be drawn"):
        drawn_rows([True, False], ["test", "test"], "train", 3, CONFIG)
    with pytest.raises(DataError, match="none of 2 rows can be drawn"):
        drawn_rows([True, True], ["train", "train"], "train", 3, dataclasses.replace(CONFIG, balanced=True))
    with pytest.raises(DataError, match="aligned"):
        drawn_rows([True], ["train", "train"], "train", 3, CONFIG)
