"""Downloads from hostile hosts on the loopback: an error that says what happened, and the target exactly as it was."""

import dataclasses
import gzip
import hashlib
import io
import json
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from corpus_pipeline.errors import FetchError, PinError
from corpus_pipeline.sources import pins
from corpus_pipeline.sources.fetch import Patience, fetch, new_session

DATA = b"id,title\n" + bytes(range(33, 126)) * 4000  # 372 kB: more than one read
HASH = hashlib.sha256(DATA).hexdigest()
HURRIED = Patience(connect=2, read=0.5, deadline=1.5, attempts=3, backoff=0, redirects=3, size=1_000_000)
Answer = Callable[["Handler"], None]


@dataclass
class Host:
    """A server whose answers a test writes: `answers` one by one, the last for ever."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)

    def next(self, headers: dict[str, str]) -> Answer:
        self.asked.append(headers)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Handler(BaseHTTPRequestHandler):
    host: Host
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.close_connection = True
        self.host.next(dict(self.headers))(self)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def say(self, status: int, body: bytes = b"", **headers: object) -> None:
        """An answer with exactly these headers; `_` in a name stands for `-`."""
        lines = [f"HTTP/1.1 {status} Word", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
        self.wfile.write("\r\n".join(lines).encode("latin-1") + b"\r\nConnection: close\r\n\r\n" + body)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is part of the tests."""


@pytest.fixture
def host() -> Iterator[Host]:
    found = Host()
    server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"host": found}))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}/data.csv"
    yield found
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with new_session(HURRIED) as found:
        found.trust_env = False
        yield found


def whole(body: bytes = DATA, **headers: object) -> Answer:
    return lambda h: h.say(200, body, Content_Length=len(body), **headers)


def cut(after: int, body: bytes = DATA, **headers: object) -> Answer:
    """Announces all of `body` and hangs up early."""
    return lambda h: h.say(200, body[:after], Content_Length=len(body), **headers)


def ranged(body: bytes = DATA, etag: str = '"v1"') -> Answer:
    """A good host: the rest, when asked for it and the file is the same."""

    def answer(h: Handler) -> None:
        asked = h.headers.get("Range")
        if asked is None or h.headers.get("If-Range") != etag:
            return h.say(200, body, Content_Length=len(body), ETag=etag)
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        span = f"bytes {start}-{len(body) - 1}/{len(body)}"
        return h.say(206, body[start:], Content_Length=len(body) - start, Content_Range=span, ETag=etag)

    return answer


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> Answer:
    framed = b"".join(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in chunks)
    return lambda h: h.say(200, framed + end, Transfer_Encoding="chunked")


def zipped(name: str = "a.csv") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr(name, DATA)
    return out.getvalue()


# --- what works


@pytest.mark.parametrize("sha256", [None, HASH, HASH.upper()])
@pytest.mark.parametrize("answer", [whole(), ranged(), chunked(DATA[:1000], DATA[1000:])], ids=["length", "ranges", "chunks"])
def test_a_whole_file(host: Host, session: requests.Session, tmp_path: Path, sha256: str | None, answer: Answer) -> None:
    host.answers = [answer]
    seen: list[tuple[int, int]] = []
    into = tmp_path / "new" / "data.csv"
    tell = lambda done, total: seen.append((done, total))  # noqa: E731
    assert fetch([host.url], into, sha256=sha256, progress=tell, session=session, patience=HURRIED) == into
    assert into.read_bytes() == DATA
    assert [path.name for path in into.parent.iterdir()] == ["data.csv"]
    assert seen[-1][0] == len(DATA)
    assert {total for _, total in seen} <= {0, len(DATA)}
    assert host.asked[0]["Accept-Encoding"] == "identity"
    assert len(host.asked) == 1


