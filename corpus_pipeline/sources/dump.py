"""The declaration of a tabular dump: files, layout, which upstream column is which field. No SQL runs here (see `tabular`).

A user adds a dump of their own with one YAML file that spells the same fields; `load_dump` reads it and reports every
problem at once.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from corpus_pipeline.errors import ConfigError
from corpus_pipeline.schema.fields import ROLES
from corpus_pipeline.schema.tables import MOVIE_RECORDS
from corpus_pipeline.sources.cells import LISTS, PARSERS
from corpus_pipeline.sources.delimited import Layout

_MAPPINGS = ("columns", "companions", "derived", "refuse")
FILLED_BY_THE_READER = ("source", "file", "line")


@dataclass(frozen=True, slots=True)
class Cell:
    """An upstream column ('runtime', or 'details.runtime' of a companion) and the parser that reads it.

    With parser 'sql', `upstream` is an expression over `film` (the main file) and the companions.
    """

    upstream: str
    parser: str = "text"


@dataclass(frozen=True, slots=True)
class Credit:
    """A column with people of one role; `are_ids` when it holds IMDb name ids instead of names."""

    role: str
    upstream: str
    parser: str = "comma_list"
    are_ids: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A column with a plot or with further titles, and the language they are in where the source says so."""

    upstream: str
    parser: str = "one"
    language: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Companion:
    """A further file beside the films, whose rows are records too.

    `key` is its column that names the film (`TabularDump.key`). `is_unique`: at most one row per film, joined to it;
    otherwise `derived` SQL gathers the rows. `is_lookup`: its rows name something else (people, categories), so none
    is an orphan. `numbers` must be numbers where filled. `columns` must exist in the file; all of them when it is optional.
    """

    files: tuple[str, ...]
    key: str
    is_unique: bool = True
    is_lookup: bool = False
    is_optional: bool = False
    numbers: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    layout: Layout | None = None


@dataclass(frozen=True, slots=True)
class TabularDump:
    """One source of films as delimited files.

    `columns` maps schema columns of `core_movie_records` to cells; without `record_id` the id is a hash of title, year,
    runtime and people. `derived` maps a name to a SELECT that gives `key` and further columns, one row per film.
    `refuse` maps a reason code to a SQL condition over `film`, judged in order before all else.
    """

    source: str
    files: tuple[str, ...]
    columns: Mapping[str, Cell]
    key: str = ""
    layout: Layout = field(default_factory=Layout)
    credits: tuple[Credit, ...] = ()
    plots: tuple[Text, ...] = ()
    alternative_titles: tuple[Text, ...] = ()
    companions: Mapping[str, Companion] = field(default_factory=dict)
    derived: Mapping[str, str] = field(default_factory=dict)
    refuse: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found = [*_column_problems(self), *_part_problems(self), *_layout_problems(self.layout)]
        if found:
            raise ConfigError(f"the dump {self.source!r} is not usable:\n" + "\n".join(f"- {problem}" for problem in found))


def load_dump(path: Path) -> TabularDump:
    """The dump declared by a YAML file; ConfigError lists every problem, each with the nearest valid key."""
    import yaml

    try:
        spelled = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"reading the dump {path}: {error}") from error
    if not isinstance(spelled, dict):
        raise ConfigError(
            f"reading the dump {path}: expected a mapping with the keys {_names(TabularDump)}, found {type(spelled).__name__}"
        )
    problems = list(_key_problems(spelled, TabularDump, "the dump"))
    parts = {key: _part(key, value, problems) for key, value in spelled.items() if key in _names(TabularDump)}
    problems += [f"the key {key!r} is missing" for key in ("source", "files", "columns") if key not in spelled]
    if not problems:
        try:
            return TabularDump(**parts)
        except ConfigError as error:
            problems = [line.removeprefix("- ") for line in str(error).splitlines()[1:]]
    raise ConfigError(f"the dump {path.name} is not usable:\n" + "\n".join(f"- {problem}" for problem in problems))


