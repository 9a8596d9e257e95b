"""What one HTTP answer promises: is it the file, from which byte, how long. Headers only; no byte of a body is read here."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests

_BUSY = (408, 425, 429, 500, 502, 503, 504)
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_LENGTH = re.compile(r"\d{1,18}")
_PACKED = (".gz", ".tgz")


class Fault(Exception):  # noqa: N818 - an answer, not an error of ours: it is listed in the FetchError
    """Why an address does not give the file. Internal to fetching."""


class Passing(Fault):
    """A fault that may be gone when the address is asked again; `spoils` when what was gathered must not be resumed."""

    def __init__(self, said: str, *, spoils: bool = False) -> None:
        super().__init__(said)
        self.spoils = spoils


class Later(Fault):
    """A fault that may be gone another day: what was gathered is kept for then."""


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes an answer carries: they go to offset `start` of a file of `total` bytes, if known.

    `validator` is the strong ETag, else the date of last change, else empty: then a cut download starts over.
    """

    start: int
    total: int | None
    validator: str


def body(response: "requests.Response", *, start: int, known: Body | None, name: str, limit: int) -> Body:
    """The body of an answer to a request for the file `name` from byte `start`. Fault when it is not that."""
    _check_way(response)
    _check_status(response, start)
    _check_encoding(response, name)
    found = _whole(response) if response.status_code == 200 else _part(response, start, known)
    if found.total is not None and found.total > limit:
        raise Fault(f"it announces {found.total:,} bytes; at most {limit:,} are taken")
    if found.total == 0:
        raise Fault("it sent an empty file")
    return found


def _check_way(response: "requests.Response") -> None:
    """An address that begins encrypted may not lead to one that is not."""
    way = [hop.url for hop in (*response.history, response)]
    if way[0].startswith("https:") and not all(url.startswith("https:") for url in way):
        raise Fault(f"it redirects to an address without encryption ({way[-1]})")


def _check_status(response: "requests.Response", start: int) -> None:
    status = response.status_code
    if status == 416 and start:
        raise Passing(f"it has no bytes from {start:,} on (status 416)", spoils=True)
    if status in _BUSY:
        raise Later(f"it is busy or broken (status {status})")  # the session has asked several times
    if status not in ((200, 206) if start else (200,)):
        raise Fault(f"it answers with status {status} {response.reason or ''}".rstrip())


def _check_encoding(response: "requests.Response", name: str) -> None:
    """Unencoded bytes were asked for; a server that calls a `.gz` file gzip-encoded means the file as it is."""
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if encoding not in ("identity", "") and not (encoding in ("gzip", "x-gzip") and name.lower().endswith(_PACKED)):
        raise Fault(f"it sends the file encoded as {encoding}, which was not asked for")


def _whole(response: "requests.Response") -> Body:
    total = _length(response)
    if total is None and response.headers.get("Transfer-Encoding", "").lower() != "chunked":
        raise Fault("it gives neither a length nor chunks, so that a cut answer looks like a whole one")
    return Body(0, total, _validator(response))


def _part(response: "requests.Response", start: int, known: Body | None) -> Body:
    written = response.headers.get("Content-Range", "")
    found = _RANGE.fullmatch(written.strip())
    expected = known.total if known else None
    if found is None or int(found[1]) != start or (found[3] != "*" and int(found[2]) + 1 != int(found[3])):
        raise Passing(f"it was asked for bytes {start}- and answers with range {written!r}", spoils=True)
    total = int(found[2]) + 1 if found[3] == "*" else int(found[3])
    validator = _validator(response)
    if expected not in (None, total) or (known and validator and validator != known.validator):
        raise Passing("the file changed while it was fetched", spoils=True)
    return Body(start, total, validator or (known.validator if known else ""))


def _length(response: "requests.Response") -> int | None:
    if response.headers.get("Transfer-Encoding"):
        return None  # it overrides the length
    written = response.headers.get("Content-Length")
    if written is not None and not _LENGTH.fullmatch(written.strip()):
        raise Fault(f"it gives a length of {written!r}")
    return None if written is None else int(written)


def _validator(response: "requests.Response") -> str:
    etag: str = response.headers.get("ETag", "")
    if etag.startswith('"') and etag.endswith('"') and len(etag) > 2:
        return etag
    return response.headers.get("Last-Modified", "")
