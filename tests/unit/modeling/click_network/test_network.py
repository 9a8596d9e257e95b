"""What the networks read: never padding or what stands beside it, and every other input; kernels against sums written out."""

import dataclasses

import numpy as np
import pytest
import torch

from modeling.click_network.config import MODELS, ClickNetworkConfig
from modeling.click_network.data import ClickRows, batch_of, sizes_of
from modeling.click_network.infer import build, predict
from modeling.click_network.network import Entries, Kernels, RetrievalNetwork
from modeling.seeding import torch_generator
from tests.unit.modeling.click_network.worlds import rows_of

PER_ENTRY = ("retrieved", "retrieved_liked", "retrieved_similarity", "retrieved_age")


@pytest.fixture(scope="module")
def rows() -> ClickRows:
    return rows_of(count=30, seed=0, by_similarity=True)


def network_of(rows: ClickRows, **settings: object) -> tuple[torch.nn.Module, ClickNetworkConfig]:
    """Weights far from their first values, so that everything that is read shows."""
    config = ClickNetworkConfig.from_mapping({"embedding_size": 4, "hidden_sizes": [8], "reading_size": 6, **settings})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build(config, sizes_of(rows), rows)
    generator = torch_generator(0, "weights")
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) / 2)
            if "log_width" in name:
                parameter.clamp_(-2, 0)
    return network, config


def answers(rows: ClickRows, network: torch.nn.Module, config: ClickNetworkConfig) -> np.ndarray:
    return predict(network, rows, config, sizes_of(rows))


@pytest.mark.parametrize("model", MODELS)
def test_what_stands_beside_padding_is_not_read(rows: ClickRows, model: str) -> None:
    network, config = network_of(rows, model=model)
    empty, gone = rows.recent == 0, rows.retrieved == 0
    assert empty.any() and gone.any()
    changed = dataclasses.replace(
        rows,
        recent_liked=np.where(empty, np.int8(1), rows.recent_liked),
        retrieved_liked=np.where(gone, np.int8(1), rows.retrieved_liked),
        retrieved_similarity=np.where(gone, np.float32(5), rows.retrieved_similarity),
        retrieved_age=np.where(gone, np.int32(99), rows.retrieved_age),
    )
    np.testing.assert_allclose(answers(changed, network, config), answers(rows, network, config), atol=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_more_padding_changes_nothing(rows: ClickRows, model: str) -> None:
    network, config = network_of(rows, model=model)
    wide = {name: np.pad(getattr(rows, name), ((0, 0), (0, 4))) for name in (*PER_ENTRY, "recent", "recent_liked")}
    np.testing.assert_allclose(answers(dataclasses.replace(rows, **wide), network, config), answers(rows, network, config), atol=1e-6)


def test_retrieved_entries_and_their_padding_may_stand_in_any_order(rows: ClickRows) -> None:
    network, config = network_of(rows)
    order = np.random.default_rng(1).permutation(rows.retrieved.shape[1])
    mixed = dataclasses.replace(rows, **{name: getattr(rows, name)[:, order] for name in PER_ENTRY})
    np.testing.assert_allclose(answers(mixed, network, config), answers(rows, network, config), atol=1e-6)


@pytest.mark.parametrize("name", [*PER_ENTRY[1:], "recent_liked", "counts", "profile", "vectors", "extra"])
def test_every_input_is_read(rows: ClickRows, name: str) -> None:
    """The other side of the inert padding: a change of any input changes some answer."""
    rows = dataclasses.replace(rows, extra=np.zeros((30, 2), np.float32))
    network, config = network_of(rows)
    value = getattr(rows, name)
    changed = 1 - value if name.endswith("liked") else np.maximum(value - 1, 0) if name == "profile" else value + np.arange(value.shape[1])
    other = dataclasses.replace(rows, **{name: changed.astype(value.dtype)})
    if name == "vectors":  # they are part of the network
        network.register_buffer("vectors", torch.from_numpy(other.vectors))
        before = network_of(rows)
        assert np.abs(answers(other, network, config) - answers(rows, *before)).max() > 1e-4
    else:
        assert np.abs(answers(other, network, config) - answers(rows, network, config)).max() > 1e-4


def test_an_unknown_extra_is_not_a_zero(rows: ClickRows) -> None:
    network, config = network_of(dataclasses.replace(rows, extra=np.zeros((30, 1), np.float32)))
    zero, unknown = (
        answers(dataclasses.replace(rows, extra=np.full((30, 1), value, np.float32)), network, config) for value in (0, np.nan)
    )
    assert np.isfinite(unknown).all() and np.abs(zero - unknown).max() > 1e-4


@pytest.mark.parametrize("model", MODELS)
def test_without_history_there_is_an_answer(rows: ClickRows, model: str) -> None:
    empty = {name: np.zeros_like(getattr(rows, name)) for name in (*PER_ENTRY, "recent", "recent_liked", "counts")}
    found = answers(dataclasses.replace(rows, **empty), *network_of(rows, model=model))
    assert ((found >= 0) & (found <= 1)).all() and np.ptp(found) > 0.1


@pytest.mark.parametrize("model", ["deepfm", "retrieval"])
def test_without_user_id_users_are_alike(rows: ClickRows, model: str) -> None:
    known = dataclasses.replace(rows, users=np.arange(30, dtype=np.int32))
    for user_id, same in ((True, False), (False, True)):
        network, config = network_of(known, model=model, user_id=user_id)
        found = predict(network, known, config, sizes_of(known)), predict(network, rows, config, sizes_of(known))
        assert np.allclose(*found, atol=1e-6) == same


def test_the_like_rate_reaches_a_baseline_on_request_only(rows: ClickRows) -> None:
    other = dataclasses.replace(rows, counts=rows.counts * np.float32([3, 0.5]))
    for like_rate in (True, False):
        network, config = network_of(rows, model="deepfm", like_rate=like_rate)
        assert np.allclose(answers(other, network, config), answers(rows, network, config)) != like_rate


def test_kernels_are_the_sums_they_say(rows: ClickRows) -> None:
    network, config = network_of(rows)
    assert isinstance(network, RetrievalNetwork)
    batch = batch_of(rows, np.arange(30), config, sizes_of(rows))
    width = 3
    table = torch.randn(len(rows.genres), 2 * width + 1, generator=torch_generator(0, "table"))
    kernels = Kernels(2)
    found = kernels(batch["retrieved_similarity"], Entries(batch, "retrieved", table, width)).detach().numpy()
    for row in range(3):
        there = rows.retrieved[row] > 0
        similarity, liked = rows.retrieved_similarity[row, there], rows.retrieved_liked[row, there].astype(float)
        residual = liked - table[rows.retrieved[row, there], -1].numpy()
        expected = []
        for scale in np.exp(kernels.log_width.detach().numpy()):
            weights = np.exp(similarity / scale)
            expected += [(weights * values).sum() / weights.sum() for values in (liked, residual)]
        np.testing.assert_allclose(found[row], [*expected, similarity.max()], rtol=1e-4, atol=1e-5)


def test_hidden_ids_leave_the_vectors_to_speak(rows: ClickRows) -> None:
    network, _ = network_of(rows, item_dropout=0.9)
    assert isinstance(network, RetrievalNetwork) and network.projection is not None
    alone = network.projection(network.vectors)
    network.train()
    hidden = torch.isclose(network._films(), alone).all(1).float().mean()
    network.eval()
    assert 0.75 < hidden < 1 and torch.isclose(network._films(), alone).all(1).float().mean() < 0.05
