"""The graph, declared: every step with its parents, tables, code and the part of the profile it depends on."""

from collections.abc import Mapping
from typing import Any

from assets_defs import core, evaluation, gate, link_scorer, links, models, raw, training_sets
from assets_defs.profile import Profile
from assets_defs.step import Step
from corpus_pipeline.schema import tables as t

LAYERS = ("raw", "core", "link", "release", "set", "model", "eval")
# What a step's result depends on, its own module in this package first; a test holds these lists to the import statements.
_SCHEMA = ("corpus_pipeline.schema", "corpus_pipeline.store")
_INDEX = (
    "corpus_pipeline.linking.title_index", "corpus_pipeline.linking.spelling", "corpus_pipeline.linking.words",
    "corpus_pipeline.linking.arrays", "corpus_pipeline.linking.facts", "corpus_pipeline.linking.settings", "corpus_pipeline.transform.text",
)  # fmt: skip
_LINKING = ("corpus_pipeline.linking", "corpus_pipeline.transform.text", "corpus_pipeline.splits")
_GOLD = (*_LINKING, "corpus_pipeline.sources.dialogues.redial")
_LRUREC = (
    "modeling.lrurec", "modeling.artifacts", "modeling.seeding", "modeling.text_encoder.embeddings",
    "modeling.evaluation.metrics", "modeling.evaluation.pairs", "modeling.evaluation.protocols",
)  # fmt: skip


def _config(*names: str) -> Any:
    def pick(profile: Profile) -> Mapping[str, Any]:
        return profile.model_dump(mode="json", include=set(names))

    return pick


