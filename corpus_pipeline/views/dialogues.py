"""Views about dialogues, mentions and links."""

from corpus_pipeline.views.view import View

_ID = "Marquee's stable movie id."
_COUNTS = {
    "mention_count": "Gold mentions.",
    "dialogue_count": "Distinct dialogues with such a mention.",
    "recommended_count": "Mentions in which the recommender proposes the film.",
    "accepted_count": "Mentions whose proposal the seeker accepted.",
    "liked_count": "Mentions of a film the seeker likes.",
    "disliked_count": "Mentions of a film the seeker says not to like.",
}

DIALOGUE_TRANSCRIPTS = View(
    "dialogue_transcripts",
    "Each dialogue as one readable text with the films it names.",
    {
        "dialogue_id": "Dialogue.",
        "dataset": "Data set.",
        "split": "Split.",
        "outcome": "The data set's label of how the dialogue ended.",
        "turn_count": "Number of turns.",
        "transcript": "One line per turn: 'seeker: ...' or 'recommender: ...'.",
        "titles": "Linked films in order of first mention.",
    },
    """
    SELECT dialogue_id, dataset, split, outcome, turn_count,
        (
            SELECT string_agg(speaker || ': ' || text, chr(10) ORDER BY turn_index)
            FROM core_dialogue_turns AS turns WHERE turns.dialogue_id = dialogues.dialogue_id
        ) AS transcript,
        (
            SELECT list(title ORDER BY first_turn, first_mention, movie_id)
            FROM (
                SELECT movie_id, title, min(turn_index) AS first_turn, arg_min(mention_index, turn_index) AS first_mention
                FROM link_mentions AS mentions JOIN core_movies USING (movie_id)
                WHERE mentions.dialogue_id = dialogues.dialogue_id
                GROUP BY movie_id, title
            )
        ) AS titles
    FROM core_dialogues AS dialogues
    """,
)

LINKED_MENTIONS = View(
    "linked_mentions",
    "Every gold mention with its turn, its labels and the film it was linked to, if any.",
    {
        "dialogue_id": "Dialogue.",
        "turn_index": "0-based turn.",
        "mention_index": "0-based mention in the turn.",
        "dataset": "Data set.",
        "split": "Split.",
        "speaker": "Who names the film.",
        "text": "What was said.",
        "source_movie_id": "The data set's id of the film.",
        "surface": "The title as the data set gives it.",
        "mention_year": "Year given with it.",
        "is_recommended": "The recommender proposes it.",
        "is_accepted": "The seeker accepted.",
        "is_liked": "The seeker likes it.",
        "movie_id": "The linked film; null when the linker abstained.",
        "title": "Its title.",
        "year": "Its year.",
        "link_rule": "The rule that decided.",
        "link_score": "Score of the best candidate.",
        "link_reason": "Why the linker abstained.",
    },
    """
    SELECT
        dialogue_id, turn_index, mention_index, mentions.dataset, split, speaker, text, mentions.source_movie_id, surface, mention_year,
        is_recommended, is_accepted, is_liked, links.movie_id, title, year, link_rule, link_score, link_reason
    FROM core_mentions AS mentions
    JOIN core_dialogues AS dialogues USING (dialogue_id)
    JOIN core_dialogue_turns USING (dialogue_id, turn_index)
    JOIN core_dialogue_movies AS named ON named.dataset = mentions.dataset AND named.source_movie_id = mentions.source_movie_id
    JOIN link_mentions AS links USING (dialogue_id, turn_index, mention_index)
    LEFT JOIN core_movies AS movies ON movies.movie_id = links.movie_id
    """,
)

MENTION_STATISTICS = View(
    "mention_statistics",
    "How often each linked film is mentioned, by data set and split.",
    {"movie_id": _ID, "title": "Title.", "year": "Year.", "dataset": "Data set.", "split": "Split."} | _COUNTS,
    """
    SELECT
        movie_id, title, year, dataset, split,
        count(*) AS mention_count, count(DISTINCT dialogue_id) AS dialogue_count,
        count(*) FILTER (is_recommended) AS recommended_count, count(*) FILTER (is_accepted) AS accepted_count,
        count(*) FILTER (is_liked) AS liked_count, count(*) FILTER (NOT is_liked) AS disliked_count
    FROM core_mentions AS mentions
    JOIN core_dialogues USING (dialogue_id, dataset)
    JOIN (SELECT dialogue_id, turn_index, mention_index, movie_id FROM link_mentions) USING (dialogue_id, turn_index, mention_index)
    JOIN core_movies USING (movie_id)
    GROUP BY movie_id, title, year, dataset, split
    """,
)

