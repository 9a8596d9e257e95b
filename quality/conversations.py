"""What a schema cannot say about dialogues, recommendation examples and links.

`rules` have bounds that follow from what the words mean; `quantities` are bounded by a profile's baseline, among them the
golden counts of He et al. 2023 (CIKM, "Large Language Models as Zero-Shot Conversational Recommenders", table of test sets).
"""

from collections.abc import Iterator, Sequence

from corpus_pipeline.schema.fields import SPLITS
from corpus_pipeline.schema.render import literal
from quality.expectations import Expectation, Quantity, aggregate, empty, no_rows

_MENTION_KEYS = ("dialogue_id", "turn_index", "mention_index")
_LINK_KEYS = {"link_dialogue_movies": ("dataset", "source_movie_id"), "link_mentions": _MENTION_KEYS}
_LINK_SUBJECTS = {"link_dialogue_movies": "core_dialogue_movies", "link_mentions": "core_mentions"}


def rules(*, datasets: Sequence[str]) -> tuple[Expectation, ...]:
    """Expectations on dialogues with bounds of their own. `datasets` are the declared data sets of the profile."""
    return (*_partitions(datasets), *_turns(), *_mentions(), *_examples(), *_links())


def quantities(*, datasets: Sequence[str]) -> tuple[Quantity, ...]:
    """Numbers on dialogues that a baseline must bound."""
    return tuple(quantity for dataset in datasets for quantity in (*_counts(dataset), *_golden(dataset), *_linked_shares(dataset)))


def _partitions(datasets: Sequence[str]) -> Iterator[Expectation]:
    declared = ", ".join(map(literal, datasets))
    yield aggregate(
        "core_dialogues.declared_datasets",
        expression=f"count(DISTINCT dataset) FILTER (WHERE dataset IN ({declared}))",
        description="Every declared data set has dialogues.",
    ).bounded(len(set(datasets)), len(set(datasets)))
    for table, key in (("core_dialogues", "dialogue_id"), ("core_dialogue_movies", "source_movie_id")):
        yield no_rows(
            f"{table}.undeclared_dataset",
            where=f"dataset NOT IN ({declared})",
            keys=("dataset", key),
            description="No row comes from a data set that the profile does not declare.",
        )
    yield no_rows(
        "core_dialogues.dialogue_id.names_dataset",
        where="NOT starts_with(dialogue_id, dataset || ':')",
        keys=("dialogue_id", "dataset"),
        description="A dialogue id starts with its data set.",
    )


def _turns() -> Iterator[Expectation]:
    yield empty(
        "core_dialogues.turn_count.from_turns",
        rows="SELECT dialogue_id, turn_count, count(t.turn_index) AS seen FROM core_dialogues "
        "LEFT JOIN core_dialogue_turns AS t USING (dialogue_id) "
        "GROUP BY ALL HAVING count(t.turn_index) <> turn_count",
        description="The turn count is the number of turns.",
    )
    yield empty(
        "core_dialogue_turns.count_from_zero",
        rows="SELECT dialogue_id, count(*) AS turns, max(turn_index) AS last FROM core_dialogue_turns GROUP BY dialogue_id "
        "HAVING max(turn_index) <> count(*) - 1",
        description="Turns are numbered 0, 1, 2, ... without a gap.",
    )


def _mentions() -> Iterator[Expectation]:
    yield empty(
        "core_mentions.dataset.of_dialogue",
        rows="SELECT dialogue_id, turn_index, mention_index, m.dataset FROM core_mentions AS m "
        "JOIN core_dialogues AS d USING (dialogue_id) "
        "WHERE m.dataset <> d.dataset",
        description="A mention belongs to the data set of its dialogue.",
    )
    yield empty(
        "core_mentions.span.in_text",
        rows="SELECT dialogue_id, turn_index, mention_index, span_start, span_end FROM core_mentions JOIN core_dialogue_turns "
        "USING (dialogue_id, turn_index) "
        "WHERE (span_start IS NULL) <> (span_end IS NULL) OR span_start >= span_end OR span_end > length(text)",
        description="A span is whole, not empty and inside its turn's text.",
    )