_STEPS = (
    Step(
        "raw_movies",
        "raw",
        "Archives of film metadata as fetched, pinned by SHA-256, with licence and citation.",
        raw.raw_movies,
        partitions="movie_partitions",
        code=("assets_defs.raw", "corpus_pipeline.sources.registry"),
        kinds=frozenset({"file"}),
    ),
    Step(
        "raw_dialogues",
        "raw",
        "Archives of recommendation dialogues as fetched, pinned by SHA-256, with licence and citation.",
        raw.raw_dialogues,
        partitions="dialogue_datasets",
        code=("assets_defs.raw", "corpus_pipeline.sources.registry"),
        kinds=frozenset({"file"}),
    ),
    Step(
        "core_movie_records",
        "core",
        "One row per film per source record, typed but not yet merged; bad rows quarantined beside it.",
        core.core_movie_records,
        parents=("raw_movies",),
        partitions="movie_partitions",
        code=("assets_defs.core", *_SCHEMA, "corpus_pipeline.sources"),
        kinds=frozenset({"parquet", "duckdb"}),
    ),
    Step(
        "core_movies",
        "core",
        "Records of every source merged into films.",
        core.core_movies,
        parents=("core_movie_records",),
        tables=core.MOVIE_TABLES,
        code=("assets_defs.core", *_SCHEMA, "corpus_pipeline.sources.registry", "corpus_pipeline.transform"),
        config=_config("movie_sources", "movie_dumps"),
        kinds=frozenset({"parquet", "duckdb"}),
    ),
    Step(
        "core_dialogue_records",
        "core",
        "Each dialogue data set on its own: dialogues, turns, mentions, examples; bad lines quarantined.",
        core.core_dialogue_records,
        parents=("raw_dialogues",),
        partitions="dialogue_datasets",
        code=("assets_defs.core", *_SCHEMA, "corpus_pipeline.sources", "corpus_pipeline.transform", "corpus_pipeline.splits"),
        kinds=frozenset({"parquet"}),
    ),
    Step(
        "core_dialogues",
        "core",
        "The dialogue data sets side by side.",
        core.core_dialogues,
        parents=("core_dialogue_records",),
        tables=(*core.DIALOGUE_TABLES, t.DIALOGUES_REJECTED),
        code=("assets_defs.core", *_SCHEMA),
        config=_config("dialogue_datasets"),
        kinds=frozenset({"parquet"}),
    ),
    Step(
        "link_index",
        "link",
        "Every title, part of a title and name of the catalogue as mapped arrays, for looking up what people type.",
        links.link_index,
        parents=("core_movies",),
        code=("assets_defs.links", *_SCHEMA, *_INDEX),
        kinds=frozenset({"numpy"}),
    ),
    Step(
        "link_dialogue_movies",
        "link",
        "Titles and mentions tied to films, or abstained with a reason.",
        links.link_dialogue_movies,
        parents=("link_index", "core_movies", "core_dialogues", "raw_dialogues"),
        tables=t.LINKS,
        code=("assets_defs.links", "assets_defs.linking", *_SCHEMA, *_LINKING, "corpus_pipeline.sources.dialogues.redial"),
        inputs=links.workspace_inputs,
        kinds=frozenset({"parquet", "duckdb"}),
    ),
    Step(
        "release_corpus",
        "release",
        "The immutable release: tables, corpus.duckdb, manifest and verdict. Refused unless the gate passed these bytes.",
        gate.release_corpus,
        parents=("core_movies", "core_dialogues", "link_index", "link_dialogue_movies"),
        code=("assets_defs.gate", *_SCHEMA, "corpus_pipeline.release", "corpus_pipeline.linking.facts", "corpus_pipeline.views", "quality"),
        config=_config("minimum_movies", "movie_sources", "movie_dumps", "dialogue_datasets"),
        kinds=frozenset({"duckdb"}),
    ),
    Step(
        "link_text_mentions",
        "link",
        "Films found in what was said, without the data sets' marks.",
        links.link_text_mentions,
        parents=("release_corpus",),
        partitions="dialogue_datasets",
        code=("assets_defs.links", "assets_defs.linking", *_SCHEMA, *_LINKING),
        inputs=links.workspace_inputs,
        kinds=frozenset({"parquet"}),
    ),
    Step(
        "set_linking",
        "set",
        "Pairs of a stretch of text and a film, for the linker's scorers: right, wrong or open.",
        link_scorer.set_linking,
        parents=("release_corpus", "raw_dialogues"),
        code=("assets_defs.link_scorer", *_SCHEMA, *_GOLD, "corpus_pipeline.training_sets.linking"),
        kinds=frozenset({"parquet"}),
    ),
    Step(
        "model_link_scorer",
        "model",
        "Weights of the linker, fitted on train films and calibrated on others.",
        link_scorer.model_link_scorer,
        parents=("set_linking",),
        code=("assets_defs.link_scorer", *_SCHEMA, "modeling.link_scorer", "modeling.artifacts", "modeling.seeding"),
        config=_config("link_scorer"),
        kinds=frozenset({"pytorch"}),
    ),
    Step(
        "eval_linking",
        "eval",
        "How good the linker is on test dialogues and films that no training has seen, by kind of mention.",
        link_scorer.eval_linking,
        parents=("release_corpus", "raw_dialogues", "model_link_scorer"),
        tables=(t.EVAL_LINKING,),
        code=("assets_defs.link_scorer", "assets_defs.linking", *_SCHEMA, *_GOLD, "corpus_pipeline.training_sets.linking"),
        inputs=links.workspace_inputs,
        kinds=frozenset({"parquet"}),
    ),
    Step(
        "set_sequences",
        "set",
        "Item sequences for sequential retrievers.",
        training_sets.set_sequences,
        parents=("release_corpus",),
        tables=(t.SET_SEQUENCES,),
        code=("assets_defs.training_sets", *_SCHEMA, "corpus_pipeline.training_sets.sequences", "quality"),
        kinds=frozenset({"parquet"}),
    ),
    Step(
        "set_recommendation",
        "set",
        "Recommendation examples and targets in corpus ids.",
        training_sets.set_recommendation,
        parents=("release_corpus",),
        tables=(t.SET_RECOMMENDATION, t.SET_RECOMMENDATION_TARGETS),
        code=("assets_defs.training_sets", *_SCHEMA, "corpus_pipeline.training_sets.recommendation", "quality"),
        kinds=frozenset({"parquet"}),
    ),
    Step(
        "model_text_embeddings",
        "model",
        "Frozen sentence vectors of film documents: every mentioned film and the most popular others.",
        models.model_text_embeddings,
        parents=("release_corpus",),
        code=("assets_defs.models", *_SCHEMA, "modeling.artifacts", "modeling.documents", "modeling.text_encoder"),
        config=_config("embedded_movies", "text_encoder"),
        kinds=frozenset({"pytorch"}),
    ),
    Step(
        "model_lrurec",
        "model",
        "LRURec over item ids, chosen on validation.",
        models.model_lrurec,
        parents=("set_sequences", "set_recommendation"),
        code=("assets_defs.models", *_SCHEMA, *_LRUREC),
        config=_config("lrurec_id"),
        kinds=frozenset({"pytorch"}),
    ),
    Step(
        "model_lrurec_text",
        "model",
        "LRURec over frozen text vectors with a projector: scores films never seen in training.",
        models.model_lrurec_text,
        parents=("set_sequences", "set_recommendation", "model_text_embeddings"),
        code=("assets_defs.models", *_SCHEMA, *_LRUREC),
        config=_config("lrurec_text"),
        kinds=frozenset({"pytorch"}),
    ),
    Step(
        "eval_recommendation_ranks",
        "eval",
        "Where each model ranks each test target.",
        evaluation.eval_recommendation_ranks,
        parents=("release_corpus", "set_sequences", "set_recommendation", "model_text_embeddings", "model_lrurec", "model_lrurec_text"),
        tables=(t.EVAL_RANKS,),
        code=("assets_defs.evaluation", *_SCHEMA, "modeling"),
        kinds=frozenset({"parquet"}),
    ),
    Step(
        "eval_recommendation",
        "eval",
        "The evaluation table with intervals, beside published anchors.",
        evaluation.eval_recommendation,
        parents=("eval_recommendation_ranks",),
        tables=(t.EVAL_METRICS,),
        code=("assets_defs.evaluation", *_SCHEMA, "modeling.evaluation", "modeling.baselines", "modeling.seeding"),
        config=_config("evaluation"),
        kinds=frozenset({"parquet"}),
    ),
)
STEPS: Mapping[str, Step] = {step.name: step for step in _STEPS}


def step_of(name: str) -> Step:
    """The step that makes the asset or table called `name`; KeyError names the nearest."""
    import difflib

    owners = {key: step for step in _STEPS for key in (step.name, *step.keys)}
    if name not in owners:
        raise KeyError(f"no asset {name!r}; nearest: {difflib.get_close_matches(name, owners) or sorted(owners)}")
    return owners[name]
