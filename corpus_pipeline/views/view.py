"""How a view is declared and rendered. No view is declared here."""

from collections.abc import Mapping
from dataclasses import dataclass

from corpus_pipeline.schema.render import literal, quoted


@dataclass(frozen=True, slots=True)
class View:
    """A named SELECT; `columns` maps each of its columns, in order, to what it means."""

    name: str
    description: str
    columns: Mapping[str, str]
    sql: str


def create_view(view: View) -> str:
    """CREATE VIEW with its comments."""
    lines = [f"CREATE OR REPLACE VIEW {quoted(view.name)} AS {view.sql.strip()};"]
    lines.append(f"COMMENT ON VIEW {quoted(view.name)} IS {literal(view.description)};")
    lines += [f"COMMENT ON COLUMN {quoted(view.name)}.{quoted(name)} IS {literal(text)};" for name, text in view.columns.items()]
    return "\n".join(lines)
