"""Every table once: ordered columns, key, references. DDL, Arrow schemas, checks and the dictionary are rendered from it."""

from corpus_pipeline.schema import fields as f
from corpus_pipeline.schema.types import Column, Field, Reference, Table


def _columns(*required: Field) -> tuple[Column, ...]:
    return tuple(Column(field) for field in required)


def _nullable(*optional: Field) -> tuple[Column, ...]:
    return tuple(Column(field, nullable=True) for field in optional)


_TO_MOVIE = Reference(("movie_id",), "core_movies", ("movie_id",))
_TO_DIALOGUE = Reference(("dialogue_id",), "core_dialogues", ("dialogue_id",))
_TO_TURN = Reference(("dialogue_id", "turn_index"), "core_dialogue_turns", ("dialogue_id", "turn_index"))
_TO_EXAMPLE = Reference(("example_id",), "core_recommendation_turns", ("example_id",))
_TO_DATASET_MOVIE = Reference(("dataset", "source_movie_id"), "core_dialogue_movies", ("dataset", "source_movie_id"))

MOVIE_RECORDS = Table(
    "core_movie_records",
    "One row per film per source record, typed but not yet merged.",
    _columns(f.SOURCE, f.RECORD_ID, f.FILE, f.LINE, f.TITLE)
    + _nullable(
        f.ORIGINAL_TITLE, f.YEAR, f.RUNTIME_MINUTES, f.KIND, f.IS_ADULT,
        f.IMDB_ID, f.TMDB_ID, f.WIKIDATA_ID, f.MOVIELENS_ID, f.OMDB_ORG_ID, f.WIKIPEDIA_PAGE,
        f.IMDB_RATING, f.IMDB_VOTE_COUNT, f.TMDB_RATING, f.TMDB_VOTE_COUNT,
        f.RECORD_GENRES, f.RECORD_KEYWORDS, f.COUNTRIES, f.RECORD_LANGUAGES,
        f.RECORD_TITLES, f.RECORD_PEOPLE, f.RECORD_PLOTS,
    ),
    ("source", "record_id"),
)  # fmt: skip

MOVIES = Table(
    "core_movies",
    "One row per film.",
    _columns(f.MOVIE_ID, f.TITLE)
    + _nullable(f.ORIGINAL_TITLE, f.YEAR, f.RUNTIME_MINUTES)
    + _columns(f.KIND, f.IS_ADULT)
    + _nullable(f.LANGUAGE, f.COUNTRIES, f.PLOT, f.IMDB_RATING, f.IMDB_VOTE_COUNT, f.TMDB_RATING, f.TMDB_VOTE_COUNT)
    + _columns(f.POPULARITY_SCORE, f.SOURCES, f.TITLE_SOURCE)
    + _nullable(f.YEAR_SOURCE, f.RUNTIME_SOURCE, f.LANGUAGE_SOURCE, f.PLOT_SOURCE),
    ("movie_id",),
)
TITLES = Table(
    "core_titles",
    "Every spelling of every film's title, for search and linking.",
    _columns(f.MOVIE_ID, f.TITLE, f.TITLE_KEY, f.TITLE_KIND) + _nullable(f.LANGUAGE, f.REGION) + _columns(f.SOURCE),
    ("movie_id", "title"),
    (_TO_MOVIE,),
)
PEOPLE = Table(
    "core_people",
    "One row per person credited on a film.",
    _columns(f.PERSON_ID, f.NAME, f.NAME_KEY) + _nullable(f.IMDB_PERSON_ID),
    ("person_id",),
)
CREDITS = Table(
    "core_credits",
    "Who did what on which film.",
    _columns(f.MOVIE_ID, f.ROLE, f.POSITION, f.PERSON_ID) + _nullable(f.CHARACTER) + _columns(f.SOURCE),
    ("movie_id", "role", "person_id"),
    (_TO_MOVIE, Reference(("person_id",), "core_people", ("person_id",))),
)
MOVIE_GENRES = Table(
    "core_genres", "Genres of each film in one vocabulary.", _columns(f.MOVIE_ID, f.GENRE), ("movie_id", "genre"), (_TO_MOVIE,)
)
KEYWORDS = Table("core_keywords", "Keywords of each film.", _columns(f.MOVIE_ID, f.KEYWORD), ("movie_id", "keyword"), (_TO_MOVIE,))
PLOTS = Table(
    "core_plots",
    "Every distinct plot text of each film, the surviving one first.",
    _columns(f.MOVIE_ID, f.PLOT_RANK, f.PLOT_TEXT) + _nullable(f.LANGUAGE) + _columns(f.SOURCE),
    ("movie_id", "plot_rank"),
    (_TO_MOVIE,),
)
MOVIE_IDS = Table(
    "core_movie_ids",
    "Crosswalk: every authority's id of each film.",
    _columns(f.MOVIE_ID, f.AUTHORITY, f.AUTHORITY_ID, f.SOURCE),
    ("movie_id", "authority", "authority_id"),
    (_TO_MOVIE,),
)
MOVIE_MERGES = Table(
    "core_movie_merges",
    "Which source record became which film, and why.",
    _columns(f.SOURCE, f.RECORD_ID, f.MOVIE_ID, f.MERGE_REASON),
    ("source", "record_id"),
    (_TO_MOVIE,),
)

