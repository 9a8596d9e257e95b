"""The gate of the standard profile is what a person reviewed: names and bounds are pinned in `expectations.txt`."""

import hashlib
from pathlib import Path

import pytest
import yaml

from quality.corpus import expectations_for, link_expectations_for, set_expectations_for
from quality.expectations import Expectation

HERE = Path(__file__).parent
GOLDEN = HERE / "expectations.txt"
PROFILE = HERE.parents[1] / "assets_defs" / "profiles" / "standard.yaml"


def line(expectation: Expectation) -> str:
    low, high = ("-" if bound is None else f"{bound:.12g}" for bound in (expectation.minimum, expectation.maximum))
    return f"{expectation.name}\t{low}\t{high}\t{expectation.severity}"


def rendered() -> str:
    """One line per expectation of the standard profile: name, minimum, maximum, severity."""
    profile = yaml.safe_load(PROFILE.read_text())
    corpus = expectations_for("standard", minimum_movies=profile["minimum_movies"])
    expectations = (*corpus, *set_expectations_for("standard"), *link_expectations_for("standard"))
    return "\n".join(map(line, expectations)) + "\n"


def test_the_gate_is_the_reviewed_one() -> None:
    now, reviewed = rendered().splitlines(), GOLDEN.read_text().splitlines()
    gone, new = sorted(set(reviewed) - set(now)), sorted(set(now) - set(reviewed))
    assert now == reviewed, (
        f"the gate of the standard profile has changed: gone {gone}, new {new}. If that is meant, run "
        "`python -m tests.golden.test_expectations` and add a line with the printed SHA-256 and a reason to tests/golden/REASONS.md"
    )


@pytest.mark.parametrize("golden", sorted(path for path in HERE.iterdir() if path.suffix in {".txt", ".json"}), ids=lambda path: path.name)
def test_every_golden_file_has_a_reason(golden: Path) -> None:
    sha = hashlib.sha256(golden.read_bytes()).hexdigest()
    reasons = [text for text in (HERE / "REASONS.md").read_text().splitlines() if sha in text]
    assert len(reasons) == 1, f"tests/golden/REASONS.md needs one line: - `{golden.name}` `{sha}`: why it is right"
    assert golden.name in reasons[0]
    assert len(reasons[0].split(":", 1)[1].split()) >= 4, f"a reason is a sentence, not {reasons[0]!r}"


if __name__ == "__main__":
    GOLDEN.write_text(rendered())
    print(hashlib.sha256(GOLDEN.read_bytes()).hexdigest())
