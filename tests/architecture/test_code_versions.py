"""A step is built again when the code behind it changes: what its code versions cover is held to the import statements."""

import ast
from collections.abc import Iterator

import pytest

from assets_defs.graph import STEPS
from assets_defs.lineage import code_version
from assets_defs.step import Step
from tests.architecture.test_layers import OURS, ROOT, files, imports

MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in files()}
# Readers of dialogue archives: `core_movie_records` never calls them, and the links take only a list of ids from one.
NOT_FOLLOWED = ("corpus_pipeline.sources.dialogues",)


def covers(code: tuple[str, ...], module: str) -> bool:
    return any(module == name or module.startswith(name + ".") for name in code)


def uncovered(step: Step) -> Iterator[str]:
    """Modules of ours that covered code imports and a change of which would go unnoticed."""
    for module in (m for m in MODULES if covers(step.code, m) and not covers((*NOT_FOLLOWED, "assets_defs"), m)):
        for name, line in imports(MODULES[module]):
            target = name if name in MODULES else name.rpartition(".")[0]
            if target.split(".")[0] in OURS and not target.endswith(".errors") and not covers(step.code, target):
                yield f"{module}:{line} imports {target}"


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_code_versions_cover_what_the_covered_code_imports(step: Step) -> None:
    assert list(uncovered(step)) == []


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_code_versions_cover_the_steps_own_module_and_exist(step: Step) -> None:
    assert step.run.__module__ in step.code
    assert len(code_version(step.code)) == 64


def test_an_uncovered_import_is_found() -> None:
    bare = Step("x", "model", "", lambda job: iter(()), code=("modeling.lrurec",))
    assert any("modeling.evaluation" in found for found in uncovered(bare))


def test_what_decides_between_sources_is_covered() -> None:
    """`core_movies` asks the registry for ranks; the call is in the Dagster face, which the walk above does not follow."""
    core = ast.parse(MODULES["assets_defs.core"].read_text())
    ranks = [node for node in ast.walk(core) if isinstance(node, ast.Attribute) and node.attr == "rank"]
    assert ranks and covers(STEPS["core_movies"].code, "corpus_pipeline.sources.registry")
