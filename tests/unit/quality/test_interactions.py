"""Rules about interactions and click prediction: what breaks one breaks no other, and sound data of other kinds break none."""

from collections.abc import Callable, Mapping

import pyarrow as pa
import pytest

from quality.expectations import Expectation
from quality.measure import RunSql, measure
from tests.factories import Corpus, edited, interaction, reject
from tests.unit.quality.mutations import WRITTEN, Mutation, both, change, drop, repeat

SqlOn = Callable[[Mapping[str, pa.Table]], RunSql]
ABOUT = ("core_interaction", "set_click")


def untimed(corpus: Corpus) -> Corpus:
    return edited(corpus, "core_interactions", lambda rows: [{**row, "interacted_at": None} for row in rows])


def broken(expectations: tuple[Expectation, ...], run_sql: RunSql) -> set[str]:
    own = [e for e in expectations if e.table.startswith(ABOUT)]
    seen = measure(own, run_sql)
    assert [m.error for m in seen if m.error] == []
    return {e.name for e, m in zip(own, seen, strict=True) if not e.holds(m.observed)}


@pytest.mark.parametrize(
    "name",
    [
        "core_interactions.item_once",
        "core_interactions.is_liked.from_rating",
        "core_interactions.history_position.in_order_of_time",
        "core_interactions.interacted_at.all_or_none",
        "core_interactions__rejected.reason.shape",
        "set_click.splits_in_time",
        "set_click.one_row_per_reader",
    ],
)
def test_bad_data_break_the_rule_about_it(name: str, corpus: Corpus, expectations: tuple[Expectation, ...], sql_on: SqlOn) -> None:
    # A reader's second row is one row more, stands after all test rows, and is not what the corpus has there.
    also = ("as_in_corpus", "rows.bookcrossing", "splits_in_order") if name == "set_click.one_row_per_reader" else ()
    assert broken(expectations, sql_on(WRITTEN[name](corpus))) == {name, *(f"set_click.{rule}" for rule in also)}


@pytest.mark.parametrize(
    "sound",
    [
        untimed,
        change("core_interactions", 30, rating=None),
        change("core_interactions", 30, rating=3.5),  # the viewer's half stars
        change("core_interactions", 0, rating=5.0),  # five of ten for a book
        repeat("core_interaction_items", item_id="99", movie_id=None, dataset="bookcrossing"),
        lambda corpus: edited(corpus, "core_interactions__rejected", lambda rows: [*rows, reject("bookcrossing", "b.csv", "bad_isbn", "")]),
    ],
)
def test_sound_data_of_other_kinds_break_no_rule(
    sound: Mutation, corpus: Corpus, expectations: tuple[Expectation, ...], sql_on: SqlOn
) -> None:
    numbers = {e.name for e in expectations if e.minimum == e.maximum and e.minimum is not None}
    assert broken(expectations, sql_on(sound(corpus))) - numbers == set()


def test_the_split_of_a_row_without_a_validation_split_is_compared_with_test(
    corpus: Corpus, expectations: tuple[Expectation, ...], sql_on: SqlOn
) -> None:
    mutation = both(drop("set_click", split="valid"), both(change("set_click", 1, split="test"), change("set_click", 2, split="train")))
    assert "set_click.splits_in_order" in broken(expectations, sql_on(mutation(corpus)))


def test_a_dislike_of_five_out_of_ten_is_no_dislike(corpus: Corpus, expectations: tuple[Expectation, ...], sql_on: SqlOn) -> None:
    for place, rating, is_liked in ((0, 4.9, True), (9, 5.0, False), (30, 3.0, True), (31, 3.5, False)):
        found = broken(expectations, sql_on(change("core_interactions", place, rating=rating, is_liked=is_liked)(corpus)))
        assert "core_interactions.is_liked.from_rating" in found


BOOK_RULES = {
    "core_interactions.is_liked.from_rating": change("core_interactions", 9, rating=5.0),
    "core_interaction_items.no_film_for_a_book": WRITTEN["core_interaction_items.no_film_for_a_book"],
    "set_click.one_row_per_reader": WRITTEN["set_click.one_row_per_reader"],
    "set_click.user_in_one_split": WRITTEN["set_click.user_in_one_split"],
}


def with_zeros(corpus: Corpus) -> Corpus:
    """The books of the factory under the name of the form that keeps zeros, with one."""

    def renamed(row: Mapping[str, object]) -> dict[str, object]:
        is_book = row["dataset"] == "bookcrossing"
        is_zero = is_book and row.get("rating") == 4.0
        return {**row, **({"dataset": "bookcrossing_implicit"} if is_book else {}), **({"rating": 0.0} if is_zero else {})}

    for table in ("core_interactions", "core_interaction_items", "core_interaction_users", "set_click"):
        corpus = edited(corpus, table, lambda rows: [renamed(row) for row in rows])
    return corpus


def test_the_form_with_zeros_has_the_rules_of_books(corpus: Corpus, expectations: tuple[Expectation, ...], sql_on: SqlOn) -> None:
    of_books = tuple(expectation for expectation in expectations if expectation.name in BOOK_RULES)
    assert len(of_books) == len(BOOK_RULES) and broken(of_books, sql_on(with_zeros(corpus))) == set()
    for name, mutation in BOOK_RULES.items():
        also = {"set_click.one_row_per_reader"} if name == "set_click.user_in_one_split" else set()  # who is in two has two rows
        assert broken(of_books, sql_on(with_zeros(mutation(corpus)))) == {name, *also}


def test_the_viewer_of_the_factory_is_where_the_mutations_look_for_it(corpus: Corpus) -> None:
    assert corpus["core_interactions"].to_pylist()[30] == interaction()
