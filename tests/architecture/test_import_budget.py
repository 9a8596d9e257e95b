"""Importing does nothing and loads little: a code location that takes ten seconds to load is paid for at every step."""

import subprocess
import sys

import pytest

BUDGETS = [
    ("corpus_pipeline.schema.tables", {"duckdb", "pandas", "torch", "dagster"}),
    ("corpus_pipeline.release", {"duckdb", "torch", "pandas"}),
    ("quality.gate", {"great_expectations", "duckdb", "torch", "pandas"}),
    ("modeling", {"torch", "transformers"}),
    ("modeling.settings", {"torch", "numpy", "pyarrow"}),
    ("modeling.lrurec.config", {"torch", "numpy", "pyarrow"}),
    ("modeling.text_encoder.config", {"torch", "transformers", "numpy", "pyarrow"}),
    ("assets_defs.definitions", {"torch", "transformers", "great_expectations", "pandas", "duckdb"}),
    ("assets_defs.cli", {"torch", "transformers", "great_expectations", "dagster", "duckdb"}),
]


@pytest.mark.parametrize(("module", "forbidden"), BUDGETS)
def test_import_budget(module: str, forbidden: set[str]) -> None:
    code = f"import sys, {module}; print(*sorted({forbidden!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
