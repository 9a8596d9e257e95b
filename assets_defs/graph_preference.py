"""The graph of the feedback loop (RAR, a reconstruction), unrolled: a round is one asset of preferences and one of retrievers."""

from assets_defs import preference, preference_eval, preference_studies
from assets_defs.code_parts import FIRST_STAGE, GENERATOR, JUDGING, LINKING, RETRIEVING, SCHEMA, picked
from assets_defs.preference_parts import SUPERVISED, step_name
from assets_defs.step import Step
from corpus_pipeline.schema import tables as t

# What every step of the loop reads besides the round before: turns, the vectors of films, and the models that may rank.
_BASIS = (
    "release_corpus",
    "set_recommendation",
    "set_sequences",
    "model_text_embeddings",
    "model_film_vectors",
    "model_generator",
    "model_query_lm",
)
_CODE = (
    "assets_defs.preference", "assets_defs.preference_parts", "assets_defs.rankers", "assets_defs.generation", "assets_defs.language",
    "assets_defs.links", "assets_defs.linking", *RETRIEVING, *SCHEMA, *GENERATOR, *FIRST_STAGE, *LINKING, "modeling.ranker",
    "modeling.preference_retriever", "modeling.reranker", "quality",
)  # fmt: skip
_JUDGING = (*_CODE, *JUDGING)
_SETTINGS = (
    "preference", "ranker", "rankers", "loop_retrievers", "dialogue_datasets", "lrurec_id", "lrurec_text", "dense_retriever",
    "text_encoder", "language_model", "endpoint", "film_vectors",
)  # fmt: skip
_CONFIG = picked(*_SETTINGS, "ranker_call_budget", sizes=("feedback_turns", "judged_turns", "loop_seeds"))
_RETRIEVERS = tuple(step_name(number) for number in (0, *t.ROUNDS))


def _round(number: int) -> tuple[Step, Step]:
    """Preferences from the retriever before, and the retriever updated from them."""
    before = dict.fromkeys((SUPERVISED, *(step_name(earlier) for earlier in range(1, number))))
    preferences = t.SET_PREFERENCES[number - 1]
    return (
        Step(
            preferences.name,
            "set",
            f"Round {number} of the loop (RAR, a reconstruction): candidate sets, the ranker's list of each, its reward.",
            preference.set_preferences,
            parents=(*_BASIS, *before),
            tables=(preferences,),
            partitions="loop_retrievers",
            code=_CODE,
            config=_CONFIG,
            kinds=frozenset({"parquet"}),
        ),
        Step(
            step_name(number),
            "model",
            f"Round {number} of the loop (RAR, a reconstruction): retrievers updated by preference optimisation (DPO on candidate sets).",
            preference.model_retriever,
            parents=(*_BASIS, *before, preferences.name),
            partitions="loop_retrievers",
            code=_CODE,
            config=_CONFIG,
            kinds=frozenset({"pytorch"}),
        ),
    )


PREFERENCE_STEPS: tuple[Step, ...] = (
    Step(
        SUPERVISED,
        "model",
        "Supervised retrievers on a part of the training dialogues: where the loop (RAR, a reconstruction) starts.",
        preference.model_retriever_sft,
        parents=_BASIS,
        partitions="loop_retrievers",
        code=_CODE,
        config=picked(*_SETTINGS, sizes=("judged_turns", "loop_seeds")),
        kinds=frozenset({"pytorch"}),
    ),
    *(step for number in t.ROUNDS for step in _round(number)),
    Step(
        "eval_preference_ranks",
        "eval",
        "Where each stage's retriever, and each ranker behind it, puts each target (RAR, a reconstruction).",
        preference_eval.eval_preference_ranks,
        parents=(*_BASIS, *_RETRIEVERS),
        tables=(t.EVAL_PREFERENCE_RANKS,),
        code=("assets_defs.preference_eval", *_JUDGING),
        config=_CONFIG,
        kinds=frozenset({"parquet"}),
    ),
    Step(
        "eval_preference_retriever",
        "eval",
        "RAR, a reconstruction: no retrieval, supervised and after the loop, with and without a ranker; gains, tests, popularity.",
        preference_eval.eval_preference_retriever,
        parents=(*_BASIS, *_RETRIEVERS, "eval_preference_ranks"),
        tables=(t.EVAL_PREFERENCE_RETRIEVER,),
        code=("assets_defs.preference_eval", *_JUDGING),
        config=picked(*_SETTINGS, "evaluation", sizes=("feedback_turns", "judged_turns", "loop_seeds")),
        kinds=frozenset({"parquet"}),
    ),
    Step(
        "eval_feedback_ceiling",
        "eval",
        "The loop (RAR, a reconstruction) under an oracle and noisy ones: how good a ranker must be for it to help.",
        preference_studies.eval_feedback_ceiling,
        parents=(*_BASIS, SUPERVISED),
        tables=(t.EVAL_FEEDBACK_CEILING,),
        code=("assets_defs.preference_studies", *_JUDGING),
        config=picked(*_SETTINGS, "evaluation", "study_ranker", "study_retriever", sizes=("ceiling_turns", "judged_turns", "loop_seeds")),
        kinds=frozenset({"parquet"}),
    ),
    Step(
        "eval_preference_ablation",
        "eval",
        "The loop (RAR, a reconstruction) with one setting changed at a time: K, M, objective, reference, forced truth.",
        preference_studies.eval_preference_ablation,
        parents=(*_BASIS, SUPERVISED),
        tables=(t.EVAL_PREFERENCE_ABLATION,),
        code=("assets_defs.preference_studies", *_JUDGING),
        config=picked(*_SETTINGS, "evaluation", "study_ranker", "study_retriever", sizes=("ceiling_turns", "judged_turns", "loop_seeds")),
        kinds=frozenset({"parquet"}),
    ),
    Step(
        "eval_ranker",
        "eval",
        "Each ranker alone: order of candidates, metadata, titles that match nothing, failures, cost.",
        preference_studies.eval_ranker,
        parents=(*_BASIS, SUPERVISED),
        tables=(t.EVAL_RANKER,),
        code=("assets_defs.preference_studies", *_JUDGING),
        config=picked(*_SETTINGS, "evaluation", sizes=("free_answers", "loop_seeds")),
        kinds=frozenset({"parquet"}),
    ),
)
