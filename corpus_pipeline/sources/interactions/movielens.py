"""MovieLens ratings: ML-1M ('::' between fields, Latin-1, or the liked sequences of a mirror) and ml-latest-small (CSV).

A film's title stands without its year and without the bracketed titles before it, the article moved to the front, as in the
corpus ('Postino, Il (The Postman) (1994)' is 'Il Postino'). A film is liked with more than 3 stars.

ML-1M without `ratings.dat`: `ml1m_sequences_liked.tsv` was rebuilt from published leave-one-out sequences and lists of films
rated 4 or 5. It has the order and the liking of 999,611 of the 1,000,209 ratings, of films with five ratings or more; stars
and times are lost (null), so figures on it are not those of the official file.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from corpus_pipeline.errors import SourceError
from corpus_pipeline.schema.fields import FIRST_YEAR, LAST_YEAR
from corpus_pipeline.schema.render import literal
from corpus_pipeline.sources.cells import PARSERS
from corpus_pipeline.sources.delimited import ArchiveFile, Layout, load
from corpus_pipeline.sources.interactions.histories import Intake, Rules, collect, intake, judge
from corpus_pipeline.sources.interactions.lines import numbered_lines
from corpus_pipeline.sources.reading import Read

AGES = {1: "under 18", 18: "18-24", 25: "25-34", 35: "35-44", 45: "45-49", 50: "50-55", 56: "56+"}
OCCUPATIONS = (
    "other or not specified", "academic/educator", "artist", "clerical/admin", "college/grad student", "customer service",
    "doctor/health care", "executive/managerial", "farmer", "homemaker", "K-12 student", "lawyer", "programmer", "retired",
    "sales/marketing", "scientist", "self-employed", "technician/engineer", "tradesman/craftsman", "unemployed", "writer",
)  # fmt: skip
_NO_GENRES = "(no genres listed)"
_SEQUENCES = "ml1m_sequences_liked.tsv"
_SEQUENCE_HEADER = "user_id\tposition\tmovie_id\tliked"
_HALF_STARS = r"0\.5|[1-4](\.[05])?|5(\.0)?"
_TIME = "[0-9]{1,10}"  # seconds since 1970; ten digits last until 2286


def read_movielens_1m(files: Mapping[str, Path]) -> Read:
    """ML-1M from `ml-1m.zip` or its loose files, or with the sequences of a mirror in place of `ratings.dat`.

    Every user has a row in `users.dat`, so a rating by another one is quarantined (unknown_user).
    """
    with intake("movielens_1m", files) as found:
        _dat(found, "movies.dat", "items_read", _movies_query())
        _dat(found, "users.dat", "users_read", _users_query())
        if found.find("ratings.dat"):
            _dat(found, "ratings.dat", "ratings_read", _RATINGS)
        else:
            _sequences(found, found.take(_SEQUENCES, "ratings.dat"))
        rules = Rules()
        judge(found, rules)
        return collect(found, rules)


def read_movielens_small(files: Mapping[str, Path]) -> Read:
    """ml-latest-small from its zip or from `ratings.csv` and `movies.csv`. Nothing is known of the users but their ids."""
    with intake("movielens_small", files) as found:
        movies, ratings = found.take("movies.csv"), found.take("ratings.csv")
        _csv(found, movies, "movies", ("movieId", "title", "genres"))
        _csv(found, ratings, "ratings", ("userId", "movieId", "rating", "timestamp"))
        found.con.execute(f"INSERT INTO items_read BY NAME {_small_movies(found.number(movies))}")
        found.con.execute(f"INSERT INTO ratings_read BY NAME {_small_ratings(found.number(ratings))}")
        rules = Rules(adds_users=True)
        judge(found, rules)
        return collect(found, rules)


def _dat(found: Intake, name: str, into: str, query: str, header: str = "") -> None:
    """Run `query` over the lines of the file, split at '::' (or at tabs below a `header`), and put its rows `into` the intake."""
    file = found.take(name)
    split = f"string_split(text, {literal(chr(9) if header else '::')}) AS c"
    place = f"{literal(file.name)} AS file, {found.number(file)} AS file_number, line, text AS raw"
    for piece in numbered_lines(file.path, encoding="latin-1"):
        found.con.register("lines", piece)
        lines = f"SELECT {place}, {split} FROM lines WHERE NOT (line = 1 AND text = {literal(header)})"
        found.con.execute(f"INSERT INTO {into} BY NAME SELECT file, file_number, line, raw, {query} FROM ({lines})")
        found.con.unregister("lines")


def _sequences(found: Intake, file: ArchiveFile) -> None:
    with file.path.open("rb") as handle:
        first = handle.readline(200).rstrip(b"\r\n")
    if first != _SEQUENCE_HEADER.encode():
        raise SourceError(f"reading {file.name}: saw the header {first[:80]!r}; expected {_SEQUENCE_HEADER!r}; fetch the file again")
    _dat(found, _SEQUENCES, "ratings_read", _LIKED, _SEQUENCE_HEADER)


def _number(cell: str) -> str:
    return f"regexp_full_match({cell}, '[0-9]+')"


def _films(title: str, genres: str) -> str:
    year = PARSERS["year_in_brackets"](title)
    return (
        f"clean_text({PARSERS['title_before_brackets'](title)}) AS title, "
        f"CASE WHEN {year} BETWEEN {FIRST_YEAR} AND {LAST_YEAR} THEN {year} END AS year, "
        f"CASE WHEN {genres} <> {literal(_NO_GENRES)} THEN cleaned(string_split({genres}, '|')) END AS item_genres"
    )


def _movies_query() -> str:
    return f"""c[1] AS item_id, {_films("clean(c[2])", "clean(c[3])")}, CASE WHEN len(c) <> 3 THEN 'wrong_field_count'
        WHEN NOT {_number("c[1]")} THEN 'bad_id' WHEN coalesce(title, '') = '' THEN 'missing_title' END AS reason"""


def _coded(cell: str, words: Mapping[int, str]) -> str:
    cases = " ".join(f"WHEN '{code}' THEN {literal(word)}" for code, word in words.items())
    return f"CASE {cell} {cases} END"


def _users_query() -> str:
    return f"""CASE WHEN len(c) <> 5 THEN 'wrong_field_count' WHEN NOT {_number("c[1]")} THEN 'bad_id' END AS reason,
        c[1] AS user_id, CASE WHEN c[2] IN ('F', 'M') THEN c[2] END AS gender, {_coded("c[3]", AGES)} AS age,
        {_coded("c[4]", dict(enumerate(OCCUPATIONS)))} AS occupation, clean(c[5]) AS location"""


_IDS = f"WHEN NOT ({_number('c[1]')} AND {_number('{item}')}) THEN 'bad_id'"
_RATINGS = f"""CASE WHEN len(c) <> 4 THEN 'wrong_field_count' {_IDS.format(item="c[2]")}
        WHEN NOT regexp_full_match(c[3], '[1-5]') THEN 'bad_rating'
        WHEN NOT regexp_full_match(c[4], '{_TIME}') THEN 'bad_time' END AS reason,
    c[1] AS user_id, c[2] AS item_id, try_cast(c[3] AS DOUBLE) AS rating, try_cast(c[3] AS DOUBLE) > 3 AS is_liked,
    try_cast(c[4] AS BIGINT) AS interacted_at"""
_LIKED = f"""CASE WHEN len(c) <> 4 THEN 'wrong_field_count' {_IDS.format(item="c[3]")}
        WHEN NOT regexp_full_match(c[2], '[0-9]{{1,9}}') THEN 'bad_position' WHEN c[4] NOT IN ('0', '1') THEN 'bad_liking' END AS reason,
    c[1] AS user_id, c[3] AS item_id, c[4] = '1' AS is_liked, try_cast(c[2] AS BIGINT) AS place"""


def _csv(found: Intake, file: ArchiveFile, table: str, columns: Sequence[str]) -> None:
    seen = load(found.con, table, [file], layout=Layout(), scratch=found.scratch, quarantine=found.quarantine)
    if missing := [name for name in columns if name not in seen]:
        raise SourceError(f"reading {file.name}: columns {missing} are missing, saw {list(seen)[:20]}; fetch the file again")


def _small_movies(number: int) -> str:
    films = _films("clean(m.title)", "clean(m.genres)")
    return f"""SELECT *, CASE WHEN NOT coalesce({_number("item_id")}, false) THEN 'bad_id'
        WHEN coalesce(title, '') = '' THEN 'missing_title' END AS reason
    FROM (SELECT file, {number} AS file_number, line, concat_ws(',', movieId, m.title, m.genres) AS raw, movieId AS item_id, {films}
        FROM movies AS m)"""


def _small_ratings(number: int) -> str:
    return f"""SELECT file, {number} AS file_number, line, concat_ws(',', userId, movieId, rating, timestamp) AS raw,
    CASE WHEN NOT coalesce({_number("userId")} AND {_number("movieId")}, false) THEN 'bad_id'
        WHEN NOT coalesce(regexp_full_match(rating, '{_HALF_STARS}'), false) THEN 'bad_rating'
        WHEN NOT coalesce(regexp_full_match(timestamp, '{_TIME}'), false) THEN 'bad_time' END AS reason,
    userId AS user_id, movieId AS item_id, try_cast(rating AS DOUBLE) AS rating, try_cast(rating AS DOUBLE) > 3 AS is_liked,
    try_cast(timestamp AS BIGINT) AS interacted_at FROM ratings"""
