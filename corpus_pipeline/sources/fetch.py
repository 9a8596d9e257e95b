"""Downloads: one file, whole and verified, from the first address that gives it. Nothing is unpacked here (see archive).

The bytes gather in `<name>.partial` beside the target and are renamed into place last, so whatever goes wrong, what lay at
the target is unchanged. A download that was cut off is resumed where the server proves, by a strong ETag or a date, that
the file is still the same. A host is trusted with nothing: status, length, ranges, redirects and content are checked.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from corpus_pipeline.errors import FetchError, SourceError
from corpus_pipeline.sources.partial import Partial
from corpus_pipeline.sources.response import Body, Fault, Later, Passing, body
from corpus_pipeline.sources.sniff import HEAD_BYTES, mismatch
from corpus_pipeline.store import sha256 as sha256_of
from corpus_pipeline.store import sync

if TYPE_CHECKING:
    import requests

log = logging.getLogger(__name__)

CHUNK = 256 * 1024  # bytes read at once, at most
Progress = Callable[[int, int], None]
"""(bytes so far, bytes in all or 0 when the host does not say)."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often a host is asked, in seconds and times, and how much it may send.

    A `Retry-After` is not obeyed, since a host could ask for days: the waits double from `backoff` on. `deadline` holds for
    one attempt, so that a host that sends a byte a minute cannot hold a build for ever.
    """

    connect: float = 15.0
    read: float = 60.0
    deadline: float = 4 * 3600.0
    attempts: int = 4
    backoff: float = 1.0
    redirects: int = 5
    size: int = 16 * 2**30


PATIENCE = Patience()


def fetch(
    urls: Sequence[str],
    into: Path,
    *,
    sha256: str | None = None,
    progress: Progress | None = None,
    verify: Callable[[Path], object] | None = None,
    session: "requests.Session | None" = None,
    patience: Patience = PATIENCE,
) -> Path:
    """Download the first of `urls` that gives the file, to the path `into`; returns `into`.

    With `sha256` (64 hexadecimal digits) a file already there with that hash needs no network, and other bytes are refused.
    `verify` sees the finished file before it is renamed into place and may raise SourceError (see `pins`), which ends the
    fetch. FetchError lists what every address said.
    """
    wanted = sha256.lower() if sha256 else None
    if wanted and into.is_file() and sha256_of(into) == wanted:
        return into
    job = _Job(into, wanted, progress, session or new_session(patience), patience)
    said = []
    try:
        into.parent.mkdir(parents=True, exist_ok=True)
        for url in urls:
            fault = _from_one(job, url)
            if fault is None:
                return _finished(job, verify)
            log.info("fetching %s from %s: %s", into.name, url, fault)
            said.append(f"\n  {url}: {fault}")
    except SourceError:
        job.partial.discard()
        raise
    except OSError as error:
        raise FetchError(
            f"fetching {into.name}: writing to {into.parent} failed ({error}); expected a folder with room that may be written to; "
            "make room and run again"
        ) from error
    finally:
        if session is None:
            job.session.close()
    raise FetchError(
        f"fetching {into.name}: none of {len(urls)} addresses gave it:{''.join(said) or ' none is known'}\n"
        f"  expected {f'a file with SHA-256 {wanted}' if wanted else 'the whole file'}; check the network and the addresses, "
        f"or put the file at {into} yourself"
    )


def new_session(patience: Patience = PATIENCE) -> "requests.Session":
    """A session that follows few redirects and asks again when a connection fails or a host is busy."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    retry = Retry(
        total=max(0, patience.attempts - 1),
        backoff_factor=patience.backoff,
        backoff_max=30,
        status_forcelist=(429, 500, 502, 503, 504),
        allowed_methods=("GET",),
        raise_on_status=False,
        respect_retry_after_header=False,
    )
    session = requests.Session()
    session.max_redirects = patience.redirects
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


