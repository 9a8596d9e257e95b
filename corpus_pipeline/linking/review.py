"""People's say in the links: what they decided, what became of it, and which links they should look at next.

What belongs here: the decisions file, its replay on what the linker found, the review queue. A decision outlives the release
it was made on: it is replayed on every later one, and one that no longer applies is reported, never dropped.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus_pipeline.errors import LinkError
from corpus_pipeline.schema.fields import DATASETS, FIRST_YEAR, LAST_YEAR
from corpus_pipeline.schema.tables import LINK_DECISIONS, LINK_DIALOGUE_MOVIES, LINK_REVIEW_QUEUE
from corpus_pipeline.store import conform, connect
from corpus_pipeline.transform.text import title_key, title_keys

COLUMNS = ("dataset", "source_movie_id", "surface", "year", "movie_id", "who", "decided_on", "note")
REVIEWED = "reviewed"  # the rule of a decided link
NO_FILM = "reviewed: no film"  # the reason of a decided abstention
# Scores are calibrated: of ten links at this probability one is wrong. Above it a reviewer confirms ten or more to mend one.
REVIEW_BELOW = 0.9
GONE = ("title_gone", "film_gone")

_MOVIE_ID = re.compile(r"mq[0-9a-f]{12}")
_YEAR = re.compile(r"[0-9]{4}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CHANGED = tuple(name for name in LINK_DIALOGUE_MOVIES.column_names if name not in LINK_DIALOGUE_MOVIES.key)

_QUEUE = f"""
    WITH doubtful AS (
        SELECT *, coalesce(movie_id, nullif(regexp_extract(link_reason, 'best candidate ({_MOVIE_ID.pattern})$', 1), '')) AS best_movie_id
        FROM links
        WHERE link_rule <> '{REVIEWED}' AND link_reason IS DISTINCT FROM '{NO_FILM}'
            AND (link_status = 'abstained' OR coalesce(link_score, 0) < {REVIEW_BELOW})
    ), weighed AS (
        SELECT * EXCLUDE (mention_count), coalesce(mention_count, 0) AS mention_count,
            1 - CASE WHEN best_movie_id IS NULL THEN 0 ELSE coalesce(link_score, 0) END AS doubt,
            round(coalesce(mention_count, 0) * doubt, 6) AS matter_score
        FROM doubtful
        JOIN titles USING (dataset, source_movie_id)
        LEFT JOIN counts USING (dataset, source_movie_id)
    )
    SELECT *, row_number() OVER (ORDER BY matter_score DESC, mention_count DESC, dataset, source_movie_id) AS review_rank
    FROM weighed
    ORDER BY dataset, source_movie_id
"""


@dataclass(frozen=True, slots=True)
class Decision:
    """What `who` decided: about a data set's movie, or (dataset and source_movie_id None) about a surface typed in raw text.

    `line` counts from 1 in the file. `surface` and `year` of a data set's movie, where given, say what it was called when
    this was decided. `movie_id` None: no film of the catalogue is meant.
    """

    line: int
    dataset: str | None
    source_movie_id: str | None
    surface: str | None
    year: int | None
    movie_id: str | None
    who: str
    decided_on: date


def load_decisions(path: Path) -> tuple[Decision, ...]:
    """The decisions of a CSV file (UTF-8, header COLUMNS in any order), in its order; none where there is no file or an empty one.

    LinkError lists every problem with its line.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise LinkError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    problems: list[str] = []
    rows = _rows(text, problems) if text.strip() else []
    problems += [f"line {line}: {problem}" for line, cells in rows for problem in _problems(cells)]
    problems += _repeated(rows)
    if problems:
        raise LinkError(f"{path}: {len(problems)} to mend\n" + "\n".join(f"  {problem}" for problem in problems))
    return tuple(_decision(line, cells) for line, cells in rows)


