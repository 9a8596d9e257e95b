"""Profiles: all problems at once, nearest valid key named, and a reason for the choice."""

from pathlib import Path

import pytest

from assets_defs import profile
from assets_defs.errors import ProfileError
from assets_defs.profile import choose_profile, find_mirror, load_profile
from corpus_pipeline.sources import reach, registry

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


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("loop_retrievers: [rra]", "no such retriever 'rra'; did you mean 'rar'"),
        ("rankers: [generator, gpt]", "rankers: no ranker 'gpt'; there are generator,"),
        ("rankers: [noisy_oracle_2]", "accuracy from 0 to 1"),
        ("study_ranker: nobody", "no ranker 'nobody'"),
        ("preference: {betta: 0.1}", "did you mean 'beta'"),
        ("ranker: {mode: lists}", "mode is 'lists', expected one of likelihood, list"),
        ("ranker_call_budget: -1", "ranker_call_budget"),
    ],
)
def test_a_bad_setting_of_the_feedback_loop_is_told(tmp_path: Path, setting: str, told: str) -> None:
    with pytest.raises(ProfileError) as caught:
        load_profile(written(tmp_path, f"{GOOD}{setting}\n"))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("interaction_datasets: [bookcrosing]", "interaction_datasets: no such source 'bookcrosing'; did you mean 'bookcrossing'"),
        ("click_datasets: [movielens1m]", "click_datasets: no such source 'movielens1m'; did you mean 'movielens_1m'"),
        ("interaction_datasets: []", "interaction_datasets"),
        ("click_datasets: [bookcrossing]", "click_datasets: 'bookcrossing' is none of interaction_datasets ['starter']"),
        ("click_network: {deepffm: {}}", "click_network: no such network 'deepffm'; did you mean 'deepfm'"),
        ("click_network: {dcn: {dropuot: 0.1}}", "click_network.dcn: click network config: unknown key 'dropuot', did you mean 'dropout'"),
        ("click_network: {all: {batch_size: 1}}", "click_network.all: click network config: batch_size is 1"),
        ("click_network: {all: [1]}", "click_network.all"),
        ("click_network: {all: {model: dcn}}", "click_network.all: model says which network this is and cannot be set"),
        ("click_network: {deepfm_ids: {user_id: false}}", "click_network.deepfm_ids: user_id says which network this is"),
        ("lightgcn: {layerz: 2}", "did you mean 'layers'"),
        ("alignment: {temperature: 0}", "alignment: "),
        ("representation: {kind: jiont}", "representation: "),
        ("click_model: {histori_length: 6}", "did you mean 'history_length'"),
        ("reasoning: {runs: 0}", "reasoning: "),
        ("film_vectors: both", "film_vectors: "),
        ("item_descriptions: none", "item_descriptions: "),
        ("sizes: {judged_row: 5}", "did you mean 'judged_rows'"),
        ("sizes: {judged_rows: 0}", "sizes.judged_rows"),
    ],
)
def test_a_bad_setting_of_click_prediction_is_told(tmp_path: Path, setting: str, told: str) -> None:
    with pytest.raises(ProfileError) as caught:
        load_profile(written(tmp_path, f"{GOOD}{setting}\n"))
    assert told in str(caught.value)


def test_bad_settings_of_several_networks_are_told_together(tmp_path: Path) -> None:
    bad = "click_network: {dcn: {dropout: 2}, xdeepfm: {embedding_size: 0}, din: {}}\nclick_datasets: [movielens_1m]\n"
    with pytest.raises(ProfileError) as caught:
        load_profile(written(tmp_path, GOOD + bad))
    for part in ("click_network.dcn: ", "click_network.xdeepfm: ", "no such network 'din'", "'movielens_1m' is none of"):
        assert part in str(caught.value)


def test_a_network_is_judged_with_what_is_set_for_all(tmp_path: Path) -> None:
    networks = "click_network: {all: {embedding_size: 4}, dcn: {embedding_size: 8}}\n"
    assert load_profile(written(tmp_path, GOOD + networks)).click_network["dcn"] == {"embedding_size": 8}


