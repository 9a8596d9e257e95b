"""An endpoint on this machine: answers, choices, retries, budgets, what cannot be read, and a key that appears nowhere."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.artifacts import write_manifest
from modeling.errors import BudgetError, DataError, EndpointError
from modeling.language_model.cache import CachedModel
from modeling.language_model.config import EndpointConfig
from modeling.language_model.endpoint import Endpoint, Usage, parsed_choice, structured
from tests.unit.modeling.language_model.conftest import Server

KEY = "sk-planted-4711-secret"
Make = Callable[..., Endpoint]


@pytest.fixture
def make(server: Server) -> Make:
    """An endpoint at the server, with the settings given."""

    def made(**settings: Any) -> Endpoint:
        given: dict[str, Any] = {"base_url": server.url, "model": "m", "key_variable": "PLANTED_KEY", "retries": 2}
        return Endpoint(EndpointConfig(**given | settings))

    return made


def test_a_chat_completion(server: Server, make: Make) -> None:
    server.replies = [(200, " A film about ships\nand more"), (200, "two")]
    endpoint = make(seed=7)
    assert endpoint.generate(["query:", "again:"], max_new_tokens=9) == ["A film about ships", "two"]
    asked = server.requests[0]
    assert (asked["model"], asked["messages"]) == ("m", [{"role": "user", "content": "query:"}])
    assert (asked["max_completion_tokens"], asked["temperature"], asked["stop"], asked["seed"]) == (9, 0.0, ["\n"], 7)
    assert server.keys == [f"Bearer {KEY}"] * 2
    assert endpoint.spent == Usage(20, 10, 2) and endpoint.last_usage == Usage(10, 5, 1)


@pytest.mark.parametrize("structure", ["json_schema", "vllm", "none"])
def test_a_structured_choice(server: Server, make: Make, structure: str) -> None:
    server.replies = [(200, '{"choice": "Aliens"}' if structure == "json_schema" else "Aliens")]
    endpoint = make(structure=structure)
    choices = ["Alien", "Aliens", "Heat", "Aliens"]
    assert endpoint.choose(["best?"], [choices]) == [1]
    np.testing.assert_array_equal(endpoint.score(["best?"], [choices])[0], [-1.0, 0.0, -3.0, -4.0])
    asked = server.requests[0]
    if structure == "json_schema":
        schema = asked["response_format"]["json_schema"]["schema"]
        assert schema["properties"]["choice"]["enum"] == ["Alien", "Aliens", "Heat"]
    elif structure == "vllm":
        assert asked["structured_outputs"] == {"choice": ["Alien", "Aliens", "Heat"]}
    else:
        assert asked["messages"][0]["content"].endswith("Alien; Aliens; Heat")


def embeddings(*vectors: list[float], order: list[int] | None = None) -> dict[str, Any]:
    data = [{"object": "embedding", "index": i, "embedding": vectors[i]} for i in order or range(len(vectors))]
    return {"object": "list", "model": "m", "data": data, "usage": {"prompt_tokens": 10, "total_tokens": 10}}


def test_embeddings_come_in_the_order_of_the_texts(server: Server, make: Make) -> None:
    server.replies = [(200, embeddings([1.0, 0.0], [0.0, 2.0], order=[1, 0]))]
    endpoint = make()
    np.testing.assert_array_equal(endpoint.embed(["a", "b"]), np.array([[1, 0], [0, 2]], np.float32))
    assert server.requests[0]["input"] == ["a", "b"] and endpoint.spent == Usage(10, 0, 1)


def test_many_texts_take_several_calls(server: Server, make: Make) -> None:
    server.replies = [(200, embeddings(*[[1.0]] * 64)), (200, embeddings([2.0]))]
    assert make().embed([str(number) for number in range(65)])[:, 0].tolist() == [1.0] * 64 + [2.0]
    assert [len(asked["input"]) for asked in server.requests] == [64, 1]


@pytest.mark.parametrize(
    "body", [embeddings([1.0]), embeddings([1.0], []), embeddings([1.0], [float("nan")]), embeddings([1.0], [2.0], [3.0]), {"data": None}]
)
def test_embeddings_that_cannot_be_read(server: Server, make: Make, body: dict[str, Any]) -> None:
    server.replies = [(200, body)]
    with pytest.raises(EndpointError, match="expected 2 embeddings"):
        make().embed(["a", "b"])


def test_vectors_of_several_lengths_and_no_text(server: Server, make: Make) -> None:
    server.replies = [(200, embeddings([1.0], [1.0, 2.0]))]
    with pytest.raises(EndpointError, match="several lengths"):
        make().embed(["a", "b"])
    with pytest.raises(DataError, match="no text"):
        make().embed([])


def test_embedding_stops_before_the_budget(server: Server, make: Make) -> None:
    server.replies = [(200, embeddings([1.0]))]
    endpoint = make(token_budget=50)
    endpoint.embed(["a"])
    with pytest.raises(BudgetError):
        endpoint.embed(["a" * 40])
    assert len(server.requests) == 1


def test_one_choice_asks_nothing(server: Server, make: Make) -> None:
    assert make().choose(["best?"], [["Heat", "Heat"]]) == [0]
    assert server.requests == []


def test_busy_and_broken_servers_are_asked_again(server: Server, make: Make) -> None:
    server.replies = [(429, {"error": {"message": "slow down"}}), (500, {"error": {"message": "oops"}}), (200, "there")]
    endpoint = make()
    assert endpoint.generate(["x"], max_new_tokens=3) == ["there"]
    assert len(server.requests) == 3 and endpoint.spent.calls == 1


def test_a_server_that_stays_broken(server: Server, make: Make) -> None:
    server.replies = [(503, {"error": {"message": "down"}})]
    with pytest.raises(EndpointError, match=r"calling 'm': InternalServerError 503.*it was tried 3 times"):
        make().generate(["x"], max_new_tokens=3)
    assert len(server.requests) == 3


def test_a_server_that_is_not_there(make: Make, server: Server) -> None:
    with pytest.raises(EndpointError, match="APIConnectionError"):
        make(base_url="http://127.0.0.1:9/v1", retries=0).generate(["x"], max_new_tokens=3)
    assert server.requests == []


@pytest.mark.parametrize("body", [b"not json", b"{}", b"[]", b'"text"', b'{"choices": []}', b'{"choices": [{}]}', b'{"choices": 3}'])
def test_a_reply_that_cannot_be_read(server: Server, make: Make, body: bytes) -> None:
    server.replies = [(200, body)]
    endpoint = make(retries=0)
    with pytest.raises(EndpointError, match=r"calling 'm': .*expected a chat completion"):
        endpoint.generate(["x"], max_new_tokens=3)
    assert endpoint.spent.calls == 1  # it may have cost something


def test_a_refusal_is_an_empty_answer(server: Server, make: Make) -> None:
    message = {"role": "assistant", "content": None, "refusal": "no"}
    server.replies = [(200, {"choices": [{"index": 0, "message": message}]})]
    endpoint = make()
    assert endpoint.generate(["hello"], max_new_tokens=3) == [""]
    assert endpoint.spent == Usage(5 + 32, 3, 1)  # nothing was counted: the most it can have been


def test_an_answer_outside_the_choices(server: Server, make: Make) -> None:
    server.replies = [(200, "Titanic"), (200, '{"choice": "Heat"}')]
    assert make().choose(["best?"], [["Alien", "Heat"]]) == [1]
    server.replies = [(200, "Titanic")]
    with pytest.raises(EndpointError, match=r"answered 'Titanic', expected one of 2 choices.*set another one"):
        make().choose(["best?"], [["Alien", "Heat"]])


def test_the_token_budget_ends_before_it_is_exceeded(server: Server, make: Make) -> None:
    endpoint = make(token_budget=70)  # one call is at most 1 + 32 + 3 tokens, and costs 15
    endpoint.generate(["x"], max_new_tokens=3)
    endpoint.generate(["x"], max_new_tokens=3)
    with pytest.raises(BudgetError, match=r"2 calls have used 30 tokens.*budget of 70 tokens.*raise token_budget"):
        endpoint.generate(["x", "y", "z"], max_new_tokens=30)
    endpoint.generate(["x"], max_new_tokens=3)  # a smaller call still fits
    assert len(server.requests) == 3


def test_the_money_budget(server: Server, make: Make) -> None:
    endpoint = make(money_budget=1.0, price_input=10_000.0, price_output=20_000.0)
    endpoint.generate(["x"], max_new_tokens=3)
    assert endpoint.cost(endpoint.spent) == pytest.approx(0.2)
    with pytest.raises(BudgetError, match=r"0\.2000 in money"):
        endpoint.generate(["x" * 60], max_new_tokens=3)
    assert len(server.requests) == 1


def test_threads_share_a_budget(server: Server, make: Make) -> None:
    server.prompt_tokens, server.completion_tokens = 33, 3  # the most that is reserved for a call
    endpoint, refused = make(token_budget=36 * 4), []

    def work() -> None:
        try:
            endpoint.generate(["x"], max_new_tokens=3)
        except BudgetError as error:
            refused.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(refused), endpoint.spent.calls) == (4, 4)


def test_a_key_that_is_not_set(make: Make, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLANTED_KEY")
    with pytest.raises(EndpointError, match="the environment variable PLANTED_KEY is not set"):
        make().generate(["x"], max_new_tokens=3)
    make(key_variable="").generate(["x"], max_new_tokens=3)
    assert server.keys == ["Bearer none"]


def test_lists_that_do_not_match(make: Make) -> None:
    for choices in ([["a"]], [["a"], []]):
        with pytest.raises(DataError, match="expected one list with at least one choice"):
            make().choose(["x", "y"], choices)


def test_a_planted_key_appears_nowhere(server: Server, make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    endpoint = make()
    cached = CachedModel(endpoint, tmp_path / "answers.sqlite", chunk=1)
    cached.generate(["x"], max_new_tokens=3)
    told = [repr(endpoint), repr(cached), repr(endpoint.config), endpoint.identity, str(endpoint.config.to_mapping())]
    for status in (401, 400, 500):
        server.replies = [(status, {"error": {"message": f"bad key {KEY} in request", "code": KEY}})]
        with pytest.raises(EndpointError) as failed:
            cached.generate([f"ask {status}"], max_new_tokens=3)
        told += [failed.getrepr(style="long").__str__(), "".join(map(str, failed.value.args))]
    write_manifest(
        tmp_path, model="m", config=endpoint.config.to_mapping(), seed=0, parents={"teacher": endpoint.identity}, metrics={}, files=()
    )
    told += [path.read_bytes().decode("latin-1") for path in tmp_path.iterdir()]
    assert "[key]" in "".join(told) and len(caplog.records) > 5
    assert not [text for text in (*told, caplog.text) if KEY in text or "4711" in text]


titles = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=5, unique=True)


@given(choices=titles, answer=st.text(max_size=20) | st.sampled_from(["", "{}", "[" * 5000, '{"choice": 3}', "null"]))
def test_any_answer_is_parsed_or_none(choices: list[str], answer: str) -> None:
    picked = parsed_choice(answer, choices)
    assert picked is None or 0 <= picked < len(choices)


@given(choices=titles, data=st.data())
def test_a_choice_said_word_for_word_is_found(choices: list[str], data: st.DataObject) -> None:
    import json

    index = data.draw(st.integers(0, len(choices) - 1))
    assert parsed_choice(json.dumps({"choice": choices[index]}), choices) == index


@pytest.mark.parametrize(
    ("answer", "index"),
    [("aliens.", 1), ("I would watch Aliens tonight", 1), ('"Heat"', 2), ("Heat or Alien", None), ("Titanic", None), ("", None)],
)
def test_what_an_answer_in_words_means(answer: str, index: int | None) -> None:
    assert parsed_choice(answer, ["Alien", "Aliens", "Heat"]) == index


def test_no_structure_is_nothing_said() -> None:
    assert structured("none", ["a"]) == {}
