"""For every expectation a change of good data that must trip it. No test here: `test_mutations` walks the list.

The contract's mutations follow from the kind of expectation; those of hand-written expectations are written by hand.
"""

from collections.abc import Callable

import pyarrow as pa

from corpus_pipeline.schema.fields import AUTHORITIES, SPLITS
from corpus_pipeline.schema.tables import SET_PREFERENCES, named
from tests.factories import (
    DATASETS,
    INTERACTION_DATASETS,
    SOURCES,
    SPLIT_OF,
    Corpus,
    changed,
    interaction,
    movie,
    movie_id,
    person_id,
    repeated,
    without,
)

Mutation = Callable[[Corpus], Corpus]
_NUMBER_OF = {split: number for number, split in SPLIT_OF.items()}
_AT = {authority: index for index, authority in enumerate(AUTHORITIES)}  # the factory lists the crosswalk in this order


def mutation_of(name: str) -> Mutation | None:
    """A change that makes good data violate the expectation called `name`; None when nobody has written one."""
    return WRITTEN.get(name) or _of_contract(name)


def _of_contract(name: str) -> Mutation | None:  # noqa: PLR0911 - one line per kind of rule
    table, *rest = name.split(".")
    if rest == ["columns"]:
        return lambda corpus: {**corpus, table: corpus[table].append_column("stray", pa.nulls(corpus[table].num_rows, pa.string()))}
    if rest == ["key_unique"]:
        return lambda corpus: repeated(corpus, table)
    column, kind = rest[0], rest[1] if len(rest) > 1 else ""
    if kind == "not_null":
        return lambda corpus: changed(corpus, table, **{column: None})
    if kind == "not_empty":
        return lambda corpus: changed(corpus, table, **{column: " "})
    if kind == "in_values":
        return lambda corpus: changed(corpus, table, **{column: "no_such_value"})
    if kind == "finite":
        return lambda corpus: changed(corpus, table, **{column: float("nan")})
    if kind == "in_range":
        return lambda corpus: changed(corpus, table, **{column: _outside(table, column)})
    if kind == "found_in":
        return lambda corpus: changed(corpus, table, **{column.split("_and_")[-1]: _unknown(table, column.split("_and_")[-1])})
    return None


def _outside(table: str, column: str) -> float:
    field = next(c.field for c in named(table).columns if c.name == column)
    return field.minimum - 1 if field.minimum is not None else (field.maximum or 0) + 1


def _unknown(table: str, column: str) -> str | int:
    field = next(c.field for c in named(table).columns if c.name == column)
    return "nowhere" if pa.types.is_string(field.type) else 777


def change(table: str, index: int = 0, **over: object) -> Mutation:
    return lambda corpus: changed(corpus, table, index, **over)


def drop(table: str, **values: object) -> Mutation:
    return lambda corpus: without(corpus, table, lambda row: all(row[key] == value for key, value in values.items()))


def repeat(table: str, index: int = 0, **over: object) -> Mutation:
    return lambda corpus: repeated(corpus, table, index, **over)


def both(first: Mutation, second: Mutation) -> Mutation:
    return lambda corpus: second(first(corpus))


