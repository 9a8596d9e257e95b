"""Indian films of 1950 to 2019 in three periods: titles, texts, ratings and page links, and crew ids with names.

The files are CSV without quoting: bare '"' are text (a quoting reader merges 13 rows), and the compiler wrote two spaces for
each comma of the texts, which is undone. 'Add a Plot' is a placeholder (470). Lists are separated by '|'.
"""

from pathlib import Path

from corpus_pipeline.sources.cells import credited_ids
from corpus_pipeline.sources.reading import Read
from corpus_pipeline.sources.tabular import Cell, Companion, Credit, Layout, TabularDump, Text, read_dump

_NAMED = ("crew_id", "name")
_UNQUOTED = Layout(quote="", nulls=("", r"\N"))


def _text(column: str) -> str:
    """A text with its commas; null when it is the site's placeholder."""
    cell = f"clean(texts.{column})"
    return f"[CASE WHEN NOT starts_with({cell}, 'Add a Plot') THEN regexp_replace({cell}, ' {{2,}}', ', ', 'g') END]"


DUMP = TabularDump(
    source="timdb_bollywood",
    files=("bollywood_meta.csv",),
    key="imdb_id",
    layout=_UNQUOTED,
    columns={
        "record_id": Cell("imdb_id", "imdb_id"),
        "imdb_id": Cell("imdb_id", "imdb_id"),
        "title": Cell("title"),
        "original_title": Cell("original_title"),
        "year": Cell("year_of_release", "year"),
        "runtime_minutes": Cell("runtime", "minutes"),
        "is_adult": Cell("is_adult", "flag"),
        "genres": Cell("genres", "pipe_list"),
        "imdb_rating": Cell("ratings.imdb_rating", "real"),
        "imdb_vote_count": Cell("ratings.imdb_votes", "count"),
        "wikipedia_page": Cell("pages.wiki_link", "wikipedia_page"),
        "people": Cell("filled(list_concat(coalesce(directed.people, []), coalesce(wrote.people, [])))", "sql"),
    },
    credits=(Credit("actor", "texts.actors", "pipe_list"),),
    plots=(Text(_text("story"), "sql", language="en"), Text(_text("summary"), "sql", language="en")),
    companions={
        "texts": Companion(("bollywood_text.csv",), "imdb_id", columns=("story", "summary", "actors")),
        "ratings": Companion(("bollywood_ratings.csv",), "imdb_id", numbers=("imdb_rating", "imdb_votes")),
        "pages": Companion(("bollywood.csv",), "imdb_id", columns=("wiki_link",), layout=Layout(nulls=("", r"\N"))),
        "crew": Companion(("bollywood_crew.csv",), "imdb_id", columns=("directors", "writers")),
        "director_names": Companion(("bollywood_crew_data.csv",), "crew_id", is_lookup=True, columns=("name",)),
        "writer_names": Companion(("bollywood_writers_data.csv",), "crew_id", is_lookup=True, columns=("name",)),
    },
    derived={
        "directed": credited_ids("director", "crew.directors", separator="|", film="imdb_id", lookup="director_names", columns=_NAMED),
        "wrote": credited_ids("writer", "crew.writers", separator="|", film="imdb_id", lookup="writer_names", columns=_NAMED),
    },
)


def read_timdb_bollywood(archive: Path, scratch: Path) -> Read:
    """Films of the archive timdb_bollywood."""
    return read_dump(DUMP, archive, scratch)
