"""Profiles: all problems at once, nearest valid key named, and a reason for the choice."""

from pathlib import Path

import pytest

from assets_defs import profile
from assets_defs.errors import ProfileError
from assets_defs.profile import choose_profile, find_mirror, load_profile

GOOD = "name: mine\nmovie_sources: [starter]\ndialogue_datasets: [starter]\nminimum_movies: 1\nembedded_movies: 10\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


def test_good_profile(tmp_path: Path) -> None:
    found = load_profile(written(tmp_path, GOOD))
    assert (found.name, found.movie_sources, found.evaluation.bootstrap_samples) == ("mine", ("starter",), 1000)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    bad = "name: Mine\nmovie_source: [starter]\ndialogue_datasets: [inspird]\nminimum_movies: none\nembedded_movies: 0\n"
    with pytest.raises(ProfileError) as caught:
        load_profile(written(tmp_path, bad))
    message = str(caught.value)
    for part in ("name", "did you mean 'movie_sources'", "'inspird'; did you mean 'inspired'", "minimum_movies", "embedded_movies"):
        assert part in message


def test_unknown_model_setting_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="dropout"):
        load_profile(written(tmp_path, GOOD + "lrurec_id: {dropuot: 0.2}\n"))


@pytest.mark.parametrize("text", ["", "- a\n", "name: [", "\x00"])
def test_what_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ProfileError, match=r"mine\.yaml"):
        load_profile(written(tmp_path, text))


def test_unknown_profile_names_the_shipped_ones() -> None:
    with pytest.raises(ProfileError, match="did you mean 'starter'"):
        choose_profile("startr")


def test_without_a_mirror_the_starter_is_chosen_and_said_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MARQUEE_MIRROR", raising=False)
    monkeypatch.delenv("MARQUEE_PROFILE", raising=False)
    monkeypatch.setattr(profile, "CHECKOUT", tmp_path / "checkout")
    chosen, why = choose_profile()
    assert chosen.name == "starter" and "no mirror" in why and "\n" not in why


def test_named_mirror_that_is_no_folder_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MARQUEE_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(ProfileError, match="MARQUEE_MIRROR"):
        find_mirror()
