"""Viewers made up from the starter dialogues, so that click prediction runs without any download. No data file of its own.

Dialogues of one hash bucket are taken for one viewer's. A film of the catalogue counts as liked where a mention says that
it is liked or, without that, that its recommendation was accepted, and as not liked where it says the opposite; a mention
without a verdict is no interaction. Of several verdicts on a film by one viewer the last one holds. Dialogues of the test
split are left out. The people are not real and tastes do not hold together: scores on this data set show that the code runs.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpus_pipeline.errors import SourceError
from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import DIALOGUES, INTERACTION_ITEMS, INTERACTION_USERS, INTERACTIONS, MENTIONS, MOVIE_RECORDS
from corpus_pipeline.sources.dialogues.starter import FILE, read_starter
from corpus_pipeline.sources.reading import Read, concat_rejects
from corpus_pipeline.sources.starter import catalog
from corpus_pipeline.splits import hash_share

DATASET = "starter"
FILMS = "films.jsonl"
VIEWERS = 22  # of 181 dialogues outside of the test split: 5 to 26 films each, half of them 12 or more


def read_starter_interactions(files: Mapping[str, Path]) -> Read:
    """The viewers' verdicts, every film of the catalogue as an item. A record is a dialogue or a film; the rows come of them."""
    found = {path.name: path for path in files.values()}
    if missing := [name for name in (FILE, FILMS) if name not in found]:
        raise SourceError(f"reading {DATASET}: saw {sorted(found)}, {missing} missing; expected the files that ship with the project")
    films, dialogues = catalog.read(found[FILMS], found[FILMS].parent), read_starter(found[FILE].parent)
    items = [_item(film) for film in films.tables[MOVIE_RECORDS.name].sort_by("record_id").to_pylist()]
    histories = _histories(dialogues.tables, {item["item_id"] for item in items})
    users = [{"dataset": DATASET, "user_id": viewer} for viewer in sorted(histories)]
    rows = [row for viewer in sorted(histories) for row in _rows(viewer, histories[viewer])]
    content = {INTERACTION_ITEMS: items, INTERACTION_USERS: users, INTERACTIONS: rows}
    tables = {table.name: pa.Table.from_pylist(of, schema=arrow_schema(table)) for table, of in content.items()}
    return Read(tables, concat_rejects([dialogues.rejects, films.rejects]), (*dialogues.counts, *films.counts))


def viewer_of(dialogue_id: str) -> str:
    """Whose dialogue it is said to be: 'viewer_00' to 'viewer_21', by a hash of the id."""
    return f"viewer_{int(hash_share(f'viewer:{dialogue_id}') * VIEWERS):02d}"


def _histories(tables: Mapping[str, pa.Table], films: set[str]) -> dict[str, dict[str, bool]]:
    """Per viewer the verdict on each film, in the order of the last verdicts."""
    usable = {row["dialogue_id"] for row in tables[DIALOGUES.name].to_pylist() if row["split"] != "test"}
    histories: dict[str, dict[str, bool]] = {}
    mentions = tables[MENTIONS.name].sort_by([(key, "ascending") for key in MENTIONS.key]).to_pylist()
    for mention in mentions:
        verdict = mention["is_accepted"] if mention["is_liked"] is None else mention["is_liked"]
        if mention["dialogue_id"] in usable and mention["source_movie_id"] in films and verdict is not None:
            history = histories.setdefault(viewer_of(mention["dialogue_id"]), {})
            history.pop(mention["source_movie_id"], None)
            history[mention["source_movie_id"]] = verdict
    return histories


def _rows(viewer: str, history: Mapping[str, bool]) -> Iterator[dict[str, Any]]:
    for position, (film, is_liked) in enumerate(history.items()):
        yield {"dataset": DATASET, "user_id": viewer, "history_position": position, "item_id": film, "is_liked": is_liked}


def _item(film: Mapping[str, Any]) -> dict[str, Any]:
    directors = [person["name"] for person in film["people"] if person["role"] == "director"]
    known = {"title": film["title"], "year": film["year"], "creators": directors, "item_genres": film["genres"]}
    return {"dataset": DATASET, "item_id": film["record_id"], **known}
