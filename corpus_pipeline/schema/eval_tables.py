"""The tables of the evaluation layer: what `eval_*` assets leave. Per-turn and per-row results first, then what is rendered from them."""

from corpus_pipeline.schema import fields as f
from corpus_pipeline.schema.types import Table, columns, nullable

EVAL_RANKS = Table(
    "eval_recommendation_ranks",
    "Per-turn results: where each model ranked each test target.",
    columns(f.DATASET, f.MODEL, f.CANDIDATE_SET, f.EXAMPLE_ID, f.TARGET_INDEX, f.DIALOGUE_ID, f.IS_NEW) + nullable(f.RANK),
    ("dataset", "model", "candidate_set", "example_id", "target_index"),
)
EVAL_LINKING = Table(
    "eval_linking",
    "How good the linker is, by data set, gold and kind of mention.",
    columns(f.WEIGHTS, f.IS_IN_USE, f.LINKED_TEXTS, f.SPLIT, f.GOLD, f.SLICE, f.LINK_METRIC, f.MEASURED, f.COUNT),
    ("weights", "dataset", "split", "gold", "slice", "metric"),
)
EVAL_METRICS = Table(
    "eval_recommendation",
    "The evaluation table: per-pair metrics with intervals clustered by dialogue.",
    columns(f.DATASET, f.MODEL, f.CANDIDATE_SET, f.CONDITION, f.METRIC, f.K, f.VALUE, f.CI_LOW, f.CI_HIGH, f.PAIR_COUNT),
    ("dataset", "model", "candidate_set", "condition", "metric", "k"),
)
EVAL_QUERIES = Table(
    "eval_queries",
    "Search queries of test turns, as the language model wrote them.",
    columns(f.EXAMPLE_ID, f.QUERY_MODE, f.DATASET, f.SPLIT, f.QUERY, f.IS_FALLBACK),
    ("example_id", "query_mode"),
)
EVAL_RETRIEVAL_RANKS = Table(
    "eval_retrieval_ranks",
    "Per-turn results: where each retriever ranks each target for each kind of query.",
    columns(f.DATASET, f.SPLIT, f.RETRIEVER, f.QUERY_MODE, f.EXAMPLE_ID, f.TARGET_INDEX, f.DIALOGUE_ID, f.IS_NEW) + nullable(f.RANK),
    ("dataset", "split", "retriever", "query_mode", "example_id", "target_index"),
)
EVAL_RETRIEVAL = Table(
    "eval_retrieval",
    "Recall of new films per retriever and kind of query, and its gain over the raw dialogue as query.",
    columns(f.DATASET, f.SPLIT, f.RETRIEVER, f.QUERY_MODE, f.QUALITY_METRIC, f.K, f.QUALITY_VALUE)
    + nullable(f.QUALITY_LOW, f.QUALITY_HIGH)
    + columns(f.QUALITY_COUNT),
    ("dataset", "split", "retriever", "query_mode", "metric", "k"),
)
EVAL_QUERY_QUALITY = Table(
    "eval_query_quality",
    "Queries against the true film (cosine) and, on the starter data, against queries written by hand (BLEU, ROUGE).",
    columns(f.DATASET, f.SPLIT, f.QUERY_MODE, f.QUALITY_METRIC, f.QUALITY_VALUE, f.QUALITY_COUNT),
    ("dataset", "split", "query_mode", "metric"),
)
EVAL_ANSWERS = Table(
    "eval_answers",
    "Per-turn results of the models that choose among candidates.",
    columns(
        f.DATASET,
        f.SPLIT,
        f.ANSWER_MODEL,
        f.CANDIDATE_COUNT,
        f.IS_FORCED,
        f.EXAMPLE_ID,
        f.TARGET_INDEX,
        f.DIALOGUE_ID,
        f.IS_NEW,
        f.IS_RETRIEVED,
    )
    + nullable(f.ANSWER_RANK),
    ("dataset", "split", "model", "candidate_count", "is_forced", "example_id", "target_index"),
)
EVAL_GENERATION = Table(
    "eval_generation",
    "Success of the models that choose: overall, with the truth forced in, and the recall of retrieval, per number of candidates.",
    columns(f.ANSWERED_DATASET, f.SPLIT, f.ANSWER_MODEL, f.CANDIDATE_COUNT, f.QUALITY_METRIC, f.QUALITY_VALUE)
    + nullable(f.QUALITY_LOW, f.QUALITY_HIGH)
    + columns(f.QUALITY_COUNT),
    ("dataset", "split", "model", "candidate_count", "metric"),
)
EVAL_HALLUCINATION = Table(
    "eval_hallucination",
    "Share of answers that are no title of the turn's candidates, of the data set or of the corpus.",
    columns(f.DATASET, f.SPLIT, f.ANSWER_MODEL, f.DECODING, f.VOCABULARY, f.QUALITY_VALUE, f.QUALITY_LOW, f.QUALITY_HIGH, f.QUALITY_COUNT),
    ("dataset", "split", "model", "decoding", "vocabulary"),
)
EVAL_PREFERENCE_RANKS = Table(
    "eval_preference_ranks",
    "Per-turn results of the loop: where the retriever, and the ranker behind it, put each target.",
    columns(f.DATASET, f.SPLIT, f.LOOP_RETRIEVER, f.RANKER, f.STAGE, f.SEED, f.EXAMPLE_ID, f.TARGET_INDEX, f.DIALOGUE_ID)
    + nullable(f.RETRIEVAL_RANK, f.FINAL_RANK),
    ("dataset", "split", "retriever", "ranker", "stage", "seed", "example_id", "target_index"),
)


