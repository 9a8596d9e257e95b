"""What a build of some assets runs: they and what they are made from."""

from assets_defs.build import WAVES, upstream_of
from assets_defs.graph import STEPS


def test_every_step_is_in_one_wave_after_all_it_is_made_from() -> None:
    place = {name: number for number, wave in enumerate(WAVES) for name in wave}
    assert sorted(place) == sorted(STEPS) and sum(map(len, WAVES)) == len(STEPS)
    assert all(place[parent] <= place[name] for name, step in STEPS.items() for parent in step.parents)


def test_an_asset_needs_itself_and_all_above_it() -> None:
    assert upstream_of(["raw_movies"]) == {"raw_movies"}
    needed = upstream_of(["model_lightgcn", "core_dialogues"])
    assert needed >= {
        "model_lightgcn",
        "set_click",
        "release_corpus",
        "core_interactions",
        "core_movies",
        "raw_interactions",
        "core_dialogues",
    }
    assert not needed & {"model_click", "eval_click", "model_lrurec", "set_recommendation"}
    assert all(set(STEPS[name].parents) <= needed for name in needed)
