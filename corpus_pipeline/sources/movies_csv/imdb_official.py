"""IMDb's non-commercial data files (datasets.imdbws.com): unquoted TSV with '\\N' for null, one table a file.

`title.basics` is needed; ratings, crew, principals, akas and names are used where they are there. Films, TV films, and the
videos and shorts that somebody has rated are read; all other titles are out_of_scope, and so are the rows about them in the
other files. `imdb_official_scope` takes those out before anything is loaded.
"""

from pathlib import Path

from corpus_pipeline.sources.cells import credited_ids
from corpus_pipeline.sources.delimited import source_files
from corpus_pipeline.sources.movies_csv.imdb_official_scope import Scope
from corpus_pipeline.sources.reading import Read
from corpus_pipeline.sources.tabular import Cell, Companion, Layout, TabularDump, read_dump

KINDS = {"movie": "movie", "tvMovie": "tv_movie", "video": "video", "short": "short"}


def _part(name: str, *columns: str, key: str = "tconst", is_unique: bool = True, numbers: tuple[str, ...] = ()) -> Companion:
    return Companion((f"{name}.tsv",), key, is_unique=is_unique, is_optional=True, numbers=numbers, columns=columns)


_NAMED = ("nconst", "primaryName")
_NAMES = Companion(("name.basics.tsv",), "nconst", is_lookup=True, is_optional=True, columns=("primaryName",))
_CAST = (  # characters are a JSON list; the first one is kept
    "SELECT tconst AS key, gathered(place, struct_pack(name := n.primaryName, role := 'actor', \"position\" := place, "
    "\"character\" := TRY(json_extract_string(characters, '$[0]')), imdb_person_id := p.nconst)) AS people "
    "FROM (SELECT *, row_number() OVER (PARTITION BY tconst ORDER BY try_cast(ordering AS INTEGER), line) AS place FROM principals "
    "WHERE category IN ('actor', 'actress')) p LEFT JOIN people_names n ON n.nconst = p.nconst GROUP BY tconst"
)
_AKAS = (  # markets share titles: each is kept once, as the first market has it
    "SELECT key, gathered(line, struct_pack(title := name, language := language, region := region)) AS items FROM "
    "(SELECT titleId AS key, clean(title) AS name, arg_min_null(language, line) AS language, arg_min_null(region, line) AS region, "
    "min(line) AS line FROM akas WHERE coalesce(isOriginalTitle, '0') <> '1' AND clean(title) IS NOT NULL GROUP BY ALL) GROUP BY key"
)

DUMP = TabularDump(
    source="imdb_official",
    files=("title.basics.tsv",),
    key="tconst",
    layout=Layout(delimiter="\t", quote="", nulls=("", r"\N")),
    refuse={"out_of_scope": f"film.titleType NOT IN ({', '.join(repr(kind) for kind in KINDS)})"},
    columns={
        "record_id": Cell("tconst", "imdb_id"),
        "imdb_id": Cell("tconst", "imdb_id"),
        "title": Cell("primaryTitle"),
        "original_title": Cell("originalTitle"),
        "year": Cell("startYear", "year"),
        "runtime_minutes": Cell("runtimeMinutes", "minutes"),
        "is_adult": Cell("isAdult", "flag"),
        "kind": Cell("CASE film.titleType " + " ".join(f"WHEN '{a}' THEN '{b}'" for a, b in KINDS.items()) + " END", "sql"),
        "genres": Cell("genres", "comma_list"),
        "imdb_rating": Cell("ratings.averageRating", "real"),
        "imdb_vote_count": Cell("ratings.numVotes", "count"),
        "alternative_titles": Cell("further_titles.items", "sql"),
        "people": Cell(
            "filled(list_concat(coalesce(directed.people, []), coalesce(wrote.people, []), coalesce(played.people, [])))", "sql"
        ),
    },
    companions={
        "ratings": _part("title.ratings", numbers=("averageRating", "numVotes")),
        "crew": _part("title.crew", "directors", "writers"),
        "principals": _part("title.principals", "ordering", "nconst", "category", "characters", is_unique=False),
        "akas": _part("title.akas", "ordering", "title", "region", "language", "isOriginalTitle", key="titleId", is_unique=False),
        "people_names": _NAMES,
    },
    derived={
        "directed": credited_ids("director", "crew.directors", separator=",", film="tconst", lookup="people_names", columns=_NAMED),
        "wrote": credited_ids("writer", "crew.writers", separator=",", film="tconst", lookup="people_names", columns=_NAMED),
        "played": _CAST,
        "further_titles": _AKAS,
    },
)


def read_imdb_official(archive: Path, scratch: Path) -> Read:
    """Films of a folder with IMDb's official files (.tsv or .tsv.gz); `archive` is the folder or any file in it."""
    scope = Scope(DUMP.source, KINDS, scratch)
    passed = scope.cut(source_files(archive if archive.is_dir() else archive.parent, scratch))
    return scope.restored(read_dump(DUMP, passed, scratch))
