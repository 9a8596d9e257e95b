"""People and credits: who a person id or a name is, and which source's list of directors, writers and actors survives.

A credit's person is its IMDb name id where known, else its name key. Two ways lead from one to the other:

* Ids without names. Crew files give director ids only. A film with as many ids as names (of the sources that
  `director_ids_named_by` lists) and exactly one of each still unknown pairs them; an id takes a name when at least
  `name_majority` of its pairings agree. Films with one director come first; each further round uses the names found so
  far to leave one unknown in films with several (elimination). Names stated beside an id in any source need no vote.
* Names without ids. A name key that belongs to exactly one id in the whole corpus is that person.

Per film and role one source's list survives whole (see `survivorship`), so that billing orders are never interleaved.
Credits whose id never gets a name are left out and counted in the log.
"""

import logging
from typing import TYPE_CHECKING

import pyarrow as pa

from corpus_pipeline.errors import ContractError
from corpus_pipeline.transform.survivorship import SurvivorshipRules

if TYPE_CHECKING:
    import duckdb

LOG = logging.getLogger(__name__)
ELIMINATION_ROUNDS = 4  # on the standard archives the fourth adds less than one name in a thousand

_DISPLAY_NAMES = """
CREATE TEMP TABLE display_names AS
WITH counted AS (SELECT spelling_number, count(*) AS used FROM credits_read WHERE spelling_number IS NOT NULL GROUP BY ALL)
SELECT person_number, name, name_key
FROM counted
JOIN names USING (spelling_number)
QUALIFY row_number() OVER (PARTITION BY person_number ORDER BY used DESC, name) = 1
"""
_STATED = """
CREATE TEMP TABLE person_names AS
WITH counted AS (
  SELECT id_number, person_number, count(*) AS used FROM credits_read
  WHERE id_number IS NOT NULL AND person_number IS NOT NULL GROUP BY ALL
)
SELECT id_number, person_number FROM counted
QUALIFY row_number() OVER (PARTITION BY id_number ORDER BY used DESC, person_number) = 1
"""
# One list of ids and one of names per film, each from the preferred record; only films where both are equally long.
_DIRECTED = """
CREATE TEMP TABLE {table} AS
WITH mine AS (
  SELECT DISTINCT mid, director_rank * 100000000::BIGINT + rid AS preference, {column}
  FROM credits_read JOIN assigned USING (rid) JOIN sources USING (source_number)
  WHERE role = 'director' AND {column} IS NOT NULL AND {condition}
)
SELECT mid, {column} FROM mine QUALIFY preference = min(preference) OVER (PARTITION BY mid)
"""
_COMPARABLE = """
CREATE TEMP TABLE comparable AS
SELECT mid FROM (SELECT mid, count(*) AS found FROM directed_ids GROUP BY mid)
JOIN (SELECT mid, count(*) AS found FROM directed_names GROUP BY mid) USING (mid, found)
"""
_ELIMINATE = """
INSERT INTO person_names
WITH open_ids AS (
  SELECT mid, min(id_number) AS id_number
  FROM directed_ids SEMI JOIN comparable USING (mid) ANTI JOIN person_names USING (id_number)
  GROUP BY mid HAVING count(*) = 1
), taken AS (
  SELECT mid, person_number FROM directed_ids JOIN person_names USING (id_number)
), open_names AS (
  SELECT mid, min(person_number) AS person_number
  FROM directed_names SEMI JOIN comparable USING (mid) ANTI JOIN taken USING (mid, person_number)
  GROUP BY mid HAVING count(*) = 1
), votes AS (
  SELECT id_number, person_number, count(*) AS films FROM open_ids JOIN open_names USING (mid) GROUP BY ALL
)
SELECT id_number, person_number FROM votes
QUALIFY films >= $majority * sum(films) OVER (PARTITION BY id_number) - 1e-9
"""
# `person` is the id_number, or minus the person_number of a name without id. Integers only until the lists are chosen:
# carrying names and characters through these joins costs five times as much.
_BILLED = """
CREATE TEMP TABLE billed AS
WITH single_ids AS (
  SELECT person_number, min(id_number) AS id_number FROM person_names GROUP BY person_number HAVING count(*) = 1
), named AS (
  SELECT c.rid, c.source_number, c.role, c.position * 4294967296 + c.credit_number AS billing,
    coalesce(c.id_number, i.id_number, -c.person_number) AS person,
    coalesce(p.person_number, c.person_number) AS person_number
  FROM credits_read c
  LEFT JOIN person_names p ON p.id_number = c.id_number
  LEFT JOIN single_ids i ON i.person_number = c.person_number
  WHERE p.id_number IS NOT NULL OR c.person_number IS NOT NULL
), lists AS (
  SELECT DISTINCT rid, source_number, role FROM named
), winners AS (
  SELECT mid, role, (min(CASE role WHEN 'director' THEN director_rank WHEN 'writer' THEN writer_rank ELSE actor_rank END
    * 100000000::BIGINT + rid) % 100000000)::INTEGER AS rid
  FROM lists
  JOIN assigned USING (rid)
  JOIN sources USING (source_number)
  GROUP BY mid, role
)
SELECT mid, role, rid, person, min(person_number) AS person_number, min(billing) AS billing
FROM named
JOIN winners USING (role, rid)
GROUP BY mid, role, rid, person
"""
_CREDITED = """
CREATE TEMP TABLE credited AS
SELECT *, (row_number() OVER (PARTITION BY mid, role ORDER BY billing))::INTEGER AS position
FROM billed
QUALIFY role <> 'actor' OR position <= {actors}
"""
_PERSONS = """
CREATE TEMP TABLE persons AS
SELECT *, (row_number() OVER (ORDER BY person_id))::INTEGER - 1 AS place
FROM (
  SELECT person, name, name_key, imdb_person_id,
    'pp' || left(sha256(coalesce('imdb:' || imdb_person_id, 'name:' || name_key)), 12) AS person_id
  FROM (SELECT person, min(person_number) AS person_number FROM credited GROUP BY person)
  JOIN display_names USING (person_number)
  LEFT JOIN person_ids ON id_number = person
)
"""
_PEOPLE = "SELECT person_id, name, name_key, imdb_person_id FROM persons ORDER BY place"
_CREDITS = """
SELECT mid, role, position, place AS person_place, billing % 4294967296 AS credit_number
FROM credited
JOIN persons USING (person)
ORDER BY mid, role, place
"""


