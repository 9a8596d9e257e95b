"""No test knowledge in training data, and no answer in its own question.

`rules` and `quantities` look at a corpus (core_* tables); `set_rules` and `set_quantities` look at training sets and need
the corpus they were built from beside them.
"""

from collections.abc import Iterator, Sequence

from corpus_pipeline.schema.fields import BOOK_DATASETS, SPLITS
from corpus_pipeline.schema.render import literal, literals
from corpus_pipeline.schema.tables import SET_PREFERENCES
from quality.expectations import Expectation, Quantity, aggregate, empty, no_rows

# What a person would call the same dialogue: equal after casefolding and dropping all but letters and digits. md5 keeps the
# grouped strings at 32 characters, and a dialogue without any text is like no other.
_TEXTS = (
    "SELECT dialogue_id, min(d.split) AS split, "
    "md5(string_agg(regexp_replace(lower(text), '[^\\p{L}\\p{N}]+', '', 'g'), '' ORDER BY turn_index)) AS hash "
    "FROM core_dialogue_turns JOIN core_dialogues AS d USING (dialogue_id) GROUP BY dialogue_id "
    "HAVING bool_or(regexp_matches(text, '[\\p{L}\\p{N}]'))"
)
# Click prediction: data sets whose users are each in one split, because without times no order could say what a user did before.
_CUT_BY_USER = f"dataset IN {literals((*BOOK_DATASETS, 'starter'))}"
# The films that earlier turns of its dialogue name, for every turn to predict.
_PAST = (
    "SELECT r.example_id, l.movie_id FROM core_recommendation_turns AS r JOIN link_mentions AS l USING (dialogue_id) "
    "WHERE l.turn_index < r.turn_index AND l.movie_id IS NOT NULL"
)


def rules() -> tuple[Expectation, ...]:
    """Expectations on the splits of a corpus."""
    return (*_splits(), *_twins())


def quantities(*, datasets: Sequence[str]) -> tuple[Quantity, ...]:
    """Numbers on the splits of a corpus that a baseline must bound."""
    return tuple(_new_but_named(dataset) for dataset in datasets)


def set_rules() -> tuple[Expectation, ...]:
    """Expectations on training sets, to be judged beside the corpus they were built from."""
    preferences = (expectation for table in SET_PREFERENCES for expectation in _preferences(table.name))
    return (*_sequences(), *_recommendation(), *_targets(), *_queries(), *_candidates(), *preferences, *_click_rows(), *_click_splits())


def set_quantities(*, interaction_datasets: Sequence[str]) -> tuple[Quantity, ...]:
    """Numbers on training sets that a baseline must bound."""
    return (
        *(
            aggregate(
                f"set_click.rows.{dataset}",
                expression=f"count(*) FILTER (WHERE dataset = {literal(dataset)})",
                description=f"Rows of click prediction of {dataset}.",
            )
            for dataset in interaction_datasets
        ),
        # Not zero: newness is decided by name, history by film, and a film can be named in two ways in one dialogue.
        Quantity(
            name="set_recommendation_targets.new_in_history_share",
            sql="SELECT avg(CAST(list_contains(history_movie_ids, movie_id) AS INTEGER)) FROM set_recommendation_targets "
            "JOIN set_recommendation "
            "USING (example_id) WHERE is_new AND movie_id IS NOT NULL",
            description="New targets whose film is in the history of their own example.",
        ),
    )


def _splits() -> Iterator[Expectation]:
    yield empty(
        "core_dialogues.one_split",
        rows="SELECT dialogue_id, list_sort(list(DISTINCT split)) AS splits FROM core_dialogues GROUP BY dialogue_id "
        "HAVING count(DISTINCT split) > 1",
        description="No dialogue is in two splits.",
    )
    yield empty(
        "core_recommendation_turns.split_of_dialogue",
        rows="SELECT example_id, r.dataset, r.split, d.dataset AS dialogue_dataset, d.split AS dialogue_split "
        "FROM core_recommendation_turns AS r "
        "JOIN core_dialogues AS d USING (dialogue_id) WHERE r.split <> d.split OR r.dataset <> d.dataset",
        description="An example is in the data set and split of its dialogue.",
    )
    yield empty(
        "core_recommendation_targets.dataset_of_example",
        rows="SELECT example_id, target_index, t.dataset FROM core_recommendation_targets AS t "
        "JOIN core_recommendation_turns AS r USING (example_id) "
        "WHERE t.dataset <> r.dataset",
        description="A target is named in the ids of its example's data set.",
    )


