"""Made-up turns of two data sets, and the smallest retriever that can learn from them."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from modeling.lrurec.network import Dropout
from modeling.preference_retriever.config import PreferenceConfig
from modeling.preference_retriever.data import Turns
from modeling.seeding import torch_generator

FILMS = [f"m{number:02}" for number in range(12)]
SIZE = 6
CONFIG = PreferenceConfig(candidates=3, set_count=4, support=8, batch_size=4, supervised_epochs=3, learning_rate=0.01)


class Linear(nn.Module):
    """Scores are a linear map of the dialogue's vector; films at `unknown` columns are none of the model's."""

    def __init__(self, *, seed: int = 0, unknown: tuple[int, ...] = (), dropout: float = 0.3) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(SIZE, len(FILMS), generator=torch_generator(seed, "weights")))
        self.bias = nn.Parameter(torch.zeros(len(FILMS)))
        self.unknown, self.dropout = list(unknown), dropout

    def scores(self, turns: Turns, *, generator: np.random.Generator | None = None) -> Tensor:
        left_out = torch.from_numpy(turns.excluded())
        left_out[:, self.unknown] = True
        said = Dropout(self.dropout, generator)(torch.from_numpy(turns.features))
        return (said @ self.weight + self.bias).masked_fill(left_out, -torch.inf)


def made(count: int = 10) -> Turns:
    """Data set a has the first eight films and b the last eight; two films were named before, one or two are to be found."""
    generator = np.random.default_rng(count)
    allowed = np.array([[column < 8 for column in range(12)], [column >= 4 for column in range(12)]])
    dataset_rows = np.arange(count) % 2
    chosen = [generator.permutation(np.flatnonzero(allowed[row]))[:4].tolist() for row in dataset_rows]
    targets = [tuple(sorted(films[2 : 3 + row % 2])) for row, films in enumerate(chosen)]
    return Turns(
        [f"t{row}" for row in range(count)],
        FILMS,
        [[FILMS[column] for column in films[:2]] for films in chosen],
        generator.normal(size=(count, SIZE)).astype(np.float32),
        allowed,
        dataset_rows,
        targets,
        np.array([len(own) for own in targets], np.int64),
    )


@pytest.fixture
def turns() -> Turns:
    return made()