def test_a_file_already_there_needs_no_network(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(DATA)
    assert fetch(["http://127.0.0.1:1/data.csv"], tmp_path / "data.csv", sha256=HASH).read_bytes() == DATA


def test_a_finished_partial_file_needs_no_network(tmp_path: Path) -> None:
    (tmp_path / "data.csv.partial").write_bytes(DATA)
    assert fetch(["http://127.0.0.1:1/data.csv"], tmp_path / "data.csv", sha256=HASH).read_bytes() == DATA


def test_another_file_there_is_replaced(host: Host, session: requests.Session, tmp_path: Path) -> None:
    host.answers = [whole()]
    (tmp_path / "data.csv").write_bytes(b"old")
    fetch([host.url], tmp_path / "data.csv", sha256=HASH, session=session, patience=HURRIED)
    assert (tmp_path / "data.csv").read_bytes() == DATA


def test_a_cut_download_is_resumed_and_equals_an_uncut_one(host: Host, session: requests.Session, tmp_path: Path) -> None:
    host.answers = [cut(100_000, ETag='"v1"'), ranged()]
    fetch([host.url], tmp_path / "data.csv", sha256=HASH, session=session, patience=HURRIED)
    assert (tmp_path / "data.csv").read_bytes() == DATA
    assert (host.asked[1]["Range"], host.asked[1]["If-Range"]) == ("bytes=100000-", '"v1"')


def test_a_later_run_resumes(host: Host, session: requests.Session, tmp_path: Path) -> None:
    host.answers = [cut(100_000, ETag='"v1"')]
    once = Patience(read=0.5, attempts=1, backoff=0)
    with pytest.raises(FetchError, match="connection broke after 100,000 bytes"):
        fetch([host.url], tmp_path / "data.csv", sha256=HASH, session=session, patience=once)
    host.answers = [ranged()]
    fetch([host.url], tmp_path / "data.csv", sha256=HASH, session=session, patience=once)
    assert (tmp_path / "data.csv").read_bytes() == DATA
    assert [asked.get("Range") for asked in host.asked] == [None, "bytes=100000-"]


@pytest.mark.parametrize(
    "second",
    [
        whole(),
        whole(ETag='"v2"'),
        lambda h: h.say(206, DATA[5:], Content_Length=len(DATA) - 5, Content_Range=f"bytes 5-{len(DATA) - 1}/{len(DATA)}"),
        lambda h: h.say(206, DATA[: len(DATA) - 100_000], Content_Range=f"bytes 0-{len(DATA) - 1}/{len(DATA)}"),
        lambda h: h.say(206, DATA, Content_Length=len(DATA)),
        lambda h: h.say(206, DATA[100_000:], Content_Range=f"bytes 100000-{len(DATA) - 1}/999999", Content_Length=len(DATA) - 100_000),
        lambda h: h.say(206, b"x" * (len(DATA) - 100_000), Content_Range=f"bytes 100000-{len(DATA) - 1}/{len(DATA)}", ETag='"v2"'),
        lambda h: h.say(206, DATA[100_000:200_000], Content_Range=f"bytes 100000-199999/{len(DATA)}", Content_Length=100_000),
        lambda h: h.say(206, DATA, Content_Type="multipart/byteranges; boundary=x", Content_Length=len(DATA)),
        lambda h: h.say(416, b"", Content_Range=f"bytes */{len(DATA)}", Content_Length=0),
        lambda h: h.say(416, b"", Content_Length=0),
    ],
    ids=[
        "200 instead of 206", "200 of another version", "206 from another byte", "206 from the first byte", "206 without a range",
        "206 of another length",
        "206 of another version", "206 of a piece", "206 multipart", "416 with the length", "416",
    ],
)  # fmt: skip
def test_resuming_against_odd_hosts_starts_over(host: Host, session: requests.Session, tmp_path: Path, second: Answer) -> None:
    host.answers = [cut(100_000, ETag='"v1"'), second, ranged()]
    fetch([host.url], tmp_path / "data.csv", session=session, patience=HURRIED)  # no hash that would find wrong bytes
    assert ["Range" in asked for asked in host.asked[:3]] == [False, True, False][: len(host.asked)]
    assert (tmp_path / "data.csv").read_bytes() == DATA
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]


