"""The graph of RALLRec: interactions, representations that join text and behaviour, click prediction, and their use in the main line."""

from assets_defs import click, click_eval, click_studies, core, film_vectors, raw, representations, training_sets
from assets_defs.code_parts import ENCODER, FIRST_STAGE, JUDGING, LANGUAGE, RETRIEVING, SCHEMA, TURNS, picked
from assets_defs.step import Step
from corpus_pipeline.schema import tables as t

_JOINT = ("modeling.joint_representation", "modeling.lrurec.checkpoint", "modeling.artifacts", "modeling.seeding", "modeling.settings")
_DESCRIBED = ("modeling.click_model.descriptions", "modeling.prompt_text", *ENCODER, *LANGUAGE)
_READING = ("assets_defs.click_data", "assets_defs.representations", "assets_defs.film_facts", *SCHEMA, *_JOINT, *_DESCRIBED)
_CLICK = (
    "assets_defs.click", "assets_defs.language", *_READING, "modeling.click_model", "modeling.click_network", "modeling.evaluation.click",
)  # fmt: skip
_JUDGED = (*_CLICK, *JUDGING)
_VECTORS = ("assets_defs.film_vectors", *_READING)
_GRAPH = ("lightgcn", "interaction_datasets")
_TEXT = ("text_encoder", "item_descriptions", "language_model", "endpoint")
_REPRESENTED = (*_TEXT, "alignment", "representation")
_NETWORKS = ("click_network", "click_datasets")
_TUNED = ("click_model", "click_tuning")
_ANSWERING = (*_REPRESENTED, *_NETWORKS, *_TUNED, "reasoning")
_BASIS = ("release_corpus", "set_click", "model_joint_representation")
_LMS = ("model_base_lm", "model_query_lm")

INTERACTION_STEPS: tuple[Step, ...] = (
    Step(
        "raw_interactions",
        "raw",
        "Archives of what users liked as fetched, pinned by SHA-256, with licence and citation.",
        raw.raw_interactions,
        partitions="interaction_datasets",
        code=("assets_defs.raw", "corpus_pipeline.sources.registry"),
        kinds=frozenset({"file"}),
    ),
    Step(
        "core_interaction_records",
        "core",
        "Each data set of interactions on its own: users, items, who liked what; bad lines quarantined.",
        core.core_interaction_records,
        parents=("raw_interactions",),
        partitions="interaction_datasets",
        code=("assets_defs.core", *SCHEMA, "corpus_pipeline.sources", "corpus_pipeline.transform", "corpus_pipeline.splits"),
        kinds=frozenset({"parquet"}),
    ),
    Step(
        "core_interactions",
        "core",
        "The data sets of interactions side by side, films joined to the corpus through the crosswalk.",
        core.core_interactions,
        parents=("core_interaction_records", "core_movies"),
        tables=(*core.INTERACTION_TABLES, t.INTERACTIONS_REJECTED),
        code=("assets_defs.core", *SCHEMA, "corpus_pipeline.transform"),
        config=picked("interaction_datasets"),
        kinds=frozenset({"parquet", "duckdb"}),
    ),
)

CLICK_STEPS: tuple[Step, ...] = (
    Step(
        "set_click",
        "set",
        "Rows of click prediction in order of time, 80 / 10 / 10; a row's history is what the user did before.",
        training_sets.set_click,
        parents=("release_corpus",),
        tables=(t.SET_CLICK,),
        code=("assets_defs.training_sets", *SCHEMA, "corpus_pipeline.training_sets.click", "corpus_pipeline.splits", "quality"),
        kinds=frozenset({"parquet"}),
    ),
    Step(
        "model_lightgcn",
        "model",
        "LightGCN over the likes of training rows: what behaviour says of items.",
        representations.model_lightgcn,
        parents=("release_corpus", "set_click"),
        partitions="click_datasets",
        code=_READING,
        config=picked(*_GRAPH),
        kinds=frozenset({"pytorch"}),
    ),
    Step(
        "model_joint_representation",
        "model",
        "Text and behaviour of items joined: title and description vectors, LightGCN, and the aligned projection (RALLRec).",
        representations.model_joint_representation,
        parents=("release_corpus", "set_click", "model_lightgcn", "model_query_lm"),
        partitions="click_datasets",
        code=_READING,
        config=picked(*_TEXT, "alignment"),
        kinds=frozenset({"pytorch"}),
    ),
    Step(
        "model_click",
        "model",
        "Click prediction: id networks, the retrieval network, and the language model tuned to say yes or no, chosen on validation.",
        click.model_click,
        parents=(*_BASIS, "model_base_lm"),
        partitions="click_datasets",
        code=_CLICK,
        config=picked(*_REPRESENTED, *_NETWORKS, *_TUNED, sizes=("click_rows", "judged_rows")),
        kinds=frozenset({"pytorch"}),
    ),
    Step(
        "model_film_vectors",
        "model",
        "Film vectors of text joined with the behaviour of MovieLens users; films unknown there get the projected text.",
        film_vectors.model_film_vectors,
        parents=("release_corpus", "set_click", "model_text_embeddings"),
        code=_VECTORS,
        config=picked(*_GRAPH, "alignment"),
        kinds=frozenset({"pytorch"}),
    ),
    Step(
        "eval_click_predictions",
        "eval",
        "What each model of click prediction says of each judged row.",
        click_eval.eval_click_predictions,
        parents=(*_BASIS, "model_click", *_LMS),
        tables=(t.EVAL_CLICK_PREDICTIONS,),
        code=("assets_defs.click_eval", *_JUDGED),
        config=picked(*_ANSWERING, sizes=("click_rows", "judged_rows", "zero_shot_rows", "reasoned_rows")),
        kinds=frozenset({"parquet"}),
    ),
    Step(
        "eval_click",
        "eval",
        "Click prediction (RALLRec): AUC, LogLoss and ACC with intervals, paired tests, calibration.",
        click_eval.eval_click,
        parents=("release_corpus", "set_click", "eval_click_predictions"),
        tables=(t.EVAL_CLICK,),
        code=("assets_defs.click_eval", *_JUDGED),
        config=picked("evaluation", "click_datasets"),
        kinds=frozenset({"parquet"}),
    ),
    Step(
        "eval_click_ablation",
        "eval",
        "Retrieval in the history with one thing changed: kind of embedding, k, gamma, beta, defects of the released code.",
        click_studies.eval_click_ablation,
        parents=(*_BASIS, "model_click", *_LMS),
        tables=(t.EVAL_CLICK_ABLATION,),
        code=("assets_defs.click_studies", *_JUDGED),
        config=picked(*_ANSWERING, *_GRAPH, "evaluation", sizes=("click_rows", "judged_rows", "reasoned_rows")),
        kinds=frozenset({"parquet"}),
    ),
    Step(
        "eval_joint_retrieval",
        "eval",
        "Retrievers of the main line with film vectors of text alone and joined with behaviour, on validation turns.",
        film_vectors.eval_joint_retrieval,
        parents=(
            *TURNS,
            "release_corpus",
            "model_text_embeddings",
            "model_film_vectors",
            "model_lrurec",
            "model_film_index",
            "model_lexical_index",
        ),
        tables=(t.EVAL_JOINT_RETRIEVAL,),
        code=(*_VECTORS, *RETRIEVING, *FIRST_STAGE, *JUDGING, "assets_defs.models"),
        config=picked("dense_retriever", "lrurec_text", "evaluation", "dialogue_datasets", "text_encoder"),
        kinds=frozenset({"parquet"}),
    ),
)
