"""Modules of at most 400 lines, functions of at most 50: beyond that a reader loses the thread."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("corpus_pipeline", "quality", "modeling", "assets_defs")


def test_module_length() -> None:
    lengths = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for package in PACKAGES for p in (ROOT / package).rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_function_length() -> None:
    long = []
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno >= 50:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert long == []
