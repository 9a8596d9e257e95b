"""A Dagster UI on the loopback and a headless browser that looks at it; what is expected to be seen is in test_ui.py."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from assets_defs.lineage import PACKAGES

CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_S, STOP_S, PAGE_S = 120, 10, 45


@dataclass(frozen=True, slots=True)
class Server:
    """A running `dagster dev`: where it listens and what it has said on its terminal."""

    url: str
    log: Path

    def query(self, graphql: str) -> Any:
        """The `data` of a GraphQL answer."""
        request = urllib.request.Request(
            f"{self.url}/graphql", json.dumps({"query": graphql}).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PAGE_S) as answer:
            return json.load(answer)["data"]


@dataclass(frozen=True, slots=True)
class Visit:
    """One browser page, and every address outside the loopback that it asked for (each of them refused)."""

    page: Any
    outside: list[str] = field(default_factory=list)


def need_browser() -> Any:
    """playwright's `sync_playwright`; the test is skipped where it or the browser is missing."""
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}: apt-get install chromium")
    return pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make install").sync_playwright


@contextmanager
def dagster_dev(dagster_home: str, environment: Mapping[str, str], log: Path) -> Iterator[Server]:
    """`dagster dev` in a process group of its own, gone when the block ends whatever happens inside it."""
    port = _free_port()
    command = [sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)]
    # Dagster's processes talk over sockets below TMPDIR, whose paths may not exceed 107 bytes: a test's own folder is too deep.
    inherited = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
    asked = {**inherited, "DAGSTER_HOME": dagster_home, "DAGSTER_DISABLE_TELEMETRY": "1", **environment}
    with (
        log.open("wb") as written,
        subprocess.Popen(
            command, cwd=PACKAGES, env=asked, stdin=subprocess.DEVNULL, stdout=written, stderr=subprocess.STDOUT, start_new_session=True
        ) as process,
    ):
        try:
            server = Server(f"http://127.0.0.1:{port}", log)
            _wait(server, process)
            yield server
        finally:
            _stop(process)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + START_S
    while time.monotonic() < give_up and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/server_info", timeout=5):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.3)
    pytest.fail(f"dagster dev did not answer at {server.url} within {START_S} s; its last words:\n{server.log.read_text()[-2000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the whole group to end, then end it: runs and daemons outlive a parent that is killed alone."""
    for means in (signal.SIGTERM, signal.SIGKILL):
        _signal(process.pid, means)
        give_up = time.monotonic() + STOP_S
        while time.monotonic() < give_up and _signal(process.pid, 0):  # signal 0 only asks whether anyone is left
            process.poll()
            time.sleep(0.2)


def _signal(group: int, means: int) -> bool:
    try:
        os.killpg(group, means)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def visit(sync_playwright: Any, server: Server) -> Iterator[Visit]:
    """A fresh browser profile with one page on `server`; every wait on the page is bounded by PAGE_S."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        try:
            context = browser.new_context(viewport={"width": 1600, "height": 1000}, base_url=server.url)
            context.set_default_timeout(PAGE_S * 1000)
            visited = Visit(context.new_page())
            context.route("**/*", lambda route: _loopback_only(route, visited.outside))
            # The first visit to an instance is greeted by a dialog that covers the page.
            skip = visited.page.get_by_role("button", name="Skip", exact=True)
            visited.page.add_locator_handler(skip, lambda found: found.click())
            yield visited
        finally:
            browser.close()


def _loopback_only(route: Any, outside: list[str]) -> None:
    parts = urlsplit(route.request.url)
    if parts.hostname == "127.0.0.1" or parts.scheme in ("data", "blob"):
        route.continue_()
    else:
        outside.append(route.request.url)
        route.abort()
