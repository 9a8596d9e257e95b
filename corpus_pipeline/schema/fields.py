"""Every column once: name, type, meaning, allowed values. A table never spells a type itself.

Suffixes carry units: `_year`, `_minutes`, `_count`, `_share`, `_score` (0 to 1 unless said). `is_` and `has_` are
booleans. A foreign id names its authority (`imdb_id`).
"""

import pyarrow as pa

from corpus_pipeline.schema.types import Field

STRING, INT, LONG, REAL, FLAG = pa.string(), pa.int32(), pa.int64(), pa.float64(), pa.bool_()
STRINGS = pa.list_(pa.string())

FIRST_YEAR, LAST_YEAR = 1870, 2035
GENRES = (
    "Action", "Adult", "Adventure", "Animation", "Biography", "Comedy", "Crime", "Documentary", "Drama", "Family",
    "Fantasy", "Film-Noir", "Game-Show", "History", "Horror", "Music", "Musical", "Mystery", "News", "Reality-TV",
    "Romance", "Sci-Fi", "Short", "Sport", "Talk-Show", "Thriller", "TV Movie", "War", "Western",
)  # fmt: skip
ROLES = ("director", "writer", "actor")
KINDS = ("movie", "short", "tv_movie", "video")
AUTHORITIES = ("imdb", "tmdb", "wikidata", "movielens", "omdb_org", "wikipedia")
TITLE_KINDS = ("primary", "original", "alternative")
DATASETS = ("inspired", "redial", "reddit_movie", "starter")
BOOKS, BOOKS_WITH_ZEROS = "bookcrossing", "bookcrossing_implicit"
BOOK_DATASETS = (BOOKS, BOOKS_WITH_ZEROS)  # of books, rated from 1 to 10; all others are of films, in up to five stars
INTERACTION_DATASETS = ("amazon_movies", *BOOK_DATASETS, "movielens_1m", "movielens_small", "starter")
SPLITS = ("train", "valid", "test")
SPEAKERS = ("seeker", "recommender")
QUERY_MODES = ("raw", "direct", "expert")
MERGE_REASONS = (
    "new_movie", "same_source", "imdb_id", "tmdb_id", "wikidata_id", "title_year", "title_year_people",
    "title_near_year_runtime", "title_near_year_people",
)  # fmt: skip
LINK_RULES = (
    "authority_id", "exact_title_year", "exact_title_near_year", "exact_title", "part_of_title", "acronym", "fuzzy_title_year",
    "fuzzy_title", "reviewed", "abstain",
)  # fmt: skip
LINK_STATUSES = ("linked", "abstained")
DECISION_STATUSES = ("applied", "unchanged", "title_gone", "film_gone", "for_texts")

# --- where a row came from
SOURCE = Field("source", STRING, "Key of the upstream source in the source registry.")
FILE = Field("file", STRING, "Name of the file inside the source's archive.")
LINE = Field("line", LONG, "1-based line (CSV, TSV, JSONL) or record number in the file; 0 for a file that is one record.", minimum=0)
RECORD_ID = Field("record_id", STRING, "The source's own id of the record, or a stable hash of its identifying fields where it has none.")
REASON = Field("reason", STRING, "Reason code: lower_snake_case, one per kind of defect.")
RAW_TEXT = Field("raw_text", STRING, "The record as read, cut to 2,000 characters.")
RECORD_COUNT = Field(
    "record_count",
    LONG,
    "Records the row stands for: 1, or more where rows out of scope are told by number, with the first one.",
    minimum=1,
)