CO_MENTION_PAIRS = View(
    "co_mention_pairs",
    "Pairs of films named in the same dialogue, each pair once, by data set and split.",
    {
        "dataset": "Data set.",
        "split": "Split.",
        "movie_id": "The film with the smaller id.",
        "title": "Its title.",
        "other_movie_id": "The film with the larger id.",
        "other_title": "Its title.",
        "dialogue_count": "Dialogues that name both.",
        "lift_ratio": "dialogue_count over the count expected if the two were named independently; above 1: together more often.",
    },
    """
    WITH named AS (
        SELECT DISTINCT dataset, split, dialogue_id, movie_id
        FROM link_mentions JOIN core_dialogues USING (dialogue_id, dataset)
        WHERE movie_id IS NOT NULL
    ), singles AS (
        SELECT dataset, split, movie_id, count(*) AS dialogues FROM named GROUP BY dataset, split, movie_id
    ), totals AS (
        SELECT dataset, split, count(*) AS dialogues FROM core_dialogues GROUP BY dataset, split
    ), pairs AS (
        SELECT dataset, split, one.movie_id, other.movie_id AS other_movie_id, count(*) AS dialogue_count
        FROM named AS one
        JOIN named AS other USING (dataset, split, dialogue_id)
        WHERE one.movie_id < other.movie_id
        GROUP BY dataset, split, one.movie_id, other_movie_id
    )
    SELECT
        pairs.dataset, pairs.split, pairs.movie_id, one.title, other_movie_id, other.title AS other_title, dialogue_count,
        dialogue_count * totals.dialogues / (first_single.dialogues * second_single.dialogues) AS lift_ratio
    FROM pairs
    JOIN totals USING (dataset, split)
    JOIN singles AS first_single
        ON (first_single.dataset, first_single.split, first_single.movie_id) = (pairs.dataset, pairs.split, pairs.movie_id)
    JOIN singles AS second_single
        ON (second_single.dataset, second_single.split, second_single.movie_id) = (pairs.dataset, pairs.split, other_movie_id)
    JOIN core_movies AS one ON one.movie_id = pairs.movie_id
    JOIN core_movies AS other ON other.movie_id = other_movie_id
    """,
)

REVIEW_QUEUE = View(
    "review_queue",
    "Links that a person should look at, those that matter most first, with the films in question.",
    {
        "review_rank": "1 for the link to review first.",
        "dataset": "Data set.",
        "source_movie_id": "The data set's id of the film.",
        "surface": "The title as the data set gives it.",
        "mention_year": "Year given with it.",
        "mention_count": "Gold mentions that hang on this decision.",
        "matter_score": "Mentions expected to be wrong or unlinked: mention_count * (1 - link_score).",
        "link_status": "linked or abstained.",
        "link_score": "Probability of the best candidate.",
        "best_movie_id": "The best candidate: the linked film or, after an abstention, the one its reason names.",
        "best_title": "Its title.",
        "best_year": "Its year.",
        "runner_up_movie_id": "The second-best candidate.",
        "runner_up_title": "Its title.",
        "runner_up_year": "Its year.",
        "runner_up_score": "Its probability.",
        "link_reason": "Why the linker abstained.",
    },
    """
    SELECT review_rank, dataset, source_movie_id, surface, mention_year, mention_count, matter_score, link_status, link_score,
        best_movie_id, best.title AS best_title, best.year AS best_year,
        runner_up_movie_id, runner_up.title AS runner_up_title, runner_up.year AS runner_up_year, runner_up_score, link_reason
    FROM link_review_queue
    LEFT JOIN core_movies AS best ON best.movie_id = best_movie_id
    LEFT JOIN core_movies AS runner_up ON runner_up.movie_id = runner_up_movie_id
    ORDER BY review_rank
    """,
)