@pytest.mark.parametrize(("sent", "is_resumed"), [(DATA[100_000:100_010], True), (DATA[99_000:], False)], ids=["short", "long"])
def test_a_part_of_another_length_than_its_range(
    host: Host, session: requests.Session, tmp_path: Path, sent: bytes, is_resumed: bool
) -> None:
    span = f"bytes 100000-{len(DATA) - 1}/{len(DATA)}"
    odd: Answer = lambda h: h.say(206, sent, Content_Range=span, Content_Length=len(sent), ETag='"v1"')  # noqa: E731
    host.answers = [cut(100_000, ETag='"v1"'), odd, ranged()]
    fetch([host.url], tmp_path / "data.csv", session=session, patience=HURRIED)
    assert (tmp_path / "data.csv").read_bytes() == DATA
    assert host.asked[2].get("Range") == ("bytes=100010-" if is_resumed else None)


@pytest.mark.parametrize("first", [cut(100_000), cut(100_000, ETag='W/"v1"')], ids=["nothing", "a weak tag"])
def test_nothing_is_resumed_without_proof(host: Host, session: requests.Session, tmp_path: Path, first: Answer) -> None:
    host.answers = [first, ranged()]
    fetch([host.url], tmp_path / "data.csv", sha256=HASH, session=session, patience=HURRIED)
    assert ["Range" in asked for asked in host.asked] == [False, False]


def test_bytes_of_another_address_are_not_resumed(host: Host, session: requests.Session, tmp_path: Path) -> None:
    host.answers = [cut(100_000, b"z" * len(DATA), ETag='"v1"'), ranged()]
    once = dataclasses.replace(HURRIED, attempts=1)
    fetch([host.url, host.url + "?mirror"], tmp_path / "data.csv", session=session, patience=once)
    assert (tmp_path / "data.csv").read_bytes() == DATA
    assert ["Range" in asked for asked in host.asked] == [False, False]


def test_a_busy_host_is_asked_again(host: Host, session: requests.Session, tmp_path: Path) -> None:
    host.answers = [lambda h: h.say(503, Content_Length=0, Retry_After=86_400), whole()]
    fetch([host.url], tmp_path / "data.csv", session=session, patience=HURRIED)
    assert len(host.asked) == 2


def test_mirrors_are_tried_in_order(host: Host, session: requests.Session, tmp_path: Path) -> None:
    host.answers = [lambda h: h.say(404, Content_Length=0), whole(b"other"), whole()]
    fetch([host.url, host.url + "?2", host.url + "?3"], tmp_path / "data.csv", sha256=HASH, session=session, patience=HURRIED)
    assert (tmp_path / "data.csv").read_bytes() == DATA


def test_a_gz_file_called_gzip_encoded_is_kept_as_it_is(host: Host, session: requests.Session, tmp_path: Path) -> None:
    packed = gzip.compress(DATA)
    host.answers = [whole(packed, Content_Encoding="x-gzip")]
    fetch([host.url], tmp_path / "data.csv.gz", session=session, patience=HURRIED)
    assert (tmp_path / "data.csv.gz").read_bytes() == packed


# --- what must not work


def redirect(to: str) -> Answer:
    return lambda h: h.say(302, Location=to, Content_Length=0)


def drip(h: Handler) -> None:
    h.say(200, Content_Length=len(DATA))
    for i in range(40):
        h.wfile.write(DATA[i : i + 1])
        time.sleep(0.1)


def stall(h: Handler) -> None:
    h.say(200, DATA[:10], Content_Length=len(DATA))
    time.sleep(1)


def greet(h: Handler) -> None:
    h.wfile.write(b"SSH-2.0-OpenSSH\r\n")


def endless(h: Handler) -> None:
    h.say(200, Transfer_Encoding="chunked")
    for _ in range(200):
        h.wfile.write(b"8000\r\n" + bytes(32768) + b"\r\n")


