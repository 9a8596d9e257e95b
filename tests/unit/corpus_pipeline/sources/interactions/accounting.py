"""What holds for the tables of every data set of interactions, checked from the declared tables alone. No test here."""

from collections import defaultdict
from typing import Any

from corpus_pipeline.schema.tables import INTERACTION_ITEMS, INTERACTION_USERS, INTERACTIONS
from corpus_pipeline.sources.reading import Read, reasons
from corpus_pipeline.store import conform


def rows(read: Read) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read.tables[INTERACTIONS.name].to_pylist()
    return found


def items(read: Read) -> dict[str, dict[str, Any]]:
    return {row["item_id"]: row for row in read.tables[INTERACTION_ITEMS.name].to_pylist()}


def users(read: Read) -> dict[str, dict[str, Any]]:
    return {row["user_id"]: row for row in read.tables[INTERACTION_USERS.name].to_pylist()}


def histories(read: Read) -> dict[str, list[str]]:
    """Items of each user in order."""
    found = defaultdict(list)
    for row in sorted(rows(read), key=lambda row: (row["user_id"], row["history_position"])):
        found[row["user_id"]].append(row["item_id"])
    return dict(found)


def refused(read: Read) -> dict[str, int]:
    return reasons(read.rejects)


def check(read: Read, dataset: str) -> None:
    """Declared types and bounds, keys, references, dense positions, one row per user and item, a count for every file named."""
    for table in (INTERACTIONS, INTERACTION_ITEMS, INTERACTION_USERS):
        found = conform(read.tables[table.name], table).to_pylist()
        keys = [tuple(row[name] for name in table.key) for row in found]
        assert keys == sorted(set(keys))
        assert {row["dataset"] for row in found} <= {dataset}
        for column in table.columns:
            values = [row[column.name] for row in found if row[column.name] is not None]
            assert column.field.minimum is None or all(value >= column.field.minimum for value in values)
            assert column.field.maximum is None or all(value <= column.field.maximum for value in values)
    assert {row["item_id"] for row in rows(read)} <= set(items(read))
    assert {row["user_id"] for row in rows(read)} <= set(users(read))
    assert all(row["title"] and row["movie_id"] is None for row in items(read).values())
    for user, history in histories(read).items():
        assert len(set(history)) == len(history)
        assert sorted(row["history_position"] for row in rows(read) if row["user_id"] == user) == list(range(len(history)))
    assert set(read.rejects["file"].to_pylist()) <= {count.file for count in read.counts}
    assert all(line >= 1 for line in read.rejects["line"].to_pylist())


def accepted(read: Read, file: str) -> int:
    return next(count.accepted for count in read.counts if count.file.endswith(file))
