"""A made-up corpus in DuckDB: five films, five people, three dialogues, every table of a release, every view."""

from typing import Any

import duckdb
import pyarrow as pa
import pytest

from corpus_pipeline.schema import tables as t
from corpus_pipeline.schema.render import arrow_schema, create_table, quoted
from corpus_pipeline.views import create_views

LIGHTHOUSE, REMAKE, ENGINE, PLUM, OX = (f"mq00000000000{number}" for number in range(1, 6))
ADA, BEN, CAL, DOT, EVA = (f"pp00000000000{number}" for number in range(1, 6))


def _rows(names: str, *values: tuple[Any, ...]) -> list[dict[str, Any]]:
    return [dict(zip(names.split(), row, strict=True)) for row in values]


_MOVIES = _rows(
    "movie_id title year runtime_minutes kind is_adult language plot imdb_rating imdb_vote_count popularity_score sources "
    "title_source plot_source",
    (
        LIGHTHOUSE,
        "The Copper Lighthouse",
        1962,
        101,
        "movie",
        False,
        "en",
        "A keeper counts ships.",
        7.0,
        900,
        2.95,
        ["alpha", "beta"],
        "alpha",
        "beta",
    ),
    (
        REMAKE,
        "The Copper Lighthouse",
        2004,
        119,
        "movie",
        False,
        "en",
        "A keeper counts drones.",
        5.5,
        90_000,
        4.95,
        ["alpha"],
        "alpha",
        "alpha",
    ),
    (ENGINE, "Vortex Riders: The Salt Engine", 1999, 95, "movie", False, "en", None, 8.0, 200_000, 5.3, ["alpha", "beta"], "beta", None),
    (PLUM, "Plum", 2011, 12, "short", False, "fr", "A plum ripens.", None, None, 0.0, ["beta"], "beta", "beta"),
    (OX, "Ox", None, None, "movie", False, None, None, 6.0, 40, 1.6, ["gamma"], "gamma", None),
)
_TITLES = _rows(
    "movie_id title title_key title_kind language source",
    (LIGHTHOUSE, "The Copper Lighthouse", "copper lighthouse", "primary", None, "alpha"),
    (REMAKE, "The Copper Lighthouse", "copper lighthouse", "primary", None, "alpha"),
    (REMAKE, "Le phare de cuivre", "le phare de cuivre", "alternative", "fr", "alpha"),
    (ENGINE, "Vortex Riders: The Salt Engine", "vortex riders the salt engine", "primary", None, "beta"),
    (PLUM, "Plum", "plum", "primary", None, "beta"),
    (OX, "Ox", "ox", "primary", None, "gamma"),
)
_PEOPLE = _rows(
    "person_id name name_key imdb_person_id",
    (ADA, "Ada Quill", "ada quill", "nm9000001"),
    (BEN, "Ben Orchard", "ben orchard", None),
    (CAL, "Cal Dune", "cal dune", None),
    (DOT, "Dot Marsh", "dot marsh", None),
    (EVA, "Eva Stone", "eva stone", None),
)
_CREDITS = _rows(
    "movie_id role position person_id character source",
    (LIGHTHOUSE, "director", 1, ADA, None, "alpha"),
    (LIGHTHOUSE, "actor", 1, BEN, "Keeper", "alpha"),
    (LIGHTHOUSE, "actor", 2, CAL, "Mate", "alpha"),
    (REMAKE, "director", 1, DOT, None, "alpha"),
    (REMAKE, "actor", 1, BEN, "Keeper", "alpha"),
    (REMAKE, "writer", 1, DOT, None, "alpha"),
    (ENGINE, "director", 1, ADA, None, "beta"),
    (ENGINE, "actor", 1, CAL, "Rider", "beta"),
    (ENGINE, "actor", 2, BEN, "Engineer", "beta"),
    (PLUM, "director", 1, EVA, None, "beta"),
    (PLUM, "actor", 1, EVA, None, "beta"),
)
_DIALOGUES = _rows(
    "dialogue_id dataset split turn_count seeker_id outcome",
    ("starter:1", "starter", "train", 3, "s1", "accepted"),
    ("starter:2", "starter", "train", 2, "s2", None),
    ("starter:3", "starter", "test", 2, "s3", None),
)
_TURNS = _rows(
    "dialogue_id turn_index speaker text",
    ("starter:1", 0, "seeker", "I loved Vortex Riders."),
    ("starter:1", 1, "recommender", "Then see The Copper Lighthouse, or Plum."),
    ("starter:1", 2, "seeker", "I will."),
    ("starter:2", 0, "seeker", "Anything like The Copper Lighthouse?"),
    ("starter:2", 1, "recommender", "Vortex Riders, and Quince."),
    ("starter:3", 0, "seeker", "Hello, something short."),
    ("starter:3", 1, "recommender", "Plum!"),
)
_NAMED = _rows(
    "dataset source_movie_id surface mention_year",
    ("starter", "a", "The Copper Lighthouse", 2004),
    ("starter", "b", "Vortex Riders", None),
    ("starter", "c", "Plum", 2011),
    ("starter", "d", "Quince", None),
)
_LINKS = _rows(
    "dataset source_movie_id movie_id link_status link_rule link_score runner_up_movie_id runner_up_score link_reason",
    ("starter", "a", REMAKE, "linked", "exact_title_year", 0.95, LIGHTHOUSE, 0.35, None),
    ("starter", "b", ENGINE, "linked", "fuzzy_title", 0.69, None, None, None),
    ("starter", "c", PLUM, "linked", "exact_title_year", 0.6, None, None, None),
    ("starter", "d", None, "abstained", "abstain", 0.5, None, None, f"low_score: best candidate {OX}"),
)
_MENTIONS = _rows(
    "dialogue_id turn_index mention_index dataset source_movie_id is_recommended is_accepted is_liked",
    ("starter:1", 0, 0, "starter", "b", False, None, True),
    ("starter:1", 1, 0, "starter", "a", True, True, None),
    ("starter:1", 1, 1, "starter", "c", True, False, None),
    ("starter:2", 0, 0, "starter", "a", False, None, True),
    ("starter:2", 1, 0, "starter", "b", True, None, False),
    ("starter:2", 1, 1, "starter", "d", True, None, None),
    ("starter:3", 1, 0, "starter", "c", True, True, None),
)
_EXAMPLES = _rows(
    "example_id dialogue_id turn_index dataset split context_text",
    ("starter:1#1", "starter:1", 1, "starter", "train", "seeker: I loved Vortex Riders."),
    ("starter:2#1", "starter:2", 1, "starter", "train", "seeker: Anything like The Copper Lighthouse?"),
    ("starter:3#1", "starter:3", 1, "starter", "test", "seeker: Hello, something short."),
)
_TARGETS = _rows(
    "example_id target_index dataset source_movie_id target_name is_new",
    ("starter:1#1", 0, "starter", "a", "copper lighthouse", True),
    ("starter:1#1", 1, "starter", "c", "plum", True),
    ("starter:2#1", 0, "starter", "b", "vortex riders", True),
    ("starter:2#1", 1, "starter", "d", "quince", True),
    ("starter:3#1", 0, "starter", "c", "plum", True),
)


