"""Readers' way to what is published: SQL, linking a title, recommending for a dialogue. Nothing is written."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from typing import Any

import pyarrow as pa

from assets_defs.errors import LineageError
from assets_defs.graph import step_of
from assets_defs.lineage import is_current, record_name
from assets_defs.models import load_embeddings, load_lrurec, training_curve
from assets_defs.workspace import Workspace
from corpus_pipeline import release, store
from corpus_pipeline.errors import ConfigError
from corpus_pipeline.schema import tables as t
from corpus_pipeline.schema.render import literal
from corpus_pipeline.schema.types import Table

IN_PARTS = (t.LINK_TEXT_MENTIONS, *t.SET_PREFERENCES)  # a file per partition
LARGE = (t.SET_CLICK.name, t.EVAL_CLICK_PREDICTIONS.name)  # a million rows: read when a query names them
BESIDE = tuple(table for table in (*t.SETS, *t.EVALS) if table not in IN_PARTS)
MODELS = {"lrurec": "model_lrurec", "lrurec_text": "model_lrurec_text"}
VECTORS = "model_text_embeddings"


def open_explorer(workspace: Workspace, beside: Mapping[str, pa.Table]) -> Any:
    """A DuckDB connection to the current release, read only, with the tables `beside` it as views, locked before any user SQL."""
    import duckdb

    found = release.current(workspace.releases)
    con = duckdb.connect(":memory:", config={"temp_directory": str(workspace.root / "scratch" / "sql")})
    con.execute(f"ATTACH {literal(str(found.database))} AS corpus (READ_ONLY)")
    con.execute("USE corpus")
    for name, rows in beside.items():
        con.register(name, rows)
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
    return con


def tables_beside(workspace: Workspace, query: str) -> tuple[dict[str, pa.Table], list[str]]:
    """(set_, model_ and eval_ tables made from the current release, names of those that were made from another).

    A trained model is the table of its training curve. The film vectors can be gigabytes, and some tables have a million rows: they
    are read when `query` names them.
    """
    wanted = [table for table in BESIDE if workspace.table(table).exists() and (table.name not in LARGE or table.name in query.lower())]
    readers: dict[str, Callable[[], pa.Table]] = {table.name: partial(store.read_table, workspace.table(table), table) for table in wanted}
    readers |= {table.name: partial(_parts, workspace, table) for table in IN_PARTS}
    readers |= {name: partial(_curve, workspace, name) for name in MODELS.values()}
    readers |= {VECTORS: partial(_vectors, workspace)} if VECTORS in query.lower() else {}
    made = [name for name in readers if all(map(workspace.ledger.get, _records(workspace, name)))]
    current = [name for name in made if all(is_current(workspace.ledger, r, back_to="release_corpus") for r in _records(workspace, name))]
    return {name: readers[name]() for name in current}, sorted(set(made) - set(current))


def _records(workspace: Workspace, name: str) -> list[str]:
    """The names of the records of what made `name`: one per partition."""
    step = step_of(name)
    return [record_name(step.name, partition) for partition in step.partition_keys(workspace.profile)]


def _parts(workspace: Workspace, table: Table) -> pa.Table:
    """The partitions of a table, one after the other."""
    partitions = step_of(table.name).partition_keys(workspace.profile)
    return pa.concat_tables([store.read_table(workspace.table(table, partition), table) for partition in partitions])


def _curve(workspace: Workspace, model: str) -> pa.Table:
    """One row per epoch, numbers as the trainer logged them."""
    return training_curve(workspace.artifact_of(model))


def _vectors(workspace: Workspace) -> pa.Table:
    """One row per film that was encoded: movie_id, vector FLOAT[dimensions]."""
    embeddings = load_embeddings(workspace)
    flat = pa.array(embeddings.matrix.reshape(-1))
    return pa.table({"movie_id": embeddings.ids, "vector": pa.FixedSizeListArray.from_arrays(flat, embeddings.matrix.shape[1])})


def ask(workspace: Workspace, query: str, *, limit: int) -> tuple[list[str], list[tuple[Any, ...]], bool]:
    """(columns, rows, whether there were more rows than `limit`, 0 for no limit); ConfigError carries DuckDB's own words."""
    import duckdb

    beside, other = tables_beside(workspace, query)
    con = open_explorer(workspace, beside)
    try:
        _insist_on_one_question(con, query)
        cursor = con.execute(query)
        columns = _distinct([column[0] for column in cursor.description])
        rows = cursor.fetchmany(limit + 1) if limit else cursor.fetchall()
    except duckdb.Error as error:
        hint = f"\n{other} were made from another release than the current one and are left out: run `marquee build`" if other else ""
        raise ConfigError(f"the query could not be answered: {error}{hint}") from error
    finally:
        con.close()
    more = bool(limit) and len(rows) > limit
    return columns, rows[:limit] if limit else rows, more


def _insist_on_one_question(con: Any, query: str) -> None:
    """Refuse what changes something, if only a copy in memory, and all but the last of several answers would be lost."""
    import duckdb

    asked = con.extract_statements(query)
    typed = [one for one in asked if one.query.strip()]  # a PIVOT is taken apart into statements that nobody typed
    if not asked or len(typed) > 1 or asked[-1].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
        seen = ", ".join(str(one.type).rpartition(".")[2] for one in asked) or "nothing"
        raise ConfigError(f"the query could not be answered: expected one question (SELECT, DESCRIBE, SHOW, EXPLAIN), saw {seen}")


def _distinct(names: list[str]) -> list[str]:
    """`SELECT a, a` has columns a and a_2, so that a row can be told as a document."""
    chosen: list[str] = []
    for name in names:
        spelled = (name if number == 1 else f"{name}_{number}" for number in count(1))
        chosen.append(next(one for one in spelled if one not in chosen))
    return chosen


def load_model(workspace: Workspace, model: str) -> tuple[Any, str]:
    """(model, the start of its fingerprint); an error names what there is, or how to train it."""
    if model not in MODELS:
        raise ConfigError(f"no model {model!r}; there are {sorted(MODELS)}")
    record = workspace.ledger.need(MODELS[model])
    if not is_current(workspace.ledger, MODELS[model], back_to="release_corpus"):
        raise LineageError(
            f"{MODELS[model]} was trained on another release than the current one, whose films it may not know: run `marquee build`"
        )
    return load_lrurec(workspace, MODELS[model]), record.fingerprint[:12]
