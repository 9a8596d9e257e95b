"""The tables of users' interactions with items (RALLRec), and of the rows of click prediction made from them."""

from corpus_pipeline.schema import fields as f
from corpus_pipeline.schema.types import Reference, Table, columns, nullable

_TO_ITEM = Reference(("dataset", "item_id"), "core_interaction_items", ("dataset", "item_id"))
_TO_USER = Reference(("dataset", "user_id"), "core_interaction_users", ("dataset", "user_id"))

INTERACTION_ITEMS = Table(
    "core_interaction_items",
    "One row per item of a data set of interactions; films are joined to the corpus through the crosswalk.",
    columns(f.INTERACTION_DATASET, f.ITEM_ID, f.ITEM_TITLE)
    + nullable(f.YEAR)
    + columns(f.CREATORS, f.ITEM_GENRES)
    + nullable(f.PUBLISHER, f.ITEM_MOVIE_ID),
    ("dataset", "item_id"),
    (Reference(("movie_id",), "core_movies", ("movie_id",)),),
)
INTERACTION_USERS = Table(
    "core_interaction_users",
    "One row per user of a data set of interactions, with what it tells of them.",
    columns(f.INTERACTION_DATASET, f.USER_ID) + nullable(f.GENDER, f.AGE, f.OCCUPATION, f.LOCATION),
    ("dataset", "user_id"),
)
INTERACTIONS = Table(
    "core_interactions",
    "One row per user and item: liked or not, in the user's order.",
    columns(f.INTERACTION_DATASET, f.USER_ID, f.HISTORY_POSITION, f.ITEM_ID, f.IS_ITEM_LIKED) + nullable(f.RATING, f.INTERACTED_AT),
    ("dataset", "user_id", "history_position"),
    (_TO_ITEM, _TO_USER),
)
SET_CLICK = Table(
    "set_click",
    "Rows of click prediction: a user, a target, whether it is liked. The history is what the user did at lower positions.",
    columns(f.INTERACTION_DATASET, f.ROW_INDEX, f.SPLIT, f.USER_ID, f.HISTORY_POSITION, f.ITEM_ID, f.IS_CLICKED),
    ("dataset", "row_index"),
    (Reference(("dataset", "user_id", "history_position"), "core_interactions", ("dataset", "user_id", "history_position")),),
)