UNLINKED_MENTIONS = View(
    "unlinked_mentions",
    "Gold mentions without a film in the corpus, with what was said and why the linker abstained.",
    {
        "dialogue_id": "Dialogue.",
        "turn_index": "0-based turn.",
        "mention_index": "0-based mention in the turn.",
        "dataset": "Data set.",
        "split": "Split.",
        "surface": "The title as the data set gives it.",
        "mention_year": "Year given with it.",
        "link_reason": "Why the linker abstained.",
        "text": "What was said.",
    },
    """
    SELECT dialogue_id, turn_index, mention_index, dataset, split, surface, mention_year, link_reason, text
    FROM linked_mentions
    WHERE movie_id IS NULL
    """,
)

DATASET_STATISTICS = View(
    "dataset_statistics",
    "Size and linkage of each data set and split.",
    {
        "dataset": "Data set.",
        "split": "Split.",
        "dialogue_count": "Dialogues.",
        "turn_count": "Turns.",
        "mention_count": "Gold mentions.",
        "linked_share": "Share of the mentions linked to a film.",
        "movie_count": "Distinct linked films.",
        "example_count": "Recommendation turns (examples of the recommendation task).",
    },
    """
    WITH sized AS (
        SELECT dataset, split, count(*) AS dialogue_count, sum(turn_count)::BIGINT AS turn_count
        FROM core_dialogues GROUP BY dataset, split
    ), mentioned AS (
        SELECT links.dataset, split, count(*) AS mention_count, avg((movie_id IS NOT NULL)::INTEGER) AS linked_share,
            count(DISTINCT movie_id) AS movie_count
        FROM link_mentions AS links JOIN core_dialogues USING (dialogue_id)
        GROUP BY links.dataset, split
    ), examples AS (
        SELECT dataset, split, count(*) AS example_count FROM core_recommendation_turns GROUP BY dataset, split
    )
    SELECT dataset, split, dialogue_count, turn_count, coalesce(mention_count, 0) AS mention_count, linked_share,
        coalesce(movie_count, 0) AS movie_count, coalesce(example_count, 0) AS example_count
    FROM sized
    LEFT JOIN mentioned USING (dataset, split)
    LEFT JOIN examples USING (dataset, split)
    """,
)

LINK_RULE_STATISTICS = View(
    "link_rule_statistics",
    "How many titles and mentions each linking rule decided, by data set; abstentions are split by reason code.",
    {
        "dataset": "Data set.",
        "link_rule": "The rule.",
        "reason_code": "First part of the abstention's reason; null for links.",
        "title_count": "Titles of the data set.",
        "mention_count": "Their gold mentions.",
        "mean_link_score": "Mean score of the best candidates, each title weighing one.",
    },
    """
    WITH weighed AS (
        SELECT dataset, source_movie_id, count(*) AS mentions FROM core_mentions GROUP BY dataset, source_movie_id
    )
    SELECT dataset, link_rule, nullif(split_part(link_reason, ':', 1), '') AS reason_code, count(*) AS title_count,
        coalesce(sum(mentions), 0)::BIGINT AS mention_count, avg(link_score) AS mean_link_score
    FROM link_dialogue_movies
    LEFT JOIN weighed USING (dataset, source_movie_id)
    GROUP BY dataset, link_rule, reason_code
    """,
)

RECOMMENDATION_EXAMPLES = View(
    "recommendation_examples",
    "The recommendation task as people read it: the dialogue so far and the films to be predicted.",
    {
        "example_id": "Example.",
        "dataset": "Data set.",
        "split": "Split.",
        "context_text": "The turns before.",
        "target_names": "Films to be predicted, as the protocol compares them.",
        "target_movie_ids": "The same as linked films; null inside the list where the linker abstained.",
        "new_target_count": "Targets not named earlier in the dialogue.",
    },
    """
    SELECT example_id, dataset, split, context_text,
        list(target_name ORDER BY target_index) AS target_names,
        list(movie_id ORDER BY target_index) AS target_movie_ids,
        count(*) FILTER (is_new) AS new_target_count
    FROM core_recommendation_turns
    JOIN core_recommendation_targets USING (example_id, dataset)
    LEFT JOIN link_dialogue_movies USING (dataset, source_movie_id)
    GROUP BY example_id, dataset, split, context_text
    """,
)

DIALOGUE_VIEWS = (
    DIALOGUE_TRANSCRIPTS,
    LINKED_MENTIONS,
    UNLINKED_MENTIONS,
    MENTION_STATISTICS,
    CO_MENTION_PAIRS,
    REVIEW_QUEUE,
    LINK_RULE_STATISTICS,
    DATASET_STATISTICS,
    RECOMMENDATION_EXAMPLES,
)
