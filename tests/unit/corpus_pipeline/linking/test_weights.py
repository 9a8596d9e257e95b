"""Weights from a file: what is refused and why, and what scores are worth as probabilities."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from corpus_pipeline.errors import LinkError
from corpus_pipeline.linking.evidence import ITSELF, PLACES
from corpus_pipeline.linking.weights import SHIPPED, LinkWeights, load_weights, shared
from corpus_pipeline.linking.words import Array

SCORER = {
    "names": ["similarity", "popularity"],
    "mean": [0.5, 3.0],
    "deviation": [0.5, 2.0],
    "layers": [
        {"matrix": [[1.0, -1.0, 0.0], [2.0, 0.0, 1.0]], "bias": [0.0, 0.5, -1.0]},
        {"matrix": [[1.0], [-2.0], [0.5]], "bias": [0.25]},
    ],
    **{"scale": 2.0, "shift": -1.0, "threshold": 0.6, "margin": 0.1, "report": 0.2},
}
CONTENT: dict[str, Any] = {
    "cues": {"-1": {"0xff": 1.5, "0x1": -0.5}, "0": {}},
    "text": SCORER,
    "title": SCORER | {"threshold": 0.4},
    "trained": {"run": "a1b2", "release_id": "r1"},
}
Write = Callable[[Any], Path]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    def write(content: Any) -> Path:
        path = tmp_path / "some_weights.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def _changed(*path: Any, to: Any) -> dict[str, Any]:
    """CONTENT with the value at `path` replaced; an ellipsis leaves it out."""
    content = copy.deepcopy(CONTENT)
    place: Any = content
    for step in path[:-1]:
        place = place[step]
    if to is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return content


# --- files


def test_weights_are_read_as_they_were_written(written: Write) -> None:
    weights = load_weights(written(CONTENT))
    assert (weights.run, weights.trained["release_id"]) == ("a1b2", "r1")
    assert weights.text.names == ["similarity", "popularity"]
    assert (weights.text.scale, weights.text.shift, weights.text.margin, weights.text.report) == (2.0, -1.0, 0.1, 0.2)
    assert (weights.text.threshold, weights.title.threshold) == (0.6, 0.4)
    assert [matrix.shape for matrix, _ in weights.text.layers] == [(2, 3), (3, 1)]
    assert weights.cues.at(-1, np.array([1, 2, 255], np.uint64)).tolist() == [-0.5, 0.0, 1.5]
    assert weights.cues.at(ITSELF, np.array([1], np.uint64)).tolist() == [0.0]
    assert weights.cues.at(2, np.array([1], np.uint64)).tolist() == [0.0]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match=r"nowhere\.json: FileNotFoundError"):
        load_weights(tmp_path / "nowhere.json")


@pytest.mark.parametrize("content", ["", "{", "null", "[]", "3", '"weights"', "{}"])
def test_a_file_that_holds_no_weights_is_refused(written: Write, content: str) -> None:
    with pytest.raises(LinkError, match=r"link weights some_weights\.json: .*expected the weights\.json of a `model_link_scorer` run"):
        load_weights(written(content))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(LinkError, match=r"binary\.json: UnicodeDecodeError"):
        load_weights(tmp_path / "binary.json")


@pytest.mark.parametrize(
    ("path", "to", "seen"),
    [
        (("cues",), ..., "'cues'"),
        (("cues",), [], "AttributeError"),
        (("cues", "-1"), [1], "TypeError|ValueError"),
        (("cues", "-1", "0xzz"), 1.0, "0xzz"),
        (("cues", "-1", "0x2"), "much", "much"),
        (("cues", "before"), {}, "before"),
        (("trained",), ..., "'trained'"),
        (("text",), ..., "'text'"),
        (("title", "threshold"), ..., "'threshold'"),
        (("title", "margin"), "wide", "wide"),
        (("text", "names"), ["similarity"], "1 names"),
        (("text", "mean"), [0.5], r"2 names, \(1,\) means"),
        (("text", "mean"), 0.5, "do not fit"),
        (("text", "deviation"), [1.0, 1.0, 1.0], "do not fit"),
        (("text", "deviation"), [1.0, 0.0], "a deviation is not above 0"),
        (("text", "layers"), [], "do not fit"),
        (("text", "layers", 0, "matrix"), [[1.0, 1.0, 1.0]], "do not fit"),
        (("text", "layers", 0, "matrix"), [[1.0, 1.0], [1.0]], "ValueError"),
        (("text", "layers", 0, "bias"), [0.0], "do not fit"),
        (("text", "layers", 1, "matrix"), [[1.0]], "do not fit"),
        (("text", "layers", 1, "bias"), [0.0, 0.0], "do not fit"),
        (("text", "layers", 1, "bias"), [float("nan")], "no finite number"),
        (("text", "scale"), float("inf"), "no finite number"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(written: Write, path: tuple[Any, ...], to: Any, seen: str) -> None:
    with pytest.raises(LinkError, match=seen):
        load_weights(written(_changed(*path, to=to)))


def test_the_weights_that_ship_can_be_used() -> None:
    weights = load_weights()
    assert SHIPPED.exists()
    assert weights.run
    assert set(weights.cues.tables) == {ITSELF, *PLACES}
    for scorer in (weights.text, weights.title):
        assert len(set(scorer.names)) == len(scorer.names)
        assert 0 < scorer.report <= scorer.threshold < 1
        assert 0 <= scorer.margin < 1


# --- probabilities


@pytest.fixture
def weights(written: Write) -> LinkWeights:
    return load_weights(written(CONTENT))


def test_a_score_is_what_the_layers_make_of_standardised_features(weights: LinkWeights) -> None:
    """Two pairs of one stretch, reckoned by hand."""
    pairs = {"similarity": [1.0, 0.5], "popularity": [5.0, 1.0], "other": [0.0, 0.0]}
    columns = {name: np.array(values, np.float32) for name, values in pairs.items()}
    stretch = np.array([0, 0])
    # Standardised: (1, 1) and (0, -1); hidden: (3, 0, 0) and (0, 0.5, 0); scores 3.25 and -0.75, as 2 s - 1: 5.5 and -2.5.
    total = 1 + np.exp(5.5) + np.exp(-2.5)
    probability, any_film = weights.text.probabilities(columns, stretch)
    assert probability == pytest.approx([np.exp(5.5) / total, np.exp(-2.5) / total])
    assert any_film == pytest.approx([1 - 1 / total] * 2)


def test_features_that_are_not_made_are_named(weights: LinkWeights) -> None:
    with pytest.raises(LinkError, match=r"\['popularity'\].*train them again"):
        weights.text.probabilities({"similarity": np.ones(1, np.float32)}, np.array([0]))


def test_no_pairs_have_no_probabilities(weights: LinkWeights) -> None:
    columns: dict[str, Array] = {name: np.zeros(0, np.float32) for name in weights.text.names}
    assert [part.shape for part in weights.text.probabilities(columns, np.zeros(0, np.int64))] == [(0,), (0,)]


SCORES = st_numpy.arrays(np.float64, st.integers(0, 12), elements=st.floats(-1e6, 1e6))


@given(SCORES, st.data())
@example(np.array([1e6, 1e6, -1e6, 0.0]), None)
def test_the_shares_of_a_stretch_sum_to_at_most_one(scores: Array, data: st.DataObject | None) -> None:
    drawn = data.draw(st_numpy.arrays(np.int64, len(scores), elements=st.integers(0, 3))) if data else np.array([0, 0, 1, 1])
    share, every = shared(scores, drawn)
    assert ((share >= 0) & (share <= 1) & (every >= 0) & (every <= 1)).all()
    for number in set(drawn.tolist()):
        inside = drawn == number
        assert share[inside].sum() == pytest.approx(every[inside][0])
        assert (every[inside] == every[inside][0]).all()
        assert share[inside].max() == share[inside][np.argmax(scores[inside])]


@given(SCORES.filter(len), st.floats(0.5, 5))
def test_a_rival_never_makes_a_film_likelier(scores: Array, rival: float) -> None:
    alone, any_alone = shared(scores, np.zeros(len(scores), np.int64))
    beside, any_beside = shared(np.append(scores, rival), np.zeros(len(scores) + 1, np.int64))
    assert (beside[:-1] <= alone + 1e-12).all()
    assert any_beside[0] >= any_alone[0] - 1e-12


def test_equal_films_have_at_most_half_each() -> None:
    share, every = shared(np.array([50.0, 50.0, 0.0]), np.array([0, 0, 1]))
    assert share == pytest.approx([0.5, 0.5, 0.5])
    assert every == pytest.approx([1.0, 1.0, 0.5])
