"""A click network as files, and its predictions. Nothing is trained here."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from modeling.artifacts import load_manifest
from modeling.click_network.config import BASELINES, ClickNetworkConfig
from modeling.click_network.data import ClickRows, Sizes, batch_of, check_fit
from modeling.lrurec import checkpoint

if TYPE_CHECKING:
    import torch

MODEL_NAME = "click_network"
WEIGHTS_NAME, SIZES_NAME, LOG_NAME = "weights.safetensors", "sizes.json", "epochs.json"
ROWS_AT_ONCE = 8192  # 30 + 30 entries, three arrays of 50 floats each: some 250 MB


class ClickNetwork:
    """A trained network. What it knows of films (genres, frozen vectors) is part of its weights."""

    def __init__(self, network: "torch.nn.Module", config: ClickNetworkConfig, sizes: Sizes) -> None:
        self.network, self.config, self.sizes = network, config, sizes

    def predict(self, rows: ClickRows) -> npt.NDArray[np.float64]:
        """P(liked) [n] in the order of the rows; users and categories that training has not seen are read as unknown.

        DataError when the rows have other films, columns or widths than the training rows.
        """
        check_fit(rows, self.sizes)
        return predict(self.network, rows, self.config, self.sizes)


def load(folder: Path) -> ClickNetwork:
    """The network that `train` left in `folder`; ArtifactError when a file is missing or changed."""
    manifest = load_manifest(folder, model=MODEL_NAME)
    config = ClickNetworkConfig.from_mapping(manifest.config)
    saved = json.loads((folder / SIZES_NAME).read_text(encoding="utf-8"))
    sizes = Sizes(**saved | {"profile": tuple(saved["profile"])})
    network = build(config, sizes, None)
    checkpoint.read_weights(folder / WEIGHTS_NAME, network)
    return ClickNetwork(network, config, sizes)


def predict(network: "torch.nn.Module", rows: ClickRows, config: ClickNetworkConfig, sizes: Sizes) -> npt.NDArray[np.float64]:
    """P(liked) [n] by a network that is left in training mode or not, as it was found."""
    import torch

    was_training = network.training
    network.eval()
    found = np.empty(len(rows), np.float64)
    with torch.inference_mode():
        for start in range(0, len(rows), ROWS_AT_ONCE):
            chosen = np.arange(start, min(start + ROWS_AT_ONCE, len(rows)))
            found[chosen] = network(batch_of(rows, chosen, config, sizes)).double().numpy()
    network.train(was_training)
    return found


def build(config: ClickNetworkConfig, sizes: Sizes, rows: ClickRows | None) -> "torch.nn.Module":
    """An untrained network; without rows its genres and vectors are zeros, to be read from a file."""
    genres = np.zeros((sizes.items, sizes.genre_columns), np.int32) if rows is None else rows.genres
    vectors = None if rows is None else rows.vectors
    if config.model in BASELINES:
        from modeling.click_network.baselines import Baseline

        return Baseline(config, sizes, genres)
    from modeling.click_network.network import RetrievalNetwork

    return RetrievalNetwork(config, sizes, genres, np.zeros((sizes.items, sizes.vector), np.float32) if vectors is None else vectors)
