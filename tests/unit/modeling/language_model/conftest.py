"""Fixtures of the language model's unit tests: one thread, a tiny Llama in a folder, an endpoint on this machine."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch

from modeling.language_model.local import LocalModel

TEXTS = (
    "A crew in space is hunted by an alien.",
    "Astronauts meet a hostile creature aboard their ship.\nThe ship is lost.",
    "A baker falls in love with a thief (1999).",
    "seeker: I like films about ships.\nrecommender: Then see one about the sea.",
)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama (2 layers, width 32) with its own tokenizer, saved as anybody would save one: no manifest, nothing of ours."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    learned = Tokenizer(models.BPE())
    learned.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    learned.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    marks = ["<pad>", "<s>", "</s>"]
    learned.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=340, special_tokens=marks, initial_alphabet=alphabet, show_progress=False)
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=learned, bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=len(tokenizer),
                hidden_size=32,
                intermediate_size=64,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=2,
                initializer_range=0.3,  # wide, so that answers differ from prompt to prompt
                tie_word_embeddings=True,
                bos_token_id=1,
                eos_token_id=2,
                pad_token_id=0,
            )
        )
    folder = tmp_path_factory.mktemp("tiny")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> LocalModel:
    """The tiny Llama, loaded."""
    return LocalModel.load(tiny_folder)


class Server:
    """An OpenAI-compatible server on 127.0.0.1: `replies` are sent one after another, the last one again and again."""

    def __init__(self) -> None:
        """Start listening; replies are (status, body) where a text is wrapped into a chat completion."""
        self.replies: list[tuple[int, Any]] = [(200, "yes")]
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.prompt_tokens, self.completion_tokens = 10, 5
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """What base_url is set to."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reply(self) -> tuple[int, bytes]:
        """The next reply."""
        status, body = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(body, bytes):
            return status, body
        if isinstance(body, str) and status == 200:
            usage = {"prompt_tokens": self.prompt_tokens, "completion_tokens": self.completion_tokens, "total_tokens": 15}
            message = {"role": "assistant", "content": body}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            body = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}
        return status, json.dumps(body).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                server.requests.append(json.loads(content))
                server.keys.append(self.headers.get("Authorization", ""))
                status, body = server.reply()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("retry-after-ms", "1")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Not on the terminal."""

        return Handler


def plant_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key in the environment; nothing goes through a proxy."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("PLANTED_KEY", "sk-planted-4711-secret")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A running server, and a planted key."""
    plant_key(monkeypatch)
    running = Server()
    yield running
    running.close()
