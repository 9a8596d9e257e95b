"""Fixtures of the query expert's tests: five invented films, turns about them, a model that answers from a list."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pytest

from modeling.language_model.protocol import Scores
from modeling.query_expert.facts import FilmFacts, facts_of

FILMS = [
    {
        "movie_id": "m1", "title": "Harbour Light", "year": 1994, "genres": ["Drama", "Mystery"], "directors": ["Ada Brook"],
        "cast": ["Jun Park", "Mina Vell"], "keywords": ["lighthouse", "1994"], "plot": "A keeper finds a letter.", "titles": ["Hafenlicht"],
    },
    {
        "movie_id": "m2", "title": "The Glass Tide", "year": 1998, "genres": ["Horror", "Mystery"], "directors": ["Ada Brook"],
        "cast": ["Otto Lind"], "keywords": ["lighthouse"], "plot": "Something comes with the tide.", "titles": [],
    },
    {
        "movie_id": "m3", "title": "Paper Moons", "year": 2011, "genres": ["Comedy"], "directors": ["Lea Storm"], "cast": ["Mina Vell"],
        "keywords": [], "plot": None, "titles": None,
    },
    {
        "movie_id": "m4", "title": "With", "year": None, "genres": [], "directors": [], "cast": [], "keywords": None, "plot": None,
        "titles": [],
    },
    {
        "movie_id": "m5", "title": "1999", "year": 1999, "genres": ["Sci-Fi"], "directors": ["Lea Storm"], "cast": [None, "Bo Ray"],
        "keywords": [], "plot": "The year is 1999.", "titles": ["Horror"],
    },
]  # fmt: skip
CONTEXT = "seeker: I want a scary film by Otto Lind\nrecommender: Harbour Light?\nseeker: Loved the foggy lighthouse scenes"


@dataclass
class Scripted:
    """A language model that gives prepared answers and keeps the prompts."""

    answers: Sequence[str]
    prompts: list[str] = field(default_factory=list)
    identity: str = "scripted"

    def generate(self, prompts: Sequence[str], *, max_new_tokens: int, temperature: float = 0.0, stop: str = "\n") -> list[str]:
        assert max_new_tokens > 0 and temperature == 0.0 and stop == "\n"
        self.prompts.extend(prompts)
        return list(self.answers)

    def score(self, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Scores]:
        return [np.zeros(len(own)) for own in choices]

    def choose(self, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[int]:
        return [0 for _ in prompts]


@pytest.fixture
def film_rows() -> pa.Table:
    return pa.Table.from_pylist(FILMS)


@pytest.fixture
def facts(film_rows: pa.Table) -> dict[str, FilmFacts]:
    return facts_of(film_rows)


@pytest.fixture
def rows() -> pa.Table:
    """Two train turns of one dialogue, a valid turn, a test turn."""
    given = [
        ("e1", "d1", "train", ["m1"], CONTEXT),
        ("e2", "d1", "train", ["m1", "m2"], "seeker: more"),
        ("e3", "d2", "valid", ["m3"], "seeker: a laugh"),
        ("e4", "d3", "test", ["m1"], "seeker: a test"),
    ]
    names = ("example_id", "dialogue_id", "split", "history_movie_ids", "context_text")
    return pa.Table.from_pylist([{**dict(zip(names, row, strict=True)), "dataset": "redial"} for row in given])


@pytest.fixture
def targets() -> pa.Table:
    given = [
        ("e1", 1, "m2", True), ("e1", 0, "m5", True), ("e1", 2, "m1", False), ("e1", 3, None, True), ("e2", 0, "m3", True),
        ("e3", 0, "m1", True), ("e4", 0, "m2", True),
    ]  # fmt: skip
    names = ("example_id", "target_index", "movie_id", "is_new")
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in given])
