"""The scorer learns what was planted, the same every time, and its file gives the linker the trained network's probabilities."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from corpus_pipeline.errors import LinkError
from corpus_pipeline.linking.weights import Scorer, load_weights
from modeling import artifacts
from modeling.errors import DataError
from modeling.link_scorer import train as module
from modeling.link_scorer.config import LinkScorerConfig
from modeling.link_scorer.train import OPEN, RIGHT, WEIGHTS, ScorerRows, train

NAMES = ("noise", "decides", "constant")
SMALL = LinkScorerConfig(hidden_size=8, epochs=12, stretches_per_batch=64, learning_rate=0.02, precision=0.9)
CUES = {"-1": {f"{7:016x}": 1.5}}
RUN = {"run": "made up", "release": "r0"}


def planted(seed: int, stretches: int = 400, share: float = 0.6) -> ScorerRows:
    """Three films per stretch. The right one, where there is one, is told by feature 1; feature 0 says nothing."""
    rng = np.random.default_rng(seed)
    label = np.zeros((stretches, 3), np.int8)
    has_film = rng.random(stretches) < share
    label[np.flatnonzero(has_film), rng.integers(0, 3, stretches)[has_film]] = RIGHT
    decides = np.where(label == RIGHT, 2.0, -2.0) + rng.normal(0, 1, label.shape)
    features = np.stack([rng.normal(5, 3, label.size), decides.ravel(), np.full(label.size, 7.0)], axis=1)
    return ScorerRows(NAMES, np.repeat(np.arange(stretches), 3), label.ravel(), features.astype(np.float32))


def trained(
    folder: Path, fitted: ScorerRows | None = None, tuned: ScorerRows | None = None, config: LinkScorerConfig = SMALL
) -> Mapping[str, Any]:
    """The content of weights.json of one text scorer and the same for titles."""
    rows = (fitted or planted(1), tuned or planted(2))
    train({"text": rows, "title": rows}, CUES, config, folder, run=RUN, parents={"set_linking": "0" * 64})
    content: Mapping[str, Any] = json.loads((folder / WEIGHTS).read_text())
    return content


def scorer_of(folder: Path) -> Scorer:
    return load_weights(folder / WEIGHTS).text


def score(scorer: Scorer, rows: ScorerRows) -> tuple[Any, Any]:
    return scorer.probabilities(dict(zip(rows.names, rows.features.T, strict=True)), rows.stretch)


def test_a_feature_that_decides_is_learned(tmp_path: Path) -> None:
    trained(tmp_path)
    scorer, held_out = scorer_of(tmp_path), planted(3)
    share, any_film = score(scorer, held_out)
    right = held_out.label == RIGHT
    assert share[right].mean() > 0.8 and share[~right].mean() < 0.1
    has_film = np.repeat(right.reshape(-1, 3).any(axis=1), 3)
    assert any_film[has_film].mean() > 0.8 and any_film[~has_film].mean() < 0.2
    linked = share >= scorer.threshold
    assert right[linked].mean() > 0.85 and linked[right].mean() > 0.8


def test_what_says_nothing_is_not_used(tmp_path: Path) -> None:
    trained(tmp_path)
    rows = planted(3)
    shuffled = rows.features.copy()
    shuffled[:, 0] = np.random.default_rng(0).permutation(shuffled[:, 0])
    first, _ = score(scorer_of(tmp_path), rows)
    second, _ = score(scorer_of(tmp_path), ScorerRows(rows.names, rows.stretch, rows.label, shuffled))
    assert np.abs(first - second).mean() < 0.05


def test_probabilities_are_calibrated_on_the_tune_films(tmp_path: Path) -> None:
    """Films are named three times as often in train as in tune: calibration sees to it that probabilities are those of tune."""
    trained(tmp_path, tuned=planted(2, 2000, share=0.2))
    scorer, rows = scorer_of(tmp_path), planted(4, 2000, share=0.2)
    observed = (rows.label == RIGHT).mean()
    assert score(scorer, rows)[0].mean() == pytest.approx(observed, abs=0.008)
    assert score(replace(scorer, scale=1.0, shift=0.0), rows)[0].mean() > observed + 0.008


def test_the_file_gives_the_probabilities_of_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    networks: list[torch.nn.Sequential] = []
    build = module._network

    def kept(inputs: int, config: LinkScorerConfig) -> torch.nn.Sequential:
        networks.append(build(inputs, config))
        return networks[-1]

    monkeypatch.setattr(module, "_network", kept)
    fitted, rows = planted(1), planted(3)
    content = trained(tmp_path, fitted)["text"]
    deviation = fitted.features.std(axis=0)
    assert deviation[2] == 0 and content["deviation"][2] == 1
    standardised = (rows.features - fitted.features.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    with torch.no_grad():
        scores = content["scale"] * networks[0](torch.from_numpy(standardised))[:, 0].double() + content["shift"]
    with_null = torch.cat([scores.reshape(-1, 3), torch.zeros(len(rows.label) // 3, 1)], dim=1)
    expected = torch.softmax(with_null, dim=1)[:, :3].numpy().ravel()
    share, any_film = score(scorer_of(tmp_path), rows)
    assert np.abs(share - expected).max() < 1e-4
    assert any_film == pytest.approx(np.repeat(share.reshape(-1, 3).sum(axis=1), 3))
    assert expected.max() > 0.9


def test_same_seed_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    first, again, other = (
        trained(tmp_path / name, config=LinkScorerConfig(hidden_size=8, epochs=2, seed=seed))
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert first == again
    assert (tmp_path / "a" / WEIGHTS).read_bytes() == (tmp_path / "b" / WEIGHTS).read_bytes()
    assert first["text"]["layers"] != other["text"]["layers"]


def test_where_a_stretch_lies_among_the_rows_changes_nothing(tmp_path: Path) -> None:
    rows = planted(1)
    order = np.argsort(-rows.stretch, kind="stable")
    turned = ScorerRows(rows.names, rows.stretch[order], rows.label[order], rows.features[order])
    shares = []
    for name, fitted in (("a", rows), ("b", turned)):
        trained(tmp_path / name, fitted)
        shares.append(score(scorer_of(tmp_path / name), planted(3))[0])
    assert shares[0] == pytest.approx(shares[1], abs=1e-3)


def test_tune_rows_choose_and_calibrate_but_do_not_fit(tmp_path: Path) -> None:
    once = LinkScorerConfig(hidden_size=8, epochs=1, stretches_per_batch=64)
    first, other = (trained(tmp_path / str(seed), tuned=planted(seed), config=once)["text"] for seed in (2, 9))
    assert all(first[name] == other[name] for name in ("layers", "mean", "deviation"))
    assert (first["scale"], first["shift"]) != (other["scale"], other["shift"])


def test_the_best_epoch_on_the_tune_films_is_kept(tmp_path: Path) -> None:
    losses: list[float] = []
    train(
        {"text": (planted(1, 60), planted(2))}, CUES, LinkScorerConfig(hidden_size=32, epochs=25, learning_rate=0.05), tmp_path,
        run=RUN, parents={}, progress=lambda kind, epoch, loss: losses.append(loss),
    )  # fmt: skip
    assert len(losses) == 25 and min(losses) < losses[0]
    kept = json.loads((tmp_path / WEIGHTS).read_text())["trained"]["metrics"]["text/tune loss"]
    assert kept == min(losses)


def test_open_pairs_neither_teach_nor_count(tmp_path: Path) -> None:
    """Beside every film of the train stretches lies an open pair that looks right; that it is no right one is not learned."""
    rows, held_out = planted(1), planted(3)
    alike = rows.features.copy()
    alike[:, 1] = 2
    more = ScorerRows(
        NAMES,
        np.concatenate([rows.stretch, rows.stretch]),
        np.concatenate([rows.label, np.full(len(rows.label), OPEN, np.int8)]),
        np.concatenate([rows.features, alike]),
    )
    trained(tmp_path, more)
    scorer = replace(scorer_of(tmp_path), scale=1.0, shift=0.0)  # as it was learned of the train stretches
    share, _ = score(scorer, held_out)
    assert share[held_out.label == RIGHT].mean() > 0.8


def test_stretches_that_are_all_open_cost_nothing(tmp_path: Path) -> None:
    rows = planted(1, 40)
    label = rows.label.copy()
    label[rows.stretch >= 20] = OPEN
    content = trained(
        tmp_path, ScorerRows(rows.names, rows.stretch, label, rows.features), config=LinkScorerConfig(hidden_size=4, epochs=1)
    )
    assert np.isfinite(content["text"]["scale"])


@pytest.mark.parametrize("empty", ["train", "tune"])
def test_without_a_right_pair_nothing_is_trained(tmp_path: Path, empty: str) -> None:
    none = planted(1, share=0)
    with pytest.raises(DataError, match=f"the {empty} films have no right pair among 1200.*link_mentions"):
        trained(tmp_path, fitted=none if empty == "train" else None, tuned=none if empty == "tune" else None)
    assert not (tmp_path / WEIGHTS).exists()


def test_the_threshold_is_the_lowest_that_is_right_often_enough(tmp_path: Path) -> None:
    strict, loose = (
        trained(tmp_path / str(precision), config=LinkScorerConfig(hidden_size=8, epochs=6, stretches_per_batch=64, precision=precision))
        for precision in (0.99, 0.7)
    )
    assert strict["text"]["threshold"] > loose["text"]["threshold"]
    assert strict["trained"]["metrics"]["text/tune precision"] >= 0.99
    recalls = [content["trained"]["metrics"]["text/tune recall among candidates"] for content in (strict, loose)]
    assert 0 < recalls[0] < recalls[1] <= 1


def test_thresholds_that_cannot_be_had_still_make_a_file(tmp_path: Path) -> None:
    """Nothing beats its runner-up by the margin: then nothing is linked."""
    config = LinkScorerConfig(hidden_size=4, epochs=1, margin=0.999999)
    assert trained(tmp_path, config=config)["text"]["threshold"] == 1.0
    assert scorer_of(tmp_path).margin == 0.999999


def test_file_and_manifest_name_the_run(tmp_path: Path) -> None:
    content = trained(tmp_path)
    assert content["trained"]["run"] == load_weights(tmp_path / WEIGHTS).run == "made up"
    assert content["trained"]["config"]["hidden_size"] == 8 and content["cues"] == CUES
    manifest = json.loads((tmp_path / artifacts.MANIFEST_NAME).read_text())
    assert manifest["files"] == {WEIGHTS: artifacts.sha256(tmp_path / WEIGHTS)}
    assert (manifest["model"], manifest["seed"], manifest["parents"]) == ("link_scorer", 0, {"set_linking": "0" * 64})
    assert {"text/tune precision", "title/tune loss"} <= set(manifest["metrics"])
    assert load_weights(tmp_path / WEIGHTS).cues.at(-1, np.array([7], np.uint64)).tolist() == [1.5]


def test_features_that_linking_does_not_make_are_named(tmp_path: Path) -> None:
    trained(tmp_path, config=LinkScorerConfig(hidden_size=4, epochs=1))
    with pytest.raises(LinkError, match=r"\['decides', 'constant'\]"):
        scorer_of(tmp_path).probabilities({"noise": np.zeros(1, np.float32)}, np.zeros(1, np.int64))
