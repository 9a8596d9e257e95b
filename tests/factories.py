"""Small made-up corpora for tests: every released table and every training set, consistent with each other, no real rows.

`good_corpus()` gives tables that violate nothing; the edits below return a changed copy.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import EVAL_LINKING, RELEASED, SET_PREFERENCES, SETS, named

Row = dict[str, Any]
Corpus = Mapping[str, pa.Table]
SOURCES, DATASETS = ("alpha", "beta"), ("inspired", "redial")
INTERACTION_DATASETS = ("bookcrossing", "movielens_small")
MINIMUM_MOVIES = 4
SPLIT_OF = {"1": "train", "2": "valid", "3": "test"}


def movie_id(number: int) -> str:
    return f"mq{number:012x}"


def person_id(number: int) -> str:
    return f"pp{number:012x}"


def movie(number: int = 1, **over: Any) -> Row:
    """A film with 900 IMDb votes and 9 TMDB votes: its popularity score is log10(991)."""
    row = {
        "movie_id": movie_id(number), "title": f"Lantern {number}", "original_title": None, "year": 1990 + number,
        "runtime_minutes": 90 + number, "kind": "movie", "is_adult": False, "language": "en", "countries": ["Utopia"],
        "plot": f"A lantern is lost, take {number}.",
        "imdb_rating": 7.5, "imdb_vote_count": 900, "tmdb_rating": 7.0, "tmdb_vote_count": 9, "popularity_score": 2.9960736544852753,
        "sources": ["alpha"], "title_source": "alpha", "year_source": "alpha", "runtime_source": "alpha", "language_source": "alpha",
        "plot_source": "alpha",
    }  # fmt: skip
    return {**row, **over}


def title(number: int = 1, **over: Any) -> Row:
    row = {
        "movie_id": movie_id(number), "title": f"Lantern {number}", "title_key": f"lantern {number}", "title_kind": "primary",
        "language": "en", "region": None, "source": "alpha",
    }  # fmt: skip
    return {**row, **over}


def dialogue(dataset: str = "inspired", number: str = "1", **over: Any) -> Row:
    row = {
        "dialogue_id": f"{dataset}:{number}", "dataset": dataset, "split": SPLIT_OF[number], "turn_count": 4,
        "seeker_id": f"{dataset}-seeker-{number}", "outcome": None,
    }  # fmt: skip
    return {**row, **over}


def turns(dataset: str = "inspired", number: str = "1") -> list[Row]:
    """Four turns; film 1 is named in turn 0, film 2 (new) in turn 1, the unlinkable one in turn 2, film 1 again in turn 3."""
    said = (
        ("seeker", f"Evening {dataset} {number}, I liked Lantern 1."),
        ("recommender", "Then see Lantern 2."),
        ("seeker", "Not Nosuch Film?"),
        ("recommender", "No. Lantern 1 once more."),
    )
    rows = []
    for index, (speaker, text) in enumerate(said):
        rows.append(
            {"dialogue_id": f"{dataset}:{number}", "turn_index": index, "speaker": speaker, "text": text, "source_turn_id": str(index)}
        )
    return rows


_NAMED = (("A", 0), ("B", 1), ("C", 2), ("A", 3))  # (the data set's own id, turn)
_FILM = {"A": 1, "B": 2, "C": None}
_SURFACE = {"A": "Lantern 1", "B": "Lantern 2", "C": "Nosuch Film"}


def mention(dataset: str = "inspired", number: str = "1", own_id: str = "A", turn_index: int = 0, **over: Any) -> Row:
    text = turns(dataset, number)[turn_index]["text"]
    start = text.index(_SURFACE[own_id])
    row = {
        "dialogue_id": f"{dataset}:{number}", "turn_index": turn_index, "mention_index": 0, "dataset": dataset, "source_movie_id": own_id,
        "span_start": start, "span_end": start + len(_SURFACE[own_id]), "is_recommended": turn_index % 2 == 1, "is_accepted": None,
        "is_liked": None,
    }  # fmt: skip
    return {**row, **over}


def link(own_id: str, **key: Any) -> Row:
    """Film 1 or 2 linked with film 3 as runner-up; own id C abstained from."""
    number = _FILM[own_id]
    abstained = number is None
    return {
        **key,
        "movie_id": None if number is None else movie_id(number),
        "link_status": "abstained" if abstained else "linked",
        "link_rule": "abstain" if abstained else "exact_title",
        "link_score": 0.4 if abstained else 0.95,
        "runner_up_movie_id": movie_id(3),
        "runner_up_score": 0.3,
        "link_reason": "score_too_low" if abstained else None,
    }


def reject(source: str, file: str, reason: str, raw_text: str) -> Row:
    return {"source": source, "file": file, "line": 2, "reason": reason, "raw_text": raw_text, "record_count": 1}


def _movie_tables() -> dict[str, list[Row]]:
    numbers = range(1, 5)
    ids = {"imdb": "tt0000001", "tmdb": "11", "wikidata": "Q11", "movielens": "21", "omdb_org": "31", "wikipedia": "Lantern_1"}
    merges = [{"source": "alpha", "record_id": str(n), "movie_id": movie_id(n), "merge_reason": "new_movie"} for n in numbers]
    merges += [{"source": "beta", "record_id": "b1", "movie_id": movie_id(1), "merge_reason": "imdb_id"}]
    films = [movie(n) for n in numbers]
    films[0]["sources"] = ["alpha", "beta"]
    plots = [{"movie_id": movie_id(n), "plot_rank": 1, "text": films[n - 1]["plot"], "language": "en", "source": "alpha"} for n in numbers]
    plots += [{"movie_id": movie_id(1), "plot_rank": 2, "text": "Light is found.", "language": "en", "source": "beta"}]
    credit = {"role": "director", "position": 1, "character": None, "source": "alpha"}
    return {
        "core_movies": films,
        "core_titles": [title(n) for n in numbers] + [title(1, title="Laterne 1", title_key="laterne 1", title_kind="alternative")],
        "core_people": [{"person_id": person_id(n), "name": f"Ann {n}", "name_key": f"ann {n}", "imdb_person_id": None} for n in (1, 2)],
        "core_credits": [{"movie_id": movie_id(n), "person_id": person_id(1 + n % 2), **credit} for n in numbers],
        "core_genres": [{"movie_id": movie_id(n), "genre": "Drama"} for n in numbers],
        "core_keywords": [{"movie_id": movie_id(1), "keyword": "lantern"}],
        "core_plots": plots,
        "core_movie_ids": [{"movie_id": movie_id(1), "authority": a, "authority_id": i, "source": "alpha"} for a, i in ids.items()],
        "core_movie_merges": merges,
        "core_movies__rejected": [reject("beta", "b.csv", "no_title", ",1999")],
    }


def _dialogue_tables() -> dict[str, list[Row]]:
    dialogues = [(dataset, number) for dataset in DATASETS for number in SPLIT_OF]
    mentions = [mention(dataset, number, own_id, turn) for dataset, number in dialogues for own_id, turn in _NAMED]
    movies = [
        {"dataset": d, "source_movie_id": own, "surface": _SURFACE[own], "mention_year": None, "imdb_id": None}
        for d in DATASETS
        for own in "ABC"
    ]
    key = ("dialogue_id", "turn_index", "mention_index", "dataset")
    return {
        "core_dialogues": [dialogue(*each) for each in dialogues],
        "core_dialogue_turns": [turn for each in dialogues for turn in turns(*each)],
        "core_dialogue_movies": movies,
        "core_mentions": mentions,
        "core_dialogues__rejected": [reject("redial", "r.jsonl", "not_json", "{")],
        "link_dialogue_movies": [link(m["source_movie_id"], dataset=m["dataset"], source_movie_id=m["source_movie_id"]) for m in movies],
        "link_mentions": [link(m["source_movie_id"], **{name: m[name] for name in key}) for m in mentions],
        "link_decisions": [
            {
                "decision_line": 2, "dataset": "redial", "source_movie_id": "Z", "surface": None, "mention_year": None,
                "movie_id": movie_id(1), "who": "Ann", "decided_on": "2026-01-31", "decision_status": "title_gone",
            }
        ],
        "link_review_queue": [
            {
                "review_rank": rank, "dataset": dataset, "source_movie_id": "C", "surface": _SURFACE["C"], "mention_year": None,
                "mention_count": len(SPLIT_OF), "link_status": "abstained", "link_score": 0.4, "best_movie_id": None,
                "runner_up_movie_id": movie_id(3), "runner_up_score": 0.3, "matter_score": 3.0, "link_reason": "score_too_low",
            }
            for rank, dataset in enumerate(DATASETS, 1)
        ],
        **_example_tables(dialogues),
    }  # fmt: skip


def _example_tables(dialogues: list[tuple[str, str]]) -> dict[str, list[Row]]:
    tables: dict[str, list[Row]] = {
        name: []
        for name in (
            "core_recommendation_turns", "core_recommendation_targets", "set_sequences", "set_recommendation", "set_recommendation_targets",
            "set_pseudo_queries", "set_queries", "set_candidates", "set_shortlists",
            *(table.name for table in SET_PREFERENCES),
        )
    }  # fmt: skip
    for dataset, number in dialogues:
        of = {"dialogue_id": f"{dataset}:{number}", "dataset": dataset, "split": SPLIT_OF[number]}
        if number != "3":
            tables["set_sequences"].append({**of, "sequence_movie_ids": [movie_id(1), movie_id(2)], "is_target": [False, True]})
        # Turn 1 names film 2 for the first time; turn 3 repeats film 1 after both were named.
        for turn, own_id, is_new, history in ((1, "B", True, [movie_id(1)]), (3, "A", False, [movie_id(1), movie_id(2)])):
            example = {"example_id": f"{dataset}:{number}#{turn}", **of, "context_text": f"seeker: before turn {turn}"}
            target = {"example_id": example["example_id"], "target_index": 0, "is_new": is_new}
            tables["core_recommendation_turns"].append({**example, "turn_index": turn})
            tables["core_recommendation_targets"].append(
                {**target, "dataset": dataset, "source_movie_id": own_id, "target_name": _SURFACE[own_id]}
            )
            tables["set_recommendation"].append({**example, "history_movie_ids": history})
            tables["set_recommendation_targets"].append({**target, "movie_id": movie_id(_FILM[own_id] or 0)})
            if number != "3" and is_new:
                for name, rows in _query_rows({key: example[key] for key in ("example_id", "dataset", "split")}).items():
                    tables[name] += rows
            if number == "1" and is_new:
                for declared in SET_PREFERENCES:
                    tables[declared.name] += _preference_rows({key: example[key] for key in ("example_id", "dataset")})
    return tables


def _query_rows(of: Row) -> dict[str, list[Row]]:
    """What the query expert's steps make of a turn whose new film is film 2: the shortlist holds it, the hard negatives do not."""
    offered = {"movie_id": movie_id(3), "candidate_rank": 1, "retrieval_score": 0.5}
    return {
        "set_pseudo_queries": [
            {**of, "target_index": 0, "movie_id": movie_id(2), "pseudo_query": "a film about light", "concept_count": 1}
        ],
        "set_queries": [{**of, "query_mode": "expert", "query": "a film about light", "is_fallback": False}],
        "set_candidates": [{**of, **offered}],
        "set_shortlists": [{**of, **offered}, {**of, "movie_id": movie_id(2), "candidate_rank": 2, "retrieval_score": 0.25}],
    }


