"""Fixtures, settings and names of tests, no logic: the mirror of real archives and a scratch workspace."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every run, however busy the machine: a gate that fails by chance is soon ignored.
settings.register_profile("suite", deadline=None, derandomize=True, database=None)
settings.register_profile("fuzz", deadline=None, print_blob=True)  # other cases every time: `make fuzz`
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

# One thread in each of the two test processes and their children: sums come out in one order whatever ran before, and threads
# that wait for each other on a busy machine cost toy sizes 15 times their time. Read when torch is first imported.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("MARQUEE_OFFLINE", "1")  # no test asks a host what profile to take
os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """No bytes in a test's name: packed ones carry the time, and two workers would collect different tests."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session")
def mirror() -> Path:
    """The folder with the real archives; the test is skipped where there is none."""
    named = os.environ.get("MARQUEE_MIRROR")
    path = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not (path / "MANIFEST.tsv").exists():
        pytest.skip("no mirror of the real archives: set MARQUEE_MIRROR")
    return path
