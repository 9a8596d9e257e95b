"""Amazon reviews of Movies & TV: reviews and product data as packed JSON lines, cut to the size that RALLRec publishes.

Reviews: `reviewerID`, `asin`, `overall` (1 to 5 stars) and `unixReviewTime`; all of them or the 5-core file. Products: `asin`,
`title`, `brand`, and `category` (a list) or `categories` (a list of lists, as in earlier releases). Liked: more than 3 stars.
A product without a record keeps its ASIN as title.

The published filter: products whose category is known, which is one with exactly three levels; then users with 11 to 200
reviews and products with 10 to 200, again until nothing changes; then the most reviewed products. What it drops is
quarantined as out_of_scope, told by number. What is not published was chosen here: a user's second review of a product is
dropped before; users and products are counted in the same state; of equally reviewed products the smaller ASIN is kept; of
several categories (earlier releases) the first counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from corpus_pipeline.errors import SourceError
from corpus_pipeline.schema.render import literal
from corpus_pipeline.sources.interactions.histories import Intake, Rules, collect, intake, judge
from corpus_pipeline.sources.interactions.lines import numbered_lines
from corpus_pipeline.sources.reading import Read

REVIEWS = ("Movies_and_TV.json.gz", "Movies_and_TV_5.json.gz", "Movies_and_TV.json", "Movies_and_TV_5.json")
PRODUCTS = ("meta_Movies_and_TV.json.gz", "meta_Movies_and_TV.json")


@dataclass(frozen=True, slots=True)
class Scope:
    """How many reviews a user and a product have, both ends inclusive, and how many products stay.

    `category_levels`: how many levels the category of a product has; None takes any, and products without a category or a record.
    """

    user_reviews: tuple[int, int] = (11, 200)
    item_reviews: tuple[int, int] = (10, 200)
    items: int = 5_000
    category_levels: int | None = 3


PUBLISHED = Scope()


def read_amazon_movies(files: Mapping[str, Path], scope: Scope = PUBLISHED) -> Read:
    """The reviews within `scope`, their products and their users, of whom nothing else is known."""
    rules = Rules(adds_items=True, adds_users=True, counted=("out_of_scope",))
    with intake("amazon_movies", files) as found:
        found.con.execute("ALTER TABLE items_read ADD COLUMN levels INTEGER")
        _read(found, REVIEWS, "ratings_read", _REVIEW_PATHS, _REVIEW)
        _read(found, PRODUCTS, "items_read", _PRODUCT_PATHS, _PRODUCT)
        judge(found, rules)
        _cut(found, scope)
        return collect(found, rules)


def _read(found: Intake, names: tuple[str, ...], into: str, paths: tuple[str, ...], query: str) -> None:
    """Run `query` over `v`, the values at the JSON `paths` of every line, and put its rows `into` the intake.

    All values come of one pass over the text, which is what takes the time. Good records keep no raw text: of nine
    million reviews only the cells used are held in memory.
    """
    file = found.take(*names)
    place = f"{literal(file.name)} AS file, {found.number(file)} AS file_number"
    values = f"json_extract(j, [{', '.join(map(literal, paths))}]) AS v"
    for piece in numbered_lines(file.path):
        found.con.register("lines", piece)
        valid = "SELECT line, text, is_readable, CASE WHEN is_readable AND json_valid(text) THEN text END AS j FROM lines"
        found.con.execute(
            f"INSERT INTO {into} BY NAME SELECT * REPLACE (CASE WHEN reason IS NOT NULL THEN raw END AS raw) FROM "
            f"(SELECT {place}, line, text AS raw, {query} FROM (SELECT line, text, is_readable, {values} FROM ({valid})))"
        )
        found.con.unregister("lines")


def _text(value: str) -> str:
    """A JSON string; null when it is missing or something else."""
    return f"CASE WHEN json_type({value}) = 'VARCHAR' THEN {value} ->> '$' END"


def _number(value: str) -> str:
    return f"CASE WHEN json_type({value}) IN ('UBIGINT', 'DOUBLE') THEN try_cast({value} AS DOUBLE) END"


_SECONDS = _number("v[4]")
_MALFORMED = "CASE WHEN NOT is_readable THEN 'bad_utf8' WHEN v IS NULL THEN 'bad_json'"
_REVIEW_PATHS = ("$.reviewerID", "$.asin", "$.overall", "$.unixReviewTime")
_REVIEW = f"""
clean({_text("v[1]")}) AS user_id, clean({_text("v[2]")}) AS item_id, {_number("v[3]")} AS rating, rating > 3 AS is_liked,
CASE WHEN {_SECONDS} = floor({_SECONDS}) AND {_SECONDS} BETWEEN 0 AND 1e10 THEN ({_SECONDS})::BIGINT END AS interacted_at,
{_MALFORMED} WHEN user_id IS NULL OR item_id IS NULL THEN 'missing_id' WHEN NOT coalesce(rating BETWEEN 1 AND 5, false) THEN 'bad_rating'
    WHEN interacted_at IS NULL THEN 'bad_time' END AS reason"""
_PRODUCT_PATHS = ("$.asin", "$.title", "$.brand", "$.category", "$.categories")
_LISTED = """cleaned(list_transform(list_filter(list_concat(v[4] ->> '$[*]', v[5] ->> '$[*][*]'), lambda t: t IS NOT NULL),
    lambda t: clean_text(t)))"""
_PRODUCT = f"""
clean({_text("v[1]")}) AS item_id, coalesce(nullif(clean_text({_text("v[2]")}), ''), item_id) AS title, once({_LISTED}) AS item_genres,
nullif(clean_text({_text("v[3]")}), '') AS publisher,
coalesce(nullif(json_array_length(v[4]), 0), json_array_length(v[5], '$[0]'), 0)::INTEGER AS levels,
{_MALFORMED} WHEN item_id IS NULL THEN 'missing_id' END AS reason"""


def _cut(found: Intake, scope: Scope) -> None:
    """Refuse what is outside of `scope`; SourceError when nothing is left of the file."""
    con = found.con
    con.execute("CREATE TABLE kept AS SELECT rowid AS row, user_id, item_id FROM ratings_read WHERE reason IS NULL")
    if scope.category_levels is not None:
        known = f"SELECT item_id FROM items_read WHERE reason IS NULL AND levels = {scope.category_levels:d}"
        con.execute(f"DELETE FROM kept WHERE item_id NOT IN ({known})")
    for _ in iter(lambda: _outside(found, scope), 0):
        pass
    con.execute(
        f"CREATE TABLE frequent AS SELECT item_id FROM kept GROUP BY item_id ORDER BY count(*) DESC, item_id LIMIT {scope.items:d}; "
        "DELETE FROM kept WHERE item_id NOT IN (FROM frequent); "
        "UPDATE ratings_read SET reason = 'out_of_scope' WHERE reason IS NULL AND rowid NOT IN (SELECT row FROM kept); "
        "UPDATE items_read SET reason = 'out_of_scope' WHERE reason IS NULL AND item_id NOT IN (FROM frequent)"
    )
    if not con.execute("SELECT count(*) FROM kept").fetchall()[0][0]:
        raise SourceError(f"reading {found.dataset}: no review is left within {scope}; expected the whole file of the category")


def _outside(found: Intake, scope: Scope) -> int:
    """Drop the rows of users and items with too few or too many; returns how many rows that were."""
    bounds = {"user_id": scope.user_reviews, "item_id": scope.item_reviews}
    within = " AND ".join(
        f"{key} IN (SELECT {key} FROM kept GROUP BY {key} HAVING count(*) BETWEEN {low:d} AND {high:d})"
        for key, (low, high) in bounds.items()
    )
    found.con.execute(f"CREATE OR REPLACE TABLE next AS FROM kept WHERE {within}")
    before, after = found.con.execute("SELECT (SELECT count(*) FROM kept), (SELECT count(*) FROM next)").fetchall()[0]
    found.con.execute("DROP TABLE kept; ALTER TABLE next RENAME TO kept")
    return int(before - after)
