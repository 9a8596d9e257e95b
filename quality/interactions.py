"""What a schema cannot say about users' interactions with items: order, labels, the join of films, partitions by data set.

`rules` have bounds that follow from what the words mean; `quantities` are bounded by a profile's baseline.
"""

from collections.abc import Iterator, Sequence

from corpus_pipeline.schema.fields import BOOK_DATASETS
from corpus_pipeline.schema.render import literal, literals
from quality.expectations import Expectation, Quantity, aggregate, empty, no_rows

_KEYS = {
    "core_interactions": ("dataset", "user_id", "history_position"),
    "core_interaction_items": ("dataset", "item_id"),
    "core_interaction_users": ("dataset", "user_id"),
}
_REJECTS = "core_interactions__rejected"
# Records that another file of the same data set tells as well, and books registered without a judgement, are no damage.
_TOLD_BY_NUMBER = "('implicit_rating', 'repeated_item', 'repeated_pair')"
_IS_BOOK = f"dataset IN {literals(BOOK_DATASETS)}"
# Books are rated from 1 to 10, everything else in up to five stars.
_LIKED = f"CASE WHEN {_IS_BOOK} THEN rating >= 5 ELSE rating > 3 END"


def rules(*, interaction_datasets: Sequence[str]) -> tuple[Expectation, ...]:
    """Expectations on interactions with bounds of their own. `interaction_datasets` are the declared ones of the profile."""
    return (*_partitions(interaction_datasets), *_histories(), *_meaning())


def quantities(*, interaction_datasets: Sequence[str]) -> tuple[Quantity, ...]:
    """Numbers on interactions that a baseline must bound."""
    return tuple(quantity for dataset in interaction_datasets for quantity in (*_sizes(dataset), *_shares(dataset)))


def _partitions(datasets: Sequence[str]) -> Iterator[Expectation]:
    declared = ", ".join(map(literal, datasets)) or "NULL"
    yield aggregate(
        "core_interactions.declared_datasets",
        expression=f"count(DISTINCT dataset) FILTER (WHERE dataset IN ({declared}))",
        description="Every declared data set has interactions.",
    ).bounded(len(set(datasets)), len(set(datasets)))
    named = {table: ("dataset", key) for table, key in _KEYS.items()} | {_REJECTS: ("source", ("source", "file", "line", "reason"))}
    for table, (column, key) in named.items():
        yield no_rows(
            f"{table}.undeclared_{column}",
            where=f"({column} IN ({declared})) IS NOT TRUE",
            keys=key,
            description="No row comes from a data set that the profile does not declare.",
        )


def _histories() -> Iterator[Expectation]:
    yield empty(
        "core_interactions.count_from_zero",
        rows="SELECT dataset, user_id, count(*) AS interactions, max(history_position) AS last FROM core_interactions "
        "GROUP BY dataset, user_id HAVING max(history_position) <> count(*) - 1",
        description="A user's interactions are numbered 0, 1, 2, ... without a gap.",
    )
    yield empty(
        "core_interactions.item_once",
        rows="SELECT dataset, user_id, item_id, count(*) AS times FROM core_interactions GROUP BY ALL HAVING count(*) > 1",
        description="A user meets an item once: a second time would put the answer into its own history.",
    )
    yield empty(
        "core_interactions.interacted_at.all_or_none",
        rows="SELECT dataset, count(*) - count(interacted_at) AS without_time FROM core_interactions GROUP BY dataset "
        "HAVING count(interacted_at) NOT IN (0, count(*))",
        description="A data set tells the time of every interaction or of none.",
    )
    yield empty(
        "core_interactions.history_position.in_order_of_time",
        rows="SELECT dataset, user_id, history_position FROM (SELECT *, lag(interacted_at) OVER (PARTITION BY dataset, user_id "
        "ORDER BY history_position) AS before FROM core_interactions WHERE interacted_at IS NOT NULL) WHERE interacted_at < before",
        description="No interaction stands before an earlier one of its user.",
    )


def _meaning() -> Iterator[Expectation]:
    yield no_rows(
        "core_interactions.is_liked.from_rating",
        where=f"is_liked <> ({_LIKED})",
        keys=(*_KEYS["core_interactions"], "rating", "is_liked"),
        description="Liked is a rating above 3 of 5 stars, or of 5 and more out of 10 for a book.",
    )
    yield no_rows(
        "core_interaction_items.no_film_for_a_book",
        where=f"{_IS_BOOK} AND movie_id IS NOT NULL",
        keys=("dataset", "item_id", "movie_id"),
        description="No book is joined to a film.",
    )
    yield no_rows(
        f"{_REJECTS}.reason.shape",
        where="NOT regexp_full_match(reason, '[a-z][a-z0-9]*(_[a-z0-9]+)*')",
        keys=("source", "file", "line", "reason"),
        description="Every reject has a reason code in lower_snake_case.",
    )


def _sizes(dataset: str) -> Iterator[Quantity]:
    what = {"core_interactions": "Interactions", "core_interaction_items": "Items", "core_interaction_users": "Users"}
    for table, counted in what.items():
        yield aggregate(
            f"{table}.rows.{dataset}",
            expression=f"count(*) FILTER (WHERE dataset = {literal(dataset)})",
            description=f"{counted} of {dataset}.",
        )


def _shares(dataset: str) -> Iterator[Quantity]:
    of_dataset = f"FILTER (WHERE dataset = {literal(dataset)})"
    yield aggregate(
        f"core_interactions.liked_share.{dataset}",
        expression=f"avg(CAST(is_liked AS INTEGER)) {of_dataset}",
        description=f"Interactions of {dataset} that are liked.",
    )
    yield aggregate(
        f"core_interaction_items.joined_share.{dataset}",
        expression=f"avg(CAST(movie_id IS NOT NULL AS INTEGER)) {of_dataset}",
        description=f"Items of {dataset} that are joined to a film of the corpus.",
    )
    accepted = " + ".join(f"(SELECT count(*) FROM {table} WHERE dataset = {literal(dataset)})" for table in _KEYS)
    yield Quantity(
        name=f"{_REJECTS}.share.{dataset}",
        sql=f"SELECT rejected / (rejected + {accepted}) FROM (SELECT coalesce(sum(record_count), 0) AS rejected "
        f"FROM {_REJECTS} WHERE source = {literal(dataset)} AND reason NOT IN {_TOLD_BY_NUMBER})",
        description=f"Quarantined records of {dataset} among interactions, items and users read, not counting repeated and implicit ones.",
    )
