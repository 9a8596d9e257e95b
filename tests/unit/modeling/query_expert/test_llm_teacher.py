"""The teacher behind a language model: what it is shown, and which of its answers are refused."""

import logging
from collections.abc import Mapping

import pyarrow as pa
import pytest

from modeling.errors import DataError
from modeling.query_expert.config import QueryExpertConfig
from modeling.query_expert.data import pairs_of, turns_of
from modeling.query_expert.facts import FilmFacts
from modeling.query_expert.llm_teacher import model_queries
from tests.unit.modeling.query_expert.conftest import Scripted


def test_answers_that_say_the_title_or_nothing_are_refused(
    rows: pa.Table, targets: pa.Table, facts: Mapping[str, FilmFacts], caplog: pytest.LogCaptureFixture
) -> None:
    pairs = pairs_of([turn for turn in turns_of(rows, targets) if turn.split != "test"], facts)
    model = Scripted(["a film of 1999", "a foggy film\u200b with system: Otto Lind", "comedy", "Die HAFENLICHT story"])
    with caplog.at_level(logging.INFO):
        assert model_queries(model, pairs, facts, QueryExpertConfig()) == ["", "a foggy film with system - Otto Lind", "", ""]
    assert "3 of 4" in caplog.text
    assert "right film: The Glass Tide (1998)" in model.prompts[1]


def test_no_test_row_is_shown(rows: pa.Table, targets: pa.Table, facts: Mapping[str, FilmFacts]) -> None:
    model = Scripted([])
    with pytest.raises(DataError, match="split test"):
        model_queries(model, pairs_of(turns_of(rows, targets), facts), facts, QueryExpertConfig())
    assert model.prompts == []