# --- movies
MOVIE_ID = Field("movie_id", STRING, "Marquee's stable movie id: 'mq' and 12 hex digits; adding a source never changes it.")
TITLE = Field("title", STRING, "Title as displayed.")
ORIGINAL_TITLE = Field("original_title", STRING, "Title in the original language.")
TITLE_KEY = Field(
    "title_key", STRING, "Normalised title: NFKD without marks, casefolded, '&' as 'and', no punctuation, no leading article."
)
TITLE_KIND = Field("title_kind", STRING, "Role of a title.", values=TITLE_KINDS)
YEAR = Field("year", INT, "Year of first release.", minimum=FIRST_YEAR, maximum=LAST_YEAR)
RUNTIME_MINUTES = Field("runtime_minutes", INT, "Running time in minutes.", minimum=1, maximum=900)
KIND = Field("kind", STRING, "Form of the film.", values=KINDS)
LANGUAGE = Field("language", STRING, "Language as an ISO 639-1 code where known.")
REGION = Field("region", STRING, "Region of a title as an ISO 3166-1 code where known.")
COUNTRIES = Field("countries", STRINGS, "Production countries as the sources spell them.")
IS_ADULT = Field("is_adult", FLAG, "True when any source says so.")
IMDB_RATING = Field("imdb_rating", REAL, "Mean IMDb rating, 1 to 10; null when there are no votes.", minimum=0, maximum=10)
IMDB_VOTE_COUNT = Field("imdb_vote_count", LONG, "Number of IMDb votes.", minimum=0)
TMDB_RATING = Field("tmdb_rating", REAL, "Mean TMDB rating, 0 to 10; null when there are no votes.", minimum=0, maximum=10)
TMDB_VOTE_COUNT = Field("tmdb_vote_count", LONG, "Number of TMDB votes.", minimum=0)
POPULARITY_SCORE = Field("popularity_score", REAL, "log10(1 + IMDb votes + 10 * TMDB votes); at least 0, not bounded by 1.", minimum=0)
SOURCES = Field("sources", STRINGS, "Sources that contributed a record, sorted.")
TITLE_SOURCE = Field("title_source", STRING, "Source whose title survived.")
YEAR_SOURCE = Field("year_source", STRING, "A source that voted for the surviving year.")
RUNTIME_SOURCE = Field("runtime_source", STRING, "Source whose running time survived.")
LANGUAGE_SOURCE = Field("language_source", STRING, "Source whose original language survived.")
PLOT = Field("plot", STRING, "The surviving plot text; every text is in core_plots.")
PLOT_SOURCE = Field("plot_source", STRING, "Source of the surviving plot text; its licence hangs on it.")
GENRE = Field("genre", STRING, "Genre in the 29-term vocabulary.", values=GENRES)
KEYWORD = Field("keyword", STRING, "Keyword, or a source genre outside the vocabulary; lower case.")
PLOT_RANK = Field("plot_rank", INT, "1 for the surviving plot, then the others in order of preference.", minimum=1)
PLOT_TEXT = Field("text", STRING, "Plot text with HTML entities decoded and control characters removed.")
AUTHORITY = Field("authority", STRING, "Who issued the id.", values=AUTHORITIES)
AUTHORITY_ID = Field("authority_id", STRING, "The authority's id, normalised (IMDb: 'tt' and at least 7 digits).")
MERGE_REASON = Field("merge_reason", STRING, "Why this source record belongs to this movie.", values=MERGE_REASONS)
IMDB_ID = Field("imdb_id", STRING, "IMDb title id: 'tt' and at least 7 digits.")
TMDB_ID = Field("tmdb_id", LONG, "TMDB movie id.", minimum=1)
WIKIDATA_ID = Field("wikidata_id", STRING, "Wikidata item id: 'Q' and digits.")
MOVIELENS_ID = Field("movielens_id", LONG, "MovieLens movie id.", minimum=1)
OMDB_ORG_ID = Field("omdb_org_id", LONG, "omdb.org movie id.", minimum=1)
WIKIPEDIA_PAGE = Field("wikipedia_page", STRING, "English Wikipedia page name.")
RECORD_GENRES = Field("genres", STRINGS, "Genres as the source spells them.")
RECORD_KEYWORDS = Field("keywords", STRINGS, "Keywords as the source spells them.")
RECORD_LANGUAGES = Field("languages", STRINGS, "Original language first, as the source spells it.")
RECORD_TITLES = Field(
    "alternative_titles",
    pa.list_(pa.struct([("title", STRING), ("language", STRING), ("region", STRING)])),
    "Further titles of the record; language and region may be null.",
)
RECORD_PEOPLE = Field(
    "people",
    pa.list_(pa.struct([("name", STRING), ("role", STRING), ("position", INT), ("character", STRING), ("imdb_person_id", STRING)])),
    "Credits of the record: role is director, writer or actor; position counts from 1 in a role; name is null when only the id is known.",
)
RECORD_PLOTS = Field(
    "plots", pa.list_(pa.struct([("text", STRING), ("language", STRING)])), "Plot texts of the record as the source gives them."
)

