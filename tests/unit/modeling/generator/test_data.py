"""Truth and negatives: who may stand in a list, where, and what is refused."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import SET_RECOMMENDATION, SET_RECOMMENDATION_TARGETS
from modeling.errors import DataError
from modeling.generator.catalogue import Catalogue, Film
from modeling.generator.config import GeneratorConfig
from modeling.generator.data import Question, questions, training_examples, turns_of

CONFIG = GeneratorConfig(candidates=2)
POOL = ["m01", "m03", "m04", "m05", "m06", "m07", "m08", "unknown"]


def turns(*histories: list[str], split: str = "train") -> pa.Table:
    rows = [
        {
            "example_id": f"inspired:{i}#1",
            "dialogue_id": f"inspired:{i}",
            "dataset": "inspired",
            "split": split,
            "history_movie_ids": history,
            "context_text": "seeker: Ghosts!",
        }
        for i, history in enumerate(histories)
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(SET_RECOMMENDATION))


def targets(*rows: tuple[int, int, str | None, bool]) -> pa.Table:
    """(example, target index, movie, is new)."""
    made = [{"example_id": f"inspired:{i}#1", "target_index": t, "movie_id": movie, "is_new": new} for i, t, movie, new in rows]
    return pa.Table.from_pylist(made, schema=arrow_schema(SET_RECOMMENDATION_TARGETS))


def asked(
    catalogue: Catalogue, targets_: pa.Table, mined: dict[str, list[str]], config: GeneratorConfig = CONFIG, **over: Any
) -> list[Question]:
    return questions(over.get("turns", turns(["m03"])), targets_, mined, catalogue, config, pool=over.get("pool", POOL))


def test_the_first_mined_films_stand_beside_the_truth(catalogue: Catalogue) -> None:
    (question,) = asked(catalogue, targets((0, 0, "m05", True)), {"inspired:0#1": ["m08", "m05", "m07", "m06"]})
    assert question.truth == "m05" and sorted(question.candidates) == ["m05", "m07", "m08"]
    assert question.turn.context_text == "seeker: Ghosts!" and question.turn.history == ("m03",)


def test_no_target_no_double_of_one_and_no_film_named_before_is_a_negative(catalogue: Catalogue) -> None:
    """m02 is the truth under another id, m08 another target, m03 in the history, m05 twice, 'unknown' in no catalogue."""
    mined = {"inspired:0#1": ["m02", "m08", "m03", "m05", "m05", "unknown", "m06"]}
    first, second = asked(catalogue, targets((0, 0, "m01", True), (0, 1, "m08", True)), mined)
    assert sorted(first.candidates) == ["m01", "m05", "m06"]
    assert sorted(second.candidates) == ["m05", "m06", "m08"]


def test_doubles_of_a_negative_stand_once() -> None:
    catalogue = Catalogue([Film("a", "X", 1999), Film("b", "The X", 1999), Film("c", "Y", 1999), Film("t", "T", 1999)])
    (question,) = asked(catalogue, targets((0, 0, "t", True)), {"inspired:0#1": ["b", "a", "c"]})
    assert sorted(question.candidates) == ["b", "c", "t"]


def test_too_few_mined_films_are_filled_up_by_seed(catalogue: Catalogue, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        (question,) = asked(catalogue, targets((0, 0, "m01", True)), {"inspired:0#1": ["m08"]})
    assert {"m01", "m08"} < set(question.candidates) and len(question.candidates) == 3
    assert "filled up the negatives of 1 turns" in caplog.text
    again = {asked(catalogue, targets((0, 0, "m01", True)), {}, replace(CONFIG, seed=seed))[0].candidates for seed in range(20)}
    assert len(again) > 5


def test_controls(catalogue: Catalogue) -> None:
    mined = {"inspired:0#1": ["m08", "m07"]}
    drawn = [asked(catalogue, targets((0, 0, "m01", True)), mined, replace(CONFIG, negatives="random", seed=seed))[0] for seed in range(20)]
    assert any(not {"m07", "m08"} & set(question.candidates) for question in drawn)
    assert all(len(question.candidates) == 3 and "m03" not in question.candidates for question in drawn)
    (alone,) = asked(catalogue, targets((0, 0, "m01", True)), mined, replace(CONFIG, negatives="none"))
    assert alone.candidates == ("m01",)
    (example,) = training_examples(turns([]), targets((0, 0, "m01", True)), mined, catalogue, replace(CONFIG, negatives="none"), pool=POOL)
    assert "Lantern" not in example.prompt and example.completion == " The Lantern (1999)"


def test_the_truth_stands_anywhere_alike_often() -> None:
    """400 turns, truth among 5: each place 80 times, standard deviation 8."""
    films = [Film(f"m{i}", f"Film {i}", 2000) for i in range(5)]
    rows = turns(*[[] for _ in range(400)])
    wanted = targets(*[(i, 0, "m0", True) for i in range(400)])
    mined = {example: ["m1", "m2", "m3", "m4"] for example in rows["example_id"].to_pylist()}
    made = questions(rows, wanted, mined, Catalogue(films), replace(CONFIG, candidates=4), pool=[])
    places = Counter(question.candidates.index("m0") for question in made)
    assert sorted(places) == [0, 1, 2, 3, 4] and all(45 < count < 115 for count in places.values())


def test_targets_named_before_are_left_out_unless_wanted(catalogue: Catalogue) -> None:
    named = targets((0, 0, "m03", False), (0, 1, None, True), (0, 2, "unknown", True))
    assert asked(catalogue, named, {}) == []
    (kept,) = asked(catalogue, named, {}, replace(CONFIG, only_new=False))
    assert kept.truth == "m03" and kept.candidates.count("m03") == 1


def test_shuffles_repeat_a_pair_in_other_orders(catalogue: Catalogue) -> None:
    made = asked(
        catalogue, targets((0, 0, "m05", True)), {"inspired:0#1": ["m08", "m06", "m07"]}, replace(CONFIG, candidates=3, shuffles=4)
    )
    assert len(made) == 4 and len({question.candidates for question in made}) > 1
    assert len({frozenset(question.candidates) for question in made}) == 1


def test_an_example_is_the_prompt_of_use_and_the_name(catalogue: Catalogue) -> None:
    made = training_examples(turns(["m03"]), targets((0, 0, "m02", True)), {"inspired:0#1": ["m08", "m07"]}, catalogue, CONFIG, pool=POOL)
    assert made[0].prompt.endswith("dialogue:\nseeker: Ghosts!\nanswer:") and made[0].completion == " The Lantern (1999, no. 2)"
    assert f"- {catalogue.name('m02')}; Comedy" in made[0].prompt


def test_thinking_needs_and_learns_the_summary(catalogue: Catalogue) -> None:
    thinking = replace(CONFIG, think=True)
    wanted = targets((0, 0, "m05", True))
    with pytest.raises(DataError, match="targets lack columns summary"):
        asked(catalogue, wanted, {}, thinking)
    made = training_examples(turns([]), wanted.append_column("summary", pa.array(["scary films"])), {}, catalogue, thinking, pool=POOL)
    assert made[0].completion == " scary films\nanswer: It Follows (2014)"


def test_refusals(catalogue: Catalogue) -> None:
    with pytest.raises(DataError, match="rows of split 'test'"):
        training_examples(turns([], split="test"), targets((0, 0, "m05", True)), {}, catalogue, CONFIG, pool=POOL)
    with pytest.raises(DataError, match="none of 1 targets of 1 turns"):
        training_examples(turns([]), targets((0, 0, "unknown", True)), {}, catalogue, CONFIG, pool=POOL)
    with pytest.raises(DataError, match="'inspired:1#1' has no turn"):
        asked(catalogue, targets((1, 0, "m05", True)), {})
    with pytest.raises(DataError, match="turns lack columns split"):
        asked(catalogue, targets((0, 0, "m05", True)), {}, turns=turns([]).drop_columns(["split"]))


def test_turns_keep_their_order() -> None:
    assert [turn.example_id for turn in turns_of(turns([], ["m01"]))] == ["inspired:0#1", "inspired:1#1"]
