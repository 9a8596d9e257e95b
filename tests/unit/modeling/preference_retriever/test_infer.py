"""Retrievers of the loop as files: what is restored, what is refused, and the models that policies start as."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from modeling.artifacts import write_json, write_manifest
from modeling.dense_retriever.config import DenseRetrieverConfig
from modeling.dense_retriever.data import Turns as DenseTurns
from modeling.dense_retriever.infer import DenseRetriever
from modeling.dense_retriever.network import Towers
from modeling.errors import ArtifactError
from modeling.lrurec import checkpoint, infer
from modeling.lrurec.config import LRURecConfig
from modeling.lrurec.network import LRURecNetwork
from modeling.preference_retriever.config import RETRIEVERS, PreferenceConfig
from modeling.preference_retriever.data import Turns
from modeling.preference_retriever.infer import LOG_NAME, WEIGHTS_NAME, dense_policy, restore, save, sequence_policy
from modeling.preference_retriever.network import Policy
from modeling.seeding import torch_generator
from modeling.text_encoder.embeddings import ItemEmbeddings
from tests.unit.modeling.preference_retriever.conftest import FILMS, SIZE

VOCABULARY = [film for film in FILMS[::-1] if film != "m03"]  # in no order of ids, and without one film
Start = Callable[[str], Policy]


def embeddings(*, encoder: str = "made up") -> ItemEmbeddings:
    matrix = np.random.default_rng(2).normal(size=(len(VOCABULARY), SIZE // 2)).astype(np.float32)
    return ItemEmbeddings(tuple(VOCABULARY), matrix, encoder)


def written(directory: Path, mode: str) -> Path:
    """A folder as LRURec's training leaves it; in text mode its vocabulary is only a part of the films that have a vector."""
    config = LRURecConfig(mode=mode, embedding_size=8, state_size=12, max_length=6)
    own = VOCABULARY if mode == "id" else VOCABULARY[:4]
    network = LRURecNetwork(config, item_count=len(own), feature_size=SIZE // 2, generator=torch_generator(0, "weights"))
    louder(network)
    directory.mkdir()
    checkpoint.write_weights(directory / infer.WEIGHTS_NAME, network)
    write_json(directory / infer.VOCABULARY_NAME, {"movie_ids": own, "encoder": "made up" if mode == "text" else None})
    files = (infer.WEIGHTS_NAME, infer.VOCABULARY_NAME)
    write_manifest(directory, model=infer.MODEL_NAME, config=config.to_mapping(), seed=0, parents={}, metrics={}, files=files)
    return directory


def louder(network: nn.Module) -> None:
    """Weights ten times their first values, so that what a film adds is far from rounding."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if not name.endswith("_log"):
                parameter.mul_(10)


def dense() -> DenseRetriever:
    config = DenseRetrieverConfig(hidden_size=7, output_size=4)
    towers = []
    for member in range(2):
        tower = Towers(config, film_count=4, turn_size=SIZE, film_size=SIZE // 2, generator=torch_generator(member, "weights"))
        with torch.no_grad():
            tower.bias.copy_(torch.arange(4) / 4)
        towers.append(tower.eval())
    return DenseRetriever(towers, VOCABULARY[:4], embeddings())


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """A policy of each kind as the loop starts with it."""
    base = written(tmp_path / "base", "id")

    def started(retriever: str) -> Policy:
        if retriever == "dense":
            return dense_policy(dense(), dropout=0.4)
        return sequence_policy(base, PreferenceConfig(retriever=retriever), feature_size=SIZE, item_embeddings=None)

    return started


def saved(directory: Path, policy: Policy, retriever: str) -> PreferenceConfig:
    config = PreferenceConfig(retriever=retriever, candidates=7, seed=3)
    save(directory, policy, config, parents={"set_x": "abc"}, metrics={"value": 0.5}, log=[{"epoch": 0}])
    return config


def scores(policy: Policy, turns: Turns) -> np.ndarray:
    with torch.no_grad():
        return policy.scores(turns).numpy()


def offered(turns: Turns) -> np.ndarray:
    return ~turns.excluded() & np.isin(FILMS, VOCABULARY)


# --- where a policy starts


@pytest.mark.parametrize("mode", ["id", "text"])
def test_a_policy_starts_as_its_base(turns: Turns, mode: str, tmp_path: Path) -> None:
    base, vectors = written(tmp_path / "base", mode), embeddings() if mode == "text" else None
    policy = sequence_policy(base, PreferenceConfig(retriever="rar", base=mode), feature_size=SIZE, item_embeddings=vectors)
    expected = infer.load(base, item_embeddings=vectors).score(turns.histories, FILMS)
    found, there = scores(policy, turns), offered(turns)
    np.testing.assert_allclose(found[there], expected[there], rtol=1e-5, atol=1e-5)
    assert (found[~there] == -np.inf).all() and expected[there].std() > 0.1
    assert policy.dialogue is None


@pytest.mark.parametrize("mode", ["id", "text"])
def test_only_a_policy_that_hears_the_dialogue_reads_its_vector(turns: Turns, mode: str, tmp_path: Path) -> None:
    base, vectors = written(tmp_path / "base", mode), embeddings() if mode == "text" else None
    config = PreferenceConfig(retriever="rar+dialogue", base=mode)
    policy = sequence_policy(base, config, feature_size=SIZE, item_embeddings=vectors)
    assert policy.dialogue is not None and policy.dialogue.in_features == SIZE
    assert np.isfinite(scores(policy, turns)[offered(turns)]).all()


def test_text_vectors_of_another_encoder_are_refused(tmp_path: Path) -> None:
    base = written(tmp_path / "base", "text")
    with pytest.raises(ArtifactError, match=r"trained on embeddings by 'made up', given embeddings by 'another'"):
        sequence_policy(base, PreferenceConfig(base="text"), feature_size=0, item_embeddings=embeddings(encoder="another"))


def test_a_dense_policy_starts_as_its_retriever(turns: Turns) -> None:
    retriever = dense()
    found = scores(dense_policy(retriever, dropout=0.4), turns)
    expected = retriever.score(DenseTurns(turns.example_ids, turns.features, ["a"] * len(turns)), FILMS)
    there = offered(turns)
    np.testing.assert_allclose(found[there], expected[there], rtol=1e-5, atol=1e-6)
    assert (found[~there] == -np.inf).all()


# --- files


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_a_saved_policy_is_restored(turns: Turns, retriever: str, start: Start, tmp_path: Path) -> None:
    """Bit for bit, into a policy as the loop starts with it."""
    policy = start(retriever)
    with torch.no_grad():
        for number, parameter in enumerate(policy.parameters()):
            parameter.add_(torch.randn(parameter.shape, generator=torch_generator(number, "changes")) / 10)
    config = saved(tmp_path / "round", policy, retriever)
    restored = start(retriever)
    assert not np.array_equal(scores(restored, turns), scores(policy, turns))
    assert restore(tmp_path / "round", restored) == config
    np.testing.assert_array_equal(scores(restored, turns), scores(policy, turns))


def test_the_manifest_names_what_went_in(start: Start, tmp_path: Path) -> None:
    policy = start("rar")
    config = PreferenceConfig(seed=4)
    manifest = save(tmp_path / "round", policy, config, parents={"set_x": "abc"}, metrics={"value": 0.5}, log=[{"epoch": 0}])
    assert (manifest.model, manifest.seed, manifest.config) == ("preference_retriever", 4, config.to_mapping())
    assert (manifest.parents, manifest.metrics, sorted(manifest.files)) == ({"set_x": "abc"}, {"value": 0.5}, [LOG_NAME, WEIGHTS_NAME])


@pytest.mark.parametrize(("kept", "asked"), [(kept, asked) for kept in RETRIEVERS for asked in RETRIEVERS if kept != asked])
def test_weights_of_another_kind_are_refused(kept: str, asked: str, start: Start, tmp_path: Path) -> None:
    saved(tmp_path / "round", start(kept), kept)
    with pytest.raises(ArtifactError, match=r"weights are of another kind of retriever .*; train it again"):
        restore(tmp_path / "round", start(asked))


@pytest.mark.parametrize("name", [WEIGHTS_NAME, LOG_NAME])
def test_a_changed_file_is_refused(name: str, start: Start, tmp_path: Path) -> None:
    saved(tmp_path / "round", start("rar"), "rar")
    path = tmp_path / "round" / name
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ArtifactError, match=rf"{name} has SHA-256 .*; restore the files or train the model again"):
        restore(tmp_path / "round", start("rar"))


def test_another_model_is_refused(start: Start, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"holds a 'lrurec' model, expected 'preference_retriever'"):
        restore(tmp_path / "base", start("rar"))
    with pytest.raises(ArtifactError, match=r"no manifest\.json"):
        restore(tmp_path / "nowhere", start("rar"))