def create_credits(con: "duckdb.DuckDBPyConnection", rules: SurvivorshipRules) -> None:
    """Make `credited` and `persons` on `con` from `credits_read`, `assigned` and `sources`."""
    con.execute(_DISPLAY_NAMES)
    con.execute(_STATED)
    con.execute(_DIRECTED.format(table="directed_ids", column="id_number", condition="true"))
    con.execute(_DIRECTED.format(table="directed_names", column="person_number", condition="names_directors"))
    con.execute(_COMPARABLE)
    for _ in range(ELIMINATION_ROUNDS):
        con.execute(_ELIMINATE, {"majority": rules.name_majority})
    con.execute(_BILLED)
    con.execute(_CREDITED.format(actors=rules.actors_per_movie))
    con.execute(_PERSONS)
    _refuse_collisions(con)
    nameless = con.execute(
        "SELECT count(*) FROM credits_read ANTI JOIN person_names USING (id_number) WHERE person_number IS NULL"
    ).fetchall()
    LOG.info("%d credits left out: their person ids have no name in any source", nameless[0][0])


def _refuse_collisions(con: "duckdb.DuckDBPyConnection") -> None:
    shared = con.execute("SELECT person_id FROM persons GROUP BY person_id HAVING count(*) > 1 ORDER BY person_id LIMIT 5").fetchall()
    if shared:
        raise ContractError(f"naming people: two persons share each of the ids {shared}; expected one; lengthen the hash in person_id")


def people_table(con: "duckdb.DuckDBPyConnection") -> pa.Table:
    """`core_people`: the persons of surviving credits."""
    return con.execute(_PEOPLE).to_arrow_table()


def credits_table(con: "duckdb.DuckDBPyConnection") -> pa.Table:
    """`core_credits`: film, person (by place in `core_people`) and credit by number."""
    return con.execute(_CREDITS).to_arrow_table()
