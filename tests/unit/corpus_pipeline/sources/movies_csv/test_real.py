"""The real archives: how many films each source gives, and why rows are refused. Needs the mirror."""

from collections import Counter
from pathlib import Path

import pytest

from corpus_pipeline.schema.tables import MOVIE_RECORDS
from corpus_pipeline.sources.readers import MOVIE_READERS
from corpus_pipeline.sources.registry import source_named

# Films accepted, and rows refused by reason. Where these are fewer than the mirror's own list of sources says: imdb_india has 7
# rows equal in title, year, running time and people, and timdb_bollywood's 19 films without a title row are orphans.
EXPECTED = {
    "imdb_basics_2000_2024": (128_875, {}),
    "tmdb_jirving": (93_059, {}),
    "imdb_basics_2010_2019": (146_144, {}),
    "tmdb_flatiron": (25_497, {"duplicate_id": 1_020}),
    "imdb_raedaddala": (63_249, {"duplicate_id": 1}),
    "imdb_india": (15_501, {"duplicate_id": 7, "missing_title": 1}),
    "movielens_25m": (62_423, {}),
    "svod_netflix": (3_867, {"not_a_record": 2_840, "out_of_scope": 2_100}),
    "svod_amazon": (7_814, {"out_of_scope": 1_854}),
    "svod_disney": (1_052, {"out_of_scope": 398}),
    "timdb_bollywood": (4_573, {"duplicate_id": 206, "missing_id": 158, "orphan": 28}),
    "imdb_ggplot2movies": (58_788, {}),
    "omdb_org": (76_290, {"orphan": 430_674}),
}


@pytest.mark.real
@pytest.mark.parametrize("key", EXPECTED)
def test_films_and_refusals(key: str, mirror: Path, tmp_path: Path) -> None:
    read = MOVIE_READERS[key](mirror / source_named(key).files[0].name, tmp_path)
    films, reasons = EXPECTED[key]
    assert read.tables[MOVIE_RECORDS.name].num_rows == films
    assert Counter(read.rejects["reason"].to_pylist()) == reasons
    assert sum(count.read for count in read.counts) == sum(count.accepted + count.quarantined for count in read.counts)