# --- people
PERSON_ID = Field("person_id", STRING, "Marquee's person id: 'pp' and 12 hex digits.")
NAME = Field("name", STRING, "Name as displayed.")
NAME_KEY = Field("name_key", STRING, "Normalised name, by the rules of title_key without the article rule.")
IMDB_PERSON_ID = Field("imdb_person_id", STRING, "IMDb name id: 'nm' and at least 7 digits.")
ROLE = Field("role", STRING, "What the person did.", values=ROLES)
POSITION = Field("position", INT, "Billing order inside a role, from 1.", minimum=1)
CHARACTER = Field("character", STRING, "Character played.")

# --- dialogues
DATASET = Field("dataset", STRING, "Dialogue data set.", values=DATASETS)
SPLIT = Field("split", STRING, "Split as published; starter's is a hash of the dialogue id.", values=SPLITS)
DIALOGUE_ID = Field("dialogue_id", STRING, "'<dataset>:<the data set's own dialogue id>'.")
SEEKER_ID = Field("seeker_id", STRING, "Pseudonymous id of the seeker where the data set has one.")
OUTCOME = Field("outcome", STRING, "The data set's own label of how the dialogue ended, if any.")
TURN_COUNT = Field("turn_count", INT, "Number of turns.", minimum=0)
TURN_INDEX = Field("turn_index", INT, "0-based position of the turn in the dialogue.", minimum=0)
SPEAKER = Field("speaker", STRING, "Who speaks.", values=SPEAKERS)
TURN_TEXT = Field("text", STRING, "What was said, HTML entities decoded; may be empty.")
SOURCE_TURN_ID = Field("source_turn_id", STRING, "The data set's own id of the turn (ReDial: message ids joined by '+').")
MENTION_INDEX = Field("mention_index", INT, "0-based position of the mention in the turn.", minimum=0)
SOURCE_MOVIE_ID = Field("source_movie_id", STRING, "The data set's own id of the movie: ReDial id, 'Title (Year)', or an IMDb id.")
SURFACE = Field("surface", STRING, "The title as the data set gives it, without its year.")
MENTION_YEAR = Field("mention_year", INT, "Year given with the title, if any.")
SPAN_START = Field("span_start", INT, "0-based character offset of the mention in the turn's text, if known.", minimum=0)
SPAN_END = Field("span_end", INT, "Character offset one past the mention, if known.", minimum=0)
IS_RECOMMENDED = Field("is_recommended", FLAG, "The recommender proposes this movie; null when the data set does not say.")
IS_ACCEPTED = Field("is_accepted", FLAG, "The seeker accepted the proposal; null when the data set does not say.")
IS_LIKED = Field("is_liked", FLAG, "The seeker likes the movie; null when the data set does not say.")
EXAMPLE_ID = Field("example_id", STRING, "'<dialogue_id>#<turn_index>' of the recommender turn to predict.")
TARGET_INDEX = Field("target_index", INT, "0-based position of the target in its turn.", minimum=0)
TARGET_NAME = Field("target_name", STRING, "Name of the target as the evaluation protocol compares it (no year).")
IS_NEW = Field("is_new", FLAG, "The target's name was not mentioned earlier in the dialogue (He et al. 2023: 'recommendation').")

