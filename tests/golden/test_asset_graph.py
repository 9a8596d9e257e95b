"""The asset graph is a reviewed artefact: one line per asset with its parents, in `asset_graph.txt`."""

from pathlib import Path

from assets_defs.docs import graph_text

GOLDEN = Path(__file__).with_name("asset_graph.txt")


def test_the_graph_is_the_reviewed_one() -> None:
    now, reviewed = graph_text().splitlines(), GOLDEN.read_text().splitlines()
    gone, new = sorted(set(reviewed) - set(now)), sorted(set(now) - set(reviewed))
    assert now == reviewed, f"the asset graph has changed: gone {gone}, new {new}; write it anew and give the reason in REASONS.md"