def _analysis(name: str, description: str) -> Table:
    """A table of measured values of the loop, one row per retriever, ranker, setting, data set and metric."""
    return Table(
        name,
        description,
        columns(f.LOOP_RETRIEVER, f.RANKER, f.SETTING, f.ANSWERED_DATASET, f.QUALITY_METRIC, f.QUALITY_VALUE)
        + nullable(f.QUALITY_LOW, f.QUALITY_HIGH)
        + columns(f.QUALITY_COUNT),
        ("retriever", "ranker", "setting", "dataset", "metric"),
    )


EVAL_PREFERENCE_RETRIEVER = _analysis(
    "eval_preference_retriever",
    "What the loop (RAR, a reconstruction) is worth: stages with intervals, gains over the supervised retriever, popularity, exposure.",
)
EVAL_FEEDBACK_CEILING = _analysis(
    "eval_feedback_ceiling", "How good a ranker must be for the loop to help: oracle and noisy oracles, on validation turns."
)
EVAL_PREFERENCE_ABLATION = _analysis(
    "eval_preference_ablation", "One setting of the loop changed at a time: sets, candidates, objective, reference, on validation turns."
)
EVAL_RANKER = _analysis(
    "eval_ranker", "Each ranker alone: titles that match nothing, failures, position bias, metadata on and off, seconds and calls a turn."
)
EVAL_CLICK_PREDICTIONS = Table(
    "eval_click_predictions",
    "Per-row results: what each model predicts for each judged row of validation and test.",
    columns(f.INTERACTION_DATASET, f.SPLIT, f.CLICK_MODEL, f.ROW_INDEX, f.USER_ID, f.IS_CLICKED, f.PROBABILITY),
    ("dataset", "split", "model", "row_index"),
)


def _click_analysis(name: str, description: str) -> Table:
    """A table of measured values of click prediction, one row per data set, split, model, setting and metric."""
    return Table(
        name,
        description,
        columns(f.INTERACTION_DATASET, f.SPLIT, f.CLICK_MODEL, f.SETTING, f.QUALITY_METRIC, f.QUALITY_VALUE)
        + nullable(f.QUALITY_LOW, f.QUALITY_HIGH)
        + columns(f.QUALITY_COUNT),
        ("dataset", "split", "model", "setting", "metric"),
    )


EVAL_CLICK = _click_analysis(
    "eval_click", "Click prediction (RALLRec): AUC, LogLoss, ACC with intervals, calibration, and paired differences between models."
)
EVAL_CLICK_ABLATION = _click_analysis(
    "eval_click_ablation", "Click prediction with one thing changed: kind of embedding, k, gamma, beta, defects of the released code."
)
EVAL_JOINT_RETRIEVAL = Table(
    "eval_joint_retrieval",
    "Retrievers of the main line with film vectors of text alone and joined with behaviour, on validation turns.",
    columns(f.ANSWERED_DATASET, f.SPLIT, f.RETRIEVER, f.SETTING, f.QUALITY_METRIC, f.QUALITY_VALUE)
    + nullable(f.QUALITY_LOW, f.QUALITY_HIGH)
    + columns(f.QUALITY_COUNT),
    ("dataset", "split", "retriever", "setting", "metric"),
)
CLICK_EVALS = (EVAL_CLICK_PREDICTIONS, EVAL_CLICK, EVAL_CLICK_ABLATION, EVAL_JOINT_RETRIEVAL)
LOOP_EVALS = (
    EVAL_PREFERENCE_RANKS, EVAL_PREFERENCE_RETRIEVER, EVAL_FEEDBACK_CEILING, EVAL_PREFERENCE_ABLATION, EVAL_RANKER,
)  # fmt: skip

EVALS = (
    EVAL_RANKS, EVAL_METRICS, EVAL_LINKING, EVAL_QUERIES, EVAL_RETRIEVAL_RANKS, EVAL_RETRIEVAL, EVAL_QUERY_QUALITY, EVAL_ANSWERS,
    EVAL_GENERATION, EVAL_HALLUCINATION, *LOOP_EVALS, *CLICK_EVALS,
)  # fmt: skip
