"""The set layer: rows for trainers, taken from a release that the gate passed and from nowhere else."""

from collections.abc import Iterator

from assets_defs.core import write
from assets_defs.gate import trainable_release
from assets_defs.step import Built, Job
from corpus_pipeline.schema import tables as t


def set_sequences(job: Job) -> Iterator[Built]:
    """Item sequences of train and validation dialogues."""
    from corpus_pipeline.training_sets.sequences import build_sequences

    release = trainable_release(job.workspace)
    rows = build_sequences(
        release.table(t.MENTIONS), release.table(t.DIALOGUES), release.table(t.LINK_MENTIONS), turns=release.table(t.DIALOGUE_TURNS)
    )
    yield write(job, {t.SET_SEQUENCES.name: rows}, (t.SET_SEQUENCES,))


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
    rows = {t.SET_RECOMMENDATION.name: turns, t.SET_RECOMMENDATION_TARGETS.name: targets}
    yield write(job, rows, (t.SET_RECOMMENDATION, t.SET_RECOMMENDATION_TARGETS))
