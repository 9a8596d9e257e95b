"""Survivorship: one literal case per rule, through the public function."""

import math

import pytest

from corpus_pipeline.errors import ConfigError, ContractError
from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import MOVIE_RECORDS, named
from corpus_pipeline.transform.movies import build_movies
from corpus_pipeline.transform.survivorship import SurvivorshipRules, source_table

REAL_RANKS = {
    source: number
    for number, source in enumerate(
        (
            "imdb_basics_2000_2024", "imdb_basics_2010_2019", "imdb_raedaddala", "tmdb_jirving", "tmdb_jedi", "movielens_25m",
            "timdb_bollywood",
            "tmdb_flatiron", "wikipedia_prust", "imdb_ggplot2movies", "svod_netflix", "svod_amazon", "omdb_org",
        )
    )
}  # fmt: skip


@pytest.fixture
def film(record, build):
    """film((source, columns), ...): the core tables of one film told by these sources."""

    def tell(*tellings):
        rows = []
        for source, columns in tellings:
            told = {"title": "Alpha", "year": 2000, "imdb_id": "tt0000001"} | columns
            rows.append(record(source, source, told.pop("title"), told.pop("year"), **told))
        return build(rows, source_ranks=REAL_RANKS)

    return tell


def _movie(tables):
    (row,) = tables["core_movies"].to_pylist()
    return row


def test_titles_follow_the_declared_order_and_all_spellings_stay(film) -> None:
    tables = film(
        ("tmdb_jirving", {"title": "Alpha!", "original_title": "Alfa"}),
        ("imdb_raedaddala", {"title": "Alpha"}),
        ("movielens_25m", {"title": "Alpha, or Beta", "aliases": ["Alfa"]}),
    )
    movie = _movie(tables)
    assert (movie["title"], movie["title_source"], movie["original_title"]) == ("Alpha", "imdb_raedaddala", "Alfa")
    assert [(row["title"], row["title_key"], row["title_kind"], row["source"]) for row in tables["core_titles"].to_pylist()] == [
        ("Alfa", "alfa", "original", "tmdb_jirving"),
        ("Alpha", "alpha", "primary", "imdb_raedaddala"),
        ("Alpha!", "alpha", "alternative", "tmdb_jirving"),
        ("Alpha, or Beta", "alpha or beta", "alternative", "movielens_25m"),
    ]


def test_omdb_org_is_displayed_under_its_english_alias(film) -> None:
    aliases = [{"title": "Rot", "language": "de", "region": None}, {"title": "Red", "language": "en", "region": "us"}]
    tables = film(("omdb_org", {"title": "Rouge", "alternative_titles": aliases}))
    assert _movie(tables)["title"] == "Red"
    kinds = {row["title"]: (row["title_kind"], row["language"], row["region"]) for row in tables["core_titles"].to_pylist()}
    assert kinds == {"Red": ("primary", "en", "US"), "Rot": ("alternative", "de", None), "Rouge": ("alternative", None, None)}


def test_titles_are_cleaned(film) -> None:
    assert _movie(film(("tmdb_jirving", {"title": " Tom &amp; Ann\x00 "})))["title"] == "Tom & Ann"


@pytest.mark.parametrize(
    ("years", "expected"),
    [
        ({"imdb_raedaddala": 2000, "tmdb_jirving": 2001, "movielens_25m": 2001}, (2001, "tmdb_jirving")),
        ({"tmdb_jirving": 2001, "movielens_25m": 2000}, (2000, "movielens_25m")),
        ({"imdb_raedaddala": 2000, "svod_netflix": 2001}, (2000, "imdb_raedaddala")),
        ({"imdb_raedaddala": 1869, "movielens_25m": 2036, "tmdb_jirving": 1990}, (1990, "tmdb_jirving")),
        ({"imdb_raedaddala": 2000, "svod_netflix": 2001, "svod_amazon": 2001}, (2000, "imdb_raedaddala")),
        ({"imdb_raedaddala": None, "svod_netflix": 2001}, (2001, "svod_netflix")),
        ({"imdb_raedaddala": None}, (None, None)),
    ],
)
def test_years_are_voted(film, years, expected) -> None:
    movie = _movie(film(*((source, {"year": year}) for source, year in years.items())))
    assert (movie["year"], movie["year_source"]) == expected


def test_out_of_range_values_are_reported(film) -> None:
    tables = film(("imdb_raedaddala", {"year": 2115, "runtime_minutes": 51_420}))
    assert [(row["reason"], row["raw_text"]) for row in tables["core_movies__rejected"].to_pylist()] == [
        ("dropped_runtime_out_of_range", "51420"),
        ("dropped_year_out_of_range", "2115"),
    ]


def test_an_impossible_running_time_falls_back(film) -> None:
    tellings = (("imdb_basics_2010_2019", 901), ("omdb_org", 80), ("imdb_ggplot2movies", 90))
    movie = _movie(film(*((source, {"runtime_minutes": minutes}) for source, minutes in tellings)))
    assert (movie["runtime_minutes"], movie["runtime_source"]) == (90, "imdb_ggplot2movies")
    assert _movie(film(("imdb_basics_2010_2019", {"runtime_minutes": 901})))["runtime_minutes"] is None