# --- links
LINKED_MOVIE_ID = Field("movie_id", STRING, "The movie linked to; null when the linker abstained.")
LINK_STATUS = Field("link_status", STRING, "Linked or abstained.", values=LINK_STATUSES)
LINK_RULE = Field("link_rule", STRING, "The rule that decided.", values=LINK_RULES)
LINK_SCORE = Field("link_score", REAL, "Probability that the best candidate is meant, 0 to 1.", minimum=0, maximum=1)
RUNNER_UP_MOVIE_ID = Field("runner_up_movie_id", STRING, "Second-best candidate, if any.")
RUNNER_UP_SCORE = Field("runner_up_score", REAL, "Probability of the second-best candidate.", minimum=0, maximum=1)
LINK_REASON = Field("link_reason", STRING, "Why the linker abstained; null when it linked.")
MENTION_COUNT = Field("mention_count", LONG, "Gold mentions that hang on the link.", minimum=0)
REVIEW_RANK = Field("review_rank", INT, "1 for the link to review first.", minimum=1)
BEST_MOVIE_ID = Field("best_movie_id", STRING, "The linked movie or, after an abstention, the best candidate, if any.")
MATTER_SCORE = Field(
    "matter_score", REAL, "Mentions expected to be wrong or unlinked: mention_count * (1 - link_score); not bounded by 1.", minimum=0
)
YEAR_GIVEN = Field("year_given", INT, "Year written beside the mention, if any.")
SLICE = Field("slice", STRING, "Kind of mention that is measured; 'all' for every kind.")
GOLD = Field("gold", STRING, "'published' (the data set's own marks) or 'judged' (what readers decided).", values=("published", "judged"))
WEIGHTS = Field("weights", STRING, "Run of the link weights that were used.")
IS_IN_USE = Field("is_in_use", FLAG, "These weights link the data sets; the others were just trained.")
LINKED_TEXTS = Field("dataset", STRING, "Dialogue data set, or 'planted' for titles misspelled on purpose.")
MEASURED = Field("value", REAL, "Share, rate per 1,000 words, or probability, as the metric's name says.", minimum=0)
COUNT = Field("count", LONG, "What the value was measured on: links, mentions, stretches or words.", minimum=0)
LINK_METRIC = Field("metric", STRING, "Name of the quantity.")
DECISION_LINE = Field("decision_line", LONG, "1-based line of the decisions file.", minimum=1)
DECIDED_MOVIE_ID = Field("movie_id", STRING, "The movie decided for; null: no movie of the corpus is meant.")
WHO = Field("who", STRING, "The person who decided.")
DECIDED_ON = Field("decided_on", STRING, "Date of the decision, YYYY-MM-DD.")
DECISION_STATUS = Field(
    "decision_status",
    STRING,
    "Applied; unchanged (the linker says so by itself now); title_gone (no data set names it so any more); film_gone (the movie is not "
    "in the corpus); for_texts (about a typed title: holds where raw text is linked).",
    values=DECISION_STATUSES,
)

# --- training and evaluation rows
HISTORY_MOVIE_IDS = Field("history_movie_ids", STRINGS, "Distinct linked movies mentioned before the turn, oldest first.")
TARGET_MOVIE_IDS = Field("target_movie_ids", STRINGS, "Linked movies the recommender names in the turn.")
SEQUENCE_MOVIE_IDS = Field("sequence_movie_ids", STRINGS, "Distinct linked movies of the dialogue in order of first mention.")
IS_TARGET = Field("is_target", pa.list_(FLAG), "Per position of the sequence: first named by the recommender.")
CONTEXT_TEXT = Field("context_text", STRING, "The turns before, one per line, 'seeker: ...' or 'recommender: ...'.")
MODEL = Field("model", STRING, "Name of the scored model.")
CANDIDATE_SET = Field("candidate_set", STRING, "What was ranked: 'dataset_items' or 'corpus'.")
RANK = Field("rank", LONG, "1-based rank of the target; null when it was not a candidate (counts as a miss).", minimum=1)
CONDITION = Field("condition", STRING, "'new', 'repeated' or 'all' targets (He et al. 2023: recommendation, discussion, all).")
METRIC = Field("metric", STRING, "recall, ndcg or mrr.")
K = Field("k", INT, "Cut-off of the metric.", minimum=1)
VALUE = Field("value", REAL, "Mean over (turn, target) pairs.", minimum=0, maximum=1)
CI_LOW = Field("ci_low", REAL, "Lower end of the 95 % bootstrap interval, dialogues resampled.", minimum=0, maximum=1)
CI_HIGH = Field("ci_high", REAL, "Upper end of the 95 % bootstrap interval, dialogues resampled.", minimum=0, maximum=1)
PAIR_COUNT = Field("pair_count", LONG, "Number of (turn, target) pairs.", minimum=0)