HTML = b"<!DOCTYPE html>\n<html><title>Sign in</title></html>" + b" " * 600
HOSTILE: dict[str, tuple[str, Answer, str]] = {
    "not found": ("a.csv", lambda h: h.say(404, b"gone", Content_Length=4), "status 404"),
    "forbidden": ("a.csv", lambda h: h.say(403, Content_Length=0), "status 403"),
    "no content": ("a.csv", lambda h: h.say(204), "status 204"),
    "a range nobody asked for": ("a.csv", lambda h: h.say(206, DATA, Content_Length=len(DATA)), "status 206"),
    "a page in place of a zip": ("a.zip", whole(HTML, Content_Type="application/zip"), "the host sent HTML"),
    "a page in place of a table": ("a.csv", whole(HTML), "the host sent HTML"),
    "an error in XML": ("a.csv", whole(b"<?xml version='1.0'?><Error/>"), "the host sent XML"),
    "a zip in place of a gzip": ("a.tar.gz", whole(zipped()), "is a zip archive by its first bytes"),
    "a pointer in place of the file": ("a.csv", whole(b"version https://git-lfs.github.com/spec/v1\n"), "Git LFS pointer"),
    "an empty file": ("a.csv", whole(b""), "empty file"),
    "an empty file in chunks": ("a.csv", chunked(), "empty file"),
    "always cut": ("a.csv", cut(1000), "connection broke after 1,000 bytes"),
    "always cut, resumable": ("a.csv", cut(1000, ETag='"v1"'), "connection broke after"),
    "cut chunks": ("a.csv", chunked(DATA, end=b""), "connection broke"),
    "half a chunk": ("a.csv", chunked(end=b"ffff\r\nabc"), "connection broke"),
    "a chunk of nonsense": ("a.csv", chunked(DATA, end=b"xyz\r\n"), "connection broke"),
    "neither length nor chunks": ("a.csv", lambda h: h.say(200, DATA), "neither a length nor chunks"),
    "a length of nonsense": ("a.csv", lambda h: h.say(200, DATA, Content_Length="many"), "a length of 'many'"),
    "a negative length": ("a.csv", lambda h: h.say(200, DATA, Content_Length=-1), "a length of '-1'"),
    "announced too large": ("a.csv", lambda h: h.say(200, DATA, Content_Length=10**12), "announces 1,000,000,000,000 bytes"),
    "endless": ("a.csv", endless, "more than 1,000,000 bytes"),
    "stalled": ("a.csv", stall, "connection broke after 10 bytes"),
    "a byte at a time": ("a.csv", drip, "in 1.5 seconds"),
    "encoded": ("a.csv", whole(gzip.compress(DATA), Content_Encoding="gzip"), "encoded as gzip"),
    "encoded strangely": ("a.csv.gz", whole(gzip.compress(DATA), Content_Encoding="br"), "encoded as br"),
    "redirected in a circle": ("a.csv", redirect("/data.csv"), "redirects more than 3 times"),
    "redirected to a file": ("a.csv", redirect("file:///etc/passwd"), "cannot be fetched"),
    "redirected nowhere": ("a.csv", redirect("http://[::1"), "cannot be fetched"),
    "always busy": ("a.csv", lambda h: h.say(503, Content_Length=0), "status 503"),
    "too many requests": ("a.csv", lambda h: h.say(429, Retry_After="999999", Content_Length=0), "status 429"),
    "no HTTP": ("a.csv", greet, "no answer"),
    "hangs up": ("a.csv", lambda h: None, "no answer"),
    "silent": ("a.csv", lambda h: time.sleep(1), "no answer"),
    "headers without end": ("a.csv", lambda h: h.say(200, DATA, **{f"X{i}": "y" * 500 for i in range(300)}), "no answer"),
}


@pytest.mark.parametrize("case", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("previous", [None, b"what was there"])
def test_hostile_hosts(
    host: Host, session: requests.Session, tmp_path: Path, case: tuple[str, Answer, str], previous: bytes | None
) -> None:
    name, answer, saying = case
    host.answers = [answer]
    into = tmp_path / name
    if previous is not None:
        into.write_bytes(previous)
    patience = dataclasses.replace(HURRIED, attempts=1) if answer is drip else HURRIED
    with pytest.raises(FetchError, match=saying) as caught:
        fetch([host.url], into, session=session, patience=patience)
    assert host.url in str(caught.value)
    assert "expected" in str(caught.value)
    assert (into.read_bytes() if into.exists() else None) == previous
    assert len(host.asked) <= 4
    assert {path.name for path in tmp_path.iterdir()} <= {name, f"{name}.partial", f"{name}.partial.json"}


def test_other_bytes_than_pinned(host: Host, session: requests.Session, tmp_path: Path) -> None:
    host.answers = [whole(DATA + b"x")]
    (tmp_path / "data.csv").write_bytes(b"old")
    with pytest.raises(FetchError, match=f"its bytes have SHA-256 [0-9a-f]{{64}}, pinned is {HASH}"):
        fetch([host.url], tmp_path / "data.csv", sha256=HASH, session=session, patience=HURRIED)
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]
    assert (tmp_path / "data.csv").read_bytes() == b"old"