@pytest.mark.parametrize("text", ["", "- a\n", "name: [", "\x00"])
def test_what_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ProfileError, match=r"mine\.yaml"):
        load_profile(written(tmp_path, text))


def test_unknown_profile_names_the_shipped_ones() -> None:
    with pytest.raises(ProfileError, match="did you mean 'starter'"):
        choose_profile("startr")


@pytest.fixture
def nothing_decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """No profile is named, no mirror found, nothing built; the network may be looked for."""
    for name in ("MARQUEE_MIRROR", "MARQUEE_PROFILE", "MARQUEE_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MARQUEE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(profile, "CHECKOUT", tmp_path / "checkout")
    return monkeypatch


def asked_to(answer: str, patch: pytest.MonkeyPatch) -> list[str]:
    """Hosts give `answer` ('' is one that is there); the addresses that are asked."""
    asked: list[str] = []
    patch.setattr(reach, "unreachable", lambda url: asked.append(url) or answer)
    return asked


def test_with_neither_mirror_nor_network_the_starter_is_chosen_and_said_in_one_line(nothing_decides: pytest.MonkeyPatch) -> None:
    asked = asked_to("its name is not resolved", nothing_decides)
    chosen, why = choose_profile()
    assert chosen.name == "starter"
    assert why == (
        "profile starter: no mirror of the real archives (MARQUEE_MIRROR) was found, nor a network "
        "(datasets.imdbws.com: its name is not resolved)"
    )
    assert asked == ["https://datasets.imdbws.com/title.basics.tsv.gz"]


def test_without_a_mirror_but_with_a_network_the_official_files_are_chosen(nothing_decides: pytest.MonkeyPatch) -> None:
    asked = asked_to("", nothing_decides)
    chosen, why = choose_profile()
    assert chosen.name == "official" and len(asked) == 1
    assert "no mirror" in why and "datasets.imdbws.com answers" in why and "PROFILE=starter" in why and "\n" not in why


def test_what_is_asked_for_or_at_hand_decides_without_a_look_at_the_network(nothing_decides: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = asked_to("", nothing_decides)
    assert choose_profile("starter")[0].name == "starter"
    nothing_decides.setenv("MARQUEE_PROFILE", "official")
    assert choose_profile() == (load_profile(profile.PROFILES / "official.yaml"), "profile official, as asked")
    nothing_decides.delenv("MARQUEE_PROFILE")
    nothing_decides.setenv("MARQUEE_MIRROR", str(tmp_path))
    assert choose_profile()[0].name == "standard"
    assert asked == []


@pytest.mark.parametrize("value", ["1", "yes"])
def test_offline_means_the_starter_without_a_look_at_the_network(nothing_decides: pytest.MonkeyPatch, value: str) -> None:
    asked = asked_to("", nothing_decides)
    nothing_decides.setenv("MARQUEE_OFFLINE", value)
    chosen, why = choose_profile()
    assert (chosen.name, asked) == ("starter", []) and "no mirror" in why and "MARQUEE_OFFLINE" in why


def test_a_corpus_built_from_official_files_is_found_again_without_a_network(nothing_decides: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = asked_to("no connection", nothing_decides)
    pointer = tmp_path / "home" / "official" / "releases" / "current.json"
    pointer.parent.mkdir(parents=True)
    pointer.write_text("{}")
    chosen, why = choose_profile()
    assert (chosen.name, asked) == ("official", []) and "built here before" in why


def test_everything_of_profile_official_has_an_address() -> None:
    official = load_profile(profile.PROFILES / "official.yaml")
    kinds = {
        "movies": official.movie_sources,
        "dialogues": official.dialogue_datasets,
        "interactions": official.interaction_datasets,
    }
    assert all(kinds.values())
    for source in (registry.source_named(key, kind) for kind, keys in kinds.items() for key in keys):
        files = source.official if any(not file.urls for file in source.files) else source.files
        assert files and all(file.urls for file in files), source.key


def test_named_mirror_that_is_no_folder_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MARQUEE_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(ProfileError, match="MARQUEE_MIRROR"):
        find_mirror()