# --- language models in the loop (ReGeS)
FILM_POSITION = Field("candidate_rank", INT, "1-based position in the retriever's list.", minimum=1)
CANDIDATE_MOVIE_ID = Field("movie_id", STRING, "A film that the retriever offers for the turn.")
RETRIEVAL_SCORE = Field("retrieval_score", REAL, "The retriever's score; higher is better, comparable inside one turn only.")
TARGET_MOVIE_ID = Field("movie_id", STRING, "The true film of the pair.")
PSEUDO_QUERY = Field("pseudo_query", STRING, "The teacher's query, written with the true film in sight: only ever a training target.")
CONCEPT_COUNT = Field("concept_count", INT, "Concepts that dialogue and film share, of which the teacher made the query.", minimum=0)
QUERY_MODE = Field(
    "query_mode",
    STRING,
    "'raw' (the dialogue itself), 'direct' (the untuned language model, asked for a query) or 'expert' (the tuned one).",
    values=QUERY_MODES,
)
QUERY = Field("query", STRING, "Search query of the turn.")
IS_FALLBACK = Field("is_fallback", FLAG, "The language model wrote nothing of use and the dialogue itself was taken.")
ANSWER_MODEL = Field("model", STRING, "Which trained model answered.")
CANDIDATE_COUNT = Field("candidate_count", INT, "How many candidates were offered.", minimum=1)
IS_FORCED = Field("is_forced", FLAG, "The true film was put among the candidates where retrieval had missed it.")
IS_RETRIEVED = Field("is_retrieved", FLAG, "Retrieval itself offered the true film.")
ANSWER_RANK = Field(
    "answer_rank", INT, "1-based rank of the true film by likelihood among the candidates; null when it was not offered.", minimum=1
)
ANSWER = Field("answer", STRING, "What the language model wrote.")
DECODING = Field(
    "decoding",
    STRING,
    "'constrained' to the titles of the candidates or 'unconstrained'.",
    values=("constrained", "unconstrained"),
)
VOCABULARY = Field(
    "vocabulary",
    STRING,
    "Titles that an answer is looked for among: the turn's 'candidates' (or nearly: 'candidates_fuzzy'), the 'data_set', the 'corpus'.",
    values=("candidates", "candidates_fuzzy", "data_set", "corpus"),
)
QUALITY_METRIC = Field("metric", STRING, "Name of the quantity.")
QUALITY_VALUE = Field("value", REAL, "What was measured; the metric's name says what it is.")
QUALITY_LOW = Field("ci_low", REAL, "Lower end of the 95 % interval, dialogues resampled; null where none applies.")
QUALITY_HIGH = Field("ci_high", REAL, "Upper end of the 95 % interval, dialogues resampled; null where none applies.")
QUALITY_COUNT = Field("count", LONG, "What the value was measured on: pairs, queries or answers.", minimum=0)
ANSWERED_DATASET = Field("dataset", STRING, "Dialogue data set, or 'all' for all of them together.")
RETRIEVER = Field("retriever", STRING, "Which retriever searched.")