def test_every_address_is_quoted(host: Host, session: requests.Session, tmp_path: Path) -> None:
    host.answers = [lambda h: h.say(404, Content_Length=0), whole(HTML)]
    with pytest.raises(FetchError) as caught:
        fetch([host.url + "?1", host.url + "?2", "ftp://127.0.0.1/x"], tmp_path / "a.zip", session=session, patience=HURRIED)
    said = str(caught.value)
    for part in (
        "none of 3 addresses",
        "?1: it answers with status 404",
        "?2: the host sent HTML",
        "ftp://127.0.0.1/x: it is, or leads to",
    ):
        assert part in said


def test_no_address_is_known(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="none is known"):
        fetch([], tmp_path / "a.csv")


def test_no_connection_keeps_what_was_gathered(host: Host, session: requests.Session, tmp_path: Path) -> None:
    note = {"url": "http://127.0.0.1:1/a.csv", "total": 9, "validator": '"v1"'}
    (tmp_path / "a.csv.partial").write_bytes(b"half")
    (tmp_path / "a.csv.partial.json").write_text(json.dumps(note))
    with pytest.raises(FetchError, match="no answer"):
        fetch([str(note["url"])], tmp_path / "a.csv", session=session, patience=HURRIED)
    assert (tmp_path / "a.csv.partial").read_bytes() == b"half"


@pytest.mark.parametrize("note", [b"", b"[]", b"{", b'{"url": 1}', b'{"total": "9", "validator": "x"}', b"\xff"])
def test_a_spoilt_note_means_starting_over(host: Host, session: requests.Session, tmp_path: Path, note: bytes) -> None:
    (tmp_path / "a.csv.partial").write_bytes(b"half")
    (tmp_path / "a.csv.partial.json").write_bytes(note)
    host.answers = [ranged()]
    fetch([host.url], tmp_path / "a.csv", session=session, patience=HURRIED)
    assert (tmp_path / "a.csv").read_bytes() == DATA
    assert "Range" not in host.asked[0]


def test_a_folder_that_cannot_be_written(host: Host, session: requests.Session, tmp_path: Path) -> None:
    host.answers = [whole()]
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FetchError, match="make room"):
        fetch([host.url], tmp_path / "file" / "a.csv", session=session, patience=HURRIED)


def test_encryption_is_not_given_up() -> None:
    from corpus_pipeline.sources.response import Fault, body

    safe, plain = requests.Response(), requests.Response()
    safe.url, plain.url, plain.status_code, plain.history = "https://a.test/x", "http://a.test/x", 200, [safe]
    plain.headers["Content-Length"] = "5"
    with pytest.raises(Fault, match="without encryption"):
        body(plain, start=0, known=None, name="x", limit=9)
    plain.url = "https://b.test/x"
    assert body(plain, start=0, known=None, name="x", limit=9).total == 5


def test_waits_grow_and_are_bounded(host: Host, session: requests.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    host.answers = [lambda h: h.say(200, b"", Content_Length=9)]
    with pytest.raises(FetchError):
        fetch([host.url], tmp_path / "a.csv", session=session, patience=Patience(read=2, attempts=8, backoff=1))
    assert waits == [1, 2, 4, 8, 16, 30, 30]


# --- with pins


def test_a_file_is_pinned_before_it_is_in_place(host: Host, session: requests.Session, tmp_path: Path) -> None:
    lock, into = tmp_path / "pins.json", tmp_path / "down" / "a.csv"

    def check(path: Path) -> object:
        return pins.pin(lock, host.url, path, today="2025-01-31")

    host.answers = [whole()]
    fetch([host.url], into, verify=check, session=session, patience=HURRIED)
    host.answers = [whole(b"changed")]
    with pytest.raises(PinError, match=HASH):
        fetch([host.url], into, verify=check, session=session, patience=HURRIED)
    assert into.read_bytes() == DATA
    assert [path.name for path in into.parent.iterdir()] == ["a.csv"]
