"""Every recipe of the cookbook runs on the small corpus and finds something; a handful is checked by hand."""

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

COOKBOOK = Path(__file__).parents[4] / "docs" / "sql_cookbook.md"
RECIPE = re.compile(r"^## (?P<title>[^\n]+)\n\n[^\n]+(?:\n[^\n]+)*\n\n```sql\n(?P<sql>.+?)\n```", re.MULTILINE | re.DOTALL)
RECIPES = {found["title"]: found["sql"] for found in RECIPE.finditer(COOKBOOK.read_text(encoding="utf-8"))}

ANSWERS: dict[str, list[tuple[Any, ...]]] = {
    "Films of one person": [(1999, "Vortex Riders: The Salt Engine", "director", None), (1962, "The Copper Lighthouse", "director", None)],
    "Who directed themselves": [("Eva Stone", "Plum", 2011)],
    "Which titles belong to several films": [("copper lighthouse", 2, [1962, 2004])],
    "Films with the same keywords": [("The Copper Lighthouse", 2004, 1, ["sea"])],
    "Search the plots": [("The Copper Lighthouse", 1962)],
    "Where one film came from": [("alpha", "1", "new_movie"), ("beta", "1", "imdb_id")],
    "What was rejected, and why": [
        ("core_movies", "alpha", "no_title", 4),
        ("core_dialogues", "starter", "bad_json", 1),
        ("core_interactions", "starter", "bad_item", 1),
    ],
    "Which films divide seekers": [("Vortex Riders: The Salt Engine", 1999, 1, 1)],
    "Which recommendations are accepted": [
        ("Plum", 2011, 2, 0.5),
        ("The Copper Lighthouse", 2004, 1, 1.0),
        ("Vortex Riders: The Salt Engine", 1999, 1, 0.0),
    ],
    "Popular films nobody mentions": [("The Copper Lighthouse", 1962, 900), ("Ox", None, 40)],
    "What users like and dialogues never name": [("Ox", None, 0, 0)],
    "How much the dialogues favour popular films": [("starter", 1.0)],
    "Test targets never seen in training": [("starter", 1, 0)],
}


def test_the_cookbook_has_a_recipe_per_heading() -> None:
    headings = re.findall(r"^## (.+)$", COOKBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    assert list(RECIPES) == headings
    assert len(RECIPES) >= 25
    assert set(ANSWERS) <= set(RECIPES)


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_runs_and_finds_something(corpus: duckdb.DuckDBPyConnection, title: str) -> None:
    assert corpus.execute(RECIPES[title]).fetchall()


@pytest.mark.parametrize("title", ANSWERS)
def test_a_recipe_answers_what_was_counted_by_hand(corpus: duckdb.DuckDBPyConnection, title: str) -> None:
    assert corpus.execute(RECIPES[title]).fetchall() == ANSWERS[title]


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_has_one_answer_however_often_it_is_asked(corpus: duckdb.DuckDBPyConnection, title: str) -> None:
    assert corpus.execute(RECIPES[title]).fetchall() == corpus.execute(RECIPES[title]).fetchall()