# --- the feedback loop (RAR)
LOOP_RETRIEVER = Field("retriever", STRING, "Retriever of the loop: 'rar', 'rar+dialogue' or 'dense'; the last two are extensions.")
SEED = Field("seed", INT, "Seed of the run.", minimum=0)
SET_INDEX = Field("set_index", INT, "0-based number of the candidate set among those drawn for the turn.", minimum=0)
CANDIDATE_MOVIE_IDS = Field("candidate_movie_ids", STRINGS, "The films of the set in the order in which they were drawn.")
RANKED_MOVIE_IDS = Field("ranked_movie_ids", STRINGS, "The ranker's list, best first; empty where it failed or was not asked.")
REWARD = Field("reward", REAL, "nDCG of the ranker's list against the turn's new targets.", minimum=0, maximum=1)
LOG_PROBABILITY = Field("log_probability", REAL, "Of the set under the retriever that drew it, in nats.", maximum=1e-3)
IS_ASKED = Field("is_asked", FLAG, "The ranker was asked; a set without a target needs no answer where it cannot leave its candidates.")
RANKER_FAILURE = Field("failure", STRING, "Why there is no list: '', 'nothing', 'nonsense', 'too_many' or 'unavailable'.")
RANKER = Field("ranker", STRING, "What ordered the candidates; 'retriever' for the retriever's own order.")
STAGE = Field(
    "stage",
    STRING,
    "'most_named' (no retrieval: the films that training dialogues name most), 'sft' (the supervised retriever) or 'rl' (after the loop).",
    values=("most_named", "sft", "rl"),
)
RETRIEVAL_RANK = Field("retrieval_rank", LONG, "1-based place of the target in the retriever's order, to 50; null below.", minimum=1)
FINAL_RANK = Field("rank", LONG, "1-based place of the target in the ranker's list; null when not there: a miss.", minimum=1)
SETTING = Field("setting", STRING, "What is varied and its value, as 'K=20' or 'objective=dpo'; or the group that is measured.")

# --- interactions and click prediction (RALLRec)
INTERACTION_DATASET = Field("dataset", STRING, "Data set of interactions.", values=INTERACTION_DATASETS)
USER_ID = Field("user_id", STRING, "The data set's own id of the user.")
ITEM_ID = Field("item_id", STRING, "The data set's own id of the item: MovieLens movie id, ISBN, ASIN or film of the starter catalogue.")
HISTORY_POSITION = Field(
    "history_position", INT, "0-based place among the user's interactions, in the order of time where it is known.", minimum=0
)
IS_ITEM_LIKED = Field("is_liked", FLAG, "The user likes the item: more than 3 of 5 stars, or 5 or more of 10 for books.")
RATING = Field("rating", REAL, "Rating on the data set's own scale; null where only liking is known.", minimum=0, maximum=10)
INTERACTED_AT = Field("interacted_at", LONG, "Unix time in seconds; null where the data set tells no time.", minimum=0)
ITEM_TITLE = Field("title", STRING, "Title as the data set gives it, without the year.")
CREATORS = Field("creators", STRINGS, "Authors or directors as the data set gives them.")
ITEM_GENRES = Field("item_genres", STRINGS, "Genres or categories as the data set spells them.")
PUBLISHER = Field("publisher", STRING, "Publisher or brand.")
ITEM_MOVIE_ID = Field("movie_id", STRING, "The film of the corpus by the crosswalk; null where the crosswalk has none, and for books.")
GENDER = Field("gender", STRING, "Gender as the data set gives it.")
AGE = Field("age", STRING, "Age or age group as the data set gives it.")
OCCUPATION = Field("occupation", STRING, "Occupation in words.")
LOCATION = Field("location", STRING, "Place as the data set gives it.")
ROW_INDEX = Field("row_index", LONG, "0-based place of the row in the data set's order, by which the splits are cut.", minimum=0)
IS_CLICKED = Field("is_liked", FLAG, "The label: the user likes the target.")
CLICK_MODEL = Field("model", STRING, "Which model predicted.")
PROBABILITY = Field("probability", REAL, "Predicted probability that the user likes the target.", minimum=0, maximum=1)
