"""Plot texts: placeholders dropped with a reason, duplicates joined, the rest ranked by the declared preference.

Order of preference: English texts of the main sources from `plot_good_length` characters, longest first (length counted
up to `plot_length_cap`); their shorter texts; English texts of the `plot_after` sources in that order; texts in other
languages. A text of unknown language counts as English, because the sources that do not say are English catalogues.
"""

from typing import TYPE_CHECKING

import pyarrow as pa

from corpus_pipeline.schema.render import literal
from corpus_pipeline.transform.survivorship import SurvivorshipRules
from corpus_pipeline.transform.vocabulary import PLOT_PLACEHOLDER_LENGTH, PLOT_PLACEHOLDERS

if TYPE_CHECKING:
    import duckdb

# The inner CASE keeps the thirty comparisons away from the long texts; AND would not.
_READ = """
CREATE TEMP TABLE plots_read AS
SELECT
  plot_number,
  rid,
  mid,
  r.source_number,
  text,
  l.code AS language,
  coalesce(l.code, 'en') = 'en' AS is_english,
  plot_rank,
  plot_tier,
  CASE
    WHEN CASE WHEN length(text) <= {placeholder_length} THEN {placeholders} ELSE false END THEN 'dropped_plot_placeholder'
    WHEN length(text) < {least} THEN 'dropped_plot_too_short'
  END AS reason,
  CASE WHEN reason IS NOT NULL THEN raw_text END AS raw_text
FROM plots_given p
JOIN assigned USING (rid)
JOIN facts r USING (rid)
JOIN sources USING (source_number)
LEFT JOIN languages l ON l.spelling = lower(trim(p.language))
"""
_RANKED = """
CREATE TEMP TABLE plots_ranked AS
WITH tiered AS (
  SELECT plot_number, mid, text, plot_rank,
    least(length(text), {cap}) AS counted_length,
    CASE
      WHEN NOT is_english THEN 9
      WHEN plot_tier > 0 THEN 2 + plot_tier
      WHEN length(text) >= {good} THEN 1
      ELSE 2
    END AS tier
  FROM plots_read
  WHERE reason IS NULL
), ordered AS (
  SELECT plot_number, mid, text, row_number() OVER (PARTITION BY mid ORDER BY tier, counted_length DESC, plot_rank, plot_number) AS place
  FROM tiered
), firsts AS (SELECT arg_min(plot_number, place) AS plot_number, mid, min(place) AS place FROM ordered GROUP BY mid, text)
SELECT plot_number, mid, (row_number() OVER (PARTITION BY mid ORDER BY place))::INTEGER AS plot_rank
FROM firsts
"""
_PLOTS = """
SELECT mid, k.plot_rank, plot_number, language, source_number
FROM plots_ranked k
JOIN plots_read USING (mid, plot_number)
ORDER BY mid, k.plot_rank
"""


def create_plots(con: "duckdb.DuckDBPyConnection", rules: SurvivorshipRules) -> None:
    """Make `plots_read` (with a `reason` where a text is dropped) and `plots_ranked` on `con`."""
    placeholders = " OR ".join(f"starts_with(lower(text), {literal(start)})" for start in PLOT_PLACEHOLDERS)
    con.execute(_READ.format(placeholder_length=PLOT_PLACEHOLDER_LENGTH, placeholders=placeholders, least=rules.plot_least_length))
    con.execute(_RANKED.format(cap=rules.plot_length_cap, good=rules.plot_good_length))


def plots_table(con: "duckdb.DuckDBPyConnection") -> pa.Table:
    """`core_plots`, film and text and source by number."""
    return con.execute(_PLOTS).to_arrow_table()
