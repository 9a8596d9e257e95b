"""What the linker learned: cues, two scorers and their thresholds, read from one JSON file that names the run that made it.

Scores become probabilities over the films a stretch of text could mean and over 'none of them', so that two equally likely
films have at most half each. How the weights are learned is `modeling.link_scorer`; nothing is learned here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from corpus_pipeline.errors import LinkError
from corpus_pipeline.linking.evidence import Cues
from corpus_pipeline.linking.words import Array

CHUNK = 8_192  # pairs scored at once: they and the hidden layers stay in the cache, which halves the time
SHIPPED = Path(__file__).parent / "weights.json"


@dataclass(frozen=True, slots=True)
class Scorer:
    """A small network: standardised features through `layers` of (matrix float32, bias float32) with rectifiers between.

    `scale` and `shift` calibrate its score on films it was not trained on (Platt). A link needs `threshold`, and `margin`
    over the runner-up; a stretch whose films have `report` in all is told at least as an abstention.
    """

    names: Sequence[str]
    mean: Array
    deviation: Array
    layers: Sequence[tuple[Array, Array]]
    scale: float
    shift: float
    threshold: float
    margin: float
    report: float

    def probabilities(self, columns: Mapping[str, Array], stretch: Array) -> tuple[Array, Array]:
        """(probability of each pair, probability of any film in its stretch), float64, from one column per name of `names`."""
        missing = [name for name in self.names if name not in columns]
        if missing:
            raise LinkError(f"the link weights ask for features {missing} that this Marquee does not make: train them again")
        scores = np.zeros(len(stretch))
        for start in range(0, len(stretch), CHUNK):
            part = slice(start, start + CHUNK)
            scores[part] = self._scores(np.stack([columns[name][part] for name in self.names], axis=1))
        return shared(self.scale * scores + self.shift, stretch)

    def _scores(self, rows: Array) -> Array:
        hidden = (rows - self.mean) / self.deviation
        for place, (matrix, bias) in enumerate(self.layers):
            hidden = hidden @ matrix + bias
            if place < len(self.layers) - 1:
                hidden = np.maximum(hidden, 0, out=hidden)
        return hidden[:, 0].astype(np.float64)


def shared(scores: Array, stretch: Array) -> tuple[Array, Array]:
    """Softmax over the pairs of each stretch and a null of score 0: (share of each pair, share of all but the null)."""
    count = int(stretch.max(initial=-1)) + 1
    highest = np.zeros(count)
    np.maximum.at(highest, stretch, scores)
    weights = np.exp(scores - highest[stretch])
    total = np.bincount(stretch, weights, count)
    every = np.exp(-highest) + total
    return weights / every[stretch], (total / every)[stretch]


@dataclass(frozen=True, slots=True)
class LinkWeights:
    """Everything learned. `trained` says on which release, by which code and config, when, and how good on held-out films."""

    cues: Cues
    text: Scorer
    title: Scorer
    trained: Mapping[str, Any]

    @property
    def run(self) -> str:
        """Short name of the run that made the weights, for outputs."""
        return str(self.trained["run"])


def load_weights(path: Path | None = None) -> LinkWeights:
    """The weights in `path`, by default those that ship; LinkError says what is wrong with a file that is not such."""
    path = path or SHIPPED
    try:
        content = json.loads(path.read_text())
        return LinkWeights(_cues(content["cues"]), _scorer(content["text"]), _scorer(content["title"]), content["trained"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise LinkError(
            f"link weights {path.name}: {type(error).__name__}: {error}; expected the weights.json of a `model_link_scorer` run"
        ) from error


def _cues(content: Mapping[str, Mapping[str, float]]) -> Cues:
    tables = {}
    for place, values in content.items():
        hashes = np.array([int(code, 16) for code in values], np.uint64)
        order = np.argsort(hashes)
        tables[int(place)] = (hashes[order], np.array(list(values.values()), np.float32)[order])
    return Cues(tables)


def _scorer(content: Mapping[str, Any]) -> Scorer:
    layers = [(np.array(layer["matrix"], np.float32), np.array(layer["bias"], np.float32)) for layer in content["layers"]]
    numbers = {name: float(content[name]) for name in ("scale", "shift", "threshold", "margin", "report")}
    mean, deviation = np.array(content["mean"], np.float32), np.array(content["deviation"], np.float32)
    scorer = Scorer(content["names"], mean, deviation, layers, **numbers)
    if misfit := _misfit(scorer):
        raise ValueError(misfit)
    return scorer


def _misfit(scorer: Scorer) -> str:
    """What is wrong with the numbers of a scorer, '' where nothing is."""
    sizes = [len(scorer.names), *(len(bias) for _, bias in scorer.layers)]
    shapes = [matrix.shape for matrix, _ in scorer.layers]
    if shapes != list(pairwise(sizes)) or sizes[-1] != 1 or {scorer.mean.shape, scorer.deviation.shape} != {(sizes[0],)}:
        return f"{sizes[0]} names, {scorer.mean.shape} means and layers of {shapes} do not fit"
    parts = [scorer.mean, scorer.deviation, *(part for layer in scorer.layers for part in layer)]
    parts.append(np.array([scorer.scale, scorer.shift, scorer.threshold, scorer.margin, scorer.report]))
    if not all(np.isfinite(part).all() for part in parts):
        return "a weight is no finite number"
    return "" if (scorer.deviation > 0).all() else "a deviation is not above 0"
