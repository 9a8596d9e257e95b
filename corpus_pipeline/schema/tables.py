"""Every table once: ordered columns, key, references. DDL, Arrow schemas, checks and the dictionary are rendered from it."""

from corpus_pipeline.schema import eval_tables, interaction_tables
from corpus_pipeline.schema import fields as f
from corpus_pipeline.schema.types import Reference, Table, columns, nullable

_TO_MOVIE = Reference(("movie_id",), "core_movies", ("movie_id",))
_TO_DIALOGUE = Reference(("dialogue_id",), "core_dialogues", ("dialogue_id",))
_TO_TURN = Reference(("dialogue_id", "turn_index"), "core_dialogue_turns", ("dialogue_id", "turn_index"))
_TO_EXAMPLE = Reference(("example_id",), "core_recommendation_turns", ("example_id",))
_TO_DATASET_MOVIE = Reference(("dataset", "source_movie_id"), "core_dialogue_movies", ("dataset", "source_movie_id"))

MOVIE_RECORDS = Table(
    "core_movie_records",
    "One row per film per source record, typed but not yet merged.",
    columns(f.SOURCE, f.RECORD_ID, f.FILE, f.LINE, f.TITLE)
    + nullable(
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
    columns(f.MOVIE_ID, f.TITLE)
    + nullable(f.ORIGINAL_TITLE, f.YEAR, f.RUNTIME_MINUTES)
    + columns(f.KIND, f.IS_ADULT)
    + nullable(f.LANGUAGE, f.COUNTRIES, f.PLOT, f.IMDB_RATING, f.IMDB_VOTE_COUNT, f.TMDB_RATING, f.TMDB_VOTE_COUNT)
    + columns(f.POPULARITY_SCORE, f.SOURCES, f.TITLE_SOURCE)
    + nullable(f.YEAR_SOURCE, f.RUNTIME_SOURCE, f.LANGUAGE_SOURCE, f.PLOT_SOURCE),
    ("movie_id",),
)
TITLES = Table(
    "core_titles",
    "Every spelling of every film's title, for search and linking.",
    columns(f.MOVIE_ID, f.TITLE, f.TITLE_KEY, f.TITLE_KIND) + nullable(f.LANGUAGE, f.REGION) + columns(f.SOURCE),
    ("movie_id", "title"),
    (_TO_MOVIE,),
)
PEOPLE = Table(
    "core_people",
    "One row per person credited on a film.",
    columns(f.PERSON_ID, f.NAME, f.NAME_KEY) + nullable(f.IMDB_PERSON_ID),
    ("person_id",),
)
CREDITS = Table(
    "core_credits",
    "Who did what on which film.",
    columns(f.MOVIE_ID, f.ROLE, f.POSITION, f.PERSON_ID) + nullable(f.CHARACTER) + columns(f.SOURCE),
    ("movie_id", "role", "person_id"),
    (_TO_MOVIE, Reference(("person_id",), "core_people", ("person_id",))),
)
MOVIE_GENRES = Table(
    "core_genres", "Genres of each film in one vocabulary.", columns(f.MOVIE_ID, f.GENRE), ("movie_id", "genre"), (_TO_MOVIE,)
)
KEYWORDS = Table("core_keywords", "Keywords of each film.", columns(f.MOVIE_ID, f.KEYWORD), ("movie_id", "keyword"), (_TO_MOVIE,))
PLOTS = Table(
    "core_plots",
    "Every distinct plot text of each film, the surviving one first.",
    columns(f.MOVIE_ID, f.PLOT_RANK, f.PLOT_TEXT) + nullable(f.LANGUAGE) + columns(f.SOURCE),
    ("movie_id", "plot_rank"),
    (_TO_MOVIE,),
)
MOVIE_IDS = Table(
    "core_movie_ids",
    "Crosswalk: every authority's id of each film.",
    columns(f.MOVIE_ID, f.AUTHORITY, f.AUTHORITY_ID, f.SOURCE),
    ("movie_id", "authority", "authority_id"),
    (_TO_MOVIE,),
)
MOVIE_MERGES = Table(
    "core_movie_merges",
    "Which source record became which film, and why.",
    columns(f.SOURCE, f.RECORD_ID, f.MOVIE_ID, f.MERGE_REASON),
    ("source", "record_id"),
    (_TO_MOVIE,),
)

DIALOGUES = Table(
    "core_dialogues",
    "One row per dialogue.",
    columns(f.DIALOGUE_ID, f.DATASET, f.SPLIT, f.TURN_COUNT) + nullable(f.SEEKER_ID, f.OUTCOME),
    ("dialogue_id",),
)
DIALOGUE_TURNS = Table(
    "core_dialogue_turns",
    "What was said, turn by turn.",
    columns(f.DIALOGUE_ID, f.TURN_INDEX, f.SPEAKER, f.TURN_TEXT) + nullable(f.SOURCE_TURN_ID),
    ("dialogue_id", "turn_index"),
    (_TO_DIALOGUE,),
)
DIALOGUE_MOVIES = Table(
    "core_dialogue_movies",
    "The movies each dialogue data set names, in its own ids.",
    columns(f.DATASET, f.SOURCE_MOVIE_ID, f.SURFACE) + nullable(f.MENTION_YEAR, f.IMDB_ID),
    ("dataset", "source_movie_id"),
)
MENTIONS = Table(
    "core_mentions",
    "Gold mentions of movies in turns.",
    columns(f.DIALOGUE_ID, f.TURN_INDEX, f.MENTION_INDEX, f.DATASET, f.SOURCE_MOVIE_ID)
    + nullable(f.SPAN_START, f.SPAN_END, f.IS_RECOMMENDED, f.IS_ACCEPTED, f.IS_LIKED),
    ("dialogue_id", "turn_index", "mention_index"),
    (_TO_TURN, _TO_DATASET_MOVIE),
)
RECOMMENDATION_TURNS = Table(
    "core_recommendation_turns",
    "Recommender turns that name a movie: the examples of the recommendation task (He et al. 2023).",
    columns(f.EXAMPLE_ID, f.DIALOGUE_ID, f.TURN_INDEX, f.DATASET, f.SPLIT, f.CONTEXT_TEXT),
    ("example_id",),
    (_TO_TURN,),
)
RECOMMENDATION_TARGETS = Table(
    "core_recommendation_targets",
    "The movies to be predicted in each recommendation turn.",
    columns(f.EXAMPLE_ID, f.TARGET_INDEX, f.DATASET, f.SOURCE_MOVIE_ID, f.TARGET_NAME, f.IS_NEW),
    ("example_id", "target_index"),
    (_TO_EXAMPLE, _TO_DATASET_MOVIE),
)

_LINK_COLUMNS = (
    nullable(f.LINKED_MOVIE_ID)
    + columns(f.LINK_STATUS, f.LINK_RULE)
    + nullable(f.LINK_SCORE, f.RUNNER_UP_MOVIE_ID, f.RUNNER_UP_SCORE, f.LINK_REASON)
)
LINK_DIALOGUE_MOVIES = Table(
    "link_dialogue_movies",
    "Each data set's movies linked to the corpus, or an abstention with its reason.",
    columns(f.DATASET, f.SOURCE_MOVIE_ID) + _LINK_COLUMNS,
    ("dataset", "source_movie_id"),
    (_TO_DATASET_MOVIE, _TO_MOVIE),
)
LINK_MENTIONS = Table(
    "link_mentions",
    "Each gold mention linked to the corpus, or an abstention with its reason.",
    columns(f.DIALOGUE_ID, f.TURN_INDEX, f.MENTION_INDEX, f.DATASET) + _LINK_COLUMNS,
    ("dialogue_id", "turn_index", "mention_index"),
    (Reference(("dialogue_id", "turn_index", "mention_index"), "core_mentions", ("dialogue_id", "turn_index", "mention_index")), _TO_MOVIE),
)
LINK_DECISIONS = Table(
    "link_decisions",
    "People's decisions about links, and what became of each.",
    columns(f.DECISION_LINE)
    + nullable(f.DATASET, f.SOURCE_MOVIE_ID, f.SURFACE, f.MENTION_YEAR, f.DECIDED_MOVIE_ID)
    + columns(f.WHO, f.DECIDED_ON, f.DECISION_STATUS),
    ("decision_line",),
)
LINK_REVIEW_QUEUE = Table(
    "link_review_queue",
    "Links of the data sets' movies that a person should look at, ranked by how much they matter.",
    columns(f.REVIEW_RANK, f.DATASET, f.SOURCE_MOVIE_ID, f.SURFACE)
    + nullable(f.MENTION_YEAR)
    + columns(f.MENTION_COUNT, f.LINK_STATUS)
    + nullable(f.LINK_SCORE, f.BEST_MOVIE_ID, f.RUNNER_UP_MOVIE_ID, f.RUNNER_UP_SCORE)
    + columns(f.MATTER_SCORE)
    + nullable(f.LINK_REASON),
    ("dataset", "source_movie_id"),
    (_TO_DATASET_MOVIE, Reference(("best_movie_id",), "core_movies", ("movie_id",))),
)

LINK_TEXT_MENTIONS = Table(
    "link_text_mentions",
    "Films found in what was said, without a data set's marks: linked, or abstained from with a reason.",
    columns(f.DIALOGUE_ID, f.TURN_INDEX, f.SPAN_START, f.SPAN_END, f.DATASET, f.SURFACE) + nullable(f.YEAR_GIVEN) + _LINK_COLUMNS,
    ("dialogue_id", "turn_index", "span_start"),
    (_TO_TURN, _TO_MOVIE),
)

SET_SEQUENCES = Table(
    "set_sequences",
    "Item sequences for sequential retrievers, one per dialogue; no test dialogue.",
    columns(f.DIALOGUE_ID, f.DATASET, f.SPLIT, f.SEQUENCE_MOVIE_IDS, f.IS_TARGET),
    ("dialogue_id",),
)
SET_RECOMMENDATION = Table(
    "set_recommendation",
    "Recommendation examples in corpus ids: history before the turn, context text.",
    columns(f.EXAMPLE_ID, f.DIALOGUE_ID, f.DATASET, f.SPLIT, f.HISTORY_MOVIE_IDS, f.CONTEXT_TEXT),
    ("example_id",),
)
SET_RECOMMENDATION_TARGETS = Table(
    "set_recommendation_targets",
    "Targets of the recommendation examples in corpus ids; unlinked targets stay, with a null movie, and count as misses.",
    columns(f.EXAMPLE_ID, f.TARGET_INDEX) + nullable(f.LINKED_MOVIE_ID) + columns(f.IS_NEW),
    ("example_id", "target_index"),
    (Reference(("example_id",), "set_recommendation", ("example_id",)),),
)
SET_PSEUDO_QUERIES = Table(
    "set_pseudo_queries",
    "The teacher's queries, what a query expert learns to write; no test dialogue has one.",
    columns(f.EXAMPLE_ID, f.TARGET_INDEX, f.DATASET, f.SPLIT, f.TARGET_MOVIE_ID, f.PSEUDO_QUERY, f.CONCEPT_COUNT),
    ("example_id", "target_index"),
    (_TO_EXAMPLE, _TO_MOVIE),
)
SET_QUERIES = Table(
    "set_queries",
    "Search queries of training and validation turns, as written at inference: what hard negatives are mined with.",
    columns(f.EXAMPLE_ID, f.QUERY_MODE, f.DATASET, f.SPLIT, f.QUERY, f.IS_FALLBACK),
    ("example_id", "query_mode"),
    (_TO_EXAMPLE,),
)
SET_CANDIDATES = Table(
    "set_candidates",
    "Films that retrieval with the query expert's queries offers for training and validation turns; the true ones are left out.",
    columns(f.EXAMPLE_ID, f.FILM_POSITION, f.DATASET, f.SPLIT, f.CANDIDATE_MOVIE_ID, f.RETRIEVAL_SCORE),
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
ROUNDS = (1, 2, 3)  # METHODS section 9: T = 3
SET_PREFERENCES = tuple(
    Table(
        f"set_preferences_{number}",
        f"Candidate sets drawn in round {number} (RAR, a reconstruction), the ranker's list of each and its reward; training turns only.",
        columns(
            *(f.LOOP_RETRIEVER, f.SEED, f.EXAMPLE_ID, f.SET_INDEX, f.DATASET, f.CANDIDATE_MOVIE_IDS, f.RANKED_MOVIE_IDS, f.REWARD),
            *(f.LOG_PROBABILITY, f.IS_ASKED, f.RANKER_FAILURE),
        ),
        ("retriever", "seed", "example_id", "set_index"),
        (_TO_EXAMPLE,),
    )
    for number in ROUNDS
)
# The other homes of declared tables, under one roof: readers say `tables.NAME` wherever it is declared.
INTERACTIONS = interaction_tables.INTERACTIONS
INTERACTION_ITEMS = interaction_tables.INTERACTION_ITEMS
INTERACTION_USERS = interaction_tables.INTERACTION_USERS
SET_CLICK = interaction_tables.SET_CLICK
CLICK_EVALS = eval_tables.CLICK_EVALS
EVALS = eval_tables.EVALS
EVAL_ANSWERS = eval_tables.EVAL_ANSWERS
EVAL_CLICK = eval_tables.EVAL_CLICK
EVAL_CLICK_ABLATION = eval_tables.EVAL_CLICK_ABLATION
EVAL_CLICK_PREDICTIONS = eval_tables.EVAL_CLICK_PREDICTIONS
EVAL_FEEDBACK_CEILING = eval_tables.EVAL_FEEDBACK_CEILING
EVAL_GENERATION = eval_tables.EVAL_GENERATION
EVAL_HALLUCINATION = eval_tables.EVAL_HALLUCINATION
EVAL_JOINT_RETRIEVAL = eval_tables.EVAL_JOINT_RETRIEVAL
EVAL_LINKING = eval_tables.EVAL_LINKING
EVAL_METRICS = eval_tables.EVAL_METRICS
EVAL_PREFERENCE_ABLATION = eval_tables.EVAL_PREFERENCE_ABLATION
EVAL_PREFERENCE_RANKS = eval_tables.EVAL_PREFERENCE_RANKS
EVAL_PREFERENCE_RETRIEVER = eval_tables.EVAL_PREFERENCE_RETRIEVER
EVAL_QUERIES = eval_tables.EVAL_QUERIES
EVAL_QUERY_QUALITY = eval_tables.EVAL_QUERY_QUALITY
EVAL_RANKER = eval_tables.EVAL_RANKER
EVAL_RANKS = eval_tables.EVAL_RANKS
EVAL_RETRIEVAL = eval_tables.EVAL_RETRIEVAL
EVAL_RETRIEVAL_RANKS = eval_tables.EVAL_RETRIEVAL_RANKS
LOOP_EVALS = eval_tables.LOOP_EVALS

CORE = (
    MOVIES, TITLES, PEOPLE, CREDITS, MOVIE_GENRES, KEYWORDS, PLOTS, MOVIE_IDS, MOVIE_MERGES,
    DIALOGUES, DIALOGUE_TURNS, DIALOGUE_MOVIES, MENTIONS, RECOMMENDATION_TURNS, RECOMMENDATION_TARGETS,
    INTERACTION_ITEMS, INTERACTION_USERS, INTERACTIONS,
)  # fmt: skip
LINKS = (LINK_DIALOGUE_MOVIES, LINK_MENTIONS, LINK_DECISIONS, LINK_REVIEW_QUEUE)
SETS = (
    SET_SEQUENCES, SET_RECOMMENDATION, SET_RECOMMENDATION_TARGETS, SET_PSEUDO_QUERIES, SET_QUERIES, SET_CANDIDATES, SET_SHORTLISTS,
    *SET_PREFERENCES, SET_CLICK,
)  # fmt: skip


def rejected(table: Table) -> Table:
    """The quarantine beside `table`: one row per record that was read and not accepted, or per `record_count` of them."""
    return Table(
        f"{table.name}__rejected",
        f"Records read for {table.name} and not accepted, each with its reason.",
        columns(f.SOURCE, f.FILE, f.LINE, f.REASON, f.RAW_TEXT, f.RECORD_COUNT),
        ("source", "file", "line", "reason", "raw_text"),
    )


REJECTS = rejected(MOVIE_RECORDS)
MOVIES_REJECTED = rejected(MOVIES)
DIALOGUES_REJECTED = rejected(DIALOGUES)
INTERACTIONS_REJECTED = rejected(INTERACTIONS)
RELEASED = (*CORE, MOVIES_REJECTED, DIALOGUES_REJECTED, INTERACTIONS_REJECTED, *LINKS)
ALL = (MOVIE_RECORDS, *RELEASED, LINK_TEXT_MENTIONS, *SETS, *EVALS)


def named(name: str) -> Table:
    """The declared table called `name`; KeyError names the nearest ones."""
    found = {table.name: table for table in ALL}
    if name not in found:
        import difflib

        raise KeyError(f"no table {name!r} is declared; nearest: {difflib.get_close_matches(name, found) or sorted(found)}")
    return found[name]