def _rows(text: str, problems: list[str]) -> list[tuple[int, dict[str, str]]]:
    """Each row's first line and its cells by column; what cannot be read at all is told to `problems`."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        head = [name.strip() for name in next(reader, [])]
        problems += [f"line 1: {problem}" for problem in _head_problems(head)]
        last = reader.line_num
        for cells in () if problems else reader:
            line, last = last + 1, reader.line_num
            if len(cells) == len(head):
                rows.append((line, dict(zip(head, map(str.strip, cells), strict=True))))
            elif cells:
                problems.append(f"line {line}: {len(cells)} cells, expected {len(head)}; a cell with a comma stands in double quotes")
    except csv.Error as error:
        problems.append(f"line {reader.line_num}: no CSV: {error}; what follows was not read")
    return [(line, cells) for line, cells in rows if any(cells.values())]


def _head_problems(head: Sequence[str]) -> Iterator[str]:
    unknown, missing = [name for name in head if name not in COLUMNS], [name for name in COLUMNS if name not in head]
    if unknown:
        yield f"unknown columns {unknown}"
    if missing:
        yield f"missing columns {missing}"
    if len(set(head)) < len(head):
        yield "a column twice"


def _problems(cells: Mapping[str, str]) -> Iterator[str]:
    dataset, own_id = cells["dataset"], cells["source_movie_id"]
    if bool(dataset) != bool(own_id):
        yield "dataset and source_movie_id go together: both for a data set's movie, neither for a typed surface"
    elif not dataset and not cells["surface"]:
        yield "about nothing: give dataset and source_movie_id, or a surface"
    if dataset and dataset not in DATASETS:
        yield f"dataset {dataset!r} is none of {', '.join(DATASETS)}"
    if cells["year"] and not _is_year(cells["year"]):
        yield f"year {cells['year']!r} is none from {FIRST_YEAR} to {LAST_YEAR}"
    if cells["movie_id"] and not _MOVIE_ID.fullmatch(cells["movie_id"]):
        yield f"movie_id {cells['movie_id']!r} is not 'mq' and 12 hex digits; empty means that no film of the catalogue is meant"
    if not cells["who"]:
        yield "who decided is missing"
    if not _is_day(cells["decided_on"]):
        yield f"decided_on {cells['decided_on']!r} is no date like 2026-01-31"


def _is_year(text: str) -> bool:
    return _YEAR.fullmatch(text) is not None and FIRST_YEAR <= int(text) <= LAST_YEAR


def _is_day(text: str) -> bool:
    """Whether `text` is a day; `fromisoformat` alone takes weeks and other spellings too."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return _DAY.fullmatch(text) is not None


def _repeated(rows: Sequence[tuple[int, Mapping[str, str]]]) -> Iterator[str]:
    """Rows about what an earlier row is about already."""
    first: dict[tuple[str, ...], int] = {}
    for line, cells in rows:
        own = (cells["dataset"], cells["source_movie_id"])
        subject = own if any(own) else ("", title_key(cells["surface"]), cells["year"])
        if first.setdefault(subject, line) != line and any(subject):
            yield f"line {line}: decided on line {first[subject]} already"


def _decision(line: int, cells: Mapping[str, str]) -> Decision:
    """The decision of a row without problems."""
    return Decision(
        line=line,
        dataset=cells["dataset"] or None,
        source_movie_id=cells["source_movie_id"] or None,
        surface=cells["surface"] or None,
        year=int(cells["year"]) if cells["year"] else None,
        movie_id=cells["movie_id"] or None,
        who=cells["who"],
        decided_on=date.fromisoformat(cells["decided_on"]),
    )


def replay_on_titles(links: pa.Table, titles: pa.Table, decisions: Sequence[Decision], movies: pa.Table) -> tuple[pa.Table, pa.Table]:
    """(`link_dialogue_movies` as decided, what became of every decision as LINK_DECISIONS).

    `titles` has the columns of core_dialogue_movies, `movies` movie_id. A decision whose movie the data set calls otherwise
    now was about another movie. Decisions on surfaces change nothing here.
    """
    wanted = {(d.dataset, d.source_movie_id): d for d in decisions if d.dataset and d.source_movie_id}
    names = titles.take(pa.array(list(_places(titles, wanted).values()), pa.int64())).to_pylist()
    same = {(n["dataset"], n["source_movie_id"]) for n in names if _is_called(wanted[n["dataset"], n["source_movie_id"]], n)}
    rows = {wanted[key].line: [row] for key, row in _places(links, wanted).items() if key in same}
    return _replayed(links, decisions, rows, movies, "for_texts")


def replay_on_texts(text_links: pa.Table, decisions: Sequence[Decision], movies: pa.Table) -> tuple[pa.Table, pa.Table]:
    """(rows of raw text, schema `decide.TEXT_LINKS`, as decided; what became of the decisions on surfaces as LINK_DECISIONS).

    A decision holds where the surface has the same title key and the same year stands beside it, or none in both: the film
    that a title means without a year is seldom the one it means with another.
    """
    asked = [decision for decision in decisions if not decision.dataset]
    wanted = {(title_key(d.surface or ""), d.year): d for d in asked}
    surfaces = _whole(text_links["surface"].cast(pa.string())).dictionary_encode()
    keys = title_keys(surfaces.dictionary).take(surfaces.indices)
    near = pc.indices_nonzero(pc.is_in(keys, pa.array([key for key, _ in wanted], pa.string())))
    rows: dict[int, list[int]] = {}
    for row, key, year in zip(near.to_pylist(), keys.take(near).to_pylist(), text_links["year_given"].take(near).to_pylist(), strict=True):
        if (key, year) in wanted:
            rows.setdefault(wanted[key, year].line, []).append(row)
    return _replayed(text_links, asked, rows, movies, "title_gone")


