"""omdb.org's dump: quoted CSV with backslash escapes and '\\N' for null, one table a file, openly licensed.

Titles are in the original language; the English name is among the aliases. TV episodes share the link table, and the
tables of two years do not match: rows of films that are not there are orphans. Empty abstracts are no plots. The
official files are the same, compressed with bzip2, and have casts (`all_casts`, `all_people`), which the copy lacks.
"""

from dataclasses import replace
from pathlib import Path

from corpus_pipeline.sources.reading import Read
from corpus_pipeline.sources.tabular import Cell, Companion, Layout, TabularDump, read_dump

LANGUAGES = ("de", "en", "es", "fr")
JOBS = {"21": "director", "13": "writer", "100": "writer", "15": "actor"}  # job ids: director, author, screenplay, actor

_NAMES = (  # the name of each category in English, else in the first language that has one
    "SELECT c.id AS key, arg_min(n.name, CASE n.language_iso_639_1 WHEN 'en' THEN '' ELSE n.language_iso_639_1 END) AS name, "
    "any_value(c.root_id) AS root FROM categories c JOIN category_names n ON n.category_id = c.id GROUP BY c.id"
)
_ROLE = "CASE c.job_id " + " ".join(f"WHEN '{job}' THEN '{role}'" for job, role in JOBS.items()) + " END"
_PEOPLE = (
    "SELECT key, gathered(struct_pack(role := role, place := place), struct_pack(name := name, role := role, "
    '"position" := place, "character" := part, imdb_person_id := NULL)) AS items FROM (SELECT c.movie_id AS key, clean(p.name) AS name, '
    f"{_ROLE} AS role, CASE WHEN c.job_id = '15' THEN clean(c.role) END AS part, row_number() OVER (PARTITION BY c.movie_id, {_ROLE} "
    "ORDER BY try_cast(c.position AS INTEGER) NULLS LAST, c.line) AS place FROM casts c JOIN people_names p ON p.id = c.person_id) "
    "WHERE role IS NOT NULL AND name IS NOT NULL GROUP BY key"
)


def _in_order(table: str, column: str) -> str:
    return f"SELECT movie_id AS key, once(gathered(line, {column})) AS items FROM {table} WHERE {column} <> 'xx' GROUP BY movie_id"


def _categories(table: str, condition: str) -> str:
    return (
        f"SELECT m.movie_id AS key, once(gathered(m.line, n.name)) AS items FROM {table} m JOIN names n "
        f"ON n.key = m.category_id LEFT JOIN names r ON r.key = n.root WHERE {condition} GROUP BY m.movie_id"
    )


def _table(*patterns: str, is_optional: bool = False, columns: tuple[str, ...] = ()) -> Companion:
    return Companion(patterns, "movie_id", is_unique=False, is_optional=is_optional, columns=columns)


_PLOTS = " UNION ALL ".join(
    f"SELECT movie_id, {i} AS place, struct_pack(\"text\" := clean(abstract), language := '{language}') AS plot "
    f"FROM abstracts_{language} WHERE clean(abstract) IS NOT NULL"
    for i, language in enumerate(LANGUAGES)
)

DUMP = TabularDump(
    source="omdb_org",
    files=("all_movies.csv",),
    key="id",
    layout=Layout(escape="\\", nulls=("", r"\N")),
    columns={
        "record_id": Cell("id", "integer"),
        "omdb_org_id": Cell("id", "integer"),
        "title": Cell("name"),
        "original_title": Cell("name"),
        "year": Cell("date", "year"),
        "runtime_minutes": Cell("details.runtime", "minutes"),
        "imdb_id": Cell("ids.imdb", "imdb_id"),
        "wikidata_id": Cell("ids.wikidata", "wikidata_id"),
        "wikipedia_page": Cell("ids.wikipedia", "text"),
        "genres": Cell("genres.items", "sql"),
        "keywords": Cell("keywords.items", "sql"),
        "countries": Cell("made_in.items", "sql"),
        "languages": Cell("spoken.items", "sql"),
        "alternative_titles": Cell("other_titles.items", "sql"),
        "plots": Cell("all_plots.items", "sql"),
        "people": Cell("cast_and_crew.items", "sql"),
    },
    companions={
        "details": Companion(("movie_details.csv",), "movie_id", columns=("runtime",)),
        "aliases": _table("all_movie_aliases_iso*.csv", columns=("name", "language_iso_639_1")),
        "links": _table("movie_links*.csv", columns=("source", "key", "language_iso_639_1")),
        "movie_categories": _table("movie_categories.csv", columns=("category_id",)),
        "movie_keywords": _table("movie_keywords*.csv", columns=("category_id",)),
        "countries": _table("movie_countries.csv", columns=("country_code",)),
        "languages": _table("movie_languages.csv", columns=("language_iso_639_1",)),
        "casts": _table("all_casts.csv", is_optional=True, columns=("person_id", "job_id", "role", "position")),
        "people_names": Companion(("all_people.csv",), "id", is_lookup=True, is_optional=True, columns=("name",)),
        "categories": Companion(("all_categories.csv",), "id", is_lookup=True, columns=("root_id",)),
        "category_names": Companion(
            ("category_names.csv",), "category_id", is_unique=False, is_lookup=True, columns=("name", "language_iso_639_1")
        ),
    }
    | {f"abstracts_{x}": _table(f"movie_abstracts_{x}*.csv", is_optional=True, columns=("abstract",)) for x in LANGUAGES},
    derived={
        "names": _NAMES,
        "ids": "SELECT movie_id AS key, arg_min(key, line) FILTER (WHERE source = 'imdbmovie') AS imdb, "
        "arg_min(key, line) FILTER (WHERE source = 'wikidata') AS wikidata, "
        "arg_min(key, line) FILTER (WHERE source = 'wikipedia' AND language_iso_639_1 = 'en') AS wikipedia FROM links GROUP BY movie_id",
        "genres": _categories("movie_categories", "r.name = 'Genre' AND n.name <> 'Genre'"),
        "keywords": _categories("movie_keywords", "true"),
        "made_in": _in_order("countries", "country_code"),
        "spoken": _in_order("languages", "language_iso_639_1"),
        "other_titles": "SELECT movie_id AS key, gathered(line, struct_pack(title := clean(name), "
        "language := nullif(language_iso_639_1, 'xx'), region := NULL)) AS items "
        "FROM aliases WHERE clean(name) IS NOT NULL GROUP BY movie_id",
        "cast_and_crew": _PEOPLE,
        "all_plots": f"SELECT movie_id AS key, gathered(place, plot) AS items FROM ({_PLOTS}) GROUP BY movie_id",
    },
)


def read_omdb_org(archive: Path, scratch: Path) -> Read:
    """Films of the archive omdb_org."""
    return read_dump(DUMP, archive, scratch)


def read_omdb_official(archive: Path, scratch: Path) -> Read:
    """Films of a folder with omdb.org's own csv.bz2 files; `archive` is the folder or any file in it."""
    folder = archive if archive.is_dir() else archive.parent
    return read_dump(replace(DUMP, source="omdb_official"), folder, scratch)
