"""The whole merge on the real archives: size, accounting, keys, references, coverage."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from corpus_pipeline.schema.tables import named
from corpus_pipeline.sources.readers import MOVIE_READERS
from corpus_pipeline.sources.registry import MOVIE_SOURCES
from corpus_pipeline.store import connect
from corpus_pipeline.transform.movies import build_movies

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def corpus(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    held = [source for source in MOVIE_SOURCES if all((mirror / file.name).exists() for file in source.files)]
    records = []
    for source in held:
        read = MOVIE_READERS[source.key](mirror / source.files[0].name, tmp_path_factory.mktemp(source.key))
        records.append(read.tables["core_movie_records"])
    table = pa.concat_tables(records)
    return {"records": table} | dict(build_movies(table, source_ranks={source.key: source.rank for source in held}))


def test_size_and_coverage(corpus) -> None:
    with connect(corpus) as con:
        films, plot, year = con.execute("SELECT count(*), count(plot) / count(*), count(year) / count(*) FROM core_movies").fetchone()
        credited = con.execute("SELECT count(DISTINCT movie_id) FROM core_credits WHERE role = 'director'").fetchone()[0]
    assert 350_000 < films < 362_000
    assert plot > 0.45
    assert year > 0.99
    assert credited > 95_000


def test_every_record_is_accounted_for(corpus) -> None:
    rejected = corpus["core_movies__rejected"].filter(pc.field("reason") == "unusable_title")
    assert corpus["core_movie_merges"].num_rows + rejected.num_rows == corpus["records"].num_rows


def test_keys_and_references_hold(corpus) -> None:
    with connect(corpus) as con:
        for name in corpus.keys() - {"records"}:
            table = named(name)
            assert (
                con.execute(f"SELECT count(*) FROM (SELECT DISTINCT {', '.join(table.key)} FROM {name})").fetchone()[0]
                == corpus[name].num_rows
            )
            for reference in table.references:
                on = " AND ".join(
                    f"a.{mine} = b.{theirs}" for mine, theirs in zip(reference.columns, reference.target_columns, strict=True)
                )
                assert con.execute(f"SELECT count(*) FROM {name} a ANTI JOIN {reference.table} b ON {on}").fetchone() == (0,)


def test_a_film_has_one_imdb_id_and_an_imdb_id_one_film(corpus) -> None:
    with connect(corpus) as con:
        for one, other in (("movie_id", "authority_id"), ("authority_id", "movie_id")):
            twice = f"SELECT {one} FROM core_movie_ids WHERE authority = 'imdb' GROUP BY {one} HAVING count(DISTINCT {other}) > 1"
            assert con.execute(twice).fetchall() == []
