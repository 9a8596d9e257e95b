"""Reasoning beside the tuned model: hints, runs, what an answer says, what is read by likelihood, and a scripted endpoint."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.click_model.config import ReasoningConfig
from modeling.click_model.reasoning import hint, longest_segment, reason, reasoning_prompt, said_verdict
from modeling.errors import DataError, EndpointError
from modeling.language_model.cache import CachedModel
from modeling.language_model.config import EndpointConfig, LanguageModelConfig
from modeling.language_model.endpoint import Endpoint
from modeling.language_model.local import LocalModel
from tests.unit.modeling.click_model.conftest import Scripted
from tests.unit.modeling.language_model.conftest import Server

PROMPT = 'A (4 stars)\nWill the user like the film "Heat"? ONLY tell me yes or no.\nanswer:'
ANSWER = ReasoningConfig(hint="none", runs=3, reading="answer", max_new_tokens=50)


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (0.71, "is Yes"), (0.29, "is No"), (0.65, "may be Yes"), (0.35, "may be No"), (0.6, "might be Yes"), (0.45, "might be No"),
        (0.5, "might be No"), (1.0, "is Yes"), (0.0, "is No"),
    ],
)  # fmt: skip
def test_hints(probability: float, words: str) -> None:
    assert hint(probability, "graded") == f"Another one thinks the answer {words}."
    assert hint(probability, "paper") == f"Another one thinks the answer might be {words.rpartition(' ')[2]}."
    assert hint(probability, "none") == ""


def test_the_prompt_of_the_reasoning_model() -> None:
    hinted = reasoning_prompt(PROMPT, 0.8, ReasoningConfig()).split("\n")
    assert hinted[:2] == PROMPT.split("\n")[:2] and hinted[2] == "Another one thinks the answer is Yes." and "<think>" in hinted[3]
    assert len(reasoning_prompt(PROMPT, 0.8, ANSWER).split("\n")) == 3
    with pytest.raises(DataError, match="no probability of the tuned model"):
        reasoning_prompt(PROMPT, None, ReasoningConfig())


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("<think>He likes crime. No doubt.</think> Yes", 1.0),
        ("He likes crime.\n</think>\n\n**No**", 0.0),
        ("<think>Yes.</think> The answer is no, since...", 0.0),
        ("<think>a</think> Yes <think>b</think> No.", 0.0),
        ("<think>So the answer is Yes.</think>", 1.0),  # nothing after the tag: the segment counts
        ("<think>There is no reason. He would say yes, I think", 1.0),
        ("<think>There is no reason to", None),  # cut off while thinking
        ("<think>There is no reason to</think> I do not know", None),
        ("Yes", 1.0),
        ("", None),
        ("</think>", None),
        ("nothing of note in Norway", None),
        ("A</THINK>no", 0.0),
    ],
)
def test_what_an_answer_says(answer: str, said: float | None) -> None:
    assert said_verdict(answer) == said


@given(
    thought=st.text(max_size=30),
    last=st.sampled_from(["Yes", "No", "yes.", "**NO**"]),
    filler=st.sampled_from(["", "It is ", "no or yes: "]),
)
def test_the_word_after_the_thought_is_found(thought: str, last: str, filler: str) -> None:
    assert said_verdict(f"<think>{thought}</think>\n{filler}{last}") == float("y" in last.lower())


@given(st.text(max_size=60) | st.text("<>/think yes no.\n", max_size=60))
def test_any_answer_can_be_read(answer: str) -> None:
    assert said_verdict(answer) in (0.0, 1.0, None)
    assert longest_segment(answer) in answer


def test_runs_of_a_scripted_endpoint(server: Server, tmp_path: Path) -> None:
    server.replies = [
        (200, "<think>He liked A.</think> Yes"), (200, "<think>Too long</think> No."), (200, "<think>there is no end to"),
        (200, ""), (200, "?!"), (200, "<think>x</think> yes"),
    ]  # fmt: skip
    endpoint = Endpoint(EndpointConfig(base_url=server.url, model="m", key_variable="PLANTED_KEY"))
    cached = CachedModel(endpoint, tmp_path / "answers.sqlite", chunk=1)
    for _ in range(2):
        found = reason(cached, [PROMPT, PROMPT.replace("Heat", "Alien")], ANSWER)
        np.testing.assert_array_equal(found.probability, [[1.0, 0.0, 0.5], [0.5, 0.5, 1.0]])
        np.testing.assert_array_equal(found.lengths, [[4, 3, 5], [0, 1, 2]])
        np.testing.assert_array_equal(found.has_verdict, [[True, True, False], [False, False, True]])
        assert found.failures == 3
    assert len(server.requests) == 6  # a run is a prompt of its own, and is asked for once
    asked = server.requests[0]
    assert (asked["temperature"], asked["max_completion_tokens"], asked.get("stop")) == (0.6, 50, None)
    assert asked["messages"][0]["content"].startswith("[1]\nA (4 stars)")


def test_runs_before_a_failure_are_kept(server: Server, tmp_path: Path) -> None:
    endpoint = Endpoint(EndpointConfig(base_url=server.url, model="m", key_variable="PLANTED_KEY", retries=0))
    cached = CachedModel(endpoint, tmp_path / "answers.sqlite", chunk=1)
    server.replies = [(200, "</think> Yes"), (500, {"error": {"message": "down"}})]
    with pytest.raises(EndpointError):
        reason(cached, [PROMPT], ANSWER)
    server.replies = [(200, "</think> No")]
    assert reason(cached, [PROMPT], ANSWER).probability.tolist() == [[1.0, 0.0, 0.0]]
    assert len(server.requests) == 4


def test_reading_by_likelihood_puts_the_reasoning_back() -> None:
    model = Scripted(lambda text: "" if text.startswith("[2]") else "<think>He liked\nA very much.</think> Yes", lambda text: (0.0, -1.0))
    found = reason(model, [PROMPT], ReasoningConfig(hinted_runs=2), tuned=np.array([0.9]))
    np.testing.assert_allclose(found.probability, [[1 / (1 + np.exp(-1)), 0.5]])
    assert found.has_verdict.tolist() == [[True, False]]
    first, second, read = model.prompts
    assert "Another one thinks the answer is Yes." in first and second.startswith("[2]")
    assert read == f"{first}\n<think>\nHe liked A very much.\n</think>\nanswer:"


def test_runs_of_a_local_model_differ_and_come_again(tiny: LocalModel) -> None:
    config = ReasoningConfig(hint="none", runs=4, max_new_tokens=8)
    found, again = (reason(tiny, ["A crew in space\nanswer:", "A baker\nanswer:"], config) for _ in range(2))
    np.testing.assert_array_equal(found.probability, again.probability)
    assert found.probability.shape == (2, 4) and len(set(found.probability[0].tolist())) > 1
    assert np.all((found.probability > 0) & (found.probability < 1))
    short = LocalModel(tiny.model, tiny.tokenizer, LanguageModelConfig(max_prompt_tokens=8), "short")
    drawn: list[Any] = short.generate(
        [f"[{run}]\nA long prompt that loses its front" for run in range(4)], max_new_tokens=8, temperature=1.0
    )
    assert len(set(drawn)) > 1  # even where the mark is cut off


def test_no_prompt_and_lists_that_do_not_match() -> None:
    assert reason(Scripted(), [], ANSWER).probability.shape == (0, 3)
    with pytest.raises(DataError, match="expected one per prompt"):
        reason(Scripted(), [PROMPT], ReasoningConfig(), tuned=np.array([0.5, 0.5]))
    with pytest.raises(DataError, match="no probability"):
        reason(Scripted(), [PROMPT], ReasoningConfig())
