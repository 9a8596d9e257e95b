"""Which source records are the same film.

Sources are placed one after another, in the order of their registry rank. A group (the records of one source that carry
the same authority id) attaches to a film that is already there or founds one, and nothing placed is ever moved, merged or
split. So a source of later rank cannot change the film of any record that was there before it: `movie_id` is stable.
The price: two films that only a later source reveals as one stay two; sources that carry several authorities' ids should
therefore come early.

Evidence, strongest first; a group stops at the first rule that places it:

1. `imdb_id`: the film holds the same IMDb id.
2. `tmdb_id`, 3. `wikidata_id`: exactly one film holds the same id; refused when film and group name different IMDb ids.
4. Title and year: a title of the group (displayed, original or alternative) has the key of a title of the film, and both
   give it the same year (`title_year_people` when a person is shared, else `title_year`).
5. The same with the years one apart, and then only with running times at most 3 minutes apart or a shared person.

Rules 4 and 5 are vetoed when both sides name directors and share none, when both hold ids of one authority and share none
(two IMDb ids are two films), or when the film already has a record of this source (a catalogue lists a film once).
Among several candidates a shared person counts most, then equal displayed titles, then equal running time; when two are
equally good, or two groups of one source claim the same film equally well, none is taken and the group stays apart.

`movie_id` is 'mq' and 12 hex digits of SHA-256 of '<source>:<record_id>' of the founding record.
"""

from typing import TYPE_CHECKING

from corpus_pipeline.errors import ContractError
from corpus_pipeline.transform.evidence import IMDB, TMDB, WIKIDATA

if TYPE_CHECKING:
    import duckdb

