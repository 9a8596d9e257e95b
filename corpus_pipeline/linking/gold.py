"""Gold for the linker: turns as people would type them, the spans of titles in them, and the film that each means.

What belongs here: which film is the true one, which mention gets a typed form, and the groups that keep a film's mentions
together. How a title is typed is decided in `typed`; nothing here knows the linker. Every draw is fixed by the seed and the
place of the mention, so no row depends on the others or on their order.
"""

import random
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from corpus_pipeline.linking.typed import HABITS, Habits, Style, Typed, acronym_of, head_of, style_of, typed
from corpus_pipeline.linking.words import ACRONYM_AUDIENCE
from corpus_pipeline.schema.fields import FIRST_YEAR, LAST_YEAR
from corpus_pipeline.splits import share_of
from corpus_pipeline.store import connect
from corpus_pipeline.transform.text import register_text_functions, title_key

if TYPE_CHECKING:
    import duckdb

GROUP_SHARES = (("train", 0.6), ("tune", 0.2), ("test", 0.2))
CATALOGUED = ("redial",)  # data sets whose titles came from an autocompletion; the others are typed text already
COLLECTED = {"redial": 2018, "inspired": 2020, "reddit_movie": 2022}  # year of a data set's dialogues: what was new to its people
SEED = 20180
SHORT_LETTERS = 4  # a key so short is a common word as often as a title

# What `gold_texts` reads of each table.
GOLD_COLUMNS = {
    "core_dialogues": ("dialogue_id", "dataset", "split"),
    "core_dialogue_turns": ("dialogue_id", "turn_index", "speaker", "text"),
    "core_dialogue_movies": ("dataset", "source_movie_id", "surface", "mention_year"),
    "core_mentions": ("dialogue_id", "turn_index", "mention_index", "dataset", "source_movie_id", "span_start", "span_end"),
    "core_movies": ("movie_id", "title", "year", "popularity_score"),
    "core_titles": ("movie_id", "title_key"),
}
TEXTS = pa.schema(
    [
        ("text_id", pa.int32()),
        ("dataset", pa.string()),
        ("split", pa.string()),
        ("dialogue_id", pa.string()),
        ("turn_index", pa.int32()),
        ("speaker", pa.string()),
        ("text", pa.string()),
        ("group", pa.string()),
    ]
)
MENTIONS = pa.schema(
    [
        ("text_id", pa.int32()),
        ("mention_index", pa.int32()),
        ("span_start", pa.int32()),
        ("span_end", pa.int32()),
        ("year_given", pa.int32()),
        ("source_movie_id", pa.string()),
        ("movie_id", pa.string()),
        ("is_known", pa.bool_()),
        ("kinds", pa.list_(pa.string())),
        ("group", pa.string()),
    ]
)

# An id is believed where the film it leads to bears the name, at most a year off, or where the link found the same film. "Not
# in the catalogue" is believed where no film of the catalogue could bear the name. Ids that others looked up by title lead to
# a namesake, a sequel or a short film instead: one of ReDial's movies in thirteen (491 of 6,583) fails this.
_TRUTH = """
    WITH crosswalk AS (
        SELECT authority_id AS imdb_id, min(movie_id) AS movie_id FROM core_movie_ids WHERE authority = 'imdb' GROUP BY authority_id
    ), named AS (
        SELECT dataset, source_movie_id, title_key(surface) AS title_key, mention_year FROM core_dialogue_movies
    ), fitting AS (
        SELECT dataset, source_movie_id, list(DISTINCT movie_id) AS movie_ids
        FROM named JOIN core_titles USING (title_key) JOIN core_movies USING (movie_id)
        WHERE coalesce(abs(year - mention_year) <= 1, true)
        GROUP BY ALL
    )
    SELECT dataset, source_movie_id, crosswalk.movie_id AS movie_id
    FROM named
    JOIN imdb_ids USING (dataset, source_movie_id)
    LEFT JOIN crosswalk ON crosswalk.imdb_id = imdb_ids.imdb_id
    LEFT JOIN fitting USING (dataset, source_movie_id)
    LEFT JOIN links USING (dataset, source_movie_id)
    WHERE CASE WHEN crosswalk.movie_id IS NULL THEN movie_ids IS NULL
        ELSE coalesce(crosswalk.movie_id = links.movie_id, false) OR coalesce(list_contains(movie_ids, crosswalk.movie_id), false) END
    UNION ALL
    SELECT dataset, source_movie_id, movie_id
    FROM named JOIN links USING (dataset, source_movie_id)
    WHERE link_rule IN ('authority_id', 'exact_title_year') AND dataset NOT IN (SELECT dataset FROM imdb_ids)
    ORDER BY dataset, source_movie_id
"""