def _twins() -> Iterator[Expectation]:
    yield empty(
        "core_dialogue_turns.test_text_is_unseen",
        rows=f"WITH texts AS ({_TEXTS}) SELECT a.dialogue_id, b.dialogue_id AS seen_as, b.split AS seen_in FROM texts AS a "
        f"JOIN texts AS b USING (hash) "
        "WHERE a.split = 'test' AND b.split <> 'test'",
        description="No test dialogue reads like a dialogue of another split.",
    )
    yield empty(
        "core_dialogues.test_seeker_is_unseen",
        rows="SELECT dataset, seeker_id FROM core_dialogues GROUP BY dataset, seeker_id HAVING seeker_id IS NOT NULL "
        "AND bool_or(split = 'test') AND bool_or(split <> 'test')",
        description="No seeker of a test dialogue seeks in another split.",
    )


def _new_but_named(dataset: str) -> Quantity:
    # Newness is decided by name as the evaluation protocol compares it, mentions go by id: the two differ in rare cases.
    earlier = (
        "EXISTS (FROM core_mentions AS m "
        "WHERE m.dialogue_id = r.dialogue_id AND m.turn_index < r.turn_index AND m.source_movie_id = t.source_movie_id)"
    )
    return Quantity(
        name=f"core_recommendation_targets.new_but_named_share.{dataset}",
        sql=f"SELECT coalesce(avg(CAST({earlier} AS INTEGER)), 0) FROM core_recommendation_targets AS t "
        f"JOIN core_recommendation_turns AS r USING (example_id) "
        f"WHERE t.is_new AND t.dataset = {literal(dataset)}",
        description=f"New targets of {dataset} that an earlier turn of the dialogue names.",
    )


def _sequences() -> Iterator[Expectation]:
    yield empty(
        "set_sequences.no_test_dialogue",
        rows="SELECT dialogue_id, s.split, d.split AS dialogue_split FROM set_sequences AS s "
        "LEFT JOIN core_dialogues AS d USING (dialogue_id) "
        "WHERE s.split = 'test' OR s.split IS DISTINCT FROM d.split OR s.dataset IS DISTINCT FROM d.dataset",
        description="No sequence comes from a test dialogue, by its own word or by the corpus'.",
    )
    yield no_rows(
        "set_sequences.flags_fit",
        where="len(is_target) <> len(sequence_movie_ids)",
        keys=("dialogue_id",),
        description="There is one flag per position of a sequence.",
    )
    yield _distinct("set_sequences", "sequence_movie_ids", "dialogue_id")
    yield _known("set_sequences", "sequence_movie_ids", "dialogue_id")


def _recommendation() -> Iterator[Expectation]:
    yield empty(
        "set_recommendation.as_in_corpus",
        rows="SELECT example_id FROM set_recommendation AS s LEFT JOIN core_recommendation_turns AS r USING (example_id) "
        "WHERE s.split IS DISTINCT FROM r.split "
        "OR s.dialogue_id IS DISTINCT FROM r.dialogue_id OR s.dataset IS DISTINCT FROM r.dataset OR s.context_text IS DISTINCT "
        "FROM r.context_text",
        description="An example has the dialogue, split and context that the corpus gives it.",
    )
    yield empty(
        "set_recommendation.history_is_past",
        rows="SELECT h.example_id, h.movie_id FROM (SELECT example_id, unnest(history_movie_ids) AS movie_id "
        f"FROM set_recommendation) AS h ANTI JOIN ({_PAST}) AS past USING (example_id, movie_id)",
        description="A history holds only films named before the turn to predict.",
    )
    yield _distinct("set_recommendation", "history_movie_ids", "example_id")
    yield _known("set_recommendation", "history_movie_ids", "example_id")


