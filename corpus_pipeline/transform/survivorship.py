"""Which source's value survives, as data: priority lists per field, sources that may not vote, plot tiers.

Only declarations live here; the SQL that obeys them is in `movies`, `people` and `plots`. A source that a list does not
name comes after the named ones, in the order of the source registry, so a new source works before anyone ranks it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

_IMDB = ("imdb_official", "imdb_basics_2000_2024", "imdb_basics_2010_2019", "imdb_raedaddala")
_TMDB = ("tmdb_jirving", "tmdb_jedi", "tmdb_jphmf_2015", "tmdb_flatiron")
_OMDB = ("omdb_official", "omdb_org")
_SVOD = ("svod_netflix", "svod_amazon", "svod_disney")
_NAMED_CREDITS = ("imdb_raedaddala", "tmdb_jedi", "timdb_bollywood")
_CREW_IDS = ("imdb_basics_2000_2024", "imdb_basics_2010_2019")
UNRANKED = 1_000  # added to the registry number of a source that a list does not name


@dataclass(frozen=True, slots=True)
class SurvivorshipRules:
    """Best source first in every list. The defaults are the measured recommendation for the standard archives.

    `language` and `countries` prefer sources that state the *original* language and full country lists.
    `year_not_voting`: their year is the catalogue's, so it can find a film but never counts in the majority; it stands only
    where no other source gives a year (where others do, it is within one year of theirs for 99 % of Netflix's and Disney's
    films and 95 % of Amazon's).
    `english_alias`: their title is in the original language; the film is displayed under its English alternative title.
    `director_ids_named_by`: sources whose director names may be paired with person ids given without names.
    `plot_after`: sources whose plots come after everyone else's English ones, first of them first.
    """

    title: tuple[str, ...] = (
        *_IMDB, *_TMDB, "timdb_bollywood", "movielens_official", "movielens_25m", "wikipedia_prust", *_SVOD, "imdb_india",
        "imdb_ggplot2movies", *_OMDB,
    )  # fmt: skip
    original_title: tuple[str, ...] = (*_IMDB, *_TMDB, *_OMDB)
    year: tuple[str, ...] = (*_IMDB, *_TMDB)
    runtime_minutes: tuple[str, ...] = (*_IMDB, *_TMDB, "imdb_ggplot2movies", *_SVOD, *_OMDB)
    language: tuple[str, ...] = (*_TMDB, *_IMDB, *_OMDB)
    countries: tuple[str, ...] = (*_TMDB, *_IMDB, *_OMDB, *_SVOD)
    director: tuple[str, ...] = ("imdb_official", *_NAMED_CREDITS, *_CREW_IDS, "imdb_india", *_SVOD)
    writer: tuple[str, ...] = ("imdb_official", *_NAMED_CREDITS, *_CREW_IDS)
    actor: tuple[str, ...] = (
        "imdb_official", "imdb_raedaddala", "tmdb_jedi", "wikipedia_prust", "timdb_bollywood", *_SVOD, "imdb_india",
    )  # fmt: skip
    plot: tuple[str, ...] = (*_TMDB, *_IMDB, "timdb_bollywood", *_SVOD)
    year_not_voting: tuple[str, ...] = _SVOD
    english_alias: tuple[str, ...] = _OMDB
    director_ids_named_by: tuple[str, ...] = ("imdb_raedaddala", "tmdb_jedi")
    plot_after: tuple[str, ...] = ("wikipedia_prust", *_OMDB)
    actors_per_movie: int = 15
    plot_length_cap: int = 1_500  # beyond it a longer text is not a better one
    plot_good_length: int = 80  # shorter texts of the first tier come after the longer ones
    plot_least_length: int = 20  # shorter texts say nothing
    name_majority: float = 2 / 3  # share of films that must agree before a person id is given a name


def source_table(source_ranks: Mapping[str, int], rules: SurvivorshipRules) -> pa.Table:
    """One row per source: its number in processing order, its priority per field (`<field>_rank`), its flags."""
    ordered = sorted(source_ranks, key=lambda source: (source_ranks[source], source))
    preferences = {
        "title": rules.title, "original_title": rules.original_title, "year": rules.year, "runtime_minutes": rules.runtime_minutes,
        "language": rules.language, "countries": rules.countries, "director": rules.director, "writer": rules.writer,
        "actor": rules.actor, "plot": rules.plot,
    }  # fmt: skip
    columns: dict[str, list[object]] = {"source": list(ordered), "source_number": list(range(1, len(ordered) + 1))}
    for name, preferred in preferences.items():
        columns[f"{name}_rank"] = [_priority(source, number, preferred) for number, source in enumerate(ordered)]
    columns["votes_year"] = [source not in rules.year_not_voting for source in ordered]
    columns["has_english_alias"] = [source in rules.english_alias for source in ordered]
    columns["names_directors"] = [source in rules.director_ids_named_by for source in ordered]
    columns["plot_tier"] = [1 + rules.plot_after.index(source) if source in rules.plot_after else 0 for source in ordered]
    return pa.table(columns)


def _priority(source: str, number: int, preferred: tuple[str, ...]) -> int:
    return preferred.index(source) if source in preferred else UNRANKED + number