def _examples() -> Iterator[Expectation]:
    yield no_rows(
        "core_recommendation_turns.example_id.shape",
        where="example_id <> dialogue_id || '#' || turn_index",
        keys=("example_id", "dialogue_id", "turn_index"),
        description="An example id is '<dialogue_id>#<turn_index>'.",
    )
    yield empty(
        "core_recommendation_turns.by_recommender",
        rows="SELECT example_id, speaker FROM core_recommendation_turns "
        "JOIN core_dialogue_turns USING (dialogue_id, turn_index) WHERE speaker <> 'recommender'",
        description="The turn to predict is spoken by the recommender.",
    )
    yield empty(
        "core_recommendation_turns.has_target",
        rows="SELECT example_id FROM core_recommendation_turns ANTI JOIN core_recommendation_targets USING (example_id)",
        description="Every example has something to predict.",
    )


def _links() -> Iterator[Expectation]:
    for table, keys in _LINK_KEYS.items():
        yield empty(
            f"{table}.complete",
            rows=f"SELECT {', '.join(keys)} FROM {_LINK_SUBJECTS[table]} ANTI JOIN {table} USING ({', '.join(keys)})",
            description=f"Every row of {_LINK_SUBJECTS[table]} is linked or abstained from.",
        )
        yield no_rows(
            f"{table}.status_agrees",
            where="(link_status = 'linked') <> (movie_id IS NOT NULL) OR (link_status = 'abstained') <> (link_rule = 'abstain') "
            "OR (link_status = 'abstained') <> (link_reason IS NOT NULL)",
            keys=keys,
            description="Linked has a film and a rule; abstained has no film but a reason.",
        )
        yield no_rows(
            f"{table}.runner_up_is_second",
            where="runner_up_score > link_score OR runner_up_movie_id = movie_id",
            keys=keys,
            description="The runner-up is another film with no better score.",
        )
        yield empty(
            f"{table}.runner_up_exists",
            rows=f"SELECT {', '.join(keys)}, runner_up_movie_id FROM {table} AS l "
            f"ANTI JOIN core_movies AS m ON m.movie_id = l.runner_up_movie_id "
            "WHERE runner_up_movie_id IS NOT NULL",
            description="Every runner-up is a film of the corpus.",
        )


def _counts(dataset: str) -> Iterator[Quantity]:
    for split in SPLITS:
        of_split = f"dataset = {literal(dataset)} AND split = {literal(split)}"
        yield aggregate(
            f"core_dialogues.rows.{dataset}.{split}",
            expression=f"count(*) FILTER (WHERE {of_split})",
            description=f"Dialogues of {dataset}, {split}.",
        )
        for table, what in (("core_dialogue_turns", "Turns"), ("core_mentions", "Mentions")):
            yield Quantity(
                name=f"{table}.rows.{dataset}.{split}",
                sql=f"SELECT count(*) FROM {table} SEMI JOIN (SELECT dialogue_id FROM core_dialogues WHERE {of_split}) USING (dialogue_id)",
                description=f"{what} of {dataset}, {split}.",
            )


def _golden(dataset: str) -> Iterator[Quantity]:
    of_test = f"dataset = {literal(dataset)} AND split = 'test'"
    yield aggregate(
        f"core_recommendation_turns.test.{dataset}",
        expression=f"count(*) FILTER (WHERE {of_test})",
        description=f"Test examples of {dataset}.",
    )
    for name, condition, what in (("test", "TRUE", "Targets"), ("new", "is_new", "Targets not named before")):
        yield Quantity(
            name=f"core_recommendation_targets.{name}.{dataset}",
            sql=f"SELECT count(*) FROM core_recommendation_targets SEMI JOIN (SELECT example_id FROM core_recommendation_turns "
            f"WHERE {of_test}) "
            f"USING (example_id) WHERE {condition}",
            description=f"{what} in the test examples of {dataset}.",
        )


def _linked_shares(dataset: str) -> Iterator[Quantity]:
    for table in _LINK_KEYS:
        yield aggregate(
            f"{table}.linked_share.{dataset}",
            expression=f"avg(CAST(link_status = 'linked' AS INTEGER)) FILTER (WHERE dataset = {literal(dataset)})",
            description=f"Rows of {dataset} that the linker linked.",
        )