def _targets() -> Iterator[Expectation]:
    yield empty(
        "set_recommendation_targets.as_in_corpus",
        rows="SELECT coalesce(s.example_id, c.example_id) AS example_id, coalesce(s.target_index, c.target_index) AS target_index "
        "FROM set_recommendation_targets AS s FULL JOIN (FROM core_recommendation_targets "
        "SEMI JOIN set_recommendation USING (example_id)) AS c "
        "ON s.example_id = c.example_id AND s.target_index = c.target_index WHERE s.is_new IS DISTINCT FROM c.is_new",
        description="The targets are those of the corpus, unlinked ones included: a target left out would raise every metric.",
    )
    yield empty(
        "set_recommendation_targets.movie_id.known",
        rows="SELECT example_id, target_index, t.movie_id FROM set_recommendation_targets AS t "
        "ANTI JOIN core_movies AS m ON m.movie_id = t.movie_id "
        "WHERE t.movie_id IS NOT NULL",
        description="Every linked target is a film of the corpus.",
    )


def _queries() -> Iterator[Expectation]:
    for table in ("set_pseudo_queries", "set_queries", "set_candidates", "set_shortlists"):
        yield empty(
            f"{table}.no_test_turn",
            rows=f"SELECT s.example_id, s.split, r.split AS corpus_split FROM {table} AS s "
            "LEFT JOIN core_recommendation_turns AS r USING (example_id) "
            "WHERE s.split = 'test' OR s.split IS DISTINCT FROM r.split OR s.dataset IS DISTINCT FROM r.dataset",
            description="No row comes from a test turn, by its own word or by the corpus'.",
        )
    spelled = "lower(regexp_replace({}, '[^0-9A-Za-z]+', ' ', 'g'))"
    title, query = (spelled.format(column) for column in ("m.title", "q.pseudo_query"))
    yield empty(
        "set_pseudo_queries.no_title",
        rows="SELECT q.example_id, q.target_index, m.title, q.pseudo_query FROM set_pseudo_queries AS q "
        "JOIN core_movies AS m USING (movie_id) "
        f"WHERE length(trim({title})) > 0 AND contains(' ' || trim({query}) || ' ', ' ' || trim({title}) || ' ')",
        description="No pseudo-query holds the title of its film: a student would learn to name what it cannot know.",
    )


def _candidates() -> Iterator[Expectation]:
    yield empty(
        "set_candidates.no_target",
        rows="SELECT c.example_id, c.movie_id FROM set_candidates AS c SEMI JOIN (SELECT t.example_id, l.movie_id "
        "FROM core_recommendation_targets AS t JOIN core_recommendation_turns AS r USING (example_id) "
        "JOIN core_mentions AS n ON n.dialogue_id = r.dialogue_id AND n.turn_index = r.turn_index "
        "AND n.source_movie_id = t.source_movie_id JOIN link_mentions AS l ON l.dialogue_id = n.dialogue_id "
        "AND l.turn_index = n.turn_index AND l.mention_index = n.mention_index) AS true_films USING (example_id, movie_id)",
        description="No mined film is one that the recommender names in that turn: a hard negative that is right teaches the wrong thing.",
    )


def _preferences(table: str) -> Iterator[Expectation]:
    yield empty(
        f"{table}.training_turns_only",
        rows=f"SELECT p.retriever, p.seed, p.example_id, p.set_index, p.dataset, r.split, r.dataset AS corpus_dataset FROM {table} AS p "
        "LEFT JOIN core_recommendation_turns AS r USING (example_id) "
        "WHERE r.split IS DISTINCT FROM 'train' OR p.dataset IS DISTINCT FROM r.dataset",
        description="Every candidate set belongs to a training turn, and is of that turn's data set.",
    )
    yield _distinct(table, "candidate_movie_ids", "example_id")
    yield _known(table, "candidate_movie_ids", "example_id")
    yield empty(
        f"{table}.no_film_of_the_history",
        rows="SELECT c.example_id, c.movie_id FROM (SELECT example_id, unnest(candidate_movie_ids) AS movie_id "
        f"FROM {table}) AS c SEMI JOIN ({_PAST}) AS past USING (example_id, movie_id)",
        description="No candidate is a film that an earlier turn of the dialogue names.",
    )
    yield no_rows(
        f"{table}.reward_needs_an_answer",
        where="reward > 0 AND NOT (is_asked AND failure = '')",
        keys=("retriever", "seed", "example_id", "set_index"),
        description="Only a set that the ranker was asked about, and answered, has a reward.",
    )


