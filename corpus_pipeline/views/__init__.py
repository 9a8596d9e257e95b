"""SQL views of a release's `corpus.duckdb`: what people ask of the corpus, ready to query and described in the database.

What belongs here: SELECTs over the tables of `schema.RELEASED`, with a comment per view and per column. A view reads no
file, so the database can be copied anywhere.
"""

from typing import TYPE_CHECKING

from corpus_pipeline.views.dialogues import DIALOGUE_VIEWS
from corpus_pipeline.views.interactions import INTERACTION_VIEWS
from corpus_pipeline.views.movies import MOVIE_VIEWS
from corpus_pipeline.views.view import View, create_view

if TYPE_CHECKING:
    import duckdb

__all__ = ["VIEWS", "View", "create_view", "create_views"]

VIEWS = (*MOVIE_VIEWS, *DIALOGUE_VIEWS, *INTERACTION_VIEWS)


def create_views(con: "duckdb.DuckDBPyConnection") -> None:
    """Create every view, with comments, in a database that has all tables of `schema.RELEASED`."""
    for view in VIEWS:
        con.execute(create_view(view))
