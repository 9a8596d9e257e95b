"""Generated documents are fresh, shipped profiles load, and every table has exactly one asset."""

from pathlib import Path

import pytest

from assets_defs.checks import CONSEQUENCE, LINK_CONSEQUENCE
from assets_defs.docs import documents
from assets_defs.graph import STEPS
from assets_defs.profile import PROFILES, load_profile
from assets_defs.workspace import Workspace
from corpus_pipeline.schema import tables as t


@pytest.mark.parametrize("path", sorted(documents()), ids=lambda path: path.name)
def test_generated_document_is_fresh(path: Path) -> None:
    assert path.exists() and path.read_text() == documents()[path], f"{path.name} is stale: run `make docs`"


@pytest.mark.parametrize("path", sorted(PROFILES.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_profile_loads_under_its_own_name(path: Path) -> None:
    assert load_profile(path).name == path.stem


def test_every_released_set_and_eval_table_has_exactly_one_asset() -> None:
    keys = [key for step in STEPS.values() for key in step.keys]
    assert len(keys) == len(set(keys))
    declared = {table.name for table in (*t.RELEASED, *t.SETS, *t.EVALS)}
    assert declared <= set(keys)
    made = {table.name for step in STEPS.values() for table in step.tables}
    assert made == declared


def test_every_asset_and_check_is_described(tmp_path: Path) -> None:
    from assets_defs.definitions import build_defs

    defs = build_defs(Workspace(tmp_path, load_profile(PROFILES / "starter.yaml"), None))
    graph = defs.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description and node.owners and node.group_name and node.kinds, key
        assert node.tags["layer"] == node.group_name
    for check in graph.asset_check_keys:
        # Dagster labels every check non-blocking, so each says itself what comes of a failure.
        assert (graph.get_check_spec(check).description or "").endswith((CONSEQUENCE, LINK_CONSEQUENCE)), check


def test_every_field_and_table_says_what_it_means() -> None:
    for table in t.ALL:
        assert table.description.endswith((".", ")")), table.name
        assert all(len(column.field.description) > 10 for column in table.columns), table.name
