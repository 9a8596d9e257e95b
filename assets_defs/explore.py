"""Readers' way to what is published: SQL, linking a title, recommending for a dialogue. Nothing is written."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from assets_defs.models import artifact_folder, load_lrurec, training_curve
from assets_defs.workspace import Workspace
from corpus_pipeline import release
from corpus_pipeline.errors import ConfigError
from corpus_pipeline.schema import tables as t
from corpus_pipeline.schema.render import literal, quoted

BESIDE = (*t.SETS, *t.EVALS)
MODELS = {"lrurec": "model_lrurec", "lrurec_text": "model_lrurec_text"}


def open_explorer(workspace: Workspace) -> Any:
    """A DuckDB connection to the current release, with set_, model_ and eval_ tables beside it, locked before any user SQL."""
    import duckdb

    found = release.current(workspace.releases)
    con = duckdb.connect(":memory:")
    con.execute(f"ATTACH {literal(str(found.database))} AS corpus (READ_ONLY)")
    for table in BESIDE:
        path = workspace.table(table)
        if path.exists():
            con.execute(f"CREATE TABLE {quoted(table.name)} AS SELECT * FROM read_parquet({literal(str(path))})")
    for name, rows in model_tables(workspace).items():
        con.register("rows_of_model", rows)
        con.execute(f"CREATE TABLE {quoted(name)} AS SELECT * FROM rows_of_model")
        con.unregister("rows_of_model")
    con.execute("SET search_path = 'corpus.main,memory.main'")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
    return con


def model_tables(workspace: Workspace) -> dict[str, pa.Table]:
    """Each trained model as a table of its training curve: one row per epoch, numbers as the trainer logged them."""
    trained = [name for name in MODELS.values() if workspace.ledger.get(name)]
    return {name: training_curve(artifact_folder(workspace, name)) for name in trained}


def ask(workspace: Workspace, query: str, *, limit: int) -> tuple[list[str], list[tuple[Any, ...]], bool]:
    """(columns, rows, whether there were more rows than `limit`); ConfigError carries DuckDB's own words."""
    import duckdb

    con = open_explorer(workspace)
    try:
        cursor = con.execute(query)
        columns = [column[0] for column in cursor.description or ()]
        rows = cursor.fetchmany(limit + 1) if limit else cursor.fetchall()
    except duckdb.Error as error:
        raise ConfigError(f"the query could not be answered: {error}") from error
    finally:
        con.close()
    more = bool(limit) and len(rows) > limit
    return columns, rows[:limit] if limit else rows, more


def link_title(workspace: Workspace, text: str) -> dict[str, Any]:
    """The link of one typed title, as a document."""
    from corpus_pipeline.linking.link import catalogue_of
    from corpus_pipeline.transform.text import split_title_year

    found = release.current(workspace.releases)
    title, year = split_title_year(text)
    catalogue = catalogue_of(*_tables_for_linking(found))
    link = catalogue.link_text(title, year)
    names = _names(found, [link.movie_id, link.runner_up_movie_id])
    return {
        "surface": title,
        "year_given": year,
        "status": link.link_status,
        "movie_id": link.movie_id,
        "film": names.get(link.movie_id or ""),
        "score": link.link_score,
        "rule": link.link_rule,
        "reason": link.link_reason,
        "runner_up": names.get(link.runner_up_movie_id or ""),
        "runner_up_score": link.runner_up_score,
        "release": found.release_id,
    }


def _tables_for_linking(found: release.Release) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Films, titles and ids as `catalogue_of` wants them, without the columns (plots above all) that it does not read."""
    movies = found.columns(t.MOVIES, ("movie_id", "year", "popularity_score"))
    titles = found.columns(t.TITLES, ("movie_id", "title", "title_key", "title_kind"))
    return movies, titles, found.columns(t.MOVIE_IDS, ("movie_id", "authority", "authority_id"))


def _names(found: release.Release, ids: list[str | None]) -> dict[str, str]:
    import duckdb

    wanted = [movie_id for movie_id in ids if movie_id]
    with duckdb.connect(str(found.database), read_only=True) as con:
        rows = con.execute(
            "SELECT movie_id, title || ' (' || coalesce(year::VARCHAR, '?') || ')' FROM core_movies WHERE movie_id IN ?", [wanted]
        )
        return dict(rows.fetchall()) if wanted else {}


def recommend_for(workspace: Workspace, dialogue: Mapping[str, Any], *, k: int, model: str) -> dict[str, Any]:
    """Ranked films for a dialogue, with what was heard in it and the versions that answered."""
    from corpus_pipeline.linking.spot import Spotter

    found = release.current(workspace.releases)
    movies, titles, _ = _tables_for_linking(found)
    spotter = Spotter(movies, titles)
    history: list[str] = []
    for turn in dialogue["turns"]:
        history += [movie_id for movie_id in spotter.movies(turn["text"]) if movie_id not in history]
    loaded, version = load_model(workspace, model)
    ranked = loaded.recommend(history, k)
    films = _films(found, [*history, *(movie_id for movie_id, _ in ranked)])
    return {
        "release": found.release_id,
        "model": f"{model}@{version}",
        "history": [films[movie_id] for movie_id in history],
        "recommendations": [{"rank": n, "score": score, **films[movie_id]} for n, (movie_id, score) in enumerate(ranked, 1)],
    }


def load_model(workspace: Workspace, model: str) -> tuple[Any, str]:
    """(model, the start of its fingerprint); an error names what there is, or how to train it."""
    if model not in MODELS:
        raise ConfigError(f"no model {model!r}; there are {sorted(MODELS)}")
    record = workspace.ledger.need(MODELS[model])
    return load_lrurec(workspace, MODELS[model]), record.fingerprint[:12]


def _films(found: release.Release, ids: list[str]) -> dict[str, dict[str, Any]]:
    import duckdb

    with duckdb.connect(str(found.database), read_only=True) as con:
        rows = con.execute("SELECT movie_id, title, year FROM core_movies WHERE movie_id IN ?", [ids]).fetchall() if ids else []
    return {movie_id: {"movie_id": movie_id, "title": title, "year": year} for movie_id, title, year in rows}
