"""What the tracked files may not say: paths of one machine, package hosts, secrets."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOME = re.compile(r"(?<![\w.$}/-])/(?:work|root|home|Users)/[A-Za-z0-9._-]+")
INDEX = re.compile(r"(?:--index-url|--find-links|pypi\.org/simple|files\.pythonhosted)")
SECRET = re.compile(r"\b(?:sk-[A-Za-z0-9]{20,}|hf_[A-Za-z0-9]{20,}|AKIA[0-9A-Z]{16})\b")


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file() and path.suffix not in {".png"} and path != Path(__file__)]


def test_no_paths_of_one_machine() -> None:
    assert [(path.name, found) for path in tracked() for found in HOME.findall(path.read_text())] == []


def test_no_package_hosts() -> None:
    assert [path.name for path in tracked() if INDEX.search(path.read_text())] == []


def test_no_secrets() -> None:
    assert [path.name for path in tracked() if SECRET.search(path.read_text())] == []


def test_torch_is_pinned() -> None:
    assert "torch==2.13.0" in (ROOT / "constraints.txt").read_text().split()
    assert '"torch==2.13.0"' in (ROOT / "pyproject.toml").read_text()