_MOVIES: dict[str, Mutation] = {
    "core_movies.row_floor": drop("core_movies", movie_id=movie_id(4)),
    "core_movies.rows": repeat("core_movies", **movie(5)),
    "core_credits.rows": drop("core_credits", movie_id=movie_id(4)),
    "core_movie_merges.declared_sources": drop("core_movie_merges", source="beta"),
    "core_movie_merges.undeclared_source": change("core_movie_merges", source="gamma"),
    "core_movies__rejected.undeclared_source": change("core_movies__rejected", source="gamma"),
    "core_movies__rejected.share": repeat("core_movies__rejected", line=3),
    "core_movies.movie_id.shape": change("core_movies", movie_id="mq1"),
    "core_people.person_id.shape": change("core_people", person_id=movie_id(1)),
    "core_movie_ids.shape.imdb": change("core_movie_ids", _AT["imdb"], authority_id="0000001"),
    "core_movie_ids.shape.tmdb": change("core_movie_ids", _AT["tmdb"], authority_id="0"),
    "core_movie_ids.shape.wikidata": change("core_movie_ids", _AT["wikidata"], authority_id="q11"),
    "core_movie_ids.shape.movielens": change("core_movie_ids", _AT["movielens"], authority_id="21.0"),
    "core_movie_ids.shape.omdb_org": change("core_movie_ids", _AT["omdb_org"], authority_id="x31"),
    "core_movies__rejected.reason.shape": change("core_movies__rejected", reason="No title!"),
    "core_dialogues__rejected.reason.shape": change("core_dialogues__rejected", reason=""),
    "core_movies.title.not_blank": change("core_movies", title=" "),
    "core_titles.title_key.not_blank": change("core_titles", title_key=""),
    "core_titles.one_primary": change("core_titles", title_kind="alternative"),
    "core_titles.primary_is_displayed": change("core_titles", title="Lanthorn"),
    "core_movies.has_merge": drop("core_movie_merges", movie_id=movie_id(4)),
    "core_movies.sources.from_merges": change("core_movies", sources=["beta", "alpha"]),
    "core_movies.values_name_their_source": change("core_movies", year=None),
    "core_people.is_credited": repeat("core_people", person_id=person_id(9)),
    "core_movies.popularity_score.from_votes": change("core_movies", popularity_score=3.1),
    "core_movies.rating_needs_votes": change("core_movies", imdb_vote_count=0),
    "core_plots.ranks_count_from_one": change("core_plots", 1, plot_rank=2),
    "core_plots.first_is_displayed": change("core_plots", text="Another text."),
    "core_movies.year_share": change("core_movies", year=None),
    "core_movies.runtime_share": change("core_movies", runtime_minutes=None),
    "core_movies.popular_plot_share": change("core_movies", plot=None),
    "core_movies.popular_genre_share": drop("core_genres", movie_id=movie_id(2)),
    "core_movies.findable_share": drop("core_titles", movie_id=movie_id(2)),
    "core_movies.same_title_year_share": both(change("core_titles", 1, title_key="lantern 1"), change("core_movies", 1, year=1991)),
    **{f"core_movie_merges.records.{source}": drop("core_movie_merges", source=source) for source in SOURCES},
    **{f"core_movie_ids.shared.{name}": repeat("core_movie_ids", at, movie_id=movie_id(2)) for name, at in _AT.items()},
    **{f"core_movie_ids.several.{name}": repeat("core_movie_ids", at, authority_id="another") for name, at in _AT.items()},
}

_CONVERSATIONS: dict[str, Mutation] = {
    "core_dialogues.declared_datasets": drop("core_dialogues", dataset="redial"),
    "core_dialogues.undeclared_dataset": change("core_dialogues", dataset="starter"),
    "core_dialogue_movies.undeclared_dataset": change("core_dialogue_movies", dataset="starter"),
    "core_dialogues.dialogue_id.names_dataset": change("core_dialogues", dialogue_id="redial:1"),
    "core_dialogues.turn_count.from_turns": change("core_dialogues", turn_count=3),
    "core_dialogue_turns.count_from_zero": change("core_dialogue_turns", 3, turn_index=4),
    "core_mentions.dataset.of_dialogue": change("core_mentions", dataset="redial"),
    "core_mentions.span.in_text": change("core_mentions", span_end=5_000),
    "core_recommendation_turns.example_id.shape": change("core_recommendation_turns", example_id="inspired:1-1"),
    "core_recommendation_turns.by_recommender": change("core_recommendation_turns", turn_index=0),
    "core_recommendation_turns.has_target": drop("core_recommendation_targets", example_id="inspired:1#1"),
    **{
        f"{table}.{rule}": mutation
        for table in ("link_dialogue_movies", "link_mentions")
        for rule, mutation in {
            "complete": drop(table, movie_id=None),
            "status_agrees": change(table, movie_id=None),
            "runner_up_is_second": change(table, runner_up_movie_id=movie_id(1)),
            "runner_up_exists": change(table, runner_up_movie_id="mqnowhere"),
            **{f"linked_share.{dataset}": drop(table, dataset=dataset, movie_id=movie_id(1)) for dataset in DATASETS},
        }.items()
    },
    **{
        f"{table}.rows.{dataset}.{split}": drop(table, dialogue_id=f"{dataset}:{_NUMBER_OF[split]}")
        for table in ("core_dialogues", "core_dialogue_turns", "core_mentions")
        for dataset in DATASETS
        for split in SPLITS
    },
    **{f"core_recommendation_turns.test.{d}": drop("core_recommendation_turns", example_id=f"{d}:3#1") for d in DATASETS},
    **{f"core_recommendation_targets.test.{d}": drop("core_recommendation_targets", example_id=f"{d}:3#3") for d in DATASETS},
    **{f"core_recommendation_targets.new.{d}": drop("core_recommendation_targets", example_id=f"{d}:3#1") for d in DATASETS},
}