class _Job:
    """What all attempts at one file share."""

    def __init__(self, into: Path, wanted: str | None, progress: Progress | None, session: "requests.Session", patience: Patience) -> None:
        self.into, self.wanted, self.progress, self.session, self.patience = into, wanted, progress, session, patience
        self.partial = Partial(into)

    def complete(self) -> bool:
        """Whether the partial file is already the pinned one."""
        return self.wanted is not None and self.partial.size() > 0 and sha256_of(self.partial.path) == self.wanted


def _from_one(job: _Job, url: str) -> Fault | None:
    """Gather the whole file from `url`; None when it lies in the partial file, else why this address did not give it."""
    if job.complete():
        return None
    fault: Fault = Fault("not asked")
    for attempt in range(max(1, job.patience.attempts)):
        if attempt:
            time.sleep(min(30.0, job.patience.backoff * 2 ** (attempt - 1)))
        try:
            _gather(job, url)
            _judge(job)
            return None
        except Passing as passing:
            fault = passing
        except Later as later:
            return later
        except Fault as final:
            job.partial.discard()
            return final
    if not job.partial.may_resume(url):
        job.partial.discard()
    return fault


def _gather(job: _Job, url: str) -> None:
    """One request; its bytes are in the partial file afterwards. Passing when asking again may help, Fault when not."""
    import requests
    import urllib3

    start = job.partial.size() if job.partial.may_resume(url) else 0
    headers = {"Accept-Encoding": "identity"} | (job.partial.range_headers() if start else {})
    try:
        with job.session.get(url, headers=headers, stream=True, timeout=(job.patience.connect, job.patience.read)) as response:
            found = body(response, start=start, known=job.partial.known(), name=job.into.name, limit=job.patience.size)
            job.partial.begin(url, found)
            _stream(job, response, found)
    except Passing as passing:
        if passing.spoils:
            job.partial.discard()
        raise
    except requests.TooManyRedirects as error:
        raise Fault(f"it redirects more than {job.patience.redirects} times") from error
    except ValueError as error:  # requests' own errors about addresses are ValueErrors too
        raise Fault(f"it is, or leads to, an address that cannot be fetched ({_brief(error)})") from error
    except urllib3.exceptions.HTTPError as error:
        raise Passing(f"the connection broke after {job.partial.size():,} bytes ({_brief(error)})") from error
    except requests.RequestException as error:
        raise Later(f"no answer ({_brief(error)})") from error  # the session has asked several times


def _stream(job: _Job, response: "requests.Response", found: Body) -> None:
    ends, done = time.monotonic() + job.patience.deadline, found.start
    with job.partial.path.open("ab") as out:
        while chunk := response.raw.read1(CHUNK, decode_content=False):
            done += len(chunk)
            if done > job.patience.size:
                raise Fault(f"it sends more than {job.patience.size:,} bytes")
            out.write(chunk)
            if job.progress:
                job.progress(done, found.total or 0)
            if time.monotonic() > ends:
                raise Passing(f"it sent only {done:,} bytes in {job.patience.deadline:g} seconds")
    if found.total is not None and done != found.total:
        raise Passing(f"it sent {done:,} of {found.total:,} bytes", spoils=done > found.total)


def _judge(job: _Job) -> None:
    """Fault when the gathered bytes are not the file."""
    with job.partial.path.open("rb") as handle:
        head = handle.read(HEAD_BYTES)
    wrong = mismatch(job.into.name, head) or (None if head else "it sent an empty file")
    if wrong is None and job.wanted and (seen := sha256_of(job.partial.path)) != job.wanted:
        wrong = f"its bytes have SHA-256 {seen}, pinned is {job.wanted}"
    if wrong:
        raise Fault(wrong)


def _finished(job: _Job, verify: Callable[[Path], object] | None) -> Path:
    if verify:
        verify(job.partial.path)
    sync(job.partial.path)
    job.partial.path.replace(job.into)
    job.partial.discard()
    return job.into


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"
