"""Descriptions: seven aspects are asked for, 80 words are kept, and an answer that is none is replaced by the metadata."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.click_model.descriptions import describe, description_prompt, plain_description, told_description
from modeling.language_model.cache import CachedModel
from tests.unit.modeling.click_model.conftest import Scripted

HEAT: dict[str, Any] = {
    "title": "Heat", "year": 1995, "genres": ["Crime", "Drama"], "directors": ["Michael Mann"],
    "cast": ["Al Pacino", None, "Robert De Niro"], "keywords": ["heist"], "plot": "A detective hunts a careful thief.",
}  # fmt: skip
GOOD = "A detective hunts a careful thief through Los Angeles while both pay with their private lives."


def test_a_plain_description() -> None:
    assert plain_description(HEAT) == (
        "Heat (1995). Crime, Drama. Directed by Michael Mann. With Al Pacino, Robert De Niro. About heist. "
        "A detective hunts a careful thief."
    )
    book = {"title": "Dune?", "creators": "Frank Herbert", "publisher": "Chilton", "year": "1965"}
    assert plain_description(book) == "Dune? (1965). By Frank Herbert. Published by Chilton."
    assert (plain_description({}), plain_description({"year": 1999, "cast": []})) == ("", "1999.")


def test_what_is_asked() -> None:
    text = description_prompt(HEAT)
    for word in (
        "plot",
        "themes",
        "setting",
        "characters",
        "actors",
        "director",
        "tone",
        "impact",
        "fewer than 80 words",
        "title: Heat",
        "year: 1995",
    ):
        assert word in text
    assert "the author" in description_prompt({"title": "Dune", "creators": ["Frank Herbert"]}, "book") and text.endswith("description:")


@pytest.mark.parametrize("answer", ["", "No.", "the film " * 40, "1234 5678 " * 20, "I cannot help with that.", "\u200b\n"])
def test_an_answer_that_is_no_description(answer: str) -> None:
    assert told_description(answer) == ""
    assert describe(Scripted(lambda _: answer), [HEAT]) == [plain_description(HEAT)]


def test_answers_are_cut_and_lose_their_preamble() -> None:
    assert told_description(f"Sure, here is a description:\n\n{GOOD}") == GOOD
    long = " ".join(f"word{chr(97 + number % 26)}{chr(97 + number // 26)}" for number in range(100))
    assert told_description(long) == " ".join(long.split()[:80])


def test_an_item_is_described_once(tmp_path: Path) -> None:
    model = Scripted(lambda text: GOOD if "Heat" in text else "?")
    cached = CachedModel(model, tmp_path / "answers.sqlite")
    for _ in range(2):
        assert describe(cached, [HEAT, {"title": "Dune"}, HEAT]) == [GOOD, "Dune.", GOOD]
    assert len(model.prompts) == 2 and model.options == {"max_new_tokens": 256, "temperature": 0.8, "stop": ""}


@given(text=st.text(), names=st.lists(st.text() | st.none(), max_size=8))
def test_any_facts_make_one_short_line(text: str, names: list[str | None]) -> None:
    said = plain_description({"title": text, "plot": text * 30, "cast": names, "genres": names})
    assert said == " ".join(said.split()) and len(said.split()) <= 80
    assert len(told_description(text * 50).split()) <= 80
