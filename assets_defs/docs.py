"""Generated documents: the data dictionary and the asset catalogue. `python -m assets_defs.docs` writes them; a test compares."""

from pathlib import Path

from assets_defs.graph import LAYERS, STEPS
from assets_defs.profile import CHECKOUT
from corpus_pipeline.schema import tables as t
from corpus_pipeline.schema.render import markdown

_DICTIONARY_HEAD = """# Data dictionary

Generated from `corpus_pipeline.schema` by `make docs`; edit the declarations, not this page. Types are DuckDB's.
Every `core_*` and `link_*` table below is in `corpus.duckdb` of each release; `marquee sql` adds the `set_*`, `model_*` and `eval_*` ones
that were made from that release. `model_lrurec` and `model_lrurec_text` have a row per epoch, `model_text_embeddings` a vector per film.
"""
_CATALOGUE_HEAD = """# Asset catalogue

Generated from the asset graph by `make docs`; edit `assets_defs/graph.py`, not this page.
A step with several tables makes them together; a partitioned step is built per source or data set.
"""


def data_dictionary() -> str:
    """Every declared table with its columns."""
    return _DICTIONARY_HEAD + "\n" + "\n".join(markdown(table) for table in t.ALL)


def asset_catalogue() -> str:
    """Every step, layer by layer."""
    lines = [_CATALOGUE_HEAD]
    for layer in LAYERS:
        lines += [f"## {layer}", "", "| step | assets | made from | partitions | what |", "| --- | --- | --- | --- | --- |"]
        for step in STEPS.values():
            if step.layer == layer:
                assets, parents = (", ".join(f"`{name}`" for name in names) for names in (step.keys, step.parents))
                lines.append(f"| `{step.name}` | {assets} | {parents or '-'} | {step.partitions or '-'} | {step.description} |")
        lines.append("")
    return "\n".join(lines)


def documents() -> dict[Path, str]:
    """Each generated file and its content."""
    return {CHECKOUT / "docs" / "data_dictionary.md": data_dictionary(), CHECKOUT / "docs" / "asset_catalog.md": asset_catalogue()}


def graph_text() -> str:
    """One line per asset key: key <- parents. Small enough to review; kept under tests/golden."""
    lines = [f"{key} <- {', '.join(step.parents) or '(raw bytes)'}" for step in STEPS.values() for key in step.keys]
    return "\n".join(sorted(lines)) + "\n"


if __name__ == "__main__":
    for path, content in documents().items():
        path.write_text(content)