_TURNS = """
    SELECT dialogue_id, turn_index, dataset, split, speaker, text
    FROM core_dialogue_turns JOIN core_dialogues USING (dialogue_id)
    ORDER BY dialogue_id, turn_index
"""
_MENTIONS = """
    SELECT dialogue_id, turn_index, mention_index, span_start, span_end, source_movie_id, surface, mention_year,
        truth.movie_id AS movie_id, truth.dataset IS NOT NULL AS is_known, movie_id IN (SELECT movie_id FROM heads) AS may_lose_subtitle,
        movie_id IN (SELECT movie_id FROM acronyms) AS may_be_acronym
    FROM core_mentions
    JOIN core_dialogue_movies USING (dataset, source_movie_id)
    LEFT JOIN truth USING (dataset, source_movie_id)
    ORDER BY dialogue_id, turn_index, coalesce(span_start, 2147483647), mention_index
"""
# People leave out a subtitle where the rest still means this film to them: the best known one of those it could mean.
_HEADS = """
    WITH headed AS (SELECT movie_id, title_key(head) AS key, popularity_score FROM cut JOIN core_movies USING (movie_id)),
    best AS (
        SELECT key, max(popularity_score) AS popularity_score
        FROM (SELECT key, popularity_score FROM keyed UNION ALL SELECT key, popularity_score FROM headed)
        GROUP BY key
    )
    SELECT movie_id FROM headed JOIN best USING (key, popularity_score)
"""
_KEYED = "CREATE TABLE keyed AS SELECT movie_id, title_key(title) AS key, year, popularity_score FROM core_movies"
_REMADE = """
    SELECT DISTINCT a.movie_id
    FROM keyed a JOIN keyed b USING (key)
    WHERE a.movie_id IN (SELECT movie_id FROM truth) AND abs(a.year - b.year) > 1
    ORDER BY ALL
"""
_MISLEADING = """
    SELECT DISTINCT key, movie_id
    FROM written
    WHERE key IN (SELECT title_key FROM core_titles)
        AND (movie_id, key) NOT IN (SELECT (movie_id, title_key) FROM core_titles WHERE movie_id IN (SELECT movie_id FROM written))
"""
YEAR_AFTER = re.compile(r"[\"'”*_]{0,3},?\s*(?:\(|\[|from |in )?((?:18|19|20)\d\d)\b")


@dataclass(frozen=True, slots=True)
class Gold:
    """`texts` (schema TEXTS), one row per turn, sorted by dialogue and turn; `mentions` (schema MENTIONS) sorted by text and place.

    A mention's span is that of the title alone, without year and marks; null where the data set does not say where it is.
    """

    texts: pa.Table
    mentions: pa.Table


def truth_of(
    core_dialogue_movies: pa.Table,
    core_movie_ids: pa.Table,
    imdb_ids: pa.Table,
    link_dialogue_movies: pa.Table,
    *,
    core_movies: pa.Table,
    core_titles: pa.Table,
) -> pa.Table:
    """The true film of each data set's movies: dataset, source_movie_id, movie_id (null: known not to be in the catalogue).

    `imdb_ids` (dataset, source_movie_id, imdb_id): ids that others assigned; a data set without any is judged by its links
    that had an id or a title and its year to go by. A movie whose truth is unknown has no row.
    """
    tables = {
        "core_dialogue_movies": core_dialogue_movies,
        "core_movie_ids": core_movie_ids,
        "imdb_ids": imdb_ids,
        "links": link_dialogue_movies.select(["dataset", "source_movie_id", "movie_id", "link_rule"]),
        "core_movies": core_movies.select(["movie_id", "year"]),
        "core_titles": core_titles.select(["movie_id", "title_key"]),
    }
    with connect(tables) as con:
        register_text_functions(con)
        return con.execute(_TRUTH).to_arrow_table()


