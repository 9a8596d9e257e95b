"""The set layer: rows for trainers, taken from a release that the gate passed and from nowhere else.

What a trainer gets is judged once more: no test dialogue among the sequences, no answer in its own history, no target left out.
"""

from collections.abc import Iterator, Mapping

import pyarrow as pa

from assets_defs.core import write
from assets_defs.errors import GateError
from assets_defs.gate import trainable_release
from assets_defs.step import Built, Job
from corpus_pipeline import store
from corpus_pipeline.release import Release
from corpus_pipeline.schema import tables as t
from quality.corpus import set_expectations_for
from quality.expectations import Expectation
from quality.measure import Measure, RunSql, measure, offending_rows

# What the expectations on training sets look at in the corpus, besides the ids of its films.
_BESIDE = (t.DIALOGUES, t.RECOMMENDATION_TURNS, t.RECOMMENDATION_TARGETS, t.MENTIONS, t.LINK_MENTIONS)


def set_sequences(job: Job) -> Iterator[Built]:
    """Item sequences of train and validation dialogues."""
    from corpus_pipeline.training_sets.sequences import build_sequences

    release = trainable_release(job.workspace)
    rows = build_sequences(
        release.table(t.MENTIONS), release.table(t.DIALOGUES), release.table(t.LINK_MENTIONS), turns=release.table(t.DIALOGUE_TURNS)
    )
    yield written(job, release, {t.SET_SEQUENCES.name: rows})


def set_recommendation(job: Job) -> Iterator[Built]:
    """Recommendation examples and their targets in corpus ids."""
    from corpus_pipeline.training_sets.recommendation import build_recommendation

    release = trainable_release(job.workspace)
    turns, targets = build_recommendation(
        release.table(t.RECOMMENDATION_TURNS),
        release.table(t.RECOMMENDATION_TARGETS),
        mentions=release.table(t.MENTIONS),
        link_mentions=release.table(t.LINK_MENTIONS),
        link_dialogue_movies=release.table(t.LINK_DIALOGUE_MOVIES),
    )
    yield written(job, release, {t.SET_RECOMMENDATION.name: turns, t.SET_RECOMMENDATION_TARGETS.name: targets})


def set_click(job: Job) -> Iterator[Built]:
    """Rows of click prediction from the interactions of a release."""
    from corpus_pipeline.training_sets.click import build_click

    release = trainable_release(job.workspace)
    yield written(job, release, {t.SET_CLICK.name: build_click(release.table(t.INTERACTIONS))})


def written(job: Job, release: Release, rows: Mapping[str, pa.Table]) -> Built:
    """The sets at rest, once they are what is expected of them; GateError names every expectation that they break."""
    expected = insist_on_expectations(job, release, rows)
    built = write(job, rows.items())
    return Built(built.files, {**built.metadata, "expectations met": expected})


def insist_on_expectations(job: Job, release: Release, rows: Mapping[str, pa.Table]) -> int:
    """How many expectations the rows meet; GateError names every one that they break."""
    profile = job.workspace.profile
    expected = [e for e in set_expectations_for(profile.baseline or profile.name) if e.table in rows]
    beside = (*_BESIDE, t.INTERACTIONS) if t.SET_CLICK.name in rows else _BESIDE  # a million rows that no other set is about
    corpus = {table.name: release.table(table) for table in beside} | {t.MOVIES.name: release.columns(t.MOVIES, ("movie_id", "title"))}
    with store.connect({**corpus, **{name: store.conform(table, t.named(name)) for name, table in rows.items()}}) as con:
        broken = _broken(expected, lambda sql: con.execute(sql).to_arrow_table())
    if broken:
        raise GateError(f"{job.step.name}: not handed to trainers, made from release {release.release_id}:\n  " + "\n  ".join(broken))
    return len(expected)


def _broken(expected: list[Expectation], run_sql: RunSql) -> list[str]:
    pairs = zip(expected, measure(expected, run_sql), strict=True)
    return [_told(e, seen, run_sql) for e, seen in pairs if not e.holds(seen.observed)]


def _told(e: Expectation, seen: Measure, run_sql: RunSql) -> str:
    found = seen.error or f"{seen.observed:g}, expected {e.minimum} .. {e.maximum}"
    return f"{e.name}: {e.description} Seen: {found}; for example {list(offending_rows(e, run_sql)[:3])}"
