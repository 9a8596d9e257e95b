"""RALLRec+ (arXiv 2503.20430): a reasoning model is asked several times, with the tuned model's answer as a hint. Merging is `merge`'s."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modeling.click_model.config import ReasoningConfig
from modeling.click_model.infer import Probabilities, likelihood_probability, verdict
from modeling.click_model.prompts import ANSWER_MARK, marked_run
from modeling.errors import DataError
from modeling.language_model.protocol import LanguageModel
from modeling.prompt_text import plain

REASONING_VERSION = 1
_TASK = "Think first, between <think> and </think>. Then answer with one word: Yes or No."
_TAG = re.compile(r"</?think>", re.IGNORECASE)
_END = re.compile(r"</think>", re.IGNORECASE)
# Where no thought ends, 'no' is mostly a word like any other ('no reason to'): only one that ends a clause is an answer.
_CLOSING = re.compile(r"\b(?:yes|no)\b(?=[\s*'\")\]]*(?:[.!,;]|$))", re.IGNORECASE | re.MULTILINE)
_SEGMENT_CHARACTERS = 40_000  # far above 4,800 tokens of text
_SURE, _LIKELY = 0.2, 0.1  # of |p - 0.5|: above the first the hint says 'is', above the second 'may be'

Lengths = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Reasoned:
    """Runs of a reasoning model, each array [rows, runs]: P(yes), words of the answer, and whether it said yes or no.

    A run without a verdict is a failure; its probability is 0.5, no information, unless its reasoning could be read by likelihood.
    """

    probability: Probabilities
    lengths: Lengths
    has_verdict: Flags

    @property
    def failures(self) -> int:
        """Runs that said neither yes nor no, of all."""
        return int((~self.has_verdict).sum())


def hint(probability: float, wording: str) -> str:
    """The tuned model's answer in words, empty for wording 'none': yes above 0.5; see `ReasoningConfig.hint`."""
    if wording == "none":
        return ""
    distance = abs(probability - 0.5)
    graded = "is" if distance > _SURE else "may be" if distance > _LIKELY else "might be"
    return f"Another one thinks the answer {graded if wording == 'graded' else 'might be'} {'Yes' if probability > 0.5 else 'No'}."


def reasoning_prompt(click_prompt: str, probability: float | None, config: ReasoningConfig) -> str:
    """The click prompt without its open answer, the hint on the tuned model's P(yes), and the task to think first.

    DataError when a hint is asked for without a probability.
    """
    if probability is None and config.hint != "none":
        raise DataError(
            f"asking for reasoning with hint {config.hint!r}: no probability of the tuned model; give one or set hint to 'none'"
        )
    said = "" if probability is None else hint(probability, config.hint)
    return "\n".join([_question(click_prompt), *([said] if said else []), _TASK])


def reason(model: LanguageModel, click_prompts: Sequence[str], config: ReasoningConfig, *, tuned: Probabilities | None = None) -> Reasoned:
    """Ask each prompt `config.runs_per_question` times. `tuned`: the tuned model's P(yes) [rows], for the hint.

    A draw is a function of seed and prompt, and a cache answers equal prompts alike, so the first line of a prompt numbers its
    run (`marked_run`). Reading by likelihood puts the reasoning back into the prompt: the model's `max_prompt_tokens` must have room
    for both, or the question is cut off.
    """
    count = config.runs_per_question
    hints = [None] * len(click_prompts) if tuned is None else [float(value) for value in tuned]
    if len(hints) != len(click_prompts):
        raise DataError(f"asking {len(click_prompts)} prompts with {len(hints)} probabilities of the tuned model: expected one per prompt")
    asked = [reasoning_prompt(text, own, config) for text, own in zip(click_prompts, hints, strict=True)]
    marked = [marked_run(text, run) for text in asked for run in range(count)]
    answers = model.generate(marked, max_new_tokens=config.max_new_tokens, temperature=config.temperature, stop="") if marked else []
    verdicts = [said_verdict(answer) for answer in answers]
    told = _by_likelihood(model, marked, answers) if config.reading == "likelihood" else _by_verdict(verdicts)
    found = Reasoned(
        told.reshape(-1, count),
        np.array([len(answer.split()) for answer in answers], np.int64).reshape(-1, count),
        np.array([value is not None for value in verdicts], np.bool_).reshape(-1, count),
    )
    if found.failures:
        _log.info("reasoning: %d of %d runs say neither yes nor no", found.failures, len(answers))
    return found


def said_verdict(answer: str) -> float | None:
    """1 for yes, 0 for no, None for neither: the last yes or no after the thought's end.

    Without one there, the last that closes a clause in the longest segment around the tags (an answer that was cut off while thinking).
    """
    *before, after = _END.split(answer)
    said = verdict(after) if before else None
    if said is not None:
        return said
    closing = _CLOSING.findall(longest_segment(answer))
    return float(closing[-1].lower() == "yes") if closing else None


def longest_segment(answer: str) -> str:
    """The longest part of an answer between its think tags, stripped; the first of equals. What the released code puts back."""
    return max((part.strip() for part in _TAG.split(answer)), key=len)


def _by_likelihood(model: LanguageModel, marked: Sequence[str], answers: Sequence[str]) -> Probabilities:
    """P(yes) after question and reasoning, 0.5 for an answer of nothing."""
    segments = [plain(longest_segment(answer), _SEGMENT_CHARACTERS) for answer in answers]
    rows = [row for row, segment in enumerate(segments) if segment]
    found = np.full(len(answers), 0.5)
    if rows:
        found[rows] = likelihood_probability(model, [f"{marked[row]}\n<think>\n{segments[row]}\n</think>\n{ANSWER_MARK}" for row in rows])
    return found


def _by_verdict(verdicts: Sequence[float | None]) -> Probabilities:
    return np.array([0.5 if value is None else value for value in verdicts], np.float64)


def _question(click_prompt: str) -> str:
    return click_prompt.removesuffix(ANSWER_MARK).rstrip("\n")
