"""Pin on first use: a lock file that remembers the SHA-256 of files whose hash the registry does not know. No network here.

The lock is JSON, sorted by address: `{url: {"sha256": ..., "bytes": ..., "first_seen": "2025-01-31"}}`. It belongs to the
workspace, is written whole and renamed into place, and is edited by people only to accept a new file.
"""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from corpus_pipeline.errors import PinError
from corpus_pipeline.store import sha256 as sha256_of
from corpus_pipeline.store import sync

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Pin:
    """What a file was when it was first seen: `bytes` long, on the day `first_seen` (ISO 8601)."""

    sha256: str
    bytes: int
    first_seen: str


def pinned(lock: Path, url: str) -> Pin | None:
    """The pin of `url`, None when it was never seen. PinError when the lock file is not one."""
    return _read(lock).get(url)


def pin(lock: Path, url: str, path: Path, *, today: str) -> Pin:
    """Hold the file at `path`, which came from `url`, to its pin; the first one seen becomes it, dated `today` (ISO 8601).

    PinError when the bytes are others than those first seen; the lock is then unchanged.
    """
    pins = _read(lock)
    seen = Pin(sha256_of(path), path.stat().st_size, today)
    known = pins.get(url)
    if known is None:
        _write(lock, pins | {url: seen})
        return seen
    if known.sha256 != seen.sha256:
        raise PinError(
            f"checking {path.name} from {url}: its SHA-256 is {seen.sha256} ({seen.bytes:,} bytes), but {known.sha256} "
            f"({known.bytes:,} bytes) was pinned on {known.first_seen}; expected the same bytes. If upstream published a new version and "
            f"you want it, remove the entry of this address from {lock} and run again"
        )
    return known


def _read(lock: Path) -> dict[str, Pin]:
    try:
        content = json.loads(lock.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _unreadable(lock, str(error)) from error
    if not isinstance(content, dict):
        raise _unreadable(lock, f"it holds a {type(content).__name__}")
    return {url: _pin(lock, url, entry) for url, entry in content.items()}


def _pin(lock: Path, url: str, entry: Any) -> Pin:
    try:
        found = Pin(**entry)
        is_good = bool(_SHA256.fullmatch(found.sha256)) and isinstance(found.bytes, int) and isinstance(found.first_seen, str)
    except TypeError as error:
        raise _unreadable(lock, f"the entry of {url} is {entry!r}") from error
    if not is_good:
        raise _unreadable(lock, f"the entry of {url} is {entry!r}")
    return found


def _unreadable(lock: Path, seen: str) -> PinError:
    return PinError(
        f"reading the pins in {lock}: {seen}; expected JSON of addresses with sha256, bytes and first_seen; "
        "restore the file, or delete it to pin every file anew"
    )


def _write(lock: Path, pins: dict[str, Pin]) -> None:
    lock.parent.mkdir(parents=True, exist_ok=True)
    partial = lock.with_name(lock.name + ".partial")
    partial.write_text(json.dumps({url: asdict(pins[url]) for url in sorted(pins)}, indent=2) + "\n", encoding="utf-8")
    sync(partial)
    partial.replace(lock)