def test_genres_unite_and_unknown_terms_become_keywords(film) -> None:
    tables = film(
        ("imdb_raedaddala", {"genres": ["Comedy", "Sci-Fi", "(no genres listed)"]}),
        ("omdb_org", {"genres": ["Komödie", "Mysterie", "Heimatfilm"], "keywords": ["Moon Landing", " moon landing "]}),
        ("svod_netflix", {"genres": ["Action & Adventure"]}),
    )
    assert tables["core_genres"]["genre"].to_pylist() == ["Action", "Adventure", "Comedy", "Mystery", "Sci-Fi"]
    assert tables["core_keywords"]["keyword"].to_pylist() == ["heimatfilm", "moon landing"]


def test_ratings_stay_apart_and_zero_votes_are_no_rating(film) -> None:
    movie = _movie(
        film(
            ("imdb_basics_2010_2019", {"imdb_rating": 6.0, "imdb_vote_count": 90}),
            ("imdb_raedaddala", {"imdb_rating": 6.5, "imdb_vote_count": 99}),
            ("tmdb_jirving", {"tmdb_rating": 9.0, "tmdb_vote_count": 0}),
        )
    )
    assert (movie["imdb_rating"], movie["imdb_vote_count"], movie["tmdb_rating"], movie["tmdb_vote_count"]) == (6.5, 99, None, 0)
    assert movie["popularity_score"] == pytest.approx(math.log10(100))


def test_any_source_makes_a_film_adult(film) -> None:
    assert _movie(film(("imdb_raedaddala", {"is_adult": False}), ("tmdb_jirving", {"is_adult": True})))["is_adult"] is True
    assert _movie(film(("imdb_raedaddala", {})))["is_adult"] is False


@pytest.mark.parametrize(
    ("languages", "code"),
    [(["cn"], "zh"), (["xx"], None), (["xx", "French"], "fr"), (["English", "de"], "en"), (["Klingon"], None), ([], None), (["EN"], "en")],
)
def test_languages_are_iso_codes(film, languages, code) -> None:
    movie = _movie(film(("tmdb_jirving", {"languages": languages})))
    assert (movie["language"], movie["language_source"]) == (code, "tmdb_jirving" if code else None)


def test_countries_and_kind_come_whole_from_one_source(film) -> None:
    movie = _movie(film(("imdb_raedaddala", {"countries": ["USA"], "kind": "video"}), ("tmdb_jirving", {"countries": ["France", "Chad"]})))
    assert (movie["countries"], movie["kind"]) == (["France", "Chad"], "video")
    assert _movie(film(("tmdb_jirving", {"countries": []})))["kind"] == "movie"


def test_sources_and_ids_are_all_kept(film) -> None:
    tables = film(
        ("tmdb_jirving", {"tmdb_id": 5}),
        ("movielens_25m", {"tmdb_id": 6, "movielens_id": 3}),
        ("wikipedia_prust", {"wikipedia_page": "Alpha"}),
    )
    assert _movie(tables)["sources"] == ["movielens_25m", "tmdb_jirving", "wikipedia_prust"]
    assert [(row["authority"], row["authority_id"], row["source"]) for row in tables["core_movie_ids"].to_pylist()] == [
        ("imdb", "tt0000001", "tmdb_jirving"),
        ("movielens", "3", "movielens_25m"),
        ("tmdb", "5", "tmdb_jirving"),
        ("tmdb", "6", "movielens_25m"),
        ("wikipedia", "Alpha", "wikipedia_prust"),
    ]


def test_every_record_is_merged_or_rejected(record, build) -> None:
    tables = build([record("first", "a", "Alpha"), record("first", "b", " \x00"), record("second", "c", "...")])
    assert tables["core_movie_merges"]["record_id"].to_pylist() == ["a", "c"]
    (reject,) = tables["core_movies__rejected"].to_pylist()
    assert (reject["source"], reject["reason"], reject["raw_text"]) == ("first", "unusable_title", " \x00")


def test_tables_conform_and_references_hold(film) -> None:
    tables = film(("imdb_raedaddala", {"directors": ["Ann One"], "plots": [{"text": "A text that is long enough.", "language": None}]}))
    for name, rows in tables.items():
        assert rows.schema.equals(arrow_schema(named(name)), check_metadata=True)
        assert (
            rows.num_rows == 0 or "movie_id" not in rows.column_names or set(rows["movie_id"].to_pylist()) == {_movie(tables)["movie_id"]}
        )
    assert tables["core_credits"]["person_id"].to_pylist() == tables["core_people"]["person_id"].to_pylist()


def test_no_records_give_empty_tables(as_records) -> None:
    assert all(rows.num_rows == 0 for rows in dict(build_movies(as_records([]), source_ranks={"first": 1})).values())


def test_bad_input_is_named(record, as_records) -> None:
    rows = as_records([record("first", "a", "Alpha"), record("first", "a", "Beta")])
    with pytest.raises(ContractError, match="'first', 'a'"):
        dict(build_movies(rows, source_ranks={"first": 1}))
    with pytest.raises(ConfigError, match="first"):
        dict(build_movies(rows, source_ranks={"other": 1}))
    with pytest.raises(ContractError, match=MOVIE_RECORDS.name):
        dict(build_movies(rows.drop_columns(["title"]), source_ranks={"first": 1}))


def test_unlisted_sources_follow_the_listed_ones_in_registry_order() -> None:
    ranked = source_table({"new": 1, "omdb_org": 3, "newer": 2}, SurvivorshipRules(title=("omdb_org",))).to_pylist()
    assert [(row["source"], row["source_number"]) for row in ranked] == [("new", 1), ("newer", 2), ("omdb_org", 3)]
    assert sorted(ranked, key=lambda row: row["title_rank"])[0]["source"] == "omdb_org"
    assert ranked[0]["title_rank"] < ranked[1]["title_rank"]
