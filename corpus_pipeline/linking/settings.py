"""Every threshold of the linker, in one frozen object. No decision is made here."""

from dataclasses import dataclass, fields

from corpus_pipeline.errors import ConfigError


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """What the linker believes, all of it between 0 and 1 unless its name says otherwise.

    A candidate's score is title similarity * year agreement * popularity prior. The values were set by reading the errors
    on the 4,067 titles of ReDial's train dialogues, weighted by mentions; no title was looked at that only test dialogues name.

    Titles. `respelled_similarity`: equal up to article, numerals, abbreviations. `alternative_similarity`: factor for a
    title in another language or market. `subtitle_similarity`: the data set leaves out a subtitle ('Kill Bill');
    `extra_subtitle_similarity`: it gives one that the catalogue lacks, believed only when the year agrees.
    `later_part_factor`: an undated series name means the first of its comparably popular films; the others get this factor.

    Years. Agreement is 1 for the same year, then `near_year`, `far_year` up to `far_year_gap` years apart, `other_year`
    beyond, `unknown_year` when a side has none. 0.92 lets a film of the next year win only with some 20 times the votes.

    Prior. 1 for `full_prior_popularity` (log10 votes) or more, down to 1 - `prior_weight` for a film nobody voted on.

    Decision. A candidate below the floor of its kind, or less than `margin` above the runner-up, is not linked.
    `latest_years`: no film after it can be meant, since the dialogues were collected before (one year of grace).

    Blocking. A query's `block_gram_count` rarest trigrams, none in more than `block_gram_cap` titles of like length, propose titles;
    the `block_limit` sharing the most are compared. Of 779 catalogue titles misspelled by one letter these blocks propose
    the film of 91 % (ten grams and twice the limit: also 91 %, at twice the cost); the rest are mostly too short. Keys
    shorter than `fuzzy_shortest_key` are never matched fuzzily.
    """

    respelled_similarity: float = 0.98
    alternative_similarity: float = 0.90
    subtitle_similarity: float = 0.88
    extra_subtitle_similarity: float = 0.75
    later_part_factor: float = 0.96
    near_year: float = 0.92
    far_year: float = 0.80
    far_year_gap: int = 3
    other_year: float = 0.40
    unknown_year: float = 0.90
    prior_weight: float = 0.40
    full_prior_popularity: float = 7.0
    exact_floor: float = 0.45
    exact_far_year_floor: float = 0.72
    inexact_floor: float = 0.71
    fuzzy_floor: float = 0.60
    margin: float = 0.01
    latest_years: tuple[tuple[str, int], ...] = (("redial", 2019), ("inspired", 2021), ("reddit_movie", 2023))
    fuzzy_similarity_floor: float = 0.86
    fuzzy_shortest_key: int = 6
    block_gram_count: int = 6
    block_gram_cap: int = 20_000
    block_limit: int = 100

    def __post_init__(self) -> None:
        """ConfigError that lists every value out of range."""
        wrong = [f"{f.name} = {getattr(self, f.name)!r}" for f in fields(self) if not _fits(f.name, getattr(self, f.name))]
        if wrong:
            raise ConfigError(f"link settings: {', '.join(wrong)}; factors and floors lie in 0 to 1, counts and lengths are at least 1")


def _fits(name: str, value: object) -> bool:
    if name == "latest_years":
        return True
    if not isinstance(value, int | float):
        return False
    return value > 0 if name.endswith(("_popularity", "_gap", "_key", "_count", "_cap", "_limit")) else 0 <= value <= 1
