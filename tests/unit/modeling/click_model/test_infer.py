"""P(yes): one soft-max, the doubled one of the released code, answers behind an endpoint, LogLoss and Platt's calibration."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from modeling.click_model.config import ClickModelConfig
from modeling.click_model.infer import Platt, calibrate, likelihood_probability, log_loss, verdict, yes_probability
from modeling.errors import DataError
from modeling.language_model.config import EndpointConfig
from modeling.language_model.endpoint import Endpoint
from modeling.language_model.local import LocalModel
from tests.unit.modeling.click_model.conftest import Scripted
from tests.unit.modeling.language_model.conftest import Server

nats = st.floats(-800, 0)


@given(yes=nats, no=nats)
def test_one_softmax_and_two(yes: float, no: float) -> None:
    model = Scripted(scored=lambda _: (yes, no))
    assert yes_probability(model, ["x"], ClickModelConfig())[0] == pytest.approx(softmax([yes, no])[0], abs=1e-12)
    twice = yes_probability(model, ["x"], ClickModelConfig(double_softmax=True))[0]
    assert twice == pytest.approx(softmax([math.exp(yes), math.exp(no)])[0], abs=1e-12)
    assert 0.2689 < twice < 0.7311


def test_the_published_example_of_the_doubled_softmax() -> None:
    model = Scripted(scored=lambda _: (math.log(0.8), math.log(0.2)))
    assert likelihood_probability(model, ["x"])[0] == pytest.approx(0.8)
    assert likelihood_probability(model, ["x"], double_softmax=True)[0] == pytest.approx(0.646, abs=5e-4)


def test_a_local_model_is_read_by_its_own_likelihoods(tiny: LocalModel) -> None:
    prompts = ["A crew in space:", "A baker:", "seeker: ships"]
    found = yes_probability(tiny, prompts, ClickModelConfig())
    for text, probability in zip(prompts, found, strict=True):
        yes, no = tiny.score([text], [(" Yes", " No")])[0]
        assert probability == pytest.approx(math.exp(yes) / (math.exp(yes) + math.exp(no)), rel=1e-5)
    assert len(set(found.tolist())) == 3 and len(yes_probability(tiny, [], ClickModelConfig())) == 0


def test_samples_are_counted_where_they_say_anything() -> None:
    said = {"[1]": "Yes.", "[2]": "no", "[3]": "maybe", "[4]": "Yes, yes"}
    model = Scripted(lambda text: "?" if "dumb" in text else said[text.split("\n")[0]])
    found = yes_probability(model, ["x\nanswer:", "dumb"], ClickModelConfig(probability="samples", samples=4))
    assert found.tolist() == [pytest.approx(2 / 3), 0.5]
    assert len(set(model.prompts)) == 8 and model.options["temperature"] == 0.6


def test_behind_an_endpoint(server: Server) -> None:
    endpoint = Endpoint(EndpointConfig(base_url=server.url, model="m", key_variable="PLANTED_KEY", structure="none"))
    server.replies = [(200, "Yes"), (200, "No")]
    assert yes_probability(endpoint, ["a", "b"], ClickModelConfig(probability="choice")).tolist() == [1.0, 0.0]
    server.replies = [(200, "Yes"), (200, "No."), (200, ""), (200, "Yes")]
    assert yes_probability(endpoint, ["a"], ClickModelConfig(probability="samples", samples=3)).tolist() == [0.5]
    assert len({asked["messages"][0]["content"] for asked in server.requests[2:]}) == 3


@pytest.mark.parametrize(
    ("text", "said"), [("Yes", 1.0), ("NO!", 0.0), ("yes or no? No", 0.0), ("nothing, eyes, Norway", None), ("", None), ("no... yes.", 1.0)]
)
def test_the_last_word_counts(text: str, said: float | None) -> None:
    assert verdict(text) == said


def test_log_loss() -> None:
    assert log_loss(np.array([0.8, 0.4]), [True, False]) == pytest.approx(-(math.log(0.8) + math.log(0.6)) / 2)
    assert 30 < log_loss(np.array([0.0]), [True]) < 40  # kept from the edge, so finite
    for probability, liked in ((np.empty(0), []), (np.array([0.5]), [True, False])):
        with pytest.raises(DataError):
            log_loss(probability, liked)


def test_calibration_finds_what_bent_the_probabilities() -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(size=4_000)
    liked = generator.random(4_000) < 1 / (1 + np.exp(-logits))
    bent = 1 / (1 + np.exp(-(2 * logits + 1)))
    found = calibrate(bent, liked.tolist())
    assert found.slope == pytest.approx(0.5, abs=0.05) and found.offset == pytest.approx(-0.5, abs=0.1)
    assert log_loss(found.apply(bent), liked) < log_loss(bent, liked)


def test_the_calibration_is_an_optimum_of_platts_loss() -> None:
    probability, liked = np.array([0.2, 0.3, 0.7, 0.9, 0.6]), [False, True, True, True, False]
    target, logits = np.where(liked, 4 / 5, 1 / 4), np.log(probability / (1 - probability))

    def loss(slope: float, offset: float) -> float:
        fitted = 1 / (1 + np.exp(-(slope * logits + offset)))
        return float(-(target * np.log(fitted) + (1 - target) * np.log(1 - fitted)).sum())

    best = calibrate(probability, liked)
    around = [loss(best.slope + a, best.offset + b) for a in (-1e-3, 0, 1e-3) for b in (-1e-3, 0, 1e-3) if a or b]
    assert min(around) > loss(best.slope, best.offset)


@pytest.mark.parametrize("liked", [[True, True], [False, False]])
def test_one_class_calibrates_nothing(liked: list[bool]) -> None:
    with pytest.raises(DataError, match="expected both classes"):
        calibrate(np.array([0.2, 0.4]), liked)


def test_parted_rows_have_a_finite_calibration() -> None:
    found = calibrate(np.array([0.0, 0.1, 0.9, 1.0]), [False, False, True, True])
    assert np.isfinite([found.slope, found.offset]).all() and found.slope > 0
    np.testing.assert_allclose(Platt().apply(np.array([0.1, 0.5])), [0.1, 0.5])
