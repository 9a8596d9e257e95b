"""The whole way on the starter data: release, gate, models, evaluation, lineage, and doing nothing the second time."""

from pathlib import Path

import pytest

from assets_defs import gate, lineage, summary
from assets_defs.build import Done, build
from assets_defs.explore import ask
from assets_defs.graph import STEPS
from assets_defs.linking import link_lines, link_title
from assets_defs.recommend import recommend_for
from assets_defs.workspace import Workspace
from corpus_pipeline import release, store
from corpus_pipeline.errors import ConfigError, CorpusError
from corpus_pipeline.schema import tables as t
from tests.pipeline.conftest import silent

Build = tuple[Workspace, Done]


def test_every_step_ran_and_the_release_is_whole(built: Build) -> None:
    space, done = built
    assert set(done.ran) == set(STEPS) and done.fresh == ()
    found = release.current(space.releases)
    assert release.verify(found) == []
    assert found.manifest.row_counts["core_movies"] >= 400
    assert found.manifest.row_counts["core_dialogues"] >= 150
    assert found.verdict["passed"]


def test_second_build_does_nothing(built: Build) -> None:
    space, _ = built
    again = build(space, silent)
    assert again.ran == () and set(again.fresh) == set(STEPS)


def test_every_row_read_is_accepted_or_quarantined(built: Build) -> None:
    space, _ = built
    films = Path(space.absolute(next(iter(space.ledger.need("raw_movies@starter").outputs))))
    read = len(films.read_text().splitlines())
    accepted = store.read_table(space.table(t.MOVIE_RECORDS, "starter"), t.MOVIE_RECORDS).num_rows
    rejected = store.read_table(space.table(t.REJECTS, "starter"), t.REJECTS).num_rows
    assert accepted + rejected == read


def test_lineage_of_the_evaluation_reaches_the_raw_files(built: Build) -> None:
    space, _ = built
    links = lineage.explain(space.ledger, "eval_recommendation")
    raw = {link.name: link.fingerprint for link in links if link.detail == "raw bytes"}
    assert {name.rsplit("/", 1)[-1] for name in raw} == {"films.jsonl", "dialogues.jsonl"}
    assert all(store.sha256(space.absolute(name)) == sha for name, sha in raw.items())


def test_evaluation_covers_every_model_condition_and_cutoff(built: Build) -> None:
    space, _ = built
    rows = summary.rows_of(space, t.EVAL_METRICS)
    assert {row["model"] for row in rows} == {
        "popularity", "last_item_neighbours", "item_neighbours", "ease", "lrurec", "lrurec_text", "dense_retriever", "hybrid", "hybrid_rrf",
    }  # fmt: skip
    assert {row["condition"] for row in rows} >= {"new", "all"}
    assert {row["k"] for row in rows} == {1, 5, 10, 20, 50}
    assert all(row["ci_low"] <= row["value"] <= row["ci_high"] for row in rows)


def test_no_test_dialogue_is_in_a_training_set(built: Build) -> None:
    space, _ = built
    assert set(store.read_table(space.table(t.SET_SEQUENCES), t.SET_SEQUENCES)["split"].to_pylist()) <= {"train", "valid"}


def test_explorer_shows_corpus_links_models_and_evaluation(built: Build) -> None:
    space, _ = built
    for table in (
        "core_movies",
        "movie_cards",
        "link_mentions",
        "review_queue",
        "link_text_mentions",
        "eval_linking",
        "set_recommendation",
        "model_lrurec",
        "eval_recommendation",
    ):
        columns, rows, _ = ask(space, f"SELECT count(*) FROM {table}", limit=1)
        assert columns == ["count_star()"] and rows[0][0] > 0, table


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('pyproject.toml')",
        "COPY core_movies TO 'stolen.csv'",
        "ATTACH 'other.duckdb'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "DELETE FROM corpus.core_movies",
        "DROP TABLE corpus.core_movies",
        "SELECT * FROM 'pyproject.toml'",
        "EXPORT DATABASE 'stolen'",
        "not sql at all",
    ],
)
def test_explorer_refuses_everything_but_questions(built: Build, statement: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    space, _ = built
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="could not be answered"):
        ask(space, statement, limit=1)
    assert list(tmp_path.iterdir()) == [] and release.verify(release.current(space.releases)) == []


