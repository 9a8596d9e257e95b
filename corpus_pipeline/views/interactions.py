"""Views about users' interactions with items."""

from corpus_pipeline.views.view import View

INTERACTION_STATISTICS = View(
    "interaction_statistics",
    "Size of each data set of interactions, how much is liked, and how much of it is about films of the corpus.",
    {
        "dataset": "Data set.",
        "user_count": "Users with an interaction.",
        "item_count": "Items with an interaction.",
        "interaction_count": "Interactions.",
        "liked_share": "Interactions that are liked.",
        "median_history_count": "Median of the interactions of a user.",
        "joined_share": "Interactions with an item that is joined to a film of the corpus.",
        "first_at": "Unix time of the first interaction; null where no time is told.",
        "last_at": "Unix time of the last.",
    },
    """
    WITH users AS (
        SELECT dataset, count(*) AS user_count, median(history_count) AS median_history_count
        FROM (SELECT dataset, user_id, count(*) AS history_count FROM core_interactions GROUP BY dataset, user_id)
        GROUP BY dataset
    ), totals AS (
        SELECT dataset, count(DISTINCT item_id) AS item_count, count(*) AS interaction_count, avg(is_liked::INT) AS liked_share,
            avg((movie_id IS NOT NULL)::INT) AS joined_share, min(interacted_at) AS first_at, max(interacted_at) AS last_at
        FROM core_interactions JOIN core_interaction_items USING (dataset, item_id)
        GROUP BY dataset
    )
    SELECT dataset, user_count, item_count, interaction_count, liked_share, median_history_count, joined_share, first_at, last_at
    FROM totals JOIN users USING (dataset)
    """,
)

ITEM_RATINGS = View(
    "item_ratings",
    "Every item of the data sets of interactions with how often it was met and liked, and the film it is.",
    {
        "dataset": "Data set.",
        "item_id": "The data set's own id of the item.",
        "item_title": "Title as the data set gives it.",
        "item_year": "Year as the data set gives it.",
        "movie_id": "The film of the corpus, if the crosswalk has one.",
        "title": "Title of that film.",
        "year": "Year of that film.",
        "interaction_count": "Interactions with the item.",
        "liked_count": "Interactions in which it is liked.",
        "mean_rating": "Mean rating on the data set's own scale; null where only liking is known.",
    },
    """
    SELECT dataset, item_id, items.title AS item_title, items.year AS item_year, movie_id, movies.title, movies.year,
        count(is_liked) AS interaction_count, count(is_liked) FILTER (is_liked) AS liked_count, avg(rating) AS mean_rating
    FROM core_interaction_items AS items
    LEFT JOIN core_interactions USING (dataset, item_id)
    LEFT JOIN core_movies AS movies USING (movie_id)
    GROUP BY ALL
    """,
)

INTERACTION_VIEWS = (INTERACTION_STATISTICS, ITEM_RATINGS)
