"""Kept answers: nothing is asked twice, another question is another key, and what was answered survives an error."""

import json
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from modeling.errors import ArtifactError, BudgetError, DataError
from modeling.language_model.cache import CachedModel
from modeling.language_model.endpoint import Usage
from modeling.language_model.protocol import LanguageModel, Scores


class Counting:
    """A model that answers with the length of a prompt, remembers what it was asked, and fails at 'fail'."""

    def __init__(self, identity: str = "one") -> None:
        self.identity, self.asked, self.last_usage = identity, list[list[str]](), Usage(1, 2, 3)
        self._lock = threading.Lock()

    def _note(self, prompts: Sequence[str]) -> None:
        with self._lock:
            self.asked.append(list(prompts))
        if "fail" in prompts:
            raise BudgetError("no more")

    def generate(self, prompts: Sequence[str], *, max_new_tokens: int, temperature: float = 0.0, stop: str = "\n") -> list[str]:
        self._note(prompts)
        return [f"é{len(prompt)}" for prompt in prompts]

    def score(self, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Scores]:
        self._note(prompts)
        return [np.array([-len(choice) / 3 for choice in own]) for own in choices]

    def choose(self, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[int]:
        self._note(prompts)
        return [len(own) - 1 for own in choices]


@pytest.fixture
def model() -> Counting:
    return Counting()


def test_a_rerun_asks_nothing(model: Counting, tmp_path: Path) -> None:
    prompts, choices = ["a", "bb", "a"], [["x", "yyy"], ["z"], ["x", "yyy"]]
    for _ in range(2):
        cached: LanguageModel = CachedModel(model, tmp_path / "answers.sqlite")
        assert cached.generate(prompts, max_new_tokens=3) == ["é1", "é2", "é1"]
        assert [scores.tolist() for scores in cached.score(prompts, choices)] == [[-1 / 3, -1.0], [-1 / 3], [-1 / 3, -1.0]]
        assert cached.choose(prompts, choices) == [1, 0, 1]
        assert cached.identity == "one"
    assert model.asked == [["a", "bb"]] * 3


def test_another_question_is_asked(model: Counting, tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    cached = CachedModel(model, path)
    cached.generate(["a"], max_new_tokens=3)
    cached.generate(["a"], max_new_tokens=4)
    cached.generate(["a"], max_new_tokens=3, temperature=0.5)
    cached.generate(["a"], max_new_tokens=3, stop="")
    cached.choose(["a"], [["x"]])
    cached.choose(["a"], [["x", "y"]])
    cached.score(["a"], [["x"]])
    assert len(model.asked) == 7
    other = Counting("two")
    CachedModel(other, path).generate(["a"], max_new_tokens=3)
    assert other.asked == [["a"]]


def test_only_what_is_missing_is_asked_in_chunks(model: Counting, tmp_path: Path) -> None:
    cached = CachedModel(model, tmp_path / "answers.sqlite", chunk=2)
    cached.generate(["b"], max_new_tokens=3)
    cached.generate(list("abcdef"), max_new_tokens=3)
    assert model.asked == [["b"], ["a", "c"], ["d", "e"], ["f"]]


@pytest.mark.parametrize("workers", [1, 4])
def test_what_was_answered_before_an_error_is_kept(model: Counting, tmp_path: Path, workers: int) -> None:
    cached = CachedModel(model, tmp_path / "answers.sqlite", chunk=1, workers=workers)
    with pytest.raises(BudgetError, match="no more"):
        cached.generate(["a", "bb", "fail", *map(str, range(40))], max_new_tokens=3)
    before = [prompt for asked in model.asked for prompt in asked if prompt != "fail"]
    model.asked.clear()
    assert cached.generate(before, max_new_tokens=3) == [f"é{len(prompt)}" for prompt in before]
    assert model.asked == [] and {"a", "bb"} <= set(before)


def test_workers_answer_in_order(model: Counting, tmp_path: Path) -> None:
    cached = CachedModel(model, tmp_path / "answers.sqlite", chunk=3, workers=4)
    prompts = ["x" * (number % 17) + str(number) for number in range(50)]
    assert cached.generate(prompts, max_new_tokens=3) == [f"é{len(prompt)}" for prompt in prompts]


def test_more_keys_than_one_query_takes(model: Counting, tmp_path: Path) -> None:
    cached = CachedModel(model, tmp_path / "answers.sqlite", chunk=2_000)
    prompts = [str(number) for number in range(1_201)]
    first = cached.generate(prompts, max_new_tokens=3)
    assert cached.generate(prompts, max_new_tokens=3) == first
    assert len(model.asked) == 1


def test_an_answer_has_a_date_and_what_it_cost(model: Counting, tmp_path: Path) -> None:
    CachedModel(model, tmp_path / "answers.sqlite").generate(["a"], max_new_tokens=3)
    with closing(sqlite3.connect(tmp_path / "answers.sqlite")) as connection:
        ((key, answer, date, usage),) = connection.execute("SELECT * FROM answers").fetchall()
    assert (len(key), json.loads(answer), json.loads(usage)) == (64, "é1", {"input_tokens": 1, "output_tokens": 2, "calls": 3})
    assert date[:2] == "20" and date.endswith("+00:00")


def test_a_file_that_is_no_cache(model: Counting, tmp_path: Path) -> None:
    (tmp_path / "answers.sqlite").write_bytes(b"not a database, however long it may be" * 99)
    with pytest.raises(ArtifactError, match="move the file away"):
        CachedModel(model, tmp_path / "answers.sqlite").generate(["a"], max_new_tokens=3)


def test_lists_that_do_not_match(model: Counting, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected one list per prompt"):
        CachedModel(model, tmp_path / "answers.sqlite").choose(["a", "b"], [["x"]])
