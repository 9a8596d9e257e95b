"""Whether a host answers: a word why not, within the time given, whatever the host does."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests

from corpus_pipeline.sources import reach
from corpus_pipeline.sources.reach import unreachable


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@contextmanager
def answering(status: int) -> Iterator[str]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/file"
        server.shutdown()
        thread.join(5)
    assert asked == ["/file"]  # once, and no redirect was followed


@pytest.mark.parametrize(
    ("status", "said"), [(200, ""), (302, "status 302"), (403, "status 403"), (404, "status 404"), (503, "status 503")]
)
def test_only_the_file_itself_is_an_answer(status: int, said: str) -> None:
    with answering(status) as url:
        assert unreachable(url) == said


def test_a_port_nobody_listens_at() -> None:
    with socket.socket() as taken:  # bound, not listening
        taken.bind(("127.0.0.1", 0))
        assert unreachable(f"http://127.0.0.1:{taken.getsockname()[1]}/file") == "no connection"


def test_a_host_that_never_answers_costs_the_time_given() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        started = time.monotonic()
        assert unreachable(f"http://127.0.0.1:{silent.getsockname()[1]}/file", seconds=0.3) == "no answer within 0.3 s"
        assert time.monotonic() - started < 2


def test_a_name_that_takes_for_ever_to_look_up_costs_the_time_given(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()

    def slow(*_: object, **__: object) -> None:
        stop.wait(20)
        raise requests.ConnectionError("too late")

    monkeypatch.setattr(requests, "head", slow)
    started = time.monotonic()
    assert unreachable("http://127.0.0.1/file", seconds=0.2) == "no answer within 0.2 s"
    assert time.monotonic() - started < 2
    stop.set()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (requests.exceptions.ProxyError("Unable to connect to proxy"), "the proxy does not let it through"),
        (requests.exceptions.SSLError("certificate verify failed"), "its certificate is not trusted"),
        (requests.ConnectionError("NameResolutionError: Failed to resolve"), "its name is not resolved"),
        (requests.ConnectTimeout("slow"), "no answer within 3 s"),
        (requests.exceptions.InvalidURL("no host"), "InvalidURL"),
    ],
)
def test_errors_are_told_in_a_few_words(monkeypatch: pytest.MonkeyPatch, error: Exception, said: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(requests, "head", fail)
    assert reach.unreachable("https://a.test/file") == said