def _preference_rows(of: Row) -> list[Row]:
    """What a round of the loop makes of a turn whose new film is film 2: a set with it, ranked, and one without, not asked about."""
    drawn = {**of, "retriever": "rar", "seed": 0, "log_probability": -1.5, "failure": ""}
    with_film, without_film = [movie_id(3), movie_id(2)], [movie_id(4), movie_id(3)]
    return [
        {
            **drawn, "set_index": 0, "candidate_movie_ids": with_film, "ranked_movie_ids": [movie_id(2), movie_id(3)], "reward": 1.0,
            "is_asked": True,
        },
        {**drawn, "set_index": 1, "candidate_movie_ids": without_film, "ranked_movie_ids": [], "reward": 0.0, "is_asked": False},
    ]  # fmt: skip


def interaction(dataset: str = "movielens_small", user: str = "1", position: int = 0, **over: Any) -> Row:
    """Item `21 + position`, liked at every other position; only MovieLens tells the time."""
    is_liked = position % 2 == 0
    row = {
        "dataset": dataset, "user_id": user, "history_position": position, "item_id": str(21 + position), "is_liked": is_liked,
        "rating": 5.0 if is_liked else 3.0, "interacted_at": 1_000 + position if dataset.startswith("movielens") else None,
    }  # fmt: skip
    return {**row, **over}


