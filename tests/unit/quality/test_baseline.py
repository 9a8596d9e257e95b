"""Reviewed numbers: what a file may say, and that missing and stale numbers are named."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from quality.baseline import Baseline, Bounds, load_baseline, shipped_baseline
from quality.corpus import corpus_expectations, expectations_for, link_expectations_for, set_expectations_for
from quality.errors import BaselineError
from quality.expectations import aggregate

ROWS = aggregate("core_x.rows", expression="count(*)", description="")


def written(folder: Path, **numbers: Any) -> Path:
    path = folder / "made_up.json"
    path.write_text(
        json.dumps(
            {
                "movie_sources": ["alpha"],
                "dialogue_datasets": [],
                "interaction_datasets": ["starter"],
                "numbers": {name.replace("__", "."): entry for name, entry in numbers.items()},
            }
        )
    )
    return path


def test_bounds_come_from_value_and_tolerance_or_are_given(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        a__near={"value": 200, "tolerance": 0.05, "reason": "r"},
        a__exact={"value": 7, "tolerance": 0, "reason": "r"},
        a__floor={"minimum": 3, "reason": "r"},
        a__below={"value": -100, "tolerance": 0.1, "reason": "r"},
    )
    baseline = load_baseline(path)
    numbers = baseline.numbers
    assert (baseline.movie_sources, baseline.dialogue_datasets, baseline.interaction_datasets) == (("alpha",), (), ("starter",))
    assert numbers["a.near"] == Bounds(190, 210, "r")
    assert numbers["a.exact"] == Bounds(7, 7, "r")
    assert numbers["a.floor"] == Bounds(3, None, "r")
    assert numbers["a.below"] == Bounds(-110, -90, "r")


def test_every_malformed_entry_is_named_at_once(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        a__unexplained={"minimum": 1},
        a__unbounded={"reason": "r"},
        a__mixed={"value": 1, "minimum": 1, "reason": "r"},
        a__text={"minimum": "many", "reason": "r"},
        a__crossed={"minimum": 2, "maximum": 1, "reason": "r"},
        a__negative={"value": 1, "tolerance": -0.5, "reason": "r"},
        a__typo={"minimum": 1, "reason": "r", "maximun": 3},
        a__bare=5,
        a__fine={"minimum": 1, "reason": "r"},
    )
    with pytest.raises(BaselineError) as caught:
        load_baseline(path)
    message = str(caught.value)
    assert all(f"a.{name}" in message for name in ("unexplained", "unbounded", "mixed", "text", "crossed", "negative", "typo", "bare"))
    assert "a.fine" not in message


@pytest.mark.parametrize(
    "text", ["", "[]", '{"profile": "x"}', '{"movie_sources": [], "dialogue_datasets": [], "numbers": {}}', '{"numbers": [1]}', "not json"]
)
def test_a_file_without_numbers_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "made_up.json"
    path.write_text(text)
    with pytest.raises(BaselineError, match=r"made_up\.json"):
        load_baseline(path)


def test_a_missing_number_names_the_file_and_the_key_to_add() -> None:
    with pytest.raises(BaselineError, match=r'made_up\.json.*\n.*add "core_x\.rows"'):
        Baseline("made_up.json", (), (), (), {}).bound([ROWS])


def test_a_stale_number_is_named() -> None:
    numbers = {"core_x.rows": Bounds(1, None, "r"), "core_x.gone": Bounds(1, None, "r")}
    with pytest.raises(BaselineError, match=r'remove "core_x\.gone"'):
        Baseline("made_up.json", (), (), (), numbers).bound([ROWS])


def test_an_unknown_profile_lists_the_known_ones() -> None:
    with pytest.raises(BaselineError, match="standard"):
        shipped_baseline("nonesuch")


@pytest.mark.parametrize("profile", ["starter", "standard", "official"])
def test_the_shipped_numbers_fit_their_profile(profile: str) -> None:
    import yaml

    declared = yaml.safe_load((Path(__file__).parents[3] / "assets_defs" / "profiles" / f"{profile}.yaml").read_text())
    baseline = load_baseline(shipped_baseline(profile))
    assert sorted(baseline.movie_sources) == sorted(declared["movie_sources"])
    assert sorted(baseline.dialogue_datasets) == sorted(declared["dialogue_datasets"])
    assert sorted(baseline.interaction_datasets) == sorted(declared["interaction_datasets"])
    expectations = (
        *expectations_for(profile, minimum_movies=declared["minimum_movies"]),
        *set_expectations_for(profile),
        *link_expectations_for(profile),
    )
    names = {expectation.name for expectation in expectations}
    assert set(baseline.numbers) <= names
    # The graph shows a check per expectation and knows no dots.
    assert len({name.replace(".", "_") for name in names}) == len(expectations)


def test_a_new_partition_needs_reviewed_numbers() -> None:
    baseline = load_baseline(shipped_baseline("starter"))
    with pytest.raises(BaselineError, match=r'(?s)starter\.json.*add "core_movie_merges\.records\.beta"'):
        corpus_expectations(replace(baseline, movie_sources=("starter", "beta")), minimum_movies=1)


def test_the_test_points_of_he_et_al_are_pinned() -> None:
    numbers = load_baseline(shipped_baseline("standard")).numbers
    golden = {
        "core_recommendation_turns.test.inspired": 228,
        "core_recommendation_targets.test.inspired": 253,
        "core_recommendation_targets.new.inspired": 211,
        "core_recommendation_turns.test.redial": 3552,
        "core_recommendation_targets.test.redial": 4778,
        "core_recommendation_targets.new.redial": 4288,
    }
    assert {name: (numbers[name].minimum, numbers[name].maximum) for name in golden} == {n: (v, v) for n, v in golden.items()}
