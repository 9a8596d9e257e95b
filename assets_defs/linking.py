"""Readers' way to the linker: the index and weights that apply, and text or files of text linked with them. Nothing is written."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from assets_defs.terminal import grid, out, say
from assets_defs.workspace import Workspace
from corpus_pipeline import release
from corpus_pipeline.errors import ConfigError

if TYPE_CHECKING:
    from corpus_pipeline.linking.link import Linker
    from corpus_pipeline.linking.title_index import TitleIndex
    from corpus_pipeline.linking.weights import LinkWeights

INDEX_STEP = "link_index"
TEXT_KEY, DIALOGUE_KEY, ID_KEY = "text", "dialogue_id", "id"


def weights_of(workspace: Workspace) -> "LinkWeights":
    """The weights that the profile names, else those that ship."""
    from corpus_pipeline.linking.weights import load_weights

    named = workspace.profile.link_weights
    return load_weights(Path(named) if named else None)


def index_of(workspace: Workspace) -> "TitleIndex":
    """The index built from the core tables, before it is part of a release."""
    from corpus_pipeline.linking.facts import UNRELEASED
    from corpus_pipeline.linking.title_index import open_index

    return open_index(workspace.artifact_of(INDEX_STEP), release_id=UNRELEASED)


def linker_of(workspace: Workspace, found: release.Release) -> "Linker":
    """The linker of a release."""
    from corpus_pipeline.linking.link import Linker
    from corpus_pipeline.linking.title_index import open_index

    return Linker(open_index(found.title_index, release_id=found.release_id), weights_of(workspace))


def link_lines(workspace: Workspace, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each of `rows` ({text, dialogue_id?, id?}) with the `mentions` found in it, and the release and weights that found them."""
    found = release.current(workspace.releases)
    linker = linker_of(workspace, found)
    rows = [_printable(row) for row in rows]
    texts = [row[TEXT_KEY] for row in rows]
    dialogues = [row.get(DIALOGUE_KEY, (place,)) for place, row in enumerate(rows)]
    links = linker.link_texts(texts, dialogues=dialogues).to_pylist()
    told: dict[int, list[dict[str, Any]]] = {}
    for link in links:
        told.setdefault(link["text_index"], []).append(_mention(link, linker.index))
    for place, row in enumerate(rows):
        yield {**row, "mentions": told.get(place, []), "release": found.release_id, "weights": linker.weights.run}


def _printable(row: dict[str, Any]) -> dict[str, Any]:
    """`row` with a question mark for every half of a surrogate pair, which JSON can hold and no terminal can print."""
    printable: dict[str, Any] = json.loads(json.dumps(row, ensure_ascii=False).encode("utf-8", "replace"))
    return printable


def _mention(link: dict[str, Any], index: "TitleIndex") -> dict[str, Any]:
    """A row of TEXT_LINKS as people read it: films with title and year."""
    from corpus_pipeline.linking.decide import best_of

    best = best_of(link["movie_id"], link["link_reason"])
    return {
        "span": [link["span_start"], link["span_end"]],
        "surface": link["surface"],
        "year_given": link["year_given"],
        "status": link["link_status"],
        "movie_id": link["movie_id"],
        "best": index.films.describe(best),
        "probability": link["link_score"],
        "runner_up": index.films.describe(link["runner_up_movie_id"]),
        "runner_up_probability": link["runner_up_score"],
        "rule": link["link_rule"],
        "reason": link["link_reason"] and link["link_reason"].partition(":")[0],
    }


def link_title(workspace: Workspace, typed: str) -> dict[str, Any]:
    """The link of one title that stands alone, in the form of `link_lines`."""
    import pyarrow as pa

    from corpus_pipeline.transform.text import split_title_year

    found = release.current(workspace.releases)
    linker = linker_of(workspace, found)
    safe = typed.encode("utf-8", "replace").decode()
    title, year = split_title_year(safe)
    columns = {"dataset": None, "surface": title, "mention_year": year, "imdb_id": None}
    types = {"mention_year": pa.int32()}
    asked = pa.table({name: pa.array([value], types.get(name, pa.string())) for name, value in columns.items()})
    (link,) = linker.link_titles(asked).to_pylist()
    place = {"span_start": 0, "span_end": len(title), "surface": title, "year_given": year}
    return {TEXT_KEY: safe, "mentions": [_mention(place | link, linker.index)], "release": found.release_id, "weights": linker.weights.run}


def show_links(console: Console, answer: Mapping[str, Any]) -> None:
    """The mentions of one text as a table for people."""
    rows = [
        (m["surface"], _named(m["best"]), f"{m['probability'] or 0:.3f}", _named(m["runner_up"]), m["rule"], m["reason"] or "")
        for m in answer["mentions"]
    ]
    if rows:
        console.print(grid("", ("mention", "film", "probability", "runner-up", "rule", "why not linked"), rows))
    else:
        say(console, "no film found")
    say(console, f"release {answer['release']}, weights {answer['weights']}")


def _named(film: Mapping[str, Any] | None) -> str:
    return f"{film['title']} ({film['year'] or '?'})" if film else ""


def write_lines(answers: Iterable[Mapping[str, Any]], *, as_json: bool) -> None:
    """One line per text: JSON, or 'line, place, mention, film, probability' between tabs for every mention."""
    for number, answer in enumerate(answers, 1):
        if as_json:
            out.file.write(json.dumps(answer, ensure_ascii=False) + "\n")  # exactly as it is: a console widens tabs and draws ':heart:'
            continue
        for m in answer["mentions"]:
            place, film, surface = "-".join(map(str, m["span"])), m["movie_id"] or "-", " ".join(m["surface"].split())
            cells = (number, place, surface, film, _named(m["best"]), m["probability"], m["rule"])
            out.file.write("\t".join(map(str, cells)) + "\n")


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The texts of a file: JSON Lines ({text, dialogue_id?, id?}) where its name ends so, else one text per line."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    if lines and not lines[-1]:
        lines.pop()
    if path.suffix not in (".jsonl", ".ndjson"):
        return [{TEXT_KEY: line} for line in lines]
    return [_document(path, number, line) for number, line in enumerate(lines, 1)]


def _document(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ConfigError(f"{path.name}, line {number}: no JSON document: {error}; expected one object per line") from error
    if not isinstance(row, dict) or not isinstance(row.get(TEXT_KEY), str):
        raise ConfigError(f'{path.name}, line {number}: expected an object with a string "text", saw {line[:80]}')
    return {name: row[name] for name in (ID_KEY, DIALOGUE_KEY, TEXT_KEY) if name in row}
