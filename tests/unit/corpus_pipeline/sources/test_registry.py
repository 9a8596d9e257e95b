"""The source registry: stable ranks, pinned files, a reader for every film source, errors that name the nearest key."""

import hashlib
from pathlib import Path

import pytest

from corpus_pipeline.schema.fields import INTERACTION_DATASETS
from corpus_pipeline.sources.readers import MOVIE_READERS, read_dialogues, read_interactions
from corpus_pipeline.sources.registry import (
    INTERACTION_SOURCES,
    MOVIE_SOURCES,
    SHIPPED,
    SOURCES,
    Source,
    SourceFile,
    source_named,
)

RANKS = (
    "imdb_basics_2000_2024", "tmdb_jirving", "imdb_basics_2010_2019", "movielens_25m", "imdb_raedaddala", "tmdb_jedi", "tmdb_flatiron",
    "tmdb_jphmf_2015", "omdb_org", "timdb_bollywood", "wikipedia_prust", "imdb_ggplot2movies", "imdb_india", "svod_netflix", "svod_amazon",
    "svod_disney", "imdb_official", "movielens_official", "omdb_official",
)  # fmt: skip

GIVEN_BY_THE_USER = ("amazon_movies",)  # the publisher gives no address before a form is filled in


def test_ranks_never_change() -> None:
    assert {source.key: source.rank for source in MOVIE_SOURCES} == {key: i for i, key in enumerate(RANKS, 1)} | {"starter": 100}


def test_every_film_source_has_a_reader_and_no_reader_is_left_over() -> None:
    assert list(MOVIE_READERS) == [source.key for source in MOVIE_SOURCES]


def test_keys_are_unique_within_a_kind() -> None:
    names = [(source.kind, source.key) for source in SOURCES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: f"{source.kind}-{source.key}")
def test_every_source_says_where_it_is_from_and_under_what_licence(source: Source) -> None:
    assert source.title
    assert source.licence
    assert source.citation
    for file in (*source.files, *source.official):
        assert file.sha256 or file.urls or (SHIPPED / file.name).parent == SHIPPED or source.key in GIVEN_BY_THE_USER
        assert len(file.sha256) in (0, 64)
        assert not Path(file.name).is_absolute()
        assert all(url.startswith("https://") for url in file.urls)


def test_only_open_licences_may_be_redistributed() -> None:
    allowed = {source.key for source in SOURCES if source.licence_allows_redistribution}
    assert allowed == {"omdb_org", "omdb_official", "wikipedia_prust", "starter", "redial", "movielens_small"}


def test_archives_with_two_sources_are_one_file() -> None:
    assert source_named("tmdb_jirving").files == source_named("imdb_basics_2000_2024").files
    assert source_named("tmdb_flatiron").files == source_named("imdb_basics_2010_2019").files


def test_a_key_that_is_two_things_is_found_by_kind() -> None:
    assert source_named("starter", "movies").files == (SourceFile("films.jsonl"),)
    assert source_named("starter", "dialogues").files == (SourceFile("dialogues.jsonl"),)
    assert source_named("starter", "interactions").files == (SourceFile("dialogues.jsonl"), SourceFile("films.jsonl"))


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(KeyError, match="nearest: movielens_25m"):
        source_named("movielens_20m")
    with pytest.raises(KeyError, match="of dialogues"):
        source_named("omdb_org", "dialogues")


def test_a_source_without_files_or_rank_is_refused() -> None:
    with pytest.raises(ValueError, match="source x"):
        Source("x", "movies", "X", "", "", "", (SourceFile("a"),))
    with pytest.raises(ValueError, match="only films have a rank"):
        Source("x", "interactions", "X", "", "", "", (SourceFile("a"),), rank=3)


def test_an_unknown_dialogue_data_set_is_refused() -> None:
    with pytest.raises(OSError, match="there is no reader"):
        read_dialogues("nonsense", {"a": Path("a/b")})


def test_every_data_set_of_interactions_is_a_source_and_has_a_reader() -> None:
    assert sorted(source.key for source in INTERACTION_SOURCES) == sorted(INTERACTION_DATASETS)
    for dataset in INTERACTION_DATASETS:
        with pytest.raises(OSError, match=f"reading {dataset}: saw"):
            read_interactions(dataset, {})
    with pytest.raises(OSError, match="there is no reader"):
        read_interactions("nonsense", {})


def test_only_sources_with_official_files_prefer_them() -> None:
    assert {source.key for source in SOURCES if source.is_official_preferred} == {"movielens_1m", "bookcrossing"}
    assert all(source.official for source in SOURCES if source.is_official_preferred)


def test_the_code_compatible_book_crossing_is_the_official_dump() -> None:
    assert "code-compatible" in source_named("bookcrossing_implicit").title
    assert source_named("bookcrossing_implicit").files == source_named("bookcrossing").official


@pytest.mark.real
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: f"{source.kind}-{source.key}")
def test_the_mirror_holds_what_is_pinned(source: Source, mirror: Path) -> None:
    for file in source.files:
        if file.sha256:
            assert hashlib.sha256((mirror / file.name).read_bytes()).hexdigest() == file.sha256