def click(split: str, row_index: int, interaction: Row) -> Row:
    kept = {name: interaction[name] for name in ("dataset", "user_id", "history_position", "item_id", "is_liked")}
    return {**kept, "split": split, "row_index": row_index}


def _interaction_tables() -> dict[str, list[Row]]:
    """A viewer of eleven films, and six readers of five books, of whom every other one likes the last."""
    seen = [interaction(position=position) for position in range(11)]
    read = [interaction("bookcrossing", str(user), position) for user in range(1, 7) for position in range(5)]
    for row in read[9::10]:
        row |= {"is_liked": False, "rating": 4.0}
    splits = ("train", "train", "valid", "valid", "test", "test")
    rows = {"bookcrossing": [row for row in read if row["history_position"] == 4], "movielens_small": seen[5:]}
    film = movie_id(1)  # the crosswalk gives it the MovieLens id 21
    items = {
        (row["dataset"], row["item_id"]): {
            "dataset": row["dataset"], "item_id": row["item_id"], "title": f"Lantern {row['item_id']}", "year": 1991,
            "creators": ["Ann 1"], "item_genres": ["Drama"], "publisher": None,
            "movie_id": film if (row["dataset"], row["item_id"]) == ("movielens_small", "21") else None,
        }
        for row in read + seen
    }  # fmt: skip
    nothing_told = {"gender": None, "age": None, "occupation": None, "location": None}
    return {
        "core_interactions": read + seen,
        "core_interaction_items": list(items.values()),
        "core_interaction_users": [
            {"dataset": dataset, "user_id": user, **nothing_told}
            for dataset, user in dict.fromkeys((row["dataset"], row["user_id"]) for row in read + seen)
        ],
        "core_interactions__rejected": [reject("bookcrossing", "ratings.csv", "bad_rating", "1,21,eleven")],
        "set_click": [click(splits[at], at, row) for own in rows.values() for at, row in enumerate(own)],
    }


