"""Reads `queries.jsonl`, the search queries written by hand for turns of the starter dialogues. What they are compared with is not here.

    {"dialogue_id": "s0001", "turn_index": 1, "query": "Long crime film in which ..."}

Unlike the readers of data sets this one quarantines nothing: the file is a yardstick, and a bent yardstick measures nothing.
"""

from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from corpus_pipeline.errors import ContractError
from corpus_pipeline.sources.dialogues.records import RecordError, content, no_file, read_json_lines, take
from corpus_pipeline.sources.dialogues.starter import DATASET
from corpus_pipeline.sources.reading import Quarantine

FOLDER = Path(__file__).parent
FILE = "queries.jsonl"
SCHEMA = pa.schema([("dialogue_id", pa.string()), ("turn_index", pa.int32()), ("query", pa.string())])
SHOWN = 10  # problems that a message lists; a file of another kind has one per line
_LAST_TURN = 2**31 - 1


class Query(NamedTuple):
    """The query for the recommender turn `turn_index` of a dialogue; `dialogue_id` carries the data set's name, as in the core tables."""

    dialogue_id: str
    turn_index: int
    query: str


def read_queries(folder: Path = FOLDER) -> pa.Table:
    """dialogue_id, turn_index and query, sorted by the first two, which are unique.

    `turn_index` counts turns as the core tables do (0-based, messages of one speaker in a row are one turn), so that
    f"{dialogue_id}#{turn_index}" is an example_id. SourceError where the file is missing or no JSON at all, ContractError
    that lists the lines which are wrong or out of order.
    """
    data = content(folder, FILE)
    if data is None:
        raise no_file(folder, (FILE,), f"{DATASET} queries")
    quarantine = Quarantine(DATASET)
    queries, _ = read_json_lines(data, FILE, quarantine, lambda _, record: _query(record))
    problems = [f"line {row['line']}: {row['reason']}" for row in quarantine.rows]
    problems += [f"{later[:2]} comes after {earlier[:2]}" for earlier, later in pairwise(queries) if later[:2] <= earlier[:2]]
    if problems:
        raise ContractError(
            f"reading {FILE}: {len(problems)} problems: {'; '.join(problems[:SHOWN])}; expected one object per line with dialogue_id, "
            "turn_index and query, sorted by the first two, each turn once; correct the file"
        )
    columns = zip(*queries, strict=True) if queries else ((),) * len(SCHEMA)
    return pa.table([pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)


def _query(record: Any) -> Query:
    number, turn, query = take(record, "dialogue_id", str), take(record, "turn_index", int), take(record, "query", str)
    if not number or number != number.strip():
        raise RecordError("bad_id")
    if not 0 <= turn <= _LAST_TURN:
        raise RecordError("bad_turn_index")
    if not query or query != " ".join(query.split()):
        raise RecordError("untidy_query")
    if len(record) != len(Query._fields):
        raise RecordError("unknown_field")
    return Query(f"{DATASET}:{number}", turn, query)
