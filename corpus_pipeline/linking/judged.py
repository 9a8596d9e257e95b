"""Gold that readers judged, in place of what a data set marks or besides it. The files and their rules: `judged/README.md`."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from corpus_pipeline.errors import LinkError
from corpus_pipeline.linking.gold import MENTIONS, Gold, chosen_texts, film_group
from corpus_pipeline.store import connect

FOLDER = Path(__file__).parent / "judged"
UNRELIABLE = ("inspired",)  # its films were marked by a program: 'Given that' as a film, and two in five mentions not at all
_TYPES = {name: pa.int32() for name in ("turn_index", "span_start", "span_end")} | {
    name: pa.string() for name in ("dialogue_id", "movie_id", "verdict")
}

# Marks of a dialogue that was read whole are replaced; those of the others stand, and verdicts come on top.
_WHOLE = """
    SELECT text_id, row_number() OVER (PARTITION BY text_id ORDER BY span_start)::INT - 1 AS mention_index, span_start, span_end,
        typed.year_given, judged.movie_id AS source_movie_id, nullif(nullif(judged.movie_id, '?'), '') AS movie_id,
        judged.movie_id <> '?' AS is_known, coalesce(typed.kinds, []) AS kinds,
        substr(text, judged.span_start + 1, judged.span_end - judged.span_start) AS surface
    FROM judged JOIN texts USING (dialogue_id, turn_index)
    LEFT JOIN (
        SELECT text_id, span_start, any_value(year_given) AS year_given, any_value(kinds) AS kinds FROM mentions GROUP BY ALL
    ) AS typed USING (text_id, span_start)
"""
_VERDICTS = """
    SELECT text_id, 1000 + row_number() OVER (PARTITION BY text_id ORDER BY judged.movie_id)::INT AS mention_index,
        NULL::INT AS span_start, NULL::INT AS span_end, NULL::INT AS year_given, judged.movie_id AS source_movie_id,
        CASE verdict WHEN '?' THEN judged.movie_id ELSE verdict END AS movie_id, verdict <> '?' AS is_known, ['judged'] AS kinds
    FROM judged JOIN texts USING (dialogue_id, turn_index)
    WHERE verdict <> 'no'
"""
_KEPT = """
    SELECT * FROM mentions
    WHERE text_id NOT IN (SELECT text_id FROM texts WHERE dialogue_id IN (SELECT dialogue_id FROM whole))
"""


def load_judged(folder: Path = FOLDER) -> Mapping[str, pa.Table]:
    """The judged files by name; LinkError names a file that is not such a table."""
    return {file.stem: _load(file) for file in sorted(folder.glob("*.tsv"))}


def _load(file: Path) -> pa.Table:
    convert = pyarrow.csv.ConvertOptions(column_types=_TYPES, strings_can_be_null=False)
    try:
        rows = pyarrow.csv.read_csv(file, parse_options=pyarrow.csv.ParseOptions(delimiter="\t"), convert_options=convert)
    except (pa.ArrowInvalid, OSError) as error:
        raise LinkError(f"judged gold {file.name}: {error}; expected tab-separated columns as judged/README.md tells") from error
    if unknown := set(rows.column_names) - set(_TYPES):
        raise LinkError(f"judged gold {file.name}: columns {sorted(unknown)} are unknown; expected some of {sorted(_TYPES)}")
    return rows


def read_whole(judged: Mapping[str, pa.Table]) -> pa.Table:
    """dialogue_id of the dialogues of which every turn was read: none of them names no film at all."""
    ids = {code for rows in judged.values() if "verdict" not in rows.column_names for code in rows["dialogue_id"].to_pylist()}
    return pa.table({"dialogue_id": pa.array(sorted(ids), pa.string())})


def judged_gold(gold: Gold, judged: Mapping[str, pa.Table]) -> Gold:
    """`gold` as readers see it: other mentions, the same texts. Only texts that are in `gold` count."""
    places = [rows for name, rows in judged.items() if "verdict" not in rows.column_names]
    verdicts = [rows for rows in judged.values() if "verdict" in rows.column_names]
    parts = []
    with connect({"texts": gold.texts, "mentions": gold.mentions, "whole": read_whole(judged)}) as con:
        parts.append(con.execute(_KEPT).to_arrow_table())
        for sql, tables in ((_WHOLE, places), (_VERDICTS, verdicts)):
            if tables:
                con.register("judged", pa.concat_tables(tables))
                parts.append(con.execute(sql).to_arrow_table())
                con.unregister("judged")
    rows = [{"group": film_group(row["movie_id"], row.get("surface", ""))} | row for part in parts for row in part.to_pylist()]
    return Gold(gold.texts, pa.Table.from_pylist(rows, schema=MENTIONS))


def reliable(gold: Gold, read: pa.Table) -> Gold:
    """The texts whose marks can be learned from: those of data sets marked while people typed, and dialogues that were `read`."""
    texts = gold.texts
    is_read = pc.is_in(texts["dialogue_id"], value_set=read["dialogue_id"].combine_chunks())
    return chosen_texts(gold, pc.or_(pc.invert(pc.is_in(texts["dataset"], value_set=pa.array(UNRELIABLE))), is_read))