def table_of(name: str, rows: list[Row]) -> pa.Table:
    """Rows as the declared table, but every column may hold nulls: bad data must be possible to write down."""
    schema = pa.schema([field.with_nullable(True) for field in arrow_schema(named(name))])
    return pa.Table.from_pylist(rows, schema=schema)


def _link_evaluation() -> list[Row]:
    """Per data set one value of every metric that is bounded, of the weights in use; another value of weights just trained."""
    where = {"split": "test", "gold": "judged", "slice": "all", "count": 10}
    values = {"precision": 0.9, "recall": 0.8, "false_links_per_1000_words": 0.5}
    return [
        {**where, "weights": weights, "is_in_use": weights == "shipped", "dataset": dataset, "metric": metric, "value": value + extra}
        for dataset in DATASETS
        for metric, value in values.items()
        for weights, extra in (("shipped", 0.0), ("trained", 0.05))
    ]


def good_corpus() -> dict[str, pa.Table]:
    """Every released table, every training set and the evaluation of links, violating nothing."""
    rows = _movie_tables() | _dialogue_tables() | _interaction_tables() | {EVAL_LINKING.name: _link_evaluation()}
    return {table.name: table_of(table.name, rows[table.name]) for table in (*RELEASED, *SETS, EVAL_LINKING)}


def edited(corpus: Corpus, table: str, edit: Callable[[list[Row]], list[Row]]) -> dict[str, pa.Table]:
    """The corpus with the rows of one table edited."""
    return {**corpus, table: table_of(table, edit(corpus[table].to_pylist()))}


def changed(corpus: Corpus, table: str, index: int = 0, **over: Any) -> dict[str, pa.Table]:
    """One row of one table with other values."""
    return edited(corpus, table, lambda rows: [{**row, **over} if at == index else row for at, row in enumerate(rows)])


def without(corpus: Corpus, table: str, doomed: Callable[[Row], bool]) -> dict[str, pa.Table]:
    """The rows of one table for which `doomed` is false."""
    return edited(corpus, table, lambda rows: [row for row in rows if not doomed(row)])


def repeated(corpus: Corpus, table: str, index: int = 0, **over: Any) -> dict[str, pa.Table]:
    """One row of one table again, with other values where given."""
    return edited(corpus, table, lambda rows: [*rows, {**rows[index], **over}])