NEAR_MINUTES = 3
_STATE = (
    "CREATE TEMP TABLE placed (gid INTEGER, mid INTEGER, reason VARCHAR, source_number INTEGER)",
    "CREATE TEMP TABLE film_ids (authority TINYINT, id_number BIGINT, mid INTEGER)",
    "CREATE TEMP TABLE film_keys (key_number INTEGER, year INTEGER, mid INTEGER, is_primary BOOLEAN)",
    "CREATE TEMP TABLE film_people (mid INTEGER, person_number INTEGER, is_director BOOLEAN)",
    "CREATE TEMP TABLE film_runtimes (mid INTEGER, runtime_minutes INTEGER)",
)
_BY_IMDB = f"""
SELECT gid, mid, 'imdb_id' AS reason
FROM waiting
JOIN group_ids g USING (gid)
JOIN film_ids f USING (id_number)
WHERE g.authority = {IMDB} AND g.source_number = $source
"""
_BY_OTHER_ID = """
WITH mine AS (
  SELECT gid, authority, id_number FROM group_ids JOIN waiting USING (gid) WHERE source_number = $source
), found AS (
  SELECT DISTINCT gid, mid FROM mine m JOIN film_ids USING (id_number) WHERE m.authority = {authority}
), allowed AS (
  SELECT gid, mid, g.id_number AS imdb
  FROM found
  LEFT JOIN (SELECT gid, id_number FROM mine WHERE authority = {imdb}) g USING (gid)
  LEFT JOIN (SELECT mid, id_number FROM film_ids WHERE authority = {imdb}) f USING (mid)
  WHERE g.id_number IS NULL OR f.id_number IS NULL
), single AS (SELECT gid, min(mid) AS mid, any_value(imdb) AS imdb FROM allowed GROUP BY gid HAVING count(*) = 1)
SELECT gid, mid, '{name}_id' AS reason
FROM single
QUALIFY imdb IS NULL OR gid = min(gid) FILTER (WHERE imdb IS NOT NULL) OVER (PARTITION BY mid)
"""
_PAIRS = """
CREATE OR REPLACE TEMP TABLE pairs AS
WITH mine AS (
  SELECT gid, key_number, is_primary, year + step AS year, abs(step) AS distance
  FROM waiting
  JOIN (SELECT * FROM group_keys WHERE source_number = $source) USING (gid)
  JOIN (SELECT gid, year FROM group_years WHERE source_number = $source) USING (gid)
  CROSS JOIN (VALUES (-1), (0), (1)) steps (step)
)
SELECT gid, mid, min(distance) AS distance, bool_or(m.is_primary AND f.is_primary) AS has_displayed_title
FROM mine m
JOIN film_keys f USING (key_number, year)
GROUP BY gid, mid
"""
_JUDGED = f"""
CREATE OR REPLACE TEMP TABLE judged AS
WITH mine AS (SELECT gid, person_number, is_director FROM group_people WHERE source_number = $source),
people AS (
  SELECT gid, mid, bool_or(m.is_director AND f.is_director) AS has_shared_director
  FROM pairs JOIN mine m USING (gid) JOIN film_people f USING (mid, person_number) GROUP BY gid, mid
), group_directed AS (SELECT DISTINCT gid FROM mine WHERE is_director),
film_directed AS (SELECT DISTINCT mid FROM film_people SEMI JOIN pairs USING (mid) WHERE is_director),
runtimes AS (
  SELECT DISTINCT gid, mid
  FROM pairs JOIN (SELECT * FROM group_runtimes WHERE source_number = $source) g USING (gid) JOIN film_runtimes f USING (mid)
  WHERE abs(g.runtime_minutes - f.runtime_minutes) <= {NEAR_MINUTES}
), contradicted AS (
  SELECT DISTINCT gid, mid FROM (
    SELECT gid, mid FROM pairs
    JOIN (SELECT * FROM group_ids WHERE source_number = $source) g USING (gid) JOIN film_ids f USING (mid, authority)
    GROUP BY gid, mid, authority HAVING NOT bool_or(g.id_number = f.id_number)
  )
)
SELECT
  p.gid, p.mid, p.distance, s.gid IS NOT NULL AS has_person, r.gid IS NOT NULL AS has_runtime,
  4 * has_person::INTEGER + 2 * has_displayed_title::INTEGER + has_runtime::INTEGER AS score
FROM pairs p
LEFT JOIN people s ON s.gid = p.gid AND s.mid = p.mid
LEFT JOIN runtimes r ON r.gid = p.gid AND r.mid = p.mid
LEFT JOIN group_directed gd ON gd.gid = p.gid
LEFT JOIN film_directed fd ON fd.mid = p.mid
ANTI JOIN contradicted c ON c.gid = p.gid AND c.mid = p.mid
WHERE NOT (gd.gid IS NOT NULL AND fd.mid IS NOT NULL AND NOT coalesce(s.has_shared_director, false))
  AND p.mid NOT IN (SELECT mid FROM placed WHERE source_number = $source)
"""
_BY_TITLE = """
WITH eligible AS (
  SELECT gid, mid, score, has_person
  FROM judged
  WHERE distance = 0
), best AS (
  SELECT * FROM eligible
  QUALIFY score = max(score) OVER (PARTITION BY gid) AND count(*) OVER (PARTITION BY gid, score) = 1
)
SELECT gid, mid, CASE WHEN has_person THEN 'title_year_people' ELSE 'title_year' END AS reason
FROM best
QUALIFY score = max(score) OVER (PARTITION BY mid) AND count(*) OVER (PARTITION BY mid, score) = 1
"""
_BY_TITLE_NEAR_YEAR = """
WITH eligible AS (
  SELECT gid, mid, score, has_person
  FROM judged
  JOIN waiting USING (gid)
  WHERE distance = 1 AND (has_person OR has_runtime)
    AND gid NOT IN (SELECT gid FROM judged WHERE distance = 0)
    AND mid NOT IN (SELECT mid FROM placed WHERE source_number = $source)
), best AS (
  SELECT * FROM eligible
  QUALIFY score = max(score) OVER (PARTITION BY gid) AND count(*) OVER (PARTITION BY gid, score) = 1
)
SELECT gid, mid, CASE WHEN has_person THEN 'title_near_year_people' ELSE 'title_near_year_runtime' END AS reason
FROM best
QUALIFY score = max(score) OVER (PARTITION BY mid) AND count(*) OVER (PARTITION BY mid, score) = 1
"""
_FOUND = "SELECT gid, gid AS mid, 'new_movie' AS reason FROM waiting"
# Compared with the ids of the chosen films only: a hash table of every film's ids, six times a source, costs more than the rest.
_REMEMBER_IDS = """
INSERT INTO film_ids
SELECT authority, id_number, mid
FROM chosen
JOIN (SELECT * FROM group_ids WHERE source_number = $source) USING (gid)
ANTI JOIN (SELECT id_number, mid FROM film_ids SEMI JOIN chosen USING (mid)) known USING (id_number, mid)
"""
# A catalogue year may find a film, but a film must not be found by it unless that is the only year it has.
_REMEMBER = (
    """
INSERT INTO film_keys
SELECT k.key_number, y.year, p.mid, k.is_primary
FROM (SELECT * FROM placed WHERE source_number = $source) p
JOIN (SELECT * FROM group_keys WHERE source_number = $source) k USING (gid)
JOIN sources s ON s.source_number = $source AND (s.votes_year OR p.reason = 'new_movie')
JOIN (
  SELECT gid, year FROM group_years WHERE source_number = $source
  UNION
  SELECT q.gid, f.year FROM placed q JOIN group_years f ON f.gid = q.mid WHERE q.source_number = $source AND q.reason <> 'new_movie'
) y ON y.gid = p.gid
""",
    """
INSERT INTO film_people
SELECT mid, person_number, is_director FROM placed p JOIN group_people g USING (gid)
WHERE p.source_number = $source AND g.source_number = $source
""",
    """
INSERT INTO film_runtimes
SELECT mid, runtime_minutes FROM placed p JOIN group_runtimes g USING (gid)
WHERE p.source_number = $source AND g.source_number = $source
""",
)
_MOVIES = """
CREATE TEMP TABLE movie_names AS
SELECT (row_number() OVER (ORDER BY movie_id))::INTEGER - 1 AS mid, founder, movie_id
FROM (
  SELECT rid AS founder, 'mq' || left(sha256(source || ':' || record_id), 12) AS movie_id
  FROM records
  SEMI JOIN placed ON rid = placed.mid
)
"""
_ASSIGNED = """
CREATE TEMP TABLE assigned AS
SELECT g.rid, m.mid, CASE WHEN g.rid = g.gid THEN p.reason ELSE 'same_source' END AS merge_reason
FROM grouped g
JOIN placed p USING (gid)
JOIN movie_names m ON m.founder = p.mid
"""