_ITEMS = _rows(
    "dataset item_id title year creators item_genres movie_id",
    ("starter", "remake", "The Copper Lighthouse", 2004, [], ["Drama"], REMAKE),
    ("starter", "ox", "Ox", None, [], [], OX),
    ("starter", "quince", "Quince", 2001, [], [], None),
    ("movielens_small", "7", "Plum", 2011, [], ["Short"], PLUM),
)
_INTERACTIONS = _rows(
    "dataset user_id history_position item_id is_liked rating interacted_at",
    ("movielens_small", "1", 0, "7", False, 3.0, 100),
    ("movielens_small", "2", 0, "7", True, 4.5, 200),
    ("starter", "a", 0, "remake", True, None, None),
    ("starter", "a", 1, "quince", False, None, None),
    ("starter", "b", 0, "remake", True, None, None),
    ("starter", "b", 1, "quince", True, None, None),
    ("starter", "c", 0, "remake", False, None, None),
)
_USERS = _rows("dataset user_id", *dict.fromkeys((row["dataset"], row["user_id"]) for row in _INTERACTIONS))


def _mention_links() -> list[dict[str, Any]]:
    by_movie = {row["source_movie_id"]: row for row in _LINKS}
    keys = ("dialogue_id", "turn_index", "mention_index", "dataset")
    return [{**by_movie[row["source_movie_id"]], **{key: row[key] for key in keys}} for row in _MENTIONS]