def gold_texts(
    tables: Mapping[str, pa.Table],
    truth: pa.Table,
    *,
    seed: int = SEED,
    habits: Habits = HABITS,
    catalogued: Collection[str] = CATALOGUED,
) -> Gold:
    """All turns of `tables` (by name, columns GOLD_COLUMNS) with titles as people type them, and what each mention means.

    `truth`: see `truth_of`. Only the data sets in `catalogued` get typed forms. A turn whose spans overlap or leave the text is
    kept as it is, and its mentions have no span. Kinds of a mention: those of `typed`, and as slices 'short' (no acronym, the key has at
    most four letters), 'remake' (a film of that title was made in another year), 'other_film' (what is written is a title of
    other films, not of this one), 'no_year', 'not_in_catalogue', 'no_span'.
    """
    with connect({**{name: tables[name].select(list(columns)) for name, columns in GOLD_COLUMNS.items()}, "truth": truth}) as con:
        register_text_functions(con)
        con.execute(_KEYED)
        con.register("heads", _heads(con))
        con.register("acronyms", _acronyms(con))
        turns = con.execute(_TURNS).to_arrow_table().to_pylist()
        mentions = _by_turn(con.execute(_MENTIONS).to_arrow_table().to_pylist())
        written = _Writer(seed, habits, catalogued)
        texts, rows = [], []
        for text_id, turn in enumerate(turns):
            text, found = written.turn(turn, mentions.get((turn["dialogue_id"], turn["turn_index"]), []))
            texts.append({**turn, "text_id": text_id, "text": text, "group": text_group(turn["dialogue_id"])})
            rows += [{**row, "text_id": text_id} for row in found]
        _slice(con, rows)
    return Gold(pa.Table.from_pylist(texts, schema=TEXTS), pa.Table.from_pylist(rows, schema=MENTIONS))


def chosen_texts(gold: Gold, chosen: "pa.Array | pa.ChunkedArray") -> Gold:
    """The texts where `chosen` (bool) holds, numbered anew, with their mentions."""
    texts = gold.texts.filter(chosen)
    kept = texts["text_id"].combine_chunks()
    places = pc.index_in(gold.mentions["text_id"], value_set=kept)
    mentions = gold.mentions.set_column(0, "text_id", places.cast(pa.int32())).filter(pc.is_valid(places))
    numbers = pa.array(range(texts.num_rows), pa.int32())
    return Gold(texts.set_column(0, "text_id", numbers), mentions.cast(MENTIONS))


def collected_in(dataset: str | None) -> int:
    """The year in which the people of `dataset` talked; the last year of all where that is not known."""
    return COLLECTED.get(dataset or "", LAST_YEAR)


def film_group(movie_id: str | None, surface: str) -> str:
    """'train', 'tune' or 'test' of a film; by the key of its catalogued title where the film is not known."""
    return _group(f"film:{movie_id or title_key(surface)}")


def text_group(dialogue_id: str) -> str:
    """'train', 'tune' or 'test' of a dialogue's text: where links outside the gold spans count."""
    return _group(f"text:{dialogue_id}")


def _group(key: str) -> str:
    return share_of(key, GROUP_SHARES)


def _heads(con: "duckdb.DuckDBPyConnection") -> pa.Table:
    """movie_id of the films that people call by their title without its subtitle."""
    titled = con.execute("SELECT movie_id, title FROM core_movies WHERE title LIKE '%: %' OR title LIKE '% - %'").fetchall()
    cut = [(movie_id, head) for movie_id, title in titled if (head := head_of(title))]
    con.register(
        "cut", pa.table({"movie_id": pa.array([m for m, _ in cut], pa.string()), "head": pa.array([h for _, h in cut], pa.string())})
    )
    return con.execute(_HEADS).to_arrow_table()


def _acronyms(con: "duckdb.DuckDBPyConnection") -> pa.Table:
    """movie_id of the films that people mean by their first letters: the best known one for each."""
    known = "SELECT movie_id, title FROM core_movies WHERE popularity_score >= ? ORDER BY popularity_score DESC, movie_id"
    owners: dict[str, str] = {}
    for movie_id, title in con.execute(known, [ACRONYM_AUDIENCE]).fetchall():
        if short := acronym_of(title):
            owners.setdefault(short, movie_id)
    return pa.table({"movie_id": pa.array(sorted(owners.values()), pa.string())})


def _by_turn(mentions: list[dict[str, Any]]) -> dict[tuple[str, int], list[dict[str, Any]]]:
    return {place: list(rows) for place, rows in groupby(mentions, key=lambda row: (row["dialogue_id"], row["turn_index"]))}