def resolve(con: "duckdb.DuckDBPyConnection") -> None:
    """Place every group of the evidence tables; leaves `assigned` (rid, mid, merge_reason) and `movie_names` (mid, movie_id).

    `mid` numbers the films from 0 in the order of their movie_id, so that tables are put in order by integers.

    ContractError when two founding records hash to one movie_id.
    """
    for statement in _STATE:
        con.execute(statement)
    for (source,) in con.execute("SELECT DISTINCT source_number FROM grouped ORDER BY source_number").fetchall():
        _place_source(con, source)
    con.execute(_MOVIES)
    con.execute(_ASSIGNED)
    _refuse_collisions(con)


def _place_source(con: "duckdb.DuckDBPyConnection", source: int) -> None:
    con.execute(
        "CREATE OR REPLACE TEMP TABLE waiting AS SELECT DISTINCT gid FROM grouped WHERE source_number = $source", {"source": source}
    )
    _settle(con, source, _BY_IMDB)
    _settle(con, source, _BY_OTHER_ID.format(authority=TMDB, name="tmdb", imdb=IMDB))
    _settle(con, source, _BY_OTHER_ID.format(authority=WIKIDATA, name="wikidata", imdb=IMDB))
    con.execute(_PAIRS, {"source": source})
    con.execute(_JUDGED, {"source": source})
    _settle(con, source, _BY_TITLE)
    _settle(con, source, _BY_TITLE_NEAR_YEAR)
    _settle(con, source, _FOUND)
    for statement in _REMEMBER:
        con.execute(statement, {"source": source})


def _settle(con: "duckdb.DuckDBPyConnection", source: int, choice: str) -> None:
    """Place the groups that `choice` (gid, mid, reason) selects; their ids count as evidence at once, their titles do not."""
    parameters = {"source": source} if "$source" in choice else {}
    chosen = con.execute(f"CREATE OR REPLACE TEMP TABLE chosen AS {choice}", parameters).fetchall()
    if chosen == [(0,)]:
        return
    con.execute("INSERT INTO placed SELECT gid, mid, reason, $source FROM chosen", {"source": source})
    con.execute(_REMEMBER_IDS, {"source": source})
    con.execute("CREATE OR REPLACE TEMP TABLE waiting AS SELECT gid FROM waiting ANTI JOIN chosen USING (gid)")


def _refuse_collisions(con: "duckdb.DuckDBPyConnection") -> None:
    shared = con.execute("SELECT movie_id FROM movie_names GROUP BY movie_id HAVING count(*) > 1 ORDER BY movie_id LIMIT 5").fetchall()
    if shared:
        raise ContractError(
            f"naming films: founding records share the movie ids {[movie_id for (movie_id,) in shared]}; expected one record per id; "
            "two records with the same source and record_id, or a hash collision: lengthen the id"
        )