DIALOGUES = Table(
    "core_dialogues",
    "One row per dialogue.",
    _columns(f.DIALOGUE_ID, f.DATASET, f.SPLIT, f.TURN_COUNT) + _nullable(f.SEEKER_ID, f.OUTCOME),
    ("dialogue_id",),
)
DIALOGUE_TURNS = Table(
    "core_dialogue_turns",
    "What was said, turn by turn.",
    _columns(f.DIALOGUE_ID, f.TURN_INDEX, f.SPEAKER, f.TURN_TEXT) + _nullable(f.SOURCE_TURN_ID),
    ("dialogue_id", "turn_index"),
    (_TO_DIALOGUE,),
)
DIALOGUE_MOVIES = Table(
    "core_dialogue_movies",
    "The movies each dialogue data set names, in its own ids.",
    _columns(f.DATASET, f.SOURCE_MOVIE_ID, f.SURFACE) + _nullable(f.MENTION_YEAR, f.IMDB_ID),
    ("dataset", "source_movie_id"),
)
MENTIONS = Table(
    "core_mentions",
    "Gold mentions of movies in turns.",
    _columns(f.DIALOGUE_ID, f.TURN_INDEX, f.MENTION_INDEX, f.DATASET, f.SOURCE_MOVIE_ID)
    + _nullable(f.SPAN_START, f.SPAN_END, f.IS_RECOMMENDED, f.IS_ACCEPTED, f.IS_LIKED),
    ("dialogue_id", "turn_index", "mention_index"),
    (_TO_TURN, _TO_DATASET_MOVIE),
)
RECOMMENDATION_TURNS = Table(
    "core_recommendation_turns",
    "Recommender turns that name a movie: the examples of the recommendation task (He et al. 2023).",
    _columns(f.EXAMPLE_ID, f.DIALOGUE_ID, f.TURN_INDEX, f.DATASET, f.SPLIT, f.CONTEXT_TEXT),
    ("example_id",),
    (_TO_TURN,),
)
RECOMMENDATION_TARGETS = Table(
    "core_recommendation_targets",
    "The movies to be predicted in each recommendation turn.",
    _columns(f.EXAMPLE_ID, f.TARGET_INDEX, f.DATASET, f.SOURCE_MOVIE_ID, f.TARGET_NAME, f.IS_NEW),
    ("example_id", "target_index"),
    (_TO_EXAMPLE, _TO_DATASET_MOVIE),
)

_LINK_COLUMNS = (
    _nullable(f.LINKED_MOVIE_ID)
    + _columns(f.LINK_STATUS, f.LINK_RULE)
    + _nullable(f.LINK_SCORE, f.RUNNER_UP_MOVIE_ID, f.RUNNER_UP_SCORE, f.LINK_REASON)
)
LINK_DIALOGUE_MOVIES = Table(
    "link_dialogue_movies",
    "Each data set's movies linked to the corpus, or an abstention with its reason.",
    _columns(f.DATASET, f.SOURCE_MOVIE_ID) + _LINK_COLUMNS,
    ("dataset", "source_movie_id"),
    (_TO_DATASET_MOVIE, _TO_MOVIE),
)
LINK_MENTIONS = Table(
    "link_mentions",
    "Each gold mention linked to the corpus, or an abstention with its reason.",
    _columns(f.DIALOGUE_ID, f.TURN_INDEX, f.MENTION_INDEX, f.DATASET) + _LINK_COLUMNS,
    ("dialogue_id", "turn_index", "mention_index"),
    (Reference(("dialogue_id", "turn_index", "mention_index"), "core_mentions", ("dialogue_id", "turn_index", "mention_index")), _TO_MOVIE),
)
LINK_DECISIONS = Table(
    "link_decisions",
    "People's decisions about links, and what became of each.",
    _columns(f.DECISION_LINE)
    + _nullable(f.DATASET, f.SOURCE_MOVIE_ID, f.SURFACE, f.MENTION_YEAR, f.DECIDED_MOVIE_ID)
    + _columns(f.WHO, f.DECIDED_ON, f.DECISION_STATUS),
    ("decision_line",),
)
LINK_REVIEW_QUEUE = Table(
    "link_review_queue",
    "Links of the data sets' movies that a person should look at, ranked by how much they matter.",
    _columns(f.REVIEW_RANK, f.DATASET, f.SOURCE_MOVIE_ID, f.SURFACE)
    + _nullable(f.MENTION_YEAR)
    + _columns(f.MENTION_COUNT, f.LINK_STATUS)
    + _nullable(f.LINK_SCORE, f.BEST_MOVIE_ID, f.RUNNER_UP_MOVIE_ID, f.RUNNER_UP_SCORE)
    + _columns(f.MATTER_SCORE)
    + _nullable(f.LINK_REASON),
    ("dataset", "source_movie_id"),
    (_TO_DATASET_MOVIE, Reference(("best_movie_id",), "core_movies", ("movie_id",))),
)

