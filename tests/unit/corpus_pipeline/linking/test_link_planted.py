"""Planted truth: films of made-up names, named in talk and as titles, misspelled by a seeded hand."""

import random
import string
from collections.abc import Callable, Mapping

import pyarrow as pa
import pytest

from corpus_pipeline.linking.link import Linker
from corpus_pipeline.linking.title_index import TitleIndex, build_index
from corpus_pipeline.schema.types import Table

Tables = Mapping[Table, pa.Table]
Asked = Callable[..., pa.Table]
Films = Callable[..., Tables]

_SYLLABLES = ("ba", "dor", "ki", "lum", "ne", "pra", "sil", "tov", "ug", "vel", "wim", "zor")


def _made_up_titles(count: int, draw: random.Random) -> list[str]:
    made: set[str] = set()
    while len(made) < count:
        words = ["".join(draw.choices(_SYLLABLES, k=draw.randint(2, 4))) for _ in range(draw.randint(2, 4))]
        made.add(" ".join(words).title())
    return sorted(made)


def _misspelled(title: str, draw: random.Random) -> str:
    place = draw.randrange(1, len(title) - 1)
    letter = draw.choice(string.ascii_lowercase)
    kind = draw.choice(("drop", "double", "swap", "replace"))
    return {
        "drop": title[:place] + title[place + 1 :],
        "double": title[:place] + title[place] + title[place:],
        "swap": title[: place - 1] + title[place] + title[place - 1] + title[place + 1 :],
        "replace": title[:place] + letter + title[place + 1 :],
    }[kind]


@pytest.fixture(scope="module")
def planted(films: Films) -> tuple[TitleIndex, list[str]]:
    """400 films of made-up names, the first with suffix 000."""
    titles = _made_up_titles(400, random.Random(20))
    made = [(f"{place:03}", (title,), 1990 + place % 30, 3.0, None) for place, title in enumerate(titles)]
    return build_index(films(*made)), titles


def test_planted_misspellings_of_titles_are_recovered(linker: Linker, planted: tuple[TitleIndex, list[str]], asked: Asked) -> None:
    index, titles = planted
    draw = random.Random(21)
    queries = [(_misspelled(title, draw), 1990 + place % 30, None) for place, title in enumerate(titles)]
    found = Linker(index, linker.weights).link_titles(asked(*queries))["movie_id"].to_pylist()
    right = sum(code is not None and code.endswith(f"{place:03}") for place, code in enumerate(found))
    wrong = len(found) - found.count(None) - right
    assert (right >= 380, wrong) == (True, 0)


def test_planted_titles_are_found_in_talk(linker: Linker, planted: tuple[TitleIndex, list[str]]) -> None:
    index, titles = planted
    draw = random.Random(22)
    texts = [f"Have you seen {_misspelled(title, draw) if draw.random() < 0.3 else title}? It is good" for title in titles]
    rows = Linker(index, linker.weights).link_texts(texts).to_pylist()
    linked = [(row["text_index"], row["movie_id"]) for row in rows if row["movie_id"]]
    right = sum(code.endswith(f"{place:03}") for place, code in linked)
    assert right >= 320
    assert len(linked) - right <= 4