def test_a_typed_title_is_linked_or_abstained(built: Build) -> None:
    space, _ = built
    (known,) = link_title(space, "Heat (1995)")["mentions"]
    assert (known["status"], known["best"]["title"], known["best"]["year"]) == ("linked", "Heat", 1995)
    (unknown,) = link_title(space, "Zzyzx Unheard Of Film")["mentions"]
    assert (unknown["status"], unknown["best"]) == ("abstained", None)


def test_films_are_found_in_what_somebody_says(built: Build) -> None:
    space = built[0]
    (told,) = link_lines(space, [{"text": "I loved Heat (1995), and it was never dull"}])
    assert [(m["surface"], m["best"]["title"]) for m in told["mentions"] if m["status"] == "linked"] == [("Heat", "Heat")]
    rows = ask(space, "SELECT count(*), count(movie_id) FROM link_text_mentions", limit=1)[1]
    assert rows[0][1] > 200


@pytest.mark.parametrize("model", ["lrurec", "lrurec_text"])
def test_recommendations_leave_out_what_was_mentioned(built: Build, model: str) -> None:
    space, _ = built
    turns = [{"speaker": "seeker", "text": 'I loved "Heat" (1995) and The Godfather, what else is there?'}]
    found = recommend_for(space, {"turns": turns}, k=5, model=model)
    assert [film["title"] for film in found["history"]] == ["Heat", "The Godfather"]
    assert len(found["recommendations"]) == 5
    assert not {f["movie_id"] for f in found["history"]} & {f["movie_id"] for f in found["recommendations"]}
    assert found["release"] == release.current(space.releases).release_id


def test_dialogue_without_a_film_is_ranked_by_the_learned_prior(built: Build) -> None:
    space, _ = built
    found = recommend_for(space, {"turns": [{"speaker": "seeker", "text": "hello there"}]}, k=3, model="lrurec")
    assert found["history"] == [] and len(found["recommendations"]) == 3


@pytest.mark.parametrize("chooser", ["reranker", "generator", "retrieval"])
def test_the_whole_way_answers_and_says_why(built: Build, chooser: str) -> None:
    space, _ = built
    turns = [{"speaker": "seeker", "text": "I loved Heat (1995). More crime with Al Pacino?"}]
    found = recommend_for(space, {"turns": turns}, k=4, chooser=chooser, explain=True)
    assert [film["title"] for film in found["history"]] == ["Heat"] and found["query"] and found["notices"] == []
    picks = [film["movie_id"] for film in found["recommendations"]]
    assert len(set(picks)) == 4 and found["history"][0]["movie_id"] not in picks
    assert set(picks) <= {film["movie_id"] for film in found["candidates"]}
    told = [fact for facts in found["because"].values() for fact in facts]
    assert all(fact.endswith((")",)) for fact in told)
    again = recommend_for(space, {"turns": turns}, k=4, chooser=chooser, include_named=True)
    assert len(again["recommendations"]) == 4


def test_without_a_language_model_retrieval_answers(built: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    from modeling.errors import LanguageModelError

    def away(*given: object, **named: object) -> None:
        raise LanguageModelError("the endpoint is away")

    monkeypatch.setattr("assets_defs.recommend.language_model", away)
    found = recommend_for(built[0], {"turns": [{"speaker": "seeker", "text": "something with robots"}]}, k=3, chooser="retrieval")
    assert len(found["recommendations"]) == 3 and "the endpoint is away" in found["notices"][0]


def test_unknown_chooser_is_named(built: Build) -> None:
    with pytest.raises(CorpusError, match="reranker"):
        recommend_for(built[0], {"turns": []}, k=1, chooser="oracle")


def test_constrained_answers_stay_among_their_candidates(built: Build) -> None:
    rows = ask(built[0], "SELECT sum(value) FROM eval_hallucination WHERE decoding = 'constrained' AND vocabulary = 'candidates'", limit=1)[
        1
    ]
    assert rows == [(0.0,)]


def test_no_test_turn_has_a_pseudo_query(built: Build) -> None:
    rows = ask(built[0], "SELECT DISTINCT split FROM set_pseudo_queries ORDER BY 1", limit=5)[1]
    assert rows == [("train",), ("valid",)]


def test_trainable_release_is_the_published_one(built: Build) -> None:
    space, _ = built
    assert gate.trainable_release(space).release_id == release.current(space.releases).release_id


def test_unknown_model_is_named(built: Build) -> None:
    space, _ = built
    with pytest.raises(CorpusError, match="lrurec_text"):
        recommend_for(space, {"turns": []}, k=1, model="bert4rec")
