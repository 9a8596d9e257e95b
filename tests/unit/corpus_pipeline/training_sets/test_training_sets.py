"""Sequences and recommendation examples in corpus ids, on one dialogue that can be checked by hand."""

import pyarrow as pa

from corpus_pipeline.schema import tables as t
from corpus_pipeline.training_sets.recommendation import build_recommendation
from corpus_pipeline.training_sets.sequences import build_sequences
from corpus_pipeline.transform.dialogues import Dialogue, DialogueMovie, Mention, Turn, dialogue_tables, table_of
from corpus_pipeline.transform.examples import example_tables, examples_by_rule

LINKS = {"k": "mq_kite", "kite": "mq_kite", "o": "mq_oars", "r": "mq_raft", "lost": None}


def turns_of(*named: tuple[str, tuple[str, ...]]) -> tuple[Turn, ...]:
    return tuple(Turn(speaker, "x", None, tuple(map(Mention, movies))) for speaker, movies in named)


DIALOGUES = [
    Dialogue(
        "starter:1",
        "starter",
        "train",
        turns_of(
            ("seeker", ("lost",)), ("recommender", ("o",)), ("seeker", ("k", "o")), ("recommender", ("kite", "lost")), ("seeker", ("k",))
        ),
    ),
    Dialogue("starter:2", "starter", "valid", turns_of(("seeker", ("k",)))),
    Dialogue("starter:3", "starter", "test", turns_of(("seeker", ("k",)), ("recommender", ("o",)))),
    Dialogue("starter:4", "starter", "train", turns_of(("seeker", ("lost",)))),
    Dialogue("starter:5", "starter", "train", turns_of(("seeker", ()))),
    Dialogue(
        "starter:6",
        "starter",
        "train",
        turns_of(("seeker", ("o", "k")), ("recommender", ("r",)), ("seeker", ()), ("recommender", ("lost",))),
    ),
]
MOVIES = [DialogueMovie(movie, movie) for movie in LINKS]
CORE = dialogue_tables("starter", DIALOGUES, MOVIES) | example_tables(DIALOGUES, examples_by_rule(DIALOGUES, MOVIES))


def decided(movie: str | None) -> tuple[str | None, str, str, float | None, None, None, str | None]:
    return (
        (movie, "linked", "exact_title", 1.0, None, None, None)
        if movie
        else (None, "abstained", "abstain", None, None, None, "no_candidate")
    )


def link_dialogue_movies() -> pa.Table:
    return table_of(t.LINK_DIALOGUE_MOVIES, [("starter", movie, *decided(link)) for movie, link in LINKS.items()])


def link_mentions() -> pa.Table:
    rows = CORE["core_mentions"].to_pylist()
    keys = ("dialogue_id", "turn_index", "mention_index", "dataset")
    return table_of(t.LINK_MENTIONS, [(*(row[key] for key in keys), *decided(LINKS[row["source_movie_id"]])) for row in rows])


def test_sequences_are_distinct_movies_by_first_mention_without_test() -> None:
    built = build_sequences(CORE["core_mentions"], CORE["core_dialogues"], link_mentions(), turns=CORE["core_dialogue_turns"])
    assert built.to_pylist() == [
        {
            "dialogue_id": "starter:1",
            "dataset": "starter",
            "split": "train",
            "sequence_movie_ids": ["mq_oars", "mq_kite"],
            "is_target": [True, False],  # oars came from the recommender, the kite from the seeker
        },
        {"dialogue_id": "starter:2", "dataset": "starter", "split": "valid", "sequence_movie_ids": ["mq_kite"], "is_target": [False]},
        {
            "dialogue_id": "starter:6",
            "dataset": "starter",
            "split": "train",
            "sequence_movie_ids": ["mq_oars", "mq_kite", "mq_raft"],  # turn by turn, and in a turn mention by mention
            "is_target": [False, False, True],
        },
    ]


def test_sequences_do_not_depend_on_row_order() -> None:
    mentions, links = CORE["core_mentions"], link_mentions()
    backwards = list(reversed(range(mentions.num_rows)))
    straight = build_sequences(mentions, CORE["core_dialogues"], links, turns=CORE["core_dialogue_turns"])
    shuffled = build_sequences(mentions.take(backwards), CORE["core_dialogues"], links.take(backwards), turns=CORE["core_dialogue_turns"])
    assert straight.equals(shuffled)


def recommendation(mentions: pa.Table, links: pa.Table) -> tuple[pa.Table, pa.Table]:
    return build_recommendation(
        CORE["core_recommendation_turns"],
        CORE["core_recommendation_targets"],
        mentions=mentions,
        link_mentions=links,
        link_dialogue_movies=link_dialogue_movies(),
    )


def test_history_is_what_was_mentioned_strictly_before() -> None:
    examples, targets = recommendation(CORE["core_mentions"], link_mentions())
    histories = {row["example_id"]: (row["split"], row["history_movie_ids"]) for row in examples.to_pylist()}
    assert histories == {
        "starter:1#1": ("train", []),  # the only earlier mention has no link
        "starter:1#3": ("train", ["mq_oars", "mq_kite"]),
        "starter:3#1": ("test", ["mq_kite"]),
        "starter:6#1": ("train", ["mq_oars", "mq_kite"]),
        "starter:6#3": ("train", ["mq_oars", "mq_kite", "mq_raft"]),
    }
    assert [tuple(row.values()) for row in targets.to_pylist()] == [
        ("starter:1#1", 0, "mq_oars", True),
        ("starter:1#3", 0, "mq_kite", True),  # 'kite' and 'k' are two names: the protocol goes by names
        ("starter:1#3", 1, None, False),
        ("starter:3#1", 0, "mq_oars", True),
        ("starter:6#1", 0, "mq_raft", True),
        ("starter:6#3", 0, None, True),
    ]


def test_the_future_does_not_reach_the_history() -> None:
    mentions, links = CORE["core_mentions"], link_mentions()
    past = pa.array([row["turn_index"] < 3 for row in mentions.to_pylist()])
    before, _ = recommendation(mentions.filter(past), links.filter(past))
    after, _ = recommendation(mentions, links)
    assert before.equals(after)
