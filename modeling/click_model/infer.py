"""P(yes) of prompts by a tuned language model or by one behind an endpoint. Nothing is fitted here but Platt's two numbers."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from modeling.artifacts import load_manifest
from modeling.click_model.config import ClickModelConfig
from modeling.click_model.prompts import NO, PROMPT_VERSION, YES, marked_run
from modeling.errors import ArtifactError, DataError
from modeling.language_model.config import LanguageModelConfig
from modeling.language_model.local import LocalModel
from modeling.language_model.protocol import LanguageModel

MODEL_NAME, ADAPTER_NAME = "click_model", "adapter"
_ANSWER_TOKENS = 8
_EDGE = float(np.finfo(np.float64).eps)  # kept so far from 0 and 1 before a logarithm, as sklearn's log_loss does
_VERDICT = re.compile(r"\b(yes|no)\b", re.IGNORECASE)

Probabilities = npt.NDArray[np.float64]
_log = logging.getLogger(__name__)


def load(base: str | Path, folder: Path, *, config: LanguageModelConfig | None = None) -> LocalModel:
    """The base with the adapter that `train.tune` kept in `folder`; ArtifactError for another model, prompt version or a changed file."""
    manifest = load_manifest(folder, model=MODEL_NAME)
    seen = manifest.config.get("prompt_version")
    if seen != PROMPT_VERSION:
        raise ArtifactError(f"loading {folder}: it was tuned on prompts of version {seen}, expected {PROMPT_VERSION}; tune it again")
    return LocalModel.load(base, folder / ADAPTER_NAME, config=config)


def yes_probability(model: LanguageModel, prompts: Sequence[str], config: ClickModelConfig) -> Probabilities:
    """P(yes) per prompt, float64 [n], by the way that `config.probability` names (see `ClickModelConfig`).

    'likelihood' is exact for a local model only: an endpoint's scores are an order, so there use 'samples' or 'choice'.
    """
    if not prompts:
        return np.empty(0)
    if config.probability == "samples":
        return _sampled(model, prompts, config)
    if config.probability == "choice":
        picked = model.choose(list(prompts), [(YES, NO)] * len(prompts))
        return np.array([float(index == 0) for index in picked])
    return likelihood_probability(model, prompts, double_softmax=config.double_softmax)


def likelihood_probability(model: LanguageModel, prompts: Sequence[str], *, double_softmax: bool = False) -> Probabilities:
    """Soft-max over the log-likelihoods of ' Yes' and ' No' as whole continuations, float64 [n].

    RALLRec reads the first token; a whole continuation also counts the end mark and words of several tokens. `double_softmax`:
    the soft-max of the two probabilities, not of their logarithms (released code): 0.8 and 0.2 become 0.646.
    """
    scores = np.array(model.score(list(prompts), [(YES, NO)] * len(prompts)), np.float64).reshape(len(prompts), 2)
    return _sigmoid(np.exp(scores[:, 0]) - np.exp(scores[:, 1]) if double_softmax else scores[:, 0] - scores[:, 1])


def verdict(text: str) -> float | None:
    """1 for a text whose last yes or no is a yes, 0 for a no, None where neither is said."""
    said = _VERDICT.findall(text)
    return float(said[-1].lower() == "yes") if said else None


def log_loss(probability: Probabilities, liked: Sequence[bool] | npt.NDArray[np.bool_]) -> float:
    """Mean -log of the probability of what was, in nats; METHODS 1.3. One class is enough. DataError without rows or for other lengths."""
    truth = np.asarray(liked, np.bool_)
    if not len(truth) or probability.shape != truth.shape:
        raise DataError(f"LogLoss of {len(probability)} probabilities and {len(truth)} labels: expected as many, at least one")
    kept = np.clip(probability, _EDGE, 1 - _EDGE)
    return float(-np.log(np.where(truth, kept, 1 - kept)).mean())


@dataclass(frozen=True, slots=True)
class Platt:
    """P = 1 / (1 + exp(-(slope * logit(p) + offset))): Platt 1999, on the model's own log-odds."""

    slope: float = 1.0
    offset: float = 0.0

    def apply(self, probability: Probabilities) -> Probabilities:
        """Calibrated probabilities, float64 [n]."""
        return _sigmoid(self.slope * _logit(probability) + self.offset)


def calibrate(probability: Probabilities, liked: Sequence[bool]) -> Platt:
    """Slope and offset of least cross entropy on *validation* rows, with Platt's targets (n+ + 1) / (n+ + 2) and 1 / (n- + 2).

    These targets keep the optimum finite when the rows are parted without error. Not part of RALLRec. DataError for one class.
    """
    from scipy.optimize import minimize

    truth = np.asarray(liked, np.bool_)
    positive, negative = int(truth.sum()), int((~truth).sum())
    if not positive or not negative or probability.shape != truth.shape:
        raise DataError(
            f"calibrating on {positive} liked and {negative} disliked rows with {len(probability)} probabilities: expected both "
            "classes and a probability per row; give more validation rows"
        )
    logits, target = _logit(probability), np.where(truth, (positive + 1) / (positive + 2), 1 / (negative + 2))

    def loss(weights: Probabilities) -> tuple[float, Probabilities]:
        raw = weights[0] * logits + weights[1]
        gap = _sigmoid(raw) - target
        return float((np.logaddexp(0.0, raw) - target * raw).mean()), np.array([(gap * logits).mean(), gap.mean()])

    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS", options={"gtol": 1e-9})
    return Platt(float(found.x[0]), float(found.x[1]))


def _sampled(model: LanguageModel, prompts: Sequence[str], config: ClickModelConfig) -> Probabilities:
    """The share of yes among the answers that say yes or no; 0.5 where none does."""
    marked = [marked_run(text, run) for text in prompts for run in range(config.samples)]
    answers = model.generate(marked, max_new_tokens=_ANSWER_TOKENS, temperature=config.temperature)
    said = np.array([np.nan if (found := verdict(answer)) is None else found for answer in answers]).reshape(len(prompts), config.samples)
    counted = np.isfinite(said).sum(axis=1)
    if (unread := said.size - int(counted.sum())) > 0:
        _log.info("click model: %d of %d sampled answers say neither yes nor no", unread, said.size)
    return np.where(counted > 0, np.nansum(said, axis=1) / np.maximum(counted, 1), 0.5)


def _sigmoid(values: Probabilities) -> Probabilities:
    small = np.exp(-np.abs(values))
    found: Probabilities = np.where(values >= 0, 1.0, small) / (1.0 + small)
    return found


def _logit(probability: Probabilities) -> Probabilities:
    kept = np.clip(probability, _EDGE, 1 - _EDGE)
    found: Probabilities = np.log(kept) - np.log1p(-kept)
    return found
