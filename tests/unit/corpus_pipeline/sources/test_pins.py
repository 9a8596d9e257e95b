"""Pin on first use: the first bytes seen are the file, others are refused until a person accepts them."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_pipeline.errors import PinError
from corpus_pipeline.sources.pins import Pin, pin, pinned

URL = "https://example.test/a.csv"


def file(folder: Path, content: bytes) -> Path:
    path = folder / "a.csv"
    path.write_bytes(content)
    return path


def test_the_first_use_pins(tmp_path: Path) -> None:
    lock = tmp_path / "state" / "pins.json"
    assert pinned(lock, URL) is None
    seen = pin(lock, URL, file(tmp_path, b"one"), today="2025-01-31")
    assert seen == Pin(hashlib.sha256(b"one").hexdigest(), 3, "2025-01-31") == pinned(lock, URL)
    assert [path.name for path in lock.parent.iterdir()] == ["pins.json"]


def test_the_same_bytes_later_keep_the_first_date_and_the_file(tmp_path: Path) -> None:
    lock = tmp_path / "pins.json"
    pin(lock, URL, file(tmp_path, b"one"), today="2025-01-31")
    before = lock.read_bytes()
    assert pin(lock, URL, file(tmp_path, b"one"), today="2026-01-31").first_seen == "2025-01-31"
    assert lock.read_bytes() == before


def test_other_bytes_are_refused_and_can_be_accepted(tmp_path: Path) -> None:
    lock = tmp_path / "pins.json"
    pin(lock, URL, file(tmp_path, b"one"), today="2025-01-31")
    pin(lock, URL + "?other", file(tmp_path, b"one"), today="2025-01-31")
    before = lock.read_bytes()
    with pytest.raises(PinError) as caught:
        pin(lock, URL, file(tmp_path, b"three"), today="2026-01-31")
    for part in (
        hashlib.sha256(b"one").hexdigest(),
        hashlib.sha256(b"three").hexdigest(),
        "2025-01-31",
        str(lock),
        URL,
        "remove the entry",
    ):
        assert part in str(caught.value)
    assert lock.read_bytes() == before
    entries = json.loads(before)
    del entries[URL]
    lock.write_text(json.dumps(entries))
    assert pin(lock, URL, file(tmp_path, b"three"), today="2026-01-31").first_seen == "2026-01-31"
    assert sorted(json.loads(lock.read_text())) == [URL, URL + "?other"]


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b"\xff",
        b"7",
        b'{"u": 7}',
        b'{"u": {}}',
        b'{"u": {"sha256": "x", "bytes": 1, "first_seen": "d"}}',
        b'{"u": {"sha256": null, "bytes": 1, "first_seen": "d"}}',
        b'{"u": {"sha256": "%s", "bytes": "1", "first_seen": "d"}}' % (b"0" * 64),
    ],
)
def test_a_lock_that_is_none_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    lock = tmp_path / "pins.json"
    lock.write_bytes(content)
    with pytest.raises(PinError, match="expected JSON"):
        pin(lock, URL, file(tmp_path, b"one"), today="2025-01-31")
    assert lock.read_bytes() == content


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=5, unique=True))
def test_the_lock_does_not_depend_on_the_order_of_first_uses(tmp_path_factory: pytest.TempPathFactory, urls: list[str]) -> None:
    folder = tmp_path_factory.mktemp("pins")
    for lock, order in ((folder / "a.json", urls), (folder / "b.json", urls[::-1])):
        for url in order:
            pin(lock, url, file(folder, url.encode(errors="replace")), today="2025-01-31")
    assert (folder / "a.json").read_bytes() == (folder / "b.json").read_bytes()
