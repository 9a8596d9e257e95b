"""The link layer: the title index, what data sets name tied to films, and films found in raw text.

The index and the data sets' links are made from core tables and go into the release. Raw text is linked behind it, one
partition per data set: each is a function of (data set, release, weights), so that a big dump can be spread.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assets_defs.core import write
from assets_defs.linking import index_of, linker_of, weights_of
from assets_defs.models import release_of_parents
from assets_defs.step import Built, Job
from assets_defs.workspace import Workspace
from corpus_pipeline import store
from corpus_pipeline.schema import tables as t

IEVALM_IDS = "ievalm_redial_id2info.json"


def link_index(job: Job) -> Iterator[Built]:
    """Every title of the catalogue, ready to be looked up; it goes into the release as it is."""
    from corpus_pipeline.linking.title_index import CATALOGUE_COLUMNS, build_index, save_index

    job.progress("indexing titles", 0, 1)
    index = build_index({table: job.parent_columns(table, columns) for table, columns in CATALOGUE_COLUMNS.items()})
    files = save_index(index, job.workspace.artifact(job.step.name))
    yield Built(files, {name: value for name, value in index.facts.items() if isinstance(value, int)} | {"MiB": _mebibytes(files)})


def _mebibytes(files: list[Path]) -> float:
    return round(sum(file.stat().st_size for file in files) / 2**20, 1)


def link_dialogue_movies(job: Job) -> Iterator[Built]:
    """Each data set's movies linked or abstained, people's decisions replayed on them, each mention with its link, what to review."""
    from corpus_pipeline.linking.link import Linker, link_dialogue_movies, link_mentions
    from corpus_pipeline.linking.review import load_decisions, replay_on_titles, review_queue

    titles, gold = job.parent_table(t.DIALOGUE_MOVIES), job.parent_table(t.MENTIONS)
    movie_ids = job.parent_columns(t.MOVIE_IDS, ("movie_id", "authority", "authority_id"))
    job.progress("linking titles", 0, titles.num_rows)
    links = link_dialogue_movies(titles, Linker(index_of(job.workspace), weights_of(job.workspace)))
    decisions = load_decisions(job.workspace.link_decisions)
    links, replayed = replay_on_titles(links, titles, decisions, job.parent_columns(t.MOVIES, ("movie_id",)))
    counts = _counts(gold)
    tables = {
        t.LINK_DIALOGUE_MOVIES: links,
        t.LINK_MENTIONS: link_mentions(gold, links),
        t.LINK_DECISIONS: replayed,
        t.LINK_REVIEW_QUEUE: review_queue(links, titles, counts),
    }
    built = write(job, ((table.name, rows) for table, rows in tables.items()))
    yield Built(built.files, {**built.metadata, **_decided(replayed), **_agreement(job, links, movie_ids, counts)})


def _counts(mentions: pa.Table) -> pa.Table:
    """dataset, source_movie_id, mention_count."""
    counts = mentions.group_by(["dataset", "source_movie_id"]).aggregate([([], "count_all")])
    return counts.rename_columns(["dataset", "source_movie_id", "mention_count"])


def _decided(replayed: pa.Table) -> dict[str, Any]:
    counted = replayed["decision_status"].value_counts().to_pylist()
    return {f"{t.LINK_DECISIONS.name}/{row['values']}": row["counts"] for row in counted}


def _agreement(job: Job, links: pa.Table, movie_ids: pa.Table, counts: pa.Table) -> dict[str, Any]:
    """Coverage of ReDial's mentions and agreement with iEvaLM's IMDb ids, shown where that file is among the raw ones."""
    from corpus_pipeline.linking.evaluate import agreement

    truth = imdb_ids(job)
    if not truth.num_rows:
        return {}
    found = agreement(links.filter(pc.equal(links["dataset"], "redial")), truth, movie_ids, mention_counts=counts)
    return {
        "link_dialogue_movies/ReDial mentions linked": found.linked_mention_share,
        "link_dialogue_movies/agreement with iEvaLM's IMDb ids, by mention": found.agreement_mention_share,
        "link_dialogue_movies/agreement with iEvaLM's IMDb ids, by title": found.agreement_share,
        "link_dialogue_movies/most mentioned disagreements": markdown(found.disagreements.slice(0, 20)),
    }


def imdb_ids(job: Job) -> pa.Table:
    """dataset, source_movie_id, imdb_id as others assigned them; no row where no such file is among the raw ones."""
    from corpus_pipeline.sources.dialogues.redial import read_redial_imdb_ids

    raw = job.parents.get("raw_dialogues@redial")
    named = [name for name in raw.outputs if name.endswith(IEVALM_IDS)] if raw else []
    if not named:
        return pa.table({name: pa.array([], pa.string()) for name in ("dataset", "source_movie_id", "imdb_id")})
    truth = read_redial_imdb_ids(job.workspace.absolute(named[0]))
    return truth.add_column(0, "dataset", pa.array(["redial"] * truth.num_rows))


def markdown(rows: pa.Table) -> str:
    """A table of Markdown."""
    lines = ["| " + " | ".join(rows.column_names) + " |", "|" + " --- |" * rows.num_columns]
    return "\n".join(lines + ["| " + " | ".join(map(str, row.values())) + " |" for row in rows.to_pylist()]) + "\n"


def link_text_mentions(job: Job) -> Iterator[Built]:
    """Films found in every turn of each data set, without its marks."""
    from corpus_pipeline.linking.gold import collected_in
    from corpus_pipeline.linking.review import load_decisions, replay_on_texts

    release = release_of_parents(job)
    linker = linker_of(job.workspace, release)
    decisions, movies = load_decisions(job.workspace.link_decisions), release.columns(t.MOVIES, ("movie_id",))
    for done, dataset in enumerate(map(str, job.partitions)):
        job.progress(f"linking what {dataset} says", done, len(job.partitions))
        turns = turns_of(release.table(t.DIALOGUES), release.table(t.DIALOGUE_TURNS), dataset)
        links = linker.link_texts(turns["text"].to_pylist(), dialogues=turns["dialogue_id"].to_pylist(), as_of=collected_in(dataset))
        links, _ = replay_on_texts(links, decisions, movies)
        rows = _placed(links, turns, dataset)
        path = job.workspace.table(t.LINK_TEXT_MENTIONS, dataset)
        store.write_table(rows, t.LINK_TEXT_MENTIONS, path)
        linked = pc.sum(pc.equal(rows["link_status"], "linked")).as_py() or 0
        yield Built([path], {"rows": rows.num_rows, "linked": linked, "turns": turns.num_rows}, partition=dataset)


def turns_of(dialogues: pa.Table, turns: pa.Table, dataset: str) -> pa.Table:
    """dialogue_id, turn_index, text of one data set's turns, in the order they were said."""
    own = dialogues.filter(pc.equal(dialogues["dataset"], dataset))["dialogue_id"]
    chosen = turns.filter(pc.is_in(turns["dialogue_id"], value_set=own.combine_chunks()))
    return chosen.select(["dialogue_id", "turn_index", "text"]).sort_by([("dialogue_id", "ascending"), ("turn_index", "ascending")])


def _placed(links: pa.Table, turns: pa.Table, dataset: str) -> pa.Table:
    """`links` (decide.TEXT_LINKS) with the dialogue and turn of each, in place of the text's number."""
    place = links["text_index"]
    owners: dict[str, Any] = {name: turns[name].take(place) for name in ("dialogue_id", "turn_index")}
    columns = owners | {"dataset": pa.array([dataset] * links.num_rows, pa.string())}
    return pa.table(columns | {name: links[name] for name in links.column_names if name != "text_index"})


def workspace_inputs(workspace: Workspace) -> dict[str, str]:
    """SHA-256 of what people lay beside the graph and linking reads: weights of their own, and their decisions."""
    paths = {"link_weights": workspace.profile.link_weights, "link_decisions": str(workspace.link_decisions)}
    return {name: store.sha256(Path(path)) for name, path in paths.items() if path and Path(path).exists()}