def _click_rows() -> Iterator[Expectation]:
    yield empty(
        "set_click.as_in_corpus",
        rows="SELECT s.dataset, s.row_index FROM set_click AS s LEFT JOIN core_interactions AS i "
        "USING (dataset, user_id, history_position) WHERE s.item_id IS DISTINCT FROM i.item_id OR s.is_liked IS DISTINCT FROM i.is_liked",
        description="A row has the item and the label that the corpus gives its user at its position.",
    )
    yield empty(
        "set_click.target_not_in_history",
        rows="SELECT s.dataset, s.row_index, i.history_position FROM set_click AS s JOIN core_interactions AS i "
        "USING (dataset, user_id, item_id) WHERE i.history_position < s.history_position",
        description="No target is in its own history.",
    )
    yield no_rows(
        "set_click.has_history",
        where="history_position = 0",
        keys=("dataset", "row_index"),
        description="Every row has a history.",
    )
    yield empty(
        "set_click.position_once",
        rows="SELECT dataset, user_id, history_position, count(*) AS times FROM set_click GROUP BY ALL HAVING count(*) > 1",
        description="There is one row per user and position.",
    )
    yield empty(
        "set_click.one_row_per_reader",
        rows=f"SELECT dataset, user_id, count(*) AS row_count FROM set_click WHERE dataset IN {literals(BOOK_DATASETS)} GROUP BY ALL "
        "HAVING count(*) > 1",
        description="A reader of books, whose order is arbitrary, has one row.",
    )


def _click_splits() -> Iterator[Expectation]:
    yield empty(
        "set_click.count_from_zero",
        rows="SELECT dataset, count(*) AS row_count, max(row_index) AS last FROM set_click GROUP BY dataset "
        "HAVING max(row_index) <> count(*) - 1",
        description="The rows of a data set are numbered 0, 1, 2, ... without a gap.",
    )
    yield empty(
        "set_click.splits_in_order",
        rows=_backwards("row_index", "set_click"),
        description="In each data set all training rows stand before all validation rows, and these before all test rows.",
    )
    timed = "set_click JOIN core_interactions AS i USING (dataset, user_id, history_position)"
    yield empty(
        "set_click.splits_in_time",
        rows=_backwards("interacted_at", timed),
        description="Where times are known, no training row is later than a validation row, and none of these than a test row.",
    )
    yield empty(
        "set_click.user_in_one_split",
        rows=f"SELECT dataset, user_id, list_sort(list(DISTINCT split)) AS splits FROM set_click WHERE {_CUT_BY_USER} "
        "GROUP BY ALL HAVING count(DISTINCT split) > 1",
        description="Where splits are cut by user, no user is in two.",
    )
    yield empty(
        "set_click.both_labels",
        rows="SELECT dataset, count(DISTINCT (split, is_liked)) AS seen FROM set_click GROUP BY dataset HAVING seen <> 6",
        description="Every data set has all three splits, each with liked and disliked targets: otherwise AUC has no value.",
    )


def _backwards(order: str, rows: str) -> str:
    """Data sets in which a split starts, by `order`, before an earlier split has ended."""
    ends = ", ".join(
        f"{end}({order}) FILTER (WHERE split = {literal(split)}) AS {split}_{end}" for split in SPLITS for end in ("min", "max")
    )
    return (
        f"FROM (SELECT dataset, {ends} FROM {rows} GROUP BY dataset) "
        "WHERE train_max > valid_min OR valid_max > test_min OR train_max > test_min"
    )


def _distinct(table: str, column: str, key: str) -> Expectation:
    where = f"len(list_distinct({column})) <> len({column})"  # list_distinct drops nulls, so a null in the list is caught as well
    return no_rows(f"{table}.{column}.distinct", where=where, keys=(key,), description=f"No film is twice in {column}.")


def _known(table: str, column: str, key: str) -> Expectation:
    rows = f"SELECT {key}, movie_id FROM (SELECT {key}, unnest({column}) AS movie_id FROM {table}) ANTI JOIN core_movies USING (movie_id)"
    return empty(f"{table}.{column}.known", rows=rows, description=f"Every film in {column} is in the corpus.")