def _places(rows: pa.Table, wanted: Mapping[tuple[str, str], Decision]) -> dict[tuple[str, str], int]:
    """The row of each wanted movie that is there."""
    keys = zip(rows["dataset"].to_pylist(), rows["source_movie_id"].to_pylist(), strict=True)
    return {key: row for row, key in enumerate(keys) if key in wanted}


def _is_called(decision: Decision, name: Mapping[str, object]) -> bool:
    """Whether a data set still calls its movie as it did when the decision was made, as far as the decision says."""
    same = decision.surface is None or title_key(decision.surface) == title_key(str(name["surface"]))
    return same and (decision.year is None or decision.year == name["mention_year"])


def _replayed(
    links: pa.Table, decisions: Sequence[Decision], rows: Mapping[int, Sequence[int]], movies: pa.Table, no_surface: str
) -> tuple[pa.Table, pa.Table]:
    """`links` with the decision of each line at its `rows`, and what became of the decisions.

    `no_surface` is the status of a decision on a surface that has no rows.
    """
    ids = pa.array([d.movie_id for d in decisions], pa.string())
    there = pc.is_in(ids, _whole(movies["movie_id"]).cast(pa.string())).to_pylist()
    alive = {d.line for d, found in zip(decisions, there, strict=True) if found or d.movie_id is None}
    decided = {row: d for d in decisions if d.line in alive for row in rows.get(d.line, ())}
    order = sorted(decided)
    before = links.take(pa.array(order, pa.int64())).to_pylist()
    moved = {decided[row].line for row, old in zip(order, before, strict=True) if old["movie_id"] != decided[row].movie_id}
    absent = {d.line: "title_gone" if d.dataset else no_surface for d in decisions if not rows.get(d.line)}
    absent |= {d.line: "film_gone" for d in decisions if d.line not in alive}
    told = [_told(d, absent.get(d.line) or ("applied" if d.line in moved else "unchanged")) for d in decisions]
    became = pa.Table.from_pylist(told, schema=pa.schema([(c.name, c.field.type) for c in LINK_DECISIONS.columns]))
    after = [_reviewed(decided[row], old) for row, old in zip(order, before, strict=True)]
    return _put(links, order, after), conform(became, LINK_DECISIONS)


def _told(decision: Decision, status: str) -> dict[str, object]:
    """The decision as a row of LINK_DECISIONS."""
    return {
        "decision_line": decision.line, "dataset": decision.dataset, "source_movie_id": decision.source_movie_id,
        "surface": decision.surface, "mention_year": decision.year, "movie_id": decision.movie_id, "who": decision.who,
        "decided_on": decision.decided_on.isoformat(), "decision_status": status,
    }  # fmt: skip


def _reviewed(decision: Decision, old: Mapping[str, object]) -> dict[str, object]:
    """The decided columns of one row. An abstention keeps the rule 'abstain': abstained means no rule linked it."""
    if decision.movie_id is None:
        return dict.fromkeys(_CHANGED) | {"link_status": "abstained", "link_rule": "abstain", "link_reason": NO_FILM}
    link = {"movie_id": decision.movie_id, "link_status": "linked", "link_rule": REVIEWED, "link_score": 1.0, "link_reason": None}
    other = old["runner_up_movie_id"] != decision.movie_id
    return link | {name: old[name] if other else None for name in ("runner_up_movie_id", "runner_up_score")}


def _put(links: pa.Table, order: Sequence[int], after: Sequence[Mapping[str, object]]) -> pa.Table:
    """`links` with other decided columns at the rows `order` (ascending)."""
    if not order:
        return links
    mask = np.zeros(links.num_rows, bool)
    mask[list(order)] = True
    for name in _CHANGED:
        place, column = links.column_names.index(name), _whole(links[name])
        values = pa.array([row[name] for row in after], column.type)
        links = links.set_column(place, links.field(place), pc.replace_with_mask(column, pa.array(mask), values))
    return links


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """One array of all chunks: masks and dictionaries do not follow chunk borders."""
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def review_queue(links: pa.Table, titles: pa.Table, mention_counts: pa.Table) -> pa.Table:
    """LINK_REVIEW_QUEUE: links abstained from or below REVIEW_BELOW that nobody reviewed, rank 1 for what matters most.

    `links`: link_dialogue_movies after the replay; `titles`: core_dialogue_movies; `mention_counts` (dataset, source_movie_id,
    mention_count): a movie that is not in it counts 0 mentions.
    """
    with connect({"links": links, "titles": titles, "counts": mention_counts}) as con:
        found = con.execute(_QUEUE).to_arrow_table()
    return conform(found.select(LINK_REVIEW_QUEUE.column_names), LINK_REVIEW_QUEUE)