def _part(key: str, value: Any, problems: list[str]) -> Any:
    one_of: dict[str, Any] = {"credits": Credit, "plots": Text, "alternative_titles": Text}
    if key == "files":
        return _texts(value)
    if key == "layout":
        return _built(Layout, value, f"layout {value!r}", problems)
    expected: Any = list if key in one_of else dict if key in _MAPPINGS else object
    if value is not None and not isinstance(value, expected):
        problems.append(f"{key}: expected a {'list' if key in one_of else 'mapping'}, found {value!r}")
        return value
    if key in one_of:
        return tuple(_built(one_of[key], item, f"{key}[{i}]", problems) for i, item in enumerate(value or ()))
    if key in ("columns", "companions"):
        kind: Any = Cell if key == "columns" else Companion
        return {name: _built(kind, item, f"{key}.{name}", problems) for name, item in (value or {}).items()}
    return value


def _built(kind: Any, value: Any, where: str, problems: list[str]) -> Any:
    """`value` as `kind`; a bare string stands for its `upstream` column."""
    spelled = {"upstream": value} if isinstance(value, str) and "upstream" in _names(kind) else value
    if not isinstance(spelled, dict):
        problems.append(f"{where}: expected a mapping with the keys {_names(kind)}, found {value!r}")
        return None
    found = list(_key_problems(spelled, kind, where))
    problems += found
    if found:
        return None
    typed = {key: _texts(item) if key in ("files", "nulls", "header", "numbers", "columns") else item for key, item in spelled.items()}
    if isinstance(typed.get("layout"), dict):
        typed["layout"] = _built(Layout, typed["layout"], f"{where}.layout", problems)
    try:
        return kind(**typed)
    except TypeError as error:
        problems.append(f"{where}: {error}")
        return None


def _texts(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(str(item) for item in value or ())


def _names(kind: Any) -> list[str]:
    return [f.name for f in fields(kind)]


def _key_problems(spelled: Mapping[str, Any], kind: Any, where: str) -> Iterable[str]:
    valid = _names(kind)
    return (f"{where}: unknown key {key!r}; nearest: {_nearest(key, valid)}" for key in spelled if key not in valid)


def _nearest(word: object, valid: Iterable[str]) -> str:
    options = sorted(valid)
    return ", ".join(difflib.get_close_matches(str(word), options, cutoff=0.5) or options)


def _column_problems(dump: TabularDump) -> Iterable[str]:
    allowed = [name for name in MOVIE_RECORDS.column_names if name not in FILLED_BY_THE_READER]
    for name, cell in dump.columns.items():
        if name not in allowed:
            yield f"columns.{name}: no such column in core_movie_records; nearest: {_nearest(name, allowed)}"
        if cell.parser not in PARSERS:
            yield f"columns.{name}: unknown parser {cell.parser!r}; nearest: {_nearest(cell.parser, PARSERS)}"
    if "title" not in dump.columns:
        yield "columns: 'title' is missing; every film needs one"


def _part_problems(dump: TabularDump) -> Iterable[str]:
    for credit in dump.credits:
        if credit.role not in ROLES:
            yield f"credits: unknown role {credit.role!r}; nearest: {_nearest(credit.role, ROLES)}"
    parts: tuple[Credit | Text, ...] = (*dump.credits, *dump.plots, *dump.alternative_titles)
    for part in parts:
        if part.parser not in LISTS:
            yield f"{part.upstream}: parser {part.parser!r} gives no list; nearest: {_nearest(part.parser, LISTS)}"
    if not dump.source or not dump.files:
        yield "'source' and 'files' must not be empty"
    if (dump.companions or dump.derived) and not dump.key:
        yield "'key' is missing: the column of the film that companions refer to"


def _layout_problems(layout: Layout) -> Iterable[str]:
    if len(layout.delimiter) != 1 or len(layout.quote) > 1 or len(layout.escape) > 1:
        yield f"layout: delimiter, quote and escape are one character each, found {layout.delimiter!r}, {layout.quote!r}, {layout.escape!r}"
    try:
        "".encode(layout.encoding)
    except LookupError:
        yield f"layout: unknown encoding {layout.encoding!r}; expected one that Python knows, such as utf-8 or cp1252"