_LEAKAGE: dict[str, Mutation] = {
    "core_dialogues.one_split": repeat("core_dialogues", split="test"),
    "core_recommendation_turns.split_of_dialogue": change("core_recommendation_turns", split="test"),
    "core_recommendation_targets.dataset_of_example": change("core_recommendation_targets", dataset="redial"),
    # Test dialogue inspired:3 greets as inspired:1 does, but for capitals and dots.
    "core_dialogue_turns.test_text_is_unseen": change("core_dialogue_turns", 8, text="EVENING inspired 1 - I liked Lantern 1"),
    "core_dialogues.test_seeker_is_unseen": change("core_dialogues", 2, seeker_id="inspired-seeker-1"),
    "core_recommendation_targets.new_but_named_share.inspired": change("core_recommendation_targets", 1, is_new=True),
    "core_recommendation_targets.new_but_named_share.redial": change("core_recommendation_targets", 7, is_new=True),
    "set_sequences.no_test_dialogue": change("set_sequences", dialogue_id="inspired:3"),
    "set_sequences.flags_fit": change("set_sequences", is_target=[True]),
    "set_sequences.sequence_movie_ids.distinct": change("set_sequences", sequence_movie_ids=[movie_id(1), movie_id(1)]),
    "set_sequences.sequence_movie_ids.known": change("set_sequences", sequence_movie_ids=[movie_id(1), "mqnowhere"]),
    "set_recommendation.as_in_corpus": change("set_recommendation", context_text="seeker: what comes after"),
    "set_recommendation.history_is_past": change("set_recommendation", history_movie_ids=[movie_id(1), movie_id(2)]),
    "set_recommendation.history_movie_ids.distinct": change("set_recommendation", history_movie_ids=[movie_id(1), movie_id(1)]),
    "set_recommendation.history_movie_ids.known": change("set_recommendation", history_movie_ids=["mqnowhere"]),
    "set_recommendation_targets.as_in_corpus": drop("set_recommendation_targets", example_id="inspired:1#1"),
    "set_recommendation_targets.movie_id.known": change("set_recommendation_targets", movie_id="mqnowhere"),
    **{
        f"{table}.no_test_turn": change(table, split="test")
        for table in ("set_pseudo_queries", "set_queries", "set_candidates", "set_shortlists")
    },
    "set_pseudo_queries.no_title": change("set_pseudo_queries", pseudo_query="a film like lantern 2, with light"),
    "set_candidates.no_target": change("set_candidates", movie_id=movie_id(2)),
    "set_recommendation_targets.new_in_history_share": change("set_recommendation_targets", movie_id=movie_id(1)),
}

_PREFERENCES: dict[str, Mutation] = {
    f"{table.name}.{rule}": mutation
    for table in SET_PREFERENCES
    for rule, mutation in {
        "training_turns_only": change(table.name, example_id="inspired:3#1"),
        "candidate_movie_ids.distinct": change(table.name, candidate_movie_ids=[movie_id(2), movie_id(2)]),
        "candidate_movie_ids.known": change(table.name, candidate_movie_ids=[movie_id(2), "mqnowhere"]),
        "no_film_of_the_history": change(table.name, candidate_movie_ids=[movie_id(2), movie_id(1)]),
        "reward_needs_an_answer": change(table.name, is_asked=False),
    }.items()
}

