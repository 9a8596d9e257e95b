"""Queries in the three modes, and the dialogue that stands in for a useless answer."""

from collections.abc import Mapping

import pyarrow as pa
import pytest

from modeling.errors import ConfigError
from modeling.query_expert.config import QueryExpertConfig
from modeling.query_expert.data import seen, turns_of
from modeling.query_expert.facts import FilmFacts
from modeling.query_expert.infer import write_queries
from modeling.query_expert.prompts import direct_prompt, student_prompt
from tests.unit.modeling.query_expert.conftest import Scripted

CONFIG = QueryExpertConfig()


def test_raw_is_the_dialogue(rows: pa.Table, facts: Mapping[str, FilmFacts]) -> None:
    written = write_queries(None, turns_of(rows), facts, "raw", CONFIG)
    assert written.queries == rows["context_text"].to_pylist() and written.fallbacks == 0


def test_useless_answers_fall_back_and_are_counted(rows: pa.Table, facts: Mapping[str, FilmFacts]) -> None:
    model = Scripted(["a foggy  film\u202e", "", "film film film", "..."])
    written = write_queries(model, turns_of(rows), facts, "expert", CONFIG)
    assert written.queries == ["a foggy film", "seeker: more", "seeker: a laugh", "seeker: a test"] and written.fallbacks == 3


@pytest.mark.parametrize(("mode", "prompt"), [("direct", direct_prompt), ("expert", student_prompt)])
def test_each_mode_has_its_prompt_and_no_truth(
    mode: str, prompt, rows: pa.Table, targets: pa.Table, facts: Mapping[str, FilmFacts]
) -> None:  # type: ignore[no-untyped-def]
    turns, model = turns_of(rows, targets), Scripted(["some answer"] * 4)
    assert write_queries(model, turns, facts, mode, CONFIG).queries == ["some answer"] * 4
    assert model.prompts[0] == prompt(seen(turns[0], facts), CONFIG)
    assert not any("right film" in shown or "Bo Ray" in shown for shown in model.prompts)


def test_a_mode_must_be_known_and_have_its_model(facts: Mapping[str, FilmFacts]) -> None:
    with pytest.raises(ConfigError, match="mode is 'export', expected one of raw, direct, expert"):
        write_queries(None, [], facts, "export", CONFIG)
    with pytest.raises(ConfigError, match="needs a language model"):
        write_queries(None, [], facts, "expert", CONFIG)
