"""Which likes film vectors are learned from: those of training rows, in data sets of films."""

from typing import Any, cast

import pytest

from assets_defs.film_vectors import _likes
from corpus_pipeline.schema.fields import INTERACTION_DATASETS
from tests.factories import click, interaction, movie_id, table_of


class Items:
    """A release of one table, in which item 21 of `dataset` is a film."""

    def __init__(self, dataset: str) -> None:
        told = {"title": "T", "year": None, "creators": [], "item_genres": [], "publisher": None, "movie_id": movie_id(1)}
        self.items = table_of("core_interaction_items", [{"dataset": dataset, "item_id": "21", **told}])

    def table(self, _: object) -> Any:
        return self.items


@pytest.mark.parametrize("dataset", INTERACTION_DATASETS)
def test_no_book_is_among_the_films_whatever_it_is_joined_to(dataset: str) -> None:
    rows = [click("train", 0, interaction(dataset)), click("test", 1, interaction(dataset, "2"))]
    users, films = _likes(cast(Any, Items(dataset)), table_of("set_click", rows))
    is_of_books = dataset in ("bookcrossing", "bookcrossing_implicit")
    assert (users, films) == (([], []) if is_of_books else ([f"{dataset}:1"], [movie_id(1)]))