_CORPUS: dict[t.Table, list[dict[str, Any]]] = {
    t.MOVIES: _MOVIES,
    t.TITLES: _TITLES,
    t.PEOPLE: _PEOPLE,
    t.CREDITS: _CREDITS,
    t.MOVIE_GENRES: _rows(
        "movie_id genre", (LIGHTHOUSE, "Drama"), (REMAKE, "Drama"), (REMAKE, "Thriller"), (ENGINE, "Sci-Fi"), (PLUM, "Short")
    ),
    t.KEYWORDS: _rows("movie_id keyword", (LIGHTHOUSE, "sea"), (REMAKE, "sea"), (REMAKE, "drone"), (ENGINE, "salt")),
    t.PLOTS: _rows(
        "movie_id plot_rank text language source",
        (LIGHTHOUSE, 1, "A keeper counts ships.", "en", "beta"),
        (LIGHTHOUSE, 2, "Ships.", "en", "alpha"),
        (REMAKE, 1, "A keeper counts drones.", "en", "alpha"),
        (PLUM, 1, "A plum ripens.", "en", "beta"),
    ),
    t.MOVIE_IDS: _rows(
        "movie_id authority authority_id source",
        (LIGHTHOUSE, "imdb", "tt9000001", "alpha"),
        (LIGHTHOUSE, "tmdb", "51", "beta"),
        (REMAKE, "imdb", "tt9000002", "alpha"),
        (ENGINE, "imdb", "tt9000003", "alpha"),
        (PLUM, "tmdb", "54", "beta"),
    ),
    t.MOVIE_MERGES: _rows(
        "source record_id movie_id merge_reason",
        ("alpha", "1", LIGHTHOUSE, "new_movie"),
        ("beta", "1", LIGHTHOUSE, "imdb_id"),
        ("alpha", "2", REMAKE, "new_movie"),
        ("alpha", "3", ENGINE, "new_movie"),
        ("beta", "3", ENGINE, "title_year"),
        ("beta", "4", PLUM, "new_movie"),
        ("gamma", "5", OX, "new_movie"),
    ),
    t.DIALOGUES: _DIALOGUES,
    t.DIALOGUE_TURNS: _TURNS,
    t.DIALOGUE_MOVIES: _NAMED,
    t.MENTIONS: _MENTIONS,
    t.RECOMMENDATION_TURNS: _EXAMPLES,
    t.RECOMMENDATION_TARGETS: _TARGETS,
    t.MOVIES_REJECTED: _rows(
        "source file line reason raw_text record_count",
        ("alpha", "films.csv", 7, "no_title", ",,", 1),
        ("alpha", "films.csv", 9, "no_title", ",", 3),
    ),
    t.DIALOGUES_REJECTED: _rows("source file line reason raw_text record_count", ("starter", "talk.jsonl", 3, "bad_json", "{", 1)),
    t.INTERACTION_ITEMS: _ITEMS,
    t.INTERACTION_USERS: _USERS,
    t.INTERACTIONS: _INTERACTIONS,
    t.INTERACTIONS_REJECTED: _rows("source file line reason raw_text record_count", ("starter", "likes.jsonl", 2, "bad_item", "{", 1)),
    t.LINK_DIALOGUE_MOVIES: _LINKS,
    t.LINK_MENTIONS: _mention_links(),
    t.LINK_DECISIONS: _rows(
        "decision_line dataset source_movie_id movie_id who decided_on decision_status",
        (2, "starter", "z", PLUM, "Ada", "2026-01-31", "title_gone"),
    ),
    t.LINK_REVIEW_QUEUE: _rows(
        "review_rank dataset source_movie_id surface mention_count link_status link_score best_movie_id matter_score link_reason",
        (2, "starter", "b", "Vortex Riders", 2, "linked", 0.69, ENGINE, 0.62, None),
        (1, "starter", "c", "Plum", 2, "linked", 0.6, PLUM, 0.8, None),
        (3, "starter", "d", "Quince", 1, "abstained", 0.5, OX, 0.5, f"low_score: best candidate {OX}"),
    ),
}


def _fill(con: duckdb.DuckDBPyConnection, table: t.Table, rows: list[dict[str, Any]]) -> None:
    con.register(
        "rows_to_insert",
        pa.Table.from_pylist([{name: row.get(name) for name in table.column_names} for row in rows], schema=arrow_schema(table)),
    )
    con.execute(f"INSERT INTO {quoted(table.name)} SELECT * FROM rows_to_insert")
    con.unregister("rows_to_insert")


@pytest.fixture(scope="session")
def corpus() -> duckdb.DuckDBPyConnection:
    """The corpus with its views, as a release assembles it."""
    con = duckdb.connect(":memory:")
    for table in t.RELEASED:
        con.execute(create_table(table))
        _fill(con, table, _CORPUS[table])
    create_views(con)
    return con