_LINKING: dict[str, Mutation] = {
    f"eval_linking.{metric}.{dataset}": change("eval_linking", place, value=value)
    for place, (dataset, metric, value) in enumerate(
        (dataset, metric, value)
        for dataset in DATASETS
        for metric, value in (("precision", 0.1), ("recall", 0.1), ("false_links_per_1000_words", 9.0))
        for _ in ("shipped", "trained")
    )
    if place % 2 == 0  # the factory lists the weights in use first
}

# The factory lists 30 interactions with books, five a reader, and then the viewer's eleven; 6 rows of click prediction each.
_VIEWER, _VIEWED = 30, 6
_INTERACTIONS: dict[str, Mutation] = {
    "core_interactions.declared_datasets": drop("core_interactions", dataset="bookcrossing"),
    **{
        f"{table}.undeclared_dataset": change(table, dataset="starter")
        for table in ("core_interactions", "core_interaction_items", "core_interaction_users")
    },
    "core_interactions__rejected.undeclared_source": change("core_interactions__rejected", source="starter"),
    "core_interactions__rejected.reason.shape": change("core_interactions__rejected", reason="Bad rating"),
    "core_interactions.count_from_zero": change("core_interactions", 4, history_position=5),
    "core_interactions.item_once": change("core_interactions", 1, item_id="21"),
    "core_interactions.interacted_at.all_or_none": change("core_interactions", _VIEWER, interacted_at=None),
    "core_interactions.history_position.in_order_of_time": change("core_interactions", _VIEWER + 1, interacted_at=1),
    "core_interactions.is_liked.from_rating": change("core_interactions", _VIEWER, rating=3.0),
    "core_interaction_items.no_film_for_a_book": change("core_interaction_items", movie_id=movie_id(1)),
    "set_click.as_in_corpus": change("set_click", is_liked=False),
    "set_click.target_not_in_history": change("set_click", item_id="22"),
    "set_click.has_history": change("set_click", history_position=0),
    "set_click.position_once": repeat("set_click", row_index=6),
    "set_click.one_row_per_reader": repeat("set_click", row_index=6, history_position=3),
    "set_click.count_from_zero": change("set_click", 5, row_index=6),
    "set_click.splits_in_order": both(change("set_click", 1, split="valid"), change("set_click", 2, split="train")),
    # A validation row and a test row with the same label change places.
    "set_click.splits_in_time": both(
        change("set_click", _VIEWED + 2, history_position=9, item_id="30"),
        change("set_click", _VIEWED + 4, history_position=7, item_id="28"),
    ),
    "set_click.user_in_one_split": change("set_click", 5, user_id="1"),
    "set_click.both_labels": change("set_click", 1, is_liked=True),
    **{
        name: mutation
        for dataset in INTERACTION_DATASETS
        for name, mutation in {
            f"core_interactions.rows.{dataset}": repeat("core_interactions", **interaction(dataset, position=11)),
            f"core_interaction_items.rows.{dataset}": drop("core_interaction_items", dataset=dataset, item_id="22"),
            f"core_interaction_users.rows.{dataset}": drop("core_interaction_users", dataset=dataset, user_id="1"),
            f"core_interactions.liked_share.{dataset}": drop("core_interactions", dataset=dataset, is_liked=True),
            f"core_interactions__rejected.share.{dataset}": repeat("core_interactions__rejected", source=dataset, line=3),
            f"set_click.rows.{dataset}": drop("set_click", dataset=dataset, split="test"),
        }.items()
    },
    "core_interaction_items.joined_share.bookcrossing": change("core_interaction_items", movie_id=movie_id(1)),
    "core_interaction_items.joined_share.movielens_small": drop("core_interaction_items", dataset="movielens_small", movie_id=movie_id(1)),
}

WRITTEN = _MOVIES | _CONVERSATIONS | _LEAKAGE | _PREFERENCES | _LINKING | _INTERACTIONS