class _Writer:
    """Writes turns anew; remembers the style of every speaker met."""

    def __init__(self, seed: int, habits: Habits, catalogued: Collection[str]) -> None:
        self.seed = seed
        self.habits = habits
        self.catalogued = catalogued
        self.styles: dict[tuple[str, str], Style] = {}

    def turn(self, turn: dict[str, Any], mentions: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
        """The text of `turn` and the rows of its `mentions`, which come sorted by place."""
        if not _in_order(turn["text"], mentions):
            mentions = [{**mention, "span_start": None, "span_end": None} for mention in mentions]
        text, position, rows = "", 0, []
        for mention in mentions:
            if mention["span_start"] is None:
                rows.append(_row(mention, Typed("", None, ("no_span",), 0, 0), None, mention["surface"]))
                continue
            text += turn["text"][position : mention["span_start"]]
            given = self._typed(turn, mention)
            rows.append(_row(mention, given, len(text), given.surface[given.title_start : given.title_end]))
            text, position = text + given.surface, mention["span_end"]
        return text + turn["text"][position:], rows

    def _typed(self, turn: dict[str, Any], mention: dict[str, Any]) -> Typed:
        if turn["dataset"] not in self.catalogued:
            return _observed(turn["text"], mention)
        rng = random.Random(f"{self.seed}:{turn['dialogue_id']}:{turn['turn_index']}:{mention['mention_index']}")  # noqa: S311
        style = self._style(turn["dialogue_id"], turn["speaker"])
        style = style if mention["may_lose_subtitle"] else replace(style, no_subtitle=0.0)
        style = style if mention["may_be_acronym"] else replace(style, acronym=0.0)
        return typed(turn["text"][mention["span_start"] : mention["span_end"]], mention["mention_year"], rng, style=style)

    def _style(self, dialogue_id: str, speaker: str) -> Style:
        if (dialogue_id, speaker) not in self.styles:
            self.styles[dialogue_id, speaker] = style_of(f"{self.seed}:{dialogue_id}:{speaker}", self.habits)
        return self.styles[dialogue_id, speaker]


def _in_order(text: str, mentions: list[dict[str, Any]]) -> bool:
    edges = [edge for row in mentions if row["span_start"] is not None for edge in (row["span_start"], row["span_end"])]
    return edges == sorted(edges) and (not edges or edges[-1] <= len(text))


def _observed(text: str, mention: dict[str, Any]) -> Typed:
    """What somebody really typed, as `typed` would describe it."""
    start, end, surface = mention["span_start"], mention["span_end"], mention["surface"]
    title = text[start:end]
    year = YEAR_AFTER.match(text, end)
    given = int(year[1]) if year and FIRST_YEAR <= int(year[1]) <= LAST_YEAR else None
    kinds = [kind for kind, cased in (("lower", title.lower()), ("upper", title.upper())) if title == cased != surface]
    kinds += [] if title.casefold() == surface.casefold() else ["respelled"]
    kinds += [kind for kind, marks in (("quoted", "\"'“"), ("markup", "*_")) if start and text[start - 1] in marks]
    return Typed(title, given, tuple(kinds + (["with_year"] if given else [])) or ("exact",), 0, len(title))


def _row(mention: dict[str, Any], given: Typed, offset: int | None, title: str) -> dict[str, Any]:
    return {
        "mention_index": mention["mention_index"],
        "span_start": None if offset is None else offset + given.title_start,
        "span_end": None if offset is None else offset + given.title_end,
        "year_given": given.year_given,
        "source_movie_id": mention["source_movie_id"],
        "movie_id": mention["movie_id"],
        "is_known": mention["is_known"],
        "kinds": list(given.kinds),
        "group": film_group(mention["movie_id"], mention["surface"]),
        "key": title_key(title),
    }


def _slice(con: "duckdb.DuckDBPyConnection", rows: list[dict[str, Any]]) -> None:
    """Add to the kinds of each of `rows` the slices it belongs to."""
    remade = {movie_id for (movie_id,) in con.execute(_REMADE).fetchall()}
    pairs = sorted({(row["key"], row["movie_id"]) for row in rows if row["movie_id"]})
    columns = {name: pa.array([pair[place] for pair in pairs], pa.string()) for place, name in enumerate(("key", "movie_id"))}
    con.register("written", pa.table(columns))
    misleading = set(con.execute(_MISLEADING).fetchall())
    for row in rows:
        row["kinds"] += _slices_of(row, remade, misleading)


def _slices_of(row: dict[str, Any], remade: set[str], misleading: set[tuple[str, str]]) -> Iterator[str]:
    applies = {
        "short": sum(map(str.isalnum, row["key"])) <= SHORT_LETTERS and "acronym" not in row["kinds"],
        "remake": row["movie_id"] in remade,
        "other_film": (row["key"], row["movie_id"]) in misleading,
        "no_year": row["year_given"] is None,
        "not_in_catalogue": row["is_known"] and row["movie_id"] is None,
    }
    return (kind for kind, is_so in applies.items() if is_so)
