"""Reads `films.jsonl`, the starter catalogue, into movie records. One JSON object per line; a bad line is quarantined."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpus_pipeline.schema.fields import FIRST_YEAR, KINDS, LAST_YEAR
from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import MOVIE_RECORDS
from corpus_pipeline.sources.reading import FileCount, Quarantine, Read

SOURCE = "starter"
_IMDB_ID = re.compile(r"tt\d{7,}")
# The catalogue's own 1 to 5 judgement of how often a film comes up, as votes, so that ties are broken as with real data.
_VOTES = {1: 1_000, 2: 10_000, 3: 100_000, 4: 500_000, 5: 1_000_000}


def read(archive: Path, scratch: Path) -> Read:
    """The films of `archive`, a JSONL file."""
    quarantine, rows, seen = Quarantine(SOURCE), [], set()
    lines = archive.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        film, reason = _parse(line)
        if film is not None and film["film_id"] in seen:
            film, reason = None, "duplicate_id"
        if film is None:
            quarantine.add(archive.name, number, reason, line)
        else:
            seen.add(film["film_id"])
            rows.append(_record(film, archive.name, number))
    table = pa.Table.from_pylist(rows, schema=arrow_schema(MOVIE_RECORDS))
    count = FileCount(archive.name, len(lines), len(rows), len(quarantine.rows))
    return Read({MOVIE_RECORDS.name: table}, quarantine.table(), (count,))


def _parse(line: str) -> tuple[dict[str, Any] | None, str]:
    try:
        film = json.loads(line)
    except ValueError:
        return None, "not_json"
    reason = _defect(film)
    return (None, reason) if reason else (film, "")


def _defect(film: Any) -> str:
    if not isinstance(film, dict):
        return "not_a_record"
    if not isinstance(film.get("film_id"), str) or not film["film_id"]:
        return "missing_id"
    if not isinstance(film.get("title"), str) or not film["title"].strip():
        return "missing_title"
    if not isinstance(film.get("year"), int) or not FIRST_YEAR <= film["year"] <= LAST_YEAR:
        return "bad_year"
    if film.get("imdb_id") is not None and not _IMDB_ID.fullmatch(str(film["imdb_id"])):
        return "bad_id"
    return "" if film.get("kind", "movie") in KINDS else "bad_kind"


def _record(film: dict[str, Any], file: str, line: int) -> dict[str, Any]:
    titles = [{"title": title, "language": None, "region": None} for title in film.get("alternative_titles", [])]
    languages = film.get("languages", [])
    return {
        "source": SOURCE,
        "record_id": film["film_id"],
        "file": file,
        "line": line,
        "title": film["title"],
        "original_title": film.get("original_title"),
        "year": film["year"],
        "runtime_minutes": film.get("runtime_minutes"),
        "kind": film.get("kind", "movie"),
        "is_adult": False,
        "imdb_id": film.get("imdb_id"),
        "imdb_vote_count": _VOTES.get(film.get("popularity", 1), 1_000),
        "genres": film.get("genres", []),
        "countries": film.get("countries", []),
        "languages": languages,
        "alternative_titles": titles,
        "people": [credit for role in ("director", "writer", "actor") for credit in _credits(film, role)],
        "plots": [{"text": film["synopsis"], "language": "en"}] if film.get("synopsis") else [],
    }


def _credits(film: dict[str, Any], role: str) -> list[dict[str, Any]]:
    names = film.get({"director": "directors", "writer": "writers", "actor": "cast"}[role], [])
    return [
        {"name": name, "role": role, "position": position, "character": None, "imdb_person_id": None}
        for position, name in enumerate(names, 1)
    ]
