"""The link layer: what data sets name, tied to films of the corpus, and how that agrees with ids that others assigned."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assets_defs.core import write
from assets_defs.step import Built, Job
from corpus_pipeline.schema import tables as t

IEVALM_IDS = "ievalm_redial_id2info.json"


def link_dialogue_movies(job: Job) -> Iterator[Built]:
    """Each data set's movies linked or abstained, and each mention with them."""
    from corpus_pipeline.linking.link import CATALOGUE_COLUMNS, link_mentions, link_titles

    titles = job.parent_table(t.DIALOGUE_MOVIES)
    movies, names, movie_ids = (job.parent_columns(table, columns) for table, columns in CATALOGUE_COLUMNS.items())
    job.progress("linking titles", 0, titles.num_rows)
    links = link_titles(titles, core_movies=movies, core_titles=names, core_movie_ids=movie_ids)
    mentions = link_mentions(job.parent_table(t.MENTIONS), links)
    built = write(job, [(t.LINK_DIALOGUE_MOVIES.name, links), (t.LINK_MENTIONS.name, mentions)])
    yield Built(built.files, {**built.metadata, **_agreement(job, links, movie_ids)})


def _agreement(job: Job, links: pa.Table, movie_ids: pa.Table) -> dict[str, Any]:
    """Coverage of ReDial's mentions and agreement with iEvaLM's IMDb ids, shown where that file is among the raw ones."""
    from corpus_pipeline.linking.evaluate import agreement
    from corpus_pipeline.sources.dialogues.redial import read_redial_imdb_ids

    path = _ievalm_ids(job)
    if path is None:
        return {}
    truth = read_redial_imdb_ids(path)
    truth = truth.add_column(0, "dataset", pa.array(["redial"] * truth.num_rows))
    counts = job.parent_table(t.MENTIONS).group_by(["dataset", "source_movie_id"]).aggregate([([], "count_all")])
    counts = counts.rename_columns(["dataset", "source_movie_id", "mention_count"])
    found = agreement(links.filter(pc.equal(links["dataset"], "redial")), truth, movie_ids, mention_counts=counts)
    return {
        "link_dialogue_movies/ReDial mentions linked": found.linked_mention_share,
        "link_dialogue_movies/agreement with iEvaLM's IMDb ids, by mention": found.agreement_mention_share,
        "link_dialogue_movies/agreement with iEvaLM's IMDb ids, by title": found.agreement_share,
        "link_dialogue_movies/most mentioned disagreements": _table(found.disagreements.slice(0, 20)),
    }


def _ievalm_ids(job: Job) -> Path | None:
    raw = job.parents.get("raw_dialogues@redial")
    named = [name for name in raw.outputs if name.endswith(IEVALM_IDS)] if raw else []
    return job.workspace.absolute(named[0]) if named else None


def _table(rows: pa.Table) -> str:
    lines = ["| " + " | ".join(rows.column_names) + " |", "|" + " --- |" * rows.num_columns]
    return "\n".join(lines + ["| " + " | ".join(map(str, row.values())) + " |" for row in rows.to_pylist()]) + "\n"