LINK_TEXT_MENTIONS = Table(
    "link_text_mentions",
    "Films found in what was said, without a data set's marks: linked, or abstained from with a reason.",
    _columns(f.DIALOGUE_ID, f.TURN_INDEX, f.SPAN_START, f.SPAN_END, f.DATASET, f.SURFACE) + _nullable(f.YEAR_GIVEN) + _LINK_COLUMNS,
    ("dialogue_id", "turn_index", "span_start"),
    (_TO_TURN, _TO_MOVIE),
)

SET_SEQUENCES = Table(
    "set_sequences",
    "Item sequences for sequential retrievers, one per dialogue; no test dialogue.",
    _columns(f.DIALOGUE_ID, f.DATASET, f.SPLIT, f.SEQUENCE_MOVIE_IDS, f.IS_TARGET),
    ("dialogue_id",),
)
SET_RECOMMENDATION = Table(
    "set_recommendation",
    "Recommendation examples in corpus ids: history before the turn, context text.",
    _columns(f.EXAMPLE_ID, f.DIALOGUE_ID, f.DATASET, f.SPLIT, f.HISTORY_MOVIE_IDS, f.CONTEXT_TEXT),
    ("example_id",),
)
SET_RECOMMENDATION_TARGETS = Table(
    "set_recommendation_targets",
    "Targets of the recommendation examples in corpus ids; unlinked targets stay, with a null movie, and count as misses.",
    _columns(f.EXAMPLE_ID, f.TARGET_INDEX) + _nullable(f.LINKED_MOVIE_ID) + _columns(f.IS_NEW),
    ("example_id", "target_index"),
    (Reference(("example_id",), "set_recommendation", ("example_id",)),),
)
SET_PSEUDO_QUERIES = Table(
    "set_pseudo_queries",
    "The teacher's queries, what a query expert learns to write; no test dialogue has one.",
    _columns(f.EXAMPLE_ID, f.TARGET_INDEX, f.DATASET, f.SPLIT, f.TARGET_MOVIE_ID, f.PSEUDO_QUERY, f.CONCEPT_COUNT),
    ("example_id", "target_index"),
    (_TO_EXAMPLE, _TO_MOVIE),
)
SET_QUERIES = Table(
    "set_queries",
    "Search queries of training and validation turns, as written at inference: what hard negatives are mined with.",
    _columns(f.EXAMPLE_ID, f.QUERY_MODE, f.DATASET, f.SPLIT, f.QUERY, f.IS_FALLBACK),
    ("example_id", "query_mode"),
    (_TO_EXAMPLE,),
)
SET_CANDIDATES = Table(
    "set_candidates",
    "Films that retrieval with the query expert's queries offers for training and validation turns; the true ones are left out.",
    _columns(f.EXAMPLE_ID, f.FILM_POSITION, f.DATASET, f.SPLIT, f.CANDIDATE_MOVIE_ID, f.RETRIEVAL_SCORE),
    ("example_id", "candidate_rank"),
    (_TO_EXAMPLE, _TO_MOVIE),
)
SET_SHORTLISTS = Table(
    "set_shortlists",
    "Films that the whole first stage offers for training and validation turns, true ones among them: what models that choose choose from.",
    SET_CANDIDATES.columns,
    SET_CANDIDATES.key,
    SET_CANDIDATES.references,
)
EVAL_RANKS = Table(
    "eval_recommendation_ranks",
    "Per-turn results: where each model ranked each test target.",
    _columns(f.DATASET, f.MODEL, f.CANDIDATE_SET, f.EXAMPLE_ID, f.TARGET_INDEX, f.DIALOGUE_ID, f.IS_NEW) + _nullable(f.RANK),
    ("dataset", "model", "candidate_set", "example_id", "target_index"),
)
EVAL_LINKING = Table(
    "eval_linking",
    "How good the linker is, by data set, gold and kind of mention.",
    _columns(f.WEIGHTS, f.IS_IN_USE, f.LINKED_TEXTS, f.SPLIT, f.GOLD, f.SLICE, f.LINK_METRIC, f.MEASURED, f.COUNT),
    ("weights", "dataset", "split", "gold", "slice", "metric"),
)
EVAL_METRICS = Table(
    "eval_recommendation",
    "The evaluation table: per-pair metrics with intervals clustered by dialogue.",
    _columns(f.DATASET, f.MODEL, f.CANDIDATE_SET, f.CONDITION, f.METRIC, f.K, f.VALUE, f.CI_LOW, f.CI_HIGH, f.PAIR_COUNT),
    ("dataset", "model", "candidate_set", "condition", "metric", "k"),
)
EVAL_QUERIES = Table(
    "eval_queries",
    "Search queries of test turns, as the language model wrote them.",
    _columns(f.EXAMPLE_ID, f.QUERY_MODE, f.DATASET, f.SPLIT, f.QUERY, f.IS_FALLBACK),
    ("example_id", "query_mode"),
)
EVAL_RETRIEVAL_RANKS = Table(
    "eval_retrieval_ranks",
    "Per-turn results: where each retriever ranks each target for each kind of query.",
    _columns(f.DATASET, f.SPLIT, f.RETRIEVER, f.QUERY_MODE, f.EXAMPLE_ID, f.TARGET_INDEX, f.DIALOGUE_ID, f.IS_NEW) + _nullable(f.RANK),
    ("dataset", "split", "retriever", "query_mode", "example_id", "target_index"),
)
EVAL_RETRIEVAL = Table(
    "eval_retrieval",
    "Recall of new films per retriever and kind of query, and its gain over the raw dialogue as query.",
    _columns(f.DATASET, f.SPLIT, f.RETRIEVER, f.QUERY_MODE, f.QUALITY_METRIC, f.K, f.QUALITY_VALUE)
    + _nullable(f.QUALITY_LOW, f.QUALITY_HIGH)
    + _columns(f.QUALITY_COUNT),
    ("dataset", "split", "retriever", "query_mode", "metric", "k"),
)
EVAL_QUERY_QUALITY = Table(
    "eval_query_quality",
    "Queries against the true film (cosine) and, on the starter data, against queries written by hand (BLEU, ROUGE).",
    _columns(f.DATASET, f.SPLIT, f.QUERY_MODE, f.QUALITY_METRIC, f.QUALITY_VALUE, f.QUALITY_COUNT),
    ("dataset", "split", "query_mode", "metric"),
)
EVAL_ANSWERS = Table(
    "eval_answers",
    "Per-turn results of the models that choose among candidates.",
    _columns(
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
    + _nullable(f.ANSWER_RANK),
    ("dataset", "split", "model", "candidate_count", "is_forced", "example_id", "target_index"),
)
EVAL_GENERATION = Table(
    "eval_generation",
    "Success of the models that choose: overall, with the truth forced in, and the recall of retrieval, per number of candidates.",
    _columns(f.ANSWERED_DATASET, f.SPLIT, f.ANSWER_MODEL, f.CANDIDATE_COUNT, f.QUALITY_METRIC, f.QUALITY_VALUE)
    + _nullable(f.QUALITY_LOW, f.QUALITY_HIGH)
    + _columns(f.QUALITY_COUNT),
    ("dataset", "split", "model", "candidate_count", "metric"),
)
EVAL_HALLUCINATION = Table(
    "eval_hallucination",
    "Share of answers that are no title of the turn's candidates, of the data set or of the corpus.",
    _columns(f.DATASET, f.SPLIT, f.ANSWER_MODEL, f.DECODING, f.VOCABULARY, f.QUALITY_VALUE, f.QUALITY_LOW, f.QUALITY_HIGH, f.QUALITY_COUNT),
    ("dataset", "split", "model", "decoding", "vocabulary"),
)
ROUNDS = (1, 2, 3)  # METHODS section 9: T = 3
SET_PREFERENCES = tuple(
    Table(
        f"set_preferences_{number}",
        f"Candidate sets drawn in round {number} (RAR, a reconstruction), the ranker's list of each and its reward; training turns only.",
        _columns(
            *(f.LOOP_RETRIEVER, f.SEED, f.EXAMPLE_ID, f.SET_INDEX, f.DATASET, f.CANDIDATE_MOVIE_IDS, f.RANKED_MOVIE_IDS, f.REWARD),
            *(f.LOG_PROBABILITY, f.IS_ASKED, f.RANKER_FAILURE),
        ),
        ("retriever", "seed", "example_id", "set_index"),
        (_TO_EXAMPLE,),
    )
    for number in ROUNDS
)
EVAL_PREFERENCE_RANKS = Table(
    "eval_preference_ranks",
    "Per-turn results of the loop: where the retriever, and the ranker behind it, put each target.",
    _columns(f.DATASET, f.SPLIT, f.LOOP_RETRIEVER, f.RANKER, f.STAGE, f.SEED, f.EXAMPLE_ID, f.TARGET_INDEX, f.DIALOGUE_ID)
    + _nullable(f.RETRIEVAL_RANK, f.FINAL_RANK),
    ("dataset", "split", "retriever", "ranker", "stage", "seed", "example_id", "target_index"),
)


def _analysis(name: str, description: str) -> Table:
    """A table of measured values of the loop, one row per retriever, ranker, setting, data set and metric."""
    return Table(
        name,
        description,
        _columns(f.LOOP_RETRIEVER, f.RANKER, f.SETTING, f.ANSWERED_DATASET, f.QUALITY_METRIC, f.QUALITY_VALUE)
        + _nullable(f.QUALITY_LOW, f.QUALITY_HIGH)
        + _columns(f.QUALITY_COUNT),
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
LOOP_EVALS = (
    EVAL_PREFERENCE_RANKS, EVAL_PREFERENCE_RETRIEVER, EVAL_FEEDBACK_CEILING, EVAL_PREFERENCE_ABLATION, EVAL_RANKER,
)  # fmt: skip

CORE = (
    MOVIES, TITLES, PEOPLE, CREDITS, MOVIE_GENRES, KEYWORDS, PLOTS, MOVIE_IDS, MOVIE_MERGES,
    DIALOGUES, DIALOGUE_TURNS, DIALOGUE_MOVIES, MENTIONS, RECOMMENDATION_TURNS, RECOMMENDATION_TARGETS,
)  # fmt: skip
LINKS = (LINK_DIALOGUE_MOVIES, LINK_MENTIONS, LINK_DECISIONS, LINK_REVIEW_QUEUE)
SETS = (
    SET_SEQUENCES, SET_RECOMMENDATION, SET_RECOMMENDATION_TARGETS, SET_PSEUDO_QUERIES, SET_QUERIES, SET_CANDIDATES, SET_SHORTLISTS,
    *SET_PREFERENCES,
)  # fmt: skip
EVALS = (
    EVAL_RANKS, EVAL_METRICS, EVAL_LINKING, EVAL_QUERIES, EVAL_RETRIEVAL_RANKS, EVAL_RETRIEVAL, EVAL_QUERY_QUALITY, EVAL_ANSWERS,
    EVAL_GENERATION, EVAL_HALLUCINATION, *LOOP_EVALS,
)  # fmt: skip


def rejected(table: Table) -> Table:
    """The quarantine beside `table`: one row per record that was read and not accepted, or per `record_count` of them."""
    return Table(
        f"{table.name}__rejected",
        f"Records read for {table.name} and not accepted, each with its reason.",
        _columns(f.SOURCE, f.FILE, f.LINE, f.REASON, f.RAW_TEXT, f.RECORD_COUNT),
        ("source", "file", "line", "reason", "raw_text"),
    )


REJECTS = rejected(MOVIE_RECORDS)
MOVIES_REJECTED = rejected(MOVIES)
DIALOGUES_REJECTED = rejected(DIALOGUES)
RELEASED = (*CORE, MOVIES_REJECTED, DIALOGUES_REJECTED, *LINKS)
ALL = (MOVIE_RECORDS, *RELEASED, LINK_TEXT_MENTIONS, *SETS, *EVALS)


def named(name: str) -> Table:
    """The declared table called `name`; KeyError names the nearest ones."""
    found = {table.name: table for table in ALL}
    if name not in found:
        import difflib

        raise KeyError(f"no table {name!r} is declared; nearest: {difflib.get_close_matches(name, found) or sorted(found)}")
    return found[name]
