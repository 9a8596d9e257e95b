"""Rows of click prediction (RALLRec): a user, a target item, whether it is liked; what the user did before is the history.

What belongs here: which interactions become rows, their order, and where the splits are cut.
"""

from dataclasses import dataclass

import pyarrow as pa

from corpus_pipeline.errors import ContractError
from corpus_pipeline.schema.fields import BOOK_DATASETS
from corpus_pipeline.schema.render import arrow_schema, literal
from corpus_pipeline.schema.tables import INTERACTIONS, SET_CLICK
from corpus_pipeline.store import conform, connect

_BY_TIME = "interacted_at, user_id, history_position"
_BY_FALLING_USER = "CAST(user_id AS BIGINT) DESC, history_position"
_USER_HASH = "sha256(dataset || ':' || user_id), user_id"  # fixed by the id alone, so no split depends on a seed or on the other users
_BY_USER_HASH = f"{_USER_HASH}, history_position"


@dataclass(frozen=True, slots=True)
class Rule:
    """How the rows of one data set are chosen, ordered and cut.

    A row has at least `minimum_history` interactions before it. `untimed_order` orders rows where the data set tells no time;
    None where it must tell it. `has_time` False: what times there are do not count. `is_cut_by_user`: no user is in two splits.
    `last_only`: one row per user. `train_percent` and `valid_percent` are shares of the rows, or of the users.
    """

    minimum_history: int = 5
    has_time: bool = True
    untimed_order: str | None = None
    is_cut_by_user: bool = False
    last_only: bool = False
    train_percent: int = 80
    valid_percent: int = 10


RULES = {
    "amazon_movies": Rule(),
    "movielens_1m": Rule(untimed_order=_BY_FALLING_USER),
    "movielens_small": Rule(),
    # Five ratings: four and the target.
    **dict.fromkeys(
        BOOK_DATASETS, Rule(minimum_history=4, has_time=False, untimed_order=_BY_USER_HASH, is_cut_by_user=True, last_only=True)
    ),
    # Few users with short histories: wider splits, so that both labels are in each.
    "starter": Rule(
        minimum_history=3, has_time=False, untimed_order=_BY_USER_HASH, is_cut_by_user=True, train_percent=60, valid_percent=20
    ),
}

# A unit is what is cut: a row, or all rows of a user.
_QUERY = """
WITH counted AS (
    SELECT *, max(history_position) OVER (PARTITION BY user_id) AS last_position FROM interactions WHERE dataset = {dataset}
),
ordered AS (
    SELECT *, row_number() OVER (ORDER BY {order}) - 1 AS row_index, dense_rank() OVER (ORDER BY {unit}) - 1 AS unit_index
    FROM counted
    WHERE history_position >= {minimum_history} AND (history_position = last_position OR NOT {last_only})
),
sized AS (SELECT *, max(unit_index) OVER () + 1 AS unit_count FROM ordered)
SELECT
    dataset,
    row_index,
    CASE
        WHEN unit_index < unit_count * {train_percent} // 100 THEN 'train'
        WHEN unit_index < unit_count * {train_percent} // 100 + unit_count * {valid_percent} // 100 THEN 'valid'
        ELSE 'test'
    END AS split,
    user_id, history_position, item_id, is_liked
FROM sized
ORDER BY row_index
"""


def build_click(interactions: pa.Table) -> pa.Table:
    """`set_click` of every data set in `interactions` (core_interactions), in the order of its key.

    Published form (RALLRec, its notebooks): rows with five interactions before them, all sorted by time, cut 80/10/10 by
    place. Departures, each a limit on comparing numbers with the paper's:

    - movielens_1m without times: users in falling order of their number, then position. MovieLens-1M numbered its users from
      the last to the first who joined, and most rated in one sitting, so this stands for the order of time; it is an
      approximation. With times (the official file) the rows are in the order of time.
    - bookcrossing tells no time, so there is no order to keep and no effect of time to claim: the last position of each user
      with five ratings or more is the target, and users are cut 80/10/10 in the order of a hash. The published form cuts them
      90/10 without validation, and stops training early on test rows.
    - bookcrossing_implicit has the same rule; its rows are others, for ratings of 0 count among the five and can be the target.
    - starter: three interactions before a row, users cut 60/20/20 in the order of a hash, since there are few of them.

    All test rows are kept: the published form takes the first 10,000, a narrow time slice. ContractError where a data set that
    must tell times does not.
    """
    with connect({"interactions": interactions}) as con:
        seen = con.execute("SELECT dataset, count(*) = count(interacted_at) FROM interactions GROUP BY dataset ORDER BY dataset").fetchall()
        parts = [con.execute(_query(dataset, is_timed)).to_arrow_table() for dataset, is_timed in seen]
    return pa.concat_tables([arrow_schema(SET_CLICK).empty_table(), *(conform(part, SET_CLICK) for part in parts)])


def _query(dataset: str, is_timed: bool) -> str:
    rule = RULES[dataset]
    order = _BY_TIME if rule.has_time and is_timed else rule.untimed_order
    if order is None:
        raise ContractError(
            f"set_click: rows of {dataset} are ordered by time, and {INTERACTIONS.name}.interacted_at is null in some of them; "
            "expected a time in every row: repair the reader, or leave the data set out of the profile"
        )
    return _QUERY.format(
        dataset=literal(dataset),
        order=order,
        unit=_USER_HASH if rule.is_cut_by_user else order,
        minimum_history=rule.minimum_history,
        last_only=rule.last_only,
        train_percent=rule.train_percent,
        valid_percent=rule.valid_percent,
    )
